//! Answers questions about an OpenDRIVE or Lanelet2 map, one a line, for comparison with other map libraries.
//!
//! `map_query FILE < questions > answers`. A lane is written `road section lane`, `-` where there is none.
//!
//! | question | answer |
//! |---|---|
//! | `nearest X Y Z` | lane, road_s, x, y, z, heading, width, distance, how much farther the next lane is |
//! | `z X Y` | height of the driving lane nearest in the plane |
//! | `waypoint ROAD SECTION LANE ROAD_S D...` | x, y, z, heading, width, then `;` left `;` right, then for each D `; next` and `; previous`: `lane road_s` each |
//! | `links` | one line for each link between driving lanes: lane, lane; then an empty line |
//! | `sides` | for each driving lane: lane, left neighbour, right neighbour, each with `change` or `stay`; then an empty line |
//! | `seconds N` | nanoseconds for: one nearest lane and one next waypoint (N random ones), the slowest of 50 routes, one load |
//! | `memory` | peak resident size, kB |

use auriga_geometry::{Vec2, Vec3};
use auriga_map::{Lane, LaneId, LaneKind, LanePosition, Map};
use std::fmt::Write as _;
use std::io::{BufRead, Error, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which file?")?;
    let xml = std::fs::read_to_string(&file)?;
    let map = Map::from_text(&xml)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.split_first() {
            Some((&"nearest", at)) => writeln!(out, "{}", nearest(&map, &numbers(at)?)?)?,
            Some((&"z", at)) => writeln!(out, "{}", height(&map, &numbers(at)?)?)?,
            Some((&"waypoint", place)) => writeln!(out, "{}", waypoint(&map, place)?)?,
            Some((&"links", _)) => writeln!(out, "{}", links(&map))?,
            Some((&"sides", _)) => writeln!(out, "{}", sides(&map))?,
            Some((&"seconds", count)) => writeln!(out, "{}", seconds(&map, &xml, &numbers(count)?)?)?,
            Some((&"memory", _)) => writeln!(out, "{}", memory()?)?,
            _ => return Err(format!("what is \"{line}\"?").into()),
        }
    }
    Ok(out.flush()?)
}

fn numbers(words: &[&str]) -> Result<Vec<f64>, Error> {
    words.iter().map(|word| word.parse().map_err(Error::other)).collect()
}

fn nearest(map: &Map, at: &[f64]) -> Result<String, Error> {
    let &[x, y, z] = at else { return Err(Error::other("nearest X Y Z")) };
    let point = Vec3::new(x, y, z);
    let Some(found) = map.nearest_lane_at_height(point, None) else { return Ok("-".into()) };
    let lane = map.lane(found.lane);
    let centre = lane.centerline.at(found.s);
    let distance = distance(lane, point);
    let mut around = Vec::new();
    map.lanes_within(point.xy(), (centre.position - point.xy()).norm() + 0.1, &mut around);
    let others = around.iter().map(|id| map.lane(*id));
    let others = others.filter(|other| other.id != lane.id && other.kind == LaneKind::Driving);
    let second = others.map(|other| self::distance(other, point)).fold(f64::INFINITY, f64::min);
    Ok(format!(
        "{} {} {} {distance} {}",
        name(lane),
        lane.road_s(found.s),
        centre_text(lane, found.s),
        second - distance
    ))
}

fn distance(lane: &Lane, point: Vec3) -> f64 {
    let at = lane.centerline.at(lane.centerline.project(point.xy()).0);
    (Vec3::new(at.position.x, at.position.y, at.z) - point).norm()
}

fn height(map: &Map, at: &[f64]) -> Result<String, Error> {
    let &[x, y] = at else { return Err(Error::other("z X Y")) };
    let found = map.nearest_lane(Vec2::new(x, y), None);
    Ok(found.map_or("0".into(), |at| map.lane(at.lane).centerline.at(at.s).z.to_string()))
}

fn name(lane: &Lane) -> String {
    format!("{} {} {}", lane.key.road, lane.key.section, lane.key.lane)
}

fn centre_text(lane: &Lane, s: f64) -> String {
    let at = lane.centerline.at(s);
    format!("{} {} {} {} {}", at.position.x, at.position.y, at.z, at.heading, at.width)
}

