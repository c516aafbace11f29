//! Where everything of the picture stands: scopes are rows, from the widest to the narrowest, and stages are columns, from
//! what a request meets first to what it meets last.

use std::collections::{BTreeMap, BTreeSet};

use super::text;
use crate::cli::wrap::wrap;
use crate::policy::graph::{EdgeKind, Graph, Node, NodeId, Part, Scope, Stage, Standing};

pub(super) const MARGIN: f64 = 28.0;
/// The left column, which names the scopes.
pub(super) const NAMES: f64 = 214.0;
pub(super) const TOP: f64 = 92.0;
pub(super) const HEADER: f64 = 44.0;
/// Left of the cards of a column, for the lines of what overrides what.
const GUTTER: f64 = 16.0;
const LANE: f64 = 7.0;
const GAP: f64 = 8.0;
const PAD: f64 = 10.0;
pub(super) const INDENT: f64 = 13.0;
pub(super) const RULE_SIZE: f64 = 10.5;
pub(super) const RULE_LINE: f64 = 14.0;
pub(super) const TEXT_LEFT: f64 = 13.0;
/// Later lines of a rule stand to the right of its first.
pub(super) const HANG: f64 = 12.0;
/// Of a namespace that has only a heading.
const HEADING: f64 = 46.0;

/// How much of a rule is shown.
#[derive(Clone, Copy)]
pub(super) struct Detail {
    /// Parts of one policy; what more there are is counted.
    pub(super) parts: usize,
    /// Lines of one part.
    pub(super) lines: usize,
}

pub(super) struct Column {
    pub(super) stage: Stage,
    pub(super) x: f64,
    pub(super) width: f64,
    /// Where its cards begin.
    pub(super) cards: f64,
}

pub(super) struct Row<'g> {
    pub(super) level: &'static str,
    pub(super) name: String,
    pub(super) more: Option<String>,
    /// How deep the scope is in others.
    pub(super) depth: usize,
    /// Whether a namespace begins here.
    pub(super) begins: bool,
    pub(super) y: f64,
    pub(super) height: f64,
    pub(super) cards: Vec<Card<'g>>,
}

pub(super) struct Card<'g> {
    pub(super) id: NodeId,
    pub(super) node: &'g Node,
    pub(super) head: String,
    pub(super) object: Option<String>,
    pub(super) parts: Vec<Line<'g>>,
    /// Parts that are not shown.
    pub(super) more: usize,
    pub(super) notes: Vec<String>,
    pub(super) column: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A part that is a line of its policy's card.
pub(super) struct Line<'g> {
    pub(super) node: &'g Node,
    pub(super) text: Vec<String>,
}

/// From the card that overrides to the one that is overridden, by the gutter.
pub(super) struct Arrow {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
    pub(super) lane: f64,
    pub(super) why: String,
}

pub(super) struct Layout<'g> {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row<'g>>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) width: f64,
    pub(super) bottom: f64,
}

/// A row by its place: of a namespace, then by its scope, then by port.
type Key<'g> = (Option<&'g str>, &'g Scope, Option<u16>);

/// Lays out a graph; `always` are scopes that have a row even if no policy is there.
pub(super) fn layout<'g>(graph: &'g Graph, always: &'g [Scope], detail: Detail) -> Layout<'g> {
    let mut parts: BTreeMap<NodeId, Vec<&Node>> = BTreeMap::new();
    let mut rows: BTreeMap<Key<'g>, Vec<(NodeId, &'g Node)>> = always
        .iter()
        .map(|scope| ((namespace(scope), scope, None), Vec::new()))
        .collect();
    let mut stages = BTreeSet::new();
    for (id, node) in graph.nodes() {
        stages.insert(node.stage);
        match (own_port(node), node.whole) {
            (None, Some(whole)) => parts.entry(whole).or_default().push(node),
            (port, _) => rows
                .entry((namespace(&node.scope), &node.scope, port))
                .or_default()
                .push((id, node)),
        }
    }
    let mut columns = columns(&stages);
    let lanes = lanes(graph, &columns);
    widen(&mut columns, &lanes);
    let mut laid = Vec::new();
    let mut y = TOP + HEADER;
    let mut before: Option<&str> = None;
    for ((group, scope, port), nodes) in rows {
        let begins = group.is_some() && before != group;
        before = group;
        let mut row = row(scope, port, begins);
        if begins && !matches!(scope, Scope::Namespace(_)) {
            // A namespace without policies of its own has a heading all the same.
            let name = group.unwrap_or_default().to_owned();
            laid.push(Row {
                level: "NAMESPACE",
                name,
                depth: 0,
                more: None,
                y,
                height: HEADING,
                ..row
            });
            y += HEADING;
            row = self::row(scope, port, false);
        }
        row.y = y;
        let mut heights = vec![PAD; columns.len()];
        for (id, node) in nodes {
            let Some((at, column)) = columns
                .iter()
                .enumerate()
                .find(|(_, column)| column.stage == node.stage)
            else {
                continue;
            };
            let Some(height) = heights.get_mut(at) else { continue };
            let own = parts.get(&id).map_or(&[][..], Vec::as_slice);
            let mut card = card((id, node), own, column, detail);
            card.column = at;
            card.y = y + *height;
            *height += card.height + GAP;
            row.cards.push(card);
        }
        row.height = heights.into_iter().fold(0.0, f64::max).max(HEADING) - GAP + PAD;
        y += row.height;
        laid.push(row);
    }
    let arrows = arrows(graph, &laid, &columns, &lanes);
    let width = columns.last().map_or(MARGIN + NAMES, |column| column.x + column.width) + MARGIN;
    Layout {
        columns,
        rows: laid,
        arrows,
        width: width.max(640.0),
        bottom: y,
    }
}

