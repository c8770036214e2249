#!/usr/bin/env python3
"""Encodes every ITCH and IEX message, MoldUDP64 packet and IEX-TP segment as documented.

Independent of the Rust records on purpose: layouts are typed in again here as `struct` formats, so
that a wrong offset, width or byte order in one of the two shows as a difference. Run without
arguments from anywhere; writes beside itself and into the fuzzers' seed corpus:

    itch.txt   kind, hex, the fields as `Debug` text of the Rust record
    iex.txt    protocol id, hex, the fields
    mold.txt   name, hex, session | seq | kind | blocks in hex | trailing
    segment.txt  name, hex, seq | next seq | next offset | blocks in hex | missing | trailing
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parents[3] / "fuzz" / "corpus"

# name, kind, then (field, format); a format is a struct code, "6" for 48 bits, "c" for a byte,
# "<n>s" for text.
ITCH_HEADER = [("kind", "c"), ("stock_locate", "H"), ("tracking", "H"), ("ts_ns", "6")]
ITCH = [
    ("SystemEvent", "S", 12, [("event_code", "c")]),
    ("StockDirectory", "R", 39, [
        ("stock", "8s"), ("market_category", "c"), ("financial_status", "c"),
        ("round_lot_size", "I"), ("round_lots_only", "c"), ("issue_classification", "c"),
        ("issue_sub_type", "2s"), ("authenticity", "c"), ("short_sale_threshold", "c"),
        ("ipo_flag", "c"), ("luld_tier", "c"), ("etp_flag", "c"), ("etp_leverage", "I"),
        ("inverse", "c")]),
    ("TradingAction", "H", 25, [
        ("stock", "8s"), ("trading_state", "c"), ("reserved", "c"), ("reason", "4s")]),
    ("RegSho", "Y", 20, [("stock", "8s"), ("action", "c")]),
    ("ParticipantPosition", "L", 26, [
        ("mpid", "4s"), ("stock", "8s"), ("primary_market_maker", "c"),
        ("market_maker_mode", "c"), ("participant_state", "c")]),
    ("MwcbDecline", "V", 35, [("level_1_e8", "Q"), ("level_2_e8", "Q"), ("level_3_e8", "Q")]),
    ("MwcbStatus", "W", 12, [("breached_level", "c")]),
    ("QuotingPeriod", "K", 28, [
        ("stock", "8s"), ("release_time_s", "I"), ("release_qualifier", "c"),
        ("ipo_price_e4", "I")]),
    ("LuldCollar", "J", 35, [
        ("stock", "8s"), ("reference_price_e4", "I"), ("upper_price_e4", "I"),
        ("lower_price_e4", "I"), ("extension_cnt", "I")]),
    ("OperationalHalt", "h", 21, [("stock", "8s"), ("market_code", "c"), ("action", "c")]),
    ("AddOrder", "A", 36, [
        ("order_ref", "Q"), ("side", "c"), ("shares", "I"), ("stock", "8s"), ("price_e4", "I")]),
    ("AddOrderMpid", "F", 40, [
        ("order_ref", "Q"), ("side", "c"), ("shares", "I"), ("stock", "8s"), ("price_e4", "I"),
        ("mpid", "4s")]),
    ("OrderExecuted", "E", 31, [("order_ref", "Q"), ("shares", "I"), ("match_number", "Q")]),
    ("OrderExecutedWithPrice", "C", 36, [
        ("order_ref", "Q"), ("shares", "I"), ("match_number", "Q"), ("printable", "c"),
        ("price_e4", "I")]),
    ("OrderCancel", "X", 23, [("order_ref", "Q"), ("shares", "I")]),
    ("OrderDelete", "D", 19, [("order_ref", "Q")]),
    ("OrderReplace", "U", 35, [
        ("order_ref", "Q"), ("new_order_ref", "Q"), ("shares", "I"), ("price_e4", "I")]),
    ("Trade", "P", 44, [
        ("order_ref", "Q"), ("side", "c"), ("shares", "I"), ("stock", "8s"), ("price_e4", "I"),
        ("match_number", "Q")]),
    ("CrossTrade", "Q", 40, [
        ("shares", "Q"), ("stock", "8s"), ("price_e4", "I"), ("match_number", "Q"),
        ("cross_type", "c")]),
    ("BrokenTrade", "B", 19, [("match_number", "Q")]),
    ("Noii", "I", 50, [
        ("paired_shares", "Q"), ("imbalance_shares", "Q"), ("imbalance_direction", "c"),
        ("stock", "8s"), ("far_price_e4", "I"), ("near_price_e4", "I"),
        ("reference_price_e4", "I"), ("cross_type", "c"), ("price_variation", "c")]),
    ("Rpii", "N", 20, [("stock", "8s"), ("interest_flag", "c")]),
    ("DirectListing", "O", 48, [
        ("stock", "8s"), ("open_eligibility", "c"), ("min_price_e4", "I"), ("max_price_e4", "I"),
        ("near_price_e4", "I"), ("near_time", "Q"), ("lower_collar_e4", "I"),
        ("upper_collar_e4", "I")]),
]

DEEP, DEEP_PLUS, TOPS_15, TOPS_16 = 0x8004, 0x8005, 0x8002, 0x8003
ALL = (TOPS_15, TOPS_16, DEEP, DEEP_PLUS)
PRICED = (TOPS_15, TOPS_16, DEEP)
TRADE = [("symbol", "8s"), ("shares", "I"), ("price_e4", "q"), ("trade_id", "Q")]
IEX = [
    ("SystemEvent", "S", 10, ALL, "event_code", []),
    ("SecurityDirectory", "D", 31, ALL, "flags", [
        ("symbol", "8s"), ("round_lot_size", "I"), ("adjusted_close_e4", "q"),
        ("luld_tier", "c")]),
    ("TradingStatus", "H", 22, ALL, "status", [("symbol", "8s"), ("reason", "4s")]),
    ("RetailInterest", "I", 18, ALL, "indicator", [("symbol", "8s")]),
    ("OperationalHalt", "O", 18, ALL, "status", [("symbol", "8s")]),
    ("ShortSaleTest", "P", 19, ALL, "status", [("symbol", "8s"), ("detail", "c")]),
    ("SecurityEvent", "E", 18, ALL, "event", [("symbol", "8s")]),
    ("PriceLevelUpdate", "8", 30, (DEEP,), "event_flags", [
        ("symbol", "8s"), ("shares", "I"), ("price_e4", "q")]),
    ("PriceLevelUpdate", "5", 30, (DEEP,), "event_flags", [
        ("symbol", "8s"), ("shares", "I"), ("price_e4", "q")]),
    ("QuoteUpdate", "Q", 42, (TOPS_15, TOPS_16), "flags", [
        ("symbol", "8s"), ("bid_shares", "I"), ("bid_price_e4", "q"), ("ask_price_e4", "q"),
        ("ask_shares", "I")]),
    ("AddOrder", "a", 38, (DEEP_PLUS,), "side", [
        ("symbol", "8s"), ("order_id", "Q"), ("shares", "I"), ("price_e4", "q")]),
    ("OrderModify", "M", 38, (DEEP_PLUS,), "flags", [
        ("symbol", "8s"), ("order_id", "Q"), ("shares", "I"), ("price_e4", "q")]),
    ("OrderDelete", "R", 26, (DEEP_PLUS,), "reserved", [("symbol", "8s"), ("order_id", "Q")]),
    ("OrderExecuted", "L", 46, (DEEP_PLUS,), "sale_flags", [
        ("symbol", "8s"), ("order_id", "Q"), ("shares", "I"), ("price_e4", "q"),
        ("trade_id", "Q")]),
    ("ClearBook", "C", 18, (DEEP_PLUS,), "reserved", [("symbol", "8s")]),
    ("Trade", "T", 38, ALL, "sale_flags", TRADE),
    ("TradeBreak", "B", 38, ALL, "sale_flags", TRADE),
    ("OfficialPrice", "X", 26, PRICED, "price_type", [("symbol", "8s"), ("price_e4", "q")]),
    ("Auction", "A", 80, PRICED, "auction_type", [
        ("symbol", "8s"), ("paired_shares", "I"), ("reference_price_e4", "q"),
        ("indicative_price_e4", "q"), ("imbalance_shares", "I"), ("imbalance_side", "c"),
        ("extension_number", "c"), ("scheduled_time_s", "I"), ("auction_price_e4", "q"),
        ("collar_reference_e4", "q"), ("collar_low_e4", "q"), ("collar_high_e4", "q")]),
]


class Values:
    """Field values no two of which are alike, by style."""

    def __init__(self, style):
        self.style, self.turn = style, 0

    def take(self, form):
        self.turn += 1
        if form == "c":
            return {"low": 0x00, "high": 0xFF}.get(self.style, 0x41 + self.turn)
        if form.endswith("s"):
            size = int(form[:-1])
            if self.style == "low":
                return b" " * size
            return bytes(0x61 + (self.turn * 7 + i * 3) % 26 for i in range(size))
        bits = {"H": 16, "I": 32, "6": 48, "Q": 64, "q": 64}[form]
        if self.style == "low":
            return 0
        if self.style == "high":
            return -1 if form == "q" else 2**bits - 1
        run = bytes((self.turn * 0x1D + i * 0x0B + 0x80) & 0xFF for i in range(bits // 8))
        return int.from_bytes(run, "big", signed=form == "q")


def encode(order, form, value):
    if form == "c":
        return struct.pack("B", value)
    if form == "6":
        assert order == ">"
        return struct.pack(">HI", value >> 32, value & 0xFFFFFFFF)
    return struct.pack(order + form, value)


def text(form, value):
    if form == "c":
        return f"'{chr(value)}'" if 0x20 <= value <= 0x7E else f"{value:#04x}"
    if form.endswith("s"):
        return '"' + value.decode("ascii") + '"'
    return str(value)


def message(name, kind, size, fields, order, style):
    values, body, shown = Values(style), b"", []
    for field, form in fields:
        value = ord(kind) if field == "kind" else values.take(form)
        body += encode(order, form, value)
        shown.append(f"{field}: {text(form, value)}")
    assert len(body) == size, (name, len(body), size)
    return body, f"{name} {{ {', '.join(shown)} }}"


def itch_messages(style):
    for name, kind, size, fields in ITCH:
        yield kind, *message(name, kind, size, ITCH_HEADER + fields, ">", style)


def iex_messages(style):
    for name, kind, size, protocols, code, tail in IEX:
        head = [("kind", "c"), (code, "c"), ("ts_ns", "q")]
        yield protocols, *message(name, kind, size, head + tail, "<", style)


def mold_packet(session, seq, count, blocks, tail=b""):
    body = b"".join(struct.pack(">H", len(b)) + b for b in blocks)
    return struct.pack(">10sQH", session, seq, count) + body + tail


def mold_packets():
    """name, bytes, expectation ("!" and the reason when it must be refused)."""
    def good(name, session, seq, blocks, tail=b""):
        want = "|".join([session.decode(), str(seq), f"Data({len(blocks)})",
                         ",".join(b.hex() for b in blocks), str(len(tail))])
        return name, mold_packet(session, seq, len(blocks), blocks, tail), want

    run = [body for _, body, _ in itch_messages("run")]
    session = b"000010059B"
    yield good("one", session, 1, run[:1])
    yield good("all_kinds", session, 0x0102030405060708, run)
    yield good("empty_block", session, 7, [b"", b"\x53", b""])
    yield good("trailing", session, 9, run[:2], b"\xAA\xBB\xCC")
    yield good("last_seq", session, 2**64 - 2, [b"\x01"])
    yield "heartbeat", mold_packet(session, 42, 0, []), "000010059B|42|Heartbeat||0"
    yield "heartbeat_tail", mold_packet(session, 42, 0, [], b"\0\0"), "000010059B|42|Heartbeat||2"
    yield "end", mold_packet(session, 43, 0xFFFF, []), "000010059B|43|EndOfSession||0"
    yield "cut_header", mold_packet(session, 1, 0, [])[:19], "!Short"
    yield "cut_length", mold_packet(session, 1, 2, run[:1], b"\x00"), "!Overrun"
    yield "cut_block", mold_packet(session, 1, 1, [], b"\x00\x05abcd"), "!Overrun"
    yield "count_beyond", mold_packet(session, 1, 3, run[:2]), "!Overrun"
    yield "seq_range", mold_packet(session, 2**64 - 1, 1, [b"\x01"]), "!SeqRange"


def segment(blocks, seq, offset, count=None, length=None, version=1, protocol=DEEP, tail=b""):
    payload = b"".join(struct.pack("<H", len(b)) + b for b in blocks)
    return struct.pack(
        "<BBHIIHHqqq", version, 0, protocol, 1, 0x43810000,
        len(payload) if length is None else length, len(blocks) if count is None else count,
        offset, seq, 1493132621000000001) + payload + tail


def segments():
    deep = [body for protocols, body, _ in iex_messages("run") if DEEP in protocols]
    plus = [body for protocols, body, _ in iex_messages("run") if DEEP_PLUS in protocols]
    tops = [body for protocols, body, _ in iex_messages("run") if TOPS_16 in protocols]

    def good(name, blocks, seq, offset, whole=None, missing=0, trailing=0, **kw):
        data = segment(blocks, seq, offset, **kw)
        count = len(blocks) if kw.get("count") is None else kw["count"]
        length = struct.unpack_from("<H", data, 12)[0]
        kept = blocks if whole is None else blocks[:whole]
        return name, data, "|".join([
            str(seq), str(seq + count), str(offset + length), ",".join(b.hex() for b in kept),
            str(missing), str(trailing)])

    yield good("deep", deep, 1, 0)
    yield good("deep_plus", plus, 77, 4096, protocol=DEEP_PLUS)
    yield good("tops", tops, 2**40, 2**41, protocol=TOPS_16)
    yield good("heartbeat", [], 1, 0)
    yield good("padded", deep[:1], 5, 100, trailing=3, tail=b"\0\0\0")
    yield good("longer_message", [deep[0] + b"appended"], 5, 100)
    yield good("empty_block", [b"", deep[0]], 5, 100)
    yield good("count_beyond", deep[:2], 5, 100, missing=2, count=4)
    yield good("count_below", deep[:2], 5, 100, whole=1, trailing=2 + len(deep[1]), count=1)
    cut = segment(deep[:3], 5, 100)[:-1]
    cut = cut[:12] + struct.pack("<H", len(cut) - 40) + cut[14:]
    yield "cut_block", cut, "|".join([
        "5", "8", str(100 + len(cut) - 40), ",".join(b.hex() for b in deep[:2]), "1", "0"])
    yield "cut_header", segment([], 1, 0)[:39], "!Short"
    yield "version", segment(deep[:1], 1, 0, version=2), "!Version(2)"
    yield "payload_overrun", segment(deep[:1], 1, 0)[:-1], "!PayloadOverrun"
    yield "count_without_payload", segment([], 1, 0, count=1), "!CountMismatch"
    yield "payload_without_count", segment(deep[:1], 1, 0, count=0), "!CountMismatch"
    yield "negative_seq", segment(deep[:1], -1, 0), "!SeqRange"
    yield "negative_offset", segment(deep[:1], 1, -1), "!SeqRange"
    yield "last_seq", segment(deep[:1], 2**63 - 1, 0), "!SeqRange"


def write(name, rows):
    lines = "".join("\t".join(row) + "\n" for row in rows)
    (HERE / name).write_text(lines, encoding="ascii")


def seed(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    styles = ("run", "low", "high")
    itch = [(s, k, body, shown) for s in styles for k, body, shown in itch_messages(s)]
    iex = [(s, p, body, shown) for s in styles for p, body, shown in iex_messages(s)]
    write("itch.txt", [(k, body.hex(), shown) for _, k, body, shown in itch])
    write("iex.txt", [(f"{p:#06x}", body.hex(), shown) for _, ps, body, shown in iex for p in ps])
    write("mold.txt", [(name, data.hex(), want) for name, data, want in mold_packets()])
    write("segment.txt", [(name, data.hex(), want) for name, data, want in segments()])

    for style, kind, body, shown in itch:
        if style == "run":
            seed("itch", shown.split()[0], body)
    records = b"".join(struct.pack(">H", len(b)) + b for s, _, b, _ in itch if s == "run")
    seed("itch", "file_whole", records + b"\0\0")
    seed("itch", "file_cut", records[:-7])
    for name, data, _ in mold_packets():
        seed("mold", name, data)
    for name, data, _ in segments():
        seed("iex", name, data)


if __name__ == "__main__":
    main()
