//! The terminal while the view holds it: taken over, and given back whatever ends the program.

use std::io::{self, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::disable_raw_mode;

use super::cursor::{After, Cursor};
use super::screen;
use super::section::section;
use super::watch::Watch;
use crate::live::clock::wall;
use nofx_shot::Shot;

/// How long a signal may wait.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the view may take to end after a signal, where the terminal takes nothing any more.
const GRACE: Duration = Duration::from_secs(2);

/// The terminal, given back when this is dropped. A panic gives it back before its message.
pub struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// There is none that can be driven.
    pub fn open() -> io::Result<Screen> {
        let before = std::panic::take_hook();
        // `try_init` puts its own hook before this one, which does not bring the cursor back.
        std::panic::set_hook(Box::new(move |panic| {
            let _ = execute!(stdout(), Show);
            before(panic);
        }));
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        Ok(Screen { terminal })
    }

    /// Draws a shot.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, shot: &Shot, cursor: &Cursor) -> io::Result<()> {
        self.terminal.draw(|frame| screen::draw(frame, shot, cursor)).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore(); // the terminal's own drop, which follows, shows the cursor
    }
}

/// Shows what `watch` sees, every `interval`, until a key or a signal ends it.
///
/// # Errors
/// The terminal cannot be driven, or is gone.
pub fn show(watch: &mut Watch, interval: Duration) -> io::Result<()> {
    let stop = stop_on_signal();
    let mut screen = Screen::open()?;
    let mut cursor = Cursor::default();
    while !stop.load(Ordering::Relaxed) {
        let shot = watch.shot(wall());
        screen.draw(&shot, &cursor)?;
        let next = Instant::now() + interval;
        // Keys are heard at least once between two looks, however slow the machine is.
        while !stop.load(Ordering::Relaxed) {
            let left = next.saturating_duration_since(Instant::now());
            if !event::poll(left.min(PATIENCE))? {
                if left.is_zero() {
                    break;
                }
                continue;
            }
            if let Event::Key(key) = event::read()? {
                let rows = section(cursor.panel(), &shot, cursor.book).rows.len();
                if cursor.key(key, shot.books.len(), rows) == After::Quit {
                    return Ok(());
                }
            }
            if !event::poll(Duration::ZERO)? {
                screen.draw(&shot, &cursor)?;
            }
        }
    }
    Ok(())
}

/// Set by SIGINT, SIGTERM and SIGHUP. A view that hangs in a terminal that takes nothing cannot hear
/// of it: what such a terminal still allows is done for it, and the process ended.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Where no handler can be set, keys still end the view.
    let _ = ctrlc::set_handler(move || {
        if !flag.swap(true, Ordering::Relaxed) {
            std::thread::sleep(GRACE);
            let _ = disable_raw_mode();
            std::process::exit(130);
        }
    });
    stop
}
