//! Which instrument a security code names, and what its definition says.

use nofx_types::{InstrumentId, Price, Qty, Symbol};
use nofx_wire::omdc::{SECURITY_CODE_MAX, SecurityDefinition};

use super::price;

/// What is known of a security beyond what every market has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OmdcListing {
    /// Its code, 1 to 99999.
    pub code: u32,
    /// `MAIN`, `GEM`, `NASD`, `ETS`; zeros until it is defined.
    pub market: [u8; 4],
    /// Spread table: `01` part A, `03` part B, and so on.
    pub spread_table: [u8; 2],
    /// Product type (message 11).
    pub product_type: u8,
    /// Shares of a board lot; 0 until it is defined.
    pub lot: u32,
    /// Currency of its prices.
    pub currency: [u8; 3],
    /// Previous close.
    pub previous_close: Price,
    /// Subject to the volatility control mechanism.
    pub vcm: bool,
    /// May be sold short.
    pub short_sell: bool,
    /// Takes part in the closing auction.
    pub cas: bool,
    /// Takes part in the opening auction.
    pub pos: bool,
    /// Limits of the opening auction, 0 for none.
    pub pos_limits: (Price, Price),
    /// Stamp duty is due.
    pub stamp_duty: bool,
    /// Nominal price as last told, 0 before that.
    pub nominal: Price,
}

impl OmdcListing {
    /// Whether its definition was seen.
    pub fn is_defined(&self) -> bool {
        self.lot > 0
    }

    pub(super) fn of(definition: &SecurityDefinition) -> OmdcListing {
        let yes = |flag: u8| flag == b'Y';
        let d = definition;
        OmdcListing {
            code: d.security_code.get(),
            market: d.market_code,
            spread_table: d.spread_table_code,
            product_type: d.product_type,
            lot: d.lot_size.get().max(1),
            currency: d.currency_code,
            previous_close: price(d.previous_closing_price_e3),
            vcm: yes(d.vcm_flag),
            short_sell: yes(d.short_sell_flag),
            cas: yes(d.cas_flag),
            pos: yes(d.pos_flag),
            pos_limits: (price(d.pos_lower_limit_e3), price(d.pos_upper_limit_e3)),
            stamp_duty: yes(d.stamp_duty_flag),
            nominal: Price(0),
        }
    }
}

/// Minutes in which a security trades inside a band only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoolingOff {
    /// Begin, nanoseconds since 1970 UTC; 0 when there was none.
    pub start_ns: u64,
    /// End.
    pub end_ns: u64,
    /// The price it is measured from.
    pub reference: Price,
    /// Lowest price.
    pub low: Price,
    /// Highest price.
    pub high: Price,
}

/// What the two messages of an auction said last: they are told together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Auction {
    pub price: Price,
    pub paired: Qty,
    pub imbalance: Qty,
    /// `B`, `S`, or neither.
    pub direction: u8,
}

/// What a code led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Known(InstrumentId),
    New(InstrumentId),
    Full,
    /// No code of this venue.
    Impossible,
}

/// All securities of a channel: ids are dense, in order of appearance.
pub(super) struct Securities {
    /// Id by code, [`NONE`] where there is none.
    ids: Box<[u32]>,
    listings: Vec<OmdcListing>,
    cooling: Box<[CoolingOff]>,
    auctions: Box<[Auction]>,
    capacity: usize,
}

const NONE: u32 = u32::MAX;
const CODES: usize = SECURITY_CODE_MAX as usize + 1;

impl Securities {
    pub fn new(capacity: u32) -> Securities {
        let capacity = capacity as usize;
        Securities {
            ids: vec![NONE; CODES].into_boxed_slice(),
            listings: Vec::with_capacity(capacity),
            cooling: vec![CoolingOff::default(); capacity].into_boxed_slice(),
            auctions: vec![Auction::default(); capacity].into_boxed_slice(),
            capacity,
        }
    }

    /// The instrument of a code, a new one if it was never seen.
    #[inline(always)]
    pub fn find(&mut self, code: u32) -> Found {
        match self.ids.get(code as usize) {
            Some(&id) if id != NONE => Found::Known(InstrumentId(id)),
            Some(_) => self.add(code),
            None => Found::Impossible,
        }
    }

