//! Every verdict is held against the evaluator, asked for every request of a small universe.

mod covers;
mod regions;
mod verdicts;

use super::atoms::{Fact, HOST, Value};
use super::cube::{Cube, Literal};
use super::sets::Atom;
use super::space::{Region, Space};
use crate::policy::evaluate::matching::{Facts, HeaderValue, Host, Peer};
use crate::policy::request::Json;

/// Numbers that are the same on every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    pub(super) fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

/// Whether a request is in a region; `None` if it is outside the space.
pub(super) fn contains(space: &Space, region: &Region, facts: &Facts) -> Option<bool> {
    let point = point(space, facts)?;
    Some(region.cubes.iter().any(|cube| holds(space, cube, &point)))
}

/// The atoms of a request, by dimension.
pub(super) fn point(space: &Space, facts: &Facts) -> Option<Vec<Vec<Atom>>> {
    space
        .dimensions()
        .iter()
        .map(|dimension| {
            let values = values(&dimension.fact, facts);
            values.iter().map(|value| dimension.locate(value)).collect()
        })
        .collect()
}

/// Whether a point is in a box.
pub(super) fn holds(space: &Space, cube: &Cube, point: &[Vec<Atom>]) -> bool {
    assert_eq!(point.len(), space.dimensions().len());
    cube.literals().iter().all(|(dim, literal)| match literal {
        Literal::In(set) => set.contains(point[*dim][0]),
        Literal::Many { needs, forbid } => {
            let some = |atom: &&Atom, set: &super::sets::Set| set.contains(**atom);
            needs
                .iter()
                .all(|need| point[*dim].iter().any(|atom| some(&atom, need)))
                && !point[*dim].iter().any(|atom| some(&atom, forbid))
        }
    })
}

fn values(fact: &Fact, facts: &Facts) -> Vec<Value> {
    let text = |text: &str| vec![Value::Text(text.to_owned())];
    let claim = |path: &[String]| -> Vec<String> {
        let mut value = facts.claims.as_ref().and_then(|claims| claims.get(&path[0]));
        for name in &path[1..] {
            value = match value {
                Some(Json::Object(object)) => object.get(name),
                _ => None,
            };
        }
        match value {
            Some(Json::String(text)) => vec![text.clone()],
            Some(Json::List(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Json::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    };
    let or_absent = |values: Vec<String>| match values.first() {
        Some(value) => text(value),
        None => vec![Value::Absent],
    };
    match fact {
        Fact::Peer => match &facts.peer {
            Peer::Is(name) => text(name),
            Peer::Nobody | Peer::Waypoint(_) => vec![Value::Absent],
        },
        Fact::PeerIp => facts.peer_ip.map(Value::Address).into_iter().collect(),
        Fact::ClientIp => facts.client_ip.map(Value::Address).into_iter().collect(),
        Fact::DestinationIp => facts.destination_ip.map(Value::Address).into_iter().collect(),
        Fact::Port => facts.port.map(Value::Port).into_iter().collect(),
        Fact::Sni => facts.sni.as_ref().map_or(vec![Value::Absent], |sni| text(sni)),
        Fact::Host => match &facts.host {
            Host::Is(host) => text(host),
            Host::Ends(_) | Host::Unknown => Vec::new(),
        },
        Fact::Header(name) if name == HOST => values(&Fact::Host, facts),
        Fact::Method => text(&facts.method),
        Fact::Path => text(&facts.path),
        Fact::Issuer => or_absent(claim(&["iss".to_owned()])),
        Fact::Subject => or_absent(claim(&["sub".to_owned()])),
        Fact::Claim(path) => claim(path).into_iter().map(Value::Text).collect(),
        Fact::Header(name) => facts
            .headers
            .iter()
            .filter(|(own, _)| own == name)
            .filter_map(|(_, value)| match value {
                HeaderValue::Text(text) => Some(Value::Text(text.clone())),
                HeaderValue::Token(_) | HeaderValue::Opaque => None,
            })
            .collect(),
        Fact::Unstated => Vec::new(),
    }
}
