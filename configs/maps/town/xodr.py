"""The town as OpenDRIVE text."""
import math
from xml.sax.saxutils import quoteattr

from .paths import LANE, PARK, WALK, normal

KMH = {50: "50", 30: "30"}


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
    if way.apron:
        # Asphalt beside the inner lane's straight way, where the outer lane of the wider arm begins or ends.
        end, full, taper = way.path.length, 11.0, 5.0
        if way.a.street.lanes > way.b.street.lanes:
            widths = [(0, LANE, 0, 0, 0), (full, LANE, -LANE / taper, 0, 0), (full + taper, 0, 0, 0, 0)]
        else:
            widths = [(0, 0, 0, 0, 0), (end - full - taper, 0, LANE / taper, 0, 0), (end - full, LANE, 0, 0, 0)]
        lines.append(lane_xml(-2, "shoulder", widths, None, None, none))
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
