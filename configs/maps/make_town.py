#!/usr/bin/env python3
"""Writes town.xodr, a small town in OpenDRIVE 1.6.

    python3 make_town.py [town.xodr] [--svg town.svg]

Python 3 and its standard library only; the same file comes out on every run. README.md beside this script says what is in
the town. The steps: streets are turtle paths of lines, arcs and spirals between junction arms; each junction gets one
single-lane connecting road per movement; then signals, crosswalks, buildings and greenery.

Directions are radians counter-clockwise from east, lengths metres, traffic keeps right.
"""
import math
import random
import sys
from xml.sax.saxutils import quoteattr

LANE = 3.5          # width of a driving lane
WALK = 2.5          # width of a pavement
PARK = 2.2          # width of a parking lane
EAST, NORTH, WEST, SOUTH = 0.0, math.pi / 2, math.pi, -math.pi / 2
KMH = {50: "50", 30: "30"}


# ---------------------------------------------------------------- paths


def clothoid(k0, k1, length):
    """Where a curve from the origin along x, whose curvature goes linearly from k0 to k1, ends: (x, y, turn)."""
    n = max(8, int(length * 4))
    h = length / n
    rate = (k1 - k0) / length if length > 0 else 0.0

    def heading(s):
        return k0 * s + 0.5 * rate * s * s

    x = y = 0.0
    for i in range(n):   # Simpson's rule per step
        a, m, b = heading(i * h), heading((i + 0.5) * h), heading((i + 1) * h)
        x += h / 6 * (math.cos(a) + 4 * math.cos(m) + math.cos(b))
        y += h / 6 * (math.sin(a) + 4 * math.sin(m) + math.sin(b))
    return x, y, heading(length)


class Path:
    """A reference line that grows from a start pose."""

    def __init__(self, x, y, heading):
        self.x, self.y, self.heading, self.length = x, y, heading, 0.0
        self.pieces = []    # (s, x, y, heading, length, k0, k1)

    def piece(self, length, k0=0.0, k1=0.0):
        if length < 1e-6:
            return self
        self.pieces.append((self.length, self.x, self.y, self.heading, length, k0, k1))
        dx, dy, turn = clothoid(k0, k1, length)
        c, s = math.cos(self.heading), math.sin(self.heading)
        self.x += c * dx - s * dy
        self.y += s * dx + c * dy
        self.heading += turn
        self.length += length
        return self

    def line(self, length):
        return self.piece(length)

    def bend(self, turn, radius, spiral):
        """Spiral in, arc, spiral out."""
        k = math.copysign(1 / radius, turn)
        arc = abs(turn) * radius - spiral
        assert arc > 0, "the spirals alone turn too far"
        return self.piece(spiral, 0, k).piece(arc, k, k).piece(spiral, k, 0)

    def corner(self, turn, radius, spiral, x, y):
        """A straight, then a bend whose tangents meet at (x, y)."""
        c, s = math.cos(self.heading), math.sin(self.heading)
        ahead = (x - self.x) * c + (y - self.y) * s
        self.line(ahead - tangent(turn, radius, spiral))
        return self.bend(turn, radius, spiral)

    def line_to(self, x, y):
        """A straight to a point, which must lie ahead."""
        c, s = math.cos(self.heading), math.sin(self.heading)
        ahead, aside = (x - self.x) * c + (y - self.y) * s, (y - self.y) * c - (x - self.x) * s
        assert abs(aside) < 1e-6 and ahead > -1e-9, (aside, ahead)
        return self.line(ahead)

    def at(self, s):
        """(x, y, heading) at s."""
        s = min(max(s, 0.0), self.length)
        for start, x, y, heading, length, k0, k1 in reversed(self.pieces):
            if s >= start - 1e-9:
                ds = s - start
                dx, dy, turn = clothoid(k0, k0 + (k1 - k0) * ds / length, ds) if ds > 0 else (0, 0, 0)
                c, si = math.cos(heading), math.sin(heading)
                return x + c * dx - si * dy, y + si * dx + c * dy, heading + turn
        raise AssertionError

    def beside(self, s, t):
        """The point t to the left of s."""
        x, y, h = self.at(s)
        return x - math.sin(h) * t, y + math.cos(h) * t, h


def tangent(turn, radius, spiral):
    """From a bend's start to where its two tangents meet."""
    p = Path(0, 0, 0).bend(abs(turn), radius, spiral)
    return p.x - p.y / math.tan(abs(turn))


def solve(f, low, high):
    """Bisection for a growing f."""
    for _ in range(80):
        mid = 0.5 * (low + high)
        low, high = (mid, high) if f(mid) < 0 else (low, mid)
    return 0.5 * (low + high)


