"""The third program of the lab: shares no code with engine or venue, and compares what both wrote.

Model: every protocol has a module with `frames` (bytes of a stream -> whole frames, checksums
checked), `is_order` (whether a frame of ours asks for something of an order), and a `Reader` (an
Account that understands what was sent and heard). The journal and the captured wire are read with
them; the dump of the venue becomes the same words (venue.py); compare.py holds both side by side.
"""
