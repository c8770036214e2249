//! Counts of messages by type byte, and of what could not be read.

/// Why a datagram or a message was dropped, or what was odd about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Datagram shorter than its transport header, or with an impossible one: dropped.
    PacketHeader,
    /// A block or the payload runs over the end of the datagram: dropped (IEX keeps the front).
    PacketOverrun,
    /// Datagram of another feed or channel than the first one: dropped.
    OtherStream,
    /// Bytes behind the last block: ignored.
    TrailingBytes,
    /// Message without a type byte.
    EmptyMessage,
    /// Message shorter than its type: dropped.
    ShortMessage,
    /// Neither buy nor sell: dropped.
    Side,
    /// A state or event code the protocol does not have: ignored.
    Code,
    /// Price that four decimals do not hold: dropped.
    PriceScale,
    /// Instrument beyond the capacity of the tables: dropped.
    InstrumentsFull,
    /// Symbol of more than eight characters: the instrument stays unnamed.
    LongSymbol,
    /// Record that describes a level where orders were expected: dropped.
    NotAnOrder,
    /// Security code the venue cannot have: dropped.
    Security,
    /// Order id that no book can name: dropped, the book is inconsistent.
    OrderId,
    /// Price that no order can have: dropped, the book is inconsistent.
    Price,
    /// A state whose own times contradict the clock: taken as it is.
    Clock,
    /// A rank in the queue that cannot be: the order goes to the back.
    Rank,
}

impl Fault {
    const ALL: [Fault; 17] = [
        Fault::PacketHeader,
        Fault::PacketOverrun,
        Fault::OtherStream,
        Fault::TrailingBytes,
        Fault::EmptyMessage,
        Fault::ShortMessage,
        Fault::Side,
        Fault::Code,
        Fault::PriceScale,
        Fault::InstrumentsFull,
        Fault::LongSymbol,
        Fault::NotAnOrder,
        Fault::Security,
        Fault::OrderId,
        Fault::Price,
        Fault::Clock,
        Fault::Rank,
    ];

    /// Its key in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::PacketHeader => "packet_header",
            Fault::PacketOverrun => "packet_overrun",
            Fault::OtherStream => "other_stream",
            Fault::TrailingBytes => "trailing_bytes",
            Fault::EmptyMessage => "empty_message",
            Fault::ShortMessage => "short_message",
            Fault::Side => "side",
            Fault::Code => "code",
            Fault::PriceScale => "price_scale",
            Fault::InstrumentsFull => "instruments_full",
            Fault::LongSymbol => "long_symbol",
            Fault::NotAnOrder => "not_an_order",
            Fault::Security => "security",
            Fault::OrderId => "order_id",
            Fault::Price => "price",
            Fault::Clock => "clock",
            Fault::Rank => "rank",
        }
    }
}

/// The counts of one feed: one add per message, into an array indexed by its type byte.
#[derive(Clone, Debug)]
pub struct Tally {
    kinds: [u64; 256],
    faults: [u64; Fault::ALL.len()],
}

impl Tally {
    pub(crate) const fn new() -> Tally {
        Tally { kinds: [0; 256], faults: [0; Fault::ALL.len()] }
    }

    /// A message of type `kind` was delivered.
    #[inline(always)]
    pub(crate) fn count(&mut self, kind: u8) {
        self.kinds[usize::from(kind)] += 1;
    }

    #[cold]
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    /// Messages of type `kind`.
    pub fn of_kind(&self, kind: u8) -> u64 {
        self.kinds[usize::from(kind)]
    }

    /// How often `fault` happened.
    pub fn of_fault(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    /// Types that were seen, with their counts, in the order of their bytes.
    pub fn kinds(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        (0..=255).zip(self.kinds.iter().copied()).filter(|(_, n)| *n > 0)
    }

    /// Faults that happened, with their counts.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> + Clone + '_ {
        Fault::ALL.into_iter().map(|fault| (fault, self.of_fault(fault))).filter(|(_, n)| *n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_counter_and_name() {
        let mut tally = Tally::new();
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
            (0..=index).for_each(|_| tally.fault(fault));
        }
        let counts: Vec<u64> = tally.faults().map(|(_, n)| n).collect();
        assert_eq!(counts, (1..=Fault::ALL.len() as u64).collect::<Vec<_>>());
        let names: std::collections::BTreeSet<_> = Fault::ALL.map(Fault::name).into();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
