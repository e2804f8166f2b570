"""PyPI cantools and opendbc on the messages of benches/can.rs. Argument: the repository.

Each line that begins with "=" is a name and a figure, for the benchmark to set beside its own.
"""
import os
import sys
import time

import cantools
import numpy
from opendbc.can.parser import CANParser

REPOSITORY = sys.argv[1]
DATA = bytes([0x30, 0x00, 0x00, 0x12, 0x34, 0x56, 0x80, 0x9F])


def best(work, times, rounds=7):
    """The least processor time of some rounds, seconds a turn: what the machine does beside does not count."""
    least = float("inf")
    for _ in range(rounds):
        begin = time.thread_time()
        for _ in range(times):
            work()
        least = min(least, (time.thread_time() - begin) / times)
    return least


def say(name, figure):
    print(f"= {name} = {figure}", flush=True)


def one_message():
    database = cantools.database.load_file(f"{REPOSITORY}/configs/can/toyota_rav4_tssp.dbc")
    message = database.get_message_by_frame_id(0x1D2)
    values = message.decode(DATA)
    say("cantools decode ns", best(lambda: message.decode(DATA), 20000) * 1e9)
    say("cantools encode ns", best(lambda: message.encode(values), 20000) * 1e9)


def recorded_minute():
    raw = os.environ.get("AURIGA_DATA", f"{REPOSITORY}/../shared/data")
    raw += "/comma2k19/example_1/processed_log/CAN/raw_can/"
    sources, ids, data = (numpy.load(raw + name) for name in ("src", "address", "data"))
    rows = list(zip(sources.tolist(), ids.tolist(), data.tolist()))
    with_cantools(rows)
    with_opendbc(rows)


def with_cantools(rows):
    names = ("toyota_rav4_tssp", "toyota_tssp_radar")
    databases = [cantools.database.load_file(f"{REPOSITORY}/configs/can/{name}.dbc") for name in names]
    known = [{message.frame_id: message for message in database.messages} for database in databases]
    frames = [(known[s][i], d.ljust(8, b"\0")[: known[s][i].length]) for s, i, d in rows if s < 2 and i in known[s]]
    signals = sum(len(message.signals) for message, _ in frames)

    def work():
        for message, d in frames:
            message.decode(d)

    seconds = best(work, 1, 2)
    print(f"cantools, the same DBC files: {len(frames)} frames, {signals} signals")
    say("cantools minute M signals/s", signals / seconds / 1e6)


def with_opendbc(rows):
    """Its own DBC files for this car and radar; checksums are checked too. Frames come one by one, as from a bus."""
    parsers = []
    for bus, name in enumerate(("toyota_new_mc_pt_generated", "toyota_adas")):
        seen = {i for s, i, _ in rows if s == bus}
        known = CANParser(name, [], bus).dbc.msgs
        parsers.append(CANParser(name, [(i, 0) for i in sorted(seen & set(known))], bus))
    frames = []
    for n, (s, i, d) in enumerate(rows):
        if s < 2 and i in parsers[s].message_states:
            size = parsers[s].message_states[i].size
            frames.append((parsers[s], (1_000_000 * n, [(i, d.ljust(8, b"\0")[:size], s)])))
    signals = sum(len(parser.message_states[item[1][0][0]].signals) for parser, item in frames)

    def work():
        for parser, item in frames:
            parser.update([item])

    seconds = best(work, 1, 2)
    print(f"opendbc, its own DBC files: {len(frames)} frames, {signals} signals")
    say("opendbc minute M signals/s", signals / seconds / 1e6)


one_message()
recorded_minute()
