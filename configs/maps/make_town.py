#!/usr/bin/env python3
"""Writes town.xodr, a small town in OpenDRIVE 1.6.

    python3 make_town.py [town.xodr] [--svg town.svg]

Python 3 and its standard library only; the same file comes out on every run. README.md beside this script says what is in
the town. The steps: streets are turtle paths of lines, arcs and spirals between junction arms; each junction gets one
single-lane connecting road per movement; then signals, crosswalks, buildings and greenery.

Directions are radians counter-clockwise from east, lengths metres, traffic keeps right.
"""
import random
import sys

sys.dont_write_bytecode = True

from town.furniture import Ground, Ids, add_buildings, add_greenery, furnish  # noqa: E402
from town.network import build  # noqa: E402
from town.picture import write_svg  # noqa: E402
from town.xodr import write_xodr  # noqa: E402


def main():
    arguments = sys.argv[1:]
    svg = arguments.pop(arguments.index("--svg") + 1) if "--svg" in arguments else None
    targets = [a for a in arguments if a != "--svg"]
    streets, junctions = build()
    ids, rng = Ids(), random.Random(7)
    furnish(streets, junctions, ids)
    ground = Ground(streets, junctions)
    add_buildings(streets, ground, rng, ids)
    add_greenery(streets, ground, rng, ids)
    with open(targets[0] if targets else "town.xodr", "w", encoding="utf-8", newline="\n") as file:
        file.write(write_xodr(streets, junctions))
    if svg:
        with open(svg, "w", encoding="utf-8", newline="\n") as file:
            file.write(write_svg(streets, junctions))


if __name__ == "__main__":
    main()