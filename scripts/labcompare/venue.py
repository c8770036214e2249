"""The venue's dump in the words of the comparison. There are two kinds: that of the exchange with
ITCH and OUCH, and that of the board (Shanghai, Shenzhen, Hong Kong)."""

import collections

from . import ocg, ouch, tgw

FIRM = "NOFX"


class Order(collections.namedtuple("Order", "id executed leaves")):
    """An order of ours; the id as the engine gave it."""


class Venue:
    """executions: (symbol, trade, price, qty, id, sign); orders: Order; books: symbol -> side ->
    [[price, qty, orders]]; lines: name -> packets lost on purpose; next_seq: None where the stream
    has several numberings."""

    def __init__(self, dump):
        market = dump.get("market")
        self.protocol = {"hkex": ocg, "szse": tgw}.get(market, ouch) if isinstance(market, str) else ouch
        self.lines = {line["name"].upper(): line["lost"] for line in dump["lines"]}
        self.next_seq = dump.get("next_seq")
        (self._board if "securities" in dump else self._exchange)(dump)

    def _exchange(self, dump):
        firm = next(firm for firm in dump["firms"] if firm["name"] == FIRM)
        self.orders = [Order(o["user_ref"], o["executed"], o["leaves"]) for o in firm["orders"]]
        self.executions = []
        for execution in dump["executions"]:
            for side, sign in (("buyer", 1), ("seller", -1)):
                if execution[side]["firm"] == FIRM:
                    id = execution[side]["user_ref"]
                    what = (execution["symbol"], execution["match_number"], execution["price"])
                    self.executions.append((*what, execution["qty"], id, sign))
        self.books = {book["symbol"]: sides(book) for book in dump["books"]}

    def _board(self, dump):
        owner = dump["firms"].index(FIRM)
        names = {row["client"]: int(row["text"]) for row in dump["client_ids"] if row["owner"] == owner}
        ours = [order for order in dump["orders"] if order["owner"] == owner]
        self.orders = [Order(names[o["client"]], o["filled"], o["leaves"]) for o in ours]
        ids = {(o["symbol"], o["order"]): names[o["client"]] for o in ours}
        self.executions = []
        for execution in dump["executions"]:
            for side, sign in (("bid", 1), ("offer", -1)):
                id = ids.get((execution["symbol"], execution[side]))
                if id is not None:
                    what = (execution["symbol"], execution["trade"], execution["price"])
                    self.executions.append((*what, execution["qty"], id, sign))
        self.books = {security["symbol"]: sides(security) for security in dump["securities"]}

    def positions(self):
        found = collections.Counter()
        for symbol, _, _, qty, _, sign in self.executions:
            found[symbol] += sign * qty
        return found


def sides(book):
    return {side: levels(book[side]) for side in ("bids", "asks")}


def levels(rows):
    """Ten levels out of orders, best first."""
    book = collections.OrderedDict()
    for order in rows:
        qty, count = book.get(order["price"], (0, 0))
        book[order["price"]] = (qty + order["qty"], count + 1)
    return [[price, qty, count] for price, (qty, count) in book.items()][:10]
