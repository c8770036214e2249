//! Decode and aggregate books, without looking ahead, against std maps.

use nofx_book::{LevelBooks, LevelConfig};

use super::{Measured, Setup};
use crate::days::{Day, Shape};
use crate::harness::{Contest, Lap, Results, lap};
use crate::row::Row;
use crate::std_books::StdBooks;
use crate::walk::{Books, NoBooks, feed, walk};

/// One line.
pub const ABOUT: &str = "decode and aggregate books: LevelBooks against std maps";

/// Books sized for the day: for a market as the default, for a hot set as its live orders ask.
///
/// # Panics
/// There is no memory for them.
pub fn level_books(day: &Day) -> LevelBooks {
    let default = LevelConfig::default();
    let config = if day.shape.instruments > 1_000 {
        default
    } else {
        let live_orders = (2 * day.live_max).next_power_of_two() as u32;
        LevelConfig { instruments: 64, live_orders, ..default }
    };
    LevelBooks::new(&config).expect("memory for books")
}

/// A whole day into `books`, timed.
///
/// # Panics
/// The feed's default configuration is invalid.
pub fn day_lap<B: Books>(day: &Day, mut books: B) -> Lap {
    let mut feed = feed().expect("a valid default");
    let mut timed = lap(|| (walk(day.bytes(), &mut feed, &mut books), 0));
    timed.proof = books.touch_hash();
    timed
}

/// Refuses a contest whose books agree with each other but not with the generator's.
///
/// # Errors
/// `proof` is not the hash that the generator's books ended with.
pub fn as_generated(day: &Day, proof: u64) -> Result<(), String> {
    if proof == day.touches {
        return Ok(());
    }
    Err(format!(
        "{}: touches hash to {proof:016x}, the generator's to {:016x}",
        day.shape.name(),
        day.touches
    ))
}

fn contest(day: &Day, rounds: usize) -> Result<Results, Box<dyn std::error::Error>> {
    let results = Contest::new()
        .enter("LevelBooks", || day_lap(day, level_books(day)))
        .enter("std maps", || day_lap(day, StdBooks::default()))
        .run(rounds)?;
    as_generated(day, results.proof())?;
    Ok(results)
}

/// Measures.
///
/// # Errors
/// The day cannot be made, or the books disagree.
pub fn run(setup: &Setup) -> Measured {
    let mut rows = Vec::new();
    for (shape, target) in [(Shape::MARKET, 0.25), (Shape::HOT, 0.35)] {
        let day = Day::load(shape, &setup.days)?;
        let results = contest(&day, setup.rounds)?;
        let names = ["LevelBooks", "std maps"];
        let target = Some(target);
        rows.push(Row::versus("book_walk", shape.name(), "message", &results, names, target));
        let decode = Contest::new()
            .enter("decode", || day_lap(&day, NoBooks::default()))
            .run(setup.rounds)?
            .figure("decode");
        let what = format!("decoding alone, {}", shape.name());
        rows.push(Row::alone("book_walk", what, "ns/message", decode, None));
    }
    Ok(rows)
}
