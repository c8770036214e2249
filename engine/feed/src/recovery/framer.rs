//! Frames of a stream, however the bytes are cut.
//!
//! Model: a frame that lies whole in a chunk is lent from there; one that is cut by the end of a
//! chunk is put together in a buffer of the largest frame there is.

/// Puts frames together that a chunk cuts.
pub(super) struct Framer {
    held: Box<[u8]>,
    len: usize,
    /// The held frame was lent: its bytes are used up.
    lent: bool,
}

impl Framer {
    /// Frames of at most `bytes`.
    pub fn new(bytes: usize) -> Framer {
        Framer { held: vec![0; bytes].into_boxed_slice(), len: 0, lent: false }
    }

    pub fn clear(&mut self) {
        (self.len, self.lent) = (0, false);
    }

    /// The next frame of `bytes`, which loses what was read; `None` when more bytes are needed.
    /// `measure` tells the length of the frame at the front, as soon as it can.
    pub fn next<'a, 'b: 'a, E>(
        &'a mut self,
        bytes: &mut &'b [u8],
        measure: impl Fn(&[u8]) -> Result<Option<usize>, E>,
    ) -> Result<Option<&'a [u8]>, E> {
        if std::mem::take(&mut self.lent) {
            self.len = 0;
        }
        if self.len == 0
            && let Some(length) = measure(bytes)?
            && let Some((frame, rest)) = bytes.split_at_checked(length)
        {
            *bytes = rest;
            return Ok(Some(frame));
        }
        // A byte at a time until the length is known, then the rest at once.
        loop {
            let known = measure(self.held.get(..self.len).unwrap_or(&[]))?;
            let before = self.len;
            self.take(bytes, known.unwrap_or(before + 1));
            if known == Some(self.len) {
                self.lent = true;
                return Ok(self.held.get(..self.len));
            }
            if self.len == before {
                return Ok(None); // used up, or no frame of this size
            }
        }
    }

    /// Moves bytes over until `upto` are held.
    fn take(&mut self, bytes: &mut &[u8], upto: usize) {
        let wanted = upto.min(self.held.len()).saturating_sub(self.len).min(bytes.len());
        let (front, rest) = bytes.split_at(wanted);
        if let Some(room) = self.held.get_mut(self.len..self.len + wanted) {
            room.copy_from_slice(front);
            self.len += wanted;
        }
        *bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes of length, themselves included.
    fn measure(bytes: &[u8]) -> Result<Option<usize>, ()> {
        let Some((length, _)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_le_bytes(*length));
        if length < 2 { Err(()) } else { Ok(Some(length)) }
    }

    #[test]
    fn frames_come_out_whole_however_they_are_cut() {
        let frames: Vec<Vec<u8>> = (0..9u16)
            .map(|n| [&(n + 2).to_le_bytes()[..], &vec![n as u8; n.into()]].concat())
            .collect();
        let stream = frames.concat();
        for most in 1..stream.len() {
            let mut framer = Framer::new(16);
            let mut seen = Vec::new();
            for chunk in stream.chunks(most) {
                let mut rest = chunk;
                while let Some(frame) = framer.next(&mut rest, measure).expect("good lengths") {
                    seen.push(frame.to_vec());
                }
                assert!(rest.is_empty());
            }
            assert_eq!(seen, frames, "chunks of {most}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_an_error_and_one_that_does_not_fit_waits_for_ever() {
        let mut framer = Framer::new(4);
        assert!(framer.next(&mut &[1u8, 0, 9][..], measure).is_err());
        let mut rest = &[9u8, 0, 1, 2, 3, 4][..];
        assert_eq!(framer.next(&mut rest, measure), Ok(None));
    }
}
