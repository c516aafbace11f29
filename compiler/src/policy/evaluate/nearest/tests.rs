//! The nearest miss against brute force: on small universes no admitted request differs in fewer facts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;

use super::{changes, nearest};
use crate::policy::effective::strings::PathMatch;
use crate::policy::evaluate::Judge;
use crate::policy::inventory::{DataPlane, Inventory, Protocol, Provider, Service, Waypoint, Workload, WorkloadKind};
use crate::policy::request::{Caller, Destination, Json, Outcome, Place, Request, Token, TokenState};
use crate::policy::{
    Action, Authorization, Condition, ConditionKey, IpBlock, JwtRule, Keys, Labels, Lists, Meta, MtlsMode, OneOrMore,
    Operation, PeerAuthentication, PeerScope, PolicySet, RequestAuthentication, Rule, Selection, Source, StringMap,
    Target, TargetRef, TargetRefKind,
};
use crate::source::Span;

/// Small numbers without pattern, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn some(&mut self, of: &[&str], most: usize) -> Vec<String> {
        let count = 1 + self.roll(most);
        (0..count).map(|_| of[self.roll(of.len())].to_owned()).collect()
    }

    /// Mostly values that must be, at times such that must not.
    fn lists(&mut self, of: &[&str]) -> Lists<String> {
        let mut lists = Lists::default();
        if self.chance(75) {
            lists.values = self.some(of, 2);
        }
        if lists.values.is_empty() || self.chance(20) {
            lists.not_values = self.some(of, 1);
        }
        lists
    }
}

fn meta(name: &str) -> Meta {
    Meta {
        name: name.to_owned(),
        namespace: Some("n".to_owned()),
        labels: StringMap::new(),
        annotations: StringMap::new(),
        created: None,
        origin: Span::default(),
    }
}

const METHODS: &[&str] = &["GET", "POST", "P*"];
const PATHS: &[&str] = &["/a", "/a/*", "*/z", "/b/{*}", "/{*}/z", "/a/{**}/b", "/{**}z"];
const CALLERS: &[&str] = &["cluster.local/ns/x/sa/a", "cluster.local/ns/x/*", "*/sa/b"];
const GROUPS: &[&str] = &["r", "s*"];
const HEADERS: &[&str] = &["1", "2*", "*"];
const NETS: &[&str] = &["10.0.0.0/8", "10.1.0.0/16"];

/// Which facts the rules of a case are about.
const KINDS: usize = 9;

fn rule(dice: &mut Dice, kinds: &[usize]) -> Rule {
    let mut rule = Rule::default();
    let (mut source, mut operation) = (Source::default(), Operation::default());
    for kind in kinds {
        if !dice.chance(60) {
            continue;
        }
        let mut condition = |key, lists| rule.conditions.push(Condition { key, lists });
        match kind {
            0 => operation.methods = dice.lists(METHODS),
            1 => operation.paths = dice.lists(PATHS),
            2 => source.principals = dice.lists(CALLERS),
            3 => condition(ConditionKey::Claim(vec!["groups".to_owned()]), dice.lists(GROUPS)),
            4 => condition(ConditionKey::Header("x-a".to_owned()), dice.lists(HEADERS)),
            5 => {
                let lists = dice.lists(NETS);
                let blocks = |list: Vec<String>| list.iter().map(|net| IpBlock::parse(net).unwrap()).collect();
                source.ip_blocks = Lists {
                    values: blocks(lists.values),
                    not_values: blocks(lists.not_values),
                };
            }
            6 => operation.ports.values.push(if dice.chance(50) { 80 } else { 81 }),
            7 => source.request_principals = dice.lists(&["https://one/*", "https://two/u"]),
            _ => source.namespaces = dice.lists(&["x", "y"]),
        }
    }
    let mut second = source.clone();
    if source != Source::default() {
        rule.sources.push(source);
        if dice.chance(20) && !second.principals.values.is_empty() {
            second.principals = dice.lists(CALLERS);
            rule.sources.push(second);
        }
    }
    if operation != Operation::default() {
        rule.operations.push(operation);
    }
    rule
}

fn jwt(issuer: &str) -> JwtRule {
    JwtRule::new(Some(issuer.to_owned()), Keys::Uri(format!("{issuer}/keys")))
}

