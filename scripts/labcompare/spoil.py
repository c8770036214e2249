"""The comparison itself is tested: what is spoiled has to be noticed."""

import json
import os
import shutil
import sys
import tempfile

from . import journal
from .compare import compare, last_run, load
from .venue import FIRM


def save(folder, name, value):
    with open(os.path.join(folder, name), "w") as file:
        json.dump(value, file)


def spoil_fill(folder):
    """Takes one of our executions out of the dump."""
    dump = load(folder, "dump.json")
    if "securities" in dump:
        owner = dump["firms"].index(FIRM)
        own = {(o["symbol"], o["order"]) for o in dump["orders"] if o["owner"] == owner}
        ours = lambda e: own & {(e["symbol"], e["bid"]), (e["symbol"], e["offer"])}
    else:
        ours = lambda e: FIRM in (e["buyer"]["firm"], e["seller"]["firm"])
    dump["executions"].remove(next(e for e in dump["executions"] if ours(e)))
    save(folder, "dump.json", dump)


def spoil_position(folder):
    name = os.path.basename(last_run(folder))
    run = load(folder, name)
    run["positions"][0]["position"] += 1
    save(folder, name, run)


def spoil_order(folder):
    """Gives one of our orders an id that nobody sent."""
    dump = load(folder, "dump.json")
    if "securities" in dump:
        owner = dump["firms"].index(FIRM)
        row = next(row for row in dump["client_ids"] if row["owner"] == owner)
        row["text"] = "4000000000"
    else:
        firm = next(firm for firm in dump["firms"] if firm["name"] == FIRM)
        firm["orders"][0]["user_ref"] = 4_000_000_000
    save(folder, "dump.json", dump)


def spoil_book(folder):
    name = os.path.basename(last_run(folder))
    run = load(folder, name)
    next(book for book in run["books"] if book["bids"])["bids"][0][1] += 1
    save(folder, name, run)


def hold_an_order(folder):
    """Takes the only order of a level out of the levels, as one whose messages may still come: that is
    no difference."""
    name = os.path.basename(last_run(folder))
    run = load(folder, name)
    for book in run["books"]:
        alone = next((level for level in book["bids"] if level[2] == 1), None)
        if alone:
            book["bids"].remove(alone)
            book["held"] = {"side": "buy", "price": alone[0], "qty": alone[1]}
            return save(folder, name, run)
    raise SystemExit("no level of one order")


def spoil_held(folder):
    hold_an_order(folder)
    name = os.path.basename(last_run(folder))
    run = load(folder, name)
    next(book for book in run["books"] if book["held"])["held"]["qty"] += 1
    save(folder, name, run)


def spoil_journal(folder):
    """Makes one decision with a message a record that nobody knows."""
    for path in journal.segments(os.path.join(folder, "journal")):
        with open(path, "rb") as file:
            data = bytearray(file.read())
        for at, size, _, kind in journal.places(data):
            if kind == journal.DECISION and size > journal.INTENT_LEN + 8:
                data[at + 24] = 99
                with open(path, "wb") as file:
                    file.write(data)
                return
    raise SystemExit("no decision to spoil")


def spoil_hash(folder):
    rerun = load(folder, "rerun.json")
    rerun["runs"][0]["hash_rerun"] = "0" * 32
    save(folder, "rerun.json", rerun)


SPOILINGS = [spoil_fill, spoil_position, spoil_order, spoil_book, spoil_held, spoil_journal, spoil_hash]


def differences(folder, change):
    """Rows that differ after a change to a copy of the files."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "copy")
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("mailbox*", "venue.in"))
        change(copy)
        return [row[0] for row in compare(copy)[0] if not row[3]]


def self_test(folder):
    """Ends with an error when the files differ before, what is no difference is taken for one, or a
    spoiling is not noticed."""
    if differences(folder, lambda copy: None):
        sys.exit("lab-compare: the files differ before they are spoiled")
    red = differences(folder, hold_an_order)
    if red:
        sys.exit(f"lab-compare: an order held beside the levels is taken for a difference: {', '.join(red)}")
    for spoil in SPOILINGS:
        red = differences(folder, spoil)
        if not red:
            sys.exit(f"lab-compare: {spoil.__name__} is not noticed")
        print(f"{spoil.__name__:16} noticed: {', '.join(red)}")
