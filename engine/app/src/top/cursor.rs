//! What the person at the terminal chose, and what keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::section::Panel;

/// What is chosen. Rows beyond the end count as the last one where they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the panel in [`Panel::ALL`].
    panel: usize,
    /// Row of the book whose levels are shown.
    pub book: usize,
    /// First row shown of the chosen panel.
    pub scroll: usize,
    /// The last key asked for what `nofx kill` does.
    pub asked_kill: bool,
}

/// Whether the view goes on after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It does.
    Stay,
    /// It ends.
    Quit,
}

/// Rows of a page key.
const PAGE: usize = 10;

impl Cursor {
    /// The panel that is chosen.
    pub fn panel(&self) -> Panel {
        Panel::ALL.get(self.panel).copied().unwrap_or(Panel::Tiles)
    }

    /// Takes a key. `books` and `rows` are what there is to move over: books shown, and rows of the
    /// chosen panel.
    pub fn key(&mut self, key: KeyEvent, books: usize, rows: usize) -> After {
        if key.kind == KeyEventKind::Release {
            return After::Stay;
        }
        self.asked_kill = key.code == KeyCode::Char('k');
        let last = Panel::ALL.len() - 1;
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return After::Quit;
            }
            KeyCode::Char('q') | KeyCode::Esc => return After::Quit,
            KeyCode::Tab | KeyCode::Right => self.choose((self.panel + 1) % (last + 1)),
            KeyCode::BackTab | KeyCode::Left => {
                self.choose(self.panel.checked_sub(1).unwrap_or(last));
            }
            KeyCode::Up => self.move_by(|row| row.saturating_sub(1), books, rows),
            KeyCode::Down => self.move_by(|row| row + 1, books, rows),
            KeyCode::PageUp => self.move_by(|row| row.saturating_sub(PAGE), books, rows),
            KeyCode::PageDown => self.move_by(|row| row + PAGE, books, rows),
            KeyCode::Home => self.move_by(|_| 0, books, rows),
            KeyCode::End => self.move_by(|_| usize::MAX, books, rows),
            _ => {}
        }
        After::Stay
    }

    fn choose(&mut self, panel: usize) {
        (self.panel, self.scroll) = (panel, 0);
    }

    /// In the panels of books the book moves, in others the rows.
    fn move_by(&mut self, to: impl Fn(usize) -> usize, books: usize, rows: usize) {
        let (moved, count) = match self.panel() {
            Panel::Books | Panel::Levels => (&mut self.book, books),
            _ => (&mut self.scroll, rows),
        };
        *moved = to(*moved).min(count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(cursor: &mut Cursor, code: KeyCode) -> After {
        cursor.key(KeyEvent::new(code, KeyModifiers::NONE), 3, 2)
    }

    #[test]
    fn tab_goes_round_the_panels_both_ways() {
        let mut cursor = Cursor::default();
        for panel in Panel::ALL.into_iter().cycle().take(25) {
            assert_eq!(cursor.panel(), panel);
            press(&mut cursor, KeyCode::Tab);
        }
        (0..25).for_each(|_| {
            press(&mut cursor, KeyCode::BackTab);
        });
        assert_eq!(cursor, Cursor::default());
    }

    #[test]
    fn arrows_move_the_book_in_panels_of_books_and_rows_elsewhere_and_stop_at_the_ends() {
        let mut cursor = Cursor::default();
        (0..9).for_each(|_| {
            press(&mut cursor, KeyCode::Down);
        });
        assert_eq!((cursor.scroll, cursor.book), (1, 0));
        while cursor.panel() != Panel::Levels {
            press(&mut cursor, KeyCode::Right);
        }
        (0..9).for_each(|_| {
            press(&mut cursor, KeyCode::Down);
        });
        assert_eq!((cursor.scroll, cursor.book), (0, 2));
        press(&mut cursor, KeyCode::Home);
        assert_eq!(cursor.book, 0);
        press(&mut cursor, KeyCode::End);
        assert_eq!(cursor.book, 2);
        press(&mut cursor, KeyCode::PageUp);
        assert_eq!(cursor.book, 0);
    }

    #[test]
    fn q_escape_and_ctrl_c_end_it_and_k_only_says_what_kills() {
        let mut cursor = Cursor::default();
        assert_eq!(press(&mut cursor, KeyCode::Char('k')), After::Stay);
        assert!(cursor.asked_kill);
        assert_eq!(press(&mut cursor, KeyCode::Char('c')), After::Stay);
        assert!(!cursor.asked_kill);
        assert_eq!(press(&mut cursor, KeyCode::Char('q')), After::Quit);
        assert_eq!(press(&mut cursor, KeyCode::Esc), After::Quit);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(cursor.key(ctrl_c, 0, 0), After::Quit);
    }
}
