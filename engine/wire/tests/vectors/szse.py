#!/usr/bin/env python3
"""Encodes every frame of the Shenzhen market data protocol from the tables of the specification.

Independent of the Rust records on purpose: layouts are typed in again here as `struct` formats, so
that a wrong offset, width or byte order in one of the two shows as a difference. Run without
arguments from anywhere; writes szse.txt beside itself (type, hex of the whole frame, the message as
`Debug` text) and the fuzzer's seed corpus.
"""

import struct

from market_data import seed, write

STYLES = ("run", "low", "high")
TIME, SOURCE = ("time", "q"), ("security_id_source", "4s")
FIXED = {
    1: ("Logon", 92, [
        ("sender_comp_id", "20s"), ("target_comp_id", "20s"), ("heart_bt_int", "i"),
        ("password", "16s"), ("default_appl_ver_id", "32s")]),
    2: ("Logout", 204, [("session_status", "i"), ("text", "200s")]),
    8: ("Reject", 74, [
        ("ref_seq_num", "q"), ("ref_msg_type", "I"), ("business_reject_ref_id", "10s"),
        ("reason", "H"), ("text", "50s")]),
    390095: ("ChannelHeartbeat", 12, [
        ("channel_no", "H"), ("appl_last_seq_num", "q"), ("end_of_channel", "H")]),
    390094: ("Resend", 44, [
        ("resend_type", "c"), ("channel_no", "H"), ("appl_beg_seq_num", "q"),
        ("appl_end_seq_num", "q"), ("news_id", "8s"), ("resend_status", "c"),
        ("reject_text", "16s")]),
    390019: ("MarketStatus", 69, [
        ("orig_time", "q"), ("channel_no", "H"), ("market_id", "8s"), ("market_segment_id", "8s"),
        ("trading_session_id", "4s"), ("trading_session_sub_id", "4s"), ("trad_ses_status", "H"),
        ("trad_ses_start_time", "q"), ("trad_ses_end_time", "q"), ("threshold_amount", "q"),
        ("pos_amt", "q"), ("amount_status", "c")]),
    300192: ("Order", 51, [
        ("channel_no", "H"), ("appl_seq_num", "q"), ("md_stream_id", "3s"), ("security_id", "8s"),
        SOURCE, ("price", "q"), ("order_qty", "q"), ("side", "c"), ("transact_time", "q"),
        ("ord_type", "c")]),
    300191: ("Execution", 66, [
        ("channel_no", "H"), ("appl_seq_num", "q"), ("md_stream_id", "3s"),
        ("bid_appl_seq_num", "q"), ("offer_appl_seq_num", "q"), ("security_id", "8s"), SOURCE,
        ("last_px", "q"), ("last_qty", "q"), ("exec_type", "c"), ("transact_time", "q")]),
}
# type: variant, head, bytes, fields of the head without the count, the count, rows
GROUPED = {
    390013: ("SecurityStatus", "SecurityStatusHead", 34, [
        ("orig_time", "q"), ("channel_no", "H"), ("security_id", "8s"), SOURCE,
        ("financial_status", "8s")], "no_switch",
        ("switches", "Switch", [("switch_type", "H"), ("switch_status", "H")])),
    390090: ("Statistics", "StatisticsHead", 14, [("orig_time", "q"), ("channel_no", "H")],
             "no_md_stream_id", ("streams", "StreamCount", [
                 ("md_stream_id", "3s"), ("stock_num", "I"), ("trading_phase_code", "8s")])),
}
SNAPSHOT = [
    ("orig_time", "q"), ("channel_no", "H"), ("md_stream_id", "3s"), ("security_id", "8s"), SOURCE,
    ("trading_phase_code", "8s"), ("prev_close_px", "q"), ("num_trades", "q"),
    ("total_volume_trade", "q"), ("total_value_trade", "q")]
ENTRY = [("md_entry_type", "2s"), ("md_entry_px", "q"), ("md_entry_size", "q"),
         ("md_price_level", "H"), ("number_of_orders", "q")]
NEWS = [("orig_time", "q"), ("channel_no", "H"), ("news_id", "8s"), ("headline", "128s"),
        ("raw_data_format", "8s")]


