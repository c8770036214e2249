//! Re-request servers, by datagrams or in a session: what comes, and what is to be done for it.

use nofx_types::{EventSink, Nanos};

use super::request_session::{RequestSession, Todo};
use super::requester::Requester;
use super::{
    Action, Recoverable, Recovering, RecoveryConfig, RecoveryCounters, Refusal, Request, Requests,
    StreamPacket,
};
use crate::ConfigError;
use crate::packet::LineFeed;
use crate::sequencer::Answer;

/// Largest packet of a session.
const PACKET_MAX: usize = u16::MAX as usize;

/// The session as configured.
pub(super) fn session<D: Recoverable>(
    config: &RecoveryConfig,
) -> Result<RequestSession, ConfigError> {
    let bad = ConfigError::Value { key: "request_user", want: "at most 12 bytes" };
    let logon = D::logon(&config.request_user).ok_or(bad)?;
    let used = D::REQUESTS == Requests::Stream && config.servers > 0;
    Ok(RequestSession::new(logon, D::heartbeat(), if used { PACKET_MAX } else { 0 }))
}

impl<D: Recoverable> Recovering<D> {
    /// Takes one UDP payload that re-request server `server` sent.
    pub fn on_reply<S: EventSink>(
        &mut self,
        server: usize,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        let known = server < self.config.servers;
        let Recovering { feed, requester, counters, .. } = self;
        if answer(feed, requester, counters, at, payload, known, sink) {
            self.turn(at, sink);
        }
    }

    /// The connection that [`Action::RetransmitConnect`] asked for is open.
    pub fn on_retransmit_opened(&mut self, _: Nanos) {
        self.session.opened();
    }

    /// Takes bytes of that connection, cut anywhere.
    pub fn on_retransmit_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        // Each turn takes a packet.
        loop {
            let Recovering { session, feed, requester, counters, .. } = self;
            let kind = match session.next::<D>(&mut rest) {
                Ok(Some(packet)) => {
                    let kind = D::stream_packet(packet);
                    if kind == StreamPacket::Data {
                        answer(feed, requester, counters, at, packet, true, sink);
                    }
                    kind
                }
                Ok(None) => break,
                Err(_) => StreamPacket::LogonRefused, // the stream is of no use any more
            };
            if !self.on_stream_packet(kind) {
                break;
            }
        }
        self.turn(at, sink);
    }

    /// The connection ended, or could not be made, and nobody had asked for that.
    pub fn on_retransmit_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S) {
        if self.session.closed() {
            self.counters.sessions_lost += 1;
            self.requester.session_lost();
        }
        self.turn(at, sink);
    }

    /// What a packet without messages means; false when the session is over.
    fn on_stream_packet(&mut self, packet: StreamPacket) -> bool {
        match packet {
            StreamPacket::LoggedOn if self.session.logged_on() => self.counters.sessions += 1,
            StreamPacket::LoggedOn | StreamPacket::Nothing | StreamPacket::Data => {}
            StreamPacket::Heartbeat => self.session.answer_heartbeat(),
            StreamPacket::Accepted { end } => self.requester.accepted(end),
            StreamPacket::Refused(refusal) => {
                self.counters.requests_refused += 1;
                self.requester.refused(refusal);
                if refusal == Refusal::Barred {
                    self.session.stop();
                    return false;
                }
            }
            StreamPacket::LogonRefused => {
                self.lose_session();
                return false;
            }
        }
        true
    }

    fn lose_session(&mut self) {
        self.counters.sessions_lost += 1;
        self.session.stop();
        self.requester.session_lost();
    }

    /// Frees requests that were answered or timed out; a session that did not answer is left.
    pub(super) fn expire_requests(&mut self, now: Nanos) {
        let silent = self.requester.expire(now, self.feed.sequencer(), &mut self.counters);
        if silent && self.session.is_on() {
            self.counters.sessions_lost += 1;
            self.session.stop();
        }
    }

    /// Asks for what is missing; where requests go through a session, sees to it that there is one.
    pub(super) fn ask(&mut self, now: Nanos) {
        let feed = &self.feed;
        let sequencer = feed.sequencer();
        let request =
            |first, count| -> Request { feed.decoder().request(sequencer.session(), first, count) };
        self.requester.ask(now, sequencer, request, &mut self.counters);
        if D::REQUESTS == Requests::Stream
            && let Some(server) = self.requester.waits_for()
        {
            self.session.want(server);
        }
    }

    pub(super) fn request_action(&mut self) -> Option<Action<'_>> {
        if D::REQUESTS == Requests::Datagrams {
            return self.requester.poll().map(|(server, bytes)| Action::Request { server, bytes });
        }
        if let Some(todo) = self.session.poll() {
            return Some(match todo {
                Todo::Close => Action::RetransmitClose,
                Todo::Connect => Action::RetransmitConnect { server: self.session.server },
                Todo::Logon => Action::RetransmitSend(self.session.logon.as_bytes()),
                Todo::Heartbeat => Action::RetransmitSend(self.session.heartbeat.as_bytes()),
            });
        }
        if !self.session.is_open() || self.requester.waits_for() != Some(self.session.server) {
            return None;
        }
        self.requester.poll().map(|(_, bytes)| Action::RetransmitSend(bytes))
    }
}

/// Takes messages that a server sent; whether they were of the stream.
fn answer<D: Recoverable, S: EventSink>(
    feed: &mut LineFeed<D>,
    requester: &mut Requester,
    counters: &mut RecoveryCounters,
    at: Nanos,
    payload: &[u8],
    known: bool,
    sink: &mut S,
) -> bool {
    counters.replies += 1;
    let datagram = feed.decoder_mut().datagram(payload).filter(|_| known);
    let Some(datagram) = datagram else {
        counters.replies_refused += 1;
        return false;
    };
    let (sequencer, mut delivery) = feed.split(sink);
    match sequencer.on_answer(at, &datagram, &mut delivery) {
        Answer::New(messages) => counters.recovered += messages,
        Answer::Known => counters.replies_late += 1,
        Answer::Refused => {
            counters.replies_refused += 1;
            return false;
        }
    }
    let end = datagram.seq.saturating_add(u64::from(datagram.count));
    requester.answered(datagram.seq, end, at);
    true
}
