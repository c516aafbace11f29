//! Verdicts are what asking the evaluator about every request says: of generated policies over small universes, which
//! rules match nothing, which leave nothing to others, and that no rule of a cover can be spared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::thread;

use super::Dice;
use crate::analysis::cover::Pool;
use crate::analysis::gate::{Gate, OwnerId, Stage};
use crate::analysis::place;
use crate::analysis::verdict::{self, Verdict};
use crate::policy::effective::rules::{Clause, CompiledRule};
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::matching::{self, Facts, HeaderValue, Host, Peer, Truth};
use crate::policy::inventory::{DataPlane, Inventory, Protocol, Workload, WorkloadKind};
use crate::policy::request::Json;
use crate::policy::{
    Action, Authorization, Condition, ConditionKey, IpBlock, JwtRule, Keys, Lists, Meta, MtlsMode, OneOrMore,
    Operation, PeerAuthentication, PeerScope, PolicySet, RequestAuthentication, Rule, Selection, Source, Target,
};
use crate::source::{SourceMap, Span};

/// So many sets of policies are made of each world, unless `MESHC_POLICY_SETS` says how many.
const SETS: usize = 1_000;

/// Which facts rules speak of, and which requests there are.
struct World {
    rule: fn(&mut Dice) -> Rule,
    /// By whether they are HTTP.
    requests: [Vec<Facts>; 2],
    inventory: Inventory,
    policies: PolicySet,
}

/// Says one thing of a request.
type Set = Box<dyn Fn(&mut Facts)>;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// One or two positive values, or negative ones, or both.
fn lists(dice: &mut Dice, of: &[&str]) -> Lists<String> {
    let mut some = |least: usize| (0..least + dice.below(2)).map(|_| dice.one_of(of).to_owned()).collect();
    let (values, not_values) = (some(1), some(0));
    match dice.below(4) {
        0 => Lists {
            values: Vec::new(),
            not_values: values,
        },
        1 => Lists { values, not_values },
        _ => Lists {
            values,
            not_values: Vec::new(),
        },
    }
}

fn maybe<T: Default>(dice: &mut Dice, make: impl FnOnce(&mut Dice) -> T) -> T {
    if dice.below(2) == 0 { make(dice) } else { T::default() }
}

fn when(dice: &mut Dice, key: ConditionKey, of: &[&str]) -> Vec<Condition> {
    let count = [0, 0, 1, 1, 2][dice.below(5)];
    (0..count)
        .map(|_| Condition {
            key: key.clone(),
            lists: lists(dice, of),
        })
        .collect()
}

fn rule(sources: Vec<Source>, operations: Vec<Operation>, conditions: Vec<Condition>) -> Rule {
    let sources = sources.into_iter().filter(|it| *it != Source::default()).collect();
    let operations = operations
        .into_iter()
        .filter(|it| *it != Operation::default())
        .collect();
    Rule {
        sources,
        operations,
        conditions,
        origin: Span::default(),
    }
}

const METHODS: &[&str] = &["GET", "PUT", "G*", "*T"];
const PATHS: &[&str] = &["/a", "/a/*", "/a*", "*b", "/{*}", "/a/{**}", "*"];
const PRINCIPALS: &[&str] = &["d/ns/x/sa/a", "d/ns/x/sa/b", "d/ns/y/sa/a", "*/sa/a", "d/ns/x/*", "*"];

/// Who does what where.
fn operations(dice: &mut Dice) -> Rule {
    let source = |dice: &mut Dice| Source {
        principals: maybe(dice, |dice| lists(dice, PRINCIPALS)),
        namespaces: if dice.below(4) == 0 {
            lists(dice, &["x", "y", "x*"])
        } else {
            Lists::default()
        },
        ..Source::default()
    };
    let operation = |dice: &mut Dice| Operation {
        methods: maybe(dice, |dice| lists(dice, METHODS)),
        paths: maybe(dice, |dice| lists(dice, PATHS)),
        ..Operation::default()
    };
    let several = |dice: &mut Dice| [0, 1, 1, 2][dice.below(4)];
    let sources = (0..several(dice)).map(|_| source(dice)).collect();
    let operations = (0..several(dice)).map(|_| operation(dice)).collect();
    rule(sources, operations, Vec::new())
}

