//! Invariants and tests: what they name exists, and a test's request is one request.

use super::names::{Caller, Env, Space};
use super::resolver::Resolver;
use super::{
    At, ClientLine, Dataplane, Extra, Invariant, Outcome, Pods, RequestFacts, RequestLine, ScopeKind, Test, TestBody,
    TestCaller, Unit, Value, errors,
};
use crate::source::Span;
use crate::syntax::ast::{self, CallerKind, ExtraKind, Field, ItemKind, JsonKind, TermKind, WhatKind, WhoKind};

const OUTCOMES: &[(&str, Outcome)] = &[
    ("200", Outcome::Ok),
    ("400", Outcome::BadRequest),
    ("401", Outcome::Unauthorized),
    ("403", Outcome::Forbidden),
    ("503", Outcome::Unavailable),
    ("reset", Outcome::Reset),
    ("tls-error", Outcome::TlsError),
];

impl<'a> Resolver<'a, '_> {
    /// The invariants and tests of a file.
    pub(super) fn checks(&mut self, unit: &Unit<'a>) {
        let env = Env::top(0);
        for item in &unit.file.items {
            match &item.kind {
                ItemKind::Invariant(invariant) => self.invariant(invariant, item.span, &env),
                ItemKind::Test(test) => self.test(test, item.span, &env),
                _ => {}
            }
        }
    }

    fn invariant(&mut self, ast: &'a ast::Invariant, span: Span, env: &Env) {
        let who = self.who(&ast.who, env);
        let what = self.what(&ast.what, env);
        let when = match &ast.when {
            Some(cond) => match self.cond(cond, env) {
                Some(cond) => Some(cond),
                None => return,
            },
            None => None,
        };
        let values = self.list(&ast.at, env);
        let at: Vec<_> = values.iter().filter_map(|value| self.place(value)).collect();
        if let (Some(who), Some(what)) = (who, what) {
            self.program.invariants.push(Invariant {
                kind: ast.kind,
                who,
                what,
                when,
                at,
                span,
            });
        }
    }

    /// `ns/name` of a workload, gateway or waypoint, `*` for either part.
    fn place(&mut self, value: &Value) -> Option<At<(String, String)>> {
        if let Some((namespace, name)) = value.text.split_once('/')
            && (namespace == "*" || name == "*")
        {
            let known = namespace == "*" || self.namespace_drafts.contains_key(namespace);
            let named = name == "*"
                || self
                    .callers
                    .iter()
                    .any(|(key, decl)| key.1 == name && matches!(decl.it, Caller::Scope(_)));
            if known && named {
                self.program.names.namespace_of(&value.text, value.span);
                return Some(At {
                    it: (namespace.to_owned(), name.to_owned()),
                    span: value.span,
                });
            }
            self.acc.push(errors::unknown_place(&value.text, value.span, None));
            return None;
        }
        let it = match self.pods_of(&value.text, value.span)? {
            Pods::Known { namespace, name } => (namespace, name),
            Pods::Scope(draft) => {
                let draft = self.drafts.get(draft)?;
                let namespace = draft.namespace.as_deref().unwrap_or(&self.program.mesh.root).to_owned();
                (namespace, draft.kind.name()?.to_owned())
            }
        };
        Some(At { it, span: value.span })
    }

    /// The workload, gateway or waypoint of a name: the index of its draft, or the pods that only the surroundings
    /// describe.
    fn pods_of(&mut self, text: &str, span: Span) -> Option<Pods> {
        let key = match text.split_once('/') {
            Some((namespace, name)) => (Space::Namespace(namespace.into()), name.to_owned()),
            None => (Space::Top(0), text.to_owned()),
        };
        if let Some((Caller::Scope(draft), declared)) = self.callers.get(&key).map(|decl| (&decl.it, decl.span)) {
            self.program.names.used(text, span, declared);
            return Some(Pods::Scope(*draft));
        }
        if let Some((namespace, name)) = text.split_once('/')
            && let Some((pods, _)) = self.surroundings.pods(namespace, name)
        {
            return Some(pods);
        }
        let mut known: Vec<String> = self.surroundings.names().collect();
        for ((space, name), decl) in self.callers.iter() {
            if let (Space::Namespace(namespace), Caller::Scope(_)) = (space, &decl.it) {
                known.push(format!("{namespace}/{name}"));
            }
        }
        let same_name = known.iter().find(|k| k.rsplit('/').next() == Some(text)).cloned();
        let near = crate::diagnostics::suggest::nearest(text, known.iter().map(String::as_str)).map(str::to_owned);
        self.acc
            .push(errors::unknown_place(text, span, same_name.or(near).as_deref()));
        None
    }

    fn test(&mut self, ast: &'a ast::Test, span: Span, env: &Env) {
        let Some(name) = self.text(&ast.name, "a test's name", env) else {
            return;
        };
        let body = match &ast.body {
            ast::TestBody::At { pod, target, lines } => {
                let Some(target) = self.one(target, env) else { return };
                let Some(pods) = self.pods_of(&target.text, target.span) else {
                    return;
                };
                if lines.is_empty() {
                    self.acc.push(errors::empty_test(&name.it, name.span));
                }
                let lines = lines.iter().filter_map(|line| self.request_line(line, env)).collect();
                TestBody::At {
                    pods: self.placed(pods),
                    pod: pod.is_some(),
                    lines,
                }
            }
            ast::TestBody::From { workload, lines } => {
                let Some(workload) = self.one(workload, env) else {
                    return;
                };
                let Some(pods) = self.pods_of(&workload.text, workload.span) else {
                    return;
                };
                if lines.is_empty() {
                    self.acc.push(errors::empty_test(&name.it, name.span));
                }
                let lines = lines.iter().filter_map(|line| self.client_line(line, env)).collect();
                TestBody::From {
                    pods: self.placed(pods),
                    lines,
                }
            }
        };
        self.program.tests.push(Test { name, body, span });
    }

    /// With the index of the block instead of that of its draft.
    fn placed(&self, pods: Pods) -> Pods {
        match pods {
            Pods::Scope(draft) => Pods::Scope(self.scope_index.get(draft).copied().unwrap_or(draft)),
            known @ Pods::Known { .. } => known,
        }
    }

    fn client_line(&mut self, line: &ast::ClientLine, env: &Env) -> Option<ClientLine> {
        let host = self.text(&line.host, "a host", env)?;
        let port = match &line.port {
            Some(port) => {
                let value = self.one(port, env)?;
                Some(self.port(&value)?)
            }
            None => None,
        };
        let expect = self.word_of(
            &line.expect.text,
            line.expect.span,
            "a mode of TLS",
            super::destinations::TLS_MODES,
        )?;
        Some(ClientLine {
            host,
            port,
            expect: expect.it,
            span: line.span,
        })
    }

    fn request_line(&mut self, line: &'a ast::RequestLine, env: &Env) -> Option<RequestLine> {
        let expect = self.word_of(&line.expect.text, line.expect.span, "an outcome", OUTCOMES);
        let (who, network) = match &line.who.kind {
            WhoKind::From { who, network } => (&**who, Some(&**network)),
            _ => (&line.who, None),
        };
        let caller = self.test_caller(who, env);
        let (mut peer_ip, mut client_ip) = (None, None);
        if let Some(network) = network {
            let (kind, address) = self.test_network(network, env)?;
            match kind {
                CallerKind::PeerIp => peer_ip = Some(address),
                _ => client_ip = Some(address),
            }
        }
        let request = self.request_facts(&line.what, env);
        let extras: Vec<_> = line.extras.iter().map(|extra| self.extra(extra, env)).collect();
        let extras = extras.into_iter().collect::<Option<Vec<_>>>()?;
        Some(RequestLine {
            caller: caller?,
            peer_ip,
            client_ip,
            extras,
            request: request?,
            expect: expect?.it,
            span: line.span,
        })
    }

    fn test_caller(&mut self, who: &'a ast::Who, env: &Env) -> Option<TestCaller> {
        match &who.kind {
            WhoKind::Outsider => Some(TestCaller::Outsider),
            WhoKind::Group(inner) => self.test_caller(inner, env),
            WhoKind::Names(names) if names.len() == 1 => {
                let name = names.first()?;
                if let Some((pods, _)) = self.surrounding_pods(name, env) {
                    return Some(TestCaller::Pods(pods));
                }
                let (_, decl) = self.find_caller(name, env)?;
                let Caller::Scope(draft) = decl.it else {
                    self.acc.push(errors::not_concrete(who.span, "a caller"));
                    return None;
                };
                if self.accounts_of(draft)?.is_empty() && self.dataplane_of(draft) != Dataplane::None {
                    self.acc.push(errors::no_account(name, decl.span));
                    return None;
                }
                Some(TestCaller::Pods(self.placed(Pods::Scope(draft))))
            }
            WhoKind::Literal {
                kind: kind @ (CallerKind::Sa | CallerKind::Principal),
                values,
                of,
            } if values.len() == 1 => {
                let values = self.list(values, env);
                let of = self.list(of, env);
                let ([value], [] | [_]) = (values.as_slice(), of.as_slice()) else {
                    self.acc.push(errors::not_concrete(who.span, "a caller"));
                    return None;
                };
                let domain = of
                    .first()
                    .map_or(self.program.mesh.trust_domain.clone(), |domain| domain.text.clone());
                if value.text.contains('*') || domain.contains('*') {
                    self.acc.push(errors::not_concrete(who.span, "a caller"));
                    return None;
                }
                if *kind == CallerKind::Principal {
                    return Some(TestCaller::Principal(value.text.clone()));
                }
                let Some((namespace, name)) = value.text.split_once('/') else {
                    self.acc
                        .push(errors::account_without_namespace(&value.text, value.span));
                    return None;
                };
                Some(TestCaller::Principal(format!("{domain}/ns/{namespace}/sa/{name}")))
            }
            _ => {
                self.acc.push(errors::not_concrete(who.span, "a caller"));
                None
            }
        }
    }

    /// The data plane of a workload, from the nearest block that says one.
    fn dataplane_of(&mut self, draft: usize) -> Dataplane {
        let Some(own) = self.drafts.get(draft) else {
            return Dataplane::Sidecar;
        };
        let namespace = own
            .namespace
            .as_ref()
            .and_then(|n| self.namespace_drafts.get(n))
            .copied();
        if !matches!(own.kind, ScopeKind::Workload { .. }) {
            return Dataplane::Sidecar;
        }
        for at in [Some(draft), namespace, self.mesh_draft].into_iter().flatten() {
            let said = self.drafts.get(at).and_then(|draft| {
                draft.entries.iter().find_map(|entry| match &entry.item.kind {
                    ItemKind::Fact(ast::Fact::Single {
                        key: ast::SingleFact::Dataplane,
                        value,
                    }) => Some((value, entry.env.clone())),
                    _ => None,
                })
            });
            if let Some((value, env)) = said
                && let Some(text) = self.one(value, &env)
                && let Some((_, dataplane)) = super::scopes::DATAPLANES.iter().find(|(word, _)| *word == text.text)
            {
                return *dataplane;
            }
        }
        Dataplane::Sidecar
    }

    fn test_network(&mut self, network: &'a ast::Who, env: &Env) -> Option<(CallerKind, At<crate::policy::IpBlock>)> {
        if let WhoKind::Literal {
            kind: kind @ (CallerKind::PeerIp | CallerKind::ClientIp),
            values,
            ..
        } = &network.kind
        {
            let values = self.list(values, env);
            if let [value] = values.as_slice() {
                let block = self.ip_block(value)?;
                if block.it.net().prefix_len() == block.it.net().max_prefix_len() {
                    return Some((*kind, block));
                }
            }
        }
        self.acc.push(errors::not_concrete(network.span, "an address"));
        None
    }

    fn request_facts(&mut self, what: &'a ast::What, env: &Env) -> Option<RequestFacts> {
        let mut facts = RequestFacts::default();
        let terms = match &what.kind {
            WhatKind::Any => return Some(facts),
            WhatKind::Terms(terms) => terms,
            WhatKind::Or(_) | WhatKind::Except(..) => {
                self.acc.push(errors::not_concrete(what.span, "a request"));
                return None;
            }
        };
        for term in terms {
            let TermKind::Field { field, values, .. } = &term.kind else {
                self.acc.push(errors::not_concrete(term.span, "a request"));
                return None;
            };
            let values = self.list(values, env);
            let [value] = values.as_slice() else {
                self.acc.push(errors::not_concrete(term.span, "a request"));
                return None;
            };
            let pattern = !value.wildcards().is_empty() || value.is_template();
            if pattern && !matches!(field, Field::Port | Field::DestIp) {
                self.acc.push(errors::not_concrete(value.span, "a request"));
                return None;
            }
            let text = Some(value.text.clone());
            match field {
                Field::Method => facts.method = text,
                Field::Path => facts.path = text,
                Field::Grpc => {
                    facts.method = Some("POST".to_owned());
                    facts.path = Some(format!("/{}", value.text));
                }
                Field::Host | Field::Authority => facts.host = text,
                Field::Port => facts.port = Some(self.port(value)?.it),
                Field::Sni => facts.sni = text,
                Field::DestIp => facts.dest_ip = Some(self.ip_block(value)?.it),
                Field::PathRegex => {
                    self.acc.push(errors::not_concrete(term.span, "a request"));
                    return None;
                }
            }
        }
        Some(facts)
    }

    fn extra(&mut self, extra: &'a ast::Extra, env: &Env) -> Option<Extra> {
        Some(match &extra.kind {
            ExtraKind::RealToken(value) => Extra::RealToken(self.text(value, "a token", env)?.it),
            ExtraKind::Token { issuer, state, claims } => {
                let ids = self.issuer_name(issuer, env)?;
                let [id] = ids.as_slice() else {
                    self.acc.push(errors::not_concrete(issuer.span, "a token"));
                    return None;
                };
                let claims = match claims {
                    Some(json) => self.json(json, env)?,
                    None => serde_json::Value::Object(serde_json::Map::new()),
                };
                Extra::Token {
                    issuer: id.it,
                    state: *state,
                    claims,
                }
            }
            ExtraKind::Header { name, value } => {
                let name = self.header_name(name, env)?;
                Extra::Header {
                    name,
                    value: self.one(value, env)?.text,
                }
            }
            ExtraKind::Answer { provider, allow } => {
                let name = self.text(provider, "a provider", env)?;
                let known = self.provider_names();
                if !known.contains(&name.it.as_str()) {
                    let diagnostic = errors::unknown_provider(&name.it, name.span, &known);
                    self.acc.push(diagnostic);
                    return None;
                }
                self.program.names.provider_used(&name.it, name.span);
                Extra::Answer {
                    provider: name.it,
                    allow: *allow,
                }
            }
            ExtraKind::DryRun => Extra::DryRun,
        })
    }

    fn json(&mut self, json: &ast::Json, env: &Env) -> Option<serde_json::Value> {
        Some(match &json.kind {
            JsonKind::Null => serde_json::Value::Null,
            JsonKind::Bool(it) => serde_json::Value::Bool(*it),
            JsonKind::Number(digits) => match serde_json::from_str(digits) {
                Ok(number) => number,
                Err(_) => {
                    self.acc.push(errors::invalid_number(digits, json.span));
                    return None;
                }
            },
            JsonKind::String(value) => serde_json::Value::String(self.one(value, env)?.text),
            JsonKind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.json(item, env)).collect();
                serde_json::Value::Array(items.into_iter().collect::<Option<Vec<_>>>()?)
            }
            JsonKind::Object(entries) => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries {
                    let key = self.one(key, env)?;
                    let value = self.json(value, env)?;
                    if map.insert(key.text.clone(), value).is_some() {
                        self.acc
                            .push(errors::said_twice(&format!("claim `{}`", key.text), key.span, None));
                    }
                }
                serde_json::Value::Object(map)
            }
        })
    }
}