fn policies(dice: &mut Dice, kinds: &[usize], waypoint: bool) -> PolicySet {
    let mut set = PolicySet::default();
    let to_waypoint = || {
        Selection::Targets(OneOrMore::one(TargetRef {
            kind: TargetRefKind::Service,
            name: "s".to_owned(),
        }))
    };
    for at in 0..1 + dice.roll(4) {
        let rules: Vec<Rule> = (0..1 + dice.roll(2)).map(|_| rule(dice, kinds)).collect();
        let some = OneOrMore::new(rules.clone()).unwrap();
        let action = match dice.roll(10) {
            0..=4 => Action::Allow(rules),
            5..=7 => Action::Deny(some),
            8 if kinds.contains(&3) => Action::Deny(some),
            8 => Action::Custom {
                provider: "ext".to_owned(),
                rules: some,
            },
            _ => Action::Allow(Vec::new()),
        };
        set.authorizations.push(Authorization {
            meta: meta(&format!("p{at}")),
            selection: if waypoint && dice.chance(70) {
                to_waypoint()
            } else {
                Selection::All
            },
            action,
            dry_run: dice.chance(5),
        });
    }
    if dice.chance(40) {
        let labels = Labels::new(StringMap::from([("app".to_owned(), "w".to_owned())])).unwrap();
        let modes = [MtlsMode::Strict, MtlsMode::Disable, MtlsMode::Permissive];
        set.peer_authentications.push(PeerAuthentication {
            meta: meta("m"),
            mode: Some(modes[dice.roll(if waypoint { 1 } else { 3 })]),
            scope: PeerScope::Workload {
                labels,
                ports: if dice.chance(30) {
                    BTreeMap::from([(81, MtlsMode::Permissive)])
                } else {
                    BTreeMap::new()
                },
            },
        });
    }
    if kinds.iter().any(|kind| [3, 7].contains(kind)) {
        let mut rules = vec![jwt("https://one"), jwt("https://two")];
        if dice.chance(20) {
            rules[0].audiences.push("us".to_owned());
        }
        set.request_authentications.push(RequestAuthentication {
            meta: meta("j"),
            selection: if waypoint { to_waypoint() } else { Selection::All },
            rules,
        });
    }
    set
}

fn inventory(waypoint: bool) -> Inventory {
    let mut inventory = Inventory::default();
    inventory
        .mesh
        .providers
        .insert("ext".to_owned(), Provider { grpc: true });
    inventory.workloads.push(Workload {
        namespace: "n".to_owned(),
        name: "w".to_owned(),
        also: Vec::new(),
        stands_for: Vec::new(),
        kind: WorkloadKind::Application,
        labels: StringMap::from([("app".to_owned(), "w".to_owned())]),
        account: None,
        ports: BTreeMap::from([(80, Protocol::Http), (81, Protocol::Tcp)]),
        data_plane: if waypoint {
            DataPlane::Ambient
        } else {
            DataPlane::Sidecar
        },
        origin: Span::default(),
    });
    if waypoint {
        inventory.services.push(Service {
            namespace: "n".to_owned(),
            name: "s".to_owned(),
            ports: vec![(80, 80)],
            port_names: BTreeMap::new(),
            headless: false,
            workloads: vec![0],
            waypoint: Some(("n".to_owned(), "way".to_owned())),
        });
        inventory.waypoints.push(Waypoint {
            namespace: "n".to_owned(),
            name: "way".to_owned(),
            account: Some(crate::policy::inventory::Account {
                namespace: "n".to_owned(),
                name: "way".to_owned(),
            }),
        });
    }
    inventory
}

fn token(issuer: &str, state: TokenState, claims: &[(&str, &[&str])]) -> Token {
    let mut all = BTreeMap::from([("iss".to_owned(), Json::String(issuer.to_owned()))]);
    for (name, values) in claims {
        let values: Vec<Json> = values.iter().map(|value| Json::String((*value).to_owned())).collect();
        all.insert(
            (*name).to_owned(),
            match values.as_slice() {
                [one] => one.clone(),
                _ => Json::List(values),
            },
        );
    }
    Token {
        keys: Keys::Uri(format!("{issuer}/keys")),
        issuer: Some(issuer.to_owned()),
        claims: all,
        state,
        place: Place::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
        },
    }
}

/// One path of each kind that [`PATHS`] can tell apart, found by trying all short ones.
fn paths() -> &'static [String] {
    static ALL: OnceLock<Vec<String>> = OnceLock::new();
    ALL.get_or_init(|| {
        let patterns: Vec<PathMatch> = PATHS.iter().map(|path| PathMatch::parse(path)).collect();
        let mut level = vec![String::new()];
        let (mut all, mut kinds) = (Vec::new(), BTreeSet::new());
        for _ in 0..4 {
            let words = ["/", "/a", "/b", "/z", "/other", "/otherz", "/*", "/*z"];
            level = level
                .iter()
                .flat_map(|start| words.iter().map(move |word| format!("{start}{word}")))
                .collect();
            for path in &level {
                let kind: Vec<bool> = patterns.iter().map(|pattern| pattern.matches(path)).collect();
                if kinds.insert(kind) {
                    all.push(path.clone());
                }
            }
        }
        all
    })
}

/// Gives a fact of a request a value.
type Set = Box<dyn Fn(&mut Request)>;

