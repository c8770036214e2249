#!/usr/bin/env python3
"""An encoder of FAST 1.1, written from the specification and apart from the decoder; prints vectors.

python3 fast.py > fast.txt: each line is the hex of one message, `=`, and what it says.
"""

class Stream:
    def __init__(self):
        self.prev = {}

class Message:
    """Collects presence bits and body; `out` is what a decoder must tell."""
    def __init__(self, stream, template):
        self.s, self.bits, self.body, self.out = stream, [1], unsigned(template), []

    def field(self, name, value, kind, op="none", optional=False, initial=None):
        self.out.append(f"{name}:{'-' if value is None else value}")
        prev = self.s.prev.get(name, "undefined")
        base = initial if prev == "undefined" else prev
        if op == "none":
            self.body += plain(kind, value, optional)
        elif op == "constant":
            if optional:
                self.bits.append(0 if value is None else 1)
        elif op == "default":
            self.bit(value != initial, kind, value, optional)
        elif op == "copy":
            self.bit(value != base, kind, value, optional)
            self.s.prev[name] = value
        elif op == "increment":
            expected = base if prev in ("undefined", None) else base + 1
            self.bit(value != expected, kind, value, optional)
            self.s.prev[name] = value
        elif op == "delta" and kind == "text":
            self.body += text_delta(base or "", value, optional)
            self.s.prev[name] = value
        elif op == "delta" and kind == "decimal":
            (m, e), (bm, be) = value, base or (0, 0)
            self.body += nullable_signed(e - be) if optional else signed(e - be)
            self.body += signed(m - bm)
            self.s.prev[name] = value
        elif op == "delta":
            if value is None:
                self.body += b"\x80"
            else:
                d = value - (base or 0)
                self.body += nullable_signed(d) if optional else signed(d)
                self.s.prev[name] = value
        elif op == "tail":
            base = base or ""
            if value == base and prev != "undefined":
                self.bits.append(0)
            else:
                keep = 0
                while keep < len(base) and len(base) == len(value) and base[keep] == value[keep]:
                    keep += 1
                self.bits.append(1)
                self.body += text(value[keep:], optional)
            self.s.prev[name] = value

    def bit(self, there, kind, value, optional):
        self.bits.append(int(there))
        if there:
            self.body += plain(kind, value, optional)

    def bytes(self):
        return pmap(self.bits) + self.body

    def line(self):
        return self.bytes().hex() + " = " + " ".join(self.out)

def pmap(bits):
    groups = [bits[i:i + 7] for i in range(0, len(bits), 7)]
    while len(groups) > 1 and not any(groups[-1]):
        groups.pop()
    out = bytearray()
    for g in groups:
        g = g + [0] * (7 - len(g))
        out.append(sum(b << (6 - i) for i, b in enumerate(g)))
    out[-1] |= 0x80
    return bytes(out)

def unsigned(n):
    out = [n & 0x7f | 0x80]
    n >>= 7
    while n:
        out.insert(0, n & 0x7f)
        n >>= 7
    return bytes(out)

def signed(n):
    out = [n & 0x7f | 0x80]
    rest = n >> 7
    while not ((rest == 0 and not out[0] & 0x40) or (rest == -1 and out[0] & 0x40)):
        out.insert(0, rest & 0x7f)
        rest >>= 7
    return bytes(out)

def nullable_unsigned(n):
    return unsigned(n + 1)

def nullable_signed(n):
    return signed(n + 1 if n >= 0 else n)

def text(s, optional):
    if s is None:
        return b"\x80"
    if s == "":
        return b"\x00\x80" if optional else b"\x80"
    raw = bytearray(s.encode())
    raw[-1] |= 0x80
    return bytes(raw)

def text_delta(base, value, optional):
    front = 0
    while front < min(len(base), len(value)) and base[front] == value[front]:
        front += 1
    back = 0
    while back < min(len(base), len(value)) and base[-1 - back] == value[-1 - back]:
        back += 1
    if back > front:
        off, rest = -(len(base) - back) - 1, value[:len(value) - back]
    else:
        off, rest = len(base) - front, value[front:]
    return (nullable_signed(off) if optional else signed(off)) + text(rest, False)

def plain(kind, value, optional):
    if value is None:
        assert optional
        return b"\x80"
    if kind == "u":
        return nullable_unsigned(value) if optional else unsigned(value)
    if kind == "i":
        return nullable_signed(value) if optional else signed(value)
    if kind == "decimal":
        return (nullable_signed(value[1]) if optional else signed(value[1])) + signed(value[0])
    if kind == "bytes":
        n = len(value)
        return (nullable_unsigned(n) if optional else unsigned(n)) + value.encode()
    return text(value, optional)

def main():
    import random
    rng = random.Random(7)
    s = Stream()
    number = 0
    texts = ["", "A", "GEH6", "GEM6", "ESM6", "RSESM6", "600519", "600520", "000001"]
    for row in range(60):
        m = Message(s, 1)
        maybe = lambda v: None if rng.random() < 0.3 else v
        number = number + 1 if rng.random() < 0.8 else rng.randrange(1 << 32)
        m.field("u32", rng.choice([0, 1, 127, 128, 942755, 2**32 - 1]), "u")
        m.field("u64", maybe(rng.choice([0, 63, 64, 2**64 - 1])), "u", optional=True)
        m.field("i32", rng.choice([0, -1, 63, 64, -64, -65, -2**31, 2**31 - 1]), "i")
        m.field("i64", maybe(rng.choice([0, -1, 8193, -8193, -2**63, 2**63 - 1])), "i", optional=True)
        m.field("const", 5, "u", "constant")
        m.field("maybe", maybe(7), "u", "constant", optional=True)
        m.field("copy", rng.choice([1, 2]), "u", "copy")
        m.field("copyo", maybe(rng.choice([1, 2])), "i", "copy", optional=True)
        m.field("default", rng.choice([9, 10]), "u", "default", initial=9)
        m.field("defaulto", maybe(3), "u", "default", optional=True)
        m.field("inc", number % (1 << 32), "u", "increment", initial=1)
        m.field("delta", rng.randrange(-1000, 1000), "i", "delta")
        m.field("deltao", maybe(rng.randrange(0, 1000)), "u", "delta", optional=True)
        m.field("text", rng.choice(texts), "text")
        m.field("texto", maybe(rng.choice(texts)), "text", optional=True)
        m.field("textd", rng.choice(texts), "text", "delta")
        m.field("tail", rng.choice(texts[5:]), "text", "tail")
        m.field("bytes", maybe(rng.choice(texts)), "bytes", optional=True)
        m.field("price", (rng.randrange(1, 99999), rng.choice([-3, -2, 0, 2])), "decimal")
        m.field("priced", (rng.randrange(-9999, 99999), rng.choice([-2, -1])), "decimal", "delta")
        print(m.line())

main()
