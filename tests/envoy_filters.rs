//! The filters that we derive from a policy are those that Istio derives, by its own golden files.

use std::path::{Path, PathBuf};

use meshc::backends::{envoy, manifests};
use meshc::diagnostics::Diagnostics;
use meshc::policy::effective::{Effective, Enforcer, Homes};
use meshc::policy::inventory::{Inventory, Mesh};
use meshc::policy::{StringMap, Target};
use meshc::source::FileId;
use meshc_tests::differential::judge::Understood;
use meshc_tests::differential::run::KEY_SETS;
use meshc_tests::differential::{case, ci};
use meshc_tests::envoy::{Configured, Keys, Outbound, Refused, Scenario};
use meshc_tests::parts::{Generated, Oracle};
use meshc_tests::{parts, repository};
use serde_json::Value;

/// The mesh that a file is compiled for, which stands in the code of Istio's test: its trust domain and the aliases.
const MESHES: &[(&str, &str, &[&str])] = &[
    ("simple-policy-td-aliases", "td1", &["cluster.local"]),
    (
        "simple-policy-multiple-td-aliases",
        "td1",
        &["cluster.local", "some-td"],
    ),
    ("simple-policy-principal-with-wildcard", "td1", &["foobar"]),
    ("td-aliases-source-principal", "new-td", &["old-td", "some-trustdomain"]),
];

/// Files that are about something else.
const ELSEWHERE: &[(&str, &str)] = &[
    ("allow-host-before-111", "how proxies before 1.11 were configured"),
    ("custom-only-http", "has no output"),
];

/// Which authorizers the mesh knows, and whether one can be asked about connections, is looked up when a request is judged;
/// filters are made as if all were known and could.
const BY_PROVIDER: [&str; 2] = ["custom_unknown_provider", "custom_http"];

/// So many batches of generated meshes.
const BATCHES: u64 = 6;

