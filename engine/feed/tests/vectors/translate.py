"""Writes translate.txt: messages packed from the specifications, and what they mean for a book.

    python3 translate.py > translate.txt

Columns: feed, message in hex, expected events joined by " ; ". The rows of one feed are one stream.
"""
from struct import pack

T = 34_200_000_000_123  # ITCH: 09:30:00.000000123
NS = 1_700_000_000_000_000_001  # IEX, DBN


def row(feed, message, *events):
    print(feed, message.hex(), " ; ".join(events), sep="\t")


def event(who, ts, kind, last="last"):
    return f"{who} {ts} {last} {kind}"


def define(who, symbol, lot=100, close=0, flags=""):
    return f"{who} is {symbol} lot {lot} close {close}{flags}"


def add(ref, side, price, qty):
    return (f"Add {{ order: OrderRef({ref}), side: {side}, price: Price({price}), qty: Qty({qty}), "
            "priority: Back, pricing: Limit }")


def execute(ref, qty, price, printable, match):
    return (f"Execute {{ order: OrderRef({ref}), qty: Qty({qty}), price: {price}, "
            f"printable: {printable}, match_id: {match} }}")


def replace(old, new, price, qty, priority):
    return (f"Replace {{ old: OrderRef({old}), new: OrderRef({new}), price: Some(Price({price})), "
            f"qty: Qty({qty}), priority: {priority} }}")


def trade(price, qty, match, kind, aggressor="None"):
    return (f"Trade {{ price: Price({price}), qty: Qty({qty}), aggressor: {aggressor}, "
            f"match_id: {match}, kind: {kind} }}")


def level(side, price, qty):
    return f"LevelSet {{ side: {side}, price: Price({price}), qty: Qty({qty}), orders: 0 }}"


# --- ITCH -------------------------------------------------------------------------------------

def itch(kind, locate, fmt, *fields):
    head = kind + pack(">HH", locate, 7) + pack(">Q", T)[2:]
    return head + pack(">" + fmt, *fields)


def I(message, *events):
    row("itch", message, *events)


