"""PyPI cantools and opendbc on the messages of benches/can.rs. Argument: the repository."""
import os
import sys
import time

import cantools

REPOSITORY = sys.argv[1]
DATA = bytes([0x30, 0x00, 0x00, 0x12, 0x34, 0x56, 0x80, 0x9F])


def best(work, times, rounds=7):
    least = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(times):
            work()
        least = min(least, (time.perf_counter() - begin) / times)
    return least


def one_message():
    database = cantools.database.load_file(f"{REPOSITORY}/configs/can/toyota_rav4_tssp.dbc")
    message = database.get_message_by_frame_id(0x1D2)
    values = message.decode(DATA)
    print(f"cantools cruise decode: {best(lambda: message.decode(DATA), 20000) * 1e9:.0f} ns")
    print(f"cantools cruise encode: {best(lambda: message.encode(values), 20000) * 1e9:.0f} ns")


def recorded_minute():
    import numpy
    from opendbc.can.parser import CANParser

    raw = os.environ.get("AURIGA_DATA", f"{REPOSITORY}/../shared/data")
    raw += "/comma2k19/example_1/processed_log/CAN/raw_can/"
    sources, ids, data = (numpy.load(raw + name) for name in ("src", "address", "data"))
    database = cantools.database.load_file(f"{REPOSITORY}/configs/can/toyota_rav4_tssp.dbc")
    known = {message.frame_id: message for message in database.messages}
    frames = [(int(i), bytes(d).ljust(8, b"\0")[:known[int(i)].length])
              for s, i, d in zip(sources, ids, data) if s == 0 and int(i) in known]
    signals = sum(len(known[i].signals) for i, _ in frames)

    def with_cantools():
        for i, d in frames:
            known[i].decode(d)

    print(f"cantools, bus 0 of the minute: {len(frames)} frames, {signals / best(with_cantools, 1, 2) / 1e6:.3f} M signals/s")

    dbc = "toyota_new_mc_pt"
    ours = [0x25, 0xAA, 0xB4, 0x1D2, 0x1D3, 0x226, 0x260, 0x2C1]
    try:
        parser = CANParser(dbc, [(i, 0) for i in ours], 0)
    except Exception as error:  # the package's own generated files may be missing
        try:
            parser = CANParser("toyota_prius_2010_pt", [(i, 0) for i in (0x25, 0xAA, 0xB4)], 0)
            ours = [0x25, 0xAA, 0xB4]
        except Exception as second:
            print(f"opendbc: {error}; {second}")
            return
    picked = [(i, d) for i, d in frames if i in ours]
    count = sum(len(parser.message_states[i].signals) for i, _ in picked)
    stamped = [(1_000_000 * n, [(i, d, 0)]) for n, (i, d) in enumerate(picked)]

    def with_opendbc():
        for item in stamped:
            parser.update([item])

    print(f"opendbc, {len(picked)} frames: {count / best(with_opendbc, 1, 2) / 1e6:.3f} M signals/s")


one_message()
recorded_minute()
