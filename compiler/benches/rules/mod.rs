//! Policies of any size as values: tenants that keep to themselves but for a few rules of the mesh, and broad rules that
//! swallow others. At many rules the former cost most, because a few broad ones hold nearly all else.

pub(crate) mod hostile;

use meshc::policy::{
    Action, Authorization, Condition, ConditionKey, IpBlock, Labels, Lists, Meta, OneOrMore, Operation, PolicySet,
    Rule, Selection, Source,
};
use meshc::source::{SourceMap, Span};

/// Rules of a tenant.
const TENANT: usize = 20;

/// Numbers that are the same on every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// So many times of a hundred.
    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }
}

/// A rule, and whether it denies.
pub(crate) type Ruling = (bool, Rule);

/// Rules of tenants, some of them copies or parts of others, and four that are for all.
pub(crate) fn tenants(dice: &mut Dice, count: usize) -> Vec<Ruling> {
    let mut rules: Vec<Ruling> = vec![
        (false, of(from("", 0), to("/*/metrics", "GET"))),
        (
            false,
            of(
                Source {
                    namespaces: some("istio-system"),
                    ..Source::default()
                },
                to("/healthz", "GET"),
            ),
        ),
        (true, of(Source::default(), to("/admin*", "DELETE"))),
        (
            false,
            of(
                Source {
                    namespaces: some("monitoring"),
                    ..Source::default()
                },
                to("*/stats", "GET"),
            ),
        ),
    ];
    rules.truncate(count / 25);
    for at in rules.len()..count {
        let tenant = at / TENANT;
        let own = at % TENANT;
        let copied = (own > 2 && dice.percent(6)).then(|| rules.len() - 1 - dice.below(own));
        let rule = match copied.and_then(|at| rules.get(at)).cloned() {
            Some(rule) => (rule.0, part(dice, rule.1)),
            None => tenant_rule(dice, tenant),
        };
        rules.push(rule);
    }
    rules
}

/// As it is, narrower, or with half of a list.
fn part(dice: &mut Dice, mut rule: Rule) -> Rule {
    match dice.below(3) {
        0 => {}
        1 => {
            for operation in &mut rule.operations {
                if operation.methods.values.is_empty() {
                    operation.methods = some("GET");
                }
            }
        }
        _ => {
            for source in &mut rule.sources {
                let half = source.principals.values.len().div_ceil(2);
                source.principals.values.truncate(half.max(1));
            }
        }
    }
    rule
}

