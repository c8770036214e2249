//! What the view pages hold: plain records, one layout in every process.
//!
//! Codes that a stage defines (order state, feed state, session state) travel as numbers; their
//! meaning stands with the application, which writes and shows them. Times are nanoseconds since
//! 1970 UTC, 0 where unknown.

/// Levels of each side in a book view.
pub const LEVELS: usize = 10;

/// Declares a record whose size is part of the ABI.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident: $size:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        impl Default for $name {
            fn default() -> $name {
                bytemuck::Zeroable::zeroed()
            }
        }
        const _: () = assert!(size_of::<$name>() == $size, "another size is another ABI version");
    };
}
pub(crate) use record;

record! {
    /// One price with what rests there.
    LevelView: 24 {
        /// The price, in price units of the instrument.
        price: i64,
        /// Total displayed quantity.
        qty: u64,
        /// Number of orders; 0 where the feed does not count them.
        orders: u64,
    }
}

record! {
    /// Touch and ten levels of one instrument. The touch is the first level of each side.
    BookView: 544 {
        /// Symbol, space padded.
        symbol: [u8; 8],
        /// Index of the instrument.
        instrument: u32,
        /// Phase, as the number of `nofx_types::Phase`.
        phase: u8,
        /// 0: live; else 1 + the number of `nofx_types::StaleReason`.
        stale: u8,
        /// Decimals of the prices.
        decimals: u8,
        /// Levels shown of the bids.
        bid_levels: u8,
        /// Levels shown of the asks.
        ask_levels: u8,
        /// Zero.
        reserved: [u8; 7],
        /// Sequence number of the last message taken in.
        seq: u64,
        /// When the venue says that happened; the feed's own epoch.
        exch_ns: u64,
        /// When its packet came in: the book's age counts from here.
        capture_ns: u64,
        /// Price of the last trade.
        last_price: i64,
        /// Quantity of the last trade.
        last_qty: u64,
        /// Bids, best first.
        bids: [LevelView; LEVELS],
        /// Asks, best first.
        asks: [LevelView; LEVELS],
    }
}

record! {
    /// One working order.
    OrderView: 72 {
        /// Our id.
        cl_ord_id: u32,
        /// The instrument.
        instrument: u32,
        /// The account.
        account: u16,
        /// 0 buy, 1 sell.
        side: u8,
        /// State of the order, as the application numbers it.
        state: u8,
        /// Zero.
        reserved: u32,
        /// The venue's id, 0 until accepted.
        order_ref: u64,
        /// Limit price.
        price: i64,
        /// Quantity as sent.
        qty: u64,
        /// Open quantity.
        leaves: u64,
        /// When it was sent.
        sent_ns: u64,
        /// When the last news of it came.
        update_ns: u64,
        /// Shares before it at its price, where a queue model knows; else `u64::MAX`.
        queue_ahead: u64,
    }
}

record! {
    /// What an account holds in an instrument, and what it made.
    PositionView: 56 {
        /// Symbol, space padded.
        symbol: [u8; 8],
        /// The instrument.
        instrument: u32,
        /// The account.
        account: u16,
        /// Decimals of the prices.
        decimals: u8,
        /// Zero.
        reserved: u8,
        /// Signed shares.
        position: i64,
        /// Realised profit in 1/10,000 of the currency.
        realised_e4: i64,
        /// Profit of the position if it were closed at the mid, in 1/10,000 of the currency.
        open_e4: i64,
        /// Fills.
        fills: u64,
        /// Shares bought and sold.
        volume: u64,
    }
}

record! {
    /// One line (A or B) of a feed, and the state of the channel it belongs to.
    FeedView: 128 {
        /// Name, zero padded.
        name: [u8; 16],
        /// State of the channel, as the application numbers it.
        state: u8,
        /// Whether the line itself is up: 0 silent, 1 alive.
        alive: u8,
        /// Zero.
        reserved: [u8; 6],
        /// Datagrams.
        packets: u64,
        /// Bytes.
        bytes: u64,
        /// Messages.
        messages: u64,
        /// Messages that this line brought first.
        first: u64,
        /// Messages that the other line had brought already.
        duplicates: u64,
        /// Holes seen on this line.
        gaps: u64,
        /// Messages that no line brought (of the channel).
        lost: u64,
        /// Messages that a recovery server brought (of the channel).
        recovered: u64,
        /// How far this line is behind the other, in nanoseconds; negative: ahead.
        skew_ns: i64,
        /// Next sequence number wanted (of the channel).
        next_seq: u64,
        /// When the last datagram came.
        last_ns: u64,
        /// Datagrams dropped as malformed.
        malformed: u64,
        /// Messages parked behind a hole now.
        parked: u64,
    }
}

record! {
    /// One order session.
    SessionView: 128 {
        /// Name, zero padded.
        name: [u8; 16],
        /// State, as the application numbers it.
        state: u8,
        /// Why it does not trade, as the application numbers it; 0: it does.
        blocked: u8,
        /// Zero.
        reserved: [u8; 6],
        /// Sequence number of the next report wanted.
        next_in: u64,
        /// Messages sent.
        sent: u64,
        /// Orders accepted.
        accepted: u64,
        /// Orders refused by the venue.
        rejected: u64,
        /// Orders refused by the gate.
        refused: u64,
        /// Cancels confirmed.
        canceled: u64,
        /// Fills.
        fills: u64,
        /// Orders open now.
        open: u64,
        /// Orders whose fate is not known now.
        unknown: u64,
        /// Logins.
        logins: u64,
        /// When the last bytes came.
        heard_ns: u64,
        /// When the last bytes went.
        sent_ns: u64,
        /// Messages the throttle held back.
        throttled: u64,
    }
}

record! {
    /// One tile. Latencies are histograms.
    TileView: 80 {
        /// Core it is pinned to, `u32::MAX` when it is not.
        core: u32,
        /// Idle policy, as the application numbers it.
        idle: u8,
        /// State, as the application numbers it.
        state: u8,
        /// Zero.
        reserved: u16,
        /// Turns of the loop.
        turns: u64,
        /// Turns that found work.
        busy: u64,
        /// Turns longer than the stall limit.
        stalls: u64,
        /// Longest turn in nanoseconds.
        turn_ns_max: u64,
        /// Largest burst taken.
        burst_max: u64,
        /// Commands taken.
        commands: u64,
        /// Allocations after the seal.
        allocations: u64,
        /// Times the system took the core away.
        preemptions: u64,
        /// Page faults.
        faults: u64,
    }
}

record! {
    /// One link between two tiles, or between a tile and a port.
    LinkView: 48 {
        /// Slots.
        depth: u64,
        /// In use now.
        used: u64,
        /// Most in use.
        high_water: u64,
        /// Carried.
        carried: u64,
        /// Lost to overrun.
        overruns: u64,
        /// Times the producer waited for credit.
        stalls: u64,
    }
}
