#!/usr/bin/env python3
"""Encodes every OCG-C message from the tables of its fields.

Independent of the Rust codec on purpose: layouts are typed in again here, and the CRC-32C is a table
of our own, so that a wrong bit, width or byte order in one of the two shows as a difference. Run
without arguments from anywhere; writes ocg.txt beside itself (type, hex of the whole frame, sequence,
flags, comp id and the message as `Debug` text) and the fuzzer's seed corpus.
"""

import struct

from market_data import seed, write


def table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = list(table())


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogues

# bit, name, form (t: text of fixed width, v: text of variable width), whether it is always there.
PLACED = [
    (0, "client_order_id", "t21", True), (1, "submitting_broker", "t12", True),
    (2, "security_id", "t21", True), (3, "security_id_source", "B", True),
    (4, "security_exchange", "t5", False), (5, "broker_location", "t11", False),
    (6, "transaction_time", "t25", True), (7, "side", "B", True)]
NAMED = PLACED + [
    (8, "original_client_order_id", "t21", True), (9, "order_id", "t21", False)]


def optional(fields):
    return [(bit, name, form, False) for bit, name, form, _ in fields]


def terms(start, quantity, tail):
    rows = [
        ("order_type", "B", True), ("price", "Q", False), ("quantity", "Q", quantity),
        ("time_in_force", "B", False), ("position_effect", "B", False),
        ("restrictions", "t21", False), ("max_price_levels", "B", False), ("capacity", "B", False),
        ("text", "v", False), *tail]
    return [(start + at, *row) for at, row in enumerate(rows)]


TAIL = [("execution_instructions", "t21", False), ("disclosure", "H", True)]
MESSAGES = {
    0: ("Heartbeat", "Heartbeat", [(0, "reference_test_request_id", "H", False)]),
    1: ("TestRequest", "TestRequest", [(0, "test_request_id", "H", True)]),
    2: ("ResendRequest", "ResendRequest", [(0, "start", "I", True), (1, "end", "I", True)]),
    3: ("Reject", "Reject", [
        (0, "code", "H", True), (1, "reason", "v", False), (2, "reference_type", "B", False),
        (3, "reference_field", "t50", False), (4, "reference_sequence", "I", True),
        (5, "client_order_id", "t21", False)]),
    4: ("SequenceReset", "SequenceReset", [
        (0, "gap_fill", "B", False), (1, "new_sequence", "I", True)]),
    5: ("Logon", "Logon", [
        (0, "password", "t450", False), (1, "new_password", "t450", False),
        (2, "next_expected", "I", True), (3, "session_status", "B", False),
        (4, "text", "v", False), (5, "test", "B", False)]),
    6: ("Logout", "Logout", [(0, "text", "v", False), (1, "session_status", "B", False)]),
    7: ("LookupRequest", "LookupRequest", [
        (0, "type_of_service", "B", True), (1, "protocol", "B", True)]),
    8: ("LookupResponse", "LookupResponse", [
        (0, "status", "B", True), (1, "reject_code", "H", False), (2, "reason", "v", False),
        (3, "primary_ip", "t16", False), (4, "primary_port", "H", False),
        (5, "secondary_ip", "t16", False), (6, "secondary_port", "H", False)]),
    9: ("BusinessReject", "BusinessReject", [
        (0, "code", "H", True), (1, "reason", "v", False), (2, "reference_type", "B", False),
        (3, "reference_field", "t50", False), (4, "reference_sequence", "I", False),
        (5, "reference_id", "t21", False)]),
    10: ("Execution", "ExecutionReport", optional(NAMED) + [
        (10, "owning_broker", "t12", False), *optional(terms(11, False, [])),
        (20, "reason", "v", False), (21, "execution_id", "t21", False),
        (22, "order_status", "B", False), (23, "exec_type", "B", False),
        (24, "cumulative", "Q", False), (25, "leaves", "Q", False),
        (26, "order_reject_code", "H", False), (27, "lot_type", "B", False),
        (28, "restatement_reason", "H", False), (29, "cancel_reject_code", "H", False),
        (30, "match_type", "B", False), (31, "counterparty", "t12", False),
        (32, "execution_quantity", "Q", False), (33, "execution_price", "Q", False),
        (34, "reference_execution_id", "t21", False), (35, "order_category", "B", False),
        (36, "amend_reject_code", "H", False), (38, "trade_match_id", "t25", False),
        (42, "aggressor", "B", False), (43, "smp_id", "t10", False)]),
    11: ("New", "NewOrder", PLACED + terms(8, True, TAIL + [("lot_type", "B", False)]) + [
        (22, "bcan", "t21", False), (23, "smp_id", "t10", False)]),
    12: ("Amend", "AmendOrder", NAMED + terms(10, False, TAIL)),
    13: ("Cancel", "CancelOrder", NAMED + [(10, "text", "v", False)]),
    14: ("MassCancel", "MassCancel", PLACED[:2] + optional(PLACED[2:6]) + PLACED[6:7]
         + optional(PLACED[7:]) + [
             (8, "request_type", "B", True), (9, "market_segment", "t20", False)]),
    15: ("MassCancelReport", "MassCancelReport", optional(PLACED[:6]) + PLACED[6:7] + [
        (7, "request_type", "B", True), (8, "owning_broker", "t12", False),
        (9, "report_id", "t21", True), (10, "response", "B", True),
        (11, "reject_code", "H", False), (12, "reason", "v", False)]),
}


