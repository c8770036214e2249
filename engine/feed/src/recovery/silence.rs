//! Alarms of lines that say nothing: each sends at least a heartbeat a second.

use nofx_types::Nanos;

use super::LineAlarm;
use crate::sequencer::LINES_MAX;

pub(super) struct Silence {
    limit_ns: u64,
    lines: usize,
    /// When each line was heard last; when we first looked, before that.
    heard: [Option<Nanos>; LINES_MAX],
    alarms: [LineAlarm; LINES_MAX],
}

impl Silence {
    pub fn new(lines: usize, limit_ns: u64) -> Silence {
        let alarms = [LineAlarm::default(); LINES_MAX];
        Silence { limit_ns, lines, heard: [None; LINES_MAX], alarms }
    }

    /// Something came on `line`; a line that does not exist is not heard.
    #[inline]
    pub fn heard(&mut self, line: usize, at: Nanos) {
        let (Some(heard), Some(alarm)) = (self.heard.get_mut(line), self.alarms.get_mut(line))
        else {
            return;
        };
        if alarm.silent {
            let silence = heard.map_or(0, |before| at.since(before));
            alarm.longest_ns = alarm.longest_ns.max(silence);
            alarm.silent = false;
        }
        *heard = Some(at);
    }

    /// Raises the alarm of each line that has been silent for too long at `now`.
    pub fn check(&mut self, now: Nanos) {
        for (heard, alarm) in self.heard.iter_mut().zip(&mut self.alarms).take(self.lines) {
            let since = *heard.get_or_insert(now);
            if !alarm.silent && now.since(since) >= self.limit_ns {
                alarm.silent = true;
                alarm.episodes += 1;
            }
        }
    }

    /// Whether nothing comes from anywhere.
    pub fn all(&self) -> bool {
        self.alarms.iter().take(self.lines).all(|alarm| alarm.silent)
    }

    /// When the next alarm is due.
    pub fn deadline(&self) -> Option<Nanos> {
        let lines = self.heard.iter().zip(&self.alarms).take(self.lines);
        let due = lines.filter(|(_, alarm)| !alarm.silent);
        due.filter_map(|(heard, _)| Some((*heard)?.plus(self.limit_ns))).min()
    }

    pub fn alarm(&self, line: usize) -> LineAlarm {
        self.alarms.get(line).copied().unwrap_or_default()
    }

    /// How long `line` has been silent at `now`.
    pub fn of(&self, line: usize, now: Nanos) -> u64 {
        self.heard.get(line).copied().flatten().map_or(0, |heard| now.since(heard))
    }
}
