//! The facts of `mesh`, which everything else is read by.

use super::callers::is_trust_domain;
use super::names::Env;
use super::resolver::{Entry, Resolver};
use super::{At, Normalization, Provider, errors};
use crate::policy::stated;
use crate::source::Span;
use crate::syntax::ast::{Fact, ItemKind, ListFact, SingleFact, Value};

const NORMALIZATIONS: &[(&str, Normalization)] = &[
    ("none", Normalization::None),
    ("base", Normalization::Base),
    ("merge-slashes", Normalization::MergeSlashes),
    ("decode-and-merge-slashes", Normalization::DecodeAndMergeSlashes),
];

impl<'a> Resolver<'a, '_> {
    /// Reads the facts of `mesh`; their places are checked with the other items of the block.
    pub(super) fn mesh_facts(&mut self) {
        self.surrounding_mesh();
        let Some(draft) = self.mesh_draft.and_then(|at| self.drafts.get(at)) else {
            return;
        };
        let entries: Vec<Entry<'a>> = draft.entries.clone();
        for Entry { item, env, .. } in &entries {
            match &item.kind {
                ItemKind::Fact(Fact::Single { key, value }) => {
                    let fact = said(*key).map(|fact| (fact, item.span));
                    self.program.mesh.said.extend(fact);
                    self.mesh_single(*key, value, env);
                }
                ItemKind::Fact(Fact::List { key, values }) => {
                    let fact = match key {
                        ListFact::Aliases => stated::Fact::Aliases,
                        ListFact::Trusts => stated::Fact::Trusts,
                    };
                    self.program.mesh.said.insert(fact, item.span);
                    let domains = self.texts(values, "a trust domain", env);
                    let domains: Vec<String> = domains
                        .into_iter()
                        .filter(|d| self.is_trust_domain(d))
                        .map(|d| d.it)
                        .collect();
                    match key {
                        ListFact::Aliases => self.program.mesh.aliases = domains,
                        ListFact::Trusts => self.program.mesh.trusts = domains,
                    }
                }
                ItemKind::Fact(Fact::Provider {
                    name,
                    protocol,
                    fail_open,
                }) => {
                    let protocol = self.word_of(
                        &protocol.text,
                        protocol.span,
                        "a protocol",
                        &[("http", false), ("grpc", true)],
                    );
                    self.provider(
                        name,
                        protocol.is_some_and(|p| p.it),
                        fail_open.is_some(),
                        item.span,
                        env,
                    );
                }
                _ => {}
            }
        }
    }

    /// The settings where the project says none.
    fn surrounding_mesh(&mut self) {
        let (known, mesh) = (&self.surroundings.inventory().mesh, &mut self.program.mesh);
        mesh.root.clone_from(&known.root);
        mesh.trust_domain.clone_from(&known.trust_domain);
        mesh.aliases.clone_from(&known.aliases);
        mesh.trusts.clone_from(&known.trusts);
        mesh.normalization = known.normalization;
        let says = self.surroundings.says(&stated::Fact::AutoMtls);
        mesh.auto_mtls = says.then_some(known.auto_mtls);
    }

    /// The names of all authorizers that are known.
    pub(super) fn provider_names(&self) -> Vec<&str> {
        let own = self.program.mesh.providers.iter().map(|it| it.name.as_str());
        let known = self.surroundings.inventory().mesh.providers.keys().map(String::as_str);
        let mut names: Vec<&str> = own.collect();
        for name in known {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn provider(&mut self, name: &Value, grpc: bool, fail_open: bool, span: Span, env: &Env) {
        let Some(name) = self.text(name, "a provider", env) else {
            return;
        };
        if let Some(earlier) = self.program.mesh.providers.iter().find(|p| p.name == name.it) {
            self.acc.push(errors::said_twice(
                &format!("provider `{}`", name.it),
                name.span,
                Some(earlier.span),
            ));
            return;
        }
        self.program
            .names
            .declare(super::NameKind::Provider, &name.it, name.span, None);
        self.program.mesh.providers.push(Provider {
            name: name.it,
            grpc,
            fail_open,
            span,
        });
    }

    /// A trust domain is one name, without a star.
    fn is_trust_domain(&mut self, domain: &At<String>) -> bool {
        let ok = is_trust_domain(&domain.it) && !domain.it.contains('*');
        if !ok {
            self.acc.push(errors::invalid_trust_domain(&domain.it, domain.span));
        }
        ok
    }

    fn mesh_single(&mut self, key: SingleFact, value: &Value, env: &Env) {
        match key {
            SingleFact::Root => {
                if let Some(root) = self.kube_name(value, "a namespace", false, env) {
                    self.program.mesh.root = root.it;
                }
            }
            SingleFact::Domain => {
                if let Some(domain) = self.kube_name(value, "a domain", true, env) {
                    self.program.mesh.domain = domain.it;
                }
            }
            SingleFact::TrustDomain => {
                if let Some(domain) = self.text(value, "a trust domain", env)
                    && self.is_trust_domain(&domain)
                {
                    self.program.mesh.trust_domain = domain.it;
                }
            }
            SingleFact::WorkloadLabel => {
                if let Some(label) = self.text(value, "a label key", env) {
                    if super::values::is_label_key(&label.it) {
                        self.program.mesh.workload_label = Some(label.it);
                    } else {
                        self.acc.push(errors::invalid_label(&label.it, label.span, "key"));
                    }
                }
            }
            SingleFact::Normalization => {
                if let Some(option) = self.word(value, "a normalization", NORMALIZATIONS, env) {
                    self.program.mesh.normalization = option.it;
                }
            }
            SingleFact::AutoMtls => {
                let on_off = &[("on", true), ("off", false)];
                self.program.mesh.auto_mtls = self.word(value, "a setting of `auto-mtls`", on_off, env).map(|v| v.it);
            }
            SingleFact::ClientTls => {
                let words = &[("derived", false), ("explicit", true)];
                let word = self.word(value, "a setting of `client-tls`", words, env);
                self.program.mesh.client_tls_explicit = word.is_some_and(|w| w.it);
            }
            SingleFact::Account | SingleFact::Dataplane | SingleFact::UseWaypoint | SingleFact::TrustedProxies => {}
        }
    }
}

/// The fact of an installation that a setting says, if it is one.
const fn said(key: SingleFact) -> Option<stated::Fact> {
    match key {
        SingleFact::Root => Some(stated::Fact::Root),
        SingleFact::Domain => Some(stated::Fact::Domain),
        SingleFact::TrustDomain => Some(stated::Fact::TrustDomain),
        SingleFact::Normalization => Some(stated::Fact::Normalization),
        SingleFact::AutoMtls => Some(stated::Fact::AutoMtls),
        SingleFact::Dataplane => Some(stated::Fact::DataPlane),
        SingleFact::WorkloadLabel
        | SingleFact::ClientTls
        | SingleFact::Account
        | SingleFact::UseWaypoint
        | SingleFact::TrustedProxies => None,
    }
}
