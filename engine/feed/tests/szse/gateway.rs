//! A small gateway: a day of ticks on two channels, a session, and re-transmission that may fail.

use nofx_rt::rng::Rng;
use nofx_types::{Date, Nanos, Qty};
use nofx_wire::num::BeI64;
use nofx_wire::szse::{
    ChannelHeartbeat, Execution, HEARTBEAT_FRAME, Logon, Message, Order, Resend, exec_type,
    local_time, next_frame, ord_type, put_frame, qty_e2, resend_status, side,
};

pub const CHANNELS: [u16; 2] = [2_011, 2_012];

/// A frame of the day: channel, number, bytes.
pub type Numbered = (u16, u64, Vec<u8>);

pub fn frame(msg_type: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 12];
    put_frame(&mut out, msg_type, body).expect("room for the frame");
    out
}

/// Noon of the day in China, 2023-02-01, plus so much.
pub fn at(ns: u64) -> Nanos {
    Nanos(Date::new(2023, 2, 1).expect("a day").midnight_ns(8) + 36_000_000_000_000 + ns)
}

pub fn security(n: u64) -> [u8; 8] {
    let mut id = *b"000001  ";
    id[5] = b'1' + n as u8;
    id
}

pub fn order(channel: u16, seq: u64, which: u64, buy: bool, price: i64, qty: u64) -> Order {
    Order {
        channel_no: channel.into(),
        appl_seq_num: BeI64::new(seq as i64),
        md_stream_id: *b"011",
        security_id: security(which),
        security_id_source: *b"102 ",
        price: BeI64::new(price),
        order_qty: qty_e2(Qty(qty)),
        side: if buy { side::BUY } else { side::SELL },
        transact_time: local_time(at(seq * 10_000_000)),
        ord_type: ord_type::LIMIT,
    }
}

pub fn execution(channel: u16, seq: u64, which: u64, pair: [u64; 2], qty: u64) -> Execution {
    let trade = pair[0] > 0 && pair[1] > 0;
    Execution {
        channel_no: channel.into(),
        appl_seq_num: BeI64::new(seq as i64),
        md_stream_id: *b"011",
        bid_appl_seq_num: BeI64::new(pair[0] as i64),
        offer_appl_seq_num: BeI64::new(pair[1] as i64),
        security_id: security(which),
        security_id_source: *b"102 ",
        last_px: BeI64::new(if trade { 100_000 } else { 0 }),
        last_qty: qty_e2(Qty(qty)),
        exec_type: if trade { exec_type::TRADE } else { exec_type::CANCEL },
        transact_time: local_time(at(seq * 10_000_000)),
    }
}

/// `count` ticks, both channels mixed; channel k carries securities 3k to 3k+2.
pub fn day(rng: &mut Rng, count: usize) -> Vec<Numbered> {
    let mut next = [0u64; 2];
    (0..count)
        .map(|_| {
            let of = rng.below(2) as usize;
            next[of] += 1;
            let (channel, seq) = (CHANNELS[of], next[of]);
            let which = of as u64 * 3 + rng.below(3);
            let (qty, old) = (100 * (1 + rng.below(9)), rng.below(seq));
            let bytes = match rng.below(10) {
                0..=5 => {
                    let order = order(channel, seq, which, rng.below(2) == 0, 99_000, qty);
                    let mut body = order.bytes().to_vec();
                    body.resize(51 + rng.below(2) as usize, b' '); // both widths of the last field
                    frame(Order::TYPE, &body)
                }
                6..=7 if old > 1 => frame(
                    Execution::TYPE,
                    execution(channel, seq, which, [old, old - 1], qty).bytes(),
                ),
                _ => frame(
                    Execution::TYPE,
                    execution(channel, seq, which, [0, old.max(1)], qty).bytes(),
                ),
            };
            (channel, seq, bytes)
        })
        .collect()
}

pub fn channel_heartbeat(channel: u16, last: u64, end: bool) -> Vec<u8> {
    let words = ChannelHeartbeat {
        channel_no: channel.into(),
        appl_last_seq_num: BeI64::new(last as i64),
        end_of_channel: u16::from(end).into(),
    };
    frame(ChannelHeartbeat::TYPE, words.bytes())
}

/// How requests are answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Temper {
    Helpful,
    /// A few ticks at a time.
    Partial,
    /// Status 4.
    Unable,
    /// Not at all.
    Silent,
}

pub struct Gateway {
    pub day: Vec<Numbered>,
    /// Ticks published so far.
    pub now: usize,
    pub temper: Temper,
    pub asked: usize,
    inbox: Vec<u8>,
    logged_in: bool,
}

impl Gateway {
    pub fn new(day: Vec<Numbered>, temper: Temper) -> Gateway {
        Gateway { day, now: 0, temper, asked: 0, inbox: Vec::new(), logged_in: false }
    }

    pub fn last(&self, channel: u16) -> u64 {
        let seen = self.day[..self.now].iter().rev();
        seen.filter(|row| row.0 == channel).map(|row| row.1).next().unwrap_or(0)
    }

    pub fn hang_up(&mut self) {
        self.inbox.clear();
        self.logged_in = false;
    }

    /// The client says something; what the gateway answers.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.inbox.extend(bytes);
        let mut out = Vec::new();
        loop {
            let inbox = std::mem::take(&mut self.inbox);
            let found = next_frame(&inbox).expect("the client writes sound frames");
            let Some((frame_in, used)) = found else {
                self.inbox = inbox;
                return out;
            };
            match Message::parse(frame_in).expect("whole messages") {
                Message::Logon(logon) => {
                    assert_eq!(&logon.sender_comp_id[..5], b"alice");
                    self.logged_in = true;
                    out.extend(frame(Logon::TYPE, logon.bytes()));
                }
                Message::Resend(wanted) if self.logged_in => out.extend(self.resend(wanted)),
                Message::Heartbeat => assert_eq!(inbox[..used], HEARTBEAT_FRAME),
                other => panic!("{other:?} from the client"),
            }
            self.inbox = inbox[used..].to_vec();
        }
    }

    fn resend(&mut self, wanted: &Resend) -> Vec<u8> {
        self.asked += 1;
        let first = wanted.appl_beg_seq_num.get() as u64;
        let mut last = wanted.appl_end_seq_num.get() as u64;
        assert!(first > 0 && last >= first);
        let status = match self.temper {
            Temper::Helpful => resend_status::DONE,
            Temper::Partial => {
                let whole = last;
                last = last.min(first + 4);
                if last == whole { resend_status::DONE } else { resend_status::PARTIAL }
            }
            Temper::Unable => {
                last = 0;
                resend_status::NOT_AVAILABLE
            }
            Temper::Silent => return Vec::new(),
        };
        let channel = wanted.channel_no.get();
        let ticks = self.day[..self.now].iter();
        let sent = ticks.filter(|row| row.0 == channel && (first..=last).contains(&row.1));
        let mut out: Vec<u8> = sent.flat_map(|row| row.2.clone()).collect();
        let answer = Resend { resend_status: status, ..*wanted };
        out.extend(frame(Resend::TYPE, answer.bytes()));
        out
    }
}
