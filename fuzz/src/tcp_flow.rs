//! Reassembly: whatever segments come, pieces are in order, counted, and nothing follows a break.

use nofx_net::frame::{Segment, tcp_flags};
use nofx_net::tcp_flow::{FlowConfig, Piece, TcpFlow};
use nofx_types::Nanos;

/// The stream that every segment is cut from: the byte at a place tells the place.
pub fn byte_at(place: u32) -> u8 {
    (place ^ (place >> 8) ^ (place >> 16)) as u8
}

/// `data` as a list of segments: 4 bytes each, what, where (2) and how much.
pub fn tcp_flow(data: &[u8]) {
    let config = FlowConfig { src_port: 9, park_bytes: 1 << 10, ..FlowConfig::default() };
    let mut flow = TcpFlow::new(config).expect("a power of two");
    let (mut open, mut broken, mut next) = (false, false, 0u32);
    let base = 0xFFFF_F000u32; // sequence numbers wrap early
    let mut total = 0;
    let mut first = 0u32;
    for row in data.chunks_exact(4) {
        let [what, high, low, length] = [row[0], row[1], row[2], row[3]];
        let place = u32::from(high & 0x1F) << 8 | u32::from(low);
        let seq = base.wrapping_add(place);
        let flags = match what & 0xF0 {
            0x10 => tcp_flags::SYN,
            0x20 => tcp_flags::FIN,
            0x30 => tcp_flags::RST,
            _ => 0,
        };
        let payload: Vec<u8> = (0..u32::from(length))
            .map(|n| byte_at(seq.wrapping_add(n + u32::from(flags == tcp_flags::SYN))))
            .collect();
        let segment = Segment {
            src: [1; 4],
            dst: [2; 4],
            src_port: 9 + u16::from(what & 1),
            dst_port: 7 + u16::from(what & 2),
            seq,
            flags,
            payload: &payload,
            ts_ns: Nanos(0),
        };
        // The first bytes after an opening say where the stream begins.
        let start = if flags == tcp_flags::SYN { seq.wrapping_add(1) } else { seq };
        flow.take(&segment, |piece| match piece {
            Piece::Opened => {
                (open, broken, next) = (true, false, start);
                first = start;
            }
            Piece::Bytes(bytes) => {
                assert!(open && !broken && !bytes.is_empty());
                for byte in bytes {
                    assert_eq!(*byte, byte_at(next), "place {}", next.wrapping_sub(first));
                    next = next.wrapping_add(1);
                }
                total += bytes.len() as u64;
            }
            Piece::Broken { .. } => {
                assert!(open && !broken);
                broken = true;
            }
            Piece::Closed => {
                assert!(open);
                open = false;
            }
        });
    }
    flow.finish(|piece| assert!(matches!(piece, Piece::Closed | Piece::Broken { .. }) && open));
    assert_eq!(flow.counts().bytes, total);
}