/// All requests of the universe of a case, those with one more fact behind those without.
fn requests(kinds: &[usize]) -> Vec<Request> {
    let mut all = Vec::new();
    for port in [80, 81] {
        for allow in [true, false] {
            let mut request = Request::new(Destination::Known(0), Caller::Outsider);
            request.port = Some(port);
            request.answers.insert("ext".to_owned(), allow);
            request.peer_ip = "192.0.2.1".parse().ok();
            all.push(request);
        }
    }
    let mut multiply = |settings: Vec<Set>| {
        all = all
            .iter()
            .flat_map(|request| {
                settings.iter().map(|set| {
                    let mut request = request.clone();
                    set(&mut request);
                    request
                })
            })
            .collect();
    };
    let callers = [
        "x/sa/a",
        "x/sa/b",
        "x/sa/other",
        "y/sa/b",
        "y/sa/other",
        "other/sa/b",
        "other/sa/other",
    ];
    let mut settings: Vec<Set> = vec![Box::new(|_| {})];
    for caller in callers {
        settings.push(Box::new(move |it| {
            it.caller = Caller::Principal(format!("cluster.local/ns/{caller}"))
        }));
    }
    multiply(settings);
    for kind in kinds {
        let mut settings: Vec<Set> = Vec::new();
        match kind {
            0 => {
                for method in ["GET", "POST", "DELETE", "PUT"] {
                    settings.push(Box::new(move |it| it.method = Some(method.to_owned())));
                }
            }
            1 => {
                for path in paths() {
                    let path = path.clone();
                    settings.push(Box::new(move |it| it.path = Some(path.clone())));
                }
            }
            3 | 7 => {
                settings.push(Box::new(|_| {}));
                for issuer in ["https://one", "https://two"] {
                    for groups in [&[][..], &["r"], &["sother"], &["r", "sother"], &["other"]] {
                        for sub in [&[][..], &["u"], &["other"]] {
                            if (*kind == 3 && sub.is_empty()) || (*kind == 7 && groups.is_empty()) {
                                let claims: Vec<(&str, &[&str])> = [("groups", groups), ("sub", sub)]
                                    .into_iter()
                                    .filter(|(_, values)| !values.is_empty())
                                    .collect();
                                let good = token(issuer, TokenState::Valid, &claims);
                                let mut for_us = good.clone();
                                for_us.claims.insert("aud".to_owned(), Json::String("us".to_owned()));
                                let mut bad = good.clone();
                                bad.state = TokenState::Forged;
                                for token in [good, for_us, bad] {
                                    settings.push(Box::new(move |it| it.tokens = vec![token.clone()]));
                                }
                            }
                        }
                    }
                }
            }
            4 => {
                for values in [&[][..], &["1"], &["2other"], &["other"], &["1", "2other"]] {
                    settings.push(Box::new(move |it| {
                        let header = |value: &&str| ("x-a".to_owned(), (*value).to_owned());
                        it.headers = values.iter().map(header).collect();
                    }));
                }
            }
            5 => {
                for address in ["192.0.2.1", "10.0.0.1", "10.1.0.1"] {
                    let address: IpAddr = address.parse().unwrap();
                    settings.push(Box::new(move |it| it.peer_ip = Some(address)));
                }
            }
            _ => continue,
        }
        multiply(settings);
    }
    all
}

/// The fewest changes by trying all, and those that the search finds, for a number of refused requests.
fn agree(seed: u64, waypoint: bool) -> (usize, usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let kinds = loop {
        let kinds = [dice.roll(KINDS), dice.roll(KINDS), dice.roll(KINDS)];
        let heavy = kinds.iter().filter(|kind| [1, 3, 4, 7].contains(kind)).count();
        if kinds[0] < kinds[1] && kinds[1] < kinds[2] && heavy < 2 {
            break kinds;
        }
    };
    let policies = policies(&mut dice, &kinds, waypoint);
    let inventory = inventory(waypoint);
    let judge = Judge::new(&policies, &inventory, Target::NEWEST);
    let all = requests(&kinds);
    let admitted: Vec<&Request> = all
        .iter()
        .filter(|request| judge.answer(request).is_ok_and(|answer| answer.outcome == Outcome::Ok))
        .collect();
    let (mut found, mut hopeless) = (0, 0);
    for _ in 0..4 {
        let request = &all[dice.roll(all.len())];
        let Ok(answer) = judge.answer(request) else { continue };
        if answer.outcome == Outcome::Ok {
            continue;
        }
        let fewest = admitted.iter().map(|other| changes(request, other).len()).min();
        let miss = nearest(&judge, request, &answer);
        let context = || format!("seed {seed}, kinds {kinds:?}\n{request:#?}\n{policies:#?}\n{miss:#?}");
        match (&miss, fewest) {
            (None, None) => hopeless += 1,
            (Some(miss), Some(fewest)) => {
                found += 1;
                assert_eq!(miss.changes.len(), fewest, "{}", context());
                assert!(miss.is_exact, "{}", context());
                assert_eq!(judge.answer(&miss.to).unwrap().outcome, Outcome::Ok);
            }
            _ => panic!("brute force finds {fewest:?}, {}", context()),
        }
    }
    (found, hopeless)
}

#[test]
fn no_admitted_request_is_nearer() {
    let (mut found, mut hopeless) = (0, 0);
    for seed in 1..=240 {
        let (some, none) = agree(seed, seed % 4 == 0);
        found += some;
        hopeless += none;
    }
    assert!(found > 200 && hopeless > 5, "{found} {hopeless}");
}
