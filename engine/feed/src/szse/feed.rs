//! The feed: bytes, datagrams and times in; events and actions out.

use nofx_types::{InstrumentId, Nanos, Symbol};
use nofx_wire::szse::{Frame, FrameError, LocalTime, Message, next_frame, resend_type};

use super::ChannelSink;
use super::channel::{Arrival, Channel, ChannelView};
use super::config::SzseConfig;
use super::counters::SzseCounters;
use super::session::{RESEND_LEN, Session, SzseState};
use super::tick::{Item, Reader};
use super::translate::{SecurityView, Translator};
use crate::{ConfigError, FeedReport};

/// What the application is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SzseAction<'a> {
    /// Connect to the gateway, then ask for [`SzseFeed::login`].
    Connect,
    /// Send these bytes on the connection.
    Send(&'a [u8]),
    /// Close the connection, then say [`SzseFeed::disconnected`].
    Close,
}

/// One gateway's channels; see the module.
pub struct SzseFeed {
    session: Session,
    flow: Flow,
    /// The request that goes out.
    request: [u8; RESEND_LEN],
    closing: bool,
    stopped: bool,
}

/// Everything behind the frames.
struct Flow {
    config: SzseConfig,
    reader: Reader,
    /// By channel number: one more than the index of the channel; 0 for none.
    index: Box<[u16]>,
    channels: Vec<Channel>,
    used: usize,
    translator: Translator,
    snapshot_clock: LocalTime,
    counters: SzseCounters,
}

impl SzseFeed {
    /// Sized by `config`.
    ///
    /// # Errors
    /// A value outside its range; the error names its key.
    pub fn new(config: SzseConfig) -> Result<SzseFeed, ConfigError> {
        config.check()?;
        let channels = (0..config.channels).map(|_| Channel::new(0, &config)).collect();
        Ok(SzseFeed {
            session: Session::new(&config),
            flow: Flow {
                reader: Reader::default(),
                index: vec![0; 1 << 16].into(),
                channels,
                used: 0,
                translator: Translator::new(&config),
                snapshot_clock: LocalTime::default(),
                counters: SzseCounters::default(),
                config,
            },
            request: [0; RESEND_LEN],
            closing: false,
            stopped: false,
        })
    }

    /// Where the session stands.
    pub fn state(&self) -> SzseState {
        self.session.state
    }

    /// Whether to connect now; each `true` counts as an attempt. Never after a logout for good.
    pub fn should_connect(&mut self, now: Nanos) -> bool {
        !self.stopped && self.session.should_connect(now)
    }