fn waypoint(map: &Map, place: &[&str]) -> Result<String, Error> {
    let [road, section, number, rest @ ..] = place else {
        return Err(Error::other("waypoint ROAD SECTION LANE S"));
    };
    let rest = numbers(rest)?;
    let is_it = |lane: &&Lane| {
        lane.key.road == *road
            && lane.key.section.to_string() == *section
            && lane.key.lane.to_string() == *number
    };
    let Some(lane) = map.lanes().iter().find(is_it) else { return Ok("-".into()) };
    let mut text = centre_text(lane, lane.s_at_road_s(rest[0]));
    for side in [lane.left, lane.right] {
        text += " ; ";
        text += &side.map_or("-".into(), |side| name(map.lane(side.lane)));
    }
    for &distance in &rest[1..] {
        for forward in [true, false] {
            text += " ;";
            let mut found = Vec::new();
            walk(map, lane, rest[0], distance, forward, &mut found);
            for (id, road_s) in found {
                let _ = write!(text, " {} {road_s}", name(map.lane(id)));
            }
        }
    }
    Ok(text)
}

/// On by metres of the reference lines, as CARLA counts them.
fn walk(map: &Map, lane: &Lane, road_s: f64, distance: f64, forward: bool, found: &mut Vec<(LaneId, f64)>) {
    let (start, end) = (lane.road_s(0.0), lane.road_s(lane.length));
    let room = if forward { (end - road_s).abs() } else { (road_s - start).abs() };
    if distance <= room {
        let along = lane.runs_forward() == forward;
        found.push((lane.id, if along { road_s + distance } else { road_s - distance }));
        return;
    }
    let beyond = if forward { &lane.successors } else { &lane.predecessors };
    for next in beyond.iter().map(|id| map.lane(*id)) {
        let entry = if forward { next.road_s(0.0) } else { next.road_s(next.length) };
        walk(map, next, entry, distance - room, forward, found);
    }
}

fn links(map: &Map) -> String {
    let mut text = String::new();
    for lane in map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving) {
        for next in
            lane.successors.iter().map(|id| map.lane(*id)).filter(|next| next.kind == LaneKind::Driving)
        {
            let _ = writeln!(text, "{} {}", name(lane), name(next));
        }
    }
    text
}

fn sides(map: &Map) -> String {
    let mut text = String::new();
    for lane in map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving) {
        text += &name(lane);
        for side in [lane.left, lane.right] {
            let beside = side.filter(|side| side.same_direction);
            let change = if beside.is_some_and(|side| side.change_allowed) { "change" } else { "stay" };
            let _ =
                write!(text, " ; {} {change}", beside.map_or("-".into(), |side| name(map.lane(side.lane))));
        }
        text.push('\n');
    }
    text
}

/// The least of several measurements of each, so that other programs on the machine matter little.
fn seconds(map: &Map, xml: &str, count: &[f64]) -> Result<String, Error> {
    let count = count.first().map_or(1000, |count| *count as usize).max(1);
    let driving: Vec<&Lane> = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let mut places = Vec::new();
    for _ in 0..count {
        let lane = driving[(random() * driving.len() as f64) as usize];
        let s = random() * lane.length;
        let aside = Vec2::new(6.0 * random() - 3.0, 6.0 * random() - 3.0);
        places.push((lane.centerline.at(s).position + aside, LanePosition { lane: lane.id, s, d: 0.0 }));
    }
    let mut sum = 0.0;
    let nearest = least_ns(200, &mut || {
        places.iter().for_each(|(point, _)| sum += map.nearest_lane(*point, None).map_or(0.0, |at| at.s));
    }) / count as f64;
    let mut found = Vec::with_capacity(64);
    let next = least_ns(200, &mut || {
        for (_, at) in &places {
            map.next(*at, 2.0, &mut found);
            sum += found.len() as f64;
        }
    }) / count as f64;
    let mut slowest = 0.0_f64;
    for pair in places.windows(2).take(50) {
        slowest = slowest.max(least_ns(5, &mut || {
            sum += map.route(pair[0].1, pair[1].1).map_or(0.0, |route| route.length);
        }));
    }
    let load =
        least_cpu_ns(5, &mut || sum += Map::from_opendrive(xml).map_or(0.0, |map| map.lanes().len() as f64))?;
    Ok(format!("{nearest:.0} {next:.0} {slowest:.0} {load:.0} (checksum {sum})"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "a measurement looks at the clock; of many short ones the least counts"
)]
fn least_ns(times: usize, work: &mut dyn FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let before = std::time::Instant::now();
        work();
        least = least.min(before.elapsed().as_nanos() as f64);
    }
    least
}

fn least_cpu_ns(times: usize, work: &mut dyn FnMut()) -> Result<f64, Error> {
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let before = cpu_ns()?;
        work();
        least = least.min(cpu_ns()? - before);
    }
    Ok(least)
}

/// Nanoseconds that this thread has computed for.
fn cpu_ns() -> Result<f64, Error> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).ok_or_else(|| Error::other("no schedstat"))
}

fn memory() -> Result<String, Error> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with("VmHWM"));
    Ok(line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("?").to_string())
}
