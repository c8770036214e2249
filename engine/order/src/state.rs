//! Where an order session stands, in words.

use std::fmt;

use nofx_wire::soup;

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// No login is under way.
    #[default]
    Down,
    /// A login was sent.
    LoggingIn,
    /// Logged in; what became of our orders is not yet proven. Nothing is sent but queries.
    Reconciling,
    /// Orders may be sent.
    Up,
    /// As up, but the venue's platform takes no orders; its state as the protocol numbers it, 255
    /// when it has not said.
    Waiting(u8),
    /// Logged in, and the state of our orders cannot be proven: only cancels may be sent.
    Unreconciled(Unreconciled),
    /// The login was refused. With SoupBinTCP the server's letter: `A` not authorised, `S` no such
    /// session. Of the other protocols the status of the logout, but `A` where another login would
    /// fare no better, and `?` where the status has no room here.
    Refused(u8),
    /// The server ended the session for the day.
    Ended,
    /// We logged out.
    LoggedOut,
    /// The stream lost its frames: close the connection.
    Broken,
}

/// Why the state of our orders could not be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreconciled {
    /// The server no longer has reports that we have not seen.
    Missed,
    /// The server names another session than the one in which our open orders stand.
    SessionChanged,
    /// The server's numbers end before those we have seen: it lost what it had said.
    LostHistory,
    /// The account query or the request for missed reports was not answered.
    NoAnswer,
    /// The order with this id was sent and nothing is said of it. With OUCH 5.0 and OCG-C the venue
    /// took it; the others cannot say whether it arrived.
    Unanswered(u32),
    /// The venue took ids that were never sent from here: the next one it takes.
    ForeignIds(u32),
    /// The venue's next id is not above one that it has reported: the next one it takes.
    NextId(u32),
    /// An order that was proven never to have arrived is reported.
    Ghost(u32),
}

impl SessionState {
    /// The letter of [`SessionState::Refused`] after which no login follows.
    pub const NOT_AUTHORISED: u8 = soup::REJECT_NOT_AUTHORISED;
}

impl Unreconciled {
    /// Whether another login cannot prove better.
    pub(crate) fn lasts(self) -> bool {
        !matches!(self, Unreconciled::NoAnswer | Unreconciled::Unanswered(_))
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionState::Down => f.write_str("down"),
            SessionState::LoggingIn => f.write_str("logging in"),
            SessionState::Reconciling => f.write_str("reconciling"),
            SessionState::Up => f.write_str("up"),
            SessionState::Waiting(state) => {
                write!(f, "up; the platform takes no orders (state {state})")
            }
            SessionState::Unreconciled(why) => write!(f, "trading stopped: {why}"),
            SessionState::Refused(soup::REJECT_NOT_AUTHORISED) => {
                f.write_str("login refused: not authorised (user name, password or port)")
            }
            SessionState::Refused(soup::REJECT_NO_SESSION) => {
                f.write_str("login refused: session or sequence not available")
            }
            SessionState::Refused(letter @ (b'?' | b'A'..=b'Z')) => {
                write!(f, "login refused: reason `{}`", char::from(*letter))
            }
            SessionState::Refused(status) => write!(f, "login refused: status {status}"),
            SessionState::Ended => f.write_str("ended by the venue for the day"),
            SessionState::LoggedOut => f.write_str("logged out"),
            SessionState::Broken => f.write_str("broken: bytes that are no frame"),
        }
    }
}

impl fmt::Display for Unreconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreconciled::Missed => f.write_str("the venue no longer has reports not seen here"),
            Unreconciled::SessionChanged => {
                f.write_str("the venue began another session while orders were open")
            }
            Unreconciled::LostHistory => f.write_str("the venue lost reports that it had sent"),
            Unreconciled::NoAnswer => {
                f.write_str("the venue does not answer what a login must ask")
            }
            Unreconciled::Unanswered(id) => {
                write!(f, "order {id} was sent and the venue does not say what became of it")
            }
            Unreconciled::ForeignIds(next) => {
                write!(f, "the venue's next id is {next}: it has orders not sent from this record")
            }
            Unreconciled::NextId(next) => {
                write!(f, "the venue's next id is {next}, not above an id that it has reported")
            }
            Unreconciled::Ghost(id) => {
                write!(f, "order {id} had been proven lost, and the venue reports it")
            }
        }
    }
}
