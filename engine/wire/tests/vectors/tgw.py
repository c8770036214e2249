#!/usr/bin/env python3
"""Encodes every message of the Shenzhen trading gateway from the tables of its fields.

Independent of the Rust records on purpose: layouts are typed in again here as `struct` formats. Run
without arguments from anywhere; writes tgw.txt beside itself (type, hex of the whole frame, the
message as `Debug` text) and the fuzzer's seed corpus. `tdgw.py` uses the same helpers.
"""

import struct

from market_data import seed, write

STYLES = ("run", "low", "high")


class Values:
    """Field values no two of which are alike, by style."""

    def __init__(self, style):
        self.style, self.turn = style, 0

    def take(self, form):
        self.turn += 1
        if form == "c":
            return {"low": 0x00, "high": 0xFF}.get(self.style, 0x30 + self.turn % 78)
        if form.endswith("s"):
            size = int(form[:-1])
            if self.style == "low":
                return b" " * size
            return bytes(0x61 + (self.turn * 7 + at * 3) % 26 for at in range(size))
        width, signed = struct.calcsize(form), form in "iq"
        if self.style == "low":
            return 0
        if self.style == "high":
            return -1 if signed else 256**width - 1
        run = bytes((self.turn * 0x1D + at * 0x0B + 0x80) & 0xFF for at in range(width))
        return int.from_bytes(run, "big", signed=signed)


def encode(form, value):
    return struct.pack("B", value) if form == "c" else struct.pack(">" + form, value)


def text(form, value):
    if form == "c":
        return f"'{chr(value)}'" if 0x20 <= value <= 0x7E else f"{value:#04x}"
    return f'"{value.decode()}"' if form.endswith("s") else str(value)


def record(name, fields, values, given=None):
    """Bytes of a record and its `Debug` text."""
    body, shown = b"", []
    for field, form in fields:
        value = values.take(form)
        if given is not None:
            value = given.get(field, b" " if form.endswith("s") else 0)
            if form.endswith("s"):
                value = value.ljust(int(form[:-1]))
        body += encode(form, value)
        shown.append(f"{field}: {text(form, value)}")
    return body, f"{name} {{ {', '.join(shown)} }}"


def frame(kind, body):
    covered = struct.pack(">II", kind, len(body)) + body
    return covered + struct.pack(">I", sum(covered) % 256)


REPORT = [("partition_no", "i"), ("report_index", "q")]
FRONT = [("appl_id", "3s")]
PARTY = [("security_id", "8s"), ("security_id_source", "4s"), ("owner_type", "H"),
         ("clearing_firm", "2s"), ("transact_time", "q"), ("user_info", "8s")]
SUBMITTED = FRONT + [("submitting_pbu", "6s")] + PARTY
REPORTED = REPORT + FRONT + [("reporting_pbu", "6s"), ("submitting_pbu", "6s")] + PARTY
EXTENSION = [("stop_px", "q"), ("min_qty", "q"), ("max_price_levels", "H"),
             ("time_in_force", "c"), ("cash_margin", "c")]
