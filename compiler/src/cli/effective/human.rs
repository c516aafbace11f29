//! What is in force at a workload, for a person at a terminal: sections in the order in which a request meets them, and at
//! the end of each line the place that says so.

use std::fmt::Write as _;

use super::Subject;
use crate::cli::verdicts;
use crate::cli::wrap::wrap;
use crate::policy::graph::{Node, NodeId, Part, Stage, Standing};
use crate::policy::inventory::{Protocol, WorkloadKind};
use crate::policy::summary::{Clients, Enforcer, Front, Gate, Otherwise, Port};
use crate::policy::words;
use crate::policy::{MtlsMode, PolicyId};
use crate::source::{SourceMap, Span};

/// A list of names goes on up to so many.
const MOST_NAMES: usize = 4;
/// The places of lines begin here, unless a line is longer.
const PLACES: usize = 84;
/// The words of rules begin here.
const RULES: usize = 15;

pub(super) fn write(subject: &Subject<'_>, color: bool) -> String {
    let mut page = Page {
        sources: subject.sources,
        color,
        out: String::new(),
    };
    head(&mut page, subject);
    mutual_tls(&mut page, subject);
    let gate = &subject.summary.gate;
    if subject.summary.enforcer != Enforcer::Nobody {
        if subject.target.is_legacy() {
            authentication(&mut page, gate);
        } else {
            tokens(&mut page, gate, "");
        }
        access(&mut page, gate, "");
    }
    services(&mut page, subject);
    page.out
}

struct Page<'a> {
    sources: &'a SourceMap,
    color: bool,
    out: String,
}

#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
}

impl Page<'_> {
    fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Warn => "33",
        };
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn section(&mut self, title: &str) {
        let title = self.ink(Ink::Bold, title);
        let _ = writeln!(self.out, "\n{title}");
    }

    /// A line of parts, each with its ink, and the place that says so.
    fn line(&mut self, indent: usize, parts: &[(Ink, &str)], place: Option<Span>) {
        let mut text = " ".repeat(indent);
        let mut width = indent;
        for (ink, part) in parts {
            // Names come from files that others wrote: a control character must not reach the terminal.
            let part: String = part.chars().filter(|c| !c.is_control()).collect();
            width += part.chars().count();
            text.push_str(&self.ink(*ink, &part));
        }
        if let Some(place) = place {
            let (file, line, _) = verdicts::place(self.sources, place);
            text.push_str(&" ".repeat(PLACES.saturating_sub(width).max(2)));
            text.push_str(&self.ink(Ink::Dim, &format!("{file}:{line}")));
        }
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }
}

fn head(page: &mut Page<'_>, subject: &Subject<'_>) {
    let (summary, workload) = (subject.summary, subject.summary.workload);
    let name = format!("{}/{}", workload.namespace, workload.name);
    let port = subject.port.map_or(String::new(), |port| format!(", port {port}"));
    page.line(0, &[(Ink::Bold, &name), (Ink::Plain, &port)], Some(workload.origin));
    let what = match (summary.enforcer, &workload.kind) {
        (Enforcer::Sidecar, _) => "a sidecar enforces policy at its pods",
        (Enforcer::Ztunnel, _) => "ztunnel enforces policy at its pods: facts of HTTP are not seen there",
        (_, WorkloadKind::Gateway { gateway_api: true, .. }) => "a gateway of the Gateway API",
        (Enforcer::Gateway, _) => "a gateway",
        (Enforcer::Nobody, _) => "outside the mesh: no policy is enforced at its pods",
    };
    page.line(2, &[(Ink::Plain, what)], None);
    let account = workload.account.as_ref().map_or_else(
        || "account not declared".to_owned(),
        |account| format!("account {}/{}", account.namespace, account.name),
    );
    let labels = match words::labels_of(&workload.labels) {
        labels if labels.is_empty() => "no labels".to_owned(),
        labels => format!("labels {labels}"),
    };
    page.line(
        2,
        &[(Ink::Plain, &format!("{account} · {labels} · {}", subject.target))],
        None,
    );
}

const fn protocol(spoken: Option<Protocol>) -> &'static str {
    match spoken {
        Some(Protocol::Http) => "http",
        Some(Protocol::Tcp) => "tcp",
        Some(Protocol::Tls) => "tls",
        Some(Protocol::Https) => "https",
        Some(Protocol::HttpsMutual) => "https, mutual",
        Some(Protocol::Unproxied) => "unproxied",
        None => "",
    }
}

fn mutual_tls(page: &mut Page<'_>, subject: &Subject<'_>) {
    let ports = &subject.summary.ports;
    if ports.is_empty() {
        return;
    }
    page.section("Mutual TLS");
    let names: Vec<String> = ports
        .iter()
        .map(|port| match port.port {
            Some(number) => format!("{number} {}", protocol(port.spoken)).trim_end().to_owned(),
            None if ports.len() == 1 => "every port".to_owned(),
            None => "other ports".to_owned(),
        })
        .collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for (port, name) in ports.iter().zip(&names) {
        mode(page, port, &format!("{name:width$}  "));
    }
}

