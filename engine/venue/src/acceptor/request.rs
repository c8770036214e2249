//! What a client asks for, read from OUCH 5.0 and checked as far as the message alone allows.

use nofx_types::Side;
use nofx_wire::ouch50::{
    Appendage, EnterOrder, MassCancel, ReplaceOrder,
    codes::{cross, display, reject, side, tif},
    tag,
};

/// What the venue echoes of an order and does not interpret further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `B`, `S`, `T` or `E`.
    pub side: u8,
    /// Eight characters.
    pub symbol: [u8; 8],
    /// `0`, `3` or `5`.
    pub time_in_force: u8,
    /// How it shows.
    pub display: u8,
    /// In which capacity the firm acts.
    pub capacity: u8,
    /// Intermarket sweep.
    pub sweep: u8,
    /// Always continuous here.
    pub cross_type: u8,
    /// The client's text.
    pub clordid: [u8; 14],
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enter {
    /// UserRefNum.
    pub user_ref: u32,
    /// Shares.
    pub quantity: u32,
    /// Four decimals, or `ouch50::MARKET_PRICE`.
    pub price: u64,
    /// Must not take liquidity.
    pub post_only: bool,
    /// Mass cancel group, 0 for none.
    pub group: u16,
    /// The rest.
    pub terms: Terms,
}

/// A replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    /// UserRefNum of the order that is replaced.
    pub orig: u32,
    /// UserRefNum of the order that takes its place.
    pub user_ref: u32,
    /// Total of the chain, what has executed included.
    pub quantity: u32,
    /// Four decimals.
    pub price: u64,
    /// Must not take liquidity.
    pub post_only: bool,
    /// `0`, `3` or `5`.
    pub time_in_force: u8,
    /// How it shows.
    pub display: u8,
    /// Intermarket sweep.
    pub sweep: u8,
    /// The client's text.
    pub clordid: [u8; 14],
}

/// What a mass cancel takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Only this symbol; `None` for all.
    pub symbol: Option<[u8; 8]>,
    /// Only this side.
    pub side: Option<Side>,
    /// Only this group.
    pub group: Option<u16>,
}

/// A request that the session passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `O`
    Enter(Enter),
    /// `U`
    Replace(Replace),
    /// `X`: cut the order down to a total, 0 cancels it.
    Cancel {
        /// UserRefNum.
        user_ref: u32,
        /// Total of the chain afterwards.
        down_to: u32,
    },
    /// `M`: as a cancel, and may change the kind of sale.
    Modify {
        /// UserRefNum.
        user_ref: u32,
        /// `B`, `S`, `T` or `E`.
        side: u8,
        /// Total of the chain afterwards.
        down_to: u32,
    },
    /// `C`, already answered: cancel what matches.
    MassCancel(Sweep),
    /// The connection ended.
    ClientGone,
}

/// The side of the book that an OUCH side letter means.
#[inline]
pub fn book_side(letter: u8) -> Option<Side> {
    match letter {
        side::BUY => Some(Side::Buy),
        side::SELL | side::SHORT | side::SHORT_EXEMPT => Some(Side::Sell),
        _ => None,
    }
}

/// Reads a new order; the error is the reject reason. The venue offers displayed limit orders of the
/// continuous market, day or immediate-or-cancel, and refuses what it cannot simulate faithfully
/// rather than doing something else.
pub(super) fn enter(order: &EnterOrder, tags: Appendage<'_>) -> Result<Enter, u16> {
    if book_side(order.side).is_none() {
        return Err(SIDE);
    }
    if order.cross_type != cross::CONTINUOUS {
        return Err(CROSS_ORDER);
    }
    let options = options(order.time_in_force, order.display, tags)?;
    Ok(Enter {
        user_ref: order.user_ref_num.get(),
        quantity: order.quantity.get(),
        price: order.price.get(),
        post_only: options.post_only,
        group: options.group,
        terms: Terms {
            side: order.side,
            symbol: order.symbol,
            time_in_force: order.time_in_force,
            display: order.display,
            capacity: order.capacity,
            sweep: order.sweep,
            cross_type: order.cross_type,
            clordid: order.clordid,
        },
    })
}

/// Reads a replace; the error is the reject reason.
pub(super) fn replace(order: &ReplaceOrder, tags: Appendage<'_>) -> Result<Replace, u16> {
    let options = options(order.time_in_force, order.display, tags)?;
    Ok(Replace {
        orig: order.orig_user_ref_num.get(),
        user_ref: order.user_ref_num.get(),
        quantity: order.quantity.get(),
        price: order.price.get(),
        post_only: options.post_only,
        time_in_force: order.time_in_force,
        display: order.display,
        sweep: order.sweep,
        clordid: order.clordid,
    })
}

/// Reads a mass cancel. A filter that cannot be read matches nothing, never everything.
pub(super) fn sweep(message: &MassCancel, tags: Appendage<'_>) -> Option<Sweep> {
    let mut sweep = Sweep { symbol: None, side: None, group: None };
    if message.symbol != [b' '; 8] {
        sweep.symbol = Some(message.symbol);
    }
    for field in tags {
        match field.tag {
            tag::SIDE => sweep.side = Some(book_side(field.byte()?)?),
            tag::GROUP_ID => sweep.group = Some(field.u16()?),
            _ => {}
        }
    }
    Some(sweep)
}

// Reasons that `codes::reject` has no word for; numbers of the list in OUCH 5.0.
const DISPLAY: u16 = 0x03;
const MAX_FLOOR: u16 = 0x04;
const SIDE: u16 = 0x09;
const MIN_QTY: u16 = 0x0d;
const PEGGING: u16 = 0x11;
const CROSS_ORDER: u16 = 0x14;

struct Options {
    post_only: bool,
    group: u16,
}

fn options(time_in_force: u8, show: u8, tags: Appendage<'_>) -> Result<Options, u16> {
    if !matches!(time_in_force, tif::DAY | tif::IOC | tif::GTX) {
        return Err(reject::OTHER);
    }
    let post_only = match show {
        display::VISIBLE | display::ATTRIBUTABLE => false,
        display::POST_ONLY | display::POST_ONLY_ATTRIBUTABLE => true,
        _ => return Err(DISPLAY),
    };
    let mut options = Options { post_only, group: 0 };
    for field in tags {
        match field.tag {
            tag::POST_ONLY => options.post_only |= field.byte() == Some(b'P'),
            tag::GROUP_ID => options.group = field.u16().ok_or(reject::OTHER)?,
            tag::MIN_QTY if field.u32() != Some(0) => return Err(MIN_QTY),
            tag::MAX_FLOOR if field.u32() != Some(0) => return Err(MAX_FLOOR),
            tag::PRICE_TYPE if field.byte() != Some(b'L') => return Err(PEGGING),
            tag::DISCRETION_PRICE | tag::DISCRETION_PRICE_TYPE => return Err(PEGGING),
            // One channel a port: a second one would need a second rising number.
            tag::USER_REF_IDX if field.byte() != Some(0) => return Err(reject::OTHER),
            _ => {}
        }
    }
    if options.post_only && time_in_force == tif::IOC {
        return Err(DISPLAY); // must rest and must not rest
    }
    Ok(options)
}
