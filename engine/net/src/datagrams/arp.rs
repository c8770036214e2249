//! Who has which hardware address (RFC 826): what a unicast peer needs, no more.
//!
//! ```text
//!  Ethernet 14 (type 0806) | 0001 0800 06 04 | op 2 | sender mac 6, ip 4 | target mac 6, ip 4
//! ```
//!
//! Model: a fixed table of neighbours. Configured entries never change. An entry is learnt only for
//! an address that we asked for or that speaks to us, as the RFC says, and the oldest learnt one
//! makes room when the table is full.

use std::net::Ipv4Addr;

use super::build::FRAME_MIN;

const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const BROADCAST: [u8; 6] = [0xFF; 6];

/// Neighbours that are remembered, at most, beyond the configured ones.
const LEARNT_MAX: usize = 16;

/// Polls between two requests for addresses that do not answer, at least. There is no clock here.
const POLLS_PER_REQUEST: u64 = 4_096;

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Request (1) or reply (2).
    pub op: u16,
    /// Who speaks.
    pub sender: ([u8; 6], Ipv4Addr),
    /// Whom it is about.
    pub target: ([u8; 6], Ipv4Addr),
}

impl Arp {
    /// The ARP packet in an Ethernet frame without tags.
    pub fn parse(frame: &[u8]) -> Option<Arp> {
        let arp = frame.get(14..)?.first_chunk::<28>()?;
        let known = frame.get(12..14)? == [0x08, 0x06] && arp[..6] == [0, 1, 8, 0, 6, 4];
        let op = u16::from_be_bytes([arp[6], arp[7]]);
        let end = |at: usize| {
            let part = arp.get(at..)?.first_chunk::<10>()?;
            let mac = *part.first_chunk::<6>()?;
            Some((mac, Ipv4Addr::new(part[6], part[7], part[8], part[9])))
        };
        (known && (op == REQUEST || op == REPLY)).then_some(Arp {
            op,
            sender: end(8)?,
            target: end(18)?,
        })
    }

    /// The frame that carries it.
    pub fn frame(&self) -> [u8; FRAME_MIN] {
        let mut frame = [0; FRAME_MIN];
        let to = if self.op == REQUEST { BROADCAST } else { self.target.0 };
        frame[0..6].copy_from_slice(&to);
        frame[6..12].copy_from_slice(&self.sender.0);
        frame[12..20].copy_from_slice(&[0x08, 0x06, 0, 1, 8, 0, 6, 4]);
        frame[20..22].copy_from_slice(&self.op.to_be_bytes());
        for (at, (mac, ip)) in [(22, self.sender), (32, self.target)] {
            frame[at..at + 6].copy_from_slice(&mac);
            frame[at + 6..at + 10].copy_from_slice(&ip.octets());
        }
        frame
    }
}

/// Who is where.
#[derive(Debug)]
pub struct Neighbours {
    own: ([u8; 6], Ipv4Addr),
    fixed: Vec<(Ipv4Addr, [u8; 6])>,
    learnt: [(Ipv4Addr, [u8; 6]); LEARNT_MAX],
    next: usize,
    asked: Option<(Ipv4Addr, u64)>,
}

impl Neighbours {
    /// For the end `own`, with configured entries.
    pub fn new(own: ([u8; 6], Ipv4Addr), fixed: Vec<(Ipv4Addr, [u8; 6])>) -> Neighbours {
        let learnt = [(Ipv4Addr::UNSPECIFIED, [0; 6]); LEARNT_MAX];
        Neighbours { own, fixed, learnt, next: 0, asked: None }
    }

    /// Hardware address of `ip`, if known.
    #[inline]
    pub fn find(&self, ip: Ipv4Addr) -> Option<[u8; 6]> {
        let all = self.fixed.iter().chain(&self.learnt);
        all.filter(|(known, _)| *known == ip && !ip.is_unspecified()).map(|(_, mac)| *mac).next()
    }

    /// The request to send for `ip`, unless one went out lately.
    pub fn ask(&mut self, ip: Ipv4Addr, poll: u64) -> Option<Arp> {
        let lately = self.asked.is_some_and(|(asked, at)| asked == ip && poll < at);
        if lately {
            return None;
        }
        self.asked = Some((ip, poll + POLLS_PER_REQUEST));
        Some(Arp { op: REQUEST, sender: self.own, target: ([0; 6], ip) })
    }

