//! What the controls of the pair in memory do.

use nofx_net::stream::{PairEnd, Stream, StreamError, StreamState, pair};
use nofx_types::Nanos;

const NOW: Nanos = Nanos(1);

fn joined() -> (PairEnd, PairEnd) {
    let (mut client, mut server) = pair();
    client.connect(NOW);
    assert_eq!(server.poll(NOW), StreamState::Open);
    assert_eq!(client.poll(NOW), StreamState::Open);
    (client, server)
}

#[test]
fn room_is_limited_on_command() {
    let (mut client, mut server) = joined();
    client.control().room(10);
    assert_eq!(client.room(), 10);
    assert_eq!(client.send(&[1; 11]), Err(StreamError::Full));
    client.send(&[2; 7]).expect("room");
    assert_eq!((client.room(), client.unsent()), (3, 7));
    server.poll(NOW);
    assert_eq!((client.room(), client.unsent(), server.received()), (10, 0, &[2; 7][..]));
}

#[test]
fn pieces_are_handed_over_poll_by_poll() {
    let (mut client, mut server) = joined();
    client.control().pieces(3);
    client.send(b"12345678").expect("room");
    client.close();
    for want in ["123", "123456", "12345678"] {
        server.poll(NOW);
        assert_eq!(server.received(), want.as_bytes());
    }
    assert_eq!(server.reason(), "closed by peer", "with the last piece, not before");
}

#[test]
fn silence_keeps_what_is_under_way_and_a_cut_loses_it() {
    let (mut client, mut server) = joined();
    let control = server.control();
    control.silent(true);
    client.send(b"later").expect("room");
    assert_eq!((server.poll(NOW), server.received()), (StreamState::Open, &b""[..]));
    control.silent(false);
    server.poll(NOW);
    assert_eq!(server.received(), b"later");
    client.send(b"never").expect("room");
    control.cut();
    assert_eq!((server.poll(NOW), server.reason()), (StreamState::Closed, "reset by peer"));
    assert_eq!((client.poll(NOW), client.reason()), (StreamState::Closed, "reset by peer"));
    assert_eq!(server.received(), b"later", "what had arrived stays");
}

#[test]
fn both_ends_may_ask_at_the_same_time() {
    let (mut one, mut two) = pair();
    one.connect(NOW);
    two.connect(NOW);
    for _ in 0..3 {
        one.poll(NOW);
        two.poll(NOW);
    }
    assert_eq!([one.state(), two.state()], [StreamState::Open; 2]);
    one.send(b"x").expect("room");
    two.poll(NOW);
    assert_eq!(two.received(), b"x");
}
