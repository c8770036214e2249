//! The way of a log line out: a bounded queue and a thread, so that a reader of standard error that
//! does not read holds nobody up. What does not fit is dropped and counted.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const WAITING: usize = 4_096;
/// Longest line; the rest of it is cut.
const LONGEST: usize = 16 * 1024;

static DROPPED: AtomicU64 = AtomicU64::new(0);
static QUEUE: OnceLock<SyncSender<Word>> = OnceLock::new();

enum Word {
    Line(Vec<u8>),
    Flushed(SyncSender<()>),
}

/// Lines dropped so far.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Makes a writer per line.
#[derive(Clone)]
pub(super) struct Lines(SyncSender<Word>);

impl Lines {
    /// The process's way to standard error; its thread begins with the first call.
    pub fn to_stderr() -> Lines {
        Lines(QUEUE.get_or_init(|| Lines::to(io::stderr()).0).clone())
    }

    /// A way to `out`.
    pub fn to(out: impl Write + Send + 'static) -> Lines {
        let (queue, words) = sync_channel(WAITING);
        // Without the thread the queue fills and lines are dropped: counted, and not in the way.
        _ = std::thread::Builder::new().name("log".into()).spawn(move || carry(&words, out));
        Lines(queue)
    }

    /// Waits until what was said so far is out, or `patience` is over.
    pub fn flush(&self, patience: Duration) {
        let (done, flushed) = sync_channel(1);
        if self.0.try_send(Word::Flushed(done)).is_ok() {
            _ = flushed.recv_timeout(patience);
        }
    }
}

fn carry(words: &Receiver<Word>, mut out: impl Write) {
    while let Ok(word) = words.recv() {
        match word {
            Word::Line(line) => _ = out.write_all(&line),
            Word::Flushed(done) => {
                _ = out.flush();
                _ = done.try_send(());
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { queue: self.0.clone(), bytes: Vec::new() }
    }
}

/// One line, sent when it is dropped.
pub(super) struct Line {
    queue: SyncSender<Word>,
    bytes: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LONGEST.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(&[]));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        let line = std::mem::take(&mut self.bytes);
        if line.len() > 1 && self.queue.try_send(Word::Line(line)).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Nobody reads: the first write waits for ever.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up() {
        let (release, stuck) = mpsc::channel();
        let lines = Lines::to(Stuck(stuck));
        let before = dropped();
        for _ in 0..2 * WAITING {
            lines.make_writer().write_all(b"line\n").expect("never fails");
        }
        // One line may be with the writer; another test may drop lines too, none gives any back.
        assert!(dropped() - before >= (WAITING - 1) as u64);
        drop(release);
    }

    #[test]
    fn lines_come_whole_and_in_order() {
        let (out, said) = mpsc::channel::<Vec<u8>>();
        struct Out(mpsc::Sender<Vec<u8>>);
        impl Write for Out {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::to(Out(out));
        lines.make_writer().write_all(b"a").expect("never fails");
        lines.make_writer().write_all(&vec![b'x'; 2 * LONGEST]).expect("never fails");
        lines.flush(Duration::from_secs(10));
        let said: Vec<_> = said.try_iter().collect();
        assert_eq!((said[0].as_slice(), said[1].len()), (b"a\n".as_slice(), LONGEST + 1));
    }
}