    /// Takes what `arp` teaches; the reply to send when it asks for us.
    pub fn heard(&mut self, arp: &Arp) -> Option<Arp> {
        let (_, wanted) = arp.target;
        let ours = wanted == self.own.1 && !wanted.is_unspecified();
        if !ours || arp.sender.1 == self.own.1 {
            return None;
        }
        self.learn(arp.sender.1, arp.sender.0);
        (arp.op == REQUEST).then_some(Arp { op: REPLY, sender: self.own, target: arp.sender })
    }

    fn learn(&mut self, ip: Ipv4Addr, mac: [u8; 6]) {
        let usable = !ip.is_unspecified() && !ip.is_multicast() && mac[0] & 1 == 0;
        if !usable || self.fixed.iter().any(|(known, _)| *known == ip) {
            return;
        }
        let at = self.learnt.iter().position(|(known, _)| *known == ip).unwrap_or_else(|| {
            self.next = (self.next + 1) % LEARNT_MAX;
            self.next
        });
        if let Some(place) = self.learnt.get_mut(at) {
            *place = (ip, mac);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: ([u8; 6], Ipv4Addr) = ([2, 0, 0, 0, 0, 1], Ipv4Addr::new(10, 0, 0, 1));
    const YOU: ([u8; 6], Ipv4Addr) = ([2, 0, 0, 0, 0, 2], Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn what_is_written_is_read_and_cut_at_every_length() {
        let arp = Arp { op: REPLY, sender: ME, target: YOU };
        let frame = arp.frame();
        assert_eq!(Arp::parse(&frame), Some(arp));
        assert!((0..42).all(|len| Arp::parse(&frame[..len]).is_none()));
        assert_eq!(Arp::parse(&frame[..42]), Some(arp));
        for at in 12..22 {
            let mut other = frame;
            other[at] ^= 0x40;
            assert_eq!(Arp::parse(&other), None, "byte {at}");
        }
    }

    #[test]
    fn only_who_speaks_to_us_is_learnt_and_configured_entries_stay() {
        let mut known = Neighbours::new(ME, vec![(YOU.1, YOU.0)]);
        let other = ([4, 0, 0, 0, 0, 9], Ipv4Addr::new(10, 0, 0, 9));
        let says = |sender, target, op| Arp { op, sender, target };
        assert_eq!(known.heard(&says(other, YOU, REQUEST)), None, "not about us");
        assert_eq!(known.find(other.1), None);
        let reply = known.heard(&says(other, ([0; 6], ME.1), REQUEST));
        assert_eq!(reply, Some(says(ME, other, REPLY)));
        assert_eq!(known.find(other.1), Some(other.0));
        assert_eq!(known.heard(&says((other.0, YOU.1), ME, REPLY)), None);
        assert_eq!(known.find(YOU.1), Some(YOU.0), "a configured neighbour is not taken over");
        assert_eq!(
            known.heard(&says((other.0, ME.1), ME, REQUEST)),
            None,
            "somebody has our address"
        );
        known.heard(&says(([1; 6], Ipv4Addr::new(10, 0, 0, 8)), ME, REPLY));
        assert_eq!(known.find(Ipv4Addr::new(10, 0, 0, 8)), None, "a group is nobody's address");
    }

    #[test]
    fn requests_are_rare_and_the_table_is_bounded() {
        let mut known = Neighbours::new(ME, Vec::new());
        let asked = (0..3 * POLLS_PER_REQUEST).filter(|poll| known.ask(YOU.1, *poll).is_some());
        assert_eq!(asked.count(), 3);
        for last in 2..=200 {
            let sender = ([2, 0, 0, 0, 1, last], Ipv4Addr::new(10, 0, 0, last));
            known.heard(&Arp { op: REPLY, sender, target: ME });
            assert_eq!(known.find(sender.1), Some(sender.0));
        }
        assert_eq!(known.find(Ipv4Addr::new(10, 0, 0, 2)), None, "the oldest made room");
    }
}
