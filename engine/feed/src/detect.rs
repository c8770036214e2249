//! Which packet feed a capture carries, told by the payload, never by port, group or file name.

use nofx_wire::iex::{Protocol, Segment};
use nofx_wire::{itch, mold, omdc};

/// A packet feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketFeedKind {
    /// MoldUDP64 with TotalView-ITCH 5.0.
    ItchMold,
    /// IEX-TP with DEEP 1.0.
    IexDeep,
    /// IEX-TP with DEEP+.
    IexDeepPlus,
    /// IEX-TP with TOPS 1.5 or 1.6.
    IexTops,
    /// HKEX OMD-C.
    Omdc,
}

/// Recognises the feed of one UDP payload. `None` for what is neither, and for a MoldUDP64
/// heartbeat, which does not tell what it carries: ask again with the next payload.
pub fn detect_packet_feed(payload: &[u8]) -> Option<PacketFeedKind> {
    if let Ok(segment) = Segment::parse(payload)
        && let Some(protocol) = Protocol::from_id(segment.header().protocol_id.get())
    {
        return Some(match protocol {
            Protocol::Deep => PacketFeedKind::IexDeep,
            Protocol::DeepPlus => PacketFeedKind::IexDeepPlus,
            Protocol::Tops15 | Protocol::Tops16 => PacketFeedKind::IexTops,
        });
    }
    if is_omdc(payload) {
        return Some(PacketFeedKind::Omdc);
    }
    let packet = mold::Packet::parse(payload).ok()?;
    is_itch(&packet).then_some(PacketFeedKind::ItchMold)
}

/// Whether all sizes use the payload exactly, and no message is of an unknown type or shorter than
/// its type. A heartbeat does not tell: sixteen bytes prove too little.
fn is_omdc(payload: &[u8]) -> bool {
    let Ok(packet) = omdc::Packet::parse(payload) else { return false };
    let fits = |message: &[u8]| {
        let least = omdc::type_of(message).and_then(omdc::min_length_of);
        least.is_some_and(|least| message.len() >= least)
    };
    !packet.is_heartbeat() && packet.messages().all(fits)
}

/// Whether some message has the length of its ITCH type, and none contradicts its type.
fn is_itch(packet: &mold::Packet<'_>) -> bool {
    let lengths = || {
        packet.blocks().filter_map(|block| Some((block.len(), itch::length_of(*block.first()?)?)))
    };
    lengths().next().is_some() && lengths().all(|(length, want)| length == want)
}
