//! The operator's lines on standard input.
//!
//! A thread waits for them, so the loop never does; it ends with standard input or the process.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, sync_channel};

/// Lines that may wait.
const WAITING_MAX: usize = 64;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Write the dump now.
    Dump,
    /// Halt an instrument.
    Halt(String),
    /// Begin the call that ends its halt.
    Resume(String),
    /// Cut a line (0 is A) or join it again.
    Line(usize, bool),
    /// Lose so many of a million packets of a line.
    Loss(usize, u32),
    /// Cut a firm's connection; of a firm with several sessions all, or the one with this number.
    Disconnect(String, Option<usize>),
    /// End the venue.
    Quit,
}

impl Command {
    /// `None` where the line says nothing we know.
    pub fn parse(line: &str) -> Option<Command> {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next();
        let command = match word()? {
            "dump" => Command::Dump,
            "halt" => Command::Halt(word()?.to_owned()),
            "resume" => Command::Resume(word()?.to_owned()),
            "line" => Command::Line(line_of(word()?)?, up_of(word()?)?),
            "loss" => Command::Loss(line_of(word()?)?, ppm_of(word()?)?),
            "disconnect" => {
                let firm = word()?.to_owned();
                let session = word().map(|number| number.parse().ok());
                Command::Disconnect(firm, session.map_or(Some(None), |number| number.map(Some))?)
            }
            "quit" => Command::Quit,
            _ => return None,
        };
        word().is_none().then_some(command)
    }
}

fn line_of(word: &str) -> Option<usize> {
    match word {
        "a" | "A" => Some(0),
        "b" | "B" => Some(1),
        _ => None,
    }
}

fn up_of(word: &str) -> Option<bool> {
    match word {
        "up" => Some(true),
        "down" => Some(false),
        _ => None,
    }
}

fn ppm_of(word: &str) -> Option<u32> {
    let share = word.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))?;
    Some((share * 1e6).round() as u32)
}

/// Standard input, one line at a time.
pub struct Control {
    lines: Receiver<String>,
}

impl Control {
    /// Begins to listen.
    pub fn new() -> Control {
        let (sender, lines) = sync_channel(WAITING_MAX);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Control { lines }
    }

    /// The next line, and what it asks for.
    pub fn next(&self) -> Option<(String, Option<Command>)> {
        let line = self.lines.try_recv().ok()?;
        let command = Command::parse(&line);
        Some((line, command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused() {
        for (line, want) in [
            ("dump", Some(Command::Dump)),
            (" halt  AAAA ", Some(Command::Halt("AAAA".into()))),
            ("line b down", Some(Command::Line(1, false))),
            ("line a up", Some(Command::Line(0, true))),
            ("loss a 0.005", Some(Command::Loss(0, 5_000))),
            ("disconnect NOFX", Some(Command::Disconnect("NOFX".into(), None))),
            ("disconnect NOFX 1", Some(Command::Disconnect("NOFX".into(), Some(1)))),
            ("disconnect NOFX x", None),
            ("quit", Some(Command::Quit)),
            ("", None),
            ("halt", None),
            ("dump now", None),
            ("line c up", None),
            ("line a", None),
            ("loss a 2", None),
            ("loss a NaN", None),
            ("reboot", None),
        ] {
            assert_eq!(Command::parse(line), want, "{line:?}");
        }
    }
}
