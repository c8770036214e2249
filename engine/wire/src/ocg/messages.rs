//! The messages, each as the table of its fields: `bit name: type`. `Option` is a field that may be
//! absent. Bits 22 and 23 of a new order and 42 and 43 of an execution report come from a newer
//! issue (3.2) than the rest.

use super::fields::fields;
use super::{Frame, OcgError, Text, Var};

fields! {
    /// Heartbeat, 0.
    Heartbeat, 0 {
        /// The test request that it answers.
        0 reference_test_request_id: Option<u16>,
    }
}

fields! {
    /// Test Request, 1: asks for a heartbeat.
    TestRequest, 1 {
        0 test_request_id: u16,
    }
}

fields! {
    /// Resend Request, 2: asks for messages `start..=end`, 0 as end for all.
    ResendRequest, 2 {
        0 start: u32,
        1 end: u32,
    }
}

fields! {
    /// Reject, 3: a message that breaks the rules of the session.
    Reject<'a>, 3 {
        /// See [`super::codes::reject`].
        0 code: u16,
        1 reason: Option<Var<'a>>,
        2 reference_type: Option<u8>,
        3 reference_field: Option<Text<'a, 50>>,
        4 reference_sequence: u32,
        5 client_order_id: Option<Text<'a, 21>>,
    }
}

fields! {
    /// Sequence Reset, 4.
    SequenceReset, 4 {
        /// `Y` fills a gap, `N` resets.
        0 gap_fill: Option<u8>,
        /// The number that the next message will have.
        1 new_sequence: u32,
    }
}

fields! {
    /// Logon, 5: asked for by the client, echoed by the gateway.
    Logon<'a>, 5 {
        /// Encrypted.
        0 password: Option<Text<'a, 450>>,
        /// Encrypted.
        1 new_password: Option<Text<'a, 450>>,
        /// The next number that the sender wants to see; what it missed is sent again.
        2 next_expected: u32,
        /// See [`super::codes::session`].
        3 session_status: Option<u8>,
        4 text: Option<Var<'a>>,
        5 test: Option<u8>,
    }
}

fields! {
    /// Logout, 6.
    #[derive(Default)]
    Logout<'a>, 6 {
        0 text: Option<Var<'a>>,
        /// See [`super::codes::session`].
        1 session_status: Option<u8>,
    }
}

fields! {
    /// Lookup Request, 7: asks the lookup service for a gateway.
    LookupRequest, 7 {
        0 type_of_service: u8,
        1 protocol: u8,
    }
}

fields! {
    /// Lookup Response, 8.
    LookupResponse<'a>, 8 {
        /// 0 rejected, 1 accepted.
        0 status: u8,
        1 reject_code: Option<u16>,
        2 reason: Option<Var<'a>>,
        3 primary_ip: Option<Text<'a, 16>>,
        4 primary_port: Option<u16>,
        5 secondary_ip: Option<Text<'a, 16>>,
        6 secondary_port: Option<u16>,
    }
}

fields! {
    /// Business Reject, 9: a message that the application refuses, by the throttle for one.
    BusinessReject<'a>, 9 {
        /// See [`super::codes::business`].
        0 code: u16,
        1 reason: Option<Var<'a>>,
        2 reference_type: Option<u8>,
        3 reference_field: Option<Text<'a, 50>>,
        4 reference_sequence: Option<u32>,
        5 reference_id: Option<Text<'a, 21>>,
    }
}

fields! {
    /// New Order, 11.
    NewOrder<'a>, 11 {
        /// Unique in the day.
        0 client_order_id: Text<'a, 21>,
        1 submitting_broker: Text<'a, 12>,
        /// The code without leading zeros.
        2 security_id: Text<'a, 21>,
        /// 8: the exchange's symbol.
        3 security_id_source: u8,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        /// `YYYYMMDD-HH:MM:SS.sss`, UTC.
        6 transaction_time: Text<'a, 25>,
        /// See [`super::codes::side`].
        7 side: u8,
        /// 1 market (at auction), 2 limit.
        8 order_type: u8,
        /// Eight decimals.
        9 price: Option<u64>,
        /// Eight decimals.
        10 quantity: u64,
        /// See [`super::codes::tif`]; absent is a day order.
        11 time_in_force: Option<u8>,
        /// 1: closes a short position.
        12 position_effect: Option<u8>,
        /// Codes with a space between.
        13 restrictions: Option<Text<'a, 21>>,
        /// 1: may trade at the best price only.
        14 max_price_levels: Option<u8>,
        /// 1 agent, 2 principal.
        15 capacity: Option<u8>,
        16 text: Option<Var<'a>>,
        /// `0` ignores price checks, `1` notional checks.
        17 execution_instructions: Option<Text<'a, 21>>,
        /// Bit set.
        18 disclosure: u16,
        /// Absent board lot, 1 odd lot.
        19 lot_type: Option<u8>,
        /// Client of the broker.
        22 bcan: Option<Text<'a, 21>>,
        /// Self-match prevention.
        23 smp_id: Option<Text<'a, 10>>,
    }
}

