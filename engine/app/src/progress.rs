//! A progress bar for long work: on standard error, only where a person watches.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bytes below which a bar would only flicker.
const WORTH_A_BAR: u64 = 32 << 20;

/// A bar over `total` bytes of input; hidden when `quiet`, when nobody watches, or for small files.
pub fn bytes(total: u64, quiet: bool) -> ProgressBar {
    let shown = !quiet && total >= WORTH_A_BAR;
    bar(total, shown, "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}")
}

/// A bar over `total` steps of work, named by `msg`.
pub fn steps(total: u64, quiet: bool, msg: &'static str) -> ProgressBar {
    bar(total, !quiet, "{bar:40} {human_pos}/{human_len}  {eta} left  {msg}").with_message(msg)
}

fn bar(total: u64, shown: bool, template: &str) -> ProgressBar {
    if !shown || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5))
        .with_style(style)
}
