//! How Rerun arranges it all: the scene from behind the car, the camera, states, curves and the log.
//!
//! Rerun's own builder of blueprints (`rerun::blueprint`, 0.36) can't place the eye of a 3D view, so the blueprint is
//! written here, as the store that it is: entities `view/<id>`, `container/<id>` and `viewport`.

use crate::ViewerError;
use crate::palette;
use crate::stage::{self, TIMELINE};
use crate::viewer::Shows;
use rerun::components::Visible;
use rerun::datatypes::{Float32, Uuid};
use rerun::external::re_log_types::{BlueprintActivationCommand, LogMsg};
use rerun::external::re_sdk_types::blueprint::datatypes::{TextLogColumn, TextLogColumnKind};
use rerun::external::re_sdk_types::blueprint::{archetypes, components};
use rerun::{AsComponents, RecordingStream, RecordingStreamBuilder};

/// The eye: behind and above the car, looking over it at the road ahead; metres in `base_link`.
const EYE: [f32; 3] = [-15.0, 0.0, 9.5];
const LOOK_AT: [f32; 3] = [14.0, 0.0, 0.0];

/// Writes a blueprint; ids are numbers in order, so that the same layout has the same ids.
struct Layout {
    blueprint: RecordingStream,
    next: u8,
}

/// A view or container that exists: its entity and id.
struct Part {
    entity: String,
    id: Uuid,
}

impl Layout {
    fn part(&mut self, kind: &str) -> Part {
        let mut bytes = *b"auriga layout \0\0";
        bytes[15] = self.next;
        self.next += 1;
        let id = Uuid { bytes };
        Part { entity: format!("{kind}/{id}"), id }
    }

    fn view(
        &mut self,
        class: &str,
        name: &str,
        origin: &str,
        contents: &[&str],
        properties: &[(&str, &dyn AsComponents)],
    ) -> Result<Part, ViewerError> {
        let part = self.part("view");
        let queries = contents.iter().map(|query| components::QueryExpression((*query).into()));
        self.blueprint
            .log(format!("{}/ViewContents", part.entity), &archetypes::ViewContents::new(queries))?;
        let view = archetypes::ViewBlueprint::new(components::ViewClass(class.into()))
            .with_display_name(name)
            .with_space_origin(origin);
        self.blueprint.log(part.entity.as_str(), &view)?;
        for (property, what) in properties {
            self.blueprint.log(format!("{}/{property}", part.entity), *what)?;
        }
        Ok(part)
    }

    fn container(
        &mut self,
        kind: components::ContainerKind,
        children: &[(Part, f32)],
    ) -> Result<Part, ViewerError> {
        let part = self.part("container");
        let names =
            children.iter().map(|(child, _)| components::IncludedContent(child.entity.as_str().into()));
        let shares = children.iter().map(|(_, share)| Float32(*share));
        let mut container = archetypes::ContainerBlueprint::new(kind).with_contents(names);
        container = if kind == components::ContainerKind::Horizontal {
            container.with_col_shares(shares.map(components::ColumnShare))
        } else {
            container.with_row_shares(shares.map(components::RowShare))
        };
        self.blueprint.log(part.entity.as_str(), &container)?;
        Ok(part)
    }

    /// The scene from behind the car, the car's own frame at rest.
    fn scene(&mut self) -> Result<Part, ViewerError> {
        let eye = archetypes::EyeControls3D::new()
            .with_kind(components::Eye3DKind::Orbital)
            .with_position(EYE)
            .with_look_target(LOOK_AT)
            .with_eye_up([0.0, 0.0, 1.0]);
        let background = archetypes::Background::new(components::BackgroundKind::SolidColor)
            .with_color(palette::color(palette::BACKGROUND));
        let grid = archetypes::LineGrid3D::new().with_visible(Visible(false.into()));
        let camera = format!("- {}/**", stage::CAMERA);
        let truth = format!("- {}/**", stage::TRUTH);
        self.view(
            "3D",
            "Drive",
            stage::EGO,
            &["+ world/**", &camera, &truth],
            &[("EyeControls3D", &eye), ("Background", &background), ("LineGrid3D", &grid)],
        )
    }

