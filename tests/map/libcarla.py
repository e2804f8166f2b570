#!/usr/bin/env python3
"""The map against libcarla: the same road, lane, s, position, heading, width and neighbours on CARLA's own towns.

    python3 tests/map/libcarla.py                      # 10,000 points on each town under AURIGA_DATA
    python3 tests/map/libcarla.py --points 1000 --town Town01 --list

Asks `core/map/examples/map_query` and `carla.Map` (PyPI carla 0.9.16, no server) the same questions. Points whose two nearest
lanes differ by less than 2 cm are set aside. libcarla looks for the nearest lane among chords that turn by up to 1.8 degrees
(plus one metre) and counts `s` along the chord, so its answer can be off its own curves. Where the two disagree, both answers
are put to libcarla's exact curves (`get_waypoint_xodr`): the one that is nearer there is right. On a slope the nearest place
in space is not the nearest one in the plane, which ours is.

Exit status: 0 when at least 99.9 % agree or are explained by libcarla's chords, or when the package can't be had (it says
so); 1 otherwise.
"""

import argparse
import collections
import math
import os
import pathlib
import random
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = "carla==0.9.16"
DISTANCES = (2.0, 10.0, 50.0)
AIM = 0.999
# What may differ: metres, radians.
POSITION, HEADING, WIDTH, TIE = 0.02, math.radians(0.2), 0.01, 0.02


def carla_or_none():
    """The package, from this Python or from a virtual environment of its own (made on first use)."""
    try:
        import carla
        return carla
    except ImportError:
        pass
    home = pathlib.Path(os.environ.get("AURIGA_CARLA_VENV", pathlib.Path.home() / ".cache/auriga/carla-0.9.16"))
    python = home / "bin/python"
    if os.environ.get("AURIGA_IN_CARLA_VENV"):
        return None
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True)
        if made.returncode != 0:
            return None
    os.environ["AURIGA_IN_CARLA_VENV"] = "1"
    have = subprocess.run([str(python), "-c", "import carla"], capture_output=True)
    if have.returncode != 0:
        got = subprocess.run([str(python), "-m", "pip", "install", "-q", PACKAGE], capture_output=True, text=True)
        if got.returncode != 0:
            print(got.stderr.strip()[-300:])
            return None
    os.execv(str(python), [str(python), *sys.argv])


class Ours:
    """`map_query` on one town."""

    def __init__(self, binary, file):
        self.command = [binary, str(file)]

    def ask(self, questions):
        text = subprocess.run(self.command, input="\n".join(questions) + "\n", capture_output=True, text=True, check=True)
        return text.stdout.splitlines()


def name_of(waypoint):
    return (str(waypoint.road_id), waypoint.section_id, waypoint.lane_id)


def lane_of(words):
    return None if words[0] == "-" else (words[0], int(words[1]), int(words[2]))


def pose_of(waypoint):
    """x, y, z, heading in OpenDRIVE's frame: CARLA's y axis points the other way."""
    at = waypoint.transform
    return at.location.x, -at.location.y, at.location.z, -math.radians(at.rotation.yaw)


def turn(a, b):
    return abs((a - b + math.pi) % (2 * math.pi) - math.pi)


class Town:
    def __init__(self, carla, binary, file):
        self.carla, self.file, self.name = carla, file, file.stem
        self.text = file.read_text()
        self.map = carla.Map(self.name, self.text)
        self.ours = Ours(binary, file)
        self.rest = []

    def points(self, count, seed):
        """Half within 8 m of a lane, half anywhere; all at the height of the road."""
        rng = random.Random(seed)
        lanes = self.map.generate_waypoints(5.0)
        places = [pose_of(w) for w in lanes]
        low = [min(p[i] for p in places) - 20 for i in (0, 1)]
        high = [max(p[i] for p in places) + 20 for i in (0, 1)]
        plane = []
        for i in range(count):
            if i % 2:
                x, y, z, _ = rng.choice(places)
                plane.append((x + rng.uniform(-8, 8), y + rng.uniform(-8, 8), z))
            else:
                plane.append((rng.uniform(low[0], high[0]), rng.uniform(low[1], high[1]), None))
        heights = iter(self.ours.ask([f"z {x} {y}" for x, y, z in plane if z is None]))
        return [(x, y, float(next(heights)) if z is None else z) for x, y, z in plane]

    def distance(self, lane, s, point, dimensions=3):
        """From the point to (lane, s) on libcarla's own curve, in space or in the plane."""
        w = self.map.get_waypoint_xodr(int(lane[0]), lane[2], s)
        return math.dist(pose_of(w)[:dimensions], point[:dimensions]) if w else math.inf

    def compare_nearest(self, points):
        """Counts of outcomes, and the waypoints for further questions."""
        count, waypoints, chord_errors = collections.Counter(), [], []
        answers = self.ours.ask([f"nearest {x} {y} {z}" for x, y, z in points])
        for point, answer in zip(points, answers):
            theirs = self.map.get_waypoint(self.carla.Location(point[0], -point[1], point[2]))
            words = answer.split()
            lane, s = lane_of(words), float(words[3])
            gap = float(words[10])
            waypoints.append(theirs)
            if gap < TIE:
                count["set aside"] += 1
                continue
            count["compared"] += 1
            if lane == name_of(theirs):
                ds = abs(s - theirs.s)
                if ds <= POSITION:
                    count["same lane and s"] += 1
                    continue
                chord_errors.append(ds)
            cause = self.cause(point, lane, s, theirs)
            count[cause] += 1
            if cause == "unexplained":
                self.rest.append(f"{self.name} nearest {point}: ours {lane} s {s:.3f}, libcarla {name_of(theirs)} s {theirs.s:.3f}")
        return count, waypoints, sorted(chord_errors)

    def cause(self, point, lane, s, theirs):
        """Why two answers differ, by libcarla's own curves."""
        its_lane, nearer = name_of(theirs), 1e-3
        if self.distance(lane, s, point) < self.distance(its_lane, theirs.s, point) + nearer:
            return "same lane, libcarla's s is along a chord" if lane == its_lane else "libcarla's chords miss the nearest lane"
        if lane == its_lane and self.distance(lane, s, point, 2) < self.distance(lane, theirs.s, point, 2) + nearer:
            return "same lane, libcarla's s is nearer in space, ours in the plane"
        return "unexplained"

    def compare_waypoints(self, waypoints):
        """At libcarla's own (lane, s): position, heading, width, neighbours, next and previous."""
        count, worst = collections.Counter(), collections.Counter()
        ask = lambda w: f"waypoint {w.road_id} {w.section_id} {w.lane_id} {w.s!r} " + " ".join(map(str, DISTANCES))
        for theirs, answer in zip(waypoints, self.ours.ask([ask(w) for w in waypoints])):
            parts = [part.split() for part in answer.split(";")]
            if parts[0] == ["-"]:
                count["lane is missing"] += 1
                self.rest.append(f"{self.name} waypoint {name_of(theirs)}: not in our map")
                continue
            at, (x, y, z, heading) = [float(w) for w in parts[0]], pose_of(theirs)
            off = {
                "position": (math.hypot(at[0] - x, at[1] - y), POSITION),
                "height": (abs(at[2] - z), POSITION),
                "heading": (turn(at[3], heading), HEADING),
                "width": (abs(at[4] - theirs.lane_width), WIDTH),
            }
            for what, (size, limit) in off.items():
                worst[what] = max(worst[what], size)
                self.tell(count, what, size <= limit, theirs, f"off by {size:.4f}")
            for what, part, their in (("left", parts[1], theirs.get_left_lane()), ("right", parts[2], theirs.get_right_lane())):
                expected = name_of(their) if their else None
                self.tell(count, what, lane_of(part) == expected, theirs, f"ours {part}, libcarla {expected}")
            for i, distance in enumerate(DISTANCES):
                self.compare_step(count, worst, theirs, f"next {distance}", parts[3 + 2 * i], theirs.next(distance))
                self.compare_step(count, worst, theirs, f"previous {distance}", parts[4 + 2 * i], theirs.previous(distance))
        return count, worst

    def compare_step(self, count, worst, at, what, words, theirs):
        mine = sorted((lane_of(words[i:]), float(words[i + 3])) for i in range(0, len(words), 4))
        expected = sorted((name_of(w), w.s) for w in theirs)
        same = len(mine) == len(expected) and all(
            a[0] == b[0] and abs(a[1] - b[1]) <= POSITION for a, b in zip(mine, expected))
        self.tell(count, what.split()[0], same, at, f"{what}: ours {mine}, libcarla {expected}")

    def tell(self, count, what, same, at, text):
        count[what, same] += 1
        if not same:
            self.rest.append(f"{self.name} {what} at {name_of(at)} s {at.s:.3f}: {text}")

    def compare_links(self):
        ours = set()
        for line in self.ours.ask(["links"]):
            words = line.split()
            if words:
                ours.add((lane_of(words), lane_of(words[3:])))
        theirs = {(name_of(a), name_of(b)) for a, b in self.map.get_topology()}
        # It lists a lane that leads nowhere as leading to its own end.
        theirs = {(a, b) for a, b in theirs if a != b}
        only = [("only libcarla", link) for link in theirs - ours] + [("only ours", link) for link in ours - theirs]
        self.rest += [f"{self.name} link {who}: {link}" for who, link in only]
        return len(ours & theirs), only

    def speed(self, count):
        """CPU time side by side. The cost of a call from Python (an attribute lookup and an empty method) is taken out."""
        rng, clock = random.Random(1), time.thread_time_ns
        places = [w.transform.location for w in self.map.generate_waypoints(5.0)]
        points = [self.carla.Location(p.x + rng.uniform(-3, 3), p.y + rng.uniform(-3, 3), p.z)
                  for p in rng.choices(places, k=count)]
        waypoints = [self.map.get_waypoint(p) for p in points]

        def least(calls):
            best = math.inf
            for _ in range(5):
                before = clock()
                calls()
                best = min(best, clock() - before)
            return best / count

        overhead = least(lambda: [p.__class__ for p in points])
        nearest = least(lambda: [self.map.get_waypoint(p) for p in points]) - overhead
        following = least(lambda: [w.next(2.0) for w in waypoints]) - overhead
        before = clock()
        self.carla.Map(self.name, self.text)
        load = clock() - before
        ours, memory = self.ours.ask([f"seconds {count}", "memory"])
        mine = [float(w) for w in ours.split()[:4]]
        print("  least time         ours      libcarla")
        print(f"  nearest lane   {mine[0]:7.0f} ns {nearest:9.0f} ns")
        print(f"  next waypoint  {mine[1]:7.0f} ns {following:9.0f} ns")
        print(f"  slowest route  {mine[2] / 1e6:7.3f} ms")
        print(f"  load           {mine[3] / 1e6:7.1f} ms {load / 1e6:9.1f} ms; peak memory {int(memory) / 1024:.0f} MB with five loads")