    /// The bytes that log in on a new connection.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.closing = false;
        self.session.login(now)
    }

    /// Takes bytes of the connection, cut anywhere.
    pub fn receive<S: ChannelSink>(&mut self, now: Nanos, bytes: &[u8], sink: &mut S) {
        if !self.session.is_alive() {
            return; // what a broken stream says after its break means nothing
        }
        let flow = &mut self.flow;
        let walked = self.session.frames(now, bytes, |session, frame| {
            flow.frame(now, session, frame, sink);
            session.is_alive()
        });
        if let Err(error) = walked {
            flow.counters.count_broken(error);
            self.session.state = SzseState::Broken;
        }
    }

    /// Takes bytes of a session that somebody else holds (a capture): no login is expected, nothing
    /// is answered.
    ///
    /// # Errors
    /// The stream is broken: it goes on with the next connection, see [`SzseFeed::listen`].
    pub fn overhear<S: ChannelSink>(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        sink: &mut S,
    ) -> Result<(), FrameError> {
        let flow = &mut self.flow;
        let walked = self.session.frames(now, bytes, |session, frame| {
            flow.frame(now, session, frame, sink);
            true
        });
        if let Err(error) = walked {
            flow.counters.count_broken(error);
        }
        walked
    }

    /// Another connection of such a session begins: what was cut is forgotten.
    pub fn listen(&mut self) {
        self.session.disconnected();
    }

    /// Takes one datagram of whole frames.
    pub fn on_datagram<S: ChannelSink>(&mut self, now: Nanos, payload: &[u8], sink: &mut S) {
        let mut rest = payload;
        while !rest.is_empty() {
            match next_frame(rest) {
                Ok(Some((frame, used))) => {
                    self.flow.frame(now, &mut self.session, frame, sink);
                    rest = rest.get(used..).unwrap_or(&[]);
                }
                Ok(None) | Err(_) => {
                    self.flow.counters.datagram += 1;
                    break;
                }
            }
        }
        self.on_time(now, sink);
    }

    /// Timers: silence, holes that nobody fills. To be called each turn of the loop, or at
    /// [`SzseFeed::next_deadline`].
    #[inline]
    pub fn on_time<S: ChannelSink>(&mut self, now: Nanos, sink: &mut S) {
        if self.session.fell_silent(now) {
            self.flow.counters.silence += 1;
        }
        let up = self.session.state == SzseState::Up;
        for at in 0..self.flow.used {
            if self.flow.channels.get(at).is_some_and(Channel::has_hole) {
                self.flow.mend(at, now, up, sink);
            }
        }
    }

    /// Ends the input: holes are given up, what waits behind them is delivered.
    pub fn finish<S: ChannelSink>(&mut self, now: Nanos, sink: &mut S) {
        for at in 0..self.flow.used {
            while self.flow.channels.get(at).is_some_and(Channel::has_hole) {
                self.flow.give_up(at, now, sink);
            }
        }
    }

    /// Bytes that are due: a request, or a heartbeat. To be asked until there is nothing more.
    pub fn keep_alive(&mut self, now: Nanos) -> Option<&[u8]> {
        if self.session.state != SzseState::Up {
            return None;
        }
        let Flow { channels, used, config, counters, .. } = &mut self.flow;
        for channel in channels.iter_mut().take(*used) {
            if let Some(frame) = channel.request(now, config) {
                counters.requests += 1;
                self.session.sent(now);
                self.request = frame;
                return Some(&self.request);
            }
        }
        self.session.beat(now)
    }

    /// What is to be done next; to be asked until there is nothing more.
    pub fn poll_action(&mut self, now: Nanos) -> Option<SzseAction<'_>> {
        if self.should_disconnect() {
            return (!std::mem::replace(&mut self.closing, true)).then_some(SzseAction::Close);
        }
        if self.should_connect(now) {
            return Some(SzseAction::Connect);
        }
        self.keep_alive(now).map(SzseAction::Send)
    }

    /// Whether the connection is of no more use: refused, ended, broken or silent.
    pub fn should_disconnect(&self) -> bool {
        matches!(self.session.state, SzseState::Ended(_) | SzseState::Broken)
    }

    /// The connection is gone, or did not come.
    pub fn disconnected(&mut self, now: Nanos) {
        self.session.disconnected();
        let used = self.flow.used;
        self.flow.channels.iter_mut().take(used).for_each(|channel| channel.unasked(now));
    }

    /// When [`SzseFeed::on_time`] or [`SzseFeed::poll_action`] has something to do at the latest.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let up = self.session.state == SzseState::Up;
        let Flow { channels, used, config, .. } = &self.flow;
        let holes = channels.iter().take(*used).filter_map(|c| c.deadline(up, config)).min();
        holes.into_iter().chain(self.session.deadline()).min()
    }

    /// No more logins from here on.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The channels seen, in the order of their appearance.
    pub fn channels(&self) -> impl Iterator<Item = ChannelView> + '_ {
        self.flow.channels.iter().take(self.flow.used).map(Channel::view)
    }

    /// Gives a security its id beforehand, the next one: for applications that name instruments before
    /// the first tick. `None` when the table is full.
    pub fn assign<S: ChannelSink>(&mut self, symbol: Symbol, sink: &mut S) -> Option<InstrumentId> {
        self.flow.translator.id(symbol, &mut self.flow.counters, sink)
    }

    /// What is known of a security.
    pub fn security(&self, id: InstrumentId) -> Option<(Symbol, SecurityView)> {
        self.flow.translator.view(id)
    }

    /// Counts so far.
    pub fn counters(&self) -> &SzseCounters {
        &self.flow.counters
    }

    /// The counts in the words of all feeds.
    pub fn report(&self) -> FeedReport {
        let counters = &self.flow.counters;
        let by_type = [
            ("300192", counters.orders),
            ("300191", counters.trades + counters.cancels),
            ("300111", counters.snapshots),
            ("390095", counters.channel_heartbeats),
            ("390013", counters.security_status),
            ("390019", counters.market_status),
        ];
        let mut report = FeedReport {
            total: by_type.iter().map(|(_, n)| n).sum::<u64>() + counters.other,
            by_type: by_type.map(|(name, n)| (name.to_string(), n)).into(),
            unknown: counters.other,
            malformed: counters.faults().filter(|(_, n)| *n > 0).collect(),
            ..FeedReport::default()
        };
        report.memory_bytes = self.memory_bytes();
        report
    }

    /// Bytes of its tables, fixed at construction.
    pub fn memory_bytes(&self) -> u64 {
        let flow = &self.flow;
        let channels: u64 = flow.channels.iter().map(Channel::bytes).sum();
        channels + flow.translator.bytes() + size_of_val(&*flow.index) as u64 + (1 << 20)
    }
}