fn tenant_rule(dice: &mut Dice, tenant: usize) -> Ruling {
    let mut source = Source::default();
    match dice.below(100) {
        0..68 => {
            let accounts = (0..1 + dice.below(3)).map(|_| account(tenant, dice.below(12)));
            source.principals.values = accounts.collect();
        }
        68..96 => source.namespaces.values = vec![format!("team-{}", dice.below(tenant + 5))],
        _ => source.namespaces.values = vec![format!("team-{tenant}*")],
    }
    let deny = dice.percent(12);
    if deny && dice.percent(33) {
        source.principals = Lists {
            values: Vec::new(),
            not_values: vec![account(tenant, dice.below(12))],
        };
        source.namespaces.values = vec![format!("team-{tenant}")];
    }
    if dice.percent(8) {
        let block = format!("10.{}.{}.0/{}", dice.below(64), dice.below(256), 16 + 4 * dice.below(3));
        source.ip_blocks.values.extend(IpBlock::parse(&block));
    }
    let mut operation = Operation::default();
    match dice.below(100) {
        0..45 => {
            let paths =
                (0..1 + dice.below(3)).map(|_| format!("/team-{tenant}/svc-{}/item-{}", dice.below(5), dice.below(12)));
            operation.paths.values = paths.collect();
        }
        45..80 => operation.paths.values = vec![format!("/team-{tenant}/svc-{}/*", dice.below(5))],
        80..83 => operation.paths.values = vec![format!("/team-{tenant}/{{*}}/part-{}", dice.below(4))],
        83..86 => operation.paths.values = vec![format!("/team-{tenant}/*")],
        _ => {}
    }
    if dice.percent(60) {
        operation.methods.values = (0..1 + dice.below(2))
            .map(|_| dice.one_of(METHODS).to_owned())
            .collect();
    }
    if dice.percent(12) {
        operation.ports.values.extend([8080, 9090, 443].get(dice.below(3)));
    }
    if dice.percent(8) {
        let host = dice.one_of(&["*.internal", "team.example.com", "*.example.com"]);
        operation.hosts.values = vec![host.replace("team", &format!("team-{tenant}"))];
    }
    let mut rule = of(source, operation);
    if dice.percent(15) {
        let group = format!("group-{}", dice.below(20));
        let lists = match dice.below(10) {
            0..6 => some(&group),
            6..8 => some(&format!("{group}*")),
            _ => Lists {
                values: Vec::new(),
                not_values: vec![group],
            },
        };
        rule.conditions.push(Condition {
            key: ConditionKey::Claim(vec!["groups".to_owned()]),
            lists,
        });
    }
    (deny, rule)
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH"];

/// Rules of one or two facts each, so that few hold nearly all others.
pub(crate) fn broad(dice: &mut Dice, count: usize) -> Vec<Ruling> {
    let rule = |_| {
        let rule = match dice.below(4) {
            0 => of(
                Source {
                    namespaces: some(&format!("team-{}", dice.below(400))),
                    ..Source::default()
                },
                Operation::default(),
            ),
            1 => of(
                from("", 0),
                to(&format!("/{}/{}", dice.below(40), dice.below(40)), "GET"),
            ),
            2 => of(from("", 0), to(&format!("/{}/*", dice.below(40)), dice.one_of(METHODS))),
            _ => of(
                from("team", dice.below(4000)),
                to(&format!("/{}*", dice.below(400)), dice.one_of(METHODS)),
            ),
        };
        (dice.percent(12), rule)
    };
    (0..count).map(rule).collect()
}

/// The policies of one namespace, or of the pods of one app of it: one that denies and one that allows, each rule at a
/// place of its own from `line` on.
pub(crate) fn policies(rules: Vec<Ruling>, app: Option<usize>, line: usize) -> Vec<Authorization> {
    let file = SourceMap::default().add("rules.yaml", "");
    let span = |at: usize| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(file, at, at)
    };
    let (mut deny, mut allow) = (Vec::new(), Vec::new());
    for (at, (denies, mut rule)) in rules.into_iter().enumerate() {
        rule.origin = span(line + at);
        if denies { deny.push(rule) } else { allow.push(rule) }
    }
    let selection = app.and_then(|app| Labels::new([("app".to_owned(), format!("app-{app}"))].into()));
    let policy = |name: &str, action| Authorization {
        meta: Meta {
            name: format!("{name}-{}", app.unwrap_or_default()),
            namespace: Some("shop".to_owned()),
            labels: [].into(),
            annotations: [].into(),
            created: None,
            origin: span(line),
        },
        selection: selection.clone().map_or(Selection::All, Selection::Labels),
        action,
        dry_run: false,
    };
    let deny = OneOrMore::new(deny).map(|rules| policy("deny", Action::Deny(rules)));
    deny.into_iter()
        .chain([policy("allow", Action::Allow(allow))])
        .collect()
}

/// All policies of one namespace.
pub(crate) fn one(rules: Vec<Ruling>) -> PolicySet {
    PolicySet {
        authorizations: policies(rules, None, 0),
        ..PolicySet::default()
    }
}

/// So many workloads of ten rules each, each of a tenant of its own.
pub(crate) fn many(dice: &mut Dice, workloads: usize) -> PolicySet {
    let workload = |at: usize| {
        let rules = (0..10).map(|_| tenant_rule(dice, at)).collect();
        policies(rules, Some(at), 10 * at)
    };
    PolicySet {
        authorizations: (0..workloads).flat_map(workload).collect(),
        ..PolicySet::default()
    }
}

fn of(source: Source, operation: Operation) -> Rule {
    let source = (source != Source::default()).then_some(source);
    let operation = (operation != Operation::default()).then_some(operation);
    Rule {
        sources: source.into_iter().collect(),
        operations: operation.into_iter().collect(),
        ..Rule::default()
    }
}

fn some(text: &str) -> Lists<String> {
    Lists {
        values: vec![text.to_owned()],
        not_values: Vec::new(),
    }
}

fn account(tenant: usize, at: usize) -> String {
    format!("cluster.local/ns/team-{tenant}/sa/app-{at}")
}

/// Any account, or one of a namespace.
fn from(namespace: &str, at: usize) -> Source {
    if namespace.is_empty() {
        return Source::default();
    }
    Source {
        principals: some(&account(at / 20, at % 20)),
        ..Source::default()
    }
}

fn to(path: &str, method: &str) -> Operation {
    Operation {
        paths: some(path),
        methods: some(method),
        ..Operation::default()
    }
}
