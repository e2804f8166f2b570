"""Makes cantools.txt: digests of what PyPI `cantools` 45.1 decodes and encodes, one line for each DBC file that it loads.

    python hal/tests/can/cantools_oracle.py ../shared/data/opendbc/opendbc/dbc > hal/tests/can/cantools.txt

A line: file, messages, frames, SHA-256. The test makes the same frames (SplitMix64) and the same text from its own values.
For each message, by (identifier, name): FRAMES random frames of its length; a line for each frame:
    identifier-in-hex data-in-hex name=bits-of-the-f64-in-hex ... > data-encoded-again-in-hex
with the signals by name. `cantools` misplaces signals that overlap others of their byte order, and cannot decode messages
with one that does not fit: their signals are decoded one at a time, each alone in a message of its own, those that do not
fit are left out, and nothing is encoded. Nor is it where a value has more bits than a Python float.
A multiplexer without a value in the file, which `cantools` refuses, selects nothing.
"""
import glob
import hashlib
import logging
import os
import struct
import sys

import cantools
from cantools.database.can import Message
from cantools.database.utils import decode_data, start_bit

FRAMES = 8
logging.disable(logging.CRITICAL)


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return z ^ (z >> 31)

    def bytes(self, length):
        return bytes(self.next() & 0xFF for _ in range(length))


def decode(message, node, data):
    values = decode_data(data, message.length, node["signals"], node["formats"], False, True, False, False)
    for name, codecs in node["multiplexers"].items():
        raw = decode_data(data, message.length, node["signals"], node["formats"], False, False, False, False)[name]
        if raw in codecs:
            values.update(decode(message, codecs[raw], data))
    return values


def bits(signal):
    first = start_bit(signal)
    return set(range(first, first + signal.length))


def fits(message, signal):
    return start_bit(signal) + signal.length <= 8 * message.length


def reachable(node):
    signals = list(node["signals"])
    for codecs in node["multiplexers"].values():
        for codec in codecs.values():
            signals += reachable(codec)
    return signals


def regular(message):
    """Whether cantools' own packing is right: within each byte order, no two signals of one node overlap."""
    def node_is(node):
        for order in ("big_endian", "little_endian"):
            seen = set()
            for signal in node["signals"]:
                if signal.byte_order == order:
                    if seen & bits(signal) or not fits(message, signal):
                        return False
                    seen |= bits(signal)
        return all(node_is(codec) for codecs in node["multiplexers"].values() for codec in codecs.values())
    return node_is(message._codecs)


def overlaps(message):
    """Whether any two signals share a bit, whatever their byte order: then encoding is ambiguous."""
    seen = set()
    for signal in message.signals:
        cells = set()
        for at in range(signal.length):
            if signal.byte_order == "big_endian":
                bit = start_bit(signal) + at
                cells.add((bit // 8, 7 - bit % 8))
            else:
                cells.add(((signal.start + at) // 8, (signal.start + at) % 8))
        if seen & cells:
            return True
        seen |= cells
    return False


def lines(message, random):
    whole = regular(message)
    names = [signal.name for signal in message.signals]
    if not whole and message.is_multiplexed():
        return
    if len(set(names)) != len(names):
        return
    if {s.name for s in reachable(message._codecs)} != set(names):
        return
    alone = []
    if not whole:
        alone = [(s.name, Message(message.frame_id, message.name, message.length, [s], strict=False,
                                  is_extended_frame=message.is_extended_frame))
                 for s in message.signals if fits(message, s)]
    exact = all(s.length <= 52 for s in message.signals)
    for _ in range(FRAMES):
        data = random.bytes(message.length)
        if whole:
            values = decode(message, message._codecs, data)
        else:
            values = {name: one.decode(data, decode_choices=False)[name] for name, one in alone}
        text = " ".join(f"{name}={struct.pack('>d', float(values[name])).hex()}" for name in sorted(values))
        again = ""
        if whole and exact and not message.is_multiplexed() and not overlaps(message):
            floats = {name: float(value) for name, value in values.items()}
            again = message.encode(floats, strict=False).hex()
        yield f"{message.frame_id:x} {data.hex()} {text} > {again}"


def main(root):
    verbose = len(sys.argv) > 2
    for path in sorted(glob.glob(os.path.join(root, "**", "*.dbc"), recursive=True)):
        name = os.path.relpath(path, root)
        try:
            database = cantools.database.load_file(path, strict=False)
        except Exception:
            continue
        digest, random, messages, frames = hashlib.sha256(), SplitMix64(len(name)), 0, 0
        for message in sorted(database.messages, key=lambda m: (m.is_extended_frame, m.frame_id, m.name)):
            count = 0
            for line in lines(message, random):
                if verbose and sys.argv[2] in name:
                    print(line)
                digest.update((line + "\n").encode())
                count += 1
            frames += count
            if count:
                messages += 1
            else:
                digest.update(f"left out {message.frame_id:x} {message.name}\n".encode())
                print(f"# {name} leaves out {message.frame_id:x} {message.name}")
        print(f"{name} {messages} {frames} {digest.hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1])
