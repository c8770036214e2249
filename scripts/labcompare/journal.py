"""The engine's journal: engine/mailbox/src/journal/format.rs and engine/app/src/live/record.rs draw
it."""

import collections
import glob
import os
import struct

START, OUTPUTS = 1, 32  # kinds between them are inputs
ORDER_OPENED, ORDER_BYTES, ORDER_CLOSED = 7, 8, 9
RESCUE_OPENED, RESCUE_BYTES, RESCUE_CLOSED = 12, 13, 14
DECISION, CONTROL, END, RESCUE_DECISION = 32, 33, 36, 38
SEGMENT_HEADER, RECORD_HEADER, INTENT_LEN = 128, 32, 72


class Gap(Exception):
    """A record number is missing."""


def segments(folder):
    return sorted(glob.glob(os.path.join(folder, "*.journal")))


def places(data):
    """(offset, size, number, kind) of the whole records of a segment."""
    at = SEGMENT_HEADER
    while at + RECORD_HEADER <= len(data):
        size, number = struct.unpack_from("<IQ", data, at + 4)
        if at + RECORD_HEADER + size > len(data):
            return
        yield at, size, number, data[at + 24]
        at += RECORD_HEADER + size


def records(folder):
    """(number, kind, payload) of every record, with a check of numbers."""
    expected = None
    for path in segments(folder):
        data = open(path, "rb").read()
        if data[:8] != b"NOFXJRNL":
            raise SystemExit(f"{path}: not a segment")
        for at, size, number, kind in places(data):
            if expected is not None and number != expected:
                raise Gap(f"{path}: record {number}, want {expected}")
            yield number, kind, data[at + RECORD_HEADER : at + RECORD_HEADER + size]
            expected = number + 1


class Stream:
    """Bytes of one connection, taken in pieces."""

    def __init__(self, protocol, reader):
        self.protocol, self.reader, self.rest = protocol, reader, b""

    def cut(self):
        self.rest = b""

    def take(self, piece):
        data = self.rest + piece
        used = 0
        for frame in self.protocol.frames(data):
            used += len(frame)
            self.reader.heard(frame)
        self.rest = data[used:]


class Journal:
    """What the engine says it sent and heard."""

    def __init__(self, folder, protocol):
        self.account = protocol.Reader()
        self.sent = collections.Counter()  # frames that ask for something of an order
        self.runs = self.ended = self.inputs = self.connections = 0
        first, second = (Stream(protocol, self.account) for _ in range(2))
        bytes_of = {ORDER_BYTES: first, RESCUE_BYTES: second}
        cut_of = {ORDER_OPENED: first, ORDER_CLOSED: first, RESCUE_OPENED: second, RESCUE_CLOSED: second}
        for _, kind, payload in records(folder):
            if kind in bytes_of:
                bytes_of[kind].take(payload)
            elif kind in cut_of:
                cut_of[kind].cut()
            elif kind in (DECISION, RESCUE_DECISION):
                for frame in protocol.frames(payload[INTENT_LEN + 8 :]):
                    self.sent[frame] += 1
                    self.account.sent(frame)
            elif kind == START:
                self.runs += 1
                first.cut(), second.cut()
            self.connections += kind in (ORDER_OPENED, RESCUE_OPENED)
            self.ended += kind == END
            self.inputs += START < kind < OUTPUTS
