//! What makes clean books of Shenzhen's raw events: one of two adaptors, as the configuration says.

use nofx_book::QueueConfig;
use nofx_book::rebuild::{HeldOrder, RebuildConfig, RebuildCounts, Simulated, Waiting};
use nofx_feed::ChannelSink;
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, OrderRef, Touch};
use serde::Deserialize;

use crate::failure::Failure;

/// Which adaptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildName {
    /// Holds an order that crosses until its trades have come.
    #[default]
    Waiting,
    /// Matches at once, and checks the trades when they come.
    Simulated,
}

/// The adaptor.
pub enum Rebuild {
    /// See [`RebuildName::Waiting`].
    Waiting(Box<Waiting>),
    /// See [`RebuildName::Simulated`].
    Simulated(Box<Simulated>),
}

impl Rebuild {
    /// An adaptor that holds nothing; `live_orders` sizes the books of the one that has its own.
    ///
    /// # Errors
    /// A size outside its range.
    pub fn new(name: RebuildName, instruments: u32, live_orders: u32) -> Result<Rebuild, Failure> {
        let sizes = RebuildConfig { instruments, ..RebuildConfig::default() };
        Ok(match name {
            RebuildName::Waiting => {
                Rebuild::Waiting(Box::new(Waiting::new(&sizes).map_err(Failure::usage)?))
            }
            RebuildName::Simulated => {
                let books = QueueConfig { instruments, live_orders, ..QueueConfig::default() };
                let adaptor = Simulated::new(&sizes, &books).map_err(Failure::usage)?;
                Rebuild::Simulated(Box::new(adaptor))
            }
        })
    }

    /// The sink for the events of a feed that tells channels apart.
    #[inline]
    pub fn clean<'a, S>(&'a mut self, sink: &'a mut S) -> Clean<'a, S> {
        Clean { rebuild: self, sink }
    }

    /// The sink for the events of one channel.
    #[inline]
    pub fn over<'a, S>(&'a mut self, channel: u16, sink: &'a mut S) -> Channel<'a, S> {
        Channel { clean: self.clean(sink), channel }
    }

    /// The order of an instrument that is held: not in the book yet.
    pub fn held(&self, instrument: InstrumentId) -> Option<HeldOrder> {
        match self {
            Rebuild::Waiting(adaptor) => adaptor.held(instrument),
            Rebuild::Simulated(adaptor) => adaptor.held(instrument),
        }
    }

    /// What was out of the ordinary so far.
    pub fn counts(&self) -> RebuildCounts {
        match self {
            Rebuild::Waiting(adaptor) => adaptor.counts(),
            Rebuild::Simulated(adaptor) => adaptor.counts(),
        }
    }

    /// Bytes of its tables, fixed at construction.
    pub fn memory_bytes(&self) -> u64 {
        match self {
            Rebuild::Waiting(adaptor) => adaptor.memory_bytes(),
            Rebuild::Simulated(adaptor) => adaptor.memory_bytes(),
        }
    }
}

/// Raw events in, clean ones out.
pub struct Clean<'a, S> {
    rebuild: &'a mut Rebuild,
    sink: &'a mut S,
}

impl<S: EventSink> ChannelSink for Clean<'_, S> {
    #[inline]
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        match self.rebuild {
            Rebuild::Waiting(adaptor) => adaptor.over(channel, self.sink).on_event(event),
            Rebuild::Simulated(adaptor) => adaptor.over(channel, self.sink).on_event(event),
        }
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        match self.rebuild {
            Rebuild::Waiting(adaptor) => adaptor.over(0, self.sink).on_definition(instrument),
            Rebuild::Simulated(adaptor) => adaptor.over(0, self.sink).on_definition(instrument),
        }
    }
}

/// [`Clean`] for the events of one channel.
pub struct Channel<'a, S> {
    clean: Clean<'a, S>,
    channel: u16,
}

impl<S: EventSink> EventSink for Channel<'_, S> {
    #[inline]
    fn on_event(&mut self, event: &BookEvent) {
        ChannelSink::on_event(&mut self.clean, self.channel, event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        ChannelSink::on_definition(&mut self.clean, instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.clean.sink.touch(instrument)
    }

    #[inline]
    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        self.clean.sink.hint(instrument, order);
    }
}
