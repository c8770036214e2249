#!/usr/bin/env python3
"""Encodes every message of the Shanghai trading gateway from the tables of its fields.

Independent of the Rust records on purpose: layouts are typed in again here as `struct` formats. Run
without arguments from anywhere; writes tdgw.txt beside itself (type, hex of the whole frame, sequence
number and the message as `Debug` text) and the fuzzer's seed corpus.
"""

import struct

from market_data import seed, write
from tgw import STYLES, Values, record


def frame(kind, body, sequence=1):
    covered = struct.pack(">IQI", kind, sequence, len(body)) + body
    return covered + struct.pack(">I", sum(covered) % 256)


SET = [("pbu", "8s"), ("set_id", "I")]
REPORT = SET + [("report_index", "Q"), ("biz_id", "I")]
SENT = [("biz_id", "I"), ("biz_pbu", "8s"), ("cl_ord_id", "10s"), ("security_id", "12s")]
HOLDER = [("account", "13s"), ("owner_type", "c")]
WHEN = [("trade_date", "I"), ("transact_time", "Q"), ("user_info", "32s")]
FIRM = [("clearing_firm", "8s"), ("branch_id", "8s")]
IDS = [("biz_pbu", "8s"), ("cl_ord_id", "10s"), ("security_id", "12s")]
MESSAGES = {
    40: ("Logon", 82, [
        ("sender_comp_id", "32s"), ("target_comp_id", "32s"), ("heart_bt_int", "H"),
        ("prtcl_version", "8s"), ("trade_date", "I"), ("q_size", "I")]),
    41: ("Logout", 68, [("session_status", "I"), ("text", "64s")]),
    58: ("New", 125, SENT + HOLDER + [
        ("side", "c"), ("price", "q"), ("order_qty", "q"), ("ord_type", "c"),
        ("time_in_force", "c"), ("transact_time", "Q"), ("credit_tag", "2s")] + FIRM
        + [("user_info", "32s")]),
    61: ("Cancel", 107, SENT + HOLDER + [
        ("side", "c"), ("orig_cl_ord_id", "10s"), ("transact_time", "Q"), ("branch_id", "8s"),
        ("user_info", "32s")]),
    32: ("Confirm", 213, REPORT + [("exec_type", "c")] + IDS + HOLDER + [
        ("side", "c"), ("price", "q"), ("order_qty", "q"), ("leaves_qty", "q"), ("cxl_qty", "q"),
        ("ord_type", "c"), ("time_in_force", "c"), ("ord_status", "c"), ("credit_tag", "2s"),
        ("orig_cl_ord_id", "10s")] + FIRM + [
        ("ord_rej_reason", "I"), ("ord_cnfm_id", "16s"), ("orig_ord_cnfm_id", "16s")] + WHEN),
    59: ("CancelReject", 120, REPORT + IDS + [
        ("orig_cl_ord_id", "10s"), ("branch_id", "8s"), ("cxl_rej_reason", "I")] + WHEN),
    103: ("Execution", 213, REPORT + [("exec_type", "c")] + IDS + HOLDER + [
        ("order_entry_time", "Q"), ("last_px", "q"), ("last_qty", "q"), ("gross_trade_amt", "q"),
        ("side", "c"), ("order_qty", "q"), ("leaves_qty", "q"), ("ord_status", "c"),
        ("credit_tag", "2s")] + FIRM + [("trd_cnfm_id", "16s"), ("ord_cnfm_id", "16s")] + WHEN),
    204: ("OrderReject", 82, SENT + [("ord_rej_reason", "I")] + WHEN),
    209: ("PlatformState", 4, [("platform_id", "H"), ("platform_state", "H")]),
    210: ("EndOfStream", 20, SET + [("end_report_index", "Q")]),
}
NAMES = {"New": "NewOrder", "Cancel": "CancelOrder"}
SYNC = SET + [("begin_report_index", "Q")]
RESPONSE = SYNC + [("end_report_index", "Q"), ("rej_reason", "I"), ("text", "64s")]
# What a client sends on an ordinary day: an order, and a cancel of it.
ORDER = {"biz_id": 100010, "biz_pbu": b"12345678", "cl_ord_id": b"0000000007",
         "security_id": b"600519", "account": b"A123456789", "owner_type": 1, "side": ord("1"),
         "price": 180_000_000, "order_qty": 100_000, "ord_type": ord("2"),
         "time_in_force": ord("0"), "transact_time": 93000_123_0000, "branch_id": b"00001"}


def info(forms, pbus, sets):
    """Bytes, the form and every pair."""
    pairs = " ".join(f"{pbu.decode().strip()}/{number}" for pbu in pbus for number in sets)
    listed = struct.pack(f">H{len(sets)}I", len(sets), *sets)
    head = struct.pack(">HH", 3, len(pbus))
    flat = head + b"".join(pbus) + listed
    nested = head + b"".join(pbu + listed for pbu in pbus)
    for form in forms:
        yield {"flat": flat, "nested": nested}[form], f"{form} {pairs}"


def rows():
    for style in STYLES:
        for kind, (variant, size, fields) in MESSAGES.items():
            body, shown = record(NAMES.get(variant, variant), fields, Values(style))
            assert len(body) == size, (variant, len(body), size)
            yield str(kind), frame(kind, body), f"1 {variant}({shown})"
    for count in (0, 1, 3):
        for kind, name, fields in ((206, "Sync", SYNC), (207, "SyncResponse", RESPONSE)):
            values, body, shown = Values("run"), struct.pack(">H", count), []
            for _ in range(count):
                row, row_text = record(name + "Row", fields, values)
                body, shown = body + row, shown + [row_text]
            listed = f"{name} {{ rows: [{', '.join(shown)}] }}"
            yield str(kind), frame(kind, body, 2**64 - 1), f"{2**64 - 1} {name}({listed})"
    one, two = [b"12345678"], [b"12345678", b"PBU2    "]
    for forms, pbus, sets in ((("flat",), one, [1, 2, 20]), (("flat", "nested"), two, [1, 2, 20]),
                              (("flat",), one, []), (("flat", "nested"), two, [6])):
        for body, shown in info(forms, pbus, sets):
            yield "208", frame(208, body, 3), shown
    yield "33", frame(33, b"", 9), "9 Heartbeat"
    yield "301", frame(301, b"?"), "1 Other(301)"
    body, shown = record("NewOrder", MESSAGES[58][2], Values("run"), ORDER)
    yield "order", frame(58, body, 12), f"12 New({shown})"
    cancel = {**ORDER, "cl_ord_id": b"0000000009", "orig_cl_ord_id": b"0000000007"}
    body, shown = record("CancelOrder", MESSAGES[61][2], Values("run"), cancel)
    yield "cancel", frame(61, body, 13), f"13 Cancel({shown})"


def main():
    all_rows = list(rows())
    write("tdgw.txt", [(name, data.hex(), shown) for name, data, shown in all_rows])
    for index, (name, data, _) in enumerate(all_rows):
        seed("tdgw", f"{index:03}_{name}", data)
    session = b"".join(data for _, data, _ in all_rows[:10])
    seed("tdgw", "session_whole", session)
    seed("tdgw", "session_cut", session[:-3])
    seed("tdgw", "sum", all_rows[0][1][:-1] + b"\xff")
    seed("tdgw", "group", frame(206, b"\xff\xff"))
    seed("tdgw", "info", frame(208, struct.pack(">HH8sH", 0, 2, b"A", 9)))


if __name__ == "__main__":
    main()
