"""What the engine knows of its orders, whatever the protocol."""

import collections


class Broken(Exception):
    """Bytes that are not what their protocol says."""


class Account:
    """Ids are numbers; a replaced order keeps the identity of the first (its root) where the venue
    does so too."""

    def __init__(self):
        self.orders = {}  # id -> (symbol, side), side b"B" or b"S"
        self.roots = {}  # id -> id of the order that it replaced
        self.reused = 0  # ids that were sent for two orders
        self.executed = collections.Counter()  # root -> shares
        self.matches = collections.Counter()  # key(...) -> 1
        self.positions = collections.Counter()
        self.fills = 0

    @staticmethod
    def key(symbol, trade, price, qty, id):
        """What tells one execution from another in reports of this protocol."""
        raise NotImplementedError

    def placed(self, id, symbol, side):
        self.reused += id in self.orders
        self.orders[id] = (symbol, side)

    def replaced(self, old, new):
        self.reused += new in self.orders
        if old in self.orders:
            self.orders[new] = self.orders[old]

    def amended(self, old, new):
        """As replaced, and the venue calls it the same order."""
        self.replaced(old, new)
        self.roots[new] = self.root(old)

    def root(self, id):
        return self.roots.get(id, id)

    def filled(self, id, trade, price, qty):
        id = self.root(id)
        symbol, side = self.orders.get(id, ("?", b"B"))
        self.executed[id] += qty
        self.matches[self.key(symbol, trade, price, qty, id)] += 1
        self.positions[symbol] += qty if side == b"B" else -qty
        self.fills += 1
