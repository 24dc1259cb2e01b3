//! One frame of the lineage view in a headless egui, tessellated, against egui_graphs drawing the same
//! graph with its default shapes: circles and lines without labels.

#[path = "../../engine/benches/rounds/mod.rs"]
mod rounds;

use egui::{Context, Event, Key, Modifiers, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Ui, Vec2};
use egui_graphs::{DefaultEdgeShape, DefaultNodeShape, Graph, GraphView, Layout, LayoutState, MetadataFrame};
use egui_graphs::{DisplayEdge, DisplayNode, SettingsNavigation};
use faultline::command::CommandSender;
use faultline::model::{Cell, Model, Shown, Sign, Timeline};
use faultline::scene::{Edge, EdgeKind, Node, NodeKey, NodeKind, NodeLook, Scene};
use faultline::theme::{Theme, fonts};
use faultline::ui::lineage_view::{LineageViewState, lineage_view_ui};
use faultline::ui::{TimeCtx, ViewCtx};
use faultline_engine::ids::{PartitionId, Timestamp};
use petgraph::graph::IndexType;
use petgraph::stable_graph::{DefaultIx, NodeIndex};
use petgraph::{Directed, EdgeType};
use rounds::{contest, entry, scaled};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const NODES: [usize; 3] = [300, 2_000, 10_000];
const ROUNDS: usize = 31;
const WINDOW: Vec2 = Vec2::new(1280.0, 800.0);
const LARGE: Vec2 = Vec2::new(2560.0, 1440.0);
const NODE: Vec2 = Vec2::new(160.0, 60.0);
const PITCH: Vec2 = Vec2::new(196.0, 96.0);
/// The zoom at which our view shows everything that it has of a node.
const NEAR: f32 = 1.0;
const SIGNS: [Sign; 6] =
    [Sign::InMemory, Sign::ComputedNotKept, Sign::OnDisk, Sign::ComputingAgain, Sign::ReadBack, Sign::NeverComputed];

/// `count` nodes in a grid as wide as the window, each joined to the node right of it and below it.
fn scene(count: usize) -> Scene {
    let width = (count as f32 * WINDOW.x / WINDOW.y * PITCH.y / PITCH.x).sqrt().ceil() as usize;
    let rect = |at: usize| Rect::from_min_size(corner(at % width, at / width), NODE);
    let mut scene = Scene { revision: 1, ..Scene::default() };
    scene.nodes = (0..count).map(|at| node(at, rect(at))).collect();
    for from in 0..count {
        let right = (from % width + 1 < width).then_some(from + 1);
        for to in right.into_iter().chain([from + width]).filter(|to| *to < count) {
            let points = if to == from + 1 {
                vec![rect(from).right_center(), rect(to).left_center()]
            } else {
                vec![rect(from).center_bottom(), rect(to).center_top()]
            };
            scene.edges.push(Edge { from, to, kind: EdgeKind::Narrow, points, ghost: false, on_path: false });
        }
    }
    scene.bounds = scene.nodes.iter().map(|node| node.rect).reduce(Rect::union);
    scene.focus = scene.bounds;
    scene
}

fn corner(column: usize, row: usize) -> Pos2 {
    Pos2::new(column as f32 * PITCH.x, row as f32 * PITCH.y)
}

fn node(at: usize, rect: Rect) -> Node {
    let cell = |(p, sign)| Cell { partition: PartitionId(p), sign, copies: 1, checkpointed: false, recomputed: false };
    Node {
        key: NodeKey(at as u64),
        kind: NodeKind::Operator,
        look: NodeLook::Plain,
        rect,
        title: format!("flatMap · map {at}"),
        subtitle: String::new(),
        batch: None,
        rdds: Vec::new(),
        cells: (0..).zip(SIGNS).map(cell).collect(),
        counts: SIGNS.iter().map(|sign| (*sign, 1)).collect(),
        on_path: false,
        label: format!("flatMap · map {at}, 1 in memory"),
    }
}

/// A window without a screen.
struct Headless {
    ctx: Context,
    size: Vec2,
    frames: u32,
}

impl Headless {
    fn new(size: Vec2) -> Self {
        Self { ctx: Context::default(), size, frames: 0 }
    }

