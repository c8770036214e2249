#!/usr/bin/env python3
"""Encodes every OUCH 5.0 and 4.2 message and every SoupBinTCP frame from the documents' tables.

Independent of the Rust records on purpose: layouts are typed in again here as `struct` formats, so
that a wrong offset, width or byte order in one of the two shows as a difference. Run without
arguments from anywhere; writes beside itself and into the fuzzers' seed corpus:

    ouch50.txt  direction and letter, hex, the message as `Debug` text of the Rust enum, "|", its
                optional fields as tag=hex
    ouch42.txt  direction and letter, hex, the message
    soup.txt    name, hex, the frame
"""

import struct

import market_data as shared
from market_data import encode, seed, text, write

STYLES = ("run", "low", "high")

# variant and record, direction and letter, bytes of the message, whether these include the
# length of the optional fields, fields after the letter.
TS, REF = ("timestamp", "Q"), ("user_ref_num", "I")
TERMS = [("time_in_force", "c"), ("display", "c")]
PLACED = [
    ("quantity", "I"), ("symbol", "8s"), ("price", "Q"), *TERMS, ("order_reference_number", "Q"),
    ("capacity", "c"), ("sweep", "c"), ("cross_type", "c"), ("order_state", "c"),
    ("clordid", "14s")]
OUCH50 = [
    ("Enter", "EnterOrder", "<O", 47, True, [
        REF, ("side", "c"), ("quantity", "I"), ("symbol", "8s"), ("price", "Q"), *TERMS,
        ("capacity", "c"), ("sweep", "c"), ("cross_type", "c"), ("clordid", "14s")]),
    ("Replace", "ReplaceOrder", "<U", 40, True, [
        ("orig_user_ref_num", "I"), REF, ("quantity", "I"), ("price", "Q"), *TERMS, ("sweep", "c"),
        ("clordid", "14s")]),
    ("Cancel", "CancelOrder", "<X", 9, False, [REF, ("quantity", "I")]),
    ("Modify", "ModifyOrder", "<M", 10, False, [REF, ("side", "c"), ("quantity", "I")]),
    ("MassCancel", "MassCancel", "<C", 19, True, [REF, ("firm", "4s"), ("symbol", "8s")]),
    ("Disable", "DisableEntry", "<D", 11, True, [REF, ("firm", "4s")]),
    ("Enable", "EnableEntry", "<E", 11, True, [REF, ("firm", "4s")]),
    ("Query", "AccountQuery", "<Q", 1, False, []),
    ("SystemEvent", "SystemEvent", ">S", 10, False, [TS, ("event_code", "c")]),
    ("Accepted", "Accepted", ">A", 64, True, [TS, REF, ("side", "c"), *PLACED]),
    ("Replaced", "Replaced", ">U", 68, True, [
        TS, ("orig_user_ref_num", "I"), REF, ("side", "c"), *PLACED]),
    ("Canceled", "Canceled", ">C", 18, False, [TS, REF, ("quantity", "I"), ("reason", "c")]),
    ("AiqCanceled", "AiqCanceled", ">D", 31, False, [
        TS, REF, ("decrement_shares", "I"), ("reason", "c"), ("quantity_prevented", "I"),
        ("execution_price", "Q"), ("liquidity_flag", "c")]),
    ("Executed", "Executed", ">E", 36, True, [
        TS, REF, ("quantity", "I"), ("price", "Q"), ("liquidity_flag", "c"),
        ("match_number", "Q")]),
    ("Broken", "Broken", ">B", 36, False, [
        TS, REF, ("match_number", "Q"), ("reason", "c"), ("clordid", "14s")]),
    ("Correction", "Correction", ">F", 49, False, [
        TS, REF, ("quantity", "I"), ("price", "Q"), ("liquidity_flag", "c"),
        ("match_number", "Q"), ("reason", "c"), ("clordid", "14s")]),
    ("Rejected", "Rejected", ">J", 29, False, [TS, REF, ("reason", "H"), ("clordid", "14s")]),
    ("CancelPending", "CancelPending", ">P", 13, False, [TS, REF]),
    ("CancelReject", "CancelReject", ">I", 13, False, [TS, REF]),
    ("PriorityUpdate", "PriorityUpdate", ">T", 30, False, [
        TS, REF, ("price", "Q"), ("display", "c"), ("order_reference_number", "Q")]),
    ("Modified", "Modified", ">M", 18, False, [TS, REF, ("side", "c"), ("quantity", "I")]),
    ("Restated", "Restated", ">R", 16, True, [TS, REF, ("reason", "c")]),
    ("QueryResponse", "QueryResponse", ">Q", 13, False, [TS, ("next_user_ref_num", "I")]),
    ("MassCancelResponse", "MassCancelResponse", ">X", 27, True, [
        TS, REF, ("firm", "4s"), ("symbol", "8s")]),
    ("DisableResponse", "DisableResponse", ">G", 19, True, [TS, REF, ("firm", "4s")]),
    ("EnableResponse", "EnableResponse", ">K", 19, True, [TS, REF, ("firm", "4s")]),
]

TOKEN = ("token", "14s")
PLACED42 = [
    ("side", "c"), ("shares", "I"), ("stock", "8s"), ("price", "I"), ("time_in_force", "I"),
    ("firm", "4s"), ("display", "c"), ("order_reference_number", "Q"), ("capacity", "c"),
    ("sweep", "c"), ("minimum_quantity", "I"), ("cross_type", "c"), ("order_state", "c")]
TRADE42 = [("shares", "I"), ("price", "I"), ("liquidity_flag", "c"), ("match_number", "Q")]
OUCH42 = [
    ("Enter", "EnterOrder", "<O", 49, [
        TOKEN, ("side", "c"), ("shares", "I"), ("stock", "8s"), ("price", "I"),
        ("time_in_force", "I"), ("firm", "4s"), ("display", "c"), ("capacity", "c"),
        ("sweep", "c"), ("minimum_quantity", "I"), ("cross_type", "c"), ("customer_type", "c")]),
    ("Replace", "ReplaceOrder", "<U", 47, [
        ("existing_token", "14s"), ("replacement_token", "14s"), ("shares", "I"), ("price", "I"),
        ("time_in_force", "I"), ("display", "c"), ("sweep", "c"), ("minimum_quantity", "I")]),
    ("Cancel", "CancelOrder", "<X", 19, [TOKEN, ("shares", "I")]),
    ("Modify", "ModifyOrder", "<M", 20, [TOKEN, ("side", "c"), ("shares", "I")]),
    ("TradeNow", "TradeNow", "<N", 15, [TOKEN]),
    ("SystemEvent", "SystemEvent", ">S", 10, [TS, ("event_code", "c")]),
    ("Accepted", "Accepted", ">A", 66, [TS, TOKEN, *PLACED42, ("bbo_weight", "c")]),
    ("Replaced", "Replaced", ">U", 80, [
        TS, ("replacement_token", "14s"), *PLACED42, ("previous_token", "14s"),
        ("bbo_weight", "c")]),
    ("Canceled", "Canceled", ">C", 28, [TS, TOKEN, ("decrement_shares", "I"), ("reason", "c")]),
    ("AiqCanceled", "AiqCanceled", ">D", 37, [
        TS, TOKEN, ("decrement_shares", "I"), ("reason", "c"), ("quantity_prevented", "I"),
        ("execution_price", "I"), ("liquidity_flag", "c")]),
    ("Executed", "Executed", ">E", 40, [TS, TOKEN, *TRADE42]),
    ("ExecutedReference", "ExecutedReference", ">G", 45, [
        TS, TOKEN, *TRADE42, ("reference_price", "I"), ("reference_price_type", "c")]),
    ("Broken", "Broken", ">B", 32, [TS, TOKEN, ("match_number", "Q"), ("reason", "c")]),
    ("Correction", "Correction", ">F", 41, [TS, TOKEN, *TRADE42, ("reason", "c")]),
    ("Rejected", "Rejected", ">J", 24, [TS, TOKEN, ("reason", "c")]),
    ("CancelPending", "CancelPending", ">P", 23, [TS, TOKEN]),
    ("CancelReject", "CancelReject", ">I", 23, [TS, TOKEN]),
    ("PriorityUpdate", "PriorityUpdate", ">T", 36, [
        TS, TOKEN, ("price", "I"), ("display", "c"), ("order_reference_number", "Q")]),
    ("Modified", "Modified", ">M", 28, [TS, TOKEN, ("side", "c"), ("shares", "I")]),
    ("TradeNowAck", "TradeNowAck", ">N", 23, [TS, TOKEN]),
]

# Every tag of the specification with the bytes of a value; then one that the table does not have.
TAGS = [
    (1, struct.pack(">Q", 0x0F56B4F5)), (2, b"MLNR"), (3, struct.pack(">I", 100)), (4, b"N"),
    (5, struct.pack(">I", 500)), (6, b"L"), (7, struct.pack(">i", -100)),
    (9, struct.pack(">Q", 4777800)), (10, b"P"), (11, struct.pack(">i", 2**31 - 1)), (12, b"P"),
    (13, struct.pack(">I", 7)), (14, b"SCAN"), (15, struct.pack(">I", 86399)), (16, b"Y"),
    (17, b"I"), (18, b"0"), (19, struct.pack(">Q", 2**64 - 1)), (20, b"I"),
    (22, struct.pack(">I", 2**32 - 1)), (23, struct.pack(">Q", 1)), (24, struct.pack(">H", 513)),
    (25, b"Y"), (26, b"BRKR"), (27, b"B"), (28, b"\x03"), (29, b"d"), (30, b"AB"),
    (200, b""), (201, bytes(254)),
]


def listed(tags):
    entries = b"".join(struct.pack("BB", 1 + len(v), t) + v for t, v in tags)
    return struct.pack(">H", len(entries)) + entries


def message(variant, record, letter, fields, style):
    values, body, shown = shared.Values(style), letter.encode(), [f"kind: '{letter}'"]
    for field, form in fields:
        value = values.take(form)
        body += encode(">", form, value)
        shown.append(f"{field}: {text(form, value)}")
    return body, f"{variant}({record} {{ {', '.join(shown)} }})"


def ouch50_rows():
    """direction and letter, bytes, expectation."""
    for style in STYLES:
        for variant, record, name, size, lists, fields in OUCH50:
            body, shown = message(variant, record, name[1], fields, style)
            assert len(body) == size - 2 * lists, (record, len(body), size)
            full = body + b"\0\0" if lists else body
            yield name, full, shown + "|"
    for variant, record, name, size, lists, fields in OUCH50:
        body, shown = message(variant, record, name[1], fields, "run")
        if lists:
            yield name, body, shown + "|"  # a tolerant reader accepts an absent length
        some = [entry for entry in TAGS if entry[0] in (24, 28)]
        for tags in (some, TAGS) if record in ("EnterOrder", "Accepted") else (some,):
            tail = ",".join(f"{t}={v.hex()}" for t, v in tags)
            yield name, body + listed(tags), shown + "|" + tail
            if record == "AiqCanceled":
                # The newer issue: a letter for the strategy before the optional fields.
                yield name, body + b"S" + listed(tags), shown + "|" + tail
                yield name, body + b"S", shown + "|"


def ouch42_rows():
    for style in STYLES:
        for variant, record, name, size, fields in OUCH42:
            body, shown = message(variant, record, name[1], fields, style)
            assert len(body) == size, (record, len(body), size)
            yield name, body, shown


def frame(letter, payload=b""):
    return struct.pack(">Hc", 1 + len(payload), letter) + payload


def soup_rows():
    def quoted(data):
        return '"' + data.decode() + '"'

    def login(user, password, session, sequence):
        fields = (user.ljust(6), password.ljust(10), session.rjust(10), sequence.rjust(20))
        shown = ", ".join(
            f"{name}: {quoted(value)}"
            for name, value in zip(("username", "password", "session", "sequence"), fields))
        return frame(b"L", b"".join(fields)), f"LoginRequest(LoginRequest {{ {shown} }})"

    def accepted(session, sequence):
        fields = (session.rjust(10), sequence.rjust(20))
        shown = f"session: {quoted(fields[0])}, sequence: {quoted(fields[1])}"
        return frame(b"A", b"".join(fields)), f"LoginAccepted(LoginAccepted {{ {shown} }})"

    yield "debug", frame(b"+", b"hello"), "Debug([104, 101, 108, 108, 111])"
    yield "debug_empty", frame(b"+"), "Debug([])"
    yield "accepted", *accepted(b"DAY1", b"1")
    yield "accepted_last", *accepted(b"0123456789", b"18446744073709551615")
    yield "rejected_authorised", frame(b"J", b"A"), "LoginRejected(65)"
    yield "rejected_session", frame(b"J", b"S"), "LoginRejected(83)"
    yield "sequenced", frame(b"S", b"\x01\xFF"), "Sequenced([1, 255])"
    yield "sequenced_empty", frame(b"S"), "Sequenced([])"
    yield "server_heartbeat", bytes.fromhex("000148"), "ServerHeartbeat"
    yield "end_of_session", frame(b"Z"), "EndOfSession"
    yield "login", *login(b"NOFX", b"SECRET", b"", b"0")
    yield "login_resume", *login(b"SIXCHR", b"TENLETTERS", b"DAY1", b"4711")
    yield "unsequenced", frame(b"U", b"X"), "Unsequenced([88])"
    yield "client_heartbeat", bytes.fromhex("000152"), "ClientHeartbeat"
    yield "logout", frame(b"O"), "Logout"
    yield "unknown", frame(b"?", b"\0"), "Unknown(63, [0])"
    yield "zero_length", b"\0\0", "!ZeroLength"
    yield "short_accepted", frame(b"A", b" " * 29), "!Short { packet_type: 65, need: 30, got: 29 }"
    yield "short_rejected", frame(b"J"), "!Short { packet_type: 74, need: 1, got: 0 }"
    yield "short_login", frame(b"L", b" " * 45), "!Short { packet_type: 76, need: 46, got: 45 }"


def seeds(target, rows):
    for index, (name, data) in enumerate(rows):
        direction = {"<": "in_", ">": "out_"}.get(name[0])
        name = direction + name[1] if direction else name
        seed(target, f"{index:03}_{name}", data)


def main():
    ouch50, ouch42, soup = list(ouch50_rows()), list(ouch42_rows()), list(soup_rows())
    for file, rows in (("ouch50.txt", ouch50), ("ouch42.txt", ouch42), ("soup.txt", soup)):
        write(file, [(name, data.hex(), shown) for name, data, shown in rows])
    seeds("ouch50", [(name, data) for name, data, _ in ouch50])
    seeds("ouch42", [(name, data) for name, data, _ in ouch42[: len(OUCH42)]])
    frames = [data for name, data, shown in soup if not shown.startswith("!")]
    session = b"".join(frames)
    seeds("soup", [(name, data) for name, data, _ in soup])
    seed("soup", "session_whole", session)
    seed("soup", "session_cut", session[:-2])
    seed("soup", "orders", b"".join(frame(b"U", d) for n, d, _ in ouch50[:26] if n[0] == "<"))


if __name__ == "__main__":
    main()
