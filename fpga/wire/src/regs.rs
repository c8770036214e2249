//! Addresses of the seam's registers (bytes) and what their bits mean; see `hw/wire/data/wire.toml`.

/// The bytes "NFXW".
pub const MAGIC: u32 = 0x5758_464e;
/// Layout of the registers.
pub const ABI: u32 = 1;
/// Read only: [`MAGIC`].
pub const REG_MAGIC: u32 = 0x000;
/// Read only: [`ABI`].
pub const REG_ABI: u32 = 0x004;
/// Read only: sessions built in.
pub const REG_SESSIONS: u32 = 0x008;
/// Read only: rows of each way of the symbol table.
pub const REG_SYMBOL_ROWS: u32 = 0x00c;
/// Read only: orders remembered of each session.
pub const REG_ORDERS: u32 = 0x010;
/// Read only: bytes remembered of each session.
pub const REG_HISTORY: u32 = 0x014;
/// Write ones: bit 0 scrub, bit 1 set the clock, bit 2 write a symbol row.
pub const REG_CONTROL: u32 = 0x020;
/// Read only: bit 0 ready, bit 1 dead, bit 2 the gate is killed.
pub const REG_STATUS: u32 = 0x024;
/// What passes although it belongs to no session.
pub const REG_POLICY: u32 = 0x028;
/// Optional OUCH fields that are permitted, by tag.
pub const REG_TAGS: u32 = 0x02c;
/// How long a verdict may take, cycles.
pub const REG_VERDICT_CYCLES: u32 = 0x030;
/// Written: the clock to be set, nanoseconds since 1970, low half. Read: the clock, and takes its
/// high half along.
pub const REG_NOW_LO: u32 = 0x040;
/// High half of it.
pub const REG_NOW_HI: u32 = 0x044;
/// Second they lie in, low half.
pub const REG_SECOND_LO: u32 = 0x048;
/// High three bits.
pub const REG_SECOND_HI: u32 = 0x04c;
/// Trading day.
pub const REG_DAY: u32 = 0x050;
/// Seconds since that day began.
pub const REG_SECOND_OF_DAY: u32 = 0x054;
/// Nanoseconds since that second began.
pub const REG_NS_OF_SECOND: u32 = 0x058;
/// Nanoseconds per cycle times 2^24.
pub const REG_STEP: u32 = 0x05c;
/// Symbol to be written: first four bytes, the first in bits 7:0.
pub const REG_SYMBOL_KEY_LO: u32 = 0x070;
/// Last four bytes.
pub const REG_SYMBOL_KEY_HI: u32 = 0x074;
/// Its dense index.
pub const REG_SYMBOL_INDEX: u32 = 0x078;
/// Bit 31 in use, bit 30 way, low bits row.
pub const REG_SYMBOL_SLOT: u32 = 0x07c;
/// Read only: counters, 4 bytes each, see [`counter`].
pub const REG_COUNTERS: u32 = 0x100;
/// Sessions, 32 bytes each: source address, destination address, ports (source high), account with
/// bit 31 in use, epoch; read only: open, next sequence number, last UserRefNum.
pub const REG_SESSION: u32 = 0x400;

/// Index of each counter.
pub mod counter {
    /// Frames taken in.
    pub const FRAMES_IN: u32 = 0;
    /// Frames let out.
    pub const FRAMES_OUT: u32 = 1;
    /// Operations that the core answered.
    pub const ORDERS: u32 = 2;
    /// SoupBinTCP messages that carry no OUCH.
    pub const SESSION: u32 = 3;
    /// OUCH messages that cannot enter an order.
    pub const CONTROL: u32 = 4;
    /// Segments with bytes that were seen before.
    pub const SEEN_AGAIN: u32 = 5;
    /// Connections opened.
    pub const OPENED: u32 = 6;
    /// Cycles of the last frame that passed, first beat in to last beat out.
    pub const LATENCY: u32 = 7;
    /// The longest of them.
    pub const LATENCY_MAX: u32 = 8;
    /// First of the refusals by [`super::Refuse`].
    pub const REFUSE: u32 = 9;
    /// First of the drops by [`super::Drop`].
    pub const DROP: u32 = 16;
}

/// Why a message was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refuse {
    /// By a rule of the core.
    Gate = 0,
    /// UserRefNum did not rise.
    Ref = 1,
    /// Unknown side letter.
    Side = 2,
    /// Symbol not in the table.
    Symbol = 3,
    /// Names an order that is not remembered.
    Order = 4,
    /// An optional field is not permitted, or the list is cut.
    Option = 5,
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Drop {
    /// Cut, too long, or shorter than its headers say.
    Length = 0,
    /// Not IPv4 without options.
    Ip = 1,
    /// IP header checksum.
    IpSum = 2,
    /// A fragment.
    Fragment = 3,
    /// TCP header or flags that no session needs.
    Tcp = 4,
    /// TCP checksum.
    TcpSum = 5,
    /// Of no session and not let through.
    Policy = 6,
    /// The session is not open.
    State = 7,
    /// Ahead of what was seen.
    Order = 8,
    /// Behind what is remembered.
    Old = 9,
    /// Ends inside a message.
    Cut = 10,
    /// Not SoupBinTCP, or not OUCH.
    Malformed = 11,
    /// The core did not answer.
    Dead = 12,
}
