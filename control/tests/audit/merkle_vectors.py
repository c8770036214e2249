#!/usr/bin/env python3
"""Writes merkle-vectors.json: proofs by the definitions of RFC 9162 (2.1), good and bent."""
import base64, hashlib, json, pathlib

def h(*parts): return hashlib.sha256(b"".join(parts)).digest()
def split(n): return 1 << ((n - 1).bit_length() - 1)
def mth(d):
    if not d: return h()
    if len(d) == 1: return h(b"\0", d[0])
    k = split(len(d)); return h(b"\1", mth(d[:k]), mth(d[k:]))
def path(m, d):
    if len(d) == 1: return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]
def subproof(m, d, whole):
    if m == len(d): return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k: return subproof(m, d[:k], whole) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]

b64 = lambda b: base64.b64encode(b).decode()
data = [bytes([n]) * n for n in range(40)]
flip = lambda b: bytes([b[0] ^ 1]) + b[1:]
cases = []
def both(case, proof):
    """The good proof, and one bent in a way of its own."""
    cases.append(dict(case, proof=[b64(p) for p in proof], wantErr=False))
    n = len(cases)
    if not proof or n % 3 == 0: bent = proof + [h(b"more")]
    elif n % 3 == 1: bent = proof[1:]
    else: bent = [flip(proof[0])] + proof[1:]
    cases.append(dict(case, proof=[b64(p) for p in bent], wantErr=True))
sizes = [1, 2, 3, 5, 7, 8, 11, 16, 21, 40]
for n in sizes:
    d = data[:n]
    for m in sorted({0, n // 3, n // 2, n - 2, n - 1} & set(range(n))):
        both(dict(leafIdx=m, treeSize=n, root=b64(mth(d)), leafHash=b64(h(b"\0", d[m]))), path(m, d))
    for m in [s for s in sizes if s < n] + [n, n - 1] * (n > 1):
        both(dict(size1=m, size2=n, root1=b64(mth(d[:m])), root2=b64(mth(d))), subproof(m, d, True))
out = pathlib.Path(__file__).with_name("merkle-vectors.json")
out.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases))
