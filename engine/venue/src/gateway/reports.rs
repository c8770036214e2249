//! Reports numbered per set (Shenzhen: partition), kept so that clients can ask for them again.

use nofx_types::Symbol;

/// One report as its type and body.
pub(super) struct Report {
    /// Message type.
    pub kind: u32,
    /// Body.
    pub body: Box<[u8]>,
}

/// All reports of the day, by set; the index of a report counts from 1 in its set.
pub(super) struct Reports {
    sets: Vec<(u32, Vec<Report>)>,
}

impl Reports {
    /// Sets with these numbers.
    pub fn new(numbers: &[u32]) -> Reports {
        Reports { sets: numbers.iter().map(|number| (*number, Vec::new())).collect() }
    }

    /// How many sets.
    pub fn sets(&self) -> usize {
        self.sets.len()
    }

    /// The numbers of the sets.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.sets.iter().map(|(number, _)| *number)
    }

    /// The place of the set with this number.
    pub fn place(&self, number: u32) -> Option<usize> {
        self.sets.iter().position(|(set, _)| *set == number)
    }

    /// The set that reports of this security come in: by its code, so that it lasts all day.
    pub fn set_of(&self, symbol: Symbol) -> usize {
        let digits = symbol.as_str().bytes().filter(u8::is_ascii_digit);
        let code = digits.fold(0usize, |code, digit| {
            code.wrapping_mul(10).wrapping_add(usize::from(digit - b'0'))
        });
        code.checked_rem(self.sets.len()).unwrap_or(0)
    }

    /// The number of the set at `place`, and the index that its next report will have.
    pub fn next(&self, place: usize) -> (u32, u64) {
        self.sets.get(place).map_or((0, 0), |(number, all)| (*number, all.len() as u64 + 1))
    }

    /// Index of the last report of a set; 0 for none.
    pub fn last(&self, place: usize) -> u64 {
        self.sets.get(place).map_or(0, |(_, all)| all.len() as u64)
    }

    /// Keeps a report.
    pub fn push(&mut self, place: usize, kind: u32, body: &[u8]) {
        if let Some((_, all)) = self.sets.get_mut(place) {
            all.push(Report { kind, body: body.into() });
        }
    }

    /// The reports of a set behind the index `seen`.
    pub fn after(&self, place: usize, seen: u64) -> &[Report] {
        let all = self.sets.get(place).map_or(&[][..], |(_, all)| all);
        usize::try_from(seen).ok().and_then(|seen| all.get(seen..)).unwrap_or(&[])
    }
}
