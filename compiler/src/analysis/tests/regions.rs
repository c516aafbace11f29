//! A rule is a region: a request is inside exactly if the evaluator says that the rule matches, for every request of a
//! small universe.

use ipnet::IpNet;

use super::{Dice, contains};
use crate::analysis::space::Space;
use crate::policy::Target;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::effective::strings::{PathMatch, PeerMatch, StringMatch};
use crate::policy::evaluate::matching::{self, Facts, HeaderValue, Peer, Truth};
use crate::policy::request::Json;
use crate::source::SourceMap;

/// So many rules are made for each kind of facts.
const RULES: usize = 200;

fn facts() -> Facts {
    Facts {
        port: Some(80),
        ..Facts::nothing(Target::NEWEST)
    }
}

fn with(set: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = facts();
    set(&mut facts);
    facts
}

/// All words of at most three of these letters.
fn words(letters: &[char]) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}")))
            .collect();
        all.extend(last.clone());
    }
    all
}

/// None, one, or two of the words.
fn lists(words: &[String]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    all.extend(words.iter().map(|word| vec![word.clone()]));
    for one in words {
        all.extend(words.iter().map(|two| vec![one.clone(), two.clone()]));
    }
    all
}

fn rule(dice: &mut Dice, matcher: &impl Fn(&mut Dice, usize) -> Matcher) -> CompiledRule {
    let test = |dice: &mut Dice| {
        // All matchers of a test are of one fact.
        let fact = dice.below(2);
        let mut some = |least| {
            (0..least + dice.below(3 - least))
                .map(|_| matcher(dice, fact))
                .collect::<Vec<_>>()
        };
        let positive = some(0);
        let negative = some(usize::from(positive.is_empty()));
        Test { positive, negative }
    };
    let clause = |dice: &mut Dice| {
        let entries = 1 + dice.below(2);
        (0..entries)
            .map(|_| (0..1 + dice.below(2)).map(|_| test(dice)).collect())
            .collect()
    };
    let mut sources = SourceMap::default();
    let file = sources.add("a.mesh".to_owned(), String::new());
    CompiledRule {
        index: 0,
        origin: crate::source::Span::new(file, 0, 0),
        clauses: (0..1 + dice.below(2)).map(|_| clause(dice)).collect(),
    }
}

/// Whether an identity has the form of Istio's, or has nothing of it. What is between is left out of all analysis.
fn is_of_istio(peer: &Peer) -> bool {
    match peer {
        Peer::Is(name) => {
            let parts: Vec<&str> = name.split('/').collect();
            let whole = !name.is_empty() && parts.iter().all(|part| !part.is_empty());
            crate::policy::inventory::principal_parts(name)
                .map_or(!name.is_empty() && !name.contains("/ns/"), |_| whole)
        }
        Peer::Nobody | Peer::Waypoint(_) => true,
    }
}

/// Requests of the universe are inside of regions exactly if the rules match; a region is empty only if none is.
fn agree(seed: u64, universe: &[Facts], matcher: impl Fn(&mut Dice, usize) -> Matcher) {
    let mut dice = Dice::new(seed);
    let universe: Vec<&Facts> = universe.iter().filter(|facts| is_of_istio(&facts.peer)).collect();
    let mut dead = 0;
    for _ in 0..RULES {
        let rules: Vec<CompiledRule> = (0..1 + dice.below(3)).map(|_| rule(&mut dice, &matcher)).collect();
        let space = Space::new(rules.iter(), &[], Target::NEWEST);
        for rule in &rules {
            let region = space.region(rule).unwrap();
            let mut any = false;
            for facts in &universe {
                let matches = matching::rule(rule, facts) == Truth::Yes;
                any |= matches;
                assert_eq!(
                    contains(&space, &region, facts),
                    Some(matches),
                    "{rule:#?} {region:#?} {facts:#?}"
                );
            }
            dead += usize::from(region.cubes.is_empty());
            // What no small request meets, a larger one may.
            assert!(!any || !region.cubes.is_empty());
        }
    }
    assert!(dead > RULES / 100, "only {dead} of the rules are dead");
}

fn text(dice: &mut Dice) -> StringMatch {
    StringMatch::parse(dice.one_of(&["a", "b", "ab", "a*", "b*", "*a", "*b", "*", ""]))
}

#[test]
fn methods_and_ports() {
    let words: Vec<String> = words(&['a', 'b', 'c'])
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let method = |port| move |word: &String| with(|f| (f.method, f.port) = (word.clone(), Some(port)));
    let universe: Vec<Facts> = [1, 2, 3]
        .into_iter()
        .flat_map(|port| words.iter().map(method(port)))
        .collect();
    agree(1, &universe, |dice, fact| match fact {
        0 => Matcher::Method(text(dice)),
        _ => Matcher::Port(dice.one_of(&[1, 2])),
    });
}