AAPL, REF = b"AAPL    ", 0x8000_0000_0000_0001
I(itch(b"S", 0, "c", b"O"), event("all", T, "Phase(Closed)"))
I(itch(b"S", 0, "c", b"S"), event("all", T, "Phase(PreOpen)"))
directory = "8sccIcc2scccccIc"
I(itch(b"R", 5, directory, AAPL, b"Q", b"N", 40, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N"),
  define("#5", "AAPL", 40, 0, " defined"))
I(itch(b"R", 6, directory, b"ZVZZT   ", b"Q", b" ", 100, b"Y", b"C", b"Z ", b"T", b"N", b"N", b"1", b"N", 0, b"N"),
  define("#6", "ZVZZT", 100, 0, " test round defined"))
I(itch(b"H", 5, "8scc4s", AAPL, b"T", b" ", b"    "), event("#5", T, "Phase(Continuous)"))
I(itch(b"Y", 5, "8sc", AAPL, b"0"))
I(itch(b"L", 5, "4s8sccc", b"GSCO", AAPL, b"Y", b"N", b"A"))
I(itch(b"V", 0, "QQQ", 1, 2, 3))
I(itch(b"S", 0, "c", b"Q"), event("all", T, "Phase(Continuous)"))
I(itch(b"A", 5, "QcI8sI", REF, b"B", 300, AAPL, 1_234_500), event("#5", T, add(REF, "Buy", 1_234_500, 300)))
I(itch(b"F", 5, "QcI8sI4s", 2, b"S", 0xFFFF_FFFF, AAPL, 0xFFFF_FFFF, b"GSCO"),
  event("#5", T, add(2, "Sell", 0xFFFF_FFFF, 0xFFFF_FFFF)))
# The first order of a symbol without a directory names it; the second does not.
for ref in (3, 4):
    named = [define("#9", "MSFT")] if ref == 3 else []
    I(itch(b"A", 9, "QcI8sI", ref, b"S", 1, b"MSFT    ", 1), *named, event("#9", T, add(ref, "Sell", 1, 1)))
I(itch(b"E", 5, "QIQ", REF, 100, 77), event("#5", T, execute(REF, 100, "None", "true", 77)))
I(itch(b"C", 5, "QIQcI", REF, 50, 78, b"Y", 1_234_600), event("#5", T, execute(REF, 50, "Some(Price(1234600))", "true", 78)))
I(itch(b"C", 5, "QIQcI", REF, 50, 79, b"N", 1_234_600), event("#5", T, execute(REF, 50, "Some(Price(1234600))", "false", 79)))
I(itch(b"X", 5, "QI", REF, 20), event("#5", T, f"Reduce {{ order: OrderRef({REF}), qty: Qty(20) }}"))
I(itch(b"U", 5, "QQII", REF, 8, 10, 999), event("#5", T, replace(REF, 8, 999, 10, "Back")))
I(itch(b"D", 5, "Q", 8), event("#5", T, "Delete { order: OrderRef(8) }"))
I(itch(b"P", 5, "QcI8sIQ", 0, b"B", 15, AAPL, 1_234_500, 80), event("#5", T, trade(1_234_500, 15, 80, "Hidden")))
I(itch(b"Q", 5, "Q8sIQc", 5_000_000_000, AAPL, 1_234_500, 81, b"O"), event("#5", T, trade(1_234_500, 5_000_000_000, 81, "Cross")))
I(itch(b"Q", 5, "Q8sIQc", 0, AAPL, 0, 82, b"C"))
I(itch(b"B", 5, "Q", 80), event("#5", T, trade(0, 0, 80, "Broken")))
for direction, side in ((b"B", "Some(Buy)"), (b"S", "Some(Sell)"), (b"N", "None"), (b"O", "None")):
    I(itch(b"I", 5, "QQc8sIIIcc", 1000, 200, direction, AAPL, 3, 2, 1, b"C", b"L"),
      event("#5", T, f"Auction(AuctionInfo {{ price: Price(1), paired: Qty(1000), imbalance: Qty(200), side: {side} }})"))
I(itch(b"J", 5, "8sIIII", AAPL, 100, 110, 90, 0),
  event("#5", T, "Band { reference: Price(100), low: Price(90), high: Price(110) }"))
I(itch(b"K", 5, "8sIcI", AAPL, 36_000, b"A", 100))
I(itch(b"N", 5, "8sc", AAPL, b"B"))
I(itch(b"O", 5, "8scIIIQII", AAPL, b"Y", 1, 2, 3, 4, 5, 6))
# The operational halt of this market, under the trading state; other markets' halts are not ours.
I(itch(b"h", 5, "8scc", AAPL, b"X", b"H"))
I(itch(b"h", 5, "8scc", AAPL, b"Q", b"H"), event("#5", T, "Phase(Halted)"))
I(itch(b"H", 5, "8scc4s", AAPL, b"P", b" ", b"LUDP"), event("#5", T, "Phase(Halted)"))
I(itch(b"h", 5, "8scc", AAPL, b"Q", b"T"), event("#5", T, "Phase(Paused)"))
I(itch(b"H", 5, "8scc4s", AAPL, b"Q", b" ", b"T3  "), event("#5", T, "Phase(QuoteOnly)"))
I(itch(b"H", 5, "8scc4s", AAPL, b"H", b" ", b"T1  "), event("#5", T, "Phase(Halted)"))
# A breaker halts all until the first release; one of level 3 for the day.
I(itch(b"W", 0, "c", b"1"), event("all", T, "Phase(Halted)"))
I(itch(b"H", 5, "8scc4s", AAPL, b"T", b" ", b"MWCQ"), event("all", T, "Phase(Continuous)"), event("#5", T, "Phase(Continuous)"))
I(itch(b"W", 0, "c", b"3"), event("all", T, "Phase(Halted)"))
I(itch(b"H", 5, "8scc4s", AAPL, b"T", b" ", b"    "), event("#5", T, "Phase(Continuous)"))
for code, phase in ((b"M", "AfterHours"), (b"E", "Closed"), (b"C", "Closed")):
    I(itch(b"S", 0, "c", code), event("all", T, f"Phase({phase})"))
# Longer than its record: the front is read. Of no known type: skipped.
I(itch(b"D", 5, "QI", 9, 1), event("#5", T, "Delete { order: OrderRef(9) }"))
I(itch(b"z", 5, "Q", 9))
# Unreadable: of a book message the book is stale, by instrument where the front can be read.
I(itch(b"A", 5, "QcI8sI", 1, b"?", 300, AAPL, 1), event("#5", T, "Stale(Inconsistent)"))
I(itch(b"E", 5, "Q", 1), event("#5", T, "Stale(Inconsistent)"))
I(itch(b"F", 5, "QcI8sI3s", 1, b"B", 1, AAPL, 1, b"GSC"), event("#5", T, "Stale(Inconsistent)"))
I(b"X\0", event("all", 0, "Stale(Inconsistent)"))
I(itch(b"I", 5, "Q", 1))
# Codes that nobody specified: an unknown state is a halt, an unknown system event nothing.
I(itch(b"H", 5, "8scc4s", AAPL, b"?", b" ", b"    "), event("#5", T, "Phase(Halted)"))
I(itch(b"S", 0, "c", b"?"))
# Beyond the tables of the test.
I(itch(b"A", 1000, "QcI8sI", 1, b"B", 300, AAPL, 1))

# --- IEX --------------------------------------------------------------------------------------

def iex(kind, code, fmt="", *fields, symbol=b"ZIEXT   ", ts=NS):
    return kind + code + pack("<q", ts) + symbol + pack("<" + fmt, *fields)


def system(code):
    return b"S" + code + pack("<q", NS)


def shared(feed, print_kind, print_last):
    row(feed, system(b"O"), event("all", NS, "Phase(Closed)"))
    row(feed, iex(b"D", b"\x80", "IqB", 50, 123_400, 1),
        define("#0", "ZIEXT"), define("#0", "ZIEXT", 50, 123_400, " test defined"))
    row(feed, iex(b"D", b"\x00", "IqB", 0, 5, 1, symbol=b"IEX-A   "),
        define("#1", "IEX-A"), define("#1", "IEX-A", 1, 5, " defined"))
    for code, phase in ((b"S", "PreOpen"), (b"R", "Continuous")):
        row(feed, system(code), event("all", NS, f"Phase({phase})"))
    for code, phase in ((b"H", "Halted"), (b"O", "PreOpen"), (b"P", "Paused"), (b"T", "Continuous")):
        row(feed, iex(b"H", code, "4s", b"NA  "), event("#0", NS, f"Phase({phase})"))
    row(feed, iex(b"O", b"O"), event("#0", NS, "Phase(Halted)"))
    row(feed, iex(b"H", b"P", "4s", b"    "), event("#0", NS, "Phase(Halted)"))
    row(feed, iex(b"O", b"N"), event("#0", NS, "Phase(Paused)"))
    row(feed, iex(b"I", b"A"))
    row(feed, iex(b"P", b"\x01", "c", b"A"))
    row(feed, iex(b"E", b"O"))
    row(feed, iex(b"T", b"\x20", "Iqq", 7, 99_900, 12), event("#0", NS, trade(99_900, 7, 12, print_kind), print_last))
    row(feed, iex(b"B", b"\x20", "Iqq", 7, 99_900, 12), event("#0", NS, trade(99_900, 7, 12, "Broken")))
    for code, phase in ((b"M", "AfterHours"), (b"E", "Closed")):
        row(feed, system(code), event("all", NS, f"Phase({phase})"))
    row(feed, b"~\0\0")
    row(feed, b"T\0")
    row(feed, system(b"?"))
    row(feed, iex(b"H", b"?", "4s", b"    "), event("#0", NS, "Phase(Halted)"))


def auction(feed):
    row(feed, iex(b"X", b"Q", "q", 99_900))
    for code, side in ((b"B", "Some(Buy)"), (b"S", "Some(Sell)"), (b"N", "None")):
        row(feed, iex(b"A", b"C", "IqqIcBIqqqq", 10, 100, 101, 4, code, 0, 1_700_000_000, 102, 103, 90, 110),
            event("#0", NS, f"Auction(AuctionInfo {{ price: Price(101), paired: Qty(10), imbalance: Qty(4), side: {side} }})"))


shared("deep", "Print", "part")
auction("deep")


def d(kind, flag, qty, price, ts=NS):
    return iex(kind, bytes([flag]), "Iq", qty, price, ts=ts)


END = "EndOfEvent"
row("deep", d(b"8", 1, 100, 50_000), event("#0", NS, level("Buy", 50_000, 100)))
row("deep", d(b"5", 0, 0, 50_100), event("#0", NS, level("Sell", 50_100, 0), "part"))
row("deep", d(b"8", 1, 200, 50_000), event("#0", NS, level("Buy", 50_000, 200)))
# An event without its flag is closed by another time, by a state, and by the end of messages.
row("deep", d(b"8", 0, 1, 1), event("#0", NS, level("Buy", 1, 1), "part"))
row("deep", iex(b"T", b"\x00", "Iqq", 7, 99_900, 12), event("#0", NS, trade(99_900, 7, 12, "Print"), "part"))
row("deep", d(b"8", 0, 2, 1, NS + 1), event("#0", NS, END), event("#0", NS + 1, level("Buy", 1, 2), "part"))
row("deep", iex(b"E", b"C", ts=NS + 2), event("#0", NS + 1, END))
row("deep", d(b"5", 0, 2, 9, NS + 3), event("#0", NS + 3, level("Sell", 9, 2), "part"))
row("deep", iex(b"O", b"N", ts=NS + 4), event("#0", NS + 3, END), event("#0", NS + 4, "Phase(Halted)"))
row("deep", d(b"5", 0, 0, 9, NS + 5), event("#0", NS + 5, level("Sell", 9, 0), "part"))
row("deep", system(b"C"), event("#0", NS + 5, END), event("all", NS, "Phase(Closed)"))
# Unreadable: the book is stale. Longer: the front is read. A message of DEEP+ is unknown here.
row("deep", iex(b"8", b"\x01", "I", 5), event("#0", NS, "Stale(Inconsistent)"))
row("deep", b"8\x01", event("all", 0, "Stale(Inconsistent)"))
row("deep", d(b"8", 1, 5, 6) + b"new field", event("#0", NS, level("Buy", 6, 5)))
row("deep", iex(b"R", b" ", "Q", 5))

shared("deep+", "Hidden", "last")
row("deep+", iex(b"a", b"8", "QIq", REF, 100, 50_000), event("#0", NS, add(REF, "Buy", 50_000, 100)))
row("deep+", iex(b"a", b"5", "QIq", 6, 100, 50_100), event("#0", NS, add(6, "Sell", 50_100, 100)))
row("deep+", iex(b"a", b"B", "QIq", 6, 100, 50_100), event("#0", NS, "Stale(Inconsistent)"))
row("deep+", iex(b"M", b"\x00", "QIq", 6, 60, 50_200), event("#0", NS, replace(6, 6, 50_200, 60, "Back")))
row("deep+", iex(b"M", b"\x01", "QIq", 6, 50, 50_200), event("#0", NS, replace(6, 6, 50_200, 50, "Kept")))
row("deep+", iex(b"M", b"\x01", "QIq", 6, 0, 50_200), event("#0", NS, "Delete { order: OrderRef(6) }"))
row("deep+", iex(b"L", b"\x40", "QIqq", REF, 10, 49_900, 13), event("#0", NS, execute(REF, 10, "Some(Price(49900))", "true", 13)))
row("deep+", iex(b"R", b" ", "Q", REF), event("#0", NS, f"Delete {{ order: OrderRef({REF}) }}"))
row("deep+", iex(b"C", b" "), event("#0", NS, "Clear { side: None }"))
row("deep+", iex(b"L", b" ", "Q", REF), event("#0", NS, "Stale(Inconsistent)"))
row("deep+", iex(b"8", b"\x01", "Iq", 5, 5))

shared("tops", "Print", "last")
auction("tops")


def q(bid_qty, bid, ask, ask_qty):
    return iex(b"Q", b"\x40", "IqqI", bid_qty, bid, ask, ask_qty)


CLEAR = "Clear { side: None }"
row("tops", q(0, 0, 0, 0), event("#0", NS, CLEAR))
row("tops", q(100, 50_000, 50_100, 200), event("#0", NS, CLEAR, "part"),
    event("#0", NS, level("Buy", 50_000, 100), "part"), event("#0", NS, level("Sell", 50_100, 200)))
row("tops", q(100, 50_000, 0, 0), event("#0", NS, CLEAR, "part"), event("#0", NS, level("Buy", 50_000, 100)))
row("tops", q(0, 0, 50_100, 5), event("#0", NS, CLEAR, "part"), event("#0", NS, level("Sell", 50_100, 5)))
row("tops", iex(b"Q", b"\x40", "Iqq", 1, 2, 3), event("#0", NS, "Stale(Inconsistent)"))

# --- DBN --------------------------------------------------------------------------------------

LAST, TOB, BAD = 0x80, 0x40, 0x04


def mbo(action, side, flags, price, qty, ref=77, instrument=17_077, event_ns=NS, recv_ns=NS + 9):
    return pack("<BBHIQQqIBBccQiI", 14, 0xA0, 1, instrument, event_ns, ref, price, qty, flags, 0, action, side,
                recv_ns, 0, 1)


UNDEF = (1 << 63) - 1
row("dbn", mbo(b"R", b"N", 0, UNDEF, 0), event("#0", NS, CLEAR, "part"))
row("dbn", mbo(b"A", b"B", LAST, 4_810_250_000_000, 3, REF), event("#0", NS, add(REF, "Buy", 48_102_500, 3)))
row("dbn", mbo(b"A", b"A", LAST, -250_000_000, 3, instrument=5), event("#1", NS, add(77, "Sell", -2_500, 3)))
row("dbn", mbo(b"C", b"B", 0, 4_810_250_000_000, 1), event("#0", NS, "Reduce { order: OrderRef(77), qty: Qty(1) }", "part"))
row("dbn", mbo(b"M", b"B", LAST, 4_810_000_000_000, 2), event("#0", NS, replace(77, 77, 48_100_000, 2, "Kept")))
row("dbn", mbo(b"T", b"A", 0, 4_810_000_000_000, 2), event("#0", NS, trade(48_100_000, 2, 0, "Print", "Some(Sell)"), "part"))
row("dbn", mbo(b"T", b"N", LAST, 4_810_000_000_000, 2), event("#0", NS, trade(48_100_000, 2, 0, "Print")))
row("dbn", mbo(b"F", b"B", 0, 4_810_000_000_000, 2))
row("dbn", mbo(b"F", b"B", LAST, 4_810_000_000_000, 2), event("#0", NS, END))
row("dbn", mbo(b"N", b"N", LAST, UNDEF, 0), event("#0", NS, END))
# Not exact in four decimals, no price, no side, a level instead of an order: dropped, the book stale.
INCONSISTENT = "Stale(Inconsistent)"
for bad in (mbo(b"A", b"B", LAST, 1, 1), mbo(b"A", b"B", LAST, UNDEF, 1), mbo(b"A", b"N", LAST, 100_000, 1),
            mbo(b"A", b"B", LAST | TOB, 100_000, 1)):
    row("dbn", bad, event("#0", NS, INCONSISTENT))
row("dbn", mbo(b"A", b"B", LAST | BAD, 100_000, 1), event("#0", NS, "Stale(Gap)", "part"), event("#0", NS, add(77, "Buy", 1, 1)))
row("dbn", mbo(b"C", b"B", LAST, 0, 1, event_ns=(1 << 64) - 1), event("#0", NS + 9, "Reduce { order: OrderRef(77), qty: Qty(1) }"))