fields! {
    /// Amend Order, 12.
    AmendOrder<'a>, 12 {
        0 client_order_id: Text<'a, 21>,
        1 submitting_broker: Text<'a, 12>,
        2 security_id: Text<'a, 21>,
        3 security_id_source: u8,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        6 transaction_time: Text<'a, 25>,
        7 side: u8,
        8 original_client_order_id: Text<'a, 21>,
        9 order_id: Option<Text<'a, 21>>,
        10 order_type: u8,
        11 price: Option<u64>,
        /// Total of the order: what is open afterwards is this minus what has executed.
        12 quantity: Option<u64>,
        13 time_in_force: Option<u8>,
        14 position_effect: Option<u8>,
        15 restrictions: Option<Text<'a, 21>>,
        16 max_price_levels: Option<u8>,
        17 capacity: Option<u8>,
        18 text: Option<Var<'a>>,
        19 execution_instructions: Option<Text<'a, 21>>,
        20 disclosure: u16,
    }
}

fields! {
    /// Cancel Order, 13.
    CancelOrder<'a>, 13 {
        0 client_order_id: Text<'a, 21>,
        1 submitting_broker: Text<'a, 12>,
        2 security_id: Text<'a, 21>,
        3 security_id_source: u8,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        6 transaction_time: Text<'a, 25>,
        7 side: u8,
        8 original_client_order_id: Text<'a, 21>,
        9 order_id: Option<Text<'a, 21>>,
        10 text: Option<Var<'a>>,
    }
}

fields! {
    /// Mass Cancel, 14.
    MassCancel<'a>, 14 {
        0 client_order_id: Text<'a, 21>,
        1 submitting_broker: Text<'a, 12>,
        2 security_id: Option<Text<'a, 21>>,
        3 security_id_source: Option<u8>,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        6 transaction_time: Text<'a, 25>,
        7 side: Option<u8>,
        /// See [`super::codes::mass_cancel`].
        8 request_type: u8,
        /// MAIN, GEM, NASD, ETS.
        9 market_segment: Option<Text<'a, 20>>,
    }
}

fields! {
    /// Mass Cancel Report, 15.
    MassCancelReport<'a>, 15 {
        0 client_order_id: Option<Text<'a, 21>>,
        1 submitting_broker: Option<Text<'a, 12>>,
        2 security_id: Option<Text<'a, 21>>,
        3 security_id_source: Option<u8>,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        6 transaction_time: Text<'a, 25>,
        /// What was asked for; see [`super::codes::mass_cancel`].
        7 request_type: u8,
        8 owning_broker: Option<Text<'a, 12>>,
        9 report_id: Text<'a, 21>,
        /// What is done: 0 nothing, else as the request type.
        10 response: u8,
        /// 8 unknown segment, 99 other.
        11 reject_code: Option<u16>,
        12 reason: Option<Var<'a>>,
    }
}