#[test]
fn paths_and_addresses() {
    let ips = [
        "9.0.0.0",
        "10.0.0.1",
        "10.0.1.1",
        "10.1.0.1",
        "255.255.255.255",
        "::1",
        "fd00::1",
    ];
    let nets: Vec<IpNet> = [
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.0.0.0/24",
        "0.0.0.0/0",
        "fd00::/8",
        "255.0.0.0/8",
    ]
    .iter()
    .map(|net| net.parse().unwrap())
    .collect();
    let words: Vec<String> = words(&['a', 'b', '/', '*'])
        .iter()
        .map(|word| format!("/{word}"))
        .collect();
    let universe: Vec<Facts> = ips
        .iter()
        .flat_map(|ip| {
            let path = |word: &String| with(|f| (f.path, f.peer_ip) = (word.clone(), Some(ip.parse().unwrap())));
            words.iter().map(path).collect::<Vec<_>>()
        })
        .collect();
    let paths = [
        "*",
        "/",
        "/a",
        "/a/b",
        "/a*",
        "/b*",
        "/ab*",
        "*a",
        "*/b",
        "*b*",
        "/{*}",
        "/{**}",
        "/a/{*}",
        "/{*}/b",
        "/a{**}",
        "/{**}/b",
        "/{*}/{**}",
        "a",
        "",
    ];
    agree(2, &universe, |dice, fact| match fact {
        0 => Matcher::Path(PathMatch::parse(dice.one_of(&paths))),
        _ => Matcher::PeerIp(dice.one_of(&nets)),
    });
}

#[test]
fn a_header_may_be_repeated() {
    let lists = lists(&words(&['a', 'b', 'c']));
    let header = |values: &Vec<String>| {
        let values = values.iter().map(|v| ("x".to_owned(), HeaderValue::Text(v.clone())));
        with(|f| f.headers = values.collect())
    };
    let universe: Vec<Facts> = lists.iter().map(header).collect();
    let needs = |dice: &mut Dice, _| Matcher::Header("x".to_owned(), text(dice));
    agree(3, &universe, needs);
}

#[test]
fn a_claim_may_be_a_list() {
    let mut all = words(&['a', 'b', 'c']);
    all.extend(["\n", "a\n", "b\n", "\na", "\nb", "a\na", "a\nb", "b\na", "b\nb"].map(str::to_owned));
    let claim = |values: &Vec<String>| {
        let values = values.iter().cloned().map(Json::String).collect();
        with(|f| f.claims = Some([("x".to_owned(), Json::List(values))].into()))
    };
    let universe: Vec<Facts> = lists(&all).iter().map(claim).collect();
    let needs = |dice: &mut Dice, _| Matcher::Claim(vec!["x".to_owned()], text(dice));
    agree(4, &universe, needs);
}

#[test]
fn identities() {
    let parts = [
        "", "a", "b", "c", "ac", "ca", "aca", "bc", "cb", "bcb", "acb", "bca", "ns", "sa", "sc", "scb", "ab",
    ];
    let mut names: Vec<String> = ["", "a", "b", "c", "ac", "ca", "aca"].map(str::to_owned).into();
    for (domain, namespace) in parts.iter().flat_map(|d| parts.iter().map(move |n| (d, n))) {
        names.extend(
            parts
                .iter()
                .map(|account| format!("{domain}/ns/{namespace}/sa/{account}")),
        );
    }
    // Identities of another form.
    let mut starts: Vec<String> = parts.iter().map(|domain| format!("{domain}/")).collect();
    starts.extend(["", "a", "a/ns/a", "a/ns/a/", "a/ns/a/sa/b"].map(str::to_owned));
    for start in starts {
        let ends = ["", "a", "/b", "/sa/a", "a/sa/a", "/ns/b/sa/a", "a/ns/b/sa/a"];
        names.extend(ends.map(|end| format!("{start}c{end}")));
    }
    let mut universe = vec![facts()];
    universe.extend(names.into_iter().map(|name| with(|f| f.peer = Peer::Is(name))));
    let principals = [
        "*",
        "a/ns/a/sa/a",
        "b/ns/a/sa/a",
        "a/ns/b/sa/a",
        "a/ns/a/sa/b",
        "a*",
        "a/ns/a*",
        "a/ns/a/*",
        "a/ns/a/sa/b*",
        "*a",
        "*/b",
        "*/sa/a",
        "*a/sa/a",
        "*/ns/b/sa/a",
        "*a/ns/b/sa/a",
    ];
    agree(5, &universe, |dice, _| {
        let principal = |text: &str| PeerMatch::Principal(StringMatch::parse(text));
        Matcher::Peer(match dice.below(4) {
            0 => principal(dice.one_of(&principals)),
            1 => PeerMatch::namespace(dice.one_of(&["a", "b", "a*", "*b", "*", "sa", "s*"])),
            2 => PeerMatch::service_account(dice.one_of(&["a", "b", "b/a", "sa/a"]), "a"),
            _ => PeerMatch::trust_domain(dice.one_of(&["a", "b", "a*", "*b", "*"])),
        })
    });
    agree(6, &universe, |dice, _| match dice.below(3) {
        0 => Matcher::ZtunnelPrincipal(StringMatch::parse(dice.one_of(&principals))),
        1 => Matcher::ZtunnelNamespace(text(dice)),
        _ => Matcher::ZtunnelAccount {
            namespace: dice.one_of(&["a", "b"]).to_owned(),
            name: dice.one_of(&["a", "b"]).to_owned(),
        },
    });
}
