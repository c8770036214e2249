//! `walk FOLDER MESSAGES`: decodes the first so many messages of a generated 8,000-instrument day
//! and applies them to the level books, once. `scripts/instructions` counts the instructions inside
//! the walk for two lengths; their difference over the difference of messages is free of the first
//! touch of each book.
//! `walk FOLDER 0` makes the day.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use nofx_bench::days::{Day, Shape};
use nofx_bench::measure::book_walk::level_books;
use nofx_bench::walk::{feed, front, walk};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, messages] = arguments.as_slice() else {
        return Err("usage: walk FOLDER MESSAGES".into());
    };
    let day = Day::load(Shape::COUNTED, Path::new(folder))?;
    let mut books = level_books(&day);
    let walked = walk(front(day.bytes(), messages.parse()?), &mut feed()?, &mut books);
    println!("{walked} {} {:016x}", books.live_orders(), books.touch_hash());
    Ok(())
}
