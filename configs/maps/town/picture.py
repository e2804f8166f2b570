"""The town as a picture."""
import math

from .furniture import place
from .paths import LANE, WALK


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
        if way.apron:
            wide_end = way.path.length if way.b.street.lanes > way.a.street.lanes else 0.0
            points = " ".join("%.2f,%.2f" % (p[0], -p[1]) for p in (
                way.path.beside(abs(wide_end - back), -side * LANE) for back, side in ((16, 1), (0, 1), (0, 2), (11, 2))))
            out.append(f"<polygon points=\"{points}\" fill=\"#55585c\"/>")
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
