//! Facts of a request to Istio's lists: what each WHO, WHAT and WHEN of the language is called there.

use super::formula::{Formula, Slot};
use super::reach::Enforcers;
use super::tokens::is_split;
use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{At, Expr, ExprKind, Fact, Issuer, IssuerId, Of, Value};
use crate::policy::{ConditionKey, Feature, IpBlock};
use crate::source::Span;

/// What the lowering of one item's facts depends on, and where its mistakes go.
pub(super) struct Facts<'c, 'p, 'd> {
    pub(super) ctx: &'c Context<'p>,
    /// Who enforces the item: Envoy's rules are rewritten for the aliases of the mesh, ztunnel's are not.
    pub(super) enforcers: Enforcers,
    pub(super) acc: &'d mut Diagnostics,
}

impl Facts<'_, '_, '_> {
    /// The formula of an expression.
    pub(super) fn formula(&mut self, expr: &Expr) -> Formula {
        match &expr.kind {
            ExprKind::True => Formula::True,
            ExprKind::Fact(fact) => self.fact(fact, expr.span),
            ExprKind::And(parts) => {
                let mut parts: Vec<_> = parts.iter().collect();
                parts.sort_by_key(|part| place(part));
                Formula::And(parts.into_iter().map(|part| self.formula(part)).collect())
            }
            ExprKind::Or(parts) => Formula::Or(parts.iter().map(|part| self.formula(part)).collect()),
            ExprKind::Except(all, less) => {
                let all = self.formula(all);
                Formula::And(vec![all, Formula::Not(Box::new(self.formula(less)))])
            }
        }
    }

    fn fact(&mut self, fact: &Fact, span: Span) -> Formula {
        match fact {
            Fact::AnyPeer => Formula::List(Slot::Principals, vec!["*".to_owned()]),
            Fact::Sa { accounts, of } => self.any(accounts.iter(), |this, (ns, name)| this.account(ns, name, of, span)),
            Fact::Ns { namespaces, of } => self.any(namespaces.iter(), |this, ns| this.namespace(ns, of, span)),
            Fact::Principal(values) => Formula::List(Slot::Principals, texts(values)),
            Fact::TrustDomain(values) => self.any(values.iter(), |this, value| this.trust_domain(&value.text, span)),
            Fact::PeerIp(blocks) => Formula::List(Slot::IpBlocks, addresses(blocks)),
            Fact::ClientIp(blocks) => {
                self.need(Feature::AuditCustomClientIp, "`client-ip`", span);
                Formula::List(Slot::RemoteIpBlocks, addresses(blocks))
            }
            Fact::Token => claim(vec!["iss".to_owned()], vec!["*".to_owned()]),
            Fact::Issuer(ids) => claim(vec!["iss".to_owned()], self.issuers(ids)),
            Fact::RequestPrincipal(values) => Formula::List(Slot::RequestPrincipals, texts(values)),
            Fact::Claim { path, values } => {
                let issuers = &self.ctx.program.issuers;
                let words = |issuer: &Issuer| issuer.claims.get(path).is_some_and(|ty| is_split(path, ty.it));
                if issuers.iter().any(words) {
                    self.need(Feature::SpaceDelimitedClaims, "a claim of `words`", span);
                }
                claim(path.clone(), texts(values))
            }
            Fact::Method(values) => Formula::List(Slot::Methods, texts(values)),
            Fact::Path(values) => {
                if let Some(template) = values.iter().find(|value| value.text.contains('{')) {
                    self.need(Feature::PathTemplates, "a path template", template.span);
                }
                Formula::List(Slot::Paths, texts(values))
            }
            Fact::PathRegex(_) => {
                self.acc.push(errors::legacy_only(
                    "`path-regex`",
                    span,
                    "write paths: `/prefix/*`, `*/suffix` or `/{*}/x`",
                ));
                Formula::True
            }
            Fact::Grpc(values) => {
                let paths = values.iter().map(|value| format!("/{}", value.text)).collect();
                Formula::And(vec![
                    Formula::List(Slot::Methods, vec!["POST".to_owned()]),
                    Formula::List(Slot::Paths, paths),
                ])
            }
            Fact::Host(values) => Formula::List(Slot::Hosts, values.iter().flat_map(host).collect()),
            Fact::Authority(values) => Formula::List(Slot::Hosts, texts(values)),
            Fact::Port(ports) => Formula::List(Slot::Ports, ports.iter().map(|port| port.it.to_string()).collect()),
            Fact::Sni(values) => Formula::List(Slot::When(ConditionKey::Sni), texts(values)),
            Fact::DestIp(blocks) => Formula::List(Slot::When(ConditionKey::DestinationIp), addresses(blocks)),
            Fact::Header { name, values } => {
                Formula::List(Slot::When(ConditionKey::Header(name.clone())), texts(values))
            }
            Fact::Filter { filter, key, values } => {
                let key = ConditionKey::Filter {
                    filter: filter.clone(),
                    key: key.clone(),
                };
                Formula::List(Slot::When(key), texts(values))
            }
        }
    }

    /// Reports what the release lacks.
    pub(super) fn need(&mut self, feature: Feature, what: &str, span: Span) {
        if !self.ctx.target.has(feature) {
            self.acc
                .push(errors::not_in_release(what, self.ctx.target, feature, span, None));
        }
    }

    /// The values' lists, those of one slot as one.
    fn any<'v, T: 'v>(
        &mut self,
        values: impl Iterator<Item = &'v T>,
        mut one: impl FnMut(&mut Self, &T) -> Formula,
    ) -> Formula {
        let mut parts: Vec<Formula> = Vec::new();
        for value in values {
            match (one(self, value), parts.last_mut()) {
                (Formula::List(slot, more), Some(Formula::List(last, values))) if *last == slot => {
                    more.into_iter().for_each(|v| {
                        if !values.contains(&v) {
                            values.push(v);
                        }
                    });
                }
                (formula, _) => parts.push(formula),
            }
        }
        match parts.len() {
            1 => parts.pop().unwrap_or(Formula::True),
            _ => Formula::Or(parts),
        }
    }

    fn own_domains(&self) -> Vec<String> {
        self.ctx.program.mesh.own_domains().map(str::to_owned).collect()
    }

    fn trusts_others(&self) -> bool {
        !self.ctx.program.mesh.trusts.is_empty()
    }

    fn trust_domains(&mut self, domains: Vec<String>, span: Span) -> Formula {
        if !self.ctx.target.has(Feature::TrustDomains) {
            let help = "name the trust domain and the namespace without a star: `ns N of TD`, `sa N/S of TD`";
            self.acc.push(errors::not_in_release(
                "`trustDomains`",
                self.ctx.target,
                Feature::TrustDomains,
                span,
                Some(help),
            ));
        }
        Formula::List(Slot::TrustDomains, domains)
    }

    /// `sa N/S`, `sa N/P*`, `sa */S`.
    fn account(&mut self, namespace: &Value, name: &Value, of: &Of, span: Span) -> Formula {
        let (namespace, name) = (namespace.text.as_str(), name.text.as_str());
        let any_namespace = namespace == "*";
        let exact = !any_namespace && !name.ends_with('*');
        let own = matches!(of, Of::Mesh);
        let domains = match of {
            Of::Mesh => self.own_domains(),
            Of::Domains(domains) => domains.iter().map(|domain| domain.text.clone()).collect(),
        };
        if domains.iter().any(|domain| domain == "*") {
            return self.account_of_any(namespace, name, exact, span);
        }
        if any_namespace {
            let suffix = Formula::List(Slot::Principals, vec![format!("*/sa/{name}")]);
            if own && !self.trusts_others() {
                return suffix;
            }
            let domains = self.trust_domains(domains, span);
            return Formula::And(vec![suffix, domains]);
        }
        if domains
            .iter()
            .any(|domain| domain.contains('*') || self.is_rewritten(domain))
        {
            if !exact {
                self.acc.push(errors::account_pattern_of_domain_pattern(span));
            }
            let accounts = Formula::List(Slot::ServiceAccounts, vec![format!("{namespace}/{name}")]);
            self.need(Feature::ServiceAccounts, "`serviceAccounts`", span);
            let domains = self.trust_domains(domains, span);
            return Formula::And(vec![accounts, domains]);
        }
        // Sidecars, gateways and waypoints expand an exact account of this mesh to all its names; ztunnel does not.
        let expanded = own && exact && !self.enforcers.ztunnel;
        let domains = domains.iter().take(if expanded { 1 } else { usize::MAX });
        Formula::List(
            Slot::Principals,
            domains
                .map(|domain| format!("{domain}/ns/{namespace}/sa/{name}"))
                .collect(),
        )
    }

    /// Whether Istio takes a principal of this trust domain for one of the mesh itself: it does so with `cluster.local`,
    /// whatever the mesh is called, so an account of another mesh of that name would admit our own of the same name.
    fn is_rewritten(&self, domain: &str) -> bool {
        domain == "cluster.local"
            && self.enforcers.envoy
            && !self.ctx.program.mesh.own_domains().any(|own| own == domain)
    }

    fn account_of_any(&mut self, namespace: &str, name: &str, exact: bool, span: Span) -> Formula {
        if namespace == "*" {
            return Formula::List(Slot::Principals, vec![format!("*/sa/{name}")]);
        }
        if !exact {
            self.acc.push(errors::account_pattern_of_domain_pattern(span));
        }
        if self.ctx.target.has(Feature::ServiceAccounts) {
            Formula::List(Slot::ServiceAccounts, vec![format!("{namespace}/{name}")])
        } else {
            Formula::List(Slot::Principals, vec![format!("*/ns/{namespace}/sa/{name}")])
        }
    }

    fn namespace(&mut self, namespace: &Value, of: &Of, span: Span) -> Formula {
        let text = namespace.text.as_str();
        let plain = |text: &str| Formula::List(Slot::Namespaces, vec![text.to_owned()]);
        let domains: Vec<String> = match of {
            Of::Mesh if !self.trusts_others() => return plain(text),
            Of::Mesh => self.own_domains(),
            Of::Domains(domains) => domains.iter().map(|domain| domain.text.clone()).collect(),
        };
        if domains.iter().any(|domain| domain == "*") {
            return plain(text);
        }
        let prefix = text.strip_suffix('*').unwrap_or(text);
        if prefix.contains('*') || domains.iter().any(|domain| domain.contains('*')) {
            let domains = self.trust_domains(domains, span);
            return Formula::And(vec![plain(text), domains]);
        }
        let tail = if prefix.len() == text.len() { "/*" } else { "*" };
        Formula::List(
            Slot::Principals,
            domains
                .iter()
                .map(|domain| format!("{domain}/ns/{prefix}{tail}"))
                .collect(),
        )
    }

    fn trust_domain(&mut self, domain: &str, span: Span) -> Formula {
        let mesh = &self.ctx.program.mesh;
        let principals = |values: Vec<String>| Formula::List(Slot::Principals, values);
        if domain == "*" {
            principals(vec!["*".to_owned()])
        } else if domain.starts_with('*') {
            self.trust_domains(vec![domain.to_owned()], span)
        } else if domain.ends_with('*') {
            principals(vec![domain.to_owned()])
        } else if domain == mesh.trust_domain {
            principals(mesh.own_domains().map(|own| format!("{own}/*")).collect())
        } else {
            principals(vec![format!("{domain}/*")])
        }
    }

    /// The `iss` of issuers, each once.
    fn issuers(&self, ids: &[IssuerId]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for id in ids {
            let iss = self
                .ctx
                .program
                .issuers
                .get(id.0)
                .and_then(|issuer| issuer.iss.as_ref());
            if let Some(iss) = iss
                && !all.contains(&iss.it)
            {
                all.push(iss.it.clone());
            }
        }
        all
    }
}