    /// What was decided and why: the level and the text, without the entities.
    fn log(&mut self) -> Result<Part, ViewerError> {
        let column = |kind| TextLogColumn { visible: true.into(), kind };
        let columns = [TextLogColumnKind::LogLevel, TextLogColumnKind::Body].map(column);
        let columns =
            archetypes::TextLogColumns::new().with_text_log_columns(columns.map(components::TextLogColumn));
        self.view("TextLog", "Decisions", "log", &["$origin/**"], &[("TextLogColumns", &columns)])
    }

    fn curves(&mut self, name: &str, origin: &str) -> Result<Part, ViewerError> {
        let legend = archetypes::PlotLegend::new().with_corner(components::Corner2D::LeftTop);
        self.view("TimeSeries", name, origin, &["$origin/**"], &[("PlotLegend", &legend)])
    }
}

/// Sends the arrangement; `live`: the newest instant is shown, otherwise the drive plays from its start.
pub(crate) fn send(recording: &RecordingStream, shows: Shows, live: bool) -> Result<(), ViewerError> {
    let (blueprint, storage) = RecordingStreamBuilder::new("auriga")
        .recording_id("auriga layout")
        .enabled(true)
        .send_properties(false)
        .blueprint()
        .memory()?;
    blueprint.set_log_time_enabled(false);
    blueprint.set_log_tick_enabled(false);
    blueprint.set_time_sequence("blueprint", 0);
    let mut layout = Layout { blueprint, next: 0 };
    let mut left = vec![(layout.scene()?, 5.0)];
    let mut right = Vec::new();
    if shows.camera {
        right.push((layout.view("2D", "Camera", stage::CAMERA, &["$origin/**"], &[])?, 3.2));
    }
    if shows.driving {
        right.push((layout.view("StateTimeline", "States", "states", &["$origin/**"], &[])?, 1.5));
    }
    right.push((layout.curves("Speed (m/s)", "plots/speed")?, 1.8));
    if shows.driving {
        right.push((layout.curves("Acceleration (m/s²)", "plots/acceleration")?, 1.8));
        right.push((layout.curves("Steering angle (rad)", "plots/steering")?, 1.8));
        left.push((layout.log()?, 1.0));
    }
    let left = layout.container(components::ContainerKind::Vertical, &left)?;
    let right = layout.container(components::ContainerKind::Vertical, &right)?;
    let root = layout.container(components::ContainerKind::Horizontal, &[(left, 1.7), (right, 1.0)])?;
    let viewport = archetypes::ViewportBlueprint::new()
        .with_root_container(components::RootContainer(root.id))
        .with_auto_layout(components::AutoLayout(false.into()))
        .with_auto_views(components::AutoViews(false.into()));
    layout.blueprint.log("viewport", &viewport)?;
    panels(&layout.blueprint, live)?;
    activate(recording, storage.take());
    Ok(())
}

/// The side panels are folded away; time is ours.
fn panels(blueprint: &RecordingStream, live: bool) -> Result<(), ViewerError> {
    let hidden = archetypes::PanelBlueprint::new().with_state(components::PanelState::Collapsed);
    blueprint.log("blueprint_panel", &hidden)?;
    blueprint.log("selection_panel", &hidden)?;
    let play = if live { components::PlayState::Following } else { components::PlayState::Playing };
    let time = archetypes::TimePanelBlueprint::new()
        .with_state(components::PanelState::Collapsed)
        .with_timeline(components::TimelineName(TIMELINE.into()))
        .with_play_state(play);
    Ok(blueprint.log("time_panel", &time)?)
}

fn activate(recording: &RecordingStream, messages: Vec<LogMsg>) {
    let Some(blueprint_id) = messages.iter().find_map(|message| match message {
        LogMsg::SetStoreInfo(info) => Some(info.info.store_id.clone()),
        _ => None,
    }) else {
        return;
    };
    let command = BlueprintActivationCommand { blueprint_id, make_active: true, make_default: true };
    recording.send_blueprint(messages, command);
}
