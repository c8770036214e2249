//! Frames: what gives a datagram, and the reason of each that does not.

mod support;

use nofx_net::capture::{Frame, LinkType};
use nofx_net::frame::{
    DecodeOptions, DropReason, FrameCounts, StampFormat, TAGS_MAX, TrailerStamp, decode,
};
use nofx_types::Nanos;
use proptest::prelude::*;
use support::*;

const PAYLOAD: &[u8] = b"one datagram";
const TIME: u64 = 1_692_711_000_123_456_789;

fn frame(link: LinkType, data: &[u8]) -> Frame<'_> {
    let orig_len = data.len() as u32;
    Frame { data, ts_ns: Nanos(TIME), orig_len, number: 1, offset: 24, link }
}

/// The payload, or the one reason counted.
fn outcome(frame: &Frame<'_>) -> Result<Vec<u8>, DropReason> {
    let mut counts = FrameCounts::default();
    let found = decode(frame, &DecodeOptions::default(), &mut counts);
    assert_eq!(counts.datagrams() + counts.dropped_all(), 1, "each frame is counted once");
    assert_eq!(found.is_some(), counts.datagrams() == 1);
    let reason = DropReason::ALL.into_iter().find(|reason| counts.dropped(*reason) == 1);
    match found {
        Some(datagram) => {
            assert_eq!((datagram.src, datagram.dst), ([10, 0, 0, 1], [233, 54, 12, 111]));
            assert_eq!((datagram.src_port, datagram.dst_port), (40_000, 26_477));
            assert_eq!(datagram.ts_ns, Nanos(TIME));
            Ok(datagram.payload.to_vec())
        }
        None => Err(reason.expect("a reason")),
    }
}

fn packet() -> Vec<u8> {
    ipv4(17, &udp(26_477, PAYLOAD))
}

/// The IP packet with `bytes` in place of what it has at `at`.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut packet = packet();
    packet[at..at + bytes.len()].copy_from_slice(bytes);
    packet
}

fn on_ethernet(packet: &[u8]) -> Result<Vec<u8>, DropReason> {
    outcome(&frame(LinkType::ETHERNET, &ethernet(&[], 0x0800, packet)))
}

#[test]
fn every_link_gives_the_payload() {
    let tags = [(0x88A8, 7), (0x8100, 0x2005), (0x8100, 3), (0x8100, 9), (0x8100, 1)];
    for stacked in 0..=TAGS_MAX {
        let data = ethernet(&tags[..stacked], 0x0800, &packet());
        assert_eq!(outcome(&frame(LinkType::ETHERNET, &data)), Ok(PAYLOAD.to_vec()), "{stacked}");
    }
    let single = ethernet(&[(0x88A8, 7)], 0x0800, &packet());
    assert_eq!(outcome(&frame(LinkType::ETHERNET, &single)), Ok(PAYLOAD.to_vec()));
    let many = ethernet(&tags, 0x0800, &packet());
    assert_eq!(outcome(&frame(LinkType::ETHERNET, &many)), Err(DropReason::BadVlan));

    // type, ARPHRD, address length, address, protocol
    let cooked_v1 = [&[0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0], &*packet()].concat();
    assert_eq!(outcome(&frame(LinkType::LINUX_SLL, &cooked_v1)), Ok(PAYLOAD.to_vec()));
    // protocol, reserved, interface, ARPHRD, type, address length, address
    let head = [8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 2, 6, 1, 2, 3, 4, 5, 6, 0, 0];
    let cooked_v2 = [&head, &*packet()].concat();
    assert_eq!(outcome(&frame(LinkType::LINUX_SLL2, &cooked_v2)), Ok(PAYLOAD.to_vec()));
    for raw in [LinkType::RAW, LinkType::RAW_12, LinkType::RAW_14, LinkType::IPV4] {
        assert_eq!(outcome(&frame(raw, &packet())), Ok(PAYLOAD.to_vec()), "{raw:?}");
    }
    assert_eq!(outcome(&frame(LinkType(105), &packet())), Err(DropReason::UnknownLink));
}

