//! `meshc graph` and `meshc effective`: what they write of cases and examples, and that it is what answers rest on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use meshc::cli::ExitCode;
use meshc::driver::{self, Inputs, Options};
use meshc::policy::evaluate::Judge;
use meshc::policy::graph::{EdgeKind, Graph, Stage, Standing};
use meshc::policy::inventory::{DataPlane, Protocol, WorkloadKind};
use meshc::policy::request::{Caller, Destination, Request, Stage as Decided};
use meshc::policy::{MtlsMode, PolicyId};
use meshc::source::Disk;
use meshc_tests::{command, repository};
use serde_json::Value;

use crate::golden::{Golden, inputs};

/// A file under `tests/cases/reports`, and the question whose answer it holds.
const REPORTS: &[(&str, &str)] = &[
    ("shop.dot", "graph examples/shop"),
    ("shop.json", "graph examples/shop --format json"),
    ("shop.svg", "graph examples/shop --format svg"),
    ("orders.svg", "graph shop/orders examples/shop --format svg"),
    ("orders.txt", "effective orders examples/shop"),
    ("orders-8081.txt", "effective orders examples/shop --port 8081"),
    ("ledger.txt", "effective ledger examples/shop"),
    ("ingress.txt", "effective ingress examples/shop"),
    ("overrides.dot", "graph CASES/overrides.mesh"),
    ("overrides.svg", "graph web CASES/overrides.mesh --format svg"),
    ("overrides.json", "graph web CASES/overrides.mesh --format json"),
    ("overrides-9090.dot", "graph web CASES/overrides.mesh --port 9090"),
    ("overrides.txt", "effective web CASES/overrides.mesh"),
    (
        "overrides-effective.json",
        "effective web CASES/overrides.mesh --format json",
    ),
    ("ambient.svg", "graph web CASES/ambient.mesh --format svg"),
    ("ambient.txt", "effective web CASES/ambient.mesh"),
    (
        "ambient-effective.json",
        "effective web CASES/ambient.mesh --format json",
    ),
    ("legacy.dot", "graph LEGACY"),
    ("legacy.svg", "graph foo/httpbin LEGACY --format svg"),
    ("legacy.json", "graph foo/httpbin LEGACY --format json"),
    ("legacy.txt", "effective foo/httpbin LEGACY"),
    ("legacy-effective.json", "effective foo/httpbin LEGACY --format json"),
];

/// A project of Istio 1.4, where the narrowest policy replaces the others whole.
const LEGACY: &str = "examples/authentication-policy-1.4/stage-4-override";

/// Asks one of the questions.
fn ask(question: &str) -> (ExitCode, String, String) {
    let target = if question.contains("LEGACY") {
        "istio-1.4"
    } else {
        "istio-1.31"
    };
    let question = question
        .replace("LEGACY", LEGACY)
        .replace("CASES", "tests/cases/reports");
    let args: Vec<&str> = question.split(' ').chain(["--target", target]).collect();
    run(&args)
}

fn run(args: &[&str]) -> (ExitCode, String, String) {
    let ran = command::run(repository::root(), args, "");
    (ran.code, ran.out, ran.err)
}

#[test]
fn reports() {
    let mut golden = Golden::default();
    for (file, question) in REPORTS {
        let path = repository::root().join("tests/cases/reports").join(file);
        let (code, out, err) = ask(question);
        if code == ExitCode::Clean {
            golden.file(&path, &out);
        } else {
            golden.mistake(&path, &err);
        }
    }
    golden.finish();
}

