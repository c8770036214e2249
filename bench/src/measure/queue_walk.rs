//! Decode and order-by-order books with their queues, against the naive twin, which keeps them too.

use nofx_book::{QueueBooks, QueueConfig, TwinBooks};

use super::book_walk::{as_generated, day_lap};
use super::{Measured, Setup};
use crate::days::{Day, Shape};
use crate::harness::Contest;
use crate::row::Row;

/// One line.
pub const ABOUT: &str = "decode and books with queues: QueueBooks against the std-map twin";

/// Books with room for twice what rests in the day.
///
/// # Panics
/// There is no memory for them.
pub fn queue_books(day: &Day) -> QueueBooks {
    let live_orders = (2 * day.live_max).next_power_of_two() as u32;
    let instruments = (day.shape.instruments as u32 + 1).next_power_of_two();
    let levels = live_orders / 2 + 2 * instruments;
    QueueBooks::new(&QueueConfig { instruments, live_orders, levels }).expect("memory for books")
}

/// Measures.
///
/// # Errors
/// The day cannot be made, or the books disagree.
pub fn run(setup: &Setup) -> Measured {
    let mut rows = Vec::new();
    for shape in [Shape::HOT, Shape::MARKET] {
        let day = Day::load(shape, &setup.days)?;
        let results = Contest::new()
            .enter("QueueBooks", || day_lap(&day, queue_books(&day)))
            .enter("TwinBooks", || day_lap(&day, TwinBooks::new()))
            .run(setup.rounds)?;
        as_generated(&day, results.proof())?;
        let names = ["QueueBooks", "TwinBooks"];
        rows.push(Row::versus("queue_walk", shape.name(), "message", &results, names, Some(0.5)));
    }
    Ok(rows)
}
