//! Load balancing: not a matter of security, but what Istio refuses in it makes the whole object void.

use std::collections::{BTreeMap, BTreeSet};

use super::destination_rule::number;
use super::errors;
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;

/// The labels that say where a pod runs, of which Istio thinks itself.
const TOPOLOGY: [&str; 3] = [
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.istio.io/subzone",
];

/// The `loadBalancer` of a policy for a host or a port.
pub(super) fn check(policy: &Node, acc: &mut Diagnostics) {
    let Some(settings) = policy.get("loadBalancer") else {
        return;
    };
    one_of(settings, &["simple", "consistentHash"], acc);
    if let Some(hash) = settings.get("consistentHash") {
        consistent_hash(hash, acc);
    }
    one_of(settings, &["localityLbSetting", "zoneAwareLbSetting"], acc);
    let detects = policy.entry("outlierDetection").is_some();
    if let Some(entry) = settings.entry("localityLbSetting") {
        locality(entry, detects, acc);
    }
    if let Some(entry) = settings.entry("zoneAwareLbSetting") {
        for (label, node) in entry.value.texts_of("failoverPriority") {
            if TOPOLOGY.contains(&label) {
                let wrong =
                    "a zone-aware load balancer orders regions and zones itself, so this label cannot be a priority";
                acc.push(errors::bad_traffic(node.span, wrong));
            }
        }
        failover(entry, detects, acc);
    }
    if let Some(node) = settings.get("warmup").and_then(|warmup| warmup.get("aggression"))
        && (number(node) == Some(0) || matches!(node.value, Value::Real(number) if number <= 0.0))
    {
        acc.push(errors::bad_traffic(node.span, "`aggression` must be greater than 0"));
    }
}

fn one_of(node: &Node, fields: &[&str], acc: &mut Diagnostics) {
    let mut said = fields.iter().filter_map(|field| node.entry(field));
    if let Some(first) = said.next() {
        for other in said {
            acc.push(errors::exclusive(
                other.key_span,
                first.key_span,
                &first.key,
                &other.key,
            ));
        }
    }
}

fn consistent_hash(hash: &Node, acc: &mut Diagnostics) {
    let keys = ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"];
    one_of(hash, &keys, acc);
    one_of(hash, &["ringHash", "maglev"], acc);
    if let Some(cookie) = hash.get("httpCookie") {
        if let Some(name) = cookie.get("name").filter(|name| name.text() == Some("")) {
            acc.push(errors::empty_text(name.span, "name"));
        }
        let mut seen = BTreeSet::new();
        for attribute in cookie.items_of("attributes") {
            let Some(node) = attribute.get("name") else { continue };
            match node.text() {
                Some("") => acc.push(errors::empty_text(node.span, "name")),
                Some(name) if !seen.insert(name) => {
                    acc.push(errors::bad_traffic(node.span, "the cookie has this attribute twice"));
                }
                _ => {}
            }
        }
    }
    if let Some(entry) = hash.entry("minimumRingSize")
        && number(&entry.value).is_some_and(|size| size != 0)
    {
        acc.push(errors::deprecated(
            entry.key_span,
            &entry.key,
            "`ringHash.minimumRingSize`",
        ));
        one_of(hash, &["minimumRingSize", "ringHash"], acc);
        one_of(hash, &["minimumRingSize", "maglev"], acc);
    }
    if let Some(entry) = hash
        .entry("maglev")
        .filter(|entry| matches!(entry.value.value, Value::Map(_)))
    {
        let size = entry.value.get("tableSize").map_or(Some(0), number);
        if size.is_some_and(|size| size >= 5_000_011 || !is_prime(size)) {
            let wrong = "`tableSize` must be a prime number less than 5000011";
            acc.push(errors::bad_traffic(entry.key_span, wrong));
        }
    }
}

fn is_prime(number: i128) -> bool {
    number > 1 && (2..).take_while(|factor| factor * factor <= number).all(|factor| number % factor != 0)
        // The proxy's own test of primes, which Istio repeats, takes 1 for one.
        || number == 1
}