def report(town, points, seed):
    nearest, waypoints, chords = town.compare_nearest(town.points(points, seed))
    print(f"{town.name}: {nearest['compared']} points compared, {nearest['set aside']} set aside (two lanes within {TIE} m)")
    for what, number in sorted(nearest.items()):
        if what not in ("compared", "set aside"):
            print(f"  {what}: {number} ({100 * number / nearest['compared']:.2f} %)")
    if chords:
        print(f"  where s differs: by {chords[len(chords) // 2]:.3f} m in the median, {chords[-1]:.3f} m at most")
    count, worst = town.compare_waypoints(waypoints)
    good = nearest["unexplained"] <= (1 - AIM) * nearest["compared"]
    for what in ("position", "height", "heading", "width", "left", "right", "next", "previous"):
        same, all_of = count[what, True], count[what, True] + count[what, False]
        size = f", at most {worst[what]:.5f}" if what in worst else ""
        print(f"  {what}: the same at {same} of {all_of}{size}")
        good &= same >= AIM * all_of
    both, only = town.compare_links()
    print(f"  links: {both} the same, {len(only)} in one only")
    return good and count["lane is missing"] == 0 and len(only) <= (1 - AIM) * (both + len(only))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--town", action="append", help="only this one; may be repeated")
    parser.add_argument("--binary", help="map_query, built; otherwise cargo builds it")
    parser.add_argument("--list", action="store_true", help="list every difference (else the first 20 of a town)")
    parser.add_argument("--speed", action="store_true", help="measure as well")
    arguments = parser.parse_args()
    data = pathlib.Path(os.environ.get("AURIGA_DATA", REPOSITORY / "../shared/data"))
    files = sorted((data / "opendrive_carla_towns").glob("*/*.xodr"))
    if not files:
        print(f"skipped: no towns under {data}")
        return 0
    carla = carla_or_none()
    if carla is None:
        print(f"skipped: {PACKAGE} does not install here (it wants Python 3.11 or another version that it has wheels for)")
        return 0
    binary = arguments.binary
    if not binary:
        build = ["cargo", "build", "--release", "-p", "auriga-map", "--example", "map_query"]
        subprocess.run(build, cwd=REPOSITORY, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
        binary = str(target / "release/examples/map_query")
    good = True
    for file in files:
        if arguments.town and file.stem not in arguments.town:
            continue
        town = Town(carla, binary, file)
        good &= report(town, arguments.points, arguments.seed)
        for line in town.rest if arguments.list else town.rest[:20]:
            print("  rest:", line)
        if arguments.speed:
            town.speed(1000)
        sys.stdout.flush()
    print("agrees with libcarla" if good else "DIFFERS from libcarla")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
