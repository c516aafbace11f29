//! Identities of callers that the patterns of rules can tell apart.

use std::collections::BTreeSet;

use super::witnesses::{distinct, texts};
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{DomainMatch, PeerMatch, StringMatch};
use crate::policy::inventory::principal_parts;

/// At most so many identities are put together of domains, namespaces and accounts.
const MAX_COMBINED: usize = 500;

/// What patterns of identities name.
#[derive(Debug, Default)]
pub(super) struct Identities {
    whole: Vec<String>,
    domains: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

impl Identities {
    /// Knows the trust domains of the mesh.
    pub(super) fn of(domains: &[String]) -> Self {
        Self {
            domains: domains.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Adds an identity as it is.
    pub(super) fn add_whole(&mut self, identity: &str) {
        if let Some((domain, namespace, account)) = principal_parts(identity) {
            self.domains.insert(domain.to_owned());
            self.namespaces.insert(namespace.to_owned());
            self.accounts.insert(account.to_owned());
        }
        self.whole.push(identity.to_owned());
    }

    /// Adds what a pattern names; `fresh` is a word of no pattern.
    pub(super) fn add(&mut self, matcher: &Matcher, fresh: &str) {
        match matcher {
            Matcher::Peer(PeerMatch::Principal(pattern))
            | Matcher::ZtunnelPrincipal(pattern)
            | Matcher::BoundPrincipal(pattern) => {
                self.add_principal(pattern, fresh);
            }
            Matcher::Peer(PeerMatch::Namespace(pieces)) => {
                for between in ["", fresh] {
                    let glob = pieces.join(between);
                    let name = glob.strip_prefix("/ns/").and_then(|rest| rest.strip_suffix('/'));
                    self.namespaces
                        .extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
                }
            }
            Matcher::ZtunnelNamespace(pattern) => {
                self.namespaces.extend(texts([pattern], fresh));
            }
            Matcher::Peer(PeerMatch::ServiceAccount { namespace, name })
            | Matcher::ZtunnelAccount { namespace, name } => {
                self.namespaces.insert(namespace.clone());
                self.accounts.insert(name.clone());
            }
            Matcher::Peer(PeerMatch::TrustDomain(DomainMatch::Exact(domain))) => {
                self.domains.insert(domain.clone());
            }
            Matcher::Peer(PeerMatch::TrustDomain(DomainMatch::Star(before, after))) => {
                self.domains
                    .extend([format!("{before}{after}"), format!("{before}{fresh}{after}")]);
            }
            _ => {}
        }
    }

    fn add_principal(&mut self, pattern: &StringMatch, fresh: &str) {
        let complete = |pattern: &StringMatch, domain: &str| -> Vec<String> {
            let heads = [
                String::new(),
                domain.to_owned(),
                format!("{domain}/ns/"),
                format!("{domain}/ns/{fresh}"),
                format!("{domain}/ns/{fresh}/"),
                format!("{domain}/ns/{fresh}/sa/"),
                format!("{domain}/ns/{fresh}/sa/{fresh}"),
            ];
            let tails = [
                String::new(),
                fresh.to_owned(),
                format!("/sa/{fresh}"),
                format!("sa/{fresh}"),
                format!("{fresh}/sa/{fresh}"),
                format!("ns/{fresh}/sa/{fresh}"),
                format!("/ns/{fresh}/sa/{fresh}"),
                format!("{fresh}/ns/{fresh}/sa/{fresh}"),
            ];
            match pattern {
                StringMatch::Exact(text) => vec![text.clone()],
                StringMatch::Prefix(start) => tails.iter().map(|tail| format!("{start}{tail}")).collect(),
                StringMatch::Suffix(end) => heads.iter().map(|head| format!("{head}{end}")).collect(),
                StringMatch::Present => Vec::new(),
            }
        };
        let domains: Vec<String> = self.domains.iter().cloned().collect();
        for domain in domains {
            for identity in complete(pattern, &domain) {
                if principal_parts(&identity).is_some_and(|(a, b, c)| !a.is_empty() && !b.is_empty() && !c.is_empty()) {
                    self.add_whole(&identity);
                }
            }
        }
        if let StringMatch::Exact(text) = pattern {
            self.whole.push(text.clone());
        }
    }

    /// The identities: those that are named, then all that can be put together; and whether these are all of them.
    pub(super) fn all(&self, fresh: &str) -> (Vec<String>, bool) {
        let one = BTreeSet::from([fresh.to_owned()]);
        let with_fresh = |names: &BTreeSet<String>| names.iter().cloned().chain(one.clone()).collect::<Vec<_>>();
        let (namespaces, accounts) = (with_fresh(&self.namespaces), with_fresh(&self.accounts));
        let mut all = self.whole.clone();
        let identity = |domain: &str, namespace: &str, account: &str| format!("{domain}/ns/{namespace}/sa/{account}");
        for domain in &self.domains {
            all.extend(namespaces.iter().map(|namespace| identity(domain, namespace, fresh)));
            all.extend(accounts.iter().map(|account| identity(domain, fresh, account)));
        }
        let combined = self.domains.iter().flat_map(|domain| {
            let accounts = &accounts;
            namespaces
                .iter()
                .flat_map(move |namespace| accounts.iter().map(move |account| identity(domain, namespace, account)))
        });
        let is_complete = self.domains.len() * namespaces.len() * accounts.len() <= MAX_COMBINED;
        all.extend(combined.take(MAX_COMBINED));
        (distinct(all), is_complete)
    }
}
