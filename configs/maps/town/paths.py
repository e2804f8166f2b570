"""Reference lines: turtle paths of lines, arcs and spirals."""
import math

LANE = 3.5          # width of a driving lane
WALK = 2.5          # width of a pavement
PARK = 2.2          # width of a parking lane
EAST, NORTH, WEST, SOUTH = 0.0, math.pi / 2, math.pi, -math.pi / 2


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


def normal(angle):
    return math.remainder(angle, math.tau)
