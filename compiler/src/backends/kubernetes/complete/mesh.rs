//! Settings of the mesh.

use super::super::cluster::MeshConfig;
use super::super::metadata::Said;
use super::{Completion, quoted};
use crate::policy::inventory::{Mesh, Normalization, Provider};
use crate::policy::stated::Fact;

impl Completion<'_> {
    pub(super) fn mesh(&mut self) {
        let cluster = self.cluster;
        for config in &cluster.mesh {
            self.texts(config);
            self.switches(config);
            for (name, grpc) in &config.providers {
                let fact = Fact::Provider(name.clone());
                let now = self.inventory.mesh.providers.get(name).is_some_and(|it| it.grpc);
                let protocol = |grpc: &bool| if *grpc { "`grpc`" } else { "`http`" }.to_owned();
                if self.settles(
                    fact,
                    &format!("the protocol of provider `{name}`"),
                    (&now, grpc),
                    protocol,
                ) {
                    let providers = &mut self.inventory.mesh.providers;
                    providers.insert(name.clone(), Provider { grpc: grpc.it });
                }
            }
        }
    }

    fn texts(&mut self, config: &MeshConfig) {
        let defaults = Mesh::default();
        let text = |it: &String| quoted(it);
        if let Some(said) = or_default(config.root.as_ref(), config, defaults.root, self.says(&Fact::Root)) {
            let now = self.inventory.mesh.root.clone();
            if self.settles(Fact::Root, "`root`", (&now, &said), text) {
                self.inventory.mesh.root = said.it;
            }
        }
        let says = self.says(&Fact::TrustDomain);
        if let Some(said) = or_default(config.trust_domain.as_ref(), config, defaults.trust_domain, says) {
            let now = self.inventory.mesh.trust_domain.clone();
            if self.settles(Fact::TrustDomain, "`trust-domain`", (&now, &said), text) {
                self.inventory.mesh.trust_domain = said.it;
            }
        }
        let says = self.says(&Fact::Aliases);
        if let Some(said) = or_default(config.aliases.as_ref(), config, Vec::new(), says) {
            let now = sorted(&self.inventory.mesh.aliases);
            let compared = Said::new(sorted(&said.it), said.span);
            if self.settles(Fact::Aliases, "`aliases`", (&now, &compared), |it| list(it)) {
                self.inventory.mesh.aliases = said.it;
            }
        }
        // Others may be accepted by a setting of istiod, so what is not here may be so all the same.
        if let Some(said) = &config.trusts {
            let mut all = self.inventory.mesh.trusts.clone();
            let more: Vec<String> = said.it.iter().filter(|domain| !all.contains(domain)).cloned().collect();
            all.extend(more);
            let now = self.inventory.mesh.trusts.clone();
            let compared = Said::new(all.clone(), said.span);
            if self.settles(Fact::Trusts, "`trusts`", (&now, &compared), |it| list(it)) {
                self.inventory.mesh.trusts = all;
            }
        }
    }

    fn switches(&mut self, config: &MeshConfig) {
        let defaults = Mesh::default();
        let says = self.says(&Fact::Normalization);
        if let Some(said) = or_default(config.normalization.as_ref(), config, defaults.normalization, says) {
            let now = self.inventory.mesh.normalization;
            let word = |it: &Normalization| quoted(it.word());
            if self.settles(Fact::Normalization, "`normalization`", (&now, &said), word) {
                self.inventory.mesh.normalization = said.it;
            }
        }
        let says = self.says(&Fact::AutoMtls);
        let default = self.target.auto_mtls_by_default();
        if let Some(said) = or_default(config.auto_mtls.as_ref(), config, default, says) {
            let now = self.inventory.mesh.auto_mtls;
            let word = |on: &bool| if *on { "`on`" } else { "`off`" }.to_owned();
            if self.settles(Fact::AutoMtls, "`auto-mtls`", (&now, &said), word) {
                self.inventory.mesh.auto_mtls = said.it;
            }
        }
    }

    /// Whether the program says a fact.
    fn says(&self, fact: &Fact) -> bool {
        self.own.contains_key(fact)
    }
}

/// What settings say; where they are complete and say nothing, the default contradicts what a program says.
fn or_default<T: Clone>(said: Option<&Said<T>>, config: &MeshConfig, default: T, compared: bool) -> Option<Said<T>> {
    let silent = || config.whole.filter(|_| compared).map(|span| Said::new(default, span));
    said.cloned().or_else(silent)
}

fn sorted(texts: &[String]) -> Vec<String> {
    let mut sorted = texts.to_vec();
    sorted.sort_unstable();
    sorted
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return "empty".to_owned();
    }
    quoted(&texts.join("`, `"))
}