MESSAGES = {
    1: ("Logon", "Logon", 92, [
        ("sender_comp_id", "20s"), ("target_comp_id", "20s"), ("heart_bt_int", "i"),
        ("password", "16s"), ("default_appl_ver_id", "32s")]),
    2: ("Logout", "Logout", 204, [("session_status", "i"), ("text", "200s")]),
    6: ("PlatformState", "PlatformState", 4, [("platform_id", "H"), ("platform_state", "H")]),
    7: ("ReportFinished", "ReportFinished", 14, REPORT + [("platform_id", "H")]),
    10: ("TradingSession", "TradingSession", 42, [
        ("market_id", "8s"), ("market_segment_id", "8s"), ("trading_session_id", "4s"),
        ("trading_session_sub_id", "4s"), ("status", "H"), ("start", "q"), ("end", "q")]),
    100101: ("New", "NewOrder", 109, SUBMITTED + [
        ("cl_ord_id", "10s"), ("account_id", "12s"), ("branch_id", "4s"),
        ("order_restrictions", "4s"), ("side", "c"), ("ord_type", "c"), ("order_qty", "q"),
        ("price", "q")] + EXTENSION),
    190007: ("Cancel", "CancelOrder", 86, SUBMITTED + [
        ("cl_ord_id", "10s"), ("orig_cl_ord_id", "10s"), ("side", "c"), ("order_id", "16s"),
        ("order_qty", "q")]),
    200102: ("Confirm", "Confirm", 199, REPORTED + [
        ("order_id", "16s"), ("cl_ord_id", "10s"), ("quote_msg_id", "10s"),
        ("orig_cl_ord_id", "10s"), ("exec_id", "16s"), ("exec_type", "c"), ("ord_status", "c"),
        ("ord_rej_reason", "H"), ("leaves_qty", "q"), ("cum_qty", "q"), ("side", "c"),
        ("ord_type", "c"), ("order_qty", "q"), ("price", "q"), ("account_id", "12s"),
        ("branch_id", "4s"), ("order_restrictions", "4s")] + EXTENSION),
    200115: ("Execution", "Execution", 163, REPORTED + [
        ("order_id", "16s"), ("cl_ord_id", "10s"), ("quote_msg_id", "10s"), ("exec_id", "16s"),
        ("exec_type", "c"), ("ord_status", "c"), ("last_px", "q"), ("last_qty", "q"),
        ("leaves_qty", "q"), ("cum_qty", "q"), ("side", "c"), ("account_id", "12s"),
        ("branch_id", "4s"), ("cash_margin", "c")]),
    290008: ("CancelReject", "CancelReject", 115, REPORTED + [
        ("cl_ord_id", "10s"), ("orig_cl_ord_id", "10s"), ("side", "c"), ("ord_status", "c"),
        ("cxl_rej_reason", "H"), ("reject_text", "16s"), ("order_id", "16s")]),
}
REJECT = [("ref_seq_num", "q"), ("ref_msg_type", "I"), ("reject_ref_id", "10s"), ("reason", "H"),
          ("text", "50s")]
# What a client sends on an ordinary day: an order, and a cancel of it.
SENT = {"appl_id": b"010", "submitting_pbu": b"123456", "security_id": b"000001",
        "security_id_source": b"102", "owner_type": 104, "transact_time": 20261126093000123,
        "cl_ord_id": b"0000000007", "account_id": b"0899000001", "branch_id": b"0001",
        "order_restrictions": b"1", "side": ord("1"), "ord_type": ord("2"), "order_qty": 10000,
        "price": 186400, "time_in_force": ord("0"), "cash_margin": ord("1")}


def rows():
    for style in STYLES:
        for kind, (variant, name, size, fields) in MESSAGES.items():
            body, shown = record(name, fields, Values(style))
            assert len(body) == size, (name, len(body), size)
            yield str(kind), frame(kind, body), f"{variant}({shown})"
        body, shown = record("BusinessReject", REJECT, Values(style))
        for before in (b"", b"010" + bytes(26)):
            yield "4", frame(4, before + body), f"BusinessReject({shown})"
    for count in (0, 1, 3):
        values, body, shown = Values("run"), struct.pack(">I", count), []
        for _ in range(count):
            row, row_text = record("PartitionIndex", REPORT, values)
            body, shown = body + row, shown + [row_text]
        listed = f"ReportSync {{ partitions: [{', '.join(shown)}] }}"
        yield "5", frame(5, body), f"ReportSync({listed})"
        numbers = [values.take("i") for _ in range(count)]
        body = struct.pack(f">HI{count}i", 1, count, *numbers)
        listed = f"PartitionList {{ platform_id: 1, partitions: [{', '.join(map(str, numbers))}] }}"
        yield "9", frame(9, body), f"PartitionList({listed})"
    yield "3", frame(3, b""), "Heartbeat"
    yield "106301", frame(106301, b"?"), "Other(106301)"
    variant, name, _, fields = MESSAGES[100101]
    body, shown = record(name, fields, Values("run"), SENT)
    yield "order", frame(100101, body), f"{variant}({shown})"
    variant, name, _, fields = MESSAGES[190007]
    cancel = {**SENT, "cl_ord_id": b"0000000009", "orig_cl_ord_id": b"0000000007", "order_qty": 0}
    body, shown = record(name, fields, Values("run"), cancel)
    yield "cancel", frame(190007, body), f"{variant}({shown})"


def main():
    all_rows = list(rows())
    write("tgw.txt", [(name, data.hex(), shown) for name, data, shown in all_rows])
    for index, (name, data, _) in enumerate(all_rows):
        seed("tgw", f"{index:03}_{name}", data)
    session = b"".join(data for _, data, _ in all_rows[:10])
    seed("tgw", "session_whole", session)
    seed("tgw", "session_cut", session[:-3])
    seed("tgw", "sum", all_rows[0][1][:-1] + b"\xff")
    seed("tgw", "group", frame(5, struct.pack(">I", 2**32 - 1)))


if __name__ == "__main__":
    main()
