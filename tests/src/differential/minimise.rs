//! From a disagreement to the smallest mesh and request that still disagree in the same way.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::generate::World;
use super::judge::as_outcome;
use super::observed::Disagreement;
use super::program;
use super::run::Session;
use crate::envoy::request::Request;
use crate::envoy::{Pod, Scenario, Served};

/// So many rounds at most; few disagreements need half of them.
const ROUNDS: usize = 8;

/// The smallest that is found by leaving things out. All that can be left out alone is tried at once, then together.
pub fn minimise(session: &mut Session<'_>, found: &Disagreement) -> Result<Disagreement> {
    let mut best = found.clone();
    let called = |pod: &&Pod| best.request.to.is_empty() || pod.to_string() == best.request.to;
    // Behind a gateway or waypoint stands another one.
    if let Some(pod) = best.scenario.pods.iter().find(called).cloned()
        && pod.proxy == Served::Sidecar
    {
        best.scenario.pods = vec![pod];
    }
    for round in 0..ROUNDS {
        let whole = whole(&best);
        let mut alone = Vec::new();
        let mut steps = Vec::new();
        // Whole objects first: most have nothing to do with it.
        paths(
            &whole,
            if round == 0 { 2 } else { usize::MAX },
            &mut Vec::new(),
            &mut steps,
        );
        for step in steps {
            if let Some(world) = world(without(&whole, std::slice::from_ref(&step))) {
                alone.push((step, world));
            }
        }
        let good = still(session, found, alone.iter().map(|(_, world)| world.clone()).collect())?;
        let good: Vec<Path> = good.iter().filter_map(|at| Some(alone.get(*at)?.0.clone())).collect();
        // What can be left out alone can often be left out together, or half of it.
        let mut width = good.len();
        let mut smaller = None;
        while width > 0 && smaller.is_none() {
            let together: Vec<World> = good
                .chunks(width)
                .filter_map(|steps| world(without(&whole, steps)))
                .collect();
            let works = still(session, found, together.clone())?;
            let works = works.iter().filter_map(|at| together.get(*at));
            smaller = works
                .min_by_key(|world| size(&world.scenario, &world.requests))
                .cloned();
            width /= 2;
        }
        let Some(smaller) = smaller else {
            if round == 0 {
                continue;
            }
            break;
        };
        best.scenario = smaller.scenario;
        best.request = smaller
            .requests
            .into_iter()
            .next()
            .context("a world without its request")?;
    }
    found.scenario.name.clone_into(&mut best.scenario.name);
    Ok(best)
}

/// Which of the worlds, each of one request, still disagree in the same way.
fn still(session: &mut Session<'_>, found: &Disagreement, mut worlds: Vec<World>) -> Result<Vec<usize>> {
    for (at, world) in worlds.iter_mut().enumerate() {
        world.scenario.name = at.to_string();
    }
    if worlds.is_empty() {
        return Ok(Vec::new());
    }
    let mut disagreements = Vec::new();
    played(session, &worlds, &mut disagreements);
    let same = |other: &&Disagreement| {
        as_outcome(&other.seen.to_string()) == as_outcome(&found.seen.to_string()) && other.said == found.said
    };
    let same = disagreements.iter().filter(same);
    same.map(|it| Ok(it.scenario.name.parse()?)).collect()
}

/// What disagrees in these worlds. One that istiod or Envoy cannot play is no smaller one, and takes no other with it.
fn played(session: &mut Session<'_>, worlds: &[World], found: &mut Vec<Disagreement>) {
    match session.compare(worlds) {
        Ok(tally) => found.extend(tally.disagreements),
        Err(_) if worlds.len() > 1 => {
            let (one, other) = worlds.split_at(worlds.len() / 2);
            played(session, one, found);
            played(session, other, found);
        }
        Err(_) => {}
    }
}

