//! GLIMPSE 5.0: the books as they are now, over SoupBinTCP.
//!
//! Model: at its login (which has to ask for sequence 1) a client gets an image that was taken at
//! once, at the end of a turn: the last system event, for each instrument directory, state and
//! short-sale test, then its orders in the order in which they are filled, bids first; at the end
//! the marker `G` with the number of the first message of the stream that is not in the image. The
//! connection then lasts until the client leaves. Worst case: an image is as long as the books have
//! orders, about 40 bytes each, and is made in one turn.

use nofx_types::{Nanos, Side};
use nofx_wire::glimpse::SnapshotMark;
use nofx_wire::soup::{self, Frame};

use super::Exchange;
use super::course::directory;
use super::desk::add_order;
use crate::day::flow::Floor;
use crate::publisher::{Buffer, Happening, Stamp};

/// Longest frame of a client that is waited for; a login has 49 bytes.
const INPUT_MAX: usize = 128;

/// The server end of one snapshot connection.
#[derive(Debug)]
pub struct GlimpseSession {
    input: Vec<u8>,
    output: Vec<u8>,
    open: bool,
    served: bool,
    last_heard: Nanos,
    last_sent: Nanos,
}

impl GlimpseSession {
    /// A client connected.
    pub fn new(now: Nanos) -> GlimpseSession {
        GlimpseSession {
            input: Vec::new(),
            output: Vec::new(),
            open: true,
            served: false,
            last_heard: now,
            last_sent: now,
        }
    }

    /// Takes bytes from the client, whatever they are.
    pub fn on_bytes(&mut self, bytes: &[u8], exchange: &mut Exchange) {
        self.last_heard = exchange.now();
        self.input.extend_from_slice(bytes);
        let mut at = 0;
        while self.open {
            let rest = self.input.get(at..).unwrap_or(&[]);
            match soup::next_frame(rest) {
                Ok(Some((frame, taken))) => {
                    at += taken;
                    let wants = match frame {
                        Frame::LoginRequest(login) if !self.served => {
                            Some(exchange.check_snapshot_login(login))
                        }
                        Frame::ClientHeartbeat | Frame::Debug(_) => None,
                        _ => {
                            self.open = false;
                            None
                        }
                    };
                    if let Some(answer) = wants {
                        self.answer(answer, exchange);
                    }
                }
                Ok(None) if announced(rest) <= INPUT_MAX => break,
                Ok(None) | Err(_) => self.open = false,
            }
        }
        self.input.drain(..at.min(self.input.len()));
    }

    fn answer(&mut self, checked: Result<(), u8>, exchange: &mut Exchange) {
        match checked {
            Ok(()) => {
                self.served = true;
                exchange.image(&mut self.output);
            }
            Err(reason) => {
                self.output.extend(soup::login_rejected(reason));
                self.open = false;
            }
        }
    }

    /// Keeps the session alive, and ends it when the client fell silent.
    pub fn on_time(&mut self, now: Nanos) {
        if now.since(self.last_heard) >= soup::SILENCE_NS {
            self.open = false;
        }
        if self.served && self.output.is_empty() && now.since(self.last_sent) >= soup::HEARTBEAT_NS
        {
            self.output.extend(soup::SERVER_HEARTBEAT);
        }
    }

    /// Bytes that wait to be sent.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many of them were sent.
    pub fn sent(&mut self, now: Nanos, len: usize) {
        self.output.drain(..len.min(self.output.len()));
        self.last_sent = now;
    }

    /// Whether the connection lasts; where it does not, what waits may still be sent.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether it logged in and was given an image.
    pub fn was_served(&self) -> bool {
        self.served
    }
}

impl Exchange {
    /// Whether a client may have a snapshot; else the letter of the refusal.
    fn check_snapshot_login(&self, login: &soup::LoginRequest) -> Result<(), u8> {
        let glimpse = &self.config.glimpse;
        let is = |field: &[u8], text: &str| field.trim_ascii_end() == text.as_bytes();
        let known =
            is(&login.username, &glimpse.username) && is(&login.password, &glimpse.password);
        if !glimpse.username.is_empty() && !known {
            return Err(soup::REJECT_NOT_AUTHORISED);
        }
        let named = login.session.trim_ascii();
        let ours = named.is_empty() || named == self.config.market.session.as_bytes();
        match login.next_sequence() {
            Some(1) if ours => Ok(()),
            _ => Err(soup::REJECT_NO_SESSION),
        }
    }

    /// The whole image as frames, from the login accepted to the marker.
    pub fn image(&mut self, out: &mut Vec<u8>) {
        let session = soup::session_name(&self.config.market.session).unwrap_or(soup::ANY_SESSION);
        out.extend(soup::login_accepted(session, 1));
        let ts_ns = self.desk.now.0;
        let mut say = |locate: u16, what: &Happening| {
            let mut buffer: Buffer = [0; _];
            put(out, what.encode(Stamp { locate, tracking: 0, ts_ns }, &mut buffer));
        };
        say(0, &Happening::System { code: self.system_code });
        for (row, (locate, symbol)) in self.desk.names.iter().enumerate() {
            say(*locate, &directory(*symbol, self.config.market.lot));
            let state = self.trading.get(row).map_or(b'H', |trading| trading.letter());
            let (symbol, reason) = (*symbol, *b"    ");
            say(*locate, &Happening::Trading { symbol, state, reason });
            say(*locate, &Happening::RegSho { symbol, action: b'0' });
            for side in Side::BOTH {
                for resting in self.market.resting_orders(row as u32, side) {
                    say(*locate, &add_order(&resting, self.desk.symbol(row), None));
                }
            }
        }
        put(out, SnapshotMark::new(self.desk.next_seq()).bytes());
    }
}

/// The length that an unfinished frame says it has, as far as it is known.
fn announced(rest: &[u8]) -> usize {
    rest.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)))
}

fn put(out: &mut Vec<u8>, message: &[u8]) {
    out.extend((message.len() as u16 + 1).to_be_bytes());
    out.push(b'S');
    out.extend(message);
}