def quarter_turn(path, left, along, across):
    """A right angle that ends `along` ahead and `across` aside: straight, spirals and an arc as wide as fits, straight."""
    reach = min(along, across)
    spiral = 0.35 * reach
    radius = solve(lambda r: tangent(math.pi / 2, r, spiral) - reach, spiral, 2 * reach)
    path.line(along - reach)
    path.bend(math.pi / 2 if left else -math.pi / 2, radius, spiral)
    path.line(across - reach)
    return path


# ---------------------------------------------------------------- roads


class Street:
    """A road between two junctions. `lanes` per direction; both sides alike."""

    def __init__(self, number, name, path, lanes=1, parking=False, kmh=50):
        self.number, self.name, self.path, self.lanes, self.parking, self.kmh = number, name, path, lanes, parking, kmh
        self.ends = {}         # "start" / "end" -> junction number
        self.signals, self.objects = [], []

    @property
    def walk(self):
        """Number of the pavement's lane."""
        return self.lanes + (2 if self.parking else 1)

    @property
    def kerb(self):
        """From the middle of the road to the edge of the carriageway."""
        return self.lanes * LANE + (PARK if self.parking else 0.0)


class Arm:
    """A street's end at a junction, seen from the junction's centre."""

    def __init__(self, street, contact, direction, reach):
        self.street, self.contact, self.direction, self.reach = street, contact, direction, reach

    def lane_in(self, k):
        return -k if self.contact == "end" else k

    def lane_out(self, k):
        return k if self.contact == "end" else -k

    def s(self, distance):
        """`distance` metres before the street's end at the junction."""
        return self.street.path.length - distance if self.contact == "end" else distance

    def left_of_travel_in(self, t):
        """t to the left of a driver who comes in, as the road's t."""
        return t if self.contact == "end" else -t

    @property
    def orientation(self):
        return "+" if self.contact == "end" else "-"


class Junction:
    def __init__(self, number, name, x, y, arms, lit=False, minor=None, sign=None):
        self.number, self.name, self.x, self.y = number, name, x, y
        self.arms = {arm.direction: arm for arm in arms}
        self.lit, self.minor, self.sign = lit, minor, sign
        self.ways = []
        self.controllers = []
        for arm in arms:
            arm.street.ends[arm.contact] = number
            px, py, h = arm.street.path.at(0 if arm.contact == "start" else arm.street.path.length)
            ex, ey = x + arm.reach * math.cos(arm.direction), y + arm.reach * math.sin(arm.direction)
            assert math.hypot(px - ex, py - ey) < 1e-5, (name, arm.street.name, px, py, ex, ey)
            outward = h if arm.contact == "start" else h + math.pi
            assert abs(math.remainder(outward - arm.direction, math.tau)) < 1e-7


class Way:
    """A connecting road: one movement of one lane."""

    def __init__(self, number, junction, a, b, lane_in, lane_out, path, walk, turn):
        self.number, self.junction, self.a, self.b = number, junction, a, b
        self.lane_in, self.lane_out, self.path, self.walk, self.turn = lane_in, lane_out, path, walk, turn


def normal(angle):
    return math.remainder(angle, math.tau)


def connect(junction, number):
    """All movements of a junction; `number` counts the roads on."""
    directions = list(junction.arms)
    for a in junction.arms.values():
        heading = a.direction + math.pi
        for b in junction.arms.values():
            if a is b:
                continue
            turn = round(normal(b.direction - heading) / (math.pi / 2))    # -1 right, 0 straight, 1 left
            # The outer of two lanes turns right, the inner one does all the rest.
            k_in = a.street.lanes if turn < 0 else 1
            k_out = b.street.lanes if turn < 0 else 1
            # The reference line is the left edge of the lane.
            left_in, left_out = (k_in - 1) * LANE, (k_out - 1) * LANE
            x = junction.x + a.reach * math.cos(a.direction) + left_in * math.sin(heading)
            y = junction.y + a.reach * math.sin(a.direction) - left_in * math.cos(heading)
            path = Path(x, y, heading)
            if turn == 0:
                path.line(a.reach + b.reach)
            elif turn > 0:
                quarter_turn(path, True, a.reach + left_out, b.reach + left_in)
            else:
                quarter_turn(path, False, a.reach - left_out, b.reach - left_in)
            ex = junction.x + b.reach * math.cos(b.direction) + left_out * math.sin(b.direction)
            ey = junction.y + b.reach * math.sin(b.direction) - left_out * math.cos(b.direction)
            assert math.hypot(path.x - ex, path.y - ey) < 1e-5, (junction.name, turn, path.x - ex, path.y - ey)
            # The pavement goes round right corners, and straight on where there is no arm to the right.
            open_right = not any(abs(normal(d - (heading - math.pi / 2))) < 0.1 for d in directions)
            walk = turn < 0 or (turn == 0 and open_right)
            junction.ways.append(Way(number, junction, a, b, a.lane_in(k_in), b.lane_out(k_out), path, walk, turn))
            number += 1
    return number