/// Headers and claims of any number of values, and who says so.
fn values(dice: &mut Dice) -> Rule {
    let claim = ConditionKey::Claim(vec!["groups".to_owned()]);
    let mut conditions = when(dice, ConditionKey::Header("x".to_owned()), &["a", "b", "a*", "*"]);
    conditions.extend(when(dice, claim, &["a", "b", "*"]));
    conditions.extend(maybe(dice, |dice| {
        when(dice, ConditionKey::RequestPrincipal, &["i/s", "i/*", "j/s", "*"])
    }));
    rule(Vec::new(), Vec::new(), conditions)
}

/// Where to and where from, for HTTP and other ports.
fn connections(dice: &mut Dice) -> Rule {
    let blocks = |dice: &mut Dice| {
        let texts = lists(dice, &["10.0.0.0/9", "10.128.0.0/9", "10.0.0.0/8", "10.0.0.1", "::/0"]);
        let read = |texts: Vec<String>| texts.iter().map(|text| IpBlock::parse(text).unwrap()).collect();
        Lists {
            values: read(texts.values),
            not_values: read(texts.not_values),
        }
    };
    let source = Source {
        ip_blocks: maybe(dice, blocks),
        namespaces: maybe(dice, |dice| lists(dice, &["x", "y"])),
        ..Source::default()
    };
    let ports = |dice: &mut Dice| {
        let texts = lists(dice, &["80", "81", "82"]);
        let read = |texts: Vec<String>| texts.iter().map(|text| text.parse().unwrap()).collect();
        Lists {
            values: read(texts.values),
            not_values: read(texts.not_values),
        }
    };
    let operation = Operation {
        ports: maybe(dice, ports),
        methods: if dice.below(4) == 0 {
            lists(dice, METHODS)
        } else {
            Lists::default()
        },
        ..Operation::default()
    };
    let sni = maybe(dice, |dice| when(dice, ConditionKey::Sni, &["a", "*b", "*"]));
    rule(vec![source], vec![operation], sni)
}

fn peers() -> Vec<Peer> {
    let names = [
        "d/ns/x/sa/a",
        "d/ns/x/sa/b",
        "d/ns/x/sa/c",
        "d/ns/y/sa/a",
        "d/ns/y/sa/c",
        "e/ns/x/sa/a",
    ];
    let more = [
        "e/ns/x/sa/b",
        "e/ns/y/sa/a",
        "d/ns/xx/sa/a",
        "d/ns/xx/sa/c",
        "e/ns/z/sa/c",
        "e/ns/z/sa/a",
        "d/ns/z/sa/a",
    ];
    let all = names.into_iter().chain(more).map(|name| Peer::Is(name.to_owned()));
    all.chain(["e/ns/x/sa/c", "e/ns/xx/sa/c", "e/ns/xx/sa/a", "f", "f/sa/a"].map(|name| Peer::Is(name.to_owned())))
        .chain([Peer::Nobody])
        .collect()
}

/// All requests of each of these choices.
fn product(start: Facts, choices: Vec<Vec<Set>>) -> Vec<Facts> {
    choices.iter().fold(vec![start], |all, choice| with_each(&all, choice))
}

/// Each of these with each change.
fn with_each(all: &[Facts], choice: &[Set]) -> Vec<Facts> {
    let changed = all.iter().flat_map(|facts| {
        choice.iter().map(|set| {
            let mut facts = facts.clone();
            set(&mut facts);
            facts
        })
    });
    changed.collect()
}

fn each<T: Clone + 'static>(values: Vec<T>, set: fn(&mut Facts, T)) -> Vec<Set> {
    let boxed = |value: T| -> Set { Box::new(move |facts| set(facts, value.clone())) };
    values.into_iter().map(boxed).collect()
}

fn start(http: bool) -> Facts {
    Facts {
        http,
        port: Some(80),
        method: if http { "GET".to_owned() } else { String::new() },
        path: if http { "/".to_owned() } else { String::new() },
        host: if http { Host::Is("h".to_owned()) } else { Host::Unknown },
        peer_ip: Some([10, 0, 0, 2].into()),
        client_ip: Some([10, 0, 0, 2].into()),
        destination_ip: Some([10, 0, 0, 3].into()),
        ..Facts::nothing(Target::NEWEST)
    }
}

/// No value, and each set of these.
fn subsets(of: &[&str]) -> Vec<Vec<String>> {
    let set = |bits: usize| {
        of.iter()
            .enumerate()
            .filter(move |(at, _)| bits >> at & 1 == 1)
            .map(|(_, it)| (*it).to_owned())
            .collect()
    };
    (0..1 << of.len()).map(set).collect()
}

