//! Markets, securities, liquidity providers and currencies.

use super::{Entries, message};
use crate::num::{Le16, Le32, Le64, LeI32};
use crate::record::record;

message! {
    /// Market Definition.
    MarketDefinition, 10, 40 bytes {
        /// `MAIN`, `GEM`, `NASD`, `ETS`, space padded.
        4 market_code: [u8; 4],
        /// Name.
        8 market_name: [u8; 25],
        /// Currency.
        33 currency_code: [u8; 3],
        /// Securities of the market.
        36 number_of_securities: Le32,
    }
}

message! {
    /// Security Definition; [`SecurityDefinition::underlyings`] follow.
    SecurityDefinition, 11, 544 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// `MAIN`, `GEM`, `NASD`, `ETS`, space padded.
        8 market_code: [u8; 4],
        /// ISIN.
        12 isin_code: [u8; 12],
        /// `BOND`, `EQTY`, `TRST`, `WRNT`.
        24 instrument_type: [u8; 4],
        /// 1 ordinary, 2 preference, 3 derivative warrant, 4 debt, 6 rights, 8 REIT, 10 leveraged and
        /// inverse, 11 CBBC, 13 equity warrant, 15 inline warrant, 16 equity ETF, and others.
        28 product_type: u8,
        /// Skipped.
        29 filler_29: u8,
        /// Spread table: `01` part A, `03` part B, `04` inline warrants, `05` part D, `06` part E.
        30 spread_table_code: [u8; 2],
        /// Short name.
        32 security_short_name: [u8; 40],
        /// Currency.
        72 currency_code: [u8; 3],
        /// Name in traditional characters, UTF-16LE.
        75 security_name_gccs: [u8; 60],
        /// Name in simplified characters, UTF-16LE.
        135 security_name_gb: [u8; 60],
        /// Shares of a board lot.
        195 lot_size: Le32,
        /// Skipped.
        199 filler_199: [u8; 4],
        /// Previous close.
        203 previous_closing_price_e3: LeI32,
        /// `Y` when the volatility control mechanism applies.
        207 vcm_flag: u8,
        /// `Y` when short sales are allowed.
        208 short_sell_flag: u8,
        /// `Y` when it takes part in the closing auction.
        209 cas_flag: u8,
        /// `Y` when settled in CCASS.
        210 ccass_flag: u8,
        /// `Y` for a dummy.
        211 dummy_security_flag: u8,
        /// Skipped.
        212 filler_212: u8,
        /// `Y` when stamp duty is due.
        213 stamp_duty_flag: u8,
        /// Skipped.
        214 filler_214: u8,
        /// `YYYYMMDD`, 0 unknown.
        215 listing_date: Le32,
        /// `YYYYMMDD`, 0 unknown.
        219 delisting_date: Le32,
        /// Text.
        223 free_text: [u8; 38],
        /// Skipped.
        261 filler_261: [u8; 62],
        /// `Y` when it takes part in the opening auction.
        323 pos_flag: u8,
        /// Upper price limit of the opening auction.
        324 pos_upper_limit_e3: LeI32,
        /// Lower price limit of the opening auction.
        328 pos_lower_limit_e3: LeI32,
        /// Code of the same security in another currency.
        332 domain_settlement_security_code: Le32,
        /// Skipped.
        336 filler_336: [u8; 37],
        /// Exchange fund note.
        373 efn_flag: u8,
        /// Accrued interest of a bond.
        374 accrued_interest: Le32,
        /// Coupon of a bond.
        378 coupon_rate: Le32,
        /// Skipped.
        382 filler_382: u8,
        /// Face value.
        383 face_value: Le64,
        /// Its decimals.
        391 decimals_in_face_value: u8,
        /// Its currency.
        392 face_value_currency: [u8; 3],
        /// `YYYYMMDD`.
        395 maturity_date: Le32,
        /// Who may buy.
        399 investor_type: u8,
        /// Skipped.
        400 filler_400: [u8; 44],
        /// Conversion ratio of a warrant.
        444 conversion_ratio: Le32,
        /// Strike.
        448 strike_price_1_e3: LeI32,
        /// Second strike.
        452 strike_price_2_e3: LeI32,
        /// `YYYYMMDD`.
        456 warrant_maturity_date: Le32,
        /// Call or put.
        460 call_put_flag: u8,
        /// Style.
        461 style: u8,
        /// Skipped.
        462 filler_462: [u8; 2],
        /// Type.
        464 warrant_type: u8,
        /// Call price of a CBBC.
        465 call_price: LeI32,
        /// Its decimals.
        469 decimals_in_call_price: u8,
        /// Entitlement.
        470 entitlement: LeI32,
        /// Its decimals.
        474 decimals_in_entitlement: u8,
        /// Warrants per entitlement.
        475 no_warrants_per_entitlement: Le32,
        /// Skipped.
        479 filler_479: [u8; 63],
        /// Entries that follow.
        542 no_underlying_securities: Le16,
    }
}

record! {
    /// One underlying of a security.
    UnderlyingEntry, 8 {
        /// Its code.
        0 underlying_security_code: Le32,
        /// Skipped.
        4 filler: [u8; 4],
    }
}

impl SecurityDefinition {
    /// Its underlyings, out of the whole `message`.
    pub fn underlyings<'a>(&self, message: &'a [u8]) -> Entries<'a, UnderlyingEntry> {
        Entries::new(message, size_of::<Self>(), self.no_underlying_securities.get())
    }
}

message! {
    /// Liquidity Provider; [`LiquidityProvider::providers`] follow.
    LiquidityProvider, 13, 10 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Entries that follow, at most 50.
        8 no_liquidity_providers: Le16,
    }
}

record! {
    /// One liquidity provider.
    ProviderEntry, 2 {
        /// Broker number.
        0 lp_broker_number: Le16,
    }
}

impl LiquidityProvider {
    /// Its providers, out of the whole `message`.
    pub fn providers<'a>(&self, message: &'a [u8]) -> Entries<'a, ProviderEntry> {
        Entries::new(message, size_of::<Self>(), self.no_liquidity_providers.get())
    }
}

message! {
    /// Currency Rate.
    CurrencyRate, 14, 16 bytes {
        /// Currency.
        4 currency_code: [u8; 3],
        /// Skipped.
        7 filler_7: u8,
        /// The rate is for 10^n units.
        8 currency_factor: Le16,
        /// Skipped.
        10 filler_10: [u8; 2],
        /// Hong Kong dollars, four decimals.
        12 currency_rate_e4: Le32,
    }
}