fn locality(entry: &Entry, detects: bool, acc: &mut Diagnostics) {
    let setting = entry.value.as_ref();
    let distribute = setting.items_of("distribute");
    let has_failover = !setting.items_of("failover").is_empty();
    if !distribute.is_empty() && has_failover {
        let wrong = "`distribute` and `failover` cannot stand beside each other";
        acc.push(errors::bad_traffic(entry.key_span, wrong));
    }
    if has_failover {
        for (label, node) in setting.texts_of("failoverPriority") {
            if TOPOLOGY.contains(&label) {
                acc.push(errors::bad_traffic(
                    node.span,
                    "beside `failover` this label cannot be a priority",
                ));
            }
        }
    }
    let mut sources = Vec::new();
    for item in distribute {
        sources.push((item.text_of("from").unwrap_or(""), item.as_ref()));
        let to = item.get("to").map_or(&[][..], Node::entries);
        let weights: Vec<_> = to.iter().filter_map(|entry| number(&entry.value)).collect();
        if weights.len() == to.len() {
            if weights.iter().any(|weight| !(1..=100).contains(weight)) {
                acc.push(errors::bad_traffic(item.span, "each weight must be from 1 to 100"));
            } else if weights.iter().sum::<i128>() != 100 {
                acc.push(errors::bad_traffic(item.span, "the weights must add up to 100"));
            }
        }
        let targets: Vec<_> = to
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_ref()))
            .collect();
        localities(&targets, acc);
    }
    localities(&sources, acc);
    failover(entry, detects, acc);
}

fn failover(entry: &Entry, detects: bool, acc: &mut Diagnostics) {
    let setting = entry.value.as_ref();
    let failover = setting.items_of("failover");
    if (!failover.is_empty() || !setting.items_of("failoverPriority").is_empty()) && !detects {
        acc.push(errors::failover_without_detection(entry.key_span, &entry.key));
    }
    for item in failover.iter().filter(|item| matches!(item.value, Value::Map(_))) {
        let (from, to) = (item.text_of("from").unwrap_or(""), item.text_of("to").unwrap_or(""));
        if from == to {
            acc.push(errors::bad_traffic(item.span, "a failover must lead to another region"));
        }
        if from.contains(['/', '*']) || to.contains(['/', '*']) {
            acc.push(errors::bad_traffic(
                item.span,
                "a failover names plain regions, without `/` and `*`",
            ));
        }
    }
}

/// Localities that must not lie in each other. Parts that are left out stand for all.
fn localities(list: &[(&str, &Node)], acc: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (locality, node) in list {
        let stars = locality.matches('*').count();
        if stars > 1 || (stars == 1 && !locality.ends_with('*')) {
            acc.push(errors::bad_traffic(node.span, "a locality takes one `*`, at its end"));
            return;
        }
        let parts: Vec<_> = locality.splitn(3, '/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            acc.push(errors::bad_traffic(node.span, "a locality has an empty part"));
            return;
        }
        let mut parts = parts.into_iter();
        let region = parts.next().unwrap_or("");
        let (zone, subzone) = (parts.next(), parts.next());
        let covered = seen.contains_key("*")
            || match (seen.get(region), zone) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(zones), Some(zone)) => {
                    zones.contains_key("*")
                        || match (zones.get(zone), subzone) {
                            (None, _) => false,
                            (Some(_), None) => true,
                            (Some(subzones), Some(subzone)) => subzones.contains("*") || subzones.contains(subzone),
                        }
                }
            };
        if covered {
            acc.push(errors::bad_traffic(
                node.span,
                "this locality lies in one before it, or holds it",
            ));
            return;
        }
        let zones = seen.entry(region).or_default();
        zones
            .entry(zone.unwrap_or("*"))
            .or_default()
            .insert(subzone.unwrap_or("*"));
    }
}
