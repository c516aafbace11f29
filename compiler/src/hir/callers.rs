//! WHO: callers to facts, and the kinds that may stand together.

use std::collections::BTreeSet;

use super::accounts::of_accounts;
use super::names::{Caller, Env, Key};
use super::resolver::{Memo, Resolver};
use super::{Account, ClaimType, Expr, ExprKind, Fact, IssuerId, Of, Value, errors};
use crate::source::Span;
use crate::syntax::ast::{self, CallerKind, WhoKind};

/// What a caller is proved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Anyone,
    Peer,
    User,
    Network,
}

impl Kind {
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Peer => "a peer",
            Self::User => "a user",
            Self::Network => "a network",
        }
    }
}

impl Fact {
    /// The kind of a caller's fact; `None` for facts of an operation.
    pub(super) const fn kind(&self) -> Option<Kind> {
        match self {
            Self::AnyPeer | Self::Sa { .. } | Self::Ns { .. } | Self::Principal(_) | Self::TrustDomain(_) => {
                Some(Kind::Peer)
            }
            Self::PeerIp(_) | Self::ClientIp(_) => Some(Kind::Network),
            Self::Token | Self::Issuer(_) | Self::RequestPrincipal(_) | Self::Claim { .. } => Some(Kind::User),
            Self::Method(_)
            | Self::Path(_)
            | Self::PathRegex(_)
            | Self::Grpc(_)
            | Self::Host(_)
            | Self::Authority(_)
            | Self::Port(_)
            | Self::Sni(_)
            | Self::DestIp(_)
            | Self::Header { .. }
            | Self::Filter { .. } => None,
        }
    }
}

impl Expr {
    /// Anything.
    #[must_use]
    pub const fn any(span: Span) -> Self {
        Self {
            kind: ExprKind::True,
            span,
        }
    }

    pub(super) const fn fact(fact: Fact, span: Span) -> Self {
        Self {
            kind: ExprKind::Fact(fact),
            span,
        }
    }

    /// All but what `inner` says.
    pub(super) fn not(inner: Self, span: Span) -> Self {
        Self {
            kind: ExprKind::Except(Box::new(Self::any(span)), Box::new(inner)),
            span,
        }
    }

    /// All of them; of one, that one.
    pub(super) fn all(mut parts: Vec<Self>, span: Span) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(one)) => one,
            (_, Some(last)) => {
                parts.push(last);
                Self {
                    kind: ExprKind::And(parts),
                    span,
                }
            }
            (_, None) => Self::any(span),
        }
    }

    /// Any of them; of one, that one. Never called with none.
    pub(super) fn any_of(mut parts: Vec<Self>, span: Span) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(one)) => one,
            (_, Some(last)) => {
                parts.push(last);
                Self {
                    kind: ExprKind::Or(parts),
                    span,
                }
            }
            (_, None) => Self::any(span),
        }
    }

    /// The kinds of its leaves. `outsider`, which is anything except a peer, is a peer's fact.
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        match &self.kind {
            ExprKind::True => BTreeSet::from([Kind::Anyone]),
            ExprKind::Fact(fact) => fact.kind().into_iter().collect(),
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().flat_map(Self::kinds).collect(),
            ExprKind::Except(all, less) => match (&all.kind, &less.kind) {
                (ExprKind::True, ExprKind::Fact(Fact::AnyPeer | Fact::Claim { .. })) => less.kinds(),
                _ => all.kinds().into_iter().chain(less.kinds()).collect(),
            },
        }
    }

    /// The one kind of all its leaves.
    fn kind_of_all(&self) -> Option<Kind> {
        let kinds = self.kinds();
        let mut kinds = kinds.into_iter();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) if kind != Kind::Anyone => Some(kind),
            _ => None,
        }
    }
}

