//! ITCH, MoldUDP64 and IEX: no byte string may make a decoder panic, and what a decoder accepts must
//! re-emit as it was and add up to the length of the input.

use nofx_wire::iex::{self, Protocol, Segment, SegmentError};
use nofx_wire::itch::{self, file};
use nofx_wire::mold::{self, Kind, MoldError, Packet, PacketBuilder};

/// `Debug` text of the record at the front of `$body` whose kind is one of the table's.
macro_rules! record_text {
    ($body:ident, $($kind:pat => $record:ty,)*) => {
        match *$body.first()? {
            $($kind => <$record>::parse($body).map(|record| {
                assert_eq!(Some(record.bytes()), $body.get(..size_of::<$record>()));
                format!("{record:?}")
            }),)*
            _ => None,
        }
    };
}

/// The fields of an ITCH message; `None` when its kind is not known or it is too short.
pub fn itch_text(body: &[u8]) -> Option<String> {
    use itch::*;
    record_text! { body,
        SystemEvent::KIND => SystemEvent,
        StockDirectory::KIND => StockDirectory,
        TradingAction::KIND => TradingAction,
        RegSho::KIND => RegSho,
        ParticipantPosition::KIND => ParticipantPosition,
        MwcbDecline::KIND => MwcbDecline,
        MwcbStatus::KIND => MwcbStatus,
        QuotingPeriod::KIND => QuotingPeriod,
        LuldCollar::KIND => LuldCollar,
        OperationalHalt::KIND => OperationalHalt,
        AddOrder::KIND => AddOrder,
        AddOrderMpid::KIND => AddOrderMpid,
        OrderExecuted::KIND => OrderExecuted,
        OrderExecutedWithPrice::KIND => OrderExecutedWithPrice,
        OrderCancel::KIND => OrderCancel,
        OrderDelete::KIND => OrderDelete,
        OrderReplace::KIND => OrderReplace,
        Trade::KIND => Trade,
        CrossTrade::KIND => CrossTrade,
        BrokenTrade::KIND => BrokenTrade,
        Noii::KIND => Noii,
        Rpii::KIND => Rpii,
        DirectListing::KIND => DirectListing,
    }
}

/// The fields of an IEX message; `None` when `protocol` does not know its kind or it is too short.
pub fn iex_text(protocol: Protocol, body: &[u8]) -> Option<String> {
    use iex::*;
    let _known = min_length_of(protocol, *body.first()?)?;
    record_text! { body,
        SystemEvent::KIND => SystemEvent,
        SecurityDirectory::KIND => SecurityDirectory,
        TradingStatus::KIND => TradingStatus,
        RetailInterest::KIND => RetailInterest,
        OperationalHalt::KIND => OperationalHalt,
        ShortSaleTest::KIND => ShortSaleTest,
        SecurityEvent::KIND => SecurityEvent,
        PriceLevelUpdate::BUY | PriceLevelUpdate::SELL => PriceLevelUpdate,
        QuoteUpdate::KIND => QuoteUpdate,
        AddOrder::KIND => AddOrder,
        OrderModify::KIND => OrderModify,
        OrderDelete::KIND => OrderDelete,
        OrderExecuted::KIND => OrderExecuted,
        ClearBook::KIND => ClearBook,
        Trade::KIND => Trade,
        TradeBreak::KIND => TradeBreak,
        OfficialPrice::KIND => OfficialPrice,
        Auction::KIND => Auction,
    }
}

/// `data` as one ITCH message, and as a stored file.
pub fn itch(data: &[u8]) {
    itch_message(data);
    let mut rest = data;
    let mut used = 0;
    loop {
        match file::front(rest) {
            file::Front::Record { body, rest: after } => {
                itch_message(body);
                used += 2 + body.len();
                assert_eq!(used + after.len(), data.len());
                rest = after;
            }
            file::Front::EndOfSession => break assert!(rest.starts_with(&[0, 0])),
            file::Front::Empty => break assert_eq!(used, data.len()),
            file::Front::Cut => break assert!(used < data.len()),
        }
    }
    let _ = file::looks_like(data);
}

fn itch_message(body: &[u8]) {
    let wanted = body.first().and_then(|&kind| itch::length_of(kind));
    assert_eq!(itch_text(body).is_some(), wanted.is_some_and(|wanted| body.len() >= wanted));
}

/// `data` as a MoldUDP64 datagram.
pub fn mold(data: &[u8]) {
    let packet = match Packet::parse(data) {
        Ok(packet) => packet,
        Err(MoldError::Short) => return assert!(data.len() < mold::HEADER_LEN),
        Err(MoldError::Overrun | MoldError::SeqRange) => return,
    };
    let blocks = packet.blocks();
    assert_eq!(blocks.count(), usize::from(packet.count()));
    let carried: usize = blocks.map(|block| mold::BLOCK_LEN + block.len()).sum();
    assert_eq!(mold::HEADER_LEN + carried + packet.trailing(), data.len());
    assert_eq!(packet.next_seq() - packet.seq(), u64::from(packet.count()));

    let mut buffer = vec![0; data.len()];
    let mut builder = PacketBuilder::new(&mut buffer, packet.session(), packet.seq())
        .expect("the datagram held a header");
    for block in blocks {
        itch_message(block);
        builder.push(block).expect("the datagram held it");
    }
    let again = match packet.kind() {
        Kind::EndOfSession => builder.finish_session(),
        Kind::Data(_) | Kind::Heartbeat => builder.finish(),
    };
    assert_eq!(again, &data[..data.len() - packet.trailing()]);
}

/// `data` as an IEX-TP datagram, and as a message of each feed.
pub fn iex(data: &[u8]) {
    for protocol in [Protocol::Tops15, Protocol::Tops16, Protocol::Deep, Protocol::DeepPlus] {
        iex_message(protocol, data);
    }
    let segment = match Segment::parse(data) {
        Ok(segment) => segment,
        Err(SegmentError::Short) => return assert!(data.len() < iex::HEADER_LEN),
        Err(_) => return,
    };
    let blocks = segment.blocks();
    assert_eq!(blocks.count(), usize::from(segment.count()));
    let carried: usize = blocks.map(|block| 2 + block.len()).sum();
    let accounted = iex::HEADER_LEN + carried + segment.trailing();
    if segment.missing() == 0 {
        assert_eq!(accounted, data.len());
    } else {
        assert!(accounted <= data.len()); // the block that runs over is neither carried nor trailing
    }
    let promised = u64::from(segment.count()) + u64::from(segment.missing());
    assert_eq!(segment.next_seq() - segment.seq(), promised);
    if let Some(protocol) = Protocol::from_id(segment.header().protocol_id.get()) {
        blocks.for_each(|block| iex_message(protocol, block));
    }
}

fn iex_message(protocol: Protocol, body: &[u8]) {
    let wanted = body.first().and_then(|&kind| iex::min_length_of(protocol, kind));
    let text = iex_text(protocol, body);
    assert_eq!(text.is_some(), wanted.is_some_and(|wanted| body.len() >= wanted));
}