fields! {
    /// Execution Report, 10: everything that becomes of an order. Which fields are there depends on
    /// the execution type.
    #[derive(Default)]
    ExecutionReport<'a>, 10 {
        0 client_order_id: Option<Text<'a, 21>>,
        1 submitting_broker: Option<Text<'a, 12>>,
        2 security_id: Option<Text<'a, 21>>,
        3 security_id_source: Option<u8>,
        4 security_exchange: Option<Text<'a, 5>>,
        5 broker_location: Option<Text<'a, 11>>,
        6 transaction_time: Option<Text<'a, 25>>,
        7 side: Option<u8>,
        8 original_client_order_id: Option<Text<'a, 21>>,
        /// The venue's id.
        9 order_id: Option<Text<'a, 21>>,
        10 owning_broker: Option<Text<'a, 12>>,
        11 order_type: Option<u8>,
        12 price: Option<u64>,
        13 quantity: Option<u64>,
        14 time_in_force: Option<u8>,
        15 position_effect: Option<u8>,
        16 restrictions: Option<Text<'a, 21>>,
        17 max_price_levels: Option<u8>,
        18 capacity: Option<u8>,
        19 text: Option<Var<'a>>,
        20 reason: Option<Var<'a>>,
        21 execution_id: Option<Text<'a, 21>>,
        /// See [`super::codes::status`].
        22 order_status: Option<u8>,
        /// See [`super::codes::exec`].
        23 exec_type: Option<u8>,
        24 cumulative: Option<u64>,
        25 leaves: Option<u64>,
        /// See [`super::codes::order_reject`].
        26 order_reject_code: Option<u16>,
        27 lot_type: Option<u8>,
        /// See [`super::codes::restated`].
        28 restatement_reason: Option<u16>,
        /// See [`super::codes::cancel_reject`].
        29 cancel_reject_code: Option<u16>,
        30 match_type: Option<u8>,
        31 counterparty: Option<Text<'a, 12>>,
        32 execution_quantity: Option<u64>,
        33 execution_price: Option<u64>,
        34 reference_execution_id: Option<Text<'a, 21>>,
        35 order_category: Option<u8>,
        /// As the cancel reject codes.
        36 amend_reject_code: Option<u16>,
        38 trade_match_id: Option<Text<'a, 25>>,
        /// 1: this order took liquidity.
        42 aggressor: Option<u8>,
        43 smp_id: Option<Text<'a, 10>>,
    }
}

/// A message, its fields viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // lives on the stack of the one who reads it
pub enum Message<'a> {
    /// 0
    Heartbeat(Heartbeat),
    /// 1
    TestRequest(TestRequest),
    /// 2
    ResendRequest(ResendRequest),
    /// 3
    Reject(Reject<'a>),
    /// 4
    SequenceReset(SequenceReset),
    /// 5
    Logon(Logon<'a>),
    /// 6
    Logout(Logout<'a>),
    /// 7
    LookupRequest(LookupRequest),
    /// 8
    LookupResponse(LookupResponse<'a>),
    /// 9
    BusinessReject(BusinessReject<'a>),
    /// 10
    Execution(ExecutionReport<'a>),
    /// 11
    New(NewOrder<'a>),
    /// 12
    Amend(AmendOrder<'a>),
    /// 13
    Cancel(CancelOrder<'a>),
    /// 14
    MassCancel(MassCancel<'a>),
    /// 15
    MassCancelReport(MassCancelReport<'a>),
    /// A type whose fields we do not know.
    Unread(u8),
}

impl<'a> Message<'a> {
    /// The message in `frame`. On an error the stream goes on behind the frame, whose number counts.
    #[inline]
    pub fn parse(frame: &Frame<'a>) -> Result<Message<'a>, OcgError> {
        let (map, body) = (&frame.header.presence, frame.body);
        Ok(match frame.kind() {
            0 => Message::Heartbeat(Heartbeat::read(map, body)?),
            1 => Message::TestRequest(TestRequest::read(map, body)?),
            2 => Message::ResendRequest(ResendRequest::read(map, body)?),
            3 => Message::Reject(Reject::read(map, body)?),
            4 => Message::SequenceReset(SequenceReset::read(map, body)?),
            5 => Message::Logon(Logon::read(map, body)?),
            6 => Message::Logout(Logout::read(map, body)?),
            7 => Message::LookupRequest(LookupRequest::read(map, body)?),
            8 => Message::LookupResponse(LookupResponse::read(map, body)?),
            9 => Message::BusinessReject(BusinessReject::read(map, body)?),
            10 => Message::Execution(ExecutionReport::read(map, body)?),
            11 => Message::New(NewOrder::read(map, body)?),
            12 => Message::Amend(AmendOrder::read(map, body)?),
            13 => Message::Cancel(CancelOrder::read(map, body)?),
            14 => Message::MassCancel(MassCancel::read(map, body)?),
            15 => Message::MassCancelReport(MassCancelReport::read(map, body)?),
            other => Message::Unread(other),
        })
    }
}