fn worlds() -> Vec<World> {
    let methods = || {
        each(words(&["GET", "PUT", "GX", "XT", "X", "GXT"]), |facts, it| {
            facts.method = it
        })
    };
    let paths = [
        "/", "/a", "/b", "/ab", "/a/", "/a/b", "/a/c", "/a/b/c", "/c", "/x/y", "/x/b", "/*", "/a/*", "/x/*b", "/a*",
        "/a*b", "/a/*b", "/*b", "/*/c", "/ac", "/ac/d", "/ac/b", "/a//", "/a//b", r#"/""#, r#"/a/""#, r#"/x/"b"#,
        r#"/a""#, r#"/a"b"#, r#"/a/"b"#, r#"/"b"#, r#"/"/c"#,
    ];
    let who = || each(peers(), |facts, it| facts.peer = it);
    let plain = World {
        rule: operations,
        requests: [
            product(start(false), vec![who()]),
            product(
                start(true),
                vec![who(), methods(), each(words(&paths), |facts, it| facts.path = it)],
            ),
        ],
        inventory: Inventory::default(),
        policies: PolicySet::default(),
    };
    let headers = each(subsets(&["a", "b", "ac", "c"]), |facts, it| {
        facts.headers = it
            .into_iter()
            .map(|it| ("x".to_owned(), HeaderValue::Text(it)))
            .collect();
    });
    let mut tokens = vec![None];
    for (iss, sub) in [
        ("i", Some("s")),
        ("i", Some("t")),
        ("i", None),
        ("j", Some("s")),
        ("j", Some("t")),
        ("j", None),
        ("k", Some("s")),
        ("k", Some("t")),
        ("k", None),
    ] {
        for groups in subsets(&["a", "b", "c"]) {
            let groups = Json::List(groups.into_iter().map(Json::String).collect());
            let mut claims = BTreeMap::from([
                ("iss".to_owned(), Json::String(iss.to_owned())),
                ("groups".to_owned(), groups),
            ]);
            claims.extend(sub.map(|sub| ("sub".to_owned(), Json::String(sub.to_owned()))));
            tokens.push(Some(claims));
        }
    }
    let valued = |accepted: bool| {
        let tokens: Vec<_> = tokens
            .iter()
            .filter(|claims| {
                let of_k = claims
                    .as_ref()
                    .is_some_and(|it| it.get("iss") == Some(&Json::String("k".to_owned())));
                !(accepted && of_k)
            })
            .cloned()
            .collect();
        World {
            rule: values,
            requests: [
                vec![start(false)],
                product(start(true), vec![each(tokens, |facts, it| facts.claims = it)]),
            ],
            inventory: if accepted { one_workload() } else { Inventory::default() },
            policies: PolicySet {
                request_authentications: if accepted {
                    vec![accepting(&["i", "j"])]
                } else {
                    Vec::new()
                },
                ..PolicySet::default()
            },
        }
    };
    let with_headers = |mut world: World| {
        world.requests[1] = with_each(&world.requests[1], &headers);
        world
    };
    let ports = |ports: &[u16]| each(ports.to_vec(), |facts, it| facts.port = Some(it));
    let callers = |strict: bool| {
        let names = ["d/ns/x/sa/a", "d/ns/y/sa/a", "d/ns/z/sa/a", "f"].map(|name| Peer::Is(name.to_owned()));
        let nobody = (!strict).then_some(Peer::Nobody);
        each(names.into_iter().chain(nobody).collect(), |facts, it| facts.peer = it)
    };
    let addresses = || {
        let ips = ["10.0.0.1", "10.0.0.2", "10.128.0.1", "11.0.0.1", "fd00::1"];
        each(ips.map(|ip| ip.parse().unwrap()).to_vec(), |facts, it| {
            facts.peer_ip = Some(it)
        })
    };
    let names = || {
        each(
            vec![None, Some("a"), Some("b"), Some("ab"), Some("c")],
            |facts, it: Option<&str>| facts.sni = it.map(str::to_owned),
        )
    };
    let connected = |strict: bool| World {
        rule: connections,
        requests: [
            product(
                start(false),
                vec![ports(&[81, 82, 83]), callers(strict), addresses(), names()],
            ),
            product(
                start(true),
                vec![
                    ports(&[80, 82, 83]),
                    callers(strict),
                    addresses(),
                    names(),
                    each(words(&["GET", "PUT", "GX", "XT", "X", "GXT"]), |facts, it| {
                        facts.method = it
                    }),
                ],
            ),
        ],
        inventory: one_workload(),
        policies: PolicySet {
            peer_authentications: if strict { vec![strictly()] } else { Vec::new() },
            ..PolicySet::default()
        },
    };
    vec![
        plain,
        with_headers(valued(false)),
        with_headers(valued(true)),
        connected(false),
        connected(true),
    ]
}