pub(super) fn namespace(scope: &Scope) -> Option<&str> {
    match scope {
        Scope::Mesh => None,
        Scope::Namespace(namespace)
        | Scope::Host { namespace, .. }
        | Scope::Service { namespace, .. }
        | Scope::Waypoint { namespace, .. }
        | Scope::Workload { namespace, .. } => Some(namespace),
        Scope::Pods { namespace, .. } => namespace.as_deref(),
    }
}

/// The pod port that a node is about alone.
fn own_port(node: &Node) -> Option<u16> {
    match node.part {
        Some(Part::Port(port)) if node.stage == Stage::Mtls => Some(port),
        _ => None,
    }
}

fn row<'g>(scope: &Scope, port: Option<u16>, begins: bool) -> Row<'g> {
    let (level, name, depth) = match scope {
        Scope::Mesh => ("MESH", "everything".to_owned(), 0),
        Scope::Namespace(name) => ("NAMESPACE", name.clone(), 0),
        Scope::Host { host, .. } => ("HOST", host.clone(), 1),
        Scope::Service { name, .. } => ("SERVICE", name.clone(), 1),
        Scope::Waypoint { name, .. } => ("WAYPOINT", name.clone(), 1),
        Scope::Pods { labels, .. } => ("PODS", crate::policy::words::labels_of(labels), 1),
        Scope::Workload { name, .. } => ("WORKLOAD", name.clone(), 1),
    };
    let mut row = Row {
        level,
        name,
        more: None,
        depth,
        begins,
        y: 0.0,
        height: 0.0,
        cards: Vec::new(),
    };
    if let Some(port) = port {
        row.more = Some(row.name);
        row.level = "PORT";
        row.name = port.to_string();
        row.depth = 2;
    }
    row
}

fn columns(stages: &BTreeSet<Stage>) -> Vec<Column> {
    let mut columns = Vec::new();
    for stage in stages {
        let cards = match stage {
            Stage::Mtls => 176.0,
            Stage::Client | Stage::Custom | Stage::Tokens | Stage::Audit => 226.0,
            Stage::Deny => 260.0,
            Stage::Allow => 320.0,
        };
        columns.push(Column {
            stage: *stage,
            x: 0.0,
            width: cards,
            cards: 0.0,
        });
    }
    columns
}

/// The lane of each node that is overridden, in its column: lines to one node run together.
fn lanes(graph: &Graph, columns: &[Column]) -> BTreeMap<NodeId, usize> {
    const MOST: usize = 5;
    let mut lanes = BTreeMap::new();
    let mut next = vec![0; columns.len()];
    for (from, to, edge) in graph.edges() {
        let (Some(source), Some(target)) = (graph.node(from), graph.node(to)) else {
            continue;
        };
        if edge.kind != EdgeKind::Overrides || is_inside(source, to) || lanes.contains_key(&to) {
            continue;
        }
        let at = columns.iter().position(|column| column.stage == target.stage);
        if let Some(next) = at.and_then(|at| next.get_mut(at)) {
            lanes.insert(to, *next % MOST);
            *next += 1;
        }
    }
    lanes
}

/// Whether a node is drawn in the card of another.
fn is_inside(node: &Node, card: NodeId) -> bool {
    node.whole == Some(card) && own_port(node).is_none()
}

