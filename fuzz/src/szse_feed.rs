//! The Shenzhen feed: whatever bytes come, whole or cut, the same events follow, in the order of the
//! numbers of each channel.

use std::collections::HashMap;

use nofx_feed::szse::{ChannelSink, SzseConfig, SzseFeed, SzseJoin};
use nofx_types::{BookEvent, EventKind, Nanos};

#[derive(Default, PartialEq)]
struct Sink {
    events: Vec<(u16, BookEvent)>,
    last: HashMap<u16, u64>,
}

impl ChannelSink for Sink {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        let of_tick = matches!(
            event.kind,
            EventKind::Add { .. } | EventKind::Execute { .. } | EventKind::Reduce { .. }
        );
        if of_tick {
            let last = self.last.insert(channel, event.seq).unwrap_or(0);
            assert!(event.seq >= last, "{} after {last}", event.seq);
        }
        self.events.push((channel, *event));
    }
}

fn feed(join: SzseJoin) -> SzseFeed {
    let config =
        SzseConfig { channels: 4, instruments: 8, park_ticks: 16, join, ..SzseConfig::default() };
    SzseFeed::new(config).expect("values in range")
}

/// `data`: how to begin, then a stream.
pub fn szse_feed(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else { return };
    let join = if first & 1 == 0 { SzseJoin::FromOne } else { SzseJoin::Live };
    let at = Nanos(1_675_216_800_000_000_000);
    let run = |length: usize| {
        let (mut feed, mut sink) = (feed(join), Sink::default());
        for piece in stream.chunks(length.max(1)) {
            if feed.overhear(at, piece, &mut sink).is_err() {
                break;
            }
        }
        feed.finish(at, &mut sink);
        (sink, *feed.counters())
    };
    let whole = run(stream.len());
    assert!(whole == run(usize::from(*first)), "the cut changed what was said");

    let (mut feed, mut sink) = (feed(join), Sink::default());
    feed.on_datagram(at, stream, &mut sink);
    let _ = feed.login(at).len();
    feed.receive(at, stream, &mut sink);
    while feed.poll_action(at).is_some() {}
    feed.finish(at, &mut sink);
}