fn meta(name: &str) -> Meta {
    Meta {
        name: name.to_owned(),
        namespace: Some("shop".to_owned()),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        created: None,
        origin: Span::default(),
    }
}

fn accepting(issuers: &[&str]) -> RequestAuthentication {
    let rule = |iss: &&str| JwtRule::new(Some((*iss).to_owned()), Keys::Uri(format!("https://{iss}/keys")));
    RequestAuthentication {
        meta: meta("tokens"),
        selection: Selection::All,
        rules: issuers.iter().map(rule).collect(),
    }
}

fn strictly() -> PeerAuthentication {
    PeerAuthentication {
        meta: meta("strict"),
        mode: Some(MtlsMode::Strict),
        scope: PeerScope::Namespace,
    }
}

fn one_workload() -> Inventory {
    let workload = Workload {
        namespace: "shop".to_owned(),
        name: "api".to_owned(),
        also: Vec::new(),
        stands_for: Vec::new(),
        kind: WorkloadKind::Application,
        labels: BTreeMap::new(),
        account: None,
        ports: [(80, Protocol::Http), (81, Protocol::Tcp)].into(),
        data_plane: DataPlane::Sidecar,
        origin: Span::default(),
    };
    Inventory {
        workloads: vec![workload],
        ..Inventory::default()
    }
}

/// One to three policies of one to three rules each, each rule at a place of its own.
fn policies(dice: &mut Dice, world: &World, pool: &[Rule]) -> PolicySet {
    let file = SourceMap::default().add("policies.yaml", "");
    let mut line = 0;
    let mut all = world.policies.clone();
    for at in 0..1 + dice.below(3) {
        let rules = (0..1 + dice.below(3)).map(|_| {
            line += 1;
            Rule {
                origin: Span::new(file, line, line),
                ..dice.one_of(pool)
            }
        });
        let rules: Vec<Rule> = rules.collect();
        let some = || OneOrMore::new(rules.clone()).unwrap();
        let action = match dice.below(10) {
            0..5 => Action::Allow(rules),
            5..8 => Action::Deny(some()),
            8 => Action::Custom {
                provider: dice.one_of(&["p", "q"]).to_owned(),
                rules: some(),
            },
            _ => Action::Audit(rules),
        };
        let dry_run = matches!(action, Action::Allow(_) | Action::Deny(_)) && dice.below(10) == 0;
        let policy = Authorization {
            meta: meta(&format!("p-{at}")),
            selection: Selection::All,
            action,
            dry_run,
        };
        all.authorizations.push(policy);
    }
    all
}

type Bits = Vec<u64>;

fn with(mut bits: Bits, other: &Bits) -> Bits {
    bits.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
    bits
}

fn is_within(bits: &Bits, other: &Bits) -> bool {
    bits.iter().zip(other).all(|(a, b)| a & !b == 0)
}

/// What the evaluator says of rules, each asked once.
#[derive(Default)]
struct Asked(HashMap<(bool, Vec<Clause>), Bits>);

impl Asked {
    fn requests(&mut self, world: &World, http: bool, rule: &CompiledRule) -> Bits {
        let asked = self.0.entry((http, rule.clauses.clone()));
        let bits = asked.or_insert_with(|| {
            let requests = &world.requests[usize::from(http)];
            let mut bits = vec![0; requests.len().div_ceil(64)];
            for (at, facts) in requests.iter().enumerate() {
                if matching::rule(rule, facts) == Truth::Yes {
                    bits[at / 64] |= 1 << (at % 64);
                }
            }
            bits
        });
        bits.clone()
    }
}

