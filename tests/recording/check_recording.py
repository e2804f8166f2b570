#!/usr/bin/env python3
"""Checks that other people's readers open a recording and decode every message of it.

Usage: check_recording.py FILE.mcap
Needs the PyPI packages mcap, mcap-ros2-support and rosbags. Prints the messages per topic; exits with status 1 when a
reader fails, the readers disagree, or there is nothing to read.
"""

import sys
from collections import Counter
from pathlib import Path


def with_mcap(path: Path) -> tuple[Counter, list[str]]:
    """Messages per topic by `mcap` and `mcap-ros2-support`; and what is wrong beside the messages."""
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    counts, problems = Counter(), []
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        if reader.get_header().profile != "ros2":
            problems.append(f"profile {reader.get_header().profile!r} instead of 'ros2'")
        summary = reader.get_summary()
        decisions = 0
        for _, channel, message, decoded in reader.iter_decoded_messages(log_time_order=False):
            counts[channel.topic] += 1
            if message.log_time != message.publish_time:
                problems.append(f"{channel.topic}: log_time and publish_time differ")
            if hasattr(decoded, "counters"):
                decisions = decoded.counters.ticks
                if decisions != counts[channel.topic]:
                    problems.append(f"{channel.topic}: decision {counts[channel.topic]} is counted as {decisions}")
        if not decisions:
            problems.append("no decision of the gate with its counters")
        told = {
            summary.channels[channel].topic: count
            for channel, count in summary.statistics.channel_message_counts.items()
        }
        if told != dict(counts):
            problems.append(f"the summary says {told}, the file has {dict(counts)}")
        names = [attachment.name for attachment in reader.iter_attachments()]
        if len(names) != summary.statistics.attachment_count:
            problems.append(f"{len(names)} attachments, {summary.statistics.attachment_count} in the summary")
        print(f"attachments: {', '.join(names) or 'none'}")
        for metadata in reader.iter_metadata():
            print(f"metadata {metadata.name}: {len(metadata.metadata)} entries")
    return counts, problems


def with_rosbags(path: Path) -> Counter:
    """Messages per topic by `rosbags`, which takes the types from the file itself."""
    from rosbags.highlevel import AnyReader

    counts = Counter()
    with AnyReader([path]) as reader:
        for connection, _, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)
            counts[connection.topic] += 1
    return counts


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    path = Path(sys.argv[1])
    try:
        counts, problems = with_mcap(path)
        again = with_rosbags(path)
    except Exception as error:  # whatever a foreign reader throws is its verdict
        print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for topic in sorted(counts | again):
        print(f"{counts[topic]:8} {topic}")
        if counts[topic] != again[topic]:
            problems.append(f"{topic}: mcap reads {counts[topic]} messages, rosbags {again[topic]}")
    if not counts:
        problems.append("no messages")
    for problem in problems:
        print(f"{path}: {problem}", file=sys.stderr)
    print(f"{path}: {counts.total()} messages on {len(counts)} topics: {'FAILED' if problems else 'ok'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
