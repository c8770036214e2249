"""Order messages that went to the venue, from the frames themselves."""

import collections
import struct

ORDER_PORT = 33000


def segments(path):
    """(source port, TCP flags, sequence number, payload) of what went to the order port."""
    data = open(path, "rb").read()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16 : at + 16 + size]
        at += 16 + size
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from(">H", frame, 16)[0]
        source, target, seq = struct.unpack_from(">HHI", frame, tcp)
        if target == ORDER_PORT:
            yield source, frame[tcp + 13], seq, frame[tcp + (frame[tcp + 12] >> 4) * 4 : end]


def streams(path):
    """What each connection sent, and how many of them have holes in the capture."""
    begun = []
    open_at = {}  # port -> (first sequence number, offset -> bytes)
    for source, flags, seq, body in segments(path):
        if flags & 2:
            if source not in open_at or open_at[source][0] != seq + 1:  # not a repeated SYN
                open_at[source] = (seq + 1, {})
                begun.append(open_at[source])
        elif body and source in open_at:
            first, pieces = open_at[source]
            offset = (seq - first) & 0xFFFFFFFF
            pieces[offset] = max(pieces.get(offset, b""), body, key=len)
    wholes, holes = [], 0
    for _, pieces in begun:
        whole = b""
        for offset in sorted(pieces):
            if offset > len(whole):
                holes += 1
                break
            whole += pieces[offset][len(whole) - offset :]
        wholes.append(whole)
    return wholes, holes


def orders(path, protocol):
    """Order messages with how often they went, connections that said something, holes."""
    wholes, holes = streams(path)
    found = collections.Counter()
    for whole in wholes:
        found.update(frame for frame in protocol.frames(whole) if protocol.is_order(frame))
    return found, sum(map(bool, wholes)), holes
