//! The callers that a policy knows: those that it names, and everybody else.

use std::collections::{BTreeMap, BTreeSet};

use super::Line;
use crate::driver::Build;
use crate::hir::NameKind;
use crate::policy::Source;
use crate::policy::effective;
use crate::policy::inventory::{Account, WorkloadKind, principal_parts};
use crate::source::SourceMap;

/// A caller of the table.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) group: Group,
    /// As tables call it.
    pub(super) name: String,
    /// More about it: the workloads that run as it.
    pub(super) note: String,
    /// In the language's words.
    who: String,
    own: bool,
}

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Asked,
    Identities,
    Workloads,
    Gateways,
    Waypoints,
    /// Accounts and namespaces that rules name and of which no pod is known.
    Named,
    Mesh,
    Outsiders,
    Users,
}

impl Group {
    /// As JSON spells it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Identities => "identities",
            Self::Workloads => "workloads",
            Self::Gateways => "gateways",
            Self::Waypoints => "waypoints",
            Self::Named => "named-in-rules",
            Self::Mesh => "mesh",
            Self::Outsiders => "outsiders",
            Self::Users => "users",
        }
    }

    /// As a heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Asked => "asked about",
            Self::Identities => "identities of the project",
            Self::Workloads => "workloads",
            Self::Gateways => "gateways",
            Self::Waypoints => "waypoints",
            Self::Named => "named in rules",
            Self::Mesh => "the rest of the mesh",
            Self::Outsiders => "outsiders",
            Self::Users => "end users, by the issuer of their token",
        }
    }
}

impl Caller {
    /// The caller that the user names.
    pub(super) fn asked(who: &str) -> Self {
        Self {
            own: true,
            ..Self::new(Group::Asked, who, who)
        }
    }

    fn new(group: Group, name: &str, who: &str) -> Self {
        Self {
            group,
            name: name.to_owned(),
            note: String::new(),
            who: who.to_owned(),
            own: false,
        }
    }

    /// In the language's words.
    pub(super) fn words(&self) -> &str {
        &self.who
    }

    pub(super) fn line(&self) -> Line {
        Line {
            text: format!("never {} to any at */*", self.who),
            own: self.own,
        }
    }
}

/// Every caller, by its group and name.
pub(super) fn all(build: &Build, sources: &SourceMap) -> Vec<Caller> {
    let mut callers = identities(build, sources);
    let (accounts, others) = accounts(build);
    let mut known = Vec::new();
    for (account, (group, pods)) in &accounts {
        let name = format!("{}/{}", account.0, account.1);
        known.push(name.clone());
        let mut caller = Caller::new(*group, &name, &format!("sa {name}"));
        let pods: Vec<&str> = pods.iter().map(String::as_str).filter(|pods| *pods != name).collect();
        caller.note = pods.join(", ");
        callers.push(caller);
    }
    for (name, who) in others {
        callers.push(Caller::new(Group::Named, &name, &who));
    }
    let rest = if known.is_empty() {
        ("any workload", "any-peer".to_owned())
    } else {
        ("any other workload", format!("any-peer except sa {}", known.join(", ")))
    };
    callers.push(Caller {
        note: "of this mesh, or of a trust domain that it accepts".to_owned(),
        ..Caller::new(Group::Mesh, rest.0, &rest.1)
    });
    callers.push(Caller {
        note: "plaintext, or TLS without an identity of the mesh".to_owned(),
        ..Caller::new(Group::Outsiders, "outsider", "outsider")
    });
    callers.extend(users(build));
    callers.sort_by(|a, b| (a.group, &a.name).cmp(&(b.group, &b.name)));
    callers
}

/// The identities that the project declares or takes from the standard library.
fn identities(build: &Build, sources: &SourceMap) -> Vec<Caller> {
    let names = super::operations::names(build, sources, NameKind::Identity);
    names
        .iter()
        .map(|name| Caller::new(Group::Identities, name, name))
        .collect()
}

