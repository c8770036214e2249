//! What an AF_XDP port is asked to be.

use std::net::Ipv4Addr;

use super::error::{self, Result};

/// Where the filter is attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Native where the driver has it, else generic.
    #[default]
    Auto,
    /// In the driver, before the kernel makes its own packet structure.
    Native,
    /// In the stack: every driver, one copy more on real cards. On veth it is the faster one.
    Generic,
}

/// Whether the card may write into our frames itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroCopy {
    /// Where driver and mode can; the kernel copies otherwise.
    #[default]
    Wanted,
    /// Or the port does not open.
    Required,
    /// The kernel copies.
    Off,
}

/// Preferred busy polling: the driver is polled from our system calls, not from interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPoll {
    /// Microseconds that one call may poll.
    pub micros: u32,
    /// Packets that one call may take.
    pub budget: u32,
}

/// Configuration of an [`XskPort`](super::XskPort).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XskConfig {
    /// Name, in the network namespace of the opening thread.
    pub interface: String,
    /// Receive queues to bind; frames are sent on the first.
    pub queues: Vec<u32>,
    /// Where the filter is attached.
    pub mode: Mode,
    /// Whether the card may write into our frames itself.
    pub zero_copy: ZeroCopy,
    /// The kernel is woken only when it asks for it.
    pub need_wakeup: bool,
    /// Preferred busy polling.
    pub busy_poll: Option<BusyPoll>,
    /// Frames of each queue. `tx_ring` of them are for sending, the others for receiving: so many
    /// may wait unread before loss begins, and never more than `rx_ring`.
    pub frames: u32,
    /// Bytes of a frame, 2048 or 4096; the kernel keeps [`HEADROOM`](super::HEADROOM) of them.
    pub frame_size: u32,
    /// Entries of the receive ring, a power of two.
    pub rx_ring: u32,
    /// Entries of the transmit ring, a power of two.
    pub tx_ring: u32,
    /// Entries of the fill ring, a power of two, at least the frames for receiving: so giving a
    /// frame back never fails.
    pub fill_ring: u32,
    /// Entries of the completion ring, a power of two, at least `tx_ring`.
    pub completion_ring: u32,
    /// UDP flows that come here, by destination. Multicast groups are joined.
    pub flows: Vec<(Ipv4Addr, u16)>,
    /// An address of our own that the kernel does not have: ARP for it and all TCP, UDP and ICMP
    /// to it come here.
    pub own_ip: Option<Ipv4Addr>,
    /// Stamp each frame at the driver hook (CLOCK_MONOTONIC).
    pub hook_stamp: bool,
    /// Have the kernel stamp what was sent when it left.
    pub tx_stamp: bool,
}

impl Default for XskConfig {
    /// 4,096 frames of 2,048 bytes: 8 MiB a queue. No interface and no flows yet.
    fn default() -> XskConfig {
        XskConfig {
            interface: String::new(),
            queues: vec![0],
            mode: Mode::Auto,
            zero_copy: ZeroCopy::Wanted,
            need_wakeup: true,
            busy_poll: None,
            frames: 4096,
            frame_size: 2048,
            rx_ring: 4096,
            tx_ring: 1024,
            fill_ring: 4096,
            completion_ring: 1024,
            flows: Vec::new(),
            own_ip: None,
            hook_stamp: false,
            tx_stamp: false,
        }
    }
}

/// Most frames of a queue: 4 GiB at most.
const FRAMES_MAX: u32 = 1 << 20;

impl XskConfig {
    /// Frames of a queue that receive.
    pub(super) fn rx_frames(&self) -> u32 {
        self.frames.saturating_sub(self.tx_ring)
    }

    /// Bytes of frame memory of a queue.
    pub(super) fn queue_bytes(&self) -> usize {
        self.frames as usize * self.frame_size as usize
    }

    /// Refuses what cannot work, by the name of the key.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |key: &str, problem: String| Err(error::config(&self.interface, key, problem));
        for (key, entries) in [
            ("rx_ring", self.rx_ring),
            ("tx_ring", self.tx_ring),
            ("fill_ring", self.fill_ring),
            ("completion_ring", self.completion_ring),
        ] {
            if !entries.is_power_of_two() || entries > FRAMES_MAX {
                return refuse(key, format!("{entries} is no power of two up to {FRAMES_MAX}"));
            }
        }
        if ![2048, 4096].contains(&self.frame_size) {
            return refuse("frame_size", format!("{}, want 2048 or 4096", self.frame_size));
        }
        if self.frames > FRAMES_MAX || self.frames <= self.tx_ring || !self.frames.is_multiple_of(2)
        {
            let problem = "want an even number, more than tx_ring and at most";
            return refuse("frames", format!("{}, {problem} {FRAMES_MAX}", self.frames));
        }
        if self.fill_ring < self.rx_frames() {
            let need = self.rx_frames();
            return refuse("fill_ring", format!("{}, want at least {need}", self.fill_ring));
        }
        if self.completion_ring < self.tx_ring {
            let need = self.tx_ring;
            return refuse("completion_ring", format!("{}, want {need}", self.completion_ring));
        }
        self.check_queues()?;
        if self.zero_copy == ZeroCopy::Required && self.mode == Mode::Generic {
            return refuse("zero_copy", "generic mode always copies".into());
        }
        if self.busy_poll.is_some_and(|poll| poll.micros == 0 || poll.budget == 0) {
            return refuse("busy_poll", "want at least 1 us and a budget of 1".into());
        }
        Ok(())
    }

    fn check_queues(&self) -> Result<()> {
        let refuse = |problem| Err(error::config(&self.interface, "queues", problem));
        if self.queues.is_empty() {
            return refuse("want at least one".to_owned());
        }
        for (at, queue) in self.queues.iter().enumerate() {
            if self.queues.iter().skip(at + 1).any(|other| other == queue) {
                return refuse(format!("queue {queue} stands there twice"));
            }
            if *queue > 4095 {
                return refuse(format!("no card has a queue {queue}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut XskConfig);

    #[test]
    fn default_is_usable_and_each_bad_key_is_named() {
        assert!(XskConfig::default().check().is_ok());
        let bad: &[(&str, Change)] = &[
            ("rx_ring", |c| c.rx_ring = 3),
            ("tx_ring", |c| c.tx_ring = 0),
            ("fill_ring", |c| c.fill_ring = 2048),
            ("completion_ring", |c| c.completion_ring = 512),
            ("frame_size", |c| c.frame_size = 1024),
            ("frames", |c| c.frames = 1024),
            ("frames", |c| c.frames = 4095),
            ("queues", |c| c.queues.clear()),
            ("queues", |c| c.queues = vec![1, 0, 1]),
            ("queues", |c| c.queues = vec![u32::MAX]),
            ("zero_copy", |c| (c.mode, c.zero_copy) = (Mode::Generic, ZeroCopy::Required)),
            ("busy_poll", |c| c.busy_poll = Some(BusyPoll { micros: 20, budget: 0 })),
        ];
        for (key, change) in bad {
            let mut config = XskConfig { interface: "eth7".into(), ..XskConfig::default() };
            change(&mut config);
            let error = config.check().expect_err(key).to_string();
            assert!(error.contains(&format!(": {key}: ")) && error.contains("eth7"), "{error}");
        }
    }
}
