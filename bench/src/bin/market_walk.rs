//! Walks the front of one market's generated day: what scripts/instructions counts.
#![forbid(unsafe_code)]

use std::error::Error;

use nofx_bench::market_days::MarketDay;
use nofx_bench::market_walk::Feed;
use nofx_types::Market;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, market, share] = arguments.as_slice() else {
        return Err("usage: market_walk sse|szse|hkex HALVES".into());
    };
    let market = Market::ALL.into_iter().find(|known| known.name() == market);
    let day = MarketDay::make(market.ok_or("no such market")?, 50, 400_000)?;
    let (mut feed, mut sink) = Feed::of(&day, 0);
    let most = day.input.len() * share.parse::<usize>()? / 2;
    let walked = feed.walk(&day.input, most, &mut sink);
    println!("{walked} {:016x}", sink.books.touch_hash());
    Ok(())
}
