//! OMD-C: no byte string may make the decoder panic, and what it accepts must be written again as it
//! was.

use nofx_wire::omdc::{self, *};

/// `Debug` text of the record at the front of `$message`, whose type is one of the table's.
macro_rules! record_text {
    ($message:ident: $($record:ident)*) => {
        match type_of($message)? {
            $($record::KIND => $record::parse($message).map(|record| {
                assert_eq!(Some(record.bytes()), $message.get(..size_of::<$record>()));
                format!("{record:?}")
            }),)*
            _ => None,
        }
    };
}

/// The fields of a message and of its group; `None` when its type is not known or it is too short.
pub fn text(message: &[u8]) -> Option<String> {
    let mut text = record_text! { message:
        MarketDefinition SecurityDefinition LiquidityProvider CurrencyRate TradingSessionStatus
        SecurityStatus VcmTrigger AddOrder ModifyOrder DeleteOrder AddOddLotOrder DeleteOddLotOrder
        NominalPrice IndicativePrice ReferencePrice Yield Trade TradeCancel TradeTicker
        AggregateUpdate BrokerQueue OrderImbalance Statistics MarketTurnover ClosingPrice
        SequenceReset Logon LogonResponse DisasterRecovery RetransmissionRequest
        RetransmissionResponse RefreshComplete
    }?;
    for entry in entries(message) {
        text.push(' ');
        text.push_str(&entry);
    }
    Some(text)
}

/// The entries of a message that ends in a group.
fn entries(message: &[u8]) -> Vec<String> {
    fn all<T: std::fmt::Debug>(entries: impl Iterator<Item = T>) -> Vec<String> {
        entries.map(|entry| format!("{entry:?}")).collect()
    }
    let of = |kind| type_of(message) == Some(kind);
    if of(SecurityDefinition::KIND) {
        let record = SecurityDefinition::parse(message).expect("it was read");
        return all(record.underlyings(message));
    }
    if of(LiquidityProvider::KIND) {
        let record = LiquidityProvider::parse(message).expect("it was read");
        return all(record.providers(message));
    }
    if of(AggregateUpdate::KIND) {
        let record = AggregateUpdate::parse(message).expect("it was read");
        return all(record.entries(message));
    }
    if of(BrokerQueue::KIND) {
        let record = BrokerQueue::parse(message).expect("it was read");
        return all(record.items(message));
    }
    Vec::new()
}

/// `data` as a packet, as a message, and as the front of a stream.
pub fn omdc(data: &[u8]) {
    message(data);
    let _ = omdc::stream_packet_len(data);
    let packet = match Packet::parse(data) {
        Ok(packet) => packet,
        Err(PacketError::Short) => return assert!(data.len() < HEADER_LEN),
        Err(_) => return,
    };
    let carried: usize = packet.messages().map(<[u8]>::len).sum();
    assert_eq!(HEADER_LEN + carried, data.len());
    assert_eq!(packet.messages().count(), usize::from(packet.count()));
    let (seq, sent) = (packet.seq(), packet.header().send_time.get());
    let mut buffer = vec![0; data.len()];
    let mut writer = PacketWriter::limited(&mut buffer, STREAM_PACKET_MAX, seq, sent)
        .expect("the packet held a header");
    for inner in packet.messages() {
        message(inner);
        writer.push(inner).expect("the packet held it");
    }
    assert_eq!(writer.next_seq(), packet.next_seq());
    let mut again = writer.finish().to_vec();
    again[3] = packet.header().filler;
    assert_eq!(again, data);
}

fn message(message: &[u8]) {
    let wanted = type_of(message).and_then(omdc::min_length_of);
    assert_eq!(text(message).is_some(), wanted.is_some_and(|wanted| message.len() >= wanted));
}
