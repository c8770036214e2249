//! Who a process is, from `/proc`: read at start and by watchers, never by a tile.

use std::fs;

/// This process: its number and when it began, in clock ticks since boot.
pub(crate) fn this() -> (u32, u64) {
    let pid = std::process::id();
    (pid, ticks(pid).unwrap_or(0))
}

/// When a process began; `None` when there is no such process.
pub(crate) fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc(5): field 2 is the name in parentheses, which may hold spaces; the start is field 22.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let dead = matches!(state, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| !dead)
}

/// The machine's boot; zeros where the system does not say.
pub(crate) fn boot() -> [u8; 16] {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).unwrap_or(0).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_start_and_a_boot_and_no_other_has_its_number() {
        let (pid, began) = this();
        assert!(pid > 0 && began > 0);
        assert_eq!(ticks(pid), Some(began));
        assert_eq!(ticks(u32::MAX), None);
        assert_ne!(boot(), [0; 16]);
    }
}
