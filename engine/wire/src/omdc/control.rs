//! The channel itself, and the retransmission and refresh services.

use super::message;
use crate::num::{Le16, Le32};

message! {
    /// Sequence Reset: discard all state of the channel.
    SequenceReset, 100, 8 bytes {
        /// The next number: 1.
        4 new_seq_no: Le32,
    }
}

message! {
    /// Disaster Recovery Signal.
    DisasterRecovery, 105, 8 bytes {
        /// One of [`dr_status`].
        4 dr_status: Le32,
    }
}

/// Values of [`DisasterRecovery::dr_status`].
pub mod dr_status {
    /// Publishing stops: clear caches and wait.
    pub const IN_PROGRESS: u32 = 1;
    /// Rejoin: a new session whose numbers start anew.
    pub const COMPLETED: u32 = 2;
}

message! {
    /// Logon to a retransmission server.
    Logon, 101, 16 bytes {
        /// User, space padded.
        4 username: [u8; 12],
    }
}

message! {
    /// Logon Response.
    LogonResponse, 102, 8 bytes {
        /// One of [`session_status`].
        4 session_status: u8,
        /// Skipped.
        5 filler: [u8; 3],
    }
}

/// Values of [`LogonResponse::session_status`].
pub mod session_status {
    /// The session is open.
    pub const ACTIVE: u8 = 0;
    /// Bad user name or address.
    pub const INVALID: u8 = 5;
    /// The user is connected already.
    pub const CONNECTED: u8 = 100;
}

message! {
    /// Retransmission Request.
    RetransmissionRequest, 201, 16 bytes {
        /// The channel.
        4 channel_id: Le16,
        /// Skipped.
        6 filler: [u8; 2],
        /// First message wanted.
        8 begin_seq_num: Le32,
        /// Last message wanted.
        12 end_seq_num: Le32,
    }
}

message! {
    /// Retransmission Response; with status 0 the messages follow.
    RetransmissionResponse, 202, 16 bytes {
        /// The channel.
        4 channel_id: Le16,
        /// One of [`retrans_status`].
        6 retrans_status: u8,
        /// Skipped.
        7 filler: u8,
        /// First message that will come.
        8 begin_seq_num: Le32,
        /// Last message that will come.
        12 end_seq_num: Le32,
    }
}

/// Values of [`RetransmissionResponse::retrans_status`].
pub mod retrans_status {
    /// The messages follow.
    pub const ACCEPTED: u8 = 0;
    /// Unknown or unauthorised channel.
    pub const CHANNEL: u8 = 1;
    /// The messages are not available.
    pub const UNAVAILABLE: u8 = 2;
    /// More messages than one request may ask for.
    pub const RANGE: u8 = 100;
    /// More requests than a day allows.
    pub const REQUESTS: u8 = 101;
}

message! {
    /// Refresh Complete: the image of the channel is whole.
    RefreshComplete, 203, 8 bytes {
        /// The live message that the image holds last.
        4 last_seq_num: Le32,
    }
}
