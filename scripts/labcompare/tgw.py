"""TGW of Shenzhen: big-endian, a checksum that is the sum of the bytes. Reports are numbered by
partition; both sessions of a firm hear them."""

import struct

from .account import Account, Broken

NEW, CANCEL, EXECUTION = 100101, 190007, 200115
SHARE_UNITS = 100  # two decimals


def frames(data):
    """Whole frames whose checksum is right."""
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from(">II", data, at)
        end = at + 12 + size
        if size > 1 << 20:
            raise Broken(f"TGW: message {kind} claims {size} bytes")
        if end > len(data):
            break
        frame = data[at:end]
        if struct.unpack_from(">I", frame, len(frame) - 4)[0] != sum(frame[:-4]) % 256:
            raise Broken(f"TGW: wrong checksum of message {kind}")
        yield frame
        at = end


def is_order(frame):
    return struct.unpack_from(">I", frame)[0] in (NEW, CANCEL)


def text(field):
    return field.decode().strip()


class Reader(Account):
    def __init__(self):
        super().__init__()
        self.seen = set()  # (partition, index) of reports

    @staticmethod
    def key(symbol, trade, price, qty, id):
        return (symbol, price, qty, id)  # a report has no number of the trade

    def sent(self, frame):
        body = frame[8:-4]
        if struct.unpack_from(">I", frame)[0] == NEW:
            side = b"B" if body[71:72] == b"1" else b"S"
            self.placed(int(text(body[41:51])), text(body[9:17]), side)

    def heard(self, frame):
        if struct.unpack_from(">I", frame)[0] != EXECUTION:
            return
        body = frame[8:-4]
        number = struct.unpack_from(">iq", body)
        if number in self.seen:
            return
        self.seen.add(number)
        if body[111:112] == b"F":
            price, qty = struct.unpack_from(">qq", body, 113)
            self.filled(int(text(body[75:85])), None, price, qty // SHARE_UNITS)