impl<'a> Resolver<'a, '_> {
    /// An expression of callers.
    pub(super) fn who(&mut self, who: &'a ast::Who, env: &Env) -> Option<Expr> {
        let span = who.span;
        match &who.kind {
            WhoKind::Anyone => Some(Expr::any(span)),
            WhoKind::AnyPeer => Some(Expr::fact(Fact::AnyPeer, span)),
            WhoKind::Outsider => Some(Expr::not(Expr::fact(Fact::AnyPeer, span), span)),
            WhoKind::Token => Some(Expr::fact(Fact::Token, span)),
            WhoKind::Names(names) => self.caller_names(names, span, env),
            WhoKind::Where { subject, tests } => self.user_where(subject, tests, span, env),
            WhoKind::Literal { kind, values, of } => self.literal_caller(*kind, values, of, span, env),
            WhoKind::Or(parts) => Some(Expr {
                kind: ExprKind::Or(self.who_parts(parts, env)?),
                span,
            }),
            WhoKind::And(parts) => {
                let parts = self.who_parts(parts, env)?;
                let kinds: Vec<_> = parts.iter().map(Expr::kind_of_all).collect();
                let one = kinds.first().copied().flatten();
                if one.is_none() || kinds.iter().any(|kind| *kind != one) {
                    self.acc.push(errors::mixed_kinds(
                        span,
                        "&",
                        "both sides of `&` are of one kind: peers, users or networks",
                    ));
                    return None;
                }
                Some(Expr {
                    kind: ExprKind::And(parts),
                    span,
                })
            }
            WhoKind::Except(all, less) => {
                let all = self.who(all, env);
                let less = self.who(less, env)?;
                Some(Expr {
                    kind: ExprKind::Except(Box::new(all?), Box::new(less)),
                    span,
                })
            }
            WhoKind::Via { user, peer } => {
                let user_expr = self.who(user, env);
                let peer_expr = self.who(peer, env)?;
                let user_expr = user_expr?;
                if is_bare_operator(user) {
                    return None;
                }
                let user_ok = self.expect_kind(&user_expr, user.span, Kind::User, "before `via` stands a user");
                let peer_ok = self.expect_kind(&peer_expr, peer.span, Kind::Peer, "behind `via` stands a peer");
                (user_ok && peer_ok).then(|| Expr {
                    kind: ExprKind::And(vec![user_expr, peer_expr]),
                    span,
                })
            }
            WhoKind::From { who: inner, network } => {
                let left = self.who(inner, env);
                let right = self.who(network, env)?;
                let left = left?;
                let right_ok = self.expect_kind(&right, network.span, Kind::Network, "behind `from` stands a network");
                let is_via = is_via(inner);
                let left_ok = is_via || matches!(left.kind_of_all(), Some(Kind::Peer | Kind::User));
                if !left_ok && !is_bare_operator(inner) {
                    self.acc.push(errors::mixed_kinds(
                        inner.span,
                        "from",
                        "before `from` stands a peer, a user, or a user via a peer",
                    ));
                }
                (left_ok && right_ok).then(|| Expr {
                    kind: ExprKind::And(vec![left, right]),
                    span,
                })
            }
            WhoKind::Group(inner) => self.who(inner, env).map(|e| Expr { span, ..e }),
        }
    }

    fn expect_kind(&mut self, expr: &Expr, span: Span, kind: Kind, rule: &str) -> bool {
        if expr.kind_of_all() == Some(kind) {
            return true;
        }
        let operator = if kind == Kind::Network { "from" } else { "via" };
        self.acc.push(errors::mixed_kinds(span, operator, rule));
        false
    }

    fn who_parts(&mut self, parts: &'a [ast::Who], env: &Env) -> Option<Vec<Expr>> {
        let resolved: Vec<_> = parts.iter().map(|part| self.who(part, env)).collect();
        resolved.into_iter().collect()
    }

    /// `web, jobs`: issuers stay together as one fact, all else is any of them.
    fn caller_names(&mut self, names: &[ast::Name], span: Span, env: &Env) -> Option<Expr> {
        let resolved: Vec<_> = names.iter().map(|name| self.caller_name(name, env)).collect();
        let mut parts: Vec<Expr> = Vec::new();
        for expr in resolved.into_iter().collect::<Option<Vec<_>>>()? {
            match (&expr.kind, parts.last_mut().map(|last| &mut last.kind)) {
                (ExprKind::Fact(Fact::Issuer(more)), Some(ExprKind::Fact(Fact::Issuer(ids)))) => ids.extend(more),
                _ => parts.push(expr),
            }
        }
        Some(Expr::any_of(parts, span))
    }

    fn caller_name(&mut self, name: &ast::Name, env: &Env) -> Option<Expr> {
        if let Some(bound) = self.bound(name, env) {
            if !matches!(bound.kind, ast::ParamKind::Identity | ast::ParamKind::Issuer) {
                self.acc
                    .push(errors::wrong_parameter_kind(name, ast::ParamKind::Identity));
                return None;
            }
            let parts: Vec<_> = bound
                .names
                .iter()
                .map(|(name, env)| self.caller_name(name, env))
                .collect();
            let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
            return Some(Expr::any_of(parts, name.span));
        }
        if let Some((_, accounts)) = self.surrounding_pods(name, env) {
            return Some(of_accounts(accounts, name.span));
        }
        let (key, decl) = self.find_caller(name, env)?;
        match decl.it {
            Caller::Identity(who) => self
                .identity(&key, who, &decl.env, name, decl.span)
                .map(|e| Expr { span: name.span, ..e }),
            Caller::Issuer(_) => {
                let id = self.issuer(&key, name.span)?;
                self.require_iss(id, name.span)
                    .then(|| Expr::fact(Fact::Issuer(vec![id]), name.span))
            }
            Caller::Scope(draft) => {
                let accounts = self.accounts_of(draft)?;
                if accounts.is_empty() {
                    self.acc.push(errors::no_account(name, decl.span));
                    return None;
                }
                Some(of_accounts(accounts, name.span))
            }
        }
    }

    /// A declared identity, resolved once.
    pub(super) fn identity(
        &mut self,
        key: &Key,
        who: &'a ast::Who,
        env: &Env,
        name: &ast::Name,
        declared: Span,
    ) -> Option<Expr> {
        match self.identities.get(key) {
            Some(Memo::Done(done)) => return done.clone(),
            Some(Memo::Open) => {
                self.acc
                    .push(errors::cycle("identity", &name.text, name.span, declared));
                return None;
            }
            None => {}
        }
        self.identities.insert(key.clone(), Memo::Open);
        let expr = self.who(who, env);
        self.identities.insert(key.clone(), Memo::Done(expr.clone()));
        expr
    }

    fn literal_caller(
        &mut self,
        kind: CallerKind,
        values: &[ast::Value],
        of: &[ast::Value],
        span: Span,
        env: &Env,
    ) -> Option<Expr> {
        let values = self.list(values, env);
        if values.is_empty() {
            return None;
        }
        let of = if of.is_empty() {
            Of::Mesh
        } else {
            Of::Domains(self.trust_domains(of, env)?)
        };
        let all = |list: Vec<Option<Value>>| list.into_iter().collect::<Option<Vec<_>>>();
        let fact = match kind {
            CallerKind::Sa => {
                let accounts: Vec<_> = values.into_iter().map(|value| self.account_pattern(value)).collect();
                Fact::Sa {
                    accounts: accounts.into_iter().collect::<Option<Vec<_>>>()?,
                    of,
                }
            }
            CallerKind::Ns => {
                let namespaces = all(values.into_iter().map(|value| self.namespace_pattern(value)).collect())?;
                Fact::Ns { namespaces, of }
            }
            CallerKind::Principal => Fact::Principal(all(values.into_iter().map(|v| self.principal(v)).collect())?),
            CallerKind::TrustDomain => {
                Fact::TrustDomain(all(values.into_iter().map(|v| self.trust_domain(v)).collect())?)
            }
            CallerKind::RequestPrincipal => {
                Fact::RequestPrincipal(all(values.into_iter().map(|v| self.pattern(v)).collect())?)
            }
            CallerKind::PeerIp | CallerKind::ClientIp => {
                let blocks: Vec<_> = values.iter().map(|value| self.ip_block(value)).collect();
                let blocks = blocks.into_iter().collect::<Option<Vec<_>>>()?;
                if kind == CallerKind::PeerIp {
                    Fact::PeerIp(blocks)
                } else {
                    Fact::ClientIp(blocks)
                }
            }
        };
        Some(Expr::fact(fact, span))
    }

    fn trust_domains(&mut self, of: &[ast::Value], env: &Env) -> Option<Vec<Value>> {
        let values: Vec<_> = self
            .list(of, env)
            .into_iter()
            .map(|value| self.trust_domain(value))
            .collect();
        values.into_iter().collect()
    }

    fn trust_domain(&mut self, value: Value) -> Option<Value> {
        if !is_trust_domain(&value.text) {
            self.acc.push(errors::invalid_trust_domain(&value.text, value.span));
            return None;
        }
        self.pattern(value)
    }

    fn principal(&mut self, value: Value) -> Option<Value> {
        if value.text.starts_with("spiffe://") {
            self.acc.push(errors::spiffe_prefix(&value.text, value.span));
            return None;
        }
        self.pattern(value)
    }

    /// Istio takes stars anywhere in a namespace.
    fn namespace_pattern(&mut self, value: Value) -> Option<Value> {
        if value.text.is_empty() {
            self.acc.push(errors::empty_value("a namespace", value.span));
            return None;
        }
        if !value.literal_stars.is_empty() {
            self.acc.push(errors::literal_star_at_edge(&value.text, value.span));
            return None;
        }
        if !is_name_pattern(&value.text, false) {
            self.acc
                .push(errors::invalid_name(&value.text, value.span, "a namespace", false));
            return None;
        }
        self.program.names.namespace_used(&value.text, value.span);
        Some(value)
    }

    /// `N/S`, `N/P*`, `*/S`.
    fn account_pattern(&mut self, value: Value) -> Option<(Value, Value)> {
        let Some((namespace, name)) = value.text.split_once('/') else {
            if value.text == "*" {
                self.acc.push(errors::all_accounts("*", value.span));
                return None;
            }
            self.acc
                .push(errors::account_without_namespace(&value.text, value.span));
            return None;
        };
        if name == "*" {
            self.acc.push(errors::all_accounts(namespace, value.span));
            return None;
        }
        let stars = |text: &str| text.matches('*').count();
        let namespace_ok = namespace == "*" || (stars(namespace) == 0 && !namespace.is_empty());
        let name_ok = match stars(name) {
            0 => !name.is_empty(),
            1 => name.ends_with('*') && namespace != "*",
            _ => false,
        };
        if !namespace_ok || !name_ok || name.contains('/') || !value.literal_stars.is_empty() {
            self.acc.push(errors::account_form(&value.text, value.span));
            return None;
        }
        // No certificate holds another name: a `deny` of it would be no protection.
        if !is_name_pattern(namespace, false) || !is_name_pattern(name, true) {
            self.acc
                .push(errors::invalid_name(&value.text, value.span, "an account", true));
            return None;
        }
        self.program.names.namespace_of(&value.text, value.span);
        Some((Value::plain(namespace, value.span), Value::plain(name, value.span)))
    }

    fn user_where(
        &mut self,
        subject: &'a ast::Who,
        tests: &'a [ast::ClaimTest],
        span: Span,
        env: &Env,
    ) -> Option<Expr> {
        let subject_expr = self.who(subject, env)?;
        let issuers: Vec<IssuerId> = match &subject_expr.kind {
            ExprKind::Fact(Fact::Issuer(ids)) => ids.clone(),
            ExprKind::Fact(Fact::Token) => Vec::new(),
            _ => {
                self.acc.push(errors::where_without_issuer(subject.span));
                return None;
            }
        };
        let tests: Vec<_> = tests.iter().map(|test| self.claim_test(test, &issuers, env)).collect();
        let tests = tests.into_iter().collect::<Option<Vec<_>>>()?;
        let all_negative = tests.iter().all(|t| matches!(t.kind, ExprKind::Except(..)));
        let mut parts = Vec::new();
        if !issuers.is_empty() || all_negative {
            parts.push(subject_expr);
        }
        parts.extend(tests);
        Some(Expr::all(parts, span))
    }

    fn claim_test(&mut self, test: &'a ast::ClaimTest, issuers: &[IssuerId], env: &Env) -> Option<Expr> {
        let path = self.claim_path(&test.claim, env)?;
        let ty = self.claim_type(&path, issuers);
        let op = test.comparison.op;
        if let Some(fault) = ty.and_then(|ty| type_fault(ty, op)) {
            self.acc.push(errors::claim_type(&claim_text(&path), test.span, fault));
            return None;
        }
        let (values, negative) = self.comparison(&test.comparison, test.span, env)?;
        let fact = Expr::fact(Fact::Claim { path, values }, test.span);
        Some(if negative { Expr::not(fact, test.span) } else { fact })
    }

    /// The values of a comparison, and whether it is a negative one. `present` and `absent` have the one value `*`.
    pub(super) fn comparison(
        &mut self,
        comparison: &ast::Comparison,
        span: Span,
        env: &Env,
    ) -> Option<(Vec<Value>, bool)> {
        let negative = matches!(comparison.op, ast::Op::NotEqual | ast::Op::Lacks | ast::Op::Absent);
        if matches!(comparison.op, ast::Op::Present | ast::Op::Absent) {
            return Some((vec![Value::plain("*", span)], negative));
        }
        let values: Vec<_> = self
            .list(&comparison.values, env)
            .into_iter()
            .map(|value| self.pattern(value))
            .collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        (!values.is_empty()).then_some((values, negative))
    }

    pub(super) fn claim_path(&mut self, claim: &'a ast::Claim, env: &Env) -> Option<Vec<String>> {
        let parts = self.texts(&claim.path, "a claim", env);
        if let Some(bad) = parts.iter().find(|part| part.it.contains(['[', ']'])) {
            self.acc.push(errors::bracket_in_key(&bad.it, bad.span));
            return None;
        }
        (parts.len() == claim.path.len()).then(|| parts.into_iter().map(|p| p.it).collect())
    }

    /// The type that all the issuers give a claim; `None` where nobody says.
    fn claim_type(&self, path: &[String], issuers: &[IssuerId]) -> Option<ClaimType> {
        let builtin = match path {
            [name] => builtin_claim(name),
            _ => None,
        };
        let declared = |id: &IssuerId| {
            self.program
                .issuers
                .get(id.0)
                .and_then(|issuer| issuer.claims.get(path))
                .map(|ty| ty.it)
        };
        let mut types = issuers.iter().map(|id| declared(id).or(builtin));
        match types.next() {
            None => builtin,
            Some(first) => types.all(|ty| ty == first).then_some(first).flatten(),
        }
    }
}