    /// Runs and tessellates a frame; returns the number of vertices.
    fn frame(&mut self, events: Vec<Event>, run: impl FnMut(&mut Ui)) -> u64 {
        self.frames += 1;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, self.size));
        let time = Some(f64::from(self.frames) / 60.0);
        let mut output = self.ctx.run_ui(RawInput { screen_rect, time, events, ..RawInput::default() }, run);
        // There is no screen that could show textures.
        output.textures_delta.clear();
        let primitives = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let vertices = |p: &egui::ClippedPrimitive| match &p.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len() as u64,
            egui::epaint::Primitive::Callback(_) => 0,
        };
        primitives.iter().map(vertices).sum()
    }
}

/// Our view of a scene.
struct Ours {
    window: Headless,
    scene: Arc<Scene>,
    model: Model,
    timeline: Timeline,
    send: CommandSender,
    state: LineageViewState,
    selection: Option<NodeKey>,
}

impl Ours {
    /// Shows everything, or the middle at [`NEAR`] by so many steps of the zoom key.
    fn new(scene: &Arc<Scene>, view: Part, size: Vec2) -> Self {
        let mut this = Self {
            window: Headless::new(size),
            scene: Arc::clone(scene),
            model: Model::default(),
            timeline: Timeline::new(),
            send: CommandSender::default(),
            state: LineageViewState::default(),
            selection: None,
        };
        // The fonts are in force from the second frame on, and keys are heard then.
        this.keys(&[]);
        this.keys(&[]);
        this.keys(&[Key::Num0]);
        if let Part::Middle = view {
            let fitted = (size - Vec2::splat(32.0)) / scene.bounds.map_or(WINDOW, |b| b.size());
            let steps = (NEAR / fitted.min_elem()).log(1.25).round() as usize;
            for _ in 0..steps {
                this.keys(&[Key::Plus]);
            }
        }
        for _ in 0..300 {
            this.keys(&[]);
        }
        let vertices = this.frame(vec![Event::PointerMoved(Pos2::ZERO + size / 2.0)]);
        let all = 4 * scene.nodes.len() as u64;
        assert!(matches!(view, Part::Middle) || vertices >= all, "{vertices} vertices do not show all nodes");
        this
    }

    fn keys(&mut self, keys: &[Key]) -> u64 {
        let event = |key: &Key| Event::Key {
            key: *key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        self.frame(keys.iter().map(event).collect())
    }

    fn frame(&mut self, events: Vec<Event>) -> u64 {
        let race = faultline::race::RaceState::default();
        let ctx = ViewCtx {
            race: &race,
            model: &self.model,
            scene: &self.scene,
            selection: self.selection,
            focus: None,
            now: Timestamp::default(),
            controllable: true,
            time: TimeCtx { timeline: &self.timeline, shown: Shown::Live, running: true },
            send: &self.send,
        };
        let state = &mut self.state;
        let vertices = self.window.frame(events, |ui| {
            Theme::default().apply(ui.ctx());
            if fonts::are_bound(ui.ctx()) {
                lineage_view_ui(ui, &ctx, state, &mut false);
            } else {
                ui.ctx().request_discard("the fonts are in force from the next pass on");
            }
        });
        drop(self.send.drain());
        vertices
    }

    /// A frame in which something changed, so that nothing painted before can be used again.
    fn changed_frame(&mut self) -> u64 {
        self.selection = if self.selection.is_none() { Some(NodeKey(0)) } else { None };
        let before = self.state.shows();
        let vertices = self.keys(&[]);
        assert!(self.state.shows() > before);
        vertices
    }

    /// A frame of a pan by wheel.
    fn pan(&mut self) -> u64 {
        let before = self.state.shows();
        let wheel = Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            // Forth and back, so that all stays in view.
            delta: Vec2::splat(if (self.window.frames / 8).is_multiple_of(2) { 4.0 } else { -4.0 }),
            phase: TouchPhase::Move,
            modifiers: Modifiers::NONE,
        };
        let vertices = self.frame(vec![Event::PointerMoved(Pos2::ZERO + self.window.size / 2.0), wheel]);
        assert!(self.state.shows() > before);
        vertices
    }

    /// A frame of a zoom by key, in and out.
    fn zoom(&mut self) -> u64 {
        let key = if (self.window.frames / 4).is_multiple_of(2) { Key::Plus } else { Key::Minus };
        self.keys(&[key])
    }
}

/// Which part of the scene is shown.
#[derive(Clone, Copy)]
enum Part {
    All,
    Middle,
}

type DefaultGraph = Graph<(), (), Directed, DefaultIx, DefaultNodeShape, DefaultEdgeShape>;

/// egui_graphs with its defaults.
struct Theirs {
    window: Headless,
    graph: DefaultGraph,
    view: Option<(f32, Vec2)>,
}

