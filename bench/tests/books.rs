//! Every book that is measured ends a generated day as the generator's own books do.
#![forbid(unsafe_code)]

use nofx_bench::days::{Day, Shape};
use nofx_bench::measure::book_walk::{day_lap, level_books};
use nofx_bench::measure::queue_walk::queue_books;
use nofx_bench::std_books::StdBooks;
use nofx_book::TwinBooks;

#[test]
fn all_books_agree_with_the_generator() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shape = Shape { instruments: 60, messages: 60_000 };
    let day = Day::load(shape, folder.path()).expect("a day");
    let laps = [
        day_lap(&day, StdBooks::default()),
        day_lap(&day, TwinBooks::new()),
        day_lap(&day, level_books(&day)),
        day_lap(&day, queue_books(&day)),
    ];
    for lap in laps {
        assert!(lap.ops >= shape.messages, "{lap:?}");
        assert_eq!(lap.proof, day.touches, "{lap:?}");
    }
    // A second load reads what the first one made.
    assert_eq!(Day::load(shape, folder.path()).expect("the same day").touches, day.touches);
}