#[test]
fn options_and_padding_are_not_payload() {
    let mut options = packet();
    options[0] = 0x47;
    options[3] += 8;
    options.splice(20..20, [1; 8]);
    assert_eq!(on_ethernet(&options), Ok(PAYLOAD.to_vec()));
    let padded = [&*packet(), &[0xEE; 30]].concat();
    assert_eq!(on_ethernet(&padded), Ok(PAYLOAD.to_vec()));
    // The UDP length may end before the IP packet does.
    let shorter = with(24, &[0, 8 + 3]);
    assert_eq!(on_ethernet(&shorter), Ok(PAYLOAD[..3].to_vec()));
    assert_eq!(on_ethernet(&with(24, &[0, 8])), Ok(vec![]));
}

#[test]
fn each_reason_counts_its_own_frames() {
    use DropReason::*;
    let inside = packet().len();
    let cases: [(Vec<u8>, DropReason); 14] = [
        (with(0, &[0x55]), NotIpv4),
        (with(0, &[0x44]), NotIpv4),
        (with(2, &(inside as u16 + 1).to_be_bytes()), BadIpLength),
        (with(2, &19u16.to_be_bytes()), BadIpLength),
        (with(2, &27u16.to_be_bytes()), BadIpLength),
        (with(2, &[0, 0]), BadIpLength),
        (with(6, &[0x20, 0]), Fragment),
        (with(6, &[0, 1]), Fragment),
        (with(6, &[0x3F, 0xFF]), Fragment),
        (with(9, &[6]), NotUdp),
        (with(9, &[2]), NotUdp),
        (with(24, &[0, 7]), BadUdpLength),
        (with(24, &(inside as u16 - 19).to_be_bytes()), BadUdpLength),
        (with(24, &[0, 0]), BadUdpLength),
    ];
    for (bad, reason) in cases {
        assert_eq!(on_ethernet(&bad), Err(reason), "{bad:?}");
        assert_eq!(outcome(&frame(LinkType::RAW, &bad)), Err(reason), "raw: {bad:?}");
    }
    assert_eq!(on_ethernet(&with(6, &[0x40, 0])), Ok(PAYLOAD.to_vec()), "do not fragment");
    for (ethertype, reason) in [(0x0806, Arp), (0x86DD, Ipv6), (0x88CC, OtherEthertype)] {
        let data = ethernet(&[(0x8100, 5)], ethertype, &packet());
        assert_eq!(outcome(&frame(LinkType::ETHERNET, &data)), Err(reason));
    }
    assert_eq!(outcome(&frame(LinkType::RAW, &with(0, &[0x60]))), Err(Ipv6));
    let data = ethernet(&[], 0x0800, &packet());
    let longer = Frame { orig_len: data.len() as u32 + 1, ..frame(LinkType::ETHERNET, &data) };
    assert_eq!(outcome(&longer), Err(Snapped));
}

#[test]
fn cut_at_every_length_is_counted_and_never_a_shorter_payload() {
    let links = [
        (LinkType::ETHERNET, ethernet(&[], 0x0800, &packet())),
        (LinkType::ETHERNET, ethernet(&[(0x8100, 1), (0x8100, 2)], 0x0800, &packet())),
        (LinkType::RAW, packet()),
        (LinkType::LINUX_SLL, [&[0; 14], &[8, 0][..], &*packet()].concat()),
        (LinkType::LINUX_SLL2, [&[8, 0], &[0; 18][..], &*packet()].concat()),
    ];
    for (link, data) in links {
        assert!(outcome(&frame(link, &data)).is_ok());
        for length in 0..data.len() {
            let reason = outcome(&frame(link, &data[..length])).expect_err("cut");
            let lengths = [DropReason::Truncated, DropReason::BadIpLength];
            assert!(lengths.contains(&reason), "{link:?} cut at {length}: {reason:?}");
        }
    }
}