# ---------------------------------------------------------------- the town


def build():
    """Streets and junctions. Distances from a junction's centre to its arms leave right turns 12 m of lane radius."""
    t_reach, along_main, across_main = 14.0, 14.0, 17.5
    a, b = (85.0, 120.0), (325.0, 120.0)
    c, e = (85.0, 230.0), (325.0, 250.0)
    d1, d2 = (150.0, 0.0), (260.0, 0.0)

    main = Street(1, "Main Street", Path(a[0] + along_main, a[1], EAST).line(b[0] - a[0] - 2 * along_main), lanes=2)
    west = Path(a[0] - along_main, a[1], WEST)
    west.corner(-math.pi / 2, 28, 12, 0, a[1]).corner(-math.pi / 2, 28, 12, 0, c[1]).line_to(c[0] - t_reach, c[1])
    east = Path(b[0] + along_main, b[1], EAST)
    east.corner(math.pi / 2, 28, 12, 410, b[1]).corner(math.pi / 2, 26, 12, 410, e[1]).line_to(e[0] + t_reach, e[1])
    # North Street climbs from C to E in an S of two bends of 60 m radius.
    rise = e[1] - c[1]
    swing = solve(lambda th: 2 * tangent(th, 60, 15) * math.sin(th) - rise, 0.26, 1.0)
    north = Path(c[0] + t_reach, c[1], EAST).line(35).bend(swing, 60, 15).bend(-swing, 60, 15)
    north.line_to(e[0] - t_reach, e[1])
    north_west = Path(a[0], a[1] + across_main, NORTH).line_to(c[0], c[1] - t_reach)
    north_east = Path(b[0], b[1] + across_main, NORTH).line_to(e[0], e[1] - t_reach)
    south_west = Path(a[0], a[1] - across_main, SOUTH)
    south_west.corner(math.pi / 2, 28, 12, a[0], d1[1]).line_to(d1[0] - t_reach, d1[1])
    south = Path(d1[0] + t_reach, d1[1], EAST).line_to(d2[0] - t_reach, d2[1])
    south_east = Path(d2[0] + t_reach, d2[1], EAST)
    south_east.corner(math.pi / 2, 28, 12, b[0], d2[1]).line_to(b[0], b[1] - across_main)
    crescent = Path(d1[0], d1[1] + t_reach, NORTH)
    crescent.corner(-math.pi / 2, 18, 8, d1[0], 60).corner(-math.pi / 2, 18, 8, d2[0], 60)
    crescent.line_to(d2[0], d2[1] + t_reach)

    streets = {s.number: s for s in [
        main,
        Street(2, "West Ring", west),
        Street(3, "East Ring", east),
        Street(4, "North Street", north),
        Street(5, "Mill Street", north_west),
        Street(6, "Church Street", north_east),
        Street(7, "South Street west", south_west),
        Street(8, "South Street", south),
        Street(9, "South Street east", south_east),
        Street(10, "The Crescent", crescent, parking=True, kmh=30),
    ]}
    junctions = [
        Junction(100, "A", *a, [Arm(main, "start", EAST, along_main), Arm(streets[5], "start", NORTH, across_main),
                                Arm(streets[2], "start", WEST, along_main), Arm(streets[7], "start", SOUTH, across_main)],
                 lit=True),
        Junction(101, "B", *b, [Arm(streets[3], "start", EAST, along_main), Arm(streets[6], "start", NORTH, across_main),
                                Arm(main, "end", WEST, along_main), Arm(streets[9], "end", SOUTH, across_main)],
                 lit=True),
        Junction(102, "C", *c, [Arm(streets[4], "start", EAST, t_reach), Arm(streets[2], "end", WEST, t_reach),
                                Arm(streets[5], "end", SOUTH, t_reach)], minor=SOUTH, sign="205"),
        Junction(103, "E", *e, [Arm(streets[3], "end", EAST, t_reach), Arm(streets[4], "end", WEST, t_reach),
                                Arm(streets[6], "end", SOUTH, t_reach)], minor=SOUTH, sign="206"),
        Junction(104, "D1", *d1, [Arm(streets[8], "start", EAST, t_reach), Arm(streets[7], "end", WEST, t_reach),
                                  Arm(streets[10], "start", NORTH, t_reach)], minor=NORTH, sign="205"),
        Junction(105, "D2", *d2, [Arm(streets[9], "start", EAST, t_reach), Arm(streets[8], "end", WEST, t_reach),
                                  Arm(streets[10], "end", NORTH, t_reach)], minor=NORTH, sign="206"),
    ]
    number = 200
    for junction in junctions:
        number = connect(junction, number)
    return streets, junctions