impl Theirs {
    fn new(scene: &Scene, shown: Part) -> Self {
        let mut graph = DefaultGraph::new();
        let at: Vec<NodeIndex> =
            scene.nodes.iter().map(|n| graph.add_node_with_location((), n.rect.center())).collect();
        for edge in &scene.edges {
            graph.add_edge(at[edge.from], at[edge.to], ());
        }
        let middle = scene.bounds.map_or(Vec2::ZERO, |b| b.center().to_vec2());
        let view = match shown {
            Part::All => None,
            Part::Middle => Some((NEAR, WINDOW / 2.0 - middle * NEAR)),
        };
        let mut this = Self { window: Headless::new(WINDOW), graph, view };
        for _ in 0..3 {
            this.frame();
        }
        this
    }

    fn frame(&mut self) -> u64 {
        let (graph, view) = (&mut self.graph, self.view);
        self.window.frame(Vec::new(), |ui| {
            if let Some((zoom, pan)) = view {
                let mut meta = MetadataFrame::new(None).load(ui);
                (meta.zoom, meta.pan) = (zoom, pan);
                meta.save(ui);
            }
            let navigation = SettingsNavigation::new().with_fit_to_screen_enabled(view.is_none());
            GraphView::<Fixed, Fixed>::new().with_navigations(&navigation).show(ui, graph);
        })
    }
}

/// A layout that leaves every node where it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Fixed;

impl LayoutState for Fixed {}

impl Layout<Self> for Fixed {
    fn from_state(_: Self) -> impl Layout<Self> {
        Self
    }

    fn next<N, E, Ty, Ix, Dn, De>(&mut self, _: &mut Graph<N, E, Ty, Ix, Dn, De>, _: &Ui)
    where
        N: Clone,
        E: Clone,
        Ty: EdgeType,
        Ix: IndexType,
        Dn: DisplayNode<N, E, Ty, Ix>,
        De: DisplayEdge<N, E, Ty, Ix, Dn>,
    {
    }

    fn state(&self) -> Self {
        Self
    }
}

/// `cargo bench --bench lineage_frame -- cpu` prints the last table alone.
fn main() {
    if !std::env::args().any(|arg| arg == "cpu") {
        contests();
    }
    // On a large screen ten thousand nodes are larger than dots.
    for (size, words) in [(WINDOW, "1280×800"), (LARGE, "2560×1440")] {
        let scene = Arc::new(scene(scaled(10_000, 30)));
        println!("\nCPU of a frame of {} nodes, all visible in {words}", scene.nodes.len());
        cpu_of("something changed", &mut Ours::new(&scene, Part::All, size), Ours::changed_frame);
        cpu_of("panned", &mut Ours::new(&scene, Part::All, size), Ours::pan);
        cpu_of("zoomed", &mut Ours::new(&scene, Part::All, size), Ours::zoom);
        cpu_of("nothing changed", &mut Ours::new(&scene, Part::All, size), |ours| ours.keys(&[]));
    }
}

fn contests() {
    for full in NODES {
        let scene = Arc::new(scene(scaled(full, 30)));
        for (part, words) in [(Part::All, "all visible"), (Part::Middle, "zoomed in")] {
            let new = || Ours::new(&scene, part, WINDOW);
            let (mut changed, mut resting, mut panning, mut zooming) = (new(), new(), new(), new());
            let mut theirs = Theirs::new(&scene, part);
            contest(
                &format!("a frame of {} nodes, {words}", scene.nodes.len()),
                ROUNDS,
                vec![
                    entry("lineage view, something changed", || changed.changed_frame()),
                    entry("lineage view, panned", || panning.pan()),
                    entry("lineage view, zoomed", || zooming.zoom()),
                    entry("lineage view, nothing changed", || resting.keys(&[])),
                    entry("egui_graphs' default shapes", || theirs.frame()),
                ],
            );
        }
    }
}

/// Prints what a frame costs this thread, on average, because the system tells that time in ticks: unlike
/// the time that passes, other programs do not count.
fn cpu_of(words: &str, ours: &mut Ours, frame: fn(&mut Ours) -> u64) {
    let frames = scaled(300, 2);
    let before = on_cpu_ns();
    let vertices = (0..frames).map(|_| frame(ours)).sum::<u64>() / frames as u64;
    let each = on_cpu_ns().saturating_sub(before) as f64 / frames as f64;
    println!("  {words:<20} {:.2} ms, {vertices} vertices", each / 1e6);
}

/// For how long this thread has run, where Linux tells.
fn on_cpu_ns() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default()
}
