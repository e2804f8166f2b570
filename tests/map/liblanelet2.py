#!/usr/bin/env python3
"""Lanelet2 maps against the Lanelet2 library itself (PyPI lanelet2): the same lanelets, followers and neighbours.

    python3 tests/map/liblanelet2.py [--binary target/release/examples/map_query]

Compares every .osm under AURIGA_DATA/lanelet2 whose nodes have latitude and longitude, for a vehicle under the library's
German rules. Exit status: 0 when all agree or the package can't be had (it says so), 1 otherwise.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def ours(binary, file, question):
    text = subprocess.run([binary, str(file)], input=question + "\n", capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if line]


def graph(lanelet2, file):
    latitude, longitude = re.search(r"<node[^>]*lat=['\"]([-.0-9]+)['\"] lon=['\"]([-.0-9]+)", file.read_text()).groups()
    origin = lanelet2.io.Origin(float(latitude), float(longitude))
    lanelets, errors = lanelet2.io.loadRobust(str(file), lanelet2.projection.UtmProjector(origin))
    rules = lanelet2.traffic_rules.create(
        lanelet2.traffic_rules.Locations.Germany, lanelet2.traffic_rules.Participants.Vehicle)
    return lanelets, lanelet2.routing.RoutingGraph(lanelets, rules), rules


def compare(lanelet2, binary, file):
    lanelets, routes, rules = graph(lanelet2, file)
    passable = {str(l.id): l for l in lanelets.laneletLayer if rules.canPass(l)}
    # From lanes in their lanelet's direction; a follower that is driven both ways may be entered from its end.
    links = {tuple(line.split()[::3]) for line in ours(binary, file, "links") if line.split()[2] == "-1"}
    lanes, beside = set(), {}
    for line in ours(binary, file, "sides"):
        words, left, right = (part.split() for part in line.split(";"))
        if words[2] == "-1":
            lanes.add(words[0])
            beside[words[0]] = [(side[0], side[-1] == "change") for side in (left, right)]
    both = lanes & passable.keys()
    differ = []
    for name in sorted(both):
        lanelet = passable[name]
        their = {str(next.id) for next in routes.following(lanelet)} & both
        mine = {b for a, b in links if a == name} & both
        if their != mine:
            differ.append(f"{name} is followed by {sorted(mine)}, in the library by {sorted(their)}")
        for side, change, stay, (next, allowed) in (
            ("left", routes.left, routes.adjacentLeft, beside[name][0]),
            ("right", routes.right, routes.adjacentRight, beside[name][1]),
        ):
            expected = change(lanelet) or stay(lanelet)
            expected = str(expected.id) if expected else "-"
            expected = expected if expected in both else "-"
            if expected != (next if next in both else "-"):
                differ.append(f"{name} has {next} to its {side}, in the library {expected}")
            elif expected != "-" and bool(change(lanelet)) != allowed:
                differ.append(f"{name}: a change to the {side} is {'allowed' if allowed else 'forbidden'}, not so in the library")
    only = sorted(lanes - passable.keys()), sorted(passable.keys() - lanes)
    print(f"{file.parent.parent.name}/{file.parent.name}/{file.name}: {len(both)} lanelets in both, only ours {len(only[0])}, "
          f"only the library's {len(only[1])}; {len(links)} links; {len(differ)} differences")
    for line in differ[:8]:
        print("  ", line)
    print("  ", only[0][:6], only[1][:6]) if any(only) else None
    return not differ


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(REPOSITORY / "target/release/examples/map_query"))
    arguments = parser.parse_args()
    try:
        import lanelet2, lanelet2.io, lanelet2.projection, lanelet2.routing, lanelet2.traffic_rules
    except ImportError:
        print("skipped: PyPI lanelet2 is not installed")
        return 0
    data = pathlib.Path(os.environ.get("AURIGA_DATA", REPOSITORY / "../shared/data"))
    good = True
    for file in sorted((data / "lanelet2").rglob("*.osm")):
        text = file.read_text()
        if "relation" not in text or 'lat=""' in text:
            continue
        good &= compare(lanelet2, arguments.binary, file)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
