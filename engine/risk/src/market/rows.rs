//! What is known of one instrument besides its book.

use nofx_rules::{Band, CageFacts, Fees, InstrumentRules, ShortFacts};
use nofx_types::{BookEvent, EventKind, Phase, Price, Side, Touch, TradeKind};

/// One instrument: its rules, its last trade, and what the exchange said of its prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub rules: InstrumentRules,
    /// Fills pay stamp duty.
    pub stamp: bool,
    /// Last trade, 0 for none.
    pub last: Price,
    /// Reference price that the exchange announced for this phase, 0 for none.
    reference: Price,
    /// The band that it announced, and the phase in which it did.
    announced: Option<(Band, Phase)>,
    /// What the book showed after the event before.
    touch: Touch,
}

impl Row {
    pub fn new(rules: InstrumentRules, stamp: bool) -> Row {
        let (last, reference) = (Price(0), Price(0));
        Row { rules, stamp, last, reference, announced: None, touch: Touch::default() }
    }

    pub fn fees<'a>(&self, fees: &'a [[Fees; 2]]) -> Option<&'a Fees> {
        fees.get(usize::from(self.rules.board.0))?.get(usize::from(self.stamp))
    }

    #[inline]
    pub fn on_event(&mut self, event: &BookEvent, touch: Touch, phase: Phase) {
        match event.kind {
            EventKind::Execute { price, printable: true, .. } => {
                if let Some(price) = price.or_else(|| self.traded_at(touch)) {
                    self.last = price;
                }
            }
            EventKind::Trade { price, kind, .. } if kind != TradeKind::Broken => self.last = price,
            EventKind::Band { reference, low, high } => {
                self.reference = reference;
                let band = Band { low, high };
                self.announced = (low.0 > 0 && high.0 > 0).then_some((band, phase));
            }
            _ => {}
        }
        self.touch = touch;
    }

    /// The price of a fill that named none: that of the best level it changed.
    fn traded_at(&self, now: Touch) -> Option<Price> {
        let changed = |side: Side| {
            let moved =
                self.touch.best(side) != now.best(side) || self.touch.qty(side) != now.qty(side);
            self.touch.best(side).filter(|_| moved)
        };
        changed(Side::Buy).or_else(|| changed(Side::Sell))
    }

    pub fn cage_facts(&self, touch: Touch) -> CageFacts {
        CageFacts { touch, last: self.last, previous_close: self.rules.previous_close }
    }

    pub fn short_facts(&self, touch: Touch, phase: Phase) -> ShortFacts {
        let reference = self.auction_reference(phase);
        ShortFacts { touch, last: self.last, previous_close: self.rules.previous_close, reference }
    }

    /// The band that the exchange announced, as far as it holds in `phase`. Where a day has limits
    /// they are what is announced, and hold all day. Hong Kong has none: it announces bands of an
    /// auction or of a cooling-off, which end with it.
    pub fn announced(&self, phase: Phase) -> Option<Band> {
        let whole_day = self.rules.quotation.is_none();
        let (band, since) = self.announced?;
        (whole_day || since == phase).then_some(band)
    }

    /// What an auction measures prices from: what the exchange announced for it, else the previous
    /// close.
    pub fn auction_reference(&self, phase: Phase) -> Price {
        let told = self.announced.is_some_and(|(_, since)| since == phase);
        if told && self.reference.0 > 0 { self.reference } else { self.rules.previous_close }
    }
}
