//! `nofx-bench-peers FOLDER FILE [ROUNDS]`: LevelBooks and the books of hftbacktest in the same walk
//! over the generated days in FOLDER; writes its rows as JSON to FILE.
#![forbid(unsafe_code)]

mod hftbacktest_books;

use std::error::Error;
use std::path::Path;

use hftbacktest_books::HftBooks;
use nofx_bench::days::{Day, Shape};
use nofx_bench::harness::Contest;
use nofx_bench::measure::book_walk::{as_generated, day_lap, level_books};
use nofx_bench::row::{Row, markdown};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (folder, file, rounds) = match arguments.as_slice() {
        [_, folder, file] => (folder, file, 5),
        [_, folder, file, rounds] => (folder, file, rounds.parse()?),
        _ => return Err("usage: nofx-bench-peers FOLDER FILE [ROUNDS]".into()),
    };
    nofx_rt::usage::pin_to_core(1).or_else(|_| nofx_rt::usage::pin_to_core(0))?;
    let rows = [
        measure(Shape::MARKET, folder, rounds, Some(0.125))?,
        measure(Shape::HOT, folder, rounds, None)?,
    ];
    print!("{}", markdown(&rows));
    std::fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

fn measure(
    shape: Shape,
    folder: &str,
    rounds: usize,
    target: Option<f64>,
) -> Result<Row, Box<dyn Error>> {
    let day = Day::load(shape, Path::new(folder))?;
    let results = Contest::new()
        .enter("LevelBooks", || day_lap(&day, level_books(&day)))
        .enter("hftbacktest 0.9", || day_lap(&day, HftBooks::new(shape.instruments)))
        .run(rounds)?;
    as_generated(&day, results.proof())?;
    let names = ["LevelBooks", "hftbacktest 0.9"];
    Ok(Row::versus("book_walk", shape.name(), "message", &results, names, target))
}