fn size(scenario: &Scenario, requests: &[Request]) -> usize {
    json!([scenario, requests]).to_string().len()
}

/// Of a program the lines are what can be left out, of the rest every field and item.
fn whole(it: &Disagreement) -> Value {
    let (name, parts) = match &it.scenario.program {
        Some(program) => ("program", json!(program.lines().collect::<Vec<_>>())),
        None => ("objects", json!(it.scenario.objects)),
    };
    json!({ "mesh": it.scenario.mesh, "pods": it.scenario.pods, name: parts, "request": it.request })
}

/// `None`: what was left out was needed to read it.
fn world(value: Value) -> Option<World> {
    let mut fields: Map<String, Value> = serde_json::from_value(value).ok()?;
    let request: Request = serde_json::from_value(fields.remove("request")?).ok()?;
    if let Some(Value::Array(lines)) = fields.get("program") {
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        fields.insert("program".to_owned(), json!(lines.join("\n")));
    }
    let mut scenario: Scenario = serde_json::from_value(Value::Object(fields)).ok()?;
    if let Some(program) = &scenario.program {
        scenario.objects = program::objects(program).ok()?.ok()?;
    }
    let objects = scenario.objects.iter().all(|object| {
        let text = |pointer| object.pointer(pointer).is_some_and(Value::is_string);
        text("/kind") && text("/apiVersion") && text("/metadata/name") && text("/metadata/namespace")
    });
    let called = scenario
        .pods
        .iter()
        .any(|pod| request.to.is_empty() || pod.to_string() == request.to);
    (objects && called).then_some(World {
        scenario,
        requests: vec![request],
    })
}

/// The keys and positions that lead to a part.
type Path = Vec<String>;

fn pointer(path: &[String]) -> String {
    let part = |part: &String| format!("/{}", part.replace('~', "~0").replace('/', "~1"));
    path.iter().map(part).collect()
}

/// Every part that could be left out, down to a depth.
fn paths(whole: &Value, depth: usize, path: &mut Path, out: &mut Vec<Path>) {
    if path.len() == depth {
        return;
    }
    let keys: Path = match whole.pointer(&pointer(path)) {
        Some(Value::Array(items)) => (0..items.len()).map(|at| at.to_string()).collect(),
        Some(Value::Object(fields)) => fields.keys().cloned().collect(),
        _ => return,
    };
    for key in keys {
        path.push(key);
        // The pod stays as it is.
        if path.first().is_none_or(|first| first != "pods") {
            out.push(path.clone());
            paths(whole, depth, path, out);
        }
        path.pop();
    }
}

/// The whole without these parts, which are in the order of [`paths`].
fn without(whole: &Value, steps: &[Path]) -> Value {
    let mut copy = whole.clone();
    // From the end, so that positions stay what they are.
    for step in steps.iter().rev() {
        let Some((last, before)) = step.split_last() else {
            continue;
        };
        match copy.pointer_mut(&pointer(before)) {
            Some(Value::Array(items)) => {
                if let Ok(at) = last.parse::<usize>()
                    && at < items.len()
                {
                    items.remove(at);
                }
            }
            Some(Value::Object(fields)) => drop(fields.remove(last)),
            _ => {}
        }
    }
    copy
}

/// As a file of `tests/cases/differential`, which says what the proxy does.
pub fn to_case(it: &Disagreement) -> Result<String> {
    let mut text = format!("# From {}: meshc said {}.\n", it.scenario.name, it.said);
    let mut scenario = it.scenario.clone();
    if scenario.program.is_some() {
        scenario.objects.clear();
    }
    text.push_str(&serde_saphyr::to_string(&scenario)?);
    let mut line = serde_json::to_value(&it.request)?;
    if let Some(fields) = line.as_object_mut() {
        fields.insert("expect".to_owned(), json!(it.seen.to_string()));
    }
    text.push_str(&format!("requests:\n  - {line}\n"));
    Ok(text)
}
