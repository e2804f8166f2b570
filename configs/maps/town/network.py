"""Streets, junctions and the town's plan."""
import math

from .paths import EAST, LANE, NORTH, PARK, SOUTH, WEST, Path, normal, quarter_turn, solve, tangent


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
        self.apron = turn == 0 and a.street.lanes != b.street.lanes


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