#[test]
fn json_is_as_its_schema_says() {
    let schema = |text| jsonschema::validator_for(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    let graph = schema(include_str!("../spec/graph.schema.json"));
    let effective = schema(include_str!("../spec/effective.schema.json"));
    for (file, question) in REPORTS.iter().filter(|(file, _)| file.ends_with(".json")) {
        let value: Value = serde_json::from_str(&ask(question).1).unwrap();
        let schema = if question.starts_with("graph") {
            &graph
        } else {
            &effective
        };
        let mistakes: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(mistakes.is_empty(), "{file}: {mistakes:#?}");
    }
}

/// Elements close in the order in which they were opened, no `id` stands twice, and nothing is fetched from elsewhere.
#[test]
fn pictures_stand_alone() {
    for (file, question) in REPORTS.iter().filter(|(file, _)| file.ends_with(".svg")) {
        let text = ask(question).1;
        let mut open: Vec<&str> = Vec::new();
        let mut ids = BTreeSet::new();
        for part in text.split('<').skip(1) {
            let (tag, content) = part.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{file}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert!(
                !content.contains('>') || open.last() == Some(&"style"),
                "{file}: `{content}` is not escaped"
            );
            for (attribute, value) in tag
                .split('"')
                .collect::<Vec<_>>()
                .chunks(2)
                .filter_map(|pair| pair.split_first())
            {
                let value = value.first().copied().unwrap_or_default();
                if attribute.trim_end().ends_with(" id=") {
                    assert!(ids.insert(value.to_owned()), "{file}: `{value}` stands twice");
                }
                let fetches = value.contains("//") && !attribute.ends_with("xmlns=");
                assert!(!fetches && !attribute.contains("href"), "{file}: {tag}");
            }
            assert!(!["script", "image", "foreignObject"].contains(&name), "{file}: {tag}");
        }
        assert!(open.is_empty(), "{file}: {open:?} stays open");
        assert!(ids.len() > 4, "{file}: {ids:?}");
        assert!(!text.contains("@import") && !text.contains("url(h"), "{file}");
    }
}

fn projects() -> Vec<PathBuf> {
    let examples = repository::files("examples", "mesh.toml").unwrap();
    let cases = ["tests/cases/reports", "tests/cases/semantics"].map(|folder| inputs(folder, ".mesh", &[]));
    examples.into_iter().chain(cases.into_iter().flatten()).collect()
}

fn with_judge(path: &Path, ask: impl FnOnce(&Judge<'_>)) {
    let options = Options::default();
    let inputs = Inputs::find(&Disk, repository::root(), &[path.to_path_buf()], || Ok(Vec::new())).unwrap();
    let outcome = driver::ask(&Disk, &inputs, &options).unwrap();
    let build = &outcome.builds[0];
    ask(&Judge::new(&build.policies, &build.facts.inventory, outcome.target));
}

#[test]
fn no_precedence_goes_in_a_circle() {
    for path in projects() {
        with_judge(&path, |judge| {
            let workloads = 0..judge.inventory().workloads.len();
            let graphs = workloads.map(|at| Graph::of_workload(judge, at, None));
            for graph in graphs.chain([Graph::of_mesh(judge)]) {
                for kind in [EdgeKind::Overrides, EdgeKind::EvaluatedBefore] {
                    assert!(!graph.has_circle(kind), "{}: {kind:?}", path.display());
                }
            }
        });
    }
}

/// Every policy that the whole mesh has is in its graph, and every one that is in force at a workload in the workload's.
#[test]
fn no_policy_is_left_out() {
    for path in projects() {
        with_judge(&path, |judge| {
            let policies = judge.policies();
            let all = policies.peer_authentications.len()
                + policies.request_authentications.len()
                + policies.authorizations.len()
                + policies.destination_rules.len()
                + policies.authentication_policies.len();
            let wholes = |graph: &Graph| graph.nodes().filter(|(_, node)| node.whole.is_none()).count();
            assert_eq!(wholes(&Graph::of_mesh(judge)), all, "{}", path.display());
            for at in 0..judge.inventory().workloads.len() {
                let graph = Graph::of_workload(judge, at, None);
                let has = |id: PolicyId| graph.nodes().any(|(_, node)| node.policy == id && node.whole.is_none());
                let Some(effective) = judge.effective(at) else { continue };
                for said in effective.mtls.said(None).into_iter().flatten() {
                    assert!(has(PolicyId::Peer(said.source)), "{}: {said:?}", path.display());
                }
                for token in &effective.tokens {
                    assert!(has(token.source.0), "{}", path.display());
                }
                for aside in &effective.aside {
                    assert!(has(aside.policy), "{}", path.display());
                }
            }
        });
    }
}

/// The policy that holds at a port is the one that answers name: it closes the port to plaintext, or nothing does.
#[test]
fn what_holds_is_what_answers_name() {
    let mut asked = 0;
    for path in projects() {
        with_judge(&path, |judge| {
            if judge.target().is_legacy() {
                return;
            }
            for (at, workload) in judge.inventory().workloads.iter().enumerate() {
                let enforced = workload.kind == WorkloadKind::Application && workload.data_plane != DataPlane::None;
                for (port, spoken) in workload.ports.iter().filter(|_| enforced) {
                    if *spoken == Protocol::Unproxied {
                        continue;
                    }
                    let graph = Graph::of_workload(judge, at, Some(*port));
                    let holds: Vec<_> = graph
                        .nodes()
                        .filter(|(_, node)| node.stage == Stage::Mtls && node.standing == Standing::Holds)
                        .map(|(_, node)| node)
                        .collect();
                    assert!(holds.len() <= 1, "{}: {holds:#?}", path.display());
                    let mut request = Request::new(Destination::Known(at), Caller::Outsider);
                    request.pod = true;
                    request.port = Some(*port);
                    let Ok(answer) = judge.answer(&request) else { continue };
                    let strict = MtlsMode::Strict;
                    let says = holds.first().map_or("permissive", |node| node.says.as_str());
                    assert_eq!(
                        answer.stage == Some(Decided::Mtls),
                        says == meshc::policy::words::mode(strict),
                        "{} {}/{}:{port}: {answer:?}",
                        path.display(),
                        workload.namespace,
                        workload.name
                    );
                    if answer.stage == Some(Decided::Mtls) {
                        assert_eq!(answer.because[0].object, holds[0].object);
                        asked += 1;
                    }
                }
            }
        });
    }
    assert!(asked > 20, "only {asked} ports were asked about");
}

#[test]
fn wrong_questions_are_refused() {
    let shop = "examples/shop";
    for (args, says) in [
        (&["effective", "shop/oders", shop][..], "did you mean `shop/orders`?"),
        (&["effective", "wbe", shop], "did you mean `shop/web`?"),
        (&["effective", "old/web", shop], "did you mean `shop/web`?"),
        (&["effective", "nothing-like-it", shop], "there are `data/postgres`"),
        (&["graph", shop, "--port", "8080"], "`--port` is a port of a workload"),
        (&["graph", "shop/web", shop, "--format", "png"], "invalid value 'png'"),
        (&["effective"], "<WORKLOAD>"),
    ] {
        let (code, out, err) = run(args);
        assert_eq!(code, ExitCode::CouldNotRun, "{args:?}: {out}");
        assert!(err.contains(says), "{args:?} says\n{err}");
    }
}

/// Of the legacy API exactly one policy holds at a port, and it is the narrowest.
#[test]
fn one_legacy_policy_holds_at_a_port() {
    let mut overridden = 0;
    for path in projects() {
        with_judge(&path, |judge| {
            for (at, workload) in judge.inventory().workloads.iter().enumerate() {
                let legacy = judge.target().is_legacy();
                for port in workload.ports.keys().filter(|_| legacy) {
                    let graph = Graph::of_workload(judge, at, Some(*port));
                    let nodes = graph
                        .nodes()
                        .filter(|(_, node)| matches!(node.policy, PolicyId::Legacy(_)));
                    let (holds, others): (Vec<_>, Vec<_>) = nodes
                        .map(|(_, node)| node)
                        .partition(|node| node.standing == Standing::Holds);
                    assert!(holds.len() <= 1, "{}: {holds:#?}", path.display());
                    for other in others {
                        assert_eq!(other.standing, Standing::Overridden, "{}: {other:#?}", path.display());
                        assert!(other.scope < holds[0].scope, "{}: {other:#?}", path.display());
                        overridden += 1;
                    }
                }
            }
        });
    }
    assert!(overridden > 0, "no policy was overridden");
}
