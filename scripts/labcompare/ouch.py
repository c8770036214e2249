"""OUCH 5.0 over SoupBinTCP."""

import struct

from .account import Account


def frames(data):
    """Whole packets."""
    at = 0
    while at + 3 <= len(data):
        end = at + 2 + struct.unpack_from(">H", data, at)[0]
        if end > len(data):
            break
        yield data[at:end]
        at = end


def is_order(frame):
    return frame[2:3] == b"U" and frame[3:4] in (b"O", b"U", b"X")


class Reader(Account):
    def __init__(self):
        super().__init__()
        self.seen = 0  # sequenced messages taken
        self.wire = 1  # number of the next one on this connection

    @staticmethod
    def key(symbol, trade, price, qty, id):
        return (trade, id)

    def sent(self, frame):
        body = frame[3:]
        if frame[2:3] != b"U":
            return
        if body[:1] == b"O":
            id = struct.unpack_from(">I", body, 1)[0]
            self.placed(id, body[10:18].decode().strip(), body[5:6])
        elif body[:1] == b"U":
            self.replaced(*struct.unpack_from(">II", body, 1))

    def heard(self, frame):
        letter, body = frame[2:3], frame[3:]
        if letter == b"A":
            self.wire = int(body[10:30])
        elif letter == b"S":
            if self.wire > self.seen:
                self.seen = self.wire
                self._report(body)
            self.wire += 1

    def _report(self, body):
        if body[:1] == b"E":
            id, qty, price = struct.unpack_from(">IIQ", body, 9)
            self.filled(id, struct.unpack_from(">Q", body, 26)[0], price, qty)