# ---------------------------------------------------------------- signals, marks, crosswalks


class Ids:
    """One count for all objects and signals."""

    def __init__(self):
        self.next = 1000

    def take(self):
        self.next += 1
        return self.next


def add_stop_lines(arm, distance, ids):
    street = arm.street
    for k in range(1, street.lanes + 1):
        t = arm.left_of_travel_in(-(k - 0.5) * LANE)
        street.objects.append(dict(id=ids.take(), name="StopLine", type="roadMark", subtype="signalLines", s=arm.s(distance),
                                   t=t, hdg=math.pi / 2, length=LANE - 0.3, width=0.5, height=0))


def add_crosswalk(street, s, ids, width=3.0):
    """From kerb to kerb, `width` along the road."""
    street.objects.append(dict(id=ids.take(), name="Crosswalk", type="crosswalk", s=s, t=0.0, hdg=math.pi / 2,
                               length=2 * street.kerb, width=width, height=0, outline=True))


def add_pole(street, x, y, ids, height, radius, name):
    """A pole at a map position, written on the street next to it."""
    s, t = nearest(street.path, x, y)
    street.objects.append(dict(id=ids.take(), name=name, type="pole", s=s, t=t, hdg=0, height=height, radius=radius))


def nearest(path, x, y):
    """(s, t) of a point."""
    s = min((i * 0.5 for i in range(int(path.length * 2) + 1)), key=lambda s: math.dist(path.at(s)[:2], (x, y)))
    for _ in range(4):
        px, py, h = path.at(s)
        s = min(max(s + (x - px) * math.cos(h) + (y - py) * math.sin(h), 0.0), path.length)
    px, py, h = path.at(s)
    return s, (y - py) * math.cos(h) - (x - px) * math.sin(h)


def furnish_lit(junction, ids):
    """Crosswalk, stop line and light for each arm; opposite arms are one group. Lights hang on the far side, to the right."""
    groups = {0: [], 1: []}
    for arm in junction.arms.values():
        street = arm.street
        add_crosswalk(street, arm.s(2.5), ids)
        add_stop_lines(arm, 5.0, ids)
        heading = arm.direction + math.pi
        far = junction.arms[min(junction.arms, key=lambda d: abs(normal(d - heading)))]
        ahead, aside = far.reach + 4.8, far.street.kerb + 0.7
        x = junction.x + ahead * math.cos(heading) + aside * math.sin(heading)
        y = junction.y + ahead * math.sin(heading) - aside * math.cos(heading)
        add_pole(far.street, x, y, ids, 4.6, 0.09, "TrafficLightPole")
        # The housing hangs 0.25 m in front of the pole and 0.45 m towards the road.
        hx = x - 0.25 * math.cos(heading) - 0.45 * math.sin(heading)
        hy = y - 0.25 * math.sin(heading) + 0.45 * math.cos(heading)
        signal = dict(id=ids.take(), name=f"Light {junction.name} {street.name}", dynamic="yes", type="1000001", subtype="-1",
                      s=arm.s(5.0), t=arm.left_of_travel_in(-(street.kerb + 0.7)), zOffset=3.4, hOffset=0.0, height=1.0,
                      width=0.4, orientation=arm.orientation,
                      lanes=sorted(arm.lane_in(k) for k in range(1, street.lanes + 1)),
                      inertial=(hx, hy, 3.4, normal(arm.direction)))
        street.signals.append(signal)
        groups[0 if abs(math.cos(arm.direction)) > 0.5 else 1].append(signal["id"])
    for key, name in [(0, "east-west"), (1, "north-south")]:
        junction.controllers.append((ids.take(), f"{junction.name} {name}", groups[key]))


def furnish_signed(junction, ids):
    """Stop line and sign on the minor arm."""
    arm = junction.arms[junction.minor]
    add_stop_lines(arm, 2.0, ids)
    # Parking lanes begin further away from the junction.
    sign(arm.street, arm.s(2.0), arm.left_of_travel_in(-(LANE * arm.street.lanes + 0.6)), arm, junction.sign, ids)


def sign(street, s, t, arm, kind, ids, value=None):
    street.signals.append(dict(id=ids.take(), name={"205": "Give way", "206": "Stop", "274": "Speed limit"}[kind], dynamic="no",
                               type=kind, subtype="-1", value=value, s=s, t=t, zOffset=2.0, hOffset=0.0, height=0.75,
                               width=0.75, orientation=arm.orientation,
                               lanes=sorted(arm.lane_in(k) for k in range(1, street.lanes + 1))))
    street.objects.append(dict(id=ids.take(), name="SignPole", type="pole", s=s + (0.1 if arm.orientation == "+" else -0.1),
                               t=t, hdg=0, height=2.8, radius=0.04))