/// What the verdicts have to be: `None` for what decides something, else whether it is dead, and whether rules before it
/// are enough.
fn expected(gate: &Gate<'_>, requests: &BTreeMap<OwnerId, Bits>) -> BTreeMap<OwnerId, Option<(bool, bool)>> {
    let mut removed = BTreeSet::new();
    let mut all = BTreeMap::new();
    let rules: Vec<_> = gate.rules().collect();
    for (id, rule) in rules.iter().rev() {
        let own = &requests[id];
        let union = |before: bool| {
            let others = rules.iter().filter(|(other, it)| {
                let decides = match rule.stage {
                    Stage::Allow => matches!(it.stage, Stage::Deny | Stage::Allow),
                    Stage::Deny => it.stage == Stage::Deny,
                    Stage::Custom => it.stage == Stage::Custom && it.policy.provider == rule.policy.provider,
                    Stage::Audit => false,
                };
                let has_say = !it.policy.dry_run && !rule.policy.dry_run;
                decides && has_say && other != id && !removed.contains(other) && (!before || other < id)
            });
            others.fold(vec![0; own.len()], |bits, (other, _)| with(bits, &requests[other]))
        };
        let verdict = if own.iter().all(|word| *word == 0) {
            Some((true, false))
        } else if is_within(own, &union(false)) {
            Some((false, is_within(own, &union(true))))
        } else {
            None
        };
        if verdict.is_some() {
            removed.insert(*id);
        }
        all.insert(*id, verdict);
    }
    all
}

/// How often each verdict was seen.
#[derive(Debug, Default)]
struct Seen {
    dead: usize,
    decided: usize,
    by_many: usize,
    alive: usize,
}

fn judge(world: &World, policies: &PolicySet, asked: &mut Asked, seen: &mut Seen) {
    let judge = Judge::new(policies, &world.inventory, Target::NEWEST);
    for place in place::places(&judge) {
        for http in place.traffic() {
            let gate = place.gate(http, &[]);
            let rules: BTreeMap<OwnerId, _> = gate.rules().collect();
            let bits = rules.iter().map(|(id, it)| (*id, asked.requests(world, http, it.rule)));
            let bits: BTreeMap<OwnerId, Bits> = bits.collect();
            let wanted = expected(&gate, &bits);
            let by_origin: BTreeMap<Span, OwnerId> = rules.iter().map(|(id, it)| (it.rule.origin, *id)).collect();
            for (origin, verdict) in verdict::at_gate(&place, &gate, &mut Pool::default()) {
                let id = by_origin[&origin];
                let found = match &verdict {
                    Verdict::Dead(_) => Some((true, false)),
                    Verdict::Decided(decided) => Some((false, decided.earlier)),
                    Verdict::Alive => None,
                    Verdict::Undecided(why) => panic!("{why:?}"),
                };
                assert_eq!(found, wanted[&id], "rule {origin:?} of {policies:#?}");
                match &verdict {
                    Verdict::Decided(decided) => {
                        let by: Vec<&Bits> = decided.by.iter().map(|(_, span)| &bits[&by_origin[span]]).collect();
                        let union = |without: usize| {
                            let others = by.iter().enumerate().filter(|(at, _)| *at != without);
                            others.fold(vec![0; bits[&id].len()], |bits, (_, other)| with(bits, other))
                        };
                        assert!(is_within(&bits[&id], &union(usize::MAX)), "{origin:?} of {policies:#?}");
                        for at in 0..by.len() {
                            assert!(
                                !is_within(&bits[&id], &union(at)),
                                "{origin:?} of {policies:#?} {decided:?}"
                            );
                        }
                        seen.decided += 1;
                        seen.by_many += usize::from(by.len() > 1);
                    }
                    Verdict::Dead(_) => seen.dead += 1,
                    Verdict::Alive | Verdict::Undecided(_) => seen.alive += 1,
                }
            }
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long a test takes is no input of the compiler"
)]
fn verdicts_are_what_all_requests_say() {
    let wanted = std::env::var("MESHC_POLICY_SETS")
        .ok()
        .and_then(|sets| sets.parse().ok());
    let sets = wanted.unwrap_or(SETS);
    let threads: Vec<_> = (0..worlds().len())
        .map(|at| {
            thread::spawn(move || {
                let world = worlds().swap_remove(at);
                let mut dice = Dice::new(at as u64);
                let pool: Vec<Rule> = (0..60.max(sets / 50)).map(|_| (world.rule)(&mut dice)).collect();
                let (mut asked, mut seen) = (Asked::default(), Seen::default());
                for _ in 0..sets {
                    judge(&world, &policies(&mut dice, &world, &pool), &mut asked, &mut seen);
                }
                assert!(
                    seen.dead > sets / 50 && seen.decided > sets / 10 && seen.by_many > 0 && seen.alive > sets / 4,
                    "world {at}: {seen:?}"
                );
            })
        })
        .collect();
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
