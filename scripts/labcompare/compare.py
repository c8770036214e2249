"""Both sides, row by row."""

import collections
import glob
import json
import os

from .account import Broken
from .journal import Gap, Journal
from .venue import Venue
from .wire import orders as wire_orders

# Order messages that a kill may leave in the journal and not on the wire: those of one turn.
AHEAD = 64


def load(folder, name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)


def last_run(folder):
    """Path of the closing report of the last run."""
    return sorted(glob.glob(os.path.join(folder, "run-*.json")))[-1]


def nonzero(positions):
    return {symbol: n for symbol, n in sorted(positions.items()) if n}


class Rows(list):
    """(what, engine, venue or wire, equal)"""

    def row(self, what, left, right, equal=None):
        self.append((what, left, right, left == right if equal is None else equal))


def compare(folder):
    """Rows, and facts by name."""
    venue = Venue(load(folder, "dump.json"))
    run = load(folder, os.path.basename(last_run(folder)))
    rerun = load(folder, "rerun.json")
    rows = Rows()
    try:
        journal = Journal(os.path.join(folder, "journal"), venue.protocol)
        sent, connections, holes = wire_orders(os.path.join(folder, "wire.pcap"), venue.protocol)
    except (Gap, Broken) as broken:
        rows.row("journal and wire can be read", str(broken), "whole", False)
        return rows, {}
    executions(rows, venue, journal.account, run)
    orders(rows, venue, journal.account, run)
    books(rows, venue, run)
    wire(rows, sent, connections, holes, journal)
    runs(rows, journal, rerun)
    kill = load(folder, "kill.json") if os.path.exists(os.path.join(folder, "kill.json")) else {}
    facts = {
        "sent by the journal, never on the wire": sum((journal.sent - sent).values()),
        "orders at the venue": len(venue.orders),
        "fills": journal.account.fills,
    } | feed_facts(venue, run) | {
        "restart to trusted books, ms": one_digit(run["live_after_ms"]),
        "restart to trading, ms": one_digit(run["trading_after_ms"]),
        "kill: seen after, us": us(kill.get("seen_after_ns")),
        "kill: last cancel sent after, us": us(kill.get("last_cancel_sent_ns")),
        "kill: last cancel confirmed after, us": us(kill.get("last_cancel_confirmed_ns")),
        "allocations while sealed": run["sealed_allocations"],
    }
    return rows, facts


def executions(rows, venue, account, run):
    """One by one: the venue's list against the reports in the journal."""
    listed = collections.Counter()
    for symbol, trade, price, qty, id, _ in venue.executions:
        listed[account.key(symbol, trade, price, qty, account.root(id))] += 1
    missing = sum((listed - account.matches).values())
    extra = sum((account.matches - listed).values())
    count = sum(account.matches.values())
    rows.row("executions", count, sum(listed.values()))
    rows.row("executions missing, extra", (missing, extra), (0, 0))
    truth = nonzero(venue.positions())
    rows.row("positions by journal", nonzero(account.positions), truth)
    reported = {p["instrument"]: p["position"] for p in run["positions"]}
    rows.row("positions by closing report", nonzero(reported), truth)


def orders(rows, venue, account, run):
    unknown = [order.id for order in venue.orders if order.id not in account.orders]
    rows.row("orders the journal does not know", len(unknown), 0)
    twice = len(venue.orders) - len({order.id for order in venue.orders})
    rows.row("order ids used twice", account.reused + twice, 0)
    wrong = [o.id for o in venue.orders if o.executed != account.executed[account.root(o.id)]]
    rows.row("orders with another executed quantity", len(wrong), 0)
    open_venue = {order.id: order.leaves for order in venue.orders if order.leaves}
    open_engine = {order["id"]: order["leaves"] for order in run["open"]}
    rows.row("open orders", open_engine, open_venue)


def books(rows, venue, run):
    """The last moment of both. Lines end in order; a gateway closes its connection when the venue ends,
    and rightly makes books stale, whose levels are compared all the same. What a market order has left
    joins the book with the next message of its channel; if there was none any more, the report has it
    beside the levels."""
    if venue.next_seq is not None:
        rows.row("next sequence number", run["feed"]["next_seq"], venue.next_seq)
    different = []
    for book in run["books"]:
        for side in ("bids", "asks"):
            ours = with_held(book, side)
            stale = book["stale"] and venue.lines
            if stale or ours != venue.books[book["instrument"]][side]:
                different.append(f"{book['instrument']} {side}")
    count = 2 * len(run["books"])
    rows.row(f"book sides that differ, of {count}", different, [], not different and count > 0)


def with_held(book, side):
    """Ten levels of the engine, best first, with the order it holds where that would rest."""
    levels = {price: (qty, orders) for price, qty, orders in book[side]}
    held = book["held"]
    if held and held["price"] and side == {"buy": "bids", "sell": "asks"}[held["side"]]:
        qty, orders = levels.get(held["price"], (0, 0))
        levels[held["price"]] = (qty + held["qty"], orders + 1)
    return [[price, *levels[price]] for price in sorted(levels, reverse=side == "bids")][:10]


def wire(rows, sent, connections, holes, journal):
    """The journal is written before the bytes leave, so a kill may leave it ahead of the wire."""
    opened = journal.connections
    rows.row("order connections that spoke", opened, connections, opened == connections > 0)
    count, written = sum(sent.values()), sum(journal.sent.values())
    rows.row("order messages written, on the wire", written, count, 0 <= written - count <= AHEAD and count > 0)
    rows.row("of them without a journal entry", sum((sent - journal.sent).values()), 0)
    rows.row("holes in the captured streams", holes, 0)


def runs(rows, journal, rerun):
    """Every run again."""
    rows.row("runs in the journal", journal.runs, len(rerun["runs"]))
    for number, again in enumerate(rerun["runs"], 1):
        rows.row(f"run {number}: decision hash", again["hash_rerun"], again["hash_journal"])
        if again["hash_live"]:
            rows.row(f"run {number}: hash of the live run", again["hash_rerun"], again["hash_live"])
        rows.row(f"run {number}: first difference", again["difference"], None)
    inputs = sum(again["inputs"] for again in rerun["runs"])
    rows.row("inputs journaled and run again", journal.inputs, inputs)


def feed_facts(venue, run):
    facts = {}
    if venue.lines:
        facts["packets lost on purpose (A, B)"] = [venue.lines["A"], venue.lines["B"]]
    return facts | {
        "messages recovered by request (last run)": run["feed"]["recovered"],
        "snapshots joined (last run)": run["feed"]["snapshots"][1],
    }


def one_digit(value):
    return None if value is None else round(value, 1)


def us(ns):
    return one_digit(None if ns is None else ns / 1e3)