def furnish(streets, junctions, ids):
    for junction in junctions:
        (furnish_lit if junction.lit else furnish_signed)(junction, ids)
    # Crosswalks away from junctions, and the signs of the 30 km/h street (seen by those who drive into it).
    add_crosswalk(streets[8], 0.5 * streets[8].path.length, ids, 4.0)
    add_crosswalk(streets[4], streets[4].path.length - 55.0, ids, 4.0)
    crescent = streets[10]
    for contact, other in [("start", "end"), ("end", "start")]:
        out = Arm(crescent, other, 0.0, 0.0)     # whoever leaves `contact` drives towards `other`
        s = 6.0 if contact == "start" else crescent.path.length - 6.0
        sign(crescent, s, out.left_of_travel_in(-(LANE + 0.6)), out, "274", ids, 30)


# ---------------------------------------------------------------- buildings and greenery


class Ground:
    """What is taken: roads (with pavements), junctions, buildings."""

    def __init__(self, streets, junctions):
        self.roads = []        # (x, y, half width)
        for street in streets.values():
            for i in range(int(street.path.length) + 1):
                x, y, _ = street.path.at(i)
                self.roads.append((x, y, street.kerb + WALK))
        for junction in junctions:
            for way in junction.ways:
                for i in range(int(way.path.length) + 1):
                    x, y, _ = way.path.beside(i, -LANE / 2)
                    self.roads.append((x, y, LANE / 2 + WALK))
        self.junctions = [(j.x, j.y) for j in junctions]
        self.boxes = []        # (x, y, heading, length, width)

    def free(self, box, margin, from_junction):
        points = [place(box, u / 4, v / 4) for u in range(-2, 3) for v in range(-2, 3)]
        for x, y in points:
            if any(math.dist((x, y), at) < from_junction for at in self.junctions):
                return False
            # Points of a grid may miss a road between them by their spacing: half a cell is added.
            if any(abs(x - rx) < 12 and abs(y - ry) < 12 and math.dist((x, y), (rx, ry)) < half + margin
                   for rx, ry, half in self.roads):
                return False
        return not any(overlap(box, other, 1.5) for other in self.boxes)


def place(box, u, v):
    x, y, h, length, width = box
    return (x + u * length * math.cos(h) - v * width * math.sin(h), y + u * length * math.sin(h) + v * width * math.cos(h))


def overlap(a, b, gap):
    """Whether two boxes come closer than `gap` (separating axes)."""
    def corners(box, grow):
        x, y, h, length, width = box
        grown = (x, y, h, length + 2 * grow, width + 2 * grow)
        return [place(grown, u, v) for u in (-0.5, 0.5) for v in (-0.5, 0.5)]
    ca, cb = corners(a, gap), corners(b, 0.0)
    for h in (a[2], a[2] + math.pi / 2, b[2], b[2] + math.pi / 2):
        pa = [x * math.cos(h) + y * math.sin(h) for x, y in ca]
        pb = [x * math.cos(h) + y * math.sin(h) for x, y in cb]
        if max(pa) < min(pb) or max(pb) < min(pa):
            return False
    return True


def add_buildings(streets, ground, rng, ids):
    """Rows of houses on both sides, 2 to 5 m behind the pavement."""
    for street in streets.values():
        for side in (1, -1):
            s = 4.0
            while s < street.path.length:
                length, depth = 11 + 11 * rng.random(), 9 + 5 * rng.random()
                setback, gap = 2 + 3 * rng.random(), 2 + 6 * rng.random()
                height = round(5 + 15 * rng.random() ** 1.5, 1)
                middle = s + length / 2
                t = side * (street.kerb + WALK + setback + depth / 2)
                x, y, h = street.path.beside(min(middle, street.path.length), t)
                box = (x, y, h, length, depth)
                if middle <= street.path.length and ground.free(box, 1.2, 29.0):
                    ground.boxes.append(box)
                    street.objects.append(dict(id=ids.take(), name="Building", type="building", s=middle, t=t, hdg=0,
                                               length=length, width=depth, height=height))
                    s += length + gap
                else:
                    s += 3.0