fn widen(columns: &mut [Column], lanes: &BTreeMap<NodeId, usize>) {
    // Every column that has lines could have as many as the busiest one.
    let most = lanes.values().max().map_or(0, |lane| lane + 1);
    let mut x = MARGIN + NAMES;
    for column in columns {
        #[expect(clippy::cast_precision_loss, reason = "a handful of lanes")]
        let gutter = match column.stage {
            Stage::Mtls | Stage::Client => GUTTER + LANE * most as f64,
            _ => GUTTER,
        };
        let cards = column.width;
        column.x = x;
        column.cards = x + gutter;
        column.width = gutter + cards + 12.0;
        x += column.width;
    }
}

fn card<'g>((id, node): (NodeId, &'g Node), parts: &[&'g Node], column: &Column, detail: Detail) -> Card<'g> {
    let width = column.width - (column.cards - column.x) - 12.0;
    let inner = width - TEXT_LEFT - 8.0;
    let letters = text::letters(inner - HANG, RULE_SIZE);
    let shown: Vec<Line<'g>> = parts
        .iter()
        .take(detail.parts)
        .map(|part| Line {
            node: part,
            text: wrap(&line_of(part), letters, detail.lines),
        })
        .collect();
    let more = parts.len() - shown.len();
    let note = match node.standing {
        Standing::Holds => None,
        Standing::Overridden => Some("overridden".to_owned()),
        Standing::Partly => Some("holds in part; elsewhere overridden".to_owned()),
        Standing::Idle | Standing::Unclear => node.why.clone(),
    };
    let notes: Vec<String> = note.map_or(Vec::new(), |note| {
        wrap(&note, text::letters(inner, 10.0), detail.lines.max(2))
    });
    let (head, object) = heading(node);
    let lines: usize = shown.iter().map(|line| line.text.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a number of lines")]
    let height = 24.0
        + if object.is_some() { 15.0 } else { 0.0 }
        + (lines + notes.len() + usize::from(more > 0)) as f64 * RULE_LINE
        + if shown.is_empty() { 4.0 } else { 9.0 };
    Card {
        id,
        node,
        head: text::fit(&head, 12.5, inner),
        object: object.map(|object| text::fit(&object, RULE_SIZE, inner)),
        parts: shown,
        more,
        notes,
        column: 0,
        x: column.cards,
        y: 0.0,
        width,
        height,
    }
}

/// The first lines of a card: what it says, and which object says so.
fn heading(node: &Node) -> (String, Option<String>) {
    let name = if node.object.namespace.is_empty() {
        node.object.name.clone()
    } else {
        format!("{}/{}", node.object.namespace, node.object.name)
    };
    match node.part {
        Some(Part::Port(port)) => (node.says.clone(), Some(format!("{name}, port {port}"))),
        Some(Part::Rule(_)) => (node.says.clone(), None),
        None => {
            // Whom it is for is what its row says.
            let said = match (node.stage, &node.scope) {
                (Stage::Client, Scope::Service { .. } | Scope::Host { .. }) => node.says.split(" to ").next(),
                _ => node.says.split(", for ").next(),
            };
            (said.unwrap_or(&node.says).to_owned(), Some(name))
        }
    }
}

fn line_of(part: &Node) -> String {
    match part.part {
        Some(Part::Port(port)) => format!("port {port}: {}", part.says),
        Some(Part::Rule(at)) if part.stage == Stage::Client => format!("{} {}", at + 1, part.says),
        Some(Part::Rule(_)) | None => format!("· {}", part.says),
    }
}

fn arrows(graph: &Graph, rows: &[Row<'_>], columns: &[Column], lanes: &BTreeMap<NodeId, usize>) -> Vec<Arrow> {
    let cards: BTreeMap<NodeId, &Card<'_>> = rows
        .iter()
        .flat_map(|row| &row.cards)
        .map(|card| (card.id, card))
        .collect();
    let mut arrows = Vec::new();
    for (from, to, edge) in graph.edges() {
        let (Some(source), Some(target)) = (cards.get(&from), cards.get(&to)) else {
            continue;
        };
        let (Some(column), Some(lane)) = (columns.get(target.column), lanes.get(&to)) else {
            continue;
        };
        if edge.kind != EdgeKind::Overrides {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of lanes")]
        let lane = column.cards - 10.0 - LANE * *lane as f64;
        arrows.push(Arrow {
            from: (source.x, source.y + 14.0),
            to: (target.x, target.y + 22.0),
            lane,
            why: edge.why.clone(),
        });
    }
    arrows
}
