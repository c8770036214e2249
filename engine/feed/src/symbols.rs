//! Instrument ids for feeds that name instruments otherwise: dense, in order of appearance.

use nofx_rt::table::{Full, Table};
use nofx_types::InstrumentId;

/// From a 64-bit name (eight characters of symbol, or a vendor's number) to an id.
pub(crate) struct Symbols {
    ids: Table<u32>,
    capacity: u32,
}

/// What [`Symbols::id`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Known(InstrumentId),
    New(InstrumentId),
}

impl Symbols {
    pub fn new(capacity: u32) -> Symbols {
        Symbols { ids: Table::new(capacity as usize), capacity }
    }

    /// The id of `name`, a new one if it was never seen.
    #[inline]
    pub fn id(&mut self, name: u64) -> Result<Found, Full> {
        match self.ids.get(name) {
            Some(id) => Ok(Found::Known(InstrumentId(id))),
            None => self.add(name),
        }
    }

    /// The id of `name`, if it was ever seen.
    pub fn find(&self, name: u64) -> Option<InstrumentId> {
        self.ids.get(name).map(InstrumentId)
    }

    /// How many names were seen: ids are below it.
    pub fn len(&self) -> u32 {
        self.ids.len() as u32 // below the capacity, a u32
    }

    #[cold]
    fn add(&mut self, name: u64) -> Result<Found, Full> {
        let id = self.ids.len() as u32; // below the capacity, a u32
        self.ids.insert(name, id)?;
        Ok(Found::New(InstrumentId(id)))
    }

    pub fn memory_bytes(&self) -> u64 {
        // Half of the slots stay free; a slot holds key and value.
        u64::from(self.capacity) * 2 * size_of::<(u64, Option<u32>)>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_end_at_the_capacity() {
        let mut symbols = Symbols::new(2);
        assert_eq!(symbols.id(u64::MAX), Ok(Found::New(InstrumentId(0))));
        assert_eq!(symbols.id(0), Ok(Found::New(InstrumentId(1))));
        assert_eq!(symbols.id(7), Err(Full));
        assert_eq!(symbols.id(u64::MAX), Ok(Found::Known(InstrumentId(0))));
    }
}