def add_greenery(streets, ground, rng, ids):
    """Trees behind the pavement, lamps at its kerb, parking bays, a hedge."""
    for street in streets.values():
        for side in (1, -1):
            s = 12.0 + 8 * rng.random()
            while s < street.path.length - 8:
                t = side * (street.kerb + WALK + 1.1)
                x, y, h = street.path.beside(s, t)
                if ground.free((x, y, h, 0.8, 0.8), 0.3, 24.0):
                    radius, height = 0.18 + 0.17 * rng.random(), 5 + 4 * rng.random()
                    street.objects.append(dict(id=ids.take(), name="Tree", type="tree", s=s, t=t, hdg=0,
                                               height=round(height, 2), radius=round(radius, 3)))
                s += 13 + 12 * rng.random()
        crosswalks = [o["s"] for o in street.objects if o["type"] == "crosswalk"]
        s, side = 17.0, 1
        while s < street.path.length - 15:
            if all(abs(s - at) > 4 for at in crosswalks):
                street.objects.append(dict(id=ids.take(), name="StreetLamp", type="pole", s=s, t=side * (street.kerb + 0.5),
                                           hdg=0, height=7.0, radius=0.09))
            s, side = s + 30, -side
        if street.parking:
            for side in (1, -1):
                s = 24.0
                while s < street.path.length - 24:
                    street.objects.append(dict(id=ids.take(), name="ParkingBay", type="parkingSpace", s=s,
                                               t=side * (LANE + PARK / 2), hdg=0, length=5.5, width=PARK, height=0))
                    s += 6.0
    east = streets[3]
    east.objects.append(dict(id=ids.take(), name="Hedge", type="barrier", s=40.0, t=-(east.kerb + WALK + 0.6), hdg=0, length=50.0,
                             width=0.5, height=1.1, repeat=dict(s=36.0, length=60.0, t=-(east.kerb + WALK + 0.6))))


# ---------------------------------------------------------------- writing


def num(value):
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def tag(element, inner=None, /, **attributes):
    text = "".join(f" {k}={quoteattr(v if isinstance(v, str) else num(v))}" for k, v in attributes.items())
    return f"<{element}{text}/>" if inner is None else f"<{element}{text}>{inner}</{element}>"


def plan_view(path):
    lines = ["    <planView>"]
    for s, x, y, heading, length, k0, k1 in path.pieces:
        if k0 == 0 and k1 == 0:
            shape = "<line/>"
        elif k0 == k1:
            shape = tag("arc", curvature=k0)
        else:
            shape = tag("spiral", curvStart=k0, curvEnd=k1)
        lines.append("      " + tag("geometry", shape, s=s, x=x, y=y, hdg=normal(heading), length=length))
    return lines + ["    </planView>"]


def lane_xml(number, kind, widths, before, after, mark):
    links = "".join(tag(which, id=str(other)) for which, other in (("predecessor", before), ("successor", after))
                    if other is not None)
    shape = "".join(tag("width", sOffset=s, a=a, b=b, c=c, d=d) for s, a, b, c, d in widths)
    return "        " + tag("lane", (tag("link", links) if links else "") + shape + mark, id=str(number), type=kind,
                            level="false")


def mark_xml(kind, width=0.12, change=None):
    attributes = dict(sOffset=0, type=kind, material="standard", color="white", width=width)
    if change:
        attributes["laneChange"] = change
    return tag("roadMark", **attributes)


def parking_widths(length):
    """Nothing for 16 m, widening over 4 m, and the same backwards."""
    rise, full = 4.0, PARK
    c, d = 3 * full / rise ** 2, -2 * full / rise ** 3
    end = length - 20.0
    return [(0, 0, 0, 0, 0), (16, 0, 0, c, d), (20, full, 0, 0, 0), (end, full, 0, -c, -d), (end + 4, 0, 0, 0, 0)]


def street_lanes(street):
    lines = ["    <lanes>", "      <laneSection s=\"0\">"]
    sides = {}
    for sign_of_side in (1, -1):
        lanes = []
        for k in range(1, street.lanes + 1):
            inner = k < street.lanes
            mark = mark_xml("broken", change="both") if inner else mark_xml("solid")
            lanes.append(lane_xml(sign_of_side * k, "driving", [(0, LANE, 0, 0, 0)], None, None, mark))
        if street.parking:
            lanes.append(lane_xml(sign_of_side * (street.lanes + 1), "parking", parking_widths(street.path.length), None, None,
                                  mark_xml("solid")))
        lanes.append(lane_xml(sign_of_side * street.walk, "sidewalk", [(0, WALK, 0, 0, 0)], None, None, mark_xml("none")))
        sides[sign_of_side] = lanes
    center = mark_xml("solid solid" if street.lanes > 1 else "broken", change="none")
    lines += ["      <left>"] + sides[1][::-1] + ["      </left>"]
    lines += ["      <center>", "        " + tag("lane", center, id="0", type="none", level="false"), "      </center>"]
    lines += ["      <right>"] + sides[-1] + ["      </right>"]
    return lines + ["      </laneSection>", "    </lanes>"]


