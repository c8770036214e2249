//! Snapshots, from a session or from a line: what comes, and what is to be done for it.

use nofx_types::{EventSink, Nanos};
use nofx_wire::soup;

use super::refresh::{self, Place};
use super::snapshot::{Step, Todo};
use super::stage::Stage;
use super::{Action, Images, Mark, Recoverable, Recovering};
use crate::packet::LineFeed;

/// What is to be done to the source of images.
#[derive(Clone, Copy)]
pub(super) enum ImageTodo {
    Session(Todo),
    Line(refresh::Todo),
}

impl<D: Recoverable> Recovering<D> {
    /// The snapshot connection that was asked for is open.
    pub fn on_snapshot_opened(&mut self, at: Nanos) {
        self.snapshot.opened(at);
    }

    /// Takes bytes of the snapshot connection, cut anywhere.
    pub fn on_snapshot_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        let mut failed = false;
        // Each turn takes a frame of at least two bytes.
        while let Some(step) = self.snapshot.next(at, &mut rest) {
            let sequencer = self.feed.sequencer();
            let session = sequencer.session();
            let mark = match step {
                Step::Nothing => continue,
                Step::Accepted(name)
                    if !self.config.snapshot_same_session || D::is_session(session, name) =>
                {
                    continue;
                }
                Step::Accepted(_) | Step::Failed => Mark::Broken,
                Step::Message(message) => {
                    self.counters.snapshot_messages += 1;
                    let first = !std::mem::replace(&mut self.image, true);
                    image(&mut self.feed, at, message, first, sink)
                }
            };
            match mark {
                Mark::None => {}
                Mark::Next(next) => {
                    failed = !self.join(at, next, sink);
                    break;
                }
                Mark::Broken => {
                    failed = true;
                    break;
                }
            }
        }
        if failed {
            self.snapshot_failed(at);
        }
        self.turn(at, sink);
    }

    /// The snapshot connection ended, or could not be made, and nobody had asked for that.
    pub fn on_snapshot_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S) {
        if self.snapshot.closed() {
            self.snapshot_failed(at);
        }
        self.turn(at, sink);
    }

    /// Takes one UDP payload of the refresh line; of no effect while no image is waited for.
    pub fn on_refresh<S: EventSink>(&mut self, at: Nanos, payload: &[u8], sink: &mut S) {
        if D::IMAGES != Images::Line || self.stage != Stage::Snapshot || !self.refresh.is_active() {
            return;
        }
        let Some(datagram) = self.feed.decoder_mut().datagram(payload) else { return };
        if !self.feed.sequencer().is_of_now(datagram.send_ns) {
            return; // of an image of before: what is left of it begins in the middle
        }
        self.counters.refresh_packets += 1;
        let was_whole = self.refresh.in_image;
        let count = u64::from(datagram.count);
        let skip = match self.refresh.place(datagram.seq, count, datagram.send_ns) {
            Place::Nothing => return,
            Place::From(skip) => skip,
            Place::Torn => {
                self.counters.refresh_torn += u64::from(was_whole);
                self.image = false; // what was begun is of no use
                0
            }
        };
        self.feed.decoder_mut().sent(datagram.send_ns);
        self.refreshed(at, datagram.blocks, skip, sink);
        self.turn(at, sink);
    }

    /// Messages of the refresh line, from number `skip` of their packet on.
    fn refreshed<S: EventSink>(&mut self, at: Nanos, blocks: &[u8], skip: u64, sink: &mut S) {
        let (mut rest, mut skip) = (blocks, skip);
        while let Some((message, behind)) = D::split(rest) {
            rest = behind;
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if !self.refresh.in_image {
                // Its end is the beginning of the next one.
                self.refresh.in_image = D::mark(message) != Mark::None;
                self.image = false;
                continue;
            }
            self.counters.snapshot_messages += 1;
            let first = !std::mem::replace(&mut self.image, true);
            match image(&mut self.feed, at, message, first, sink) {
                Mark::None => {}
                Mark::Next(next) if self.join(at, next, sink) => return,
                Mark::Next(_) | Mark::Broken => {
                    self.counters.snapshots_failed += 1;
                    self.image = false;
                }
            }
        }
    }

    pub(super) fn start_images(&mut self, now: Nanos) {
        match D::IMAGES {
            Images::Session => self.snapshot.start(now),
            Images::Line => self.refresh.start(now),
        }
    }

    pub(super) fn stop_images(&mut self) {
        match D::IMAGES {
            Images::Session => self.snapshot.stop(),
            Images::Line => self.refresh.stop(),
        }
    }

    /// Whether images may still come.
    pub(super) fn images_on_time(&mut self, now: Nanos) -> bool {
        match D::IMAGES {
            Images::Session => self.snapshot.on_time(now),
            Images::Line => self.refresh.on_time(now),
        }
    }

    pub(super) fn images_deadline(&self) -> Option<Nanos> {
        match D::IMAGES {
            Images::Session => self.snapshot.deadline(),
            Images::Line => self.refresh.deadline(),
        }
    }

    pub(super) fn image_todo(&mut self) -> Option<ImageTodo> {
        match D::IMAGES {
            Images::Session => self.snapshot.poll().map(ImageTodo::Session),
            Images::Line => self.refresh.poll().map(ImageTodo::Line),
        }
    }

    pub(super) fn image_action(&self, todo: ImageTodo) -> Action<'_> {
        match todo {
            ImageTodo::Session(Todo::Connect) => Action::SnapshotConnect,
            ImageTodo::Session(Todo::Close) => Action::SnapshotClose,
            ImageTodo::Session(Todo::Login) => Action::SnapshotSend(&self.snapshot.login),
            ImageTodo::Session(Todo::Heartbeat) => Action::SnapshotSend(&soup::CLIENT_HEARTBEAT),
            ImageTodo::Session(Todo::Logout) => Action::SnapshotSend(&soup::LOGOUT),
            ImageTodo::Line(refresh::Todo::Join) => Action::RefreshJoin,
            ImageTodo::Line(refresh::Todo::Leave) => Action::RefreshLeave,
        }
    }
}

/// A message of a snapshot: what it says about its end, or part of the image, of which the first
/// clears the books.
fn image<D: Recoverable, S: EventSink>(
    feed: &mut LineFeed<D>,
    at: Nanos,
    message: &[u8],
    first: bool,
    sink: &mut S,
) -> Mark {
    let mark = D::mark(message);
    let (sequencer, mut delivery) = feed.split(sink);
    if first {
        sequencer.freeze();
        delivery.begin_image(at);
    }
    if mark == Mark::None {
        delivery.unnumbered(at, message);
    }
    mark
}
