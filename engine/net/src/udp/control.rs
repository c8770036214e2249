//! What the kernel says beside a datagram: when it arrived, and how many were lost before it.
//!
//! ```text
//!  len 8 | level 4 | type 4 | data .. | up to the next multiple of 8 |
//!    SOL_SOCKET, SCM_TIMESTAMPNS     timespec: kernel
//!    SOL_SOCKET, SCM_TIMESTAMPING    timespec x 3: kernel, none, card
//!    SOL_SOCKET, SO_RXQ_OVFL         u32: datagrams the socket had no room for, since it was opened
//! ```
//! Source: cmsg(3), and Documentation/networking/timestamping.rst of the kernel, 2.1.

use nofx_types::Nanos;

const HEADER: usize = 16;
const ALIGN: usize = 8;
const TIMESPEC: usize = 16;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Arrival by the card's clock, else by the kernel's; 0 without either.
    pub wall: Nanos,
    /// Datagrams lost so far, as far as it was said.
    pub lost: Option<u32>,
}

impl Control {
    /// Reads the control bytes of a message; whatever is cut or unknown is passed over.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Control {
        let (mut control, mut rest) = (Control::default(), bytes);
        // Bounded: every turn takes at least a header.
        while let Some((head, body)) = rest.split_first_chunk::<HEADER>() {
            let len = usize::from_ne_bytes(first(head));
            let Some(data) = len.checked_sub(HEADER).and_then(|len| body.get(..len)) else { break };
            let level = i32::from_ne_bytes(first(&head[8..]));
            if level == libc::SOL_SOCKET {
                control.take(i32::from_ne_bytes(first(&head[12..])), data);
            }
            rest = body.get(data.len().next_multiple_of(ALIGN)..).unwrap_or(&[]);
        }
        control
    }

    fn take(&mut self, kind: i32, data: &[u8]) {
        match kind {
            libc::SCM_TIMESTAMPNS => self.wall = timespec(data, 0),
            libc::SCM_TIMESTAMPING => {
                let (kernel, card) = (timespec(data, 0), timespec(data, 2));
                let stamps = [card, kernel, self.wall];
                self.wall = stamps.into_iter().find(|stamp| stamp.0 > 0).unwrap_or_default();
            }
            libc::SO_RXQ_OVFL => {
                self.lost = data.first_chunk::<4>().map(|count| u32::from_ne_bytes(*count));
            }
            _ => {}
        }
    }
}

/// The timespec number `index`; 0 where it is cut or no time.
fn timespec(data: &[u8], index: usize) -> Nanos {
    let at = index * TIMESPEC;
    let part = |at: usize| {
        let bytes = data.get(at..)?.first_chunk::<8>()?;
        u64::try_from(i64::from_ne_bytes(*bytes)).ok()
    };
    let stamp = part(at).zip(part(at + 8)).and_then(|(seconds, nanos)| {
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos.min(999_999_999))
    });
    Nanos(stamp.unwrap_or(0))
}

/// The first bytes; zeros where there are fewer.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk::<N>().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use nofx_rt::rng::Rng;

    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER + data.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
        bytes
    }

    fn times(times: &[(i64, i64)]) -> Vec<u8> {
        times.iter().flat_map(|(s, n)| [s.to_ne_bytes(), n.to_ne_bytes()].concat()).collect()
    }

    #[test]
    fn the_cards_clock_is_preferred_and_unknown_messages_are_passed_over() {
        let sol = libc::SOL_SOCKET;
        let lost = message(sol, libc::SO_RXQ_OVFL, &7u32.to_ne_bytes());
        let other = message(libc::IPPROTO_IP, libc::SCM_TIMESTAMPNS, &times(&[(9, 9)]));
        let kernel = message(sol, libc::SCM_TIMESTAMPING, &times(&[(1, 2), (0, 0), (0, 0)]));
        let card = message(sol, libc::SCM_TIMESTAMPING, &times(&[(1, 2), (0, 0), (3, 4)]));
        let plain = message(sol, libc::SCM_TIMESTAMPNS, &times(&[(5, 6)]));
        let parse = |parts: &[&[u8]]| Control::parse(&parts.concat());
        let want = |wall, lost| Control { wall: Nanos(wall), lost };
        assert_eq!(parse(&[&lost, &other, &kernel]), want(1_000_000_002, Some(7)));
        assert_eq!(parse(&[&card, &lost]), want(3_000_000_004, Some(7)));
        assert_eq!(parse(&[&other, &plain]), want(5_000_000_006, None));
        assert_eq!(
            parse(&[&message(sol, libc::SCM_TIMESTAMPNS, &times(&[(-5, 6)]))]),
            want(0, None)
        );
    }

    #[test]
    fn cut_at_every_length_and_any_bytes_at_all() {
        let sol = libc::SOL_SOCKET;
        let whole = [
            message(sol, libc::SCM_TIMESTAMPING, &times(&[(1, 2), (0, 0), (3, 4)])),
            message(sol, libc::SO_RXQ_OVFL, &7u32.to_ne_bytes()),
        ]
        .concat();
        for len in 0..whole.len() {
            let cut = Control::parse(&whole[..len]);
            assert!(cut.wall.0 == 0 || len >= 64, "{len}: {cut:?}");
        }
        let mut rng = Rng::new(3);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + rng.below(4) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.next() as u8;
            }
            Control::parse(&bytes);
        }
    }
}