class Values:
    """Field values no two of which are alike."""

    def __init__(self, high):
        self.turn, self.high = 0, high

    def take(self, form):
        self.turn += 1
        if form[0] in "tv":
            width = int(form[1:] or 20)
            size = 0 if self.high else min(width, 3 + self.turn % 17)
            return bytes(0x61 + (self.turn * 7 + at * 3) % 26 for at in range(size))
        width = struct.calcsize(form)
        if self.high:
            return 256**width - 1
        run = bytes((self.turn * 0x1D + at * 0x0B + 0x80) & 0xFF for at in range(width))
        return int.from_bytes(run, "big")


def field(form, value):
    if form == "v":
        return struct.pack("<H", len(value) + 1) + value + b"\0"
    if form[0] == "t":
        return value.ljust(int(form[1:]), b"\0")
    return struct.pack("<" + form, value)


def frame(kind, bits, body, sequence=1, dup=0, resend=0, comp=b"CO99999902"):
    presence = bytearray(32)
    for bit in bits:
        presence[bit // 8] |= 0x80 >> bit % 8
    head = struct.pack("<BHBIBB12s", 2, 54 + len(body) + 4, kind, sequence, dup, resend, comp)
    covered = head + bytes(presence) + body
    return covered + struct.pack("<I", crc32c(covered))


def message(kind, chosen, high=False, values=None, **head):
    variant, record, fields = MESSAGES[kind]
    source, body, bits, shown = Values(high), b"", [], []
    for bit, name, form, always in fields:
        value = source.take(form)
        if values is not None:
            value = values.get(name)
            if value is None:
                continue
        elif not always and not chosen(bit):
            continue
        bits.append(bit)
        body += field(form, value)
        quoted = f'"{value.decode()}"' if isinstance(value, bytes) else value
        shown.append(f"{name}: {quoted}")
    text = f"{record} {{ {', '.join(shown)} }}" if shown else record
    state = f"{head.get('sequence', 1)} {head.get('dup', 0)}"
    return frame(kind, bits, body, **head), f"{state} {variant}({text})"


# What a client sends and hears on an ordinary day.
ORDER = {
    "client_order_id": b"0000000007", "submitting_broker": b"5501", "security_id": b"700",
    "security_id_source": 8, "security_exchange": b"XHKG",
    "transaction_time": b"20261126-01:30:00.123", "side": 1}
LIMIT = {"order_type": 2, "price": 345_20000000, "quantity": 100_00000000, "time_in_force": 0,
         "capacity": 2, "disclosure": 1}
REPORT = {**ORDER, "order_id": b"9001", "execution_id": b"77", "order_status": 0,
          "exec_type": ord("0"), "cumulative": 0, "leaves": 100_00000000}
ORDINARY = [
    ("enhanced", 11, {**ORDER, **LIMIT}),
    ("limit", 11, {**ORDER, **LIMIT, "max_price_levels": 1}),
    ("special", 11, {**ORDER, **LIMIT, "time_in_force": 3, "side": 5}),
    ("at_auction", 11, {**ORDER, "order_type": 1, "quantity": 400_00000000, "time_in_force": 9,
                        "disclosure": 1}),
    ("amend", 12, {**ORDER, **LIMIT, "client_order_id": b"0000000008",
                   "original_client_order_id": b"0000000007"}),
    ("amend_limit", 12, {**ORDER, **LIMIT, "client_order_id": b"0000000008",
                         "original_client_order_id": b"0000000007", "max_price_levels": 1}),
    ("cancel", 13, {**ORDER, "client_order_id": b"0000000009",
                    "original_client_order_id": b"0000000007"}),
    ("mass_cancel", 14, {"client_order_id": b"0000000010", "submitting_broker": b"5501",
                         "transaction_time": ORDER["transaction_time"], "request_type": 7}),
    ("logon", 5, {"password": b"secret", "next_expected": 1}),
    ("logon_resume", 5, {"password": b"secret", "next_expected": 4711}),
    ("accepted", 10, REPORT),
    ("traded", 10, {**REPORT, "order_status": 1, "exec_type": ord("F"),
                    "cumulative": 60_00000000, "leaves": 40_00000000,
                    "execution_quantity": 60_00000000, "execution_price": 345_00000000,
                    "trade_match_id": b"5"}),
    ("disconnected", 10, {**REPORT, "order_status": 4, "exec_type": ord("4"), "leaves": 0,
                          "restatement_reason": 104}),
    ("throttled", 9, {"code": 8, "reason": b"throttle", "reference_type": 11,
                      "reference_sequence": 12, "reference_id": b"0000000007"}),
]


def rows():
    for kind in MESSAGES:
        yield str(kind), *message(kind, lambda bit: True)
        yield str(kind), *message(kind, lambda bit: False, sequence=2**32 - 1)
        yield str(kind), *message(kind, lambda bit: bit % 2 == 0, dup=1, sequence=7)
        yield str(kind), *message(kind, lambda bit: bit % 2 == 1, high=True)
        for bit, _, _, always in MESSAGES[kind][2]:
            if not always:
                yield str(kind), *message(kind, lambda other, bit=bit: other == bit)
    for name, kind, values in ORDINARY:
        yield name, *message(kind, None, values=values, sequence=12)
    for kind in (16, 28, 255):
        yield str(kind), frame(kind, [0], b"?"), f"1 0 Unread({kind})"


def main():
    all_rows = list(rows())
    write("ocg.txt", [(name, data.hex(), shown) for name, data, shown in all_rows])
    ordinary = [row for row in all_rows if not row[0].isdigit()]
    for name, data, _ in ordinary:
        seed("ocg", name, data)
    for kind in MESSAGES:
        seed("ocg", f"full_{kind:02}", message(kind, lambda bit: True)[0])
        seed("ocg", f"least_{kind:02}", message(kind, lambda bit: False)[0])
    session = b"".join(data for _, data, _ in ordinary)
    seed("ocg", "session_whole", session)
    seed("ocg", "session_cut", session[:-3])
    seed("ocg", "start", b"\x03" + session[1:])
    seed("ocg", "short", struct.pack("<BHB", 2, 57, 0) + bytes(53))
    seed("ocg", "sum", ordinary[0][1][:-1] + b"\0")
    seed("ocg", "missing", frame(13, [0], b"x" * 21))
    seed("ocg", "stray", frame(1, [0, 3], b"\1\0\2\0"))
    seed("ocg", "longer", frame(1, [0], b"\1\0\2"))


if __name__ == "__main__":
    main()
