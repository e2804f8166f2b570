"""What stands along the streets: lights, signs, crosswalks, buildings, greenery."""
import math

from .network import Arm
from .paths import LANE, PARK, WALK, normal


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
        # Before the far crosswalk, where the pavement's corner begins.
        ahead, aside = far.reach + 0.5, far.street.kerb + 0.7
        x = junction.x + ahead * math.cos(heading) + aside * math.sin(heading)
        y = junction.y + ahead * math.sin(heading) - aside * math.cos(heading)
        add_pole(far.street, x, y, ids, 4.8, 0.09, "TrafficLightPole")
        # The housing hangs 0.25 m in front of the pole and 0.45 m towards the road.
        hx = x - 0.25 * math.cos(heading) - 0.45 * math.sin(heading)
        hy = y - 0.25 * math.sin(heading) + 0.45 * math.cos(heading)
        signal = dict(id=ids.take(), name=f"Light {junction.name} {street.name}", dynamic="yes", type="1000001", subtype="-1",
                      s=arm.s(5.0), t=arm.left_of_travel_in(-(street.kerb + 0.7)), zOffset=3.4, hOffset=0.0, height=1.2,
                      width=0.5, orientation=arm.orientation,
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
            # The grid's points are closer together than any road is wide.
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