fn mode(page: &mut Page<'_>, port: &Port, name: &str) {
    let indent = 2 + name.len();
    match &port.mode {
        None if port.spoken == Some(Protocol::Unproxied) => {
            page.line(
                2,
                &[(Ink::Plain, name), (Ink::Warn, "not captured: no policy acts there")],
                None,
            );
        }
        None => page.line(
            2,
            &[(Ink::Plain, name), (Ink::Plain, "as the gateway's listener says")],
            None,
        ),
        Some(Err(unknown)) => {
            page.line(
                2,
                &[(Ink::Plain, name), (Ink::Warn, &format!("not known: {unknown}"))],
                None,
            );
        }
        Some(Ok(mode)) => {
            let ink = match mode.mode {
                MtlsMode::Strict => Ink::Good,
                MtlsMode::Permissive | MtlsMode::Unset => Ink::Warn,
                MtlsMode::Disable => Ink::Bad,
            };
            let word = format!("{:10}  ", words::mode(mode.mode));
            // Istio 1.4 demands nothing by default, and speaks nothing but plaintext.
            let default = match mode.mode {
                MtlsMode::Disable => "no policy holds",
                MtlsMode::Strict | MtlsMode::Permissive | MtlsMode::Unset => "Istio's default",
            };
            let by = mode.by.as_ref().map_or(default.to_owned(), |by| by.object.to_string());
            let parts = [(Ink::Plain, name), (ink, word.as_str()), (Ink::Plain, by.as_str())];
            page.line(2, &parts, mode.by.as_ref().map(|by| by.origin));
            for said in &port.over {
                let by = said
                    .by
                    .as_ref()
                    .map_or(String::new(), |by| format!(" of {}", by.object));
                let over = format!("{:12}over {}{by}", "", words::mode(said.mode));
                page.line(indent, &[(Ink::Dim, &over)], said.by.as_ref().map(|by| by.origin));
            }
        }
    }
}

/// Of the legacy API: what the policies that hold ask for.
fn authentication(page: &mut Page<'_>, gate: &Gate) {
    let legacy = gate
        .graph
        .nodes()
        .filter(|(_, node)| matches!(node.policy, PolicyId::Legacy(_)));
    let heeded: Vec<&Node> = legacy
        .map(|(_, node)| node)
        .filter(|node| !matches!(node.standing, Standing::Idle | Standing::Overridden))
        .collect();
    if heeded.is_empty() {
        return;
    }
    page.section("Authentication, by the policy that holds");
    for node in heeded {
        page.line(2, &[(Ink::Plain, &node.object.to_string())], Some(node.origin));
        page.line(4, &[(Ink::Plain, &node.says)], None);
        if let (Standing::Unclear, Some(why)) = (node.standing, &node.why) {
            page.line(4, &[(Ink::Warn, why)], None);
        }
    }
}

fn tokens(page: &mut Page<'_>, gate: &Gate, place: &str) {
    page.section(&format!("Tokens{place}"));
    let idle = gate
        .graph
        .nodes()
        .find(|(_, node)| node.stage == Stage::Tokens && node.whole.is_none() && node.standing == Standing::Idle);
    if let (true, Some((_, node))) = (gate.tokens.is_empty(), idle) {
        let why = node.why.as_deref().unwrap_or("it decides nothing here");
        page.line(2, &[(Ink::Warn, &format!("{}: {why}", node.object))], Some(node.origin));
        return;
    }
    if gate.tokens.is_empty() {
        page.line(2, &[(Ink::Plain, "none are read: a token has no effect here")], None);
        return;
    }
    for token in &gate.tokens {
        let issuer = token.rule.issuer.as_deref().unwrap_or("any issuer");
        page.line(2, &[(Ink::Plain, issuer)], Some(token.rule.origin));
        page.line(
            4,
            &[(Ink::Dim, "by         "), (Ink::Plain, &token.object.to_string())],
            None,
        );
        let places = token
            .places
            .iter()
            .map(words::token_place)
            .collect::<Vec<_>>()
            .join(", ");
        page.line(4, &[(Ink::Dim, "read from  "), (Ink::Plain, &places)], None);
        let audiences = match token.rule.audiences.as_slice() {
            [] => "any".to_owned(),
            listed => listed.join(", "),
        };
        page.line(4, &[(Ink::Dim, "audiences  "), (Ink::Plain, &audiences)], None);
    }
    let note = "a request without a token passes this check; a wrong one is refused";
    page.line(2, &[(Ink::Dim, note)], None);
}

fn access(page: &mut Page<'_>, gate: &Gate, place: &str) {
    page.section(&format!("Access{place}, in the order of evaluation"));
    let stages = [
        (Stage::Custom, "CUSTOM", Ink::Warn),
        (Stage::Deny, "DENY", Ink::Bad),
        (Stage::Allow, "ALLOW", Ink::Good),
        (Stage::Audit, "AUDIT", Ink::Dim),
    ];
    for (stage, word, ink) in stages {
        let policies = gate
            .graph
            .nodes()
            .filter(|(_, node)| node.stage == stage && node.whole.is_none());
        for (id, node) in policies {
            policy(page, gate, (id, node), (word, ink));
        }
    }
    for remark in &gate.remarks {
        page.line(2, &[(Ink::Warn, remark)], None);
    }
    let (ink, otherwise) = match gate.otherwise {
        Otherwise::Denied => (Ink::Good, "denied, unless an ALLOW rule matches"),
        Otherwise::Allowed => (Ink::Warn, "allowed, because no ALLOW policy is in force"),
    };
    page.line(2, &[(Ink::Bold, "otherwise  "), (ink, otherwise)], None);
}

fn policy(page: &mut Page<'_>, gate: &Gate, (id, node): (NodeId, &Node), (word, ink): (&str, Ink)) {
    let word = format!("{word:9}  ");
    // Its words begin with the action, which stands before them.
    let more = node.says.split_once(", ").map_or("", |(_, more)| more);
    let name = format!("{}/{}", node.object.namespace, node.object.name);
    let parts = [
        (ink, word.as_str()),
        (Ink::Plain, name.as_str()),
        (Ink::Dim, if more.is_empty() { "" } else { ", " }),
        (Ink::Dim, more),
    ];
    page.line(2, &parts, Some(node.origin));
    if let (Standing::Idle, Some(why)) = (node.standing, &node.why) {
        page.line(13, &[(Ink::Warn, why)], None);
    }
    let mut any = false;
    for (_, rule) in gate.graph.nodes().filter(|(_, rule)| rule.whole == Some(id)) {
        any = true;
        let number = match rule.part {
            Some(Part::Rule(at)) => format!("{:>2}  ", at + 1),
            Some(Part::Port(_)) | None => String::new(),
        };
        let idle = rule.standing == Standing::Idle && node.standing != Standing::Idle;
        let ink = if rule.standing == Standing::Idle {
            Ink::Dim
        } else {
            Ink::Plain
        };
        for (at, text) in wrap(&rule.says, PLACES - RULES - 2, usize::MAX).iter().enumerate() {
            let (number, place) = if at == 0 {
                (number.as_str(), Some(rule.origin))
            } else {
                ("      ", None)
            };
            page.line(11, &[(Ink::Dim, number), (ink, text)], place);
        }
        if let (true, Some(why)) = (idle, &rule.why) {
            page.line(RULES, &[(Ink::Warn, why)], None);
        }
    }
    if !any && node.stage == Stage::Allow {
        page.line(13, &[(Ink::Dim, "without a rule: it admits nothing itself")], None);
    }
}

fn services(page: &mut Page<'_>, subject: &Subject<'_>) {
    let summary = subject.summary;
    page.section("Services in front, and the TLS of their clients");
    if summary.services.is_empty() {
        page.line(2, &[(Ink::Plain, "no service is declared")], None);
    }
    for front in &summary.services {
        service(page, front, summary.has_no_client);
    }
}

fn service(page: &mut Page<'_>, front: &Front, has_no_client: bool) {
    let headless = if front.headless { ", headless" } else { "" };
    page.line(2, &[(Ink::Plain, &front.host), (Ink::Dim, headless)], None);
    for (port, clients) in &front.clients {
        let pod = front
            .ports
            .iter()
            .find(|(own, _)| own == port)
            .map_or(*port, |(_, pod)| *pod);
        let leads = if pod == *port {
            format!("port {port}")
        } else {
            format!("port {port} to {pod}")
        };
        if has_no_client {
            let none = "no client with a proxy is declared";
            page.line(4, &[(Ink::Plain, &format!("{leads:17}")), (Ink::Dim, none)], None);
        }
        let only = clients.len() == 1;
        for (at, group) in clients.iter().enumerate() {
            let leads = if at == 0 { leads.as_str() } else { "" };
            let ink = if group.side.is_err() { Ink::Warn } else { Ink::Plain };
            let parts = [(Ink::Plain, format!("{leads:17}")), (ink, group.words())];
            let parts: Vec<(Ink, &str)> = parts.iter().map(|(ink, text)| (*ink, text.as_str())).collect();
            page.line(4, &parts, group.origin());
            page.line(21, &[(Ink::Dim, &who(group, only))], None);
        }
    }
    if let Some((name, gate)) = &front.waypoint {
        page.line(
            4,
            &[(
                Ink::Plain,
                &format!("through the waypoint {name}, for callers that ztunnel carries"),
            )],
            None,
        );
        let place = format!(" at the waypoint {name}");
        tokens(page, gate, &place);
        access(page, gate, &place);
    }
}

/// The clients of a group, and which line makes them so.
fn who(group: &Clients, only: bool) -> String {
    let by = group.side.as_ref().ok().and_then(|side| side.by.as_ref());
    let by = by.map_or(String::new(), |by| format!("by {}, ", by.object));
    if only && group.names.len() > 1 {
        return format!("{by}from all {} declared clients", group.names.len());
    }
    let shown: Vec<&str> = group.names.iter().take(MOST_NAMES).map(String::as_str).collect();
    let more = group.names.len() - shown.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{by}from {}{more}", shown.join(", "))
}