type Accounts = BTreeMap<(String, String), (Group, BTreeSet<String>)>;

/// The accounts of this mesh with the pods that run as each, and whom else rules name.
fn accounts(build: &Build) -> (Accounts, BTreeMap<String, String>) {
    let inventory = &build.facts.inventory;
    let (mut accounts, mut others) = (Accounts::new(), BTreeMap::new());
    let mut add = |account: &Account, group: Group, pods: Option<String>| {
        let key = (account.namespace.clone(), account.name.clone());
        let entry = accounts.entry(key).or_insert((group, BTreeSet::new()));
        entry.0 = entry.0.min(group);
        entry.1.extend(pods);
    };
    for workload in &inventory.workloads {
        let group = match workload.kind {
            WorkloadKind::Application => Group::Workloads,
            WorkloadKind::Gateway { .. } => Group::Gateways,
        };
        if let Some(account) = &workload.account {
            add(
                account,
                group,
                Some(format!("{}/{}", workload.namespace, workload.name)),
            );
        }
    }
    for waypoint in &inventory.waypoints {
        if let Some(account) = &waypoint.account {
            let name = format!("{}/{}", waypoint.namespace, waypoint.name);
            add(account, Group::Waypoints, Some(name));
        }
    }
    let own = inventory.mesh.own_domains();
    let policies = &build.policies.authorizations;
    for policy in policies {
        let home = policy.meta.namespace.as_deref().unwrap_or_default();
        let sources = policy.action.rules().iter().flat_map(|rule| &rule.sources);
        for source in sources {
            for named in named(source, home) {
                match named {
                    Named::Account(account) => add(&account, Group::Named, None),
                    Named::Principal(text) => match principal_parts(text).filter(|(domain, ..)| own.contains(domain)) {
                        Some((_, namespace, name)) => add(&account_of(namespace, name), Group::Named, None),
                        None => {
                            others.insert(text.to_owned(), format!("principal \"{text}\""));
                        }
                    },
                    Named::Namespace(name) => {
                        others.insert(format!("namespace {name}"), format!("ns {name}"));
                    }
                }
            }
        }
    }
    (accounts, others)
}

fn account_of(namespace: &str, name: &str) -> Account {
    Account {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

enum Named<'s> {
    Account(Account),
    Principal(&'s str),
    Namespace(&'s str),
}

/// Whom a source names without a star.
fn named<'s>(source: &'s Source, home: &str) -> Vec<Named<'s>> {
    let plain = |text: &&String| !text.contains(['*', '"', '\\', '$']);
    let principals = source.principals.values.iter().filter(plain);
    let accounts = source.service_accounts.values.iter().filter(plain);
    let namespaces = source.namespaces.values.iter().filter(plain);
    let account = |text: &String| {
        let (namespace, name) = text.split_once('/').unwrap_or((home, text));
        Named::Account(account_of(namespace, name))
    };
    principals
        .map(|text| Named::Principal(text))
        .chain(accounts.map(account))
        .chain(namespaces.map(|text| Named::Namespace(text)))
        .collect()
}

/// Who shows a token: of an issuer that the text declares, or of one that only manifests name.
fn users(build: &Build) -> Vec<Caller> {
    let declared = crate::lower::inventory::issuers(&build.program);
    let rules = effective::token_rules(&build.policies);
    let mut users = BTreeMap::new();
    for rule in rules.iter().map(|rule| &rule.rule) {
        let same = |it: &&crate::policy::NamedIssuer| it.issuer == rule.issuer && it.keys == rule.keys;
        if let Some(issuer) = declared.iter().find(same) {
            users.insert(issuer.name.clone(), issuer.name.clone());
        } else if let Some(iss) = rule.issuer.as_ref().filter(|iss| !iss.contains(['*', '"', '\\', '$'])) {
            users.insert(iss.clone(), format!("request-principal \"{iss}/*\""));
        }
    }
    users
        .iter()
        .map(|(name, who)| Caller::new(Group::Users, name, who))
        .collect()
}
