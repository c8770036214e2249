"""Frames of an interface, as pcap."""

import signal
import socket
import struct
import sys
import time

RECEIVE_BUFFER_FORCE = 33  # SO_RCVBUFFORCE
PACKET_STATISTICS = 6


def capture(interface, out):
    """Writes every frame until SIGTERM, and what is still waiting then."""
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    wire.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 64 << 20)
    wire.bind((interface, 0))
    wire.settimeout(0.2)
    with open(out, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        file.flush()  # whoever waits for the file knows that the interface is heard
        quiet = False
        while not (stop and quiet):
            try:
                frame = wire.recv(65535)
            except (TimeoutError, socket.timeout):
                quiet = True
                continue
            quiet = False
            now = time.time()
            file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)))
            file.write(frame)
        lost = struct.unpack("II", wire.getsockopt(263, PACKET_STATISTICS, 8))[1]
        if lost:
            sys.exit(f"lab-compare: {lost} frames of {interface} were lost to the capture")