    /// The instrument of a code that was seen.
    #[inline(always)]
    pub fn get(&self, code: u32) -> Option<InstrumentId> {
        self.ids.get(code as usize).filter(|id| **id != NONE).map(|id| InstrumentId(*id))
    }

    #[cold]
    fn add(&mut self, code: u32) -> Found {
        if code == 0 {
            return Found::Impossible;
        }
        if self.listings.len() == self.capacity {
            return Found::Full;
        }
        let id = self.listings.len() as u32; // below the capacity, a u32
        self.listings.push(OmdcListing { code, ..OmdcListing::default() });
        if let Some(slot) = self.ids.get_mut(code as usize) {
            *slot = id;
        }
        Found::New(InstrumentId(id))
    }

    pub fn listing(&self, id: InstrumentId) -> Option<&OmdcListing> {
        self.listings.get(id.index())
    }

    pub fn listing_mut(&mut self, id: InstrumentId) -> Option<&mut OmdcListing> {
        self.listings.get_mut(id.index())
    }

    pub fn cooling(&self, id: InstrumentId) -> Option<&CoolingOff> {
        self.cooling.get(id.index())
    }

    pub fn cooling_mut(&mut self, id: InstrumentId) -> Option<&mut CoolingOff> {
        self.cooling.get_mut(id.index())
    }

    pub fn auction_mut(&mut self, id: InstrumentId) -> Option<&mut Auction> {
        self.auctions.get_mut(id.index())
    }

    /// Instruments of a market, and all ids so far.
    pub fn of_market(&self, market: [u8; 4]) -> impl Iterator<Item = InstrumentId> + use<'_> {
        let ids = (0..).map(InstrumentId).zip(&self.listings);
        ids.filter(move |(_, listing)| listing.market == market).map(|(id, _)| id)
    }

    /// When the next cooling-off period ends, `u64::MAX` for never.
    pub fn next_end(&self) -> u64 {
        let ends = self.cooling.iter().map(|cooling| cooling.end_ns);
        ends.filter(|end| *end > 0).min().unwrap_or(u64::MAX)
    }

    /// An instrument whose cooling-off period is over at `now`; it is forgotten.
    pub fn pop_ended(&mut self, now: u64) -> Option<InstrumentId> {
        let over = |cooling: &CoolingOff| cooling.end_ns > 0 && cooling.end_ns <= now;
        let index = self.cooling.iter().position(over)?;
        self.cooling[index] = CoolingOff::default();
        Some(InstrumentId(index as u32))
    }

    /// The stream begins anew: what passes is forgotten, codes and definitions hold for the day.
    pub fn reset(&mut self) {
        self.cooling.fill(CoolingOff::default());
        self.auctions.fill(Auction::default());
    }

    pub fn memory_bytes(&self) -> u64 {
        let listings = self.capacity * size_of::<OmdcListing>();
        let tables =
            size_of_val(&*self.ids) + size_of_val(&*self.cooling) + size_of_val(&*self.auctions);
        (listings + tables) as u64
    }
}

/// The symbol of a code: its digits, without leading zeros.
pub(super) fn symbol_of(code: u32) -> Symbol {
    let mut digits = [b' '; 8];
    let (mut rest, mut count) = (code, 0);
    let mut reversed = [0u8; 8];
    for place in &mut reversed {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    let rising = reversed.iter().take(count).rev();
    digits.iter_mut().zip(rising).for_each(|(place, digit)| *place = *digit);
    Symbol(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_codes_outside_are_none() {
        let mut securities = Securities::new(2);
        assert_eq!(securities.find(700), Found::New(InstrumentId(0)));
        assert_eq!(securities.find(99_999), Found::New(InstrumentId(1)));
        assert_eq!(securities.find(5), Found::Full);
        assert_eq!(securities.find(0), Found::Impossible);
        assert_eq!(securities.find(100_000), Found::Impossible);
        assert_eq!(securities.find(700), Found::Known(InstrumentId(0)));
        assert_eq!(securities.get(5), None);
    }

    #[test]
    fn symbols_have_no_leading_zeros() {
        for code in [1, 5, 700, 9_988, 80_700, 99_999] {
            assert_eq!(symbol_of(code).as_str(), code.to_string());
        }
    }
}