class Values:
    """Field values no two of which are alike, by style."""

    def __init__(self, style):
        self.style, self.turn = style, 0

    def take(self, form):
        self.turn += 1
        if form == "c":
            return {"low": 0x00, "high": 0xFF}.get(self.style, 0x41 + self.turn % 20)
        if form.endswith("s"):
            size = int(form[:-1])
            if self.style == "low":
                return b" " * size
            return bytes(0x61 + (self.turn * 7 + i * 3) % 26 for i in range(size))
        bits = {"H": 16, "I": 32, "i": 32, "q": 64}[form]
        signed = form in "iq"
        if self.style == "low":
            return -(1 << bits - 1) if signed else 0
        if self.style == "high":
            return (1 << bits - signed) - 1
        value = (0x1122334455667788 * (self.turn * 2 + 1) + self.turn) % (1 << bits)
        return value - (1 << bits) if signed and value >> bits - 1 else value


def shown(form, value):
    if form == "c":
        return f"'{chr(value)}'" if 0x20 <= value <= 0x7E else f"{value:#04x}"
    return '"' + value.decode("ascii") + '"' if form.endswith("s") else str(value)


def record(name, fields, values, **given):
    """Bytes and text of one record; `given` fixes the values of some fields."""
    body, words = b"", []
    for field, form in fields:
        value = given.get(field)
        value = values.take(form) if value is None else value
        body += struct.pack("B" if form == "c" else ">" + form, value)
        words.append(f"{field}: {shown(form, value)}")
    return body, f"{name} {{ {', '.join(words)} }}"


def frame(kind, body):
    covered = struct.pack(">II", kind, len(body)) + body
    return covered + struct.pack(">I", sum(covered) % 256)


def fixed(style):
    for kind, (name, size, fields) in FIXED.items():
        body, text = record(name, fields, Values(style))
        assert len(body) == size, (name, len(body))
        yield kind, body, f"{name}({text})"
    yield 3, b"", "Heartbeat"
    yield 300592, b"later", "Other(300592)"


def grouped(style):
    for kind, (name, head, size, fields, count, (rows, row, row_fields)) in GROUPED.items():
        for n in (0, 1, 3):
            values = Values(style)
            body, text = record(head, fields + [(count, "I")], values, **{count: n})
            assert len(body) == size, (name, len(body))
            texts = []
            for _ in range(n):
                more, words = record(row, row_fields, values)
                body, texts = body + more, texts + [words]
            yield kind, body, f"{name}({name} {{ head: {text}, {rows}: [{', '.join(texts)}] }})"


def news(style):
    for data in (b"", b"a line of news"):
        body, text = record("AnnouncementHead", NEWS + [("raw_data_length", "I")], Values(style),
                            raw_data_length=len(data))
        assert len(body) == 158
        numbers = ", ".join(str(b) for b in data)
        yield (390012, body + data,
               f"Announcement(Announcement {{ head: {text}, data: [{numbers}] }})")


def snapshots(style):
    for sizes in ([], [0], [2, 0, 50]):
        values = Values(style)
        body, text = record("SnapshotHead", SNAPSHOT + [("no_md_entries", "I")], values,
                            no_md_entries=len(sizes))
        assert len(body) == 69
        texts = []
        for size in sizes:
            head, words = record("EntryHead", ENTRY + [("no_orders", "I")], values, no_orders=size)
            assert len(head) == 32
            queue = [values.take("q") for _ in range(size)]
            body += head + struct.pack(f">{size}q", *queue)
            texts.append(f"{words} {queue}")
        yield 300111, body, f"Snapshot({text} {'; '.join(texts)})".replace(" )", ")")


def main():
    rows = []
    for style in STYLES:
        for maker in (fixed, grouped, news, snapshots):
            rows += list(maker(style))
    wide, text = record("Order", FIXED[300192][2], Values("run"))
    rows.append((300192, wide + b" ", f"Order({text})"))  # the last field with two characters
    write("szse.txt", [(str(kind), frame(kind, body).hex(), text) for kind, body, text in rows])

    for n, (kind, body, _) in enumerate(rows):
        seed("szse_md", f"{n:03}_{kind}", frame(kind, body))
    run = [frame(kind, body) for kind, body, _ in rows[:11]]
    seed("szse_md", "stream", b"".join(run))
    seed("szse_md", "stream_cut", b"".join(run)[:-5])
    seed("szse_md", "checksum", frame(3, b"")[:-1] + b"\x09")
    seed("szse_md", "too_long", struct.pack(">II", 3, 1 << 21))
    seed("szse_md", "entries_missing", frame(300111, rows[20][1][:69][:65] + b"\xff" * 4))


if __name__ == "__main__":
    main()
