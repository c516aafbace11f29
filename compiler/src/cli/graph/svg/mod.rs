//! The graph as a picture that stands alone: no scripts, no fonts, nothing from elsewhere; readable on light and dark.
//!
//! Each node is an element with an `id`, the classes of its stage and standing, and a `title`.

mod layout;
mod text;

use std::fmt::Write as _;

use super::Subject;
use crate::cli::verdicts;
use crate::policy::graph::{Node, Scope, Stage};
use layout::{Arrow, Card, Column, Detail, Layout, MARGIN, NAMES, Row, TOP};
pub(super) use text::escape;

const STYLE: &str = include_str!("style.css");

/// Above so many nodes, rules are counted rather than shown.
const CROWD: usize = 1_500;

pub(super) fn write(subject: &Subject<'_>) -> String {
    let count = subject.graph.nodes().count();
    let detail = match (&subject.workload, count) {
        (Some(_), ..CROWD) => Detail { parts: 60, lines: 6 },
        (None, ..CROWD) => Detail { parts: 12, lines: 2 },
        _ => Detail { parts: 2, lines: 1 },
    };
    let always = scopes(subject);
    let layout = layout::layout(subject.graph, &always, detail);
    let height = layout.bottom + 86.0;
    let (heading, subheading) = headings(subject, count);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {w:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title\">",
        w = layout.width
    );
    let _ = writeln!(out, "<title id=\"title\">{}</title>", escape(&heading));
    let _ = writeln!(out, "<style>\n{STYLE}</style>");
    let _ = writeln!(
        out,
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"tip\" d=\"M0 0.6L8 4L0 7.4z\"/></marker></defs>"
    );
    let _ = writeln!(out, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    let _ = writeln!(
        out,
        "<text class=\"heading\" x=\"{MARGIN}\" y=\"42\">{}</text>",
        escape(&heading)
    );
    let _ = writeln!(
        out,
        "<text class=\"subheading\" x=\"{MARGIN}\" y=\"64\">{}</text>",
        escape(&subheading)
    );
    grid(&mut out, &layout);
    for row in &layout.rows {
        names(&mut out, row);
        for card in &row.cards {
            draw(&mut out, card, subject);
        }
    }
    for arrow in &layout.arrows {
        line(&mut out, arrow);
    }
    legend(&mut out, layout.bottom + 40.0);
    out.push_str("</svg>\n");
    out
}

/// The scopes that have a row even if nothing is said there: all levels of the one workload.
fn scopes(subject: &Subject<'_>) -> Vec<Scope> {
    let mut scopes = vec![Scope::Mesh];
    if let Some((namespace, name)) = subject.workload.as_ref().and_then(|name| name.split_once('/')) {
        scopes.push(Scope::Namespace(namespace.to_owned()));
        scopes.push(Scope::Workload {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    }
    scopes
}

fn headings(subject: &Subject<'_>, count: usize) -> (String, String) {
    let of = match (&subject.workload, subject.port) {
        (Some(name), Some(port)) => format!("Policies in force at {name}, port {port}"),
        (Some(name), None) => format!("Policies in force at {name}"),
        (None, _) => "Policies of the mesh".to_owned(),
    };
    let policies = subject.graph.nodes().filter(|(_, node)| node.whole.is_none()).count();
    let what = match (policies, count - policies) {
        (0, _) => "no policy".to_owned(),
        (policies, parts) => {
            let plural =
                |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
            format!(
                "{} with {}",
                plural(policies, "policy", "policies"),
                plural(parts, "rule or port", "rules and ports")
            )
        }
    };
    let how = "wider scopes above, narrower below; a request meets the columns from left to right";
    (of, format!("{what} · {} · {how}", subject.target))
}

const fn title_of(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Client => ("Client TLS", "what callers speak"),
        Stage::Mtls => ("Mutual TLS", "narrowest scope holds"),
        Stage::Custom => ("CUSTOM", "external authorizers"),
        Stage::Tokens => ("Tokens", "all scopes add up"),
        Stage::Deny => ("DENY", "any match refuses"),
        Stage::Allow => ("ALLOW", "any match admits"),
        Stage::Audit => ("AUDIT", "never decides"),
    }
}

fn grid(out: &mut String, layout: &Layout<'_>) {
    let bottom = layout.bottom;
    for (at, column) in layout.columns.iter().enumerate() {
        let Column { x, width, cards, stage } = column;
        if at % 2 == 0 {
            let _ = writeln!(
                out,
                "<rect class=\"column\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"6\"/>",
                bottom - TOP
            );
        }
        let (name, what) = title_of(*stage);
        let y = TOP + 19.0;
        let _ = writeln!(
            out,
            "<text class=\"stage-name\" x=\"{cards:.1}\" y=\"{y}\">{name}</text>"
        );
        let _ = writeln!(
            out,
            "<text class=\"stage-order\" x=\"{cards:.1}\" y=\"{}\">{what}</text>",
            y + 15.0
        );
        // AUDIT is beside the order.
        if at > 0 && *stage != Stage::Audit {
            let (x, y) = (x - 4.0, TOP + 15.0);
            let _ = writeln!(out, "<path class=\"chevron\" d=\"M{x:.1} {y:.1}l6 6l-6 6\"/>");
        }
    }
    for row in &layout.rows {
        let class = if row.begins { "group" } else { "band" };
        let left = MARGIN + if row.depth == 2 { NAMES } else { 0.0 };
        let right = layout.width - MARGIN;
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{left:.1} {0:.1}H{right:.1}\"/>",
            row.y
        );
    }
}

fn names(out: &mut String, row: &Row<'_>) {
    #[expect(clippy::cast_precision_loss, reason = "0, 1 or 2")]
    let x = MARGIN + layout::INDENT * row.depth as f64;
    if row.depth > 0 {
        let (guide, bottom) = (x - 7.0, row.y + row.height);
        let _ = writeln!(
            out,
            "<path class=\"guide\" d=\"M{guide:.1} {:.1}V{bottom:.1}\"/>",
            row.y
        );
    }
    let most = NAMES - (x - MARGIN) - 6.0;
    let _ = writeln!(out, "<g class=\"scope\"><title>{}</title>", escape(&row.name));
    let _ = writeln!(
        out,
        "<text class=\"level\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
        row.y + 19.0,
        row.level
    );
    let name = text::fit(&row.name, 13.0, most);
    let _ = writeln!(
        out,
        "<text class=\"scope-name\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
        row.y + 35.0,
        escape(&name)
    );
    if let Some(more) = &row.more {
        let more = text::fit(&format!("of {more}"), 10.5, most - 60.0);
        let after = x + text::width(&row.name, 13.0) + 4.0;
        let _ = writeln!(
            out,
            "<text class=\"scope-more\" x=\"{after:.1}\" y=\"{:.1}\">{}</text>",
            row.y + 35.0,
            escape(&more)
        );
    }
    out.push_str("</g>\n");
}

/// The `id` of the element of a node: its name, in the letters that an `id` has.
pub(super) fn id(node: &Node) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let letter = |c: char| match c {
        '/' => ':',
        '#' | '~' => '_',
        c if fits(c) => c,
        _ => '_',
    };
    node.name.chars().map(letter).collect()
}