impl Flow {
    #[inline]
    fn frame<S: ChannelSink>(
        &mut self,
        now: Nanos,
        session: &mut Session,
        frame: Frame<'_>,
        sink: &mut S,
    ) {
        let stream = self.config.stream;
        let item = match Message::parse(frame) {
            Ok(Message::Order(order)) => self.reader.order(order, stream, &mut self.counters),
            Ok(Message::Execution(execution)) => {
                self.reader.execution(execution, stream, &mut self.counters)
            }
            Ok(other) => return self.rare(now, session, &other, sink),
            Err(_) => {
                self.counters.short += 1;
                return;
            }
        };
        if let Some(item) = item {
            self.item(now, &item, sink);
        }
    }

    #[inline]
    fn item<S: ChannelSink>(&mut self, now: Nanos, item: &Item, sink: &mut S) {
        let Some(at) = self.channel(item.tick.channel) else { return };
        let Some(channel) = self.channels.get_mut(at) else { return };
        let recovers = channel.has_hole();
        match channel.arrive(now, item, &mut self.counters) {
            Arrival::Next => {
                self.counters.recovered += u64::from(recovers);
                self.translator.item(now, item, &mut self.counters, sink);
                if recovers {
                    self.drain(at, now, sink);
                }
            }
            Arrival::Waits => {}
            Arrival::Known => {
                self.counters.duplicate += 1;
                self.counters.back += u64::from(!channel.is_asking());
            }
        }
    }

    /// Delivers what waited for the hole that was filled.
    #[cold]
    fn drain<S: ChannelSink>(&mut self, at: usize, now: Nanos, sink: &mut S) {
        while let Some(item) = self.channels.get_mut(at).and_then(Channel::next_parked) {
            self.translator.item(now, &item, &mut self.counters, sink);
        }
        if let Some(channel) = self.channels.get_mut(at) {
            channel.filled(now);
        }
    }

    /// The index of a channel; a new one where there is room.
    #[inline]
    fn channel(&mut self, no: u16) -> Option<usize> {
        let index = self.index.get_mut(usize::from(no))?;
        if let Some(at) = index.checked_sub(1) {
            return Some(usize::from(at));
        }
        let at = self.used;
        let Some(channel) = self.channels.get_mut(at) else {
            self.counters.channels_full += 1;
            return None;
        };
        channel.no = no;
        *index = at as u16 + 1; // at most 4,096 channels
        self.used += 1;
        Some(at)
    }

    #[cold]
    #[inline(never)]
    fn rare<S: ChannelSink>(
        &mut self,
        now: Nanos,
        session: &mut Session,
        message: &Message<'_>,
        sink: &mut S,
    ) {
        match message {
            Message::Snapshot(snapshot) => {
                let at = self.snapshot_clock.nanos(snapshot.head.orig_time);
                self.counters.time += u64::from(at.is_none());
                let at = at.unwrap_or(now);
                self.translator.snapshot(now, at, snapshot, &mut self.counters, sink);
            }
            Message::ChannelHeartbeat(beat) => {
                self.counters.channel_heartbeats += 1;
                let last = u64::try_from(beat.appl_last_seq_num.get()).unwrap_or(0);
                let Some(at) = self.channel(beat.channel_no.get()) else { return };
                let Some(channel) = self.channels.get_mut(at) else { return };
                if last < i64::MAX as u64 {
                    channel.reached(now, last, &mut self.counters);
                }
                if beat.end_of_channel.get() != 0 {
                    channel.end();
                }
            }
            Message::Resend(answer) if answer.resend_type == resend_type::TICKS => {
                let Some(at) = self.channel(answer.channel_no.get()) else { return };
                if let Some(channel) = self.channels.get_mut(at) {
                    channel.answered(answer, &self.config, &mut self.counters);
                }
            }
            Message::Logon(_) => self.counters.logins += u64::from(session.accepted()),
            Message::Logout(logout) => session.ended(logout),
            Message::Reject(_) => self.counters.rejects += 1,
            Message::SecurityStatus(_) => self.counters.security_status += 1,
            Message::MarketStatus(_) => self.counters.market_status += 1,
            Message::Heartbeat => {}
            _ => self.counters.other += 1,
        }
    }

    /// Gives up what is hopeless.
    #[cold]
    fn mend<S: ChannelSink>(&mut self, at: usize, now: Nanos, up: bool, sink: &mut S) {
        let hopeless = self.channels.get(at).is_some_and(|c| c.is_hopeless(now, up, &self.config));
        if hopeless {
            self.give_up(at, now, sink);
        }
    }

    fn give_up<S: ChannelSink>(&mut self, at: usize, now: Nanos, sink: &mut S) {
        let Some(channel) = self.channels.get_mut(at) else { return };
        let (first, last) = channel.give_up(now);
        let no = channel.no;
        self.counters.lost += last + 1 - first;
        self.translator.lost(now, no, first, sink);
        self.drain(at, now, sink);
    }
}

impl SzseCounters {
    fn count_broken(&mut self, error: FrameError) {
        match error {
            FrameError::Checksum { .. } => self.checksum += 1,
            FrameError::TooLong { .. } => self.too_long += 1,
        }
    }
}
