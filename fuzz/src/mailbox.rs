//! Files that others may have written: a mailbox, and a segment of the journal.

use std::path::Path;

use nofx_mailbox::Watcher;
use nofx_mailbox::journal::Segment;
use nofx_mailbox::param::Why;

/// Any bytes as a mailbox: refused in words, or shown without a panic.
pub fn mailbox(data: &[u8]) {
    // A seed is the header's first 1,160 bytes; the rest of the file is zeros, as long as it says.
    let says = data.get(16..24).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let mut image = data.to_vec();
    image.resize(data.len().max(says.min(1 << 20) as usize), 0);
    mend_header(&mut image);
    let watcher = match Watcher::from_image(&image, "fuzzed") {
        Ok(watcher) => watcher,
        Err(refused) => return assert!(refused.to_string().starts_with("fuzzed: ")),
    };
    let rows = watcher.books().count()
        + watcher.feeds().count()
        + watcher.sessions().count()
        + watcher.tiles().count()
        + watcher.links().count()
        + watcher.heartbeats().count()
        + watcher.counters().count()
        + watcher.histograms().filter(|(_, counts)| counts.quantile(0.99) <= counts.max()).count();
    assert!(rows <= image.len());
    _ = (watcher.orders(), watcher.positions(), watcher.state(), watcher.journal());
    let kept = watcher.params_kept().len() + watcher.models_kept().len();
    assert!(kept < 2 * nofx_mailbox::SLOTS);
    if let Some((head, rows)) = watcher.current_params() {
        assert_eq!(head.words as usize / 2, rows.len());
    }
    if let Some((head, words)) = watcher.current_model() {
        assert_eq!(head.words as usize, words.len());
    }
    let mut events = watcher.events();
    // Each look moves on by one event or a loss; a ring has at most as many as the file has room for.
    let looks = std::iter::from_fn(|| events.next()).take(image.len() / 128 + 2).count();
    assert!(looks <= image.len() / 128 + 1, "more events than the file can hold");
    for ack in [watcher.params_ack(), watcher.model_ack()].into_iter().flatten() {
        _ = Why::from_number(ack.value.why);
    }
    _ = (watcher.in_force(), watcher.commands(), watcher.schema_hash(), watcher.model_schema());
    assert!(watcher.schema().iter().all(|spec| spec.name().len() <= 3 * 32));
    if watcher.kill_words().table().1 < 1 << 16 {
        _ = watcher.kill_words().all_engaged();
    }
}

/// Gives the header its right checksum, or a fuzzer would never come behind it.
fn mend_header(image: &mut [u8]) {
    if let Some((header, rest)) = image.split_at_mut_checked(1_152)
        && let Some(sum) = rest.first_chunk_mut::<8>()
    {
        *sum = u64::from(crc32c::crc32c(header)).to_le_bytes();
    }
}

/// Any bytes as a segment: records with rising numbers, then an end or an error, and no panic.
pub fn segment(data: &[u8]) {
    let Ok(Some(mut segment)) = Segment::parse(Path::new("fuzzed"), data.to_vec()) else { return };
    let mut next = segment.head().first;
    loop {
        match segment.next() {
            Ok(Some(record)) => {
                assert_eq!(record.number, next);
                next = next.wrapping_add(1);
            }
            Ok(None) => break,
            Err(damaged) => return assert!(damaged.to_string().starts_with("fuzzed: ")),
        }
    }
    assert!(
        segment
            .cut()
            .is_none_or(|cut| cut.bytes > 0 && cut.offset + cut.bytes == data.len() as u64)
    );
}
