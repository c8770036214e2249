//! `market_walk MARKET HALVES FOLLOWED`: walks one half of a market's generated day, or both: what
//! `scripts/instructions --markets` counts. Of FOLLOWED securities of Hong Kong the stated queue
//! positions are checked.
#![forbid(unsafe_code)]

use std::error::Error;

use nofx_bench::market_days::MarketDay;
use nofx_bench::market_walk::Feed;
use nofx_types::Market;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, market, halves, followed] = arguments.as_slice() else {
        return Err("usage: market_walk sse|szse|hkex HALVES FOLLOWED".into());
    };
    let market = Market::ALL.into_iter().find(|known| known.name() == market);
    let day = MarketDay::make(market.ok_or("no such market")?, 50, 400_000)?;
    let (mut feed, mut sink) = Feed::of(&day, followed.parse()?);
    let most = day.input.len() * halves.parse::<usize>()? / 2;
    let walked = feed.walk(&day.input, most, &mut sink);
    println!("{walked} {:016x}", sink.books.touch_hash());
    Ok(())
}