fn title(node: &Node, subject: &Subject<'_>) -> String {
    let (file, line, _) = verdicts::place(subject.sources, node.origin);
    let why = node
        .why
        .as_ref()
        .map_or(String::new(), |why| format!("\n{}: {why}", node.standing.word()));
    format!("{}\n{}\n{file}:{line}{why}", node.object, node.says)
}

fn draw(out: &mut String, card: &Card<'_>, subject: &Subject<'_>) {
    let Card {
        node,
        x,
        y,
        width,
        height,
        ..
    } = card;
    let _ = writeln!(
        out,
        "<g id=\"{}\" class=\"node card {} {}\"><title>{}</title>",
        id(node),
        node.stage.word(),
        node.standing.word(),
        escape(&title(node, subject))
    );
    let _ = writeln!(
        out,
        "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/><path class=\"bar\" d=\"M{:.1} {y:.1}h-2a4 6 0 0 0 -4 6v{:.1}a4 6 0 0 0 4 6h2z\"/>",
        x + 6.0,
        height - 12.0
    );
    let left = x + layout::TEXT_LEFT;
    let mut base = y + 18.0;
    let _ = writeln!(
        out,
        "<text class=\"head\" x=\"{left:.1}\" y=\"{base:.1}\">{}</text>",
        escape(&card.head)
    );
    if let Some(object) = &card.object {
        base += 15.0;
        let _ = writeln!(
            out,
            "<text class=\"object\" x=\"{left:.1}\" y=\"{base:.1}\">{}</text>",
            escape(object)
        );
    }
    base += if card.parts.is_empty() { 0.0 } else { 4.0 };
    for part in &card.parts {
        let _ = writeln!(
            out,
            "<g id=\"{}\" class=\"node part {}\"><title>{}</title>",
            id(part.node),
            part.node.standing.word(),
            escape(&title(part.node, subject))
        );
        for (at, line) in part.text.iter().enumerate() {
            base += layout::RULE_LINE;
            let x = if at == 0 { left } else { left + layout::HANG };
            let _ = writeln!(
                out,
                "<text class=\"rule\" x=\"{x:.1}\" y=\"{base:.1}\">{}</text>",
                escape(line)
            );
        }
        out.push_str("</g>\n");
    }
    if card.more > 0 {
        base += layout::RULE_LINE;
        let _ = writeln!(
            out,
            "<text class=\"more\" x=\"{left:.1}\" y=\"{base:.1}\">… and {} more</text>",
            card.more
        );
    }
    for note in &card.notes {
        base += layout::RULE_LINE;
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{left:.1}\" y=\"{base:.1}\">{}</text>",
            escape(note)
        );
    }
    out.push_str("</g>\n");
}