fn is_via(who: &ast::Who) -> bool {
    match &who.kind {
        WhoKind::Via { .. } => true,
        WhoKind::Group(inner) => is_via(inner),
        _ => false,
    }
}

/// An operator beside another one without parentheses, which the parser has reported.
const fn is_bare_operator(who: &ast::Who) -> bool {
    matches!(who.kind, WhoKind::Or(_) | WhoKind::Except(..) | WhoKind::And(_))
}

/// `S` or `N/S`.
pub(super) fn account(text: &str, namespace: &str) -> Account {
    let (namespace, name) = text.split_once('/').unwrap_or((namespace, text));
    Account {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// The claims whose type a standard fixes.
pub(crate) fn builtin_claim(name: &str) -> Option<ClaimType> {
    match name {
        "iss" | "sub" | "azp" => Some(ClaimType::String),
        "aud" => Some(ClaimType::List),
        "scope" | "permission" => Some(ClaimType::Words),
        "exp" | "nbf" | "iat" => Some(ClaimType::Number),
        _ => None,
    }
}

/// Why an operator does not fit a type.
const fn type_fault(ty: ClaimType, op: ast::Op) -> Option<&'static str> {
    match (ty, op) {
        (ClaimType::Bool | ClaimType::Number, _) => {
            Some("it is not a text, and Istio matches texts only: no rule on it would ever hold")
        }
        (ClaimType::String, ast::Op::Has | ast::Op::Lacks) => Some("it is a string: use `=` or `!=`"),
        (ClaimType::List | ClaimType::Words, ast::Op::Equal | ast::Op::NotEqual) => {
            Some("it is a list, and one element is enough: use `has` or `lacks`")
        }
        _ => None,
    }
}

/// `a[b][c]`.
pub(super) fn claim_text(path: &[String]) -> String {
    let mut parts = path.iter();
    let mut text = parts.next().cloned().unwrap_or_default();
    for part in parts {
        text.push_str(&format!("[{part}]"));
    }
    text
}

/// Whether a name of Kubernetes can fit a pattern: nothing but its letters, and stars.
fn is_name_pattern(text: &str, dots: bool) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'*' || (dots && b == b'.');
    text.bytes().all(letter)
}

/// Whether a trust domain can be so called, stars aside: what Istio takes in one.
pub(super) fn is_trust_domain(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*');
    !text.is_empty() && text.bytes().all(letter)
}
