//! Draws the world from above as SVG: `topdown SCENARIO OUT_FOLDER SECONDS…`, run from the repository. The ego car stays where it starts.

use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2};
use auriga_map::{LaneKind, Map};
use auriga_sim_bridge::plant::{Plant, PlantParameters};
use auriga_sim_bridge::world::{ActorKind, LightColor, World, WorldSnapshot};
use auriga_sim_bridge::{Scenario, TICK};
use std::fmt::Write;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, folder, times @ ..] = arguments.as_slice() else {
        return Err("usage: topdown SCENARIO OUT_FOLDER SECONDS...".into());
    };
    let scenario = Scenario::from_toml(&std::fs::read_to_string(file)?, file)?;
    let map = Arc::new(Map::from_opendrive(&std::fs::read_to_string(&scenario.map)?)?);
    let plant = "configs/vehicles/auriga-sedan-plant.toml";
    let parameters = PlantParameters::from_toml(&std::fs::read_to_string(plant)?, plant)?;
    let mut world = World::new(map.clone(), &scenario, &parameters, 1)?;
    let ego = Plant::new(&parameters, world.start(), 0.0, LogicalTime::ZERO);
    let mut snapshot = WorldSnapshot::default();
    let mut now = LogicalTime::ZERO;
    for time in times {
        let until = LogicalTime::ZERO + LogicalDuration::from_secs_f64(time.parse()?);
        while now <= until {
            world.step(now, &ego, &mut Vec::new());
            now += TICK;
        }
        world.snapshot(&ego, &mut snapshot);
        let ego_box = parameters.footprint(&snapshot.ego.pose.to_pose2());
        std::fs::write(format!("{folder}/{}-{time}.svg", scenario.name), draw(&map, &snapshot, &ego_box)?)?;
    }
    Ok(())
}

fn draw(map: &Map, snapshot: &WorldSnapshot, ego: &OrientedBox) -> Result<String, std::fmt::Error> {
    let (low, high) = map.bounds();
    let (width, height) = (high.x - low.x, high.y - low.y);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='{} {} {width} {height}' width='{}' height='{}'>\
         <rect x='{}' y='{}' width='{width}' height='{height}' fill='#dfe8d8'/><g transform='scale(1,-1)'>",
        low.x,
        -high.y,
        width * 4.0,
        height * 4.0,
        low.x,
        -high.y
    );
    for lane in map.lanes() {
        let color = match lane.kind {
            LaneKind::Driving => "#999",
            LaneKind::Sidewalk => "#ccb",
            LaneKind::Parking => "#aab",
            _ => "#ddd",
        };
        let line = &lane.centerline;
        for pair in line.points.windows(2) {
            let (a, b) = (pair[0].position, pair[1].position);
            writeln!(
                svg,
                "<line x1='{:.2}' y1='{:.2}' x2='{:.2}' y2='{:.2}' stroke='{color}' stroke-width='{:.2}'/>",
                a.x, a.y, b.x, b.y, pair[0].width
            )?;
        }
    }
    for object in map.objects() {
        let footprint = OrientedBox::new(object.pose, object.length, object.width);
        rectangle(&mut svg, &footprint, "#b9a")?;
    }
    for crosswalk in map.crosswalks() {
        let (a, b) = crosswalk.axis;
        writeln!(
            svg,
            "<line x1='{}' y1='{}' x2='{}' y2='{}' stroke='white' stroke-width='2' stroke-dasharray='0.5 0.5'/>",
            a.x, a.y, b.x, b.y
        )?;
    }
    for (signal, color) in &snapshot.lights {
        let at = map.signal(*signal).position;
        let fill = match color {
            LightColor::Red | LightColor::RedAmber => "red",
            LightColor::Amber => "orange",
            LightColor::Green => "lime",
            LightColor::Off => "black",
        };
        writeln!(svg, "<circle cx='{}' cy='{}' r='1.5' fill='{fill}'/>", at.x, at.y)?;
    }
    for actor in &snapshot.actors {
        let color = match actor.kind {
            ActorKind::Pedestrian => "#d0d",
            _ if actor.braking => "#b22",
            _ => "#24b",
        };
        rectangle(&mut svg, &actor.footprint(), color)?;
    }
    rectangle(&mut svg, ego, "#0a0")?;
    svg.push_str("</g></svg>\n");
    Ok(svg)
}

fn rectangle(svg: &mut String, footprint: &OrientedBox, color: &str) -> std::fmt::Result {
    let Pose2 { x, y, yaw } = footprint.center;
    writeln!(
        svg,
        "<rect x='{:.2}' y='{:.2}' width='{:.2}' height='{:.2}' fill='{color}' transform='translate({x:.2},{y:.2}) rotate({:.2})'/>",
        -footprint.length / 2.0,
        -footprint.width / 2.0,
        footprint.length,
        footprint.width,
        yaw.to_degrees()
    )
}
