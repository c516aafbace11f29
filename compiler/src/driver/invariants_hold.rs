//! `never` and `always` of generated policies, and who reaches what, are judged as asking the evaluator about every request
//! of a small universe judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::project::Location;
use super::{Options, Outcome, ask, check};
use crate::analysis::reach::{self, Reaches};
use crate::diagnostics::Diagnostics;
use crate::hir::{Extra, TestBody};
use crate::lower::{self, inventory};
use crate::policy::Keys;
use crate::policy::evaluate::Judge;
use crate::policy::request::{Caller, Destination, Json, Outcome as Answered, Place, Request, Token, TokenState};
use crate::source::{Memory, Unit};

const POLICIES: usize = 50;
const INVARIANTS: usize = 12;

const WHO: &[&str] = &[
    "anyone",
    "web",
    "web or jobs",
    "any-peer",
    "outsider",
    "corp",
    "any-peer except web",
    "anyone except corp",
    "corp via web",
];
const WHAT: &[&str] = &[
    "port 80",
    "GET port 80",
    "GET, POST port 80",
    "/a port 80",
    "/a* port 80",
    "POST /b port 80",
    "port 80 except /a",
    "port 80 except GET /a*",
];

const HEAD: &str = "issuer corp { iss https://corp.example jwks-uri https://corp.example/jwks }\n";

fn files(rules: &str, invariants: &[String]) -> Memory {
    let text = format!(
        "{HEAD}namespace shop {{
            workload web {{ select app=web account web }}
            workload jobs {{ select app=jobs account jobs }}
            workload api {{ select app=api account api ports 80 http
            {rules}
            }}
        }}\n"
    );
    let text = invariants.iter().fold(text, |text, line| format!("{text}{line}\n"));
    [
        ("/p/mesh.toml", "target = \"istio-1.31\""),
        ("/p/main.mesh", text.as_str()),
    ]
    .into_iter()
    .collect()
}

fn project(rules: &str, invariants: &[String]) -> Outcome {
    let files = files(rules, invariants);
    let location = Location::find(&files, Path::new("/p"), None).unwrap();
    check(&files, &location.into(), &Options::default()).unwrap()
}

/// For each request of the universe whether it is answered 200.
fn admitted(outcome: &Outcome) -> Vec<bool> {
    let build = &outcome.builds[0];
    let inventory = &build.facts.inventory;
    let judge = Judge::new(&build.policies, inventory, outcome.target);
    let api = inventory.workloads.iter().position(|it| it.name == "api").unwrap();
    let iss = "https://corp.example".to_owned();
    let token = Token {
        keys: Keys::Uri("https://corp.example/jwks".to_owned()),
        issuer: Some(iss.clone()),
        claims: BTreeMap::from([("iss".to_owned(), Json::String(iss))]),
        state: TokenState::Valid,
        place: Place::bearer(),
    };
    let mut all = Vec::new();
    for account in ["", "web", "jobs", "other"] {
        for method in ["GET", "POST", "PUT"] {
            for path in ["/a", "/ab", "/b", "/c"] {
                for with_token in [false, true] {
                    let caller = match account {
                        "" => Caller::Outsider,
                        account => Caller::Principal(format!("cluster.local/ns/shop/sa/{account}")),
                    };
                    let mut request = Request::new(Destination::Known(api), caller);
                    (request.http, request.port) = (Some(true), Some(80));
                    request.method = Some(method.to_owned());
                    request.path = Some(path.to_owned());
                    request.tokens.extend(with_token.then(|| token.clone()));
                    all.push(judge.answer(&request).unwrap().outcome == Answered::Ok);
                }
            }
        }
    }
    all
}

/// As the project's other namespaces write it.
fn from_outside(who: &str) -> String {
    let own = who.replace("web", "shop/web").replace("jobs", "shop/jobs");
    if own.contains(" or ") { format!("({own})") } else { own }
}

/// What is said of who reaches what is what asking about every request says.
fn cells_agree(rules: &str, who: &[&str], regions: &[Vec<Vec<bool>>], answers: &[bool]) {
    let callers = who
        .iter()
        .map(|who| format!("never {} to any at */*", from_outside(who)));
    let operations = WHAT.iter().map(|what| format!("never anyone to {what} at shop/api"));
    let lines: Vec<String> = callers.chain(operations).collect();
    let files = files(rules, &[]);
    let location = Location::find(&files, Path::new("/p"), None).unwrap();
    let options = Options {
        question: Some(lines.join("\n")),
        ..Options::default()
    };
    let outcome = ask(&files, &location.into(), &options).unwrap();
    let build = &outcome.builds[0];
    let sentences = lower::invariants(&build.program, outcome.target, &mut Diagnostics::default());
    let judge = Judge::new(&build.policies, &build.facts.inventory, outcome.target);
    let columns = reach::table(&judge, &sentences[..who.len()], &sentences[who.len()..]);
    assert_eq!(columns.len(), WHAT.len());
    for column in &columns {
        for (cell, regions) in column.cells.iter().zip(regions) {
            let region = regions[column.operation].iter().zip(answers);
            let (ok, others): (Vec<bool>, Vec<bool>) = region
                .filter(|(inside, _)| **inside)
                .map(|(_, ok)| *ok)
                .partition(|ok| *ok);
            let fits = match cell.reaches {
                Reaches::Always => !ok.is_empty() && others.is_empty(),
                Reaches::Sometimes => !ok.is_empty() && !others.is_empty(),
                Reaches::Never => ok.is_empty(),
                Reaches::Nothing => ok.is_empty() && others.is_empty(),
                Reaches::Unknown(_) => false,
            };
            assert!(fits, "{rules}{} {cell:?}", WHAT[column.operation]);
            assert_eq!(cell.admitted.is_some(), !ok.is_empty());
            for (shown, ok) in [(&cell.admitted, true), (&cell.refused, false)] {
                let Some(shown) = shown else { continue };
                let answer = judge.answer(&shown.request).unwrap();
                assert_eq!((answer.outcome == Answered::Ok, &answer), (ok, &shown.answer));
            }
            assert_eq!(
                cell.reaches == Reaches::Sometimes,
                !cell.depends.is_empty(),
                "{rules}{cell:?}"
            );
        }
    }
}

/// The tests that findings offer to paste ask for what is not so, and each has an answer.
fn pasted_tests_fail(rules: &str, outcome: &Outcome) {
    let helps = outcome.diagnostics.iter().flat_map(|d| &d.help);
    let tests: Vec<String> = helps
        .filter_map(|help| help.strip_prefix("as a test: "))
        .map(str::to_owned)
        .collect();
    let pasted = project(rules, &tests);
    let said: Vec<&String> = pasted.diagnostics.iter().map(|d| &d.message).collect();
    let build = &pasted.builds[0];
    assert_eq!(build.program.tests.len(), tests.len(), "{said:?} {tests:?}");
    let judge = Judge::new(&build.policies, &build.facts.inventory, pasted.target);
    for test in &build.program.tests {
        let TestBody::At { pods, pod, lines } = &test.body else {
            panic!("a test of requests");
        };
        for line in lines {
            let request = inventory::request(&build.program, &build.facts, (pods, *pod), line, claims).unwrap();
            let answer = judge.answer(&request).unwrap();
            assert_ne!(answer.outcome.word(), line.expect.word(), "{tests:?}");
        }
    }
}

fn claims(extra: &Extra) -> BTreeMap<String, Json> {
    let Extra::Token { claims, .. } = extra else {
        return BTreeMap::new();
    };
    let claims = claims.as_object().unwrap().iter();
    claims
        .map(|(name, value)| (name.clone(), Json::String(value.as_str().unwrap().to_owned())))
        .collect()
}

#[test]
fn every_verdict_is_that_of_all_requests() {
    agree("accept corp\n", WHO, WHAT);
}

/// ztunnel sees the caller and the port; invariants may speak of more.
#[test]
fn so_it_is_at_ztunnel() {
    let who: Vec<&str> = WHO.iter().copied().filter(|who| !who.contains("corp")).collect();
    agree("dataplane ambient\n", &who, &["port 80"]);
}

/// Generated rules of these callers and operations, judged by invariants of all operations.
fn agree(head: &str, who: &[&str], what: &[&str]) {
    let mut seed = 7_u64;
    let mut below = |end: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % end
    };
    // What a sentence speaks of is what it would admit.
    let regions: Vec<Vec<Vec<bool>>> = who
        .iter()
        .map(|who| {
            WHAT.iter()
                .map(|what| {
                    admitted(&project(
                        &format!("mtls permissive accept corp allow {who} to {what}"),
                        &[],
                    ))
                })
                .collect()
        })
        .collect();
    let (mut violated, mut held) = (0, 0);
    for _ in 0..POLICIES {
        let mut rules = format!("{head}{}", ["mtls strict\n", "mtls permissive\n"][below(2)]);
        for _ in 0..below(5) {
            let action = ["allow", "allow", "deny", "dry-run deny"][below(4)];
            rules.push_str(&format!(
                "{action} {} to {}\n",
                who[below(who.len())],
                what[below(what.len())]
            ));
        }
        let asked: Vec<(bool, usize, usize)> = (0..INVARIANTS)
            .map(|_| (below(2) == 0, below(who.len()), below(WHAT.len())))
            .collect();
        let lines: Vec<String> = asked
            .iter()
            .map(|(always, caller, what)| {
                let word = if *always { "always" } else { "never" };
                let own = from_outside(who[*caller]);
                format!("{word} {own} to {} at shop/api", WHAT[*what])
            })
            .collect();
        let outcome = project(&rules, &lines);
        let answers = admitted(&outcome);
        // The head, the blocks around the rules, and the rules.
        let lines_before = 1 + 4 + rules.lines().count() + 3;
        let mut broken = BTreeSet::new();
        for d in &outcome.diagnostics {
            let (start, _) = outcome.sources.positions(d.primary.span, Unit::Character);
            assert_ne!(d.code.name, "undecided-invariant", "{}\n{rules}", d.message);
            if d.code.name == "violated-invariant" {
                broken.insert(start.line as usize);
            }
        }
        pasted_tests_fail(&rules, &outcome);
        cells_agree(&rules, who, &regions, &answers);
        for (at, (always, caller, what)) in asked.iter().enumerate() {
            let region = &regions[*caller][*what];
            let expected = region.iter().zip(&answers).any(|(inside, ok)| *inside && ok != always);
            let found = broken.contains(&(lines_before + at));
            assert_eq!(found, expected, "{rules}{} {broken:?} {lines_before}", lines[at]);
            violated += usize::from(found);
            held += usize::from(!found);
        }
    }
    assert!(violated > 100 && held > 100, "{violated} violated, {held} held");
}
