//! Messages of the session and of its channels.

use super::message;
use crate::num::{Be16, Be32, BeI32, BeI64};

message! {
    /// Logon: the client asks for the session, the server answers with the same message.
    Logon, 1, 92 bytes {
        0 sender_comp_id: [u8; 20],
        20 target_comp_id: [u8; 20],
        /// Seconds between heartbeats.
        40 heart_bt_int: BeI32,
        44 password: [u8; 16],
        /// Version of the protocol, `1.xx`.
        60 default_appl_ver_id: [u8; 32],
    }
}

message! {
    /// Logout: the session ends.
    Logout, 2, 204 bytes {
        /// See [`SessionStatus`].
        0 session_status: BeI32,
        4 text: [u8; 200],
    }
}

message! {
    /// Business reject: a message of the client was not taken.
    Reject, 8, 74 bytes {
        /// Number of the message that is meant.
        0 ref_seq_num: BeI64,
        /// Type of the message that is meant.
        8 ref_msg_type: Be32,
        12 business_reject_ref_id: [u8; 10],
        22 reason: Be16,
        24 text: [u8; 50],
    }
}

message! {
    /// Channel heartbeat: how far the numbers of a channel have come.
    ChannelHeartbeat, 390_095, 12 bytes {
        0 channel_no: Be16,
        /// The last number the channel has given.
        2 appl_last_seq_num: BeI64,
        /// 1 when nothing more comes on the channel.
        10 end_of_channel: Be16,
    }
}

message! {
    /// Re-transmit: the client asks for a range, the server says what it sent of it.
    Resend, 390_094, 44 bytes {
        /// See [`resend_type`].
        0 resend_type: u8,
        1 channel_no: Be16,
        /// First number wanted.
        3 appl_beg_seq_num: BeI64,
        /// Last number wanted, 0 for all there are.
        11 appl_end_seq_num: BeI64,
        19 news_id: [u8; 8],
        /// Of the server only, see [`resend_status`].
        27 resend_status: u8,
        28 reject_text: [u8; 16],
    }
}

/// Values of [`Resend::resend_type`].
pub mod resend_type {
    /// Ticks of a channel.
    pub const TICKS: u8 = 1;
    /// News by id.
    pub const NEWS: u8 = 2;
}

/// Values of [`Resend::resend_status`].
pub mod resend_status {
    /// All of it was sent.
    pub const DONE: u8 = 1;
    /// A part of it was sent.
    pub const PARTIAL: u8 = 2;
    /// The client has no right to it.
    pub const NO_RIGHT: u8 = 3;
    /// The server does not have it.
    pub const NOT_AVAILABLE: u8 = 4;
}

impl Resend {
    /// Asks for ticks `first..=last` of a channel.
    pub const fn ticks(channel: u16, first: i64, last: i64) -> Resend {
        Resend {
            resend_type: resend_type::TICKS,
            channel_no: Be16::new(channel),
            appl_beg_seq_num: BeI64::new(first),
            appl_end_seq_num: BeI64::new(last),
            news_id: [b' '; 8],
            resend_status: 0,
            reject_text: [b' '; 16],
        }
    }
}

/// Why a session ended, [`Logout::session_status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// The session is active.
    Active,
    /// The password was changed.
    PasswordChanged,
    /// The password is about to expire.
    PasswordDue,
    /// The new password does not meet the rules.
    PasswordWeak,
    /// The logout is complete.
    LoggedOut,
    /// User name or password are wrong.
    BadPassword,
    /// The account is locked.
    Locked,
    /// Not at this time.
    NotNow,
    /// The password has expired.
    PasswordExpired,
    /// MsgSeqNum is too low.
    SeqTooLow,
    /// NextExpectedMsgSeqNum is too high.
    NextTooHigh,
    /// Another reason.
    Other,
    /// A message was invalid.
    InvalidMessage,
    /// A value that the specification does not have.
    Unknown(i32),
}

impl SessionStatus {
    /// From the number on the wire.
    pub const fn from_wire(status: i32) -> SessionStatus {
        match status {
            0 => SessionStatus::Active,
            1 => SessionStatus::PasswordChanged,
            2 => SessionStatus::PasswordDue,
            3 => SessionStatus::PasswordWeak,
            4 => SessionStatus::LoggedOut,
            5 => SessionStatus::BadPassword,
            6 => SessionStatus::Locked,
            7 => SessionStatus::NotNow,
            8 => SessionStatus::PasswordExpired,
            9 => SessionStatus::SeqTooLow,
            10 => SessionStatus::NextTooHigh,
            101 => SessionStatus::Other,
            102 => SessionStatus::InvalidMessage,
            other => SessionStatus::Unknown(other),
        }
    }

    /// The number on the wire.
    pub const fn to_wire(self) -> i32 {
        match self {
            SessionStatus::Active => 0,
            SessionStatus::PasswordChanged => 1,
            SessionStatus::PasswordDue => 2,
            SessionStatus::PasswordWeak => 3,
            SessionStatus::LoggedOut => 4,
            SessionStatus::BadPassword => 5,
            SessionStatus::Locked => 6,
            SessionStatus::NotNow => 7,
            SessionStatus::PasswordExpired => 8,
            SessionStatus::SeqTooLow => 9,
            SessionStatus::NextTooHigh => 10,
            SessionStatus::Other => 101,
            SessionStatus::InvalidMessage => 102,
            SessionStatus::Unknown(other) => other,
        }
    }

    /// Whether another login with the same words is of no use.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            SessionStatus::BadPassword | SessionStatus::Locked | SessionStatus::PasswordExpired
        )
    }
}
