//! The day's periods from the market's sessions: real hours, or compressed.

use nofx_rules::{Session, Stage as Purpose};
use nofx_types::{Date, Market, Nanos, Phase};

use super::config::CourseConfig;
use super::course::{Period, Stage};
use crate::ConfigError;
use crate::day::draw::Draw;

const SECOND: u64 = 1_000_000_000;
/// Closed before the day is over.
const CLOSED_NS: u64 = 60 * SECOND;

/// Periods, and the session that each of them is.
pub(super) struct Plan {
    pub periods: Vec<Period>,
    pub sessions: Vec<Session>,
}

/// One period before it has a real time.
struct Draft {
    stage: Stage,
    session: Session,
}

/// Plans the day. Trading after the close at a fixed price is not played: the board closes first.
pub(super) fn plan(
    sessions: &[Session],
    date: Date,
    course: &CourseConfig,
    start: Option<Nanos>,
    draw: &mut Draw,
) -> Result<Plan, ConfigError> {
    let drafts = drafts(sessions);
    if drafts.is_empty() {
        return Err(ConfigError::new("date", "the market is closed on this day"));
    }
    let known = |name: &String| drafts.iter().any(|draft| draft.stage.name() == name);
    if let Some(name) = course.lengths_ms.keys().find(|name| !known(name)) {
        let key = format!("course.lengths_ms.{name}");
        return Err(ConfigError::new(key, "not a stage of this market's day"));
    }
    let midnight = date.midnight_ns(Market::HOURS_EAST);
    let own = start.is_some() || !course.lengths_ms.is_empty() || course.speed > 1;
    let first = drafts.first().map_or(0, |draft| draft.session.from_ns);
    let mut real = start.map_or(midnight + first, |start| start.0);
    let mut periods: Vec<Period> = Vec::new();
    for Draft { stage, session } in &drafts {
        let day = session.until_ns - session.from_ns;
        let length = match course.lengths_ms.get(stage.name()) {
            Some(ms) => ms * 1_000_000,
            None => day / u64::from(course.speed.max(1)),
        };
        let from = if own { real } else { midnight + session.from_ns };
        let mut to = from + if own { length } else { day };
        real = to;
        if let Some(last) = periods.last().filter(|last| is_random(last.stage)) {
            // Ends when it likes; nobody is told before.
            let span = last.to.since(last.from);
            let from = last.from.plus(span / 4 + draw.below(span - span / 4 + 1));
            let (day_from, day_to) = (session.from_ns, session.until_ns);
            to = to.max(from.0);
            periods.push(Period { stage: *stage, from, to: Nanos(to), day_from, day_to });
            continue;
        }
        let (day_from, day_to) = (session.from_ns, session.until_ns);
        periods.push(Period { stage: *stage, from: Nanos(from), to: Nanos(to), day_from, day_to });
    }
    Ok(Plan { periods, sessions: drafts.into_iter().map(|draft| draft.session).collect() })
}

/// Whether two boards cut the day alike, as far as it is played.
pub(super) fn alike(one: &[Session], other: &[Session]) -> bool {
    let cuts = |sessions: &[Session]| -> Vec<(Stage, u64, u64)> {
        let drafts = drafts(sessions);
        let cut = |d: &Draft| (d.stage, d.session.from_ns, d.session.until_ns);
        drafts.iter().map(cut).collect()
    };
    cuts(one) == cuts(other)
}

fn is_random(stage: Stage) -> bool {
    matches!(stage, Stage::OpeningRandom | Stage::ClosingRandom)
}

fn drafts(sessions: &[Session]) -> Vec<Draft> {
    let last = sessions.iter().rposition(|session| stage_of(session) != Stage::Closed);
    let played = sessions.get(..last.map_or(0, |last| last + 1)).unwrap_or(&[]);
    let (Some(first), Some(last)) = (played.first(), played.last()) else { return Vec::new() };
    let before = Session::closed(first.from_ns.saturating_sub(SECOND), first.from_ns, first.since);
    let end = last.until_ns + CLOSED_NS;
    let closed = Session::closed(last.until_ns, end, last.since);
    let over = Session::closed(end, end + SECOND, last.since);
    let mut drafts = vec![Draft { stage: Stage::Before, session: before }];
    let mut opened = false;
    drafts.extend(played.iter().map(|session| {
        let stage = match stage_of(session) {
            Stage::Break if !opened => Stage::Pause,
            stage => stage,
        };
        opened |= stage == Stage::Continuous;
        Draft { stage, session: *session }
    }));
    drafts.push(Draft { stage: Stage::Closed, session: closed });
    drafts.push(Draft { stage: Stage::DayClosed, session: over });
    drafts
}

fn stage_of(session: &Session) -> Stage {
    let closing = session.phase == Phase::ClosingAuction;
    match (session.stage, closing) {
        (Purpose::Input, false) => Stage::OpeningCall,
        (Purpose::NoCancel, false) => Stage::OpeningFixed,
        (Purpose::Matching, false) => Stage::OpeningRandom,
        (Purpose::Input, true) => Stage::ClosingCall,
        (Purpose::NoCancel, true) => Stage::ClosingFixed,
        (Purpose::Matching, true) => Stage::ClosingRandom,
        (Purpose::Continuous, _) => Stage::Continuous,
        (Purpose::Fixing, _) => Stage::Fixing,
        (Purpose::Blocking, _) if session.phase != Phase::Closed => Stage::Break,
        _ => Stage::Closed,
    }
}
