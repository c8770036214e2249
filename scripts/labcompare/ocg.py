"""OCG-C of Hong Kong: little-endian, a presence map, CRC-32C over header and body."""

import struct

from .account import Account, Broken

HEADER, TRAILER = 54, 4
EXECUTION, NEW, AMEND, CANCEL, MASS_CANCEL = 10, 11, 12, 13, 14
PRICE_UNITS, SHARE_UNITS = 10_000, 100_000_000  # eight decimals to 1/10,000 and to shares


def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = _table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the polynomial


def frames(data):
    """Whole frames whose checksum is right."""
    at = 0
    while at + 3 <= len(data):
        size = struct.unpack_from("<H", data, at + 1)[0]
        if data[at] != 2 or size < HEADER + TRAILER:
            raise Broken(f"OCG-C: no frame at byte {at}")
        if at + size > len(data):
            break
        frame = data[at : at + size]
        if struct.unpack_from("<I", frame, size - 4)[0] != crc32c(frame[:-4]):
            raise Broken(f"OCG-C: wrong checksum of message type {frame[3]}")
        yield frame
        at += size


def is_order(frame):
    return frame[3] in (NEW, AMEND, CANCEL, MASS_CANCEL)


# Width of the field of each presence bit; "v" is a text of variable width.
BEGIN = {0: 21, 1: 12, 2: 21, 3: 1, 4: 5, 5: 11, 6: 25, 7: 1}
WIDTHS = {
    NEW: BEGIN | {8: 1, 9: 8, 10: 8, 11: 1, 12: 1, 13: 21, 14: 1, 15: 1, 16: "v", 17: 21, 18: 2, 19: 1},
    AMEND: BEGIN
    | {8: 21, 9: 21, 10: 1, 11: 8, 12: 8, 13: 1, 14: 1, 15: 21, 16: 1, 17: 1, 18: "v", 19: 21, 20: 2},
    EXECUTION: BEGIN
    | {8: 21, 9: 21, 10: 12, 11: 1, 12: 8, 13: 8, 14: 1, 15: 1, 16: 21, 17: 1, 18: 1, 19: "v"}
    | {20: "v", 21: 21, 22: 1, 23: 1, 24: 8, 25: 8, 26: 2, 27: 1, 28: 2, 29: 2, 30: 1, 31: 12}
    | {32: 8, 33: 8, 34: 21, 35: 1, 36: 2, 38: 25, 42: 1, 43: 10},
}
ID, SECURITY, SIDE, ORIGINAL = 0, 2, 7, 8
EXEC_TYPE, EXECUTION_QTY, EXECUTION_PRICE, MATCH = 23, 32, 33, 38


def fields(frame):
    """Presence bit -> bytes of the field."""
    widths, found, at = WIDTHS[frame[3]], {}, HEADER
    present = int.from_bytes(frame[22:54], "big")
    for bit in range(256):
        if not present >> (255 - bit) & 1:
            continue
        width = widths.get(bit)
        if width is None:
            raise Broken(f"OCG-C: message type {frame[3]} with presence bit {bit}")
        if width == "v":
            width = 2 + struct.unpack_from("<H", frame, at)[0]
        found[bit] = frame[at : at + width]
        at += width
    if at != len(frame) - TRAILER:
        raise Broken(f"OCG-C: fields of message type {frame[3]} end at {at} of {len(frame)}")
    return found


def text(field):
    return field.split(b"\0")[0].decode()


class Reader(Account):
    def __init__(self):
        super().__init__()
        self.seen = set()  # numbers of the gateway's messages

    @staticmethod
    def key(symbol, trade, price, qty, id):
        return (symbol, trade, id)

    def sent(self, frame):
        if frame[3] == NEW:
            new = fields(frame)
            side = b"B" if new[SIDE][0] == 1 else b"S"
            self.placed(int(text(new[ID])), text(new[SECURITY]), side)
        elif frame[3] == AMEND:
            amend = fields(frame)
            self.amended(int(text(amend[ORIGINAL])), int(text(amend[ID])))

    def heard(self, frame):
        number = struct.unpack_from("<I", frame, 4)[0]
        if frame[3] != EXECUTION or number in self.seen:
            return
        self.seen.add(number)
        report = fields(frame)
        if report[EXEC_TYPE] == b"F":
            price, qty = (struct.unpack("<Q", report[bit])[0] for bit in (EXECUTION_PRICE, EXECUTION_QTY))
            trade = int(text(report[MATCH]))
            self.filled(int(text(report[ID])), trade, price // PRICE_UNITS, qty // SHARE_UNITS)