fn line(out: &mut String, arrow: &Arrow) {
    let Arrow { from, to, lane, why } = arrow;
    let turn = if to.1 < from.1 { -1.0 } else { 1.0 };
    let radius = 5.0;
    let _ = writeln!(
        out,
        "<path class=\"overrides\" marker-end=\"url(#tip)\" d=\"M{:.1} {:.1}H{:.1}Q{lane:.1} {:.1} {lane:.1} {:.1}V{:.1}Q{lane:.1} {:.1} {:.1} {:.1}H{:.1}\"><title>{}</title></path>",
        from.0,
        from.1,
        lane + radius,
        from.1,
        from.1 + turn * radius,
        to.1 - turn * radius,
        to.1,
        lane + radius,
        to.1,
        to.0,
        escape(why)
    );
}

fn legend(out: &mut String, y: f64) {
    let mut x = MARGIN;
    let entries = [
        ("holds", "in force"),
        ("partly", "in force in part"),
        ("overridden", "overridden by something narrower"),
        ("idle", "decides nothing here"),
        ("unclear", "not known which holds"),
    ];
    out.push_str("<g class=\"key\">\n");
    for (class, what) in entries {
        let _ = writeln!(
            out,
            "<g class=\"card {class}\"><rect class=\"box\" x=\"{x:.1}\" y=\"{:.1}\" width=\"44\" height=\"20\" rx=\"5\"/><text class=\"head\" x=\"{:.1}\" y=\"{:.1}\">abc</text></g>",
            y - 14.0,
            x + 10.0,
            y
        );
        x += 52.0;
        let _ = writeln!(out, "<text class=\"legend\" x=\"{x:.1}\" y=\"{y:.1}\">{what}</text>");
        x += text::width(what, 11.0) + 20.0;
    }
    let _ = writeln!(
        out,
        "<path class=\"overrides\" marker-end=\"url(#tip)\" d=\"M{MARGIN} {0:.1}h44\"/><text class=\"legend\" x=\"{1:.1}\" y=\"{2:.1}\">overrides: where both speak, the card at the start of the line holds</text>",
        y + 22.0,
        MARGIN + 52.0,
        y + 26.0
    );
    out.push_str("</g>\n");
}
