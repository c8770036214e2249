//! Several captures as one stream.
//!
//! [`Chain`] plays them one after the other, [`Merge`] plays the packet with the earliest time
//! first, and the earlier file first when times are equal. Each frame says which file it is from;
//! its number and offset are those in that file. All files are opened at the start, so a missing
//! one is known before the first packet.
//!
//! Worst case: a merge of `n` files costs `log2 n` comparisons a packet. It does not sort inside a
//! file: where a file steps back in time, so does the stream.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use crate::capture::{Capture, Frame, Head};
use crate::{Result, Warning};

/// A frame and the index of its file.
#[derive(Clone, Copy, Debug)]
pub struct FileFrame<'a> {
    /// Index of the file in the order given.
    pub file: usize,
    /// The packet.
    pub frame: Frame<'a>,
}

/// A stream of frames from one or more captures.
pub trait FrameStream {
    /// The next frame; `None` when all files are at their end.
    ///
    /// # Errors
    /// As [`Capture::next`]; the file that failed counts as ended, the others go on if the caller
    /// does.
    fn next(&mut self) -> Result<Option<FileFrame<'_>>>;

    /// The captures, in the order given.
    fn captures(&self) -> &[Capture];

    /// Bytes done over all files, and their size.
    fn progress(&self) -> (u64, u64) {
        self.captures()
            .iter()
            .map(Capture::progress)
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// What was odd so far in any file. Complete after the last frame.
    fn warnings(&self) -> Vec<Warning> {
        self.captures().iter().flat_map(Capture::warnings).collect()
    }
}

/// Captures one after the other.
pub struct Chain {
    captures: Vec<Capture>,
    current: usize,
}

impl Chain {
    /// Opens the files.
    ///
    /// # Errors
    /// As [`Capture::open`], for the first file that fails.
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Chain> {
        Ok(Chain::new(open_all(paths)?))
    }

    /// Joins opened captures.
    pub fn new(captures: Vec<Capture>) -> Chain {
        Chain { captures, current: 0 }
    }
}

impl FrameStream for Chain {
    #[inline]
    fn next(&mut self) -> Result<Option<FileFrame<'_>>> {
        loop {
            let file = self.current;
            let Some(capture) = self.captures.get_mut(file) else { return Ok(None) };
            if let Some(head) = capture.advance()? {
                return Ok(frame_of(&self.captures, file, &head));
            }
            self.current += 1;
        }
    }

    fn captures(&self) -> &[Capture] {
        &self.captures
    }
}

/// Captures merged by capture time.
pub struct Merge {
    captures: Vec<Capture>,
    /// The next packet of each capture, where it has one.
    heads: Vec<Option<Head>>,
    /// Time and index of the captures with a packet waiting, earliest first.
    order: BinaryHeap<Reverse<(u64, usize)>>,
    /// Captures whose next packet must be fetched before the earliest is known, the last first.
    stale: Vec<usize>,
}

impl Merge {
    /// Opens the files.
    ///
    /// # Errors
    /// As [`Capture::open`], for the first file that fails.
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Merge> {
        Ok(Merge::new(open_all(paths)?))
    }

    /// Merges opened captures.
    pub fn new(captures: Vec<Capture>) -> Merge {
        let n = captures.len();
        Merge {
            heads: vec![None; n],
            order: BinaryHeap::with_capacity(n),
            stale: (0..n).rev().collect(),
            captures,
        }
    }

    #[inline]
    fn fetch(&mut self, file: usize) -> Result<()> {
        let (Some(capture), Some(head)) = (self.captures.get_mut(file), self.heads.get_mut(file))
        else {
            return Ok(());
        };
        *head = capture.advance()?;
        if let Some(head) = head {
            self.order.push(Reverse((head.ts_ns.0, file)));
        }
        Ok(())
    }
}

impl FrameStream for Merge {
    #[inline]
    fn next(&mut self) -> Result<Option<FileFrame<'_>>> {
        while let Some(file) = self.stale.pop() {
            self.fetch(file)?;
        }
        let Some(Reverse((_, file))) = self.order.pop() else { return Ok(None) };
        self.stale.push(file); // its bytes are lent until the next call, which fetches behind them
        match self.heads.get_mut(file).and_then(Option::take) {
            Some(head) => Ok(frame_of(&self.captures, file, &head)),
            None => Ok(None),
        }
    }

    fn captures(&self) -> &[Capture] {
        &self.captures
    }
}

#[inline]
fn frame_of<'a>(captures: &'a [Capture], file: usize, head: &Head) -> Option<FileFrame<'a>> {
    captures.get(file).map(|capture| FileFrame { file, frame: capture.frame(head) })
}

fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Vec<Capture>> {
    paths.into_iter().map(Capture::open).collect()
}