/// Claims with a condition of their own keep it.
fn claim(path: Vec<String>, values: Vec<String>) -> Formula {
    let key = match path.as_slice() {
        [name] if name == "aud" => ConditionKey::Audiences,
        [name] if name == "azp" => ConditionKey::Presenter,
        _ => ConditionKey::Claim(path),
    };
    Formula::List(Slot::When(key), values)
}

/// A host stands for itself with any port, unless it says a port or has a star.
fn host(value: &Value) -> Vec<String> {
    let text = &value.text;
    let with_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    if with_port || text.contains('*') {
        vec![text.clone()]
    } else {
        vec![text.clone(), format!("{text}:*")]
    }
}

fn texts(values: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        if !all.contains(&value.text) {
            all.push(value.text.clone());
        }
    }
    all
}

fn addresses(blocks: &[At<IpBlock>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(blocks.len());
    for block in blocks {
        if !all.iter().any(|text| text == block.it.as_str()) {
            all.push(block.it.as_str().to_owned());
        }
    }
    all
}

/// The place of a term among those beside it: what is emitted does not depend on how a line is laid out, and the
/// formatter puts terms in this order.
fn place(expr: &Expr) -> u8 {
    let fact = match &expr.kind {
        ExprKind::Fact(fact) => fact,
        ExprKind::And(parts) | ExprKind::Or(parts) => return parts.first().map_or(0, place),
        ExprKind::Except(all, _) => return place(all),
        ExprKind::True => return 0,
    };
    match fact {
        Fact::Method(_) => 1,
        Fact::Path(_) => 2,
        Fact::PathRegex(_) => 3,
        Fact::Grpc(_) => 4,
        Fact::Host(_) => 5,
        Fact::Authority(_) => 6,
        Fact::Port(_) => 7,
        Fact::Sni(_) => 8,
        Fact::DestIp(_) => 9,
        Fact::Header { .. } | Fact::Filter { .. } => 10,
        Fact::AnyPeer
        | Fact::Sa { .. }
        | Fact::Ns { .. }
        | Fact::Principal(_)
        | Fact::TrustDomain(_)
        | Fact::PeerIp(_)
        | Fact::ClientIp(_)
        | Fact::Token
        | Fact::Issuer(_)
        | Fact::RequestPrincipal(_)
        | Fact::Claim { .. } => 0,
    }
}