#[test]
fn filters_are_those_of_istio() {
    let Some(corpus) = parts::corpus() else { return };
    let mut compared = 0;
    let mut report = String::new();
    for (folder, http) in [("http", true), ("tcp", false)] {
        let folder = corpus.join("istio-authz").join(folder);
        for input in repository::files(&folder.to_string_lossy(), "-in.yaml").unwrap() {
            let name = input.file_name().unwrap().to_string_lossy().replace("-in.yaml", "");
            if ELSEWHERE.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let wanted = outputs(&folder, &name);
            let derived: Vec<Value> = derived(&input, &name, http).iter().map(plain).collect();
            compared += wanted.len();
            if derived != wanted {
                report.push_str(&format!("{name}: {}\n", difference(&wanted, Some(&derived))));
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(compared > 25, "{compared} filters were compared");
}

#[test]
fn filters_are_those_of_istiod() {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let keys = Keys::new(KEY_SETS).unwrap();
    let cases = case::all().unwrap();
    let scenarios = cases
        .into_iter()
        .map(|case| case.scenario)
        .filter(|it| !BY_PROVIDER.contains(&it.name.as_str()));
    assert_same_filters(oracle, &keys, scenarios.collect());
}

/// Policies that nobody wrote by hand, of the same seed as the differential test's.
#[test]
fn filters_of_generated_policies_are_those_of_istiod() {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let keys = Keys::new(KEY_SETS).unwrap();
    let worlds = (0..BATCHES).flat_map(ci::batch);
    let scenarios = worlds
        .map(|world| world.scenario)
        .filter(|it| !it.objects.iter().any(asks_by_provider));
    // Without the objects that a cluster refuses.
    let stored = Configured::new(scenarios.collect(), Refused::LeaveOut, &mut oracle.generators(), &keys);
    assert_same_filters(oracle, &keys, stored.unwrap().scenarios);
}

/// As those of [`BY_PROVIDER`].
fn asks_by_provider(object: &Value) -> bool {
    object["spec"]["action"] == "CUSTOM"
}

fn assert_same_filters(oracle: &Oracle, keys: &Keys, mut scenarios: Vec<Scenario>) {
    scenarios.retain(|it| !it.is_ambient());
    let asked: Vec<_> = scenarios
        .iter()
        .map(|it| it.to_generator(keys, Outbound::None).unwrap())
        .collect();
    let (mut compared, mut report) = (0, String::new());
    let mut generator = oracle.generator(false).unwrap();
    let compare = |index: usize, generated: Generated| {
        let scenario = &scenarios[index];
        let understood = Understood::new(scenario, keys)?;
        let proxies = (0..).zip(&scenario.pods).filter(|(_, pod)| pod.proxy.proxy().is_some());
        for ((at, pod), configuration) in proxies.zip(generated.proxies.unwrap_or_default()) {
            for (kind, http) in [("http", true), ("network", false)] {
                let Some(wanted) = filters_in(&configuration.listeners, kind) else {
                    continue;
                };
                let made = understood
                    .filters(at, http)
                    .map(|it| it.iter().map(plain).collect::<Vec<_>>());
                compared += wanted.len();
                if made.as_ref() != Some(&wanted) {
                    report.push_str(&format!(
                        "{} {pod} {kind}: {}\n",
                        scenario.name,
                        difference(&wanted, made.as_ref())
                    ));
                }
            }
        }
        Ok(())
    };
    generator.generate(&asked, compare).unwrap();
    assert!(report.is_empty(), "{report}");
    assert!(compared > 100, "{compared} filters were compared");
}

/// The filters of policy in the first chain of this kind that a listener for inbound connections or a gateway has.
fn filters_in(listeners: &[Value], kind: &str) -> Option<Vec<Value>> {
    let is_policy = |filter: &&Value| {
        let name = filter["name"].as_str().unwrap_or_default();
        name == format!("envoy.filters.{kind}.rbac") || (kind == "http" && name == "envoy.filters.http.jwt_authn")
    };
    let inbound = listeners
        .iter()
        .filter(|listener| listener["trafficDirection"] == "INBOUND" || listener["name"] == "virtualInbound");
    let served = |chain: &&Value| chain["name"] != "virtualInbound-blackhole";
    let chains = inbound
        .filter_map(|listener| listener["filterChains"].as_array())
        .flatten()
        .filter(served);
    let mut chains = chains.filter_map(|chain| {
        let filters = chain["filters"].as_array()?;
        let manager = filters
            .iter()
            .find_map(|filter| filter["typedConfig"]["httpFilters"].as_array());
        let of_kind = if kind == "http" {
            manager?
        } else if manager.is_some() {
            return None;
        } else {
            filters
        };
        Some(of_kind.iter().filter(is_policy).map(plain).collect())
    });
    chains.next()
}

/// The first line in which two configurations differ.
fn difference(wanted: &[Value], made: Option<&Vec<Value>>) -> String {
    let Some(made) = made else {
        return "we make none".to_owned();
    };
    let wanted = serde_json::to_string_pretty(wanted).unwrap();
    let made = serde_json::to_string_pretty(made).unwrap();
    let lines = wanted.lines().zip(made.lines()).enumerate();
    let differs = lines.into_iter().find(|(_, (theirs, ours))| theirs != ours);
    let (at, (theirs, ours)) = differs.unwrap_or((0, ("one is longer", "")));
    format!("line {at}: Istio makes {theirs}, we make {ours}")
}

/// The RBAC filters that Istio makes of a case, in order. The filter that calls an external authorizer is no policy.
fn outputs(folder: &Path, name: &str) -> Vec<Value> {
    // What asks an authorizer is called by the provider, not by the case.
    let stem = match name {
        "custom-simple-http" => "custom-http-provider",
        name => name,
    };
    let numbers = ["", "1", "2"];
    let paths: Vec<PathBuf> = numbers
        .iter()
        .map(|n| folder.join(format!("{stem}-out{n}.yaml")))
        .collect();
    let read = paths.iter().filter(|path| path.exists()).map(|path| {
        let text = repository::read(path).unwrap();
        plain(&serde_saphyr::from_str::<Value>(&text).unwrap())
    });
    read.filter(|filter| !filter["name"].as_str().unwrap().contains("ext_authz"))
        .collect()
}

fn derived(input: &Path, name: &str, http: bool) -> Vec<Value> {
    let text = repository::read(input).unwrap();
    let mut acc = Diagnostics::default();
    let read = manifests::read(FileId(0), &text, Target::NEWEST, &mut acc);
    let mesh = MESHES.iter().find(|(known, ..)| *known == name);
    let mesh = mesh.map_or_else(Mesh::default, |(_, domain, aliases)| Mesh {
        trust_domain: (*domain).to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        ..Mesh::default()
    });
    let inventory = Inventory {
        mesh,
        ..Inventory::default()
    };
    let labels = StringMap::from([("app", "httpbin"), ("version", "v1")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let enforcer = Enforcer::Sidecar {
        namespace: "foo",
        labels: &labels,
    };
    let homes = Homes::new(&read.policies);
    let effective = Effective::compose(&homes, &inventory, Target::NEWEST, enforcer);
    let filters = if http {
        envoy::http_filters(&effective)
    } else {
        envoy::network_filters(&effective)
    };
    filters.unwrap()
}

/// The same configuration with one spelling: keys in order, what a rule joins by "and" or "or" in order and once, and in lower
/// case the names of headers and what is compared without regard to case.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.iter().map(|(k, v)| (k.clone(), plain(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let of_header = map.contains_key("presentMatch") || map.contains_key("stringMatch");
            let any_case = map.get("ignoreCase") == Some(&Value::Bool(true));
            for (key, value) in &mut entries {
                match (key.as_str(), value) {
                    (key, Value::String(text)) if any_case || of_header && key == "name" => *text = text.to_lowercase(),
                    ("permissions" | "principals", Value::Array(joined)) => sort_once(joined),
                    ("andIds" | "orIds" | "andRules" | "orRules", Value::Object(list)) => {
                        list.values_mut().filter_map(Value::as_array_mut).for_each(sort_once);
                    }
                    _ => {}
                }
            }
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn sort_once(joined: &mut Vec<Value>) {
    joined.sort_by_cached_key(Value::to_string);
    joined.dedup();
}