#[test]
fn wire_stamps_are_read_behind_the_datagram_where_asked_for() {
    let stamp =
        |from_end| TrailerStamp { bytes_from_end: from_end, format: StampFormat::SecondsNanos32 };
    let mut data = ethernet(&[], 0x0800, &packet());
    let plain = data.len();
    data.extend(1_692_711_000u32.to_be_bytes());
    data.extend(123_000_001u32.to_be_bytes());
    data.extend([0, 0, 1, 2]); // flags, device, port
    let time = |options: DecodeOptions, data: &[u8]| {
        let mut counts = FrameCounts::default();
        let found = decode(&frame(LinkType::ETHERNET, data), &options, &mut counts);
        (found.expect("a datagram").ts_ns.0, counts.unstamped())
    };
    let on = |from_end| DecodeOptions { wire_stamp: Some(stamp(from_end)) };
    assert_eq!(time(DecodeOptions::default(), &data), (TIME, 0), "off by default");
    assert_eq!(time(on(12), &data), (1_692_711_000_123_000_001, 0));
    // Inside the datagram, before the frame, implausible, or cut: the capture time, counted.
    for from_end in [13, 14, 7, 0, 200] {
        assert_eq!(time(on(from_end), &data), (TIME, 1), "{from_end} from the end");
    }
    assert_eq!(time(on(12), &data[..plain]), (TIME, 1), "no trailer");
    let mut nanos = data.clone();
    nanos[plain + 4..plain + 8].copy_from_slice(&1_000_000_000u32.to_be_bytes());
    assert_eq!(time(on(12), &nanos), (TIME, 1), "a nanosecond too many");
    data[plain..plain + 4].copy_from_slice(&(1_692_711_000u32 + 2 * 86_400).to_be_bytes());
    assert_eq!(time(on(12), &data), (TIME, 1), "two days away");
}

/// The header walk once more, as the tables of the standards read, without a fast path.
fn twin(data: &[u8]) -> Option<Vec<u8>> {
    let be = |at: usize| Some(usize::from(*data.get(at)?) << 8 | usize::from(*data.get(at + 1)?));
    let mut at = 12;
    for _ in 0..TAGS_MAX {
        if matches!(be(at)?, 0x8100 | 0x88A8) {
            at += 4;
        }
    }
    let ip = at + 2;
    let (first, total) = (*data.get(ip)?, be(ip + 2)?);
    let header = usize::from(first % 16) * 4;
    let good = be(at)? == 0x0800 && first / 16 == 4 && header >= 20;
    let whole = be(ip + 6)? % 0x4000 == 0 && *data.get(ip + 9)? == 17;
    let (udp, udp_len) = (ip + header, be(ip + header + 4)?);
    let fits = ip + total <= data.len() && header + 8 <= total && header + udp_len <= total;
    (good && whole && fits && udp_len >= 8).then(|| data[udp + 8..udp + udp_len].to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn damaged_frames_agree_with_the_twin(
        tags in 0usize..6,
        damage in prop::collection::vec((0usize..80, any::<u8>(), any::<bool>()), 0..4),
        length in 0usize..200,
    ) {
        let tags = vec![(0x8100, 5); tags];
        let mut data = ethernet(&tags, 0x0800, &packet());
        for (at, byte, near) in damage {
            if let Some(slot) = data.get_mut(at) {
                // Lengths and types break at their edges: stay near what was there half the time.
                *slot = if near { slot.wrapping_add(byte % 48).wrapping_sub(24) } else { byte };
            }
        }
        data.truncate(length);
        let mut counts = FrameCounts::default();
        let found = decode(&frame(LinkType::ETHERNET, &data), &DecodeOptions::default(), &mut counts);
        prop_assert_eq!(found.map(|datagram| datagram.payload.to_vec()), twin(&data));
        prop_assert_eq!(counts.datagrams() + counts.dropped_all(), 1);
    }
}
