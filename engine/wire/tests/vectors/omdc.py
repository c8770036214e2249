#!/usr/bin/env python3
"""Encodes every OMD-C message and packets of them from the tables of the specification.

Independent of the Rust records on purpose: offsets and types are those of the specification, so
that a wrong offset, width or byte order in one of the two shows as a difference. Run without
arguments from anywhere; writes beside itself and into the fuzzers' seed corpus:

    omdc.txt          type, hex, the fields as `Debug` text of the Rust record and its group
    omdc_packet.txt   name, hex, seq | next seq | send time | messages in hex, or !why not
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parents[3] / "fuzz" / "corpus" / "omdc"

# type, name, bytes of the fixed part, bytes of a group's entry, then (field, offset, format); a
# format is a little-endian struct code, "c" for a byte, "<n>s" for text.
MESSAGES = [
    (10, "MarketDefinition", 40, 0, [
        ("market_code", 4, "4s"), ("market_name", 8, "25s"), ("currency_code", 33, "3s"),
        ("number_of_securities", 36, "I")]),
    (11, "SecurityDefinition", 544, 8, [
        ("security_code", 4, "I"), ("market_code", 8, "4s"), ("isin_code", 12, "12s"),
        ("instrument_type", 24, "4s"), ("product_type", 28, "B"), ("filler_29", 29, "c"),
        ("spread_table_code", 30, "2s"), ("security_short_name", 32, "40s"),
        ("currency_code", 72, "3s"), ("security_name_gccs", 75, "60s"),
        ("security_name_gb", 135, "60s"), ("lot_size", 195, "I"), ("filler_199", 199, "4s"),
        ("previous_closing_price_e3", 203, "i"), ("vcm_flag", 207, "c"),
        ("short_sell_flag", 208, "c"), ("cas_flag", 209, "c"), ("ccass_flag", 210, "c"),
        ("dummy_security_flag", 211, "c"), ("filler_212", 212, "c"),
        ("stamp_duty_flag", 213, "c"), ("filler_214", 214, "c"), ("listing_date", 215, "I"),
        ("delisting_date", 219, "I"), ("free_text", 223, "38s"), ("filler_261", 261, "62s"),
        ("pos_flag", 323, "c"), ("pos_upper_limit_e3", 324, "i"),
        ("pos_lower_limit_e3", 328, "i"), ("domain_settlement_security_code", 332, "I"),
        ("filler_336", 336, "37s"), ("efn_flag", 373, "c"), ("accrued_interest", 374, "I"),
        ("coupon_rate", 378, "I"), ("filler_382", 382, "c"), ("face_value", 383, "Q"),
        ("decimals_in_face_value", 391, "B"), ("face_value_currency", 392, "3s"),
        ("maturity_date", 395, "I"), ("investor_type", 399, "c"), ("filler_400", 400, "44s"),
        ("conversion_ratio", 444, "I"), ("strike_price_1_e3", 448, "i"),
        ("strike_price_2_e3", 452, "i"), ("warrant_maturity_date", 456, "I"),
        ("call_put_flag", 460, "c"), ("style", 461, "c"), ("filler_462", 462, "2s"),
        ("warrant_type", 464, "c"), ("call_price", 465, "i"),
        ("decimals_in_call_price", 469, "B"), ("entitlement", 470, "i"),
        ("decimals_in_entitlement", 474, "B"), ("no_warrants_per_entitlement", 475, "I"),
        ("filler_479", 479, "63s"), ("no_underlying_securities", 542, "H")]),
    (13, "LiquidityProvider", 10, 2, [
        ("security_code", 4, "I"), ("no_liquidity_providers", 8, "H")]),
    (14, "CurrencyRate", 16, 0, [
        ("currency_code", 4, "3s"), ("filler_7", 7, "c"), ("currency_factor", 8, "H"),
        ("filler_10", 10, "2s"), ("currency_rate_e4", 12, "I")]),
    (20, "TradingSessionStatus", 32, 0, [
        ("market_code", 4, "4s"), ("filler_8", 8, "c"), ("trading_session_sub_id", 9, "B"),
        ("trading_ses_status", 10, "B"), ("trading_ses_control_flag", 11, "c"),
        ("filler_12", 12, "4s"), ("start_date_time", 16, "Q"), ("end_date_time", 24, "Q")]),
    (21, "SecurityStatus", 12, 0, [
        ("security_code", 4, "I"), ("suspension_indicator", 8, "B"), ("filler", 9, "3s")]),
    (23, "VcmTrigger", 36, 0, [
        ("security_code", 4, "I"), ("cooling_off_start_time", 8, "Q"),
        ("cooling_off_end_time", 16, "Q"), ("vcm_reference_price_e3", 24, "i"),
        ("vcm_lower_price_e3", 28, "i"), ("vcm_upper_price_e3", 32, "i")]),
    (30, "AddOrder", 32, 0, [
        ("security_code", 4, "I"), ("order_id", 8, "Q"), ("price_e3", 16, "i"),
        ("quantity", 20, "I"), ("side", 24, "H"), ("order_type", 26, "c"), ("filler", 27, "c"),
        ("order_book_position", 28, "i")]),
    (31, "ModifyOrder", 28, 0, [
        ("security_code", 4, "I"), ("order_id", 8, "Q"), ("quantity", 16, "I"), ("side", 20, "H"),
        ("filler", 22, "2s"), ("order_book_position", 24, "i")]),
    (32, "DeleteOrder", 20, 0, [
        ("security_code", 4, "I"), ("order_id", 8, "Q"), ("side", 16, "H"), ("filler", 18, "2s")]),
    (33, "AddOddLotOrder", 28, 0, [
        ("security_code", 4, "I"), ("order_id", 8, "Q"), ("price_e3", 16, "i"),
        ("quantity", 20, "I"), ("broker_id", 24, "H"), ("side", 26, "H")]),
    (34, "DeleteOddLotOrder", 20, 0, [
        ("security_code", 4, "I"), ("order_id", 8, "Q"), ("broker_id", 16, "H"),
        ("side", 18, "H")]),
    (40, "NominalPrice", 12, 0, [
        ("security_code", 4, "I"), ("nominal_price_e3", 8, "i")]),
    (41, "IndicativePrice", 20, 0, [
        ("security_code", 4, "I"), ("price_e3", 8, "i"), ("aggregate_quantity", 12, "Q")]),
    (43, "ReferencePrice", 20, 0, [
        ("security_code", 4, "I"), ("reference_price_e3", 8, "i"), ("lower_price_e3", 12, "i"),
        ("upper_price_e3", 16, "i")]),
    (44, "Yield", 12, 0, [
        ("security_code", 4, "I"), ("yield_e3", 8, "i")]),
    (50, "Trade", 32, 0, [
        ("security_code", 4, "I"), ("trade_id", 8, "I"), ("price_e3", 12, "i"),
        ("quantity", 16, "I"), ("trd_type", 20, "h"), ("filler", 22, "2s"),
        ("trade_time", 24, "Q")]),
    (51, "TradeCancel", 12, 0, [
        ("security_code", 4, "I"), ("trade_id", 8, "I")]),
    (52, "TradeTicker", 36, 0, [
        ("security_code", 4, "I"), ("ticker_id", 8, "I"), ("price_e3", 12, "i"),
        ("aggregate_quantity", 16, "Q"), ("trade_time", 24, "Q"), ("trd_type", 32, "h"),
        ("trd_cancel_flag", 34, "c"), ("filler", 35, "c")]),
    (53, "AggregateUpdate", 12, 24, [
        ("security_code", 4, "I"), ("filler", 8, "3s"), ("no_entries", 11, "B")]),
    (54, "BrokerQueue", 12, 4, [
        ("security_code", 4, "I"), ("item_count", 8, "B"), ("bq_side", 9, "H"),
        ("bq_more_flag", 11, "c")]),
    (56, "OrderImbalance", 20, 0, [
        ("security_code", 4, "I"), ("order_imbalance_direction", 8, "c"), ("filler_9", 9, "c"),
        ("order_imbalance_quantity", 10, "Q"), ("filler_18", 18, "2s")]),
    (60, "Statistics", 52, 0, [
        ("security_code", 4, "I"), ("shares_traded", 8, "Q"), ("turnover_e3", 16, "q"),
        ("high_price_e3", 24, "i"), ("low_price_e3", 28, "i"), ("last_price_e3", 32, "i"),
        ("vwap_e3", 36, "i"), ("short_sell_shares_traded", 40, "I"),
        ("short_sell_turnover_e3", 44, "q")]),
    (61, "MarketTurnover", 20, 0, [
        ("market_code", 4, "4s"), ("currency_code", 8, "3s"), ("filler", 11, "c"),
        ("turnover_e3", 12, "q")]),
    (62, "ClosingPrice", 16, 0, [
        ("security_code", 4, "I"), ("closing_price_e3", 8, "i"), ("number_of_trades", 12, "I")]),
    (100, "SequenceReset", 8, 0, [
        ("new_seq_no", 4, "I")]),
    (101, "Logon", 16, 0, [
        ("username", 4, "12s")]),
    (102, "LogonResponse", 8, 0, [
        ("session_status", 4, "B"), ("filler", 5, "3s")]),
    (105, "DisasterRecovery", 8, 0, [
        ("dr_status", 4, "I")]),
    (201, "RetransmissionRequest", 16, 0, [
        ("channel_id", 4, "H"), ("filler", 6, "2s"), ("begin_seq_num", 8, "I"),
        ("end_seq_num", 12, "I")]),
    (202, "RetransmissionResponse", 16, 0, [
        ("channel_id", 4, "H"), ("retrans_status", 6, "B"), ("filler", 7, "c"),
        ("begin_seq_num", 8, "I"), ("end_seq_num", 12, "I")]),
    (203, "RefreshComplete", 8, 0, [
        ("last_seq_num", 4, "I")]),
]

# Entries of the four groups, and the field that counts them.
GROUPS = {
    11: ("no_underlying_securities", "UnderlyingEntry", 8, [
        ("underlying_security_code", 0, "I"), ("filler", 4, "4s")]),
    13: ("no_liquidity_providers", "ProviderEntry", 2, [("lp_broker_number", 0, "H")]),
    53: ("no_entries", "BookEntry", 24, [
        ("aggregate_quantity", 0, "Q"), ("price_e3", 8, "i"), ("number_of_orders", 12, "I"),
        ("side", 16, "H"), ("price_level", 18, "B"), ("update_action", 19, "B"),
        ("filler", 20, "4s")]),
    54: ("item_count", "BrokerItem", 4, [
        ("item", 0, "H"), ("item_type", 2, "c"), ("filler", 3, "c")]),
}


def show_byte(byte):
    return f"'{chr(byte)}'" if 32 <= byte <= 126 else f"{byte:#04x}"


def show_text(data):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 34: "\\\"", 39: "\\'", 92: "\\\\"}
    shown = (names.get(b) or (chr(b) if 32 <= b <= 126 else f"\\x{b:02x}") for b in data)
    return '"' + "".join(shown) + '"'


def width(fmt):
    return 1 if fmt == "c" else struct.calcsize("<" + fmt)


def value(fmt, style, salt):
    """A value that shows byte order: rising bytes, all low, or all high."""
    size = width(fmt)
    one = b"\x01" + bytes(size - 1)
    raw = {
        "run": bytes((salt * 7 + i * 3 + 65) % 96 + 31 for i in range(size)),
        "low": one[::-1] if "s" in fmt else one,
        "high": bytes([255 - salt % 3] * size),
    }[style]
    return raw


def show(fmt, raw):
    if fmt in ("c", "B"):
        return show_byte(raw[0])
    if fmt.endswith("s"):
        return show_text(raw)
    return str(struct.unpack("<" + fmt, raw)[0])


def put(size, fields, style, fixed, salt):
    """The bytes of a record, and its fields as text."""
    data, shown, end = bytearray(size), [], min(offset for _, offset, _ in fields)
    for index, (name, offset, fmt) in enumerate(fields):
        assert offset == end, f"{name} begins at {offset}, the field before it ends at {end}"
        raw = fixed.get(name)
        raw = value(fmt, style, salt + index) if raw is None else struct.pack("<" + fmt, raw)
        data[offset:offset + len(raw)] = raw
        shown.append(f"{name}: {show(fmt, raw)}")
        end = offset + len(raw)
    assert end == size, f"fields end at {end}, want {size}"
    return bytes(data), ", ".join(shown)


def message(kind, style, entries=0):
    _, name, size, each, fields = next(row for row in MESSAGES if row[0] == kind)
    group = GROUPS.get(kind)
    entries = entries if group else 0
    fixed = {group[0]: entries} if group else {}
    data, shown = put(size, fields, style, fixed, kind)
    total = size + entries * each
    header = struct.pack("<HH", total, kind)
    text = (f"{name} {{ header: MessageHeader {{ msg_size: {total}, msg_type: {kind} }}, "
            f"{shown} }}")
    data = header + data[4:]
    for entry in range(entries):
        assert each == group[2]
        raw, inner = put(each, group[3], style, {}, kind + 11 * (entry + 1))
        data += raw
        text += f" {group[1]} {{ {inner} }}"
    return data, text


def packet(messages, seq=7, sent=1_700_000_000_123_456_789, size=None, count=None):
    body = b"".join(messages)
    size = 16 + len(body) if size is None else size
    count = len(messages) if count is None else count
    return struct.pack("<HBBIQ", size, count, 0, seq, sent) + body


def packets():
    add, trade = message(30, "run")[0], message(50, "low")[0]
    definition = message(11, "run", 2)[0]

    def good(name, messages, seq=7, sent=1_700_000_000_123_456_789):
        want = [str(seq), str(seq + len(messages)), str(sent), ",".join(m.hex() for m in messages)]
        return name, packet(messages, seq, sent), "|".join(want)

    def longer(data, more):
        return struct.pack("<H", len(data) + len(more)) + data[2:] + more

    yield good("one", [add])
    yield good("three", [add, trade, definition])
    yield good("heartbeat", [], 99)
    yield good("logon", [message(101, "run")[0]], 0, 0)
    yield good("request", [message(201, "run")[0]], 0, 0)
    yield good("last_number", [add], 2**32 - 2)
    yield good("longer_message", [longer(add, b"of a later version"), trade])
    yield good("unknown_type", [struct.pack("<HH", 6, 22) + b"!!"])
    yield good("no_body", [struct.pack("<HH", 4, 9_999)])
    yield good("full", [struct.pack("<HH", 4, 1)] * 255)
    yield "cut_header", packet([])[:15], "!Short"
    yield "empty", b"", "!Short"
    yield "size_above", packet([add], size=16 + len(add) + 1), "!Size"
    yield "size_below", packet([add], size=16), "!Size"
    yield "padded", packet([add]) + b"\0", "!Size"
    yield "count_above", packet([add], count=2), "!Overrun"
    yield "count_below", packet([add, trade], count=1), "!Trailing"
    yield "heartbeat_with_body", packet([add], count=0), "!Trailing"
    yield "tiny_message", packet([struct.pack("<HH", 3, 30)]), "!MessageSize"
    yield "message_runs_over", packet([struct.pack("<HH", 33, 30) + add[4:]]), "!Overrun"
    yield "number_runs_over", packet([add], 2**32 - 1), "!SeqRange"


def write(name, rows):
    lines = "".join("\t".join(row) + "\n" for row in rows)
    (HERE / name).write_text(lines, encoding="ascii")


def main():
    rows = []
    for style, entries in (("run", 2), ("low", 0), ("high", 1)):
        for kind, *_ in MESSAGES:
            data, text = message(kind, style, entries)
            rows.append((str(kind), data.hex(), text))
    write("omdc.txt", rows)
    write("omdc_packet.txt", [(name, data.hex(), want) for name, data, want in packets()])
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, data, _ in packets():
        (CORPUS / f"packet_{name}").write_bytes(data)
    everything = [message(kind, "run", 1)[0] for kind, *_ in MESSAGES]
    (CORPUS / "packet_all_types").write_bytes(packet(everything))


if __name__ == "__main__":
    main()