def way_lanes(way):
    none = mark_xml("none", change="none")
    lines = ["    <lanes>", "      <laneSection s=\"0\">", "      <center>",
             "        " + tag("lane", none, id="0", type="none", level="false"), "      </center>", "      <right>",
             lane_xml(-1, "driving", [(0, LANE, 0, 0, 0)], way.lane_in, way.lane_out, none)]
    if way.walk:
        before = math.copysign(way.a.street.walk, way.lane_in)
        after = math.copysign(way.b.street.walk, way.lane_out)
        lines.append(lane_xml(-2, "sidewalk", [(0, WALK, 0, 0, 0)], int(before), int(after), none))
    return lines + ["      </right>", "      </laneSection>", "    </lanes>"]


def objects_xml(objects):
    lines = ["    <objects>"]
    for o in objects:
        inner = None
        attributes = {k: v for k, v in o.items() if k not in ("outline", "repeat")}
        attributes["id"] = str(o["id"])
        attributes.update(zOffset=0, orientation="none")
        if o.get("outline"):
            u, v = o["length"] / 2, o["width"] / 2
            corners = "".join(tag("cornerLocal", u=a, v=b, z=0, height=0) for a, b in [(u, v), (-u, v), (-u, -v), (u, -v)])
            inner = tag("outline", corners)
        if "repeat" in o:
            r = o["repeat"]
            inner = tag("repeat", s=r["s"], length=r["length"], distance=0, tStart=r["t"], tEnd=r["t"], heightStart=o["height"],
                        heightEnd=o["height"], zOffsetStart=0, zOffsetEnd=0, widthStart=o["width"], widthEnd=o["width"])
        lines.append("      " + tag("object", inner, **attributes))
    return lines + ["    </objects>"]


def signals_xml(signals):
    lines = ["    <signals>"]
    for g in signals:
        attributes = dict(s=g["s"], t=g["t"], id=str(g["id"]), name=g["name"], dynamic=g["dynamic"], orientation=g["orientation"],
                          zOffset=g["zOffset"], country="DE", type=g["type"], subtype=g["subtype"], hOffset=g["hOffset"],
                          height=g["height"], width=g["width"])
        if g.get("value"):
            attributes.update(value=g["value"], unit="km/h")
        inner = tag("validity", fromLane=str(g["lanes"][0]), toLane=str(g["lanes"][-1]))
        if "inertial" in g:
            x, y, z, h = g["inertial"]
            inner += tag("positionInertial", x=x, y=y, z=z, hdg=h)
        lines.append("      " + tag("signal", inner, **attributes))
    return lines + ["    </signals>"]


def road_xml(number, name, path, junction, links, kmh, lanes, objects=(), signals=()):
    lines = ["  <road" + f" name={quoteattr(name)} length=\"{num(path.length)}\" id=\"{number}\" junction=\"{junction}\" rule=\"RHT\">",
             "    <link>" + "".join(links) + "</link>",
             "    " + tag("type", tag("speed", max=KMH[kmh], unit="km/h"), s=0, type="town")]
    lines += plan_view(path)
    lines += ["    <elevationProfile>" + tag("elevation", s=0, a=0, b=0, c=0, d=0) + "</elevationProfile>"]
    lines += lanes
    if objects:
        lines += objects_xml(objects)
    if signals:
        lines += signals_xml(signals)
    return lines + ["  </road>"]


def junction_xml(junction):
    lines = [f"  <junction name={quoteattr(junction.name)} id=\"{junction.number}\">"]
    for i, way in enumerate(junction.ways):
        links = tag("laneLink", **{"from": str(way.lane_in), "to": "-1"})
        if way.walk:
            links += tag("laneLink", **{"from": str(int(math.copysign(way.a.street.walk, way.lane_in))), "to": "-2"})
        lines.append("    " + tag("connection", links, id=str(i), incomingRoad=str(way.a.street.number),
                                  connectingRoad=str(way.number), contactPoint="start"))
    if junction.minor is not None:
        minor = junction.arms[junction.minor]
        for high in junction.ways:
            for low in junction.ways:
                if high.a is not minor and low.a is minor:
                    lines.append("    " + tag("priority", high=str(high.number), low=str(low.number)))
    for i, (number, _, _) in enumerate(junction.controllers):
        lines.append("    " + tag("controller", id=str(number), type="0", sequence=str(i)))
    return lines + ["  </junction>"]


