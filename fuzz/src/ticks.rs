//! Files of ticks: whatever the bytes say, a reading ends, is sorted, and counts what it drops.

use nofx_ticks::{TickOptions, read_bytes};
use nofx_types::Date;

/// Bytes as a file of any known layout.
pub fn ticks_csv(data: &[u8]) {
    let options = TickOptions { date: Date::new(2023, 2, 7), ..TickOptions::default() };
    let Some(file) = read_bytes(data, &options) else { return };
    let mut last = std::collections::BTreeMap::new();
    for tick in &file.ticks {
        let before = last.insert(tick.channel, tick.seq);
        assert!(before.is_none_or(|before| before < tick.seq), "numbers rise in each channel");
        assert!(tick.qty.0 <= u64::from(u32::MAX) && tick.price.0 >= 0);
    }
    assert!(file.holes.iter().all(|hole| hole.before <= file.ticks.len()));
    assert!(file.bad.first().len() as u64 <= file.bad.total());
    assert_eq!(read_bytes(data, &options).map(|again| again.ticks), Some(file.ticks));
}