def write_xodr(streets, junctions):
    lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!-- Written by make_town.py: change that, not this. -->", "<OpenDRIVE>",
             "  <header revMajor=\"1\" revMinor=\"6\" name=\"Auriga town\" version=\"1.00\" date=\"2026-01-01T00:00:00\" "
             "north=\"270\" south=\"-20\" east=\"430\" west=\"-20\" vendor=\"Auriga\">",
             "    <geoReference><![CDATA[+proj=tmerc +lat_0=49.0 +lon_0=8.4 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs]]>"
             "</geoReference>", "  </header>"]
    for street in streets.values():
        links = [tag(which, elementType="junction", elementId=str(street.ends[contact]))
                 for which, contact in (("predecessor", "start"), ("successor", "end"))]
        lines += road_xml(street.number, street.name, street.path, "-1", links, street.kmh, street_lanes(street), street.objects,
                          street.signals)
    for junction in junctions:
        for way in junction.ways:
            links = [tag(which, elementType="road", elementId=str(arm.street.number), contactPoint=arm.contact)
                     for which, arm in (("predecessor", way.a), ("successor", way.b))]
            name = f"{junction.name}: {way.a.street.name} to {way.b.street.name}"
            lines += road_xml(way.number, name, way.path, str(junction.number), links, min(way.a.street.kmh, way.b.street.kmh),
                              way_lanes(way))
    for junction in junctions:
        for number, name, signals in junction.controllers:
            controls = "".join(tag("control", signalId=str(s), type="0") for s in signals)
            lines.append("  " + tag("controller", controls, id=str(number), name=name, sequence="0"))
    for junction in junctions:
        lines += junction_xml(junction)
    return "\n".join(lines + ["</OpenDRIVE>", ""])


# ---------------------------------------------------------------- a picture


def write_svg(streets, junctions):
    """The town from above; north is up."""
    out = ["<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-30 -285 470 315\" width=\"1880\" height=\"1260\">",
           "<rect x=\"-30\" y=\"-285\" width=\"470\" height=\"315\" fill=\"#cfe0c3\"/>"]

    def strip(path, t0, t1, color):
        ss = [path.length * i / (int(path.length) + 1) for i in range(int(path.length) + 2)]
        edge = [path.beside(s, t0)[:2] for s in ss] + [path.beside(s, t1)[:2] for s in reversed(ss)]
        points = " ".join(f"{x:.2f},{-y:.2f}" for x, y in edge)
        out.append(f"<polygon points=\"{points}\" fill=\"{color}\"/>")

    def dash(path, t, style):
        points = " ".join("%.2f,%.2f" % (p[0], -p[1]) for p in (path.beside(i, t) for i in range(int(path.length) + 1)))
        out.append(f"<polyline points=\"{points}\" fill=\"none\" stroke=\"white\" stroke-width=\"0.25\" {style}/>")

    ways = [way for junction in junctions for way in junction.ways]
    for street in streets.values():
        strip(street.path, street.kerb + WALK, -street.kerb - WALK, "#b9b4aa")
    for way in ways:
        if way.walk:
            strip(way.path, 0, -LANE - WALK, "#b9b4aa")
    for street in streets.values():
        strip(street.path, street.kerb, -street.kerb, "#55585c")
        for k in range(-street.lanes + 1, street.lanes):
            dash(street.path, k * LANE, "" if k == 0 and street.lanes > 1 else "stroke-dasharray=\"3 3\"")
    for way in ways:
        strip(way.path, 0, -LANE, "#55585c")
    colors = dict(building="#a0785a", crosswalk="#ffffff", parkingSpace="#8899bb", roadMark="#ffffff")
    for street in streets.values():
        for o in street.objects:
            x, y, h = street.path.beside(o["s"], o["t"])
            if o["type"] in colors:
                box = (x, y, h + o["hdg"], o["length"], o["width"])
                points = " ".join("%.2f,%.2f" % (p[0], -p[1]) for p in (place(box, u, v) for u, v in
                                  [(-.5, -.5), (.5, -.5), (.5, .5), (-.5, .5)]))
                out.append(f"<polygon points=\"{points}\" fill=\"{colors[o['type']]}\"/>")
            else:
                color, r = {"tree": ("#3d7a35", 1.2), "pole": ("#222222", 0.4)}.get(o["type"], ("#3d7a35", 0.8))
                out.append(f"<circle cx=\"{x:.2f}\" cy=\"{-y:.2f}\" r=\"{r}\" fill=\"{color}\"/>")
        for g in street.signals:
            x, y, h = street.path.beside(g["s"], g["t"])
            face = h + (math.pi if g["orientation"] == "+" else 0)
            if "inertial" in g:
                x, y, _, face = g["inertial"]
            color = "#d02020" if g["dynamic"] == "yes" else "#e0b000"
            out.append(f"<circle cx=\"{x:.2f}\" cy=\"{-y:.2f}\" r=\"0.9\" fill=\"{color}\"/>")
            out.append(f"<line x1=\"{x:.2f}\" y1=\"{-y:.2f}\" x2=\"{x + 4 * math.cos(face):.2f}\" "
                       f"y2=\"{-y - 4 * math.sin(face):.2f}\" stroke=\"{color}\" stroke-width=\"0.5\"/>")
    return "\n".join(out + ["</svg>", ""])


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
