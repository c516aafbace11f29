//! Issuers: instances of parametrised ones, copies of plain ones, and what their items say.

use std::collections::BTreeMap;

use super::names::{Caller, Env, Key};
use super::resolver::{Memo, Resolver};
use super::{At, ClaimType, Issuer, IssuerId, TokenPlace, errors};
use crate::source::Span;
use crate::syntax::ast::{self, IssuerItemKind, IssuerKey};

const CLAIM_TYPES: &[(&str, ClaimType)] = &[
    ("string", ClaimType::String),
    ("list", ClaimType::List),
    ("words", ClaimType::Words),
    ("bool", ClaimType::Bool),
    ("number", ClaimType::Number),
];

impl<'a> Resolver<'a, '_> {
    /// The issuer of a declaration, resolved once; `used` is where it is named.
    pub(super) fn issuer(&mut self, key: &Key, used: Span) -> Option<IssuerId> {
        match self.issuer_ids.get(key) {
            Some(Memo::Done(done)) => return *done,
            Some(Memo::Open) => {
                self.acc.push(errors::cycle("issuer", &key.1, used, used));
                return None;
            }
            None => {}
        }
        let decl = self.callers.get(key)?.clone();
        let Caller::Issuer(ast) = decl.it else { return None };
        if !ast.params.is_empty() {
            self.acc
                .push(errors::issuer_needs_arguments(&ast.name, &ast.params, used));
            return None;
        }
        self.issuer_ids.insert(key.clone(), Memo::Open);
        let id = self.issuer_settings(ast, &decl.env).map(|issuer| {
            self.check_issuer(&issuer);
            self.program.issuers.push(issuer);
            IssuerId(self.program.issuers.len() - 1)
        });
        self.issuer_ids.insert(key.clone(), Memo::Done(id));
        id
    }

    /// The issuers that names stand for.
    pub(super) fn issuers(&mut self, names: &[ast::Name], env: &Env) -> Option<Vec<At<IssuerId>>> {
        let lists: Vec<_> = names.iter().map(|name| self.issuer_name(name, env)).collect();
        let lists = lists.into_iter().collect::<Option<Vec<_>>>()?;
        let mut ids: Vec<At<IssuerId>> = Vec::new();
        for id in lists.into_iter().flatten() {
            if ids.iter().any(|earlier| earlier.it == id.it) {
                let name = self
                    .program
                    .issuers
                    .get(id.it.0)
                    .map_or(String::new(), |i| i.name.clone());
                self.acc
                    .push(errors::said_twice(&format!("issuer `{name}`"), id.span, None));
            } else {
                ids.push(id);
            }
        }
        Some(ids)
    }

    pub(super) fn issuer_name(&mut self, name: &ast::Name, env: &Env) -> Option<Vec<At<IssuerId>>> {
        if let Some(bound) = self.bound(name, env) {
            if bound.kind != ast::ParamKind::Issuer {
                self.acc
                    .push(errors::wrong_parameter_kind(name, ast::ParamKind::Issuer));
                return None;
            }
            let lists: Vec<_> = bound
                .names
                .iter()
                .map(|(name, env)| self.issuer_name(name, env))
                .collect();
            let lists = lists.into_iter().collect::<Option<Vec<_>>>()?;
            return Some(
                lists
                    .into_iter()
                    .flatten()
                    .map(|id| At { span: name.span, ..id })
                    .collect(),
            );
        }
        let (key, decl) = self.find_caller(name, env)?;
        if !matches!(decl.it, Caller::Issuer(_)) {
            self.acc.push(errors::not_an_issuer(name, decl.span));
            return None;
        }
        let it = self.issuer(&key, name.span)?;
        Some(vec![At { it, span: name.span }])
    }

    /// Reports an issuer without `iss` where one is needed.
    pub(super) fn require_iss(&mut self, id: IssuerId, span: Span) -> bool {
        let Some(issuer) = self.program.issuers.get(id.0) else {
            return false;
        };
        if issuer.iss.is_some() {
            return true;
        }
        let diagnostic = errors::issuer_without_iss(&issuer.name, span, issuer.span);
        self.acc.push(diagnostic);
        false
    }

    pub(super) fn issuer_settings(&mut self, ast: &'a ast::Issuer, env: &Env) -> Option<Issuer> {
        let mut issuer = match &ast.base {
            None => Issuer {
                name: String::new(),
                span: ast.name.span,
                iss: None,
                jwks_uri: None,
                jwks: None,
                audiences: Vec::new(),
                places: Vec::new(),
                forward: None,
                claims: BTreeMap::new(),
                claim_headers: Vec::new(),
                payload_header: None,
                timeout: None,
                presence: None,
            },
            Some(base) => self.base_settings(ast, base, env)?,
        };
        issuer.name.clone_from(&ast.name.text);
        issuer.span = ast.name.span;
        self.issuer_items(&mut issuer, &ast.items, env);
        Some(issuer)
    }

    fn base_settings(&mut self, ast: &'a ast::Issuer, base: &'a ast::IssuerBase, env: &Env) -> Option<Issuer> {
        if let Some(bound) = self.bound(&base.name, env)
            && bound.kind == ast::ParamKind::Issuer
            && let [(name, given)] = bound.names.as_slice()
        {
            let id = self.issuer_name(name, given)?;
            return id.first().and_then(|id| self.program.issuers.get(id.it.0)).cloned();
        }
        let (key, decl) = self.find_caller(&base.name, env)?;
        let Caller::Issuer(parent) = decl.it else {
            self.acc.push(errors::not_an_issuer(&base.name, decl.span));
            return None;
        };
        let inner = if parent.params.is_empty() && base.args.is_empty() {
            decl.env.clone()
        } else {
            let frame = self.bind(&base.name, &parent.params, &decl.env, &base.args, env)?;
            Env {
                frame: Some(frame),
                ..decl.env.clone()
            }
        };
        if matches!(self.issuer_ids.get(&key), Some(Memo::Open)) {
            self.acc
                .push(errors::cycle("issuer", &base.name.text, base.name.span, ast.name.span));
            return None;
        }
        let outer = self.issuer_ids.insert(key.clone(), Memo::Open);
        let settings = self.issuer_settings(parent, &inner);
        match outer {
            Some(memo) => self.issuer_ids.insert(key, memo),
            None => self.issuer_ids.remove(&key),
        };
        settings
    }

    /// Applies items: one that is given again here replaces what the base said.
    fn issuer_items(&mut self, issuer: &mut Issuer, items: &'a [ast::IssuerItem], env: &Env) {
        let single = |item: &ast::IssuerItem, wanted: IssuerKey| matches!(&item.kind, IssuerItemKind::Single { key, .. } if *key == wanted);
        if items
            .iter()
            .any(|item| single(item, IssuerKey::Jwks) || single(item, IssuerKey::JwksUri))
        {
            issuer.jwks = None;
            issuer.jwks_uri = None;
        }
        let mut said: BTreeMap<&'static str, Span> = BTreeMap::new();
        for item in items {
            let Some(name) = item_name(&item.kind) else { continue };
            if let Some(earlier) = said.insert(name, item.span) {
                self.acc
                    .push(errors::said_twice(&format!("`{name}`"), item.span, Some(earlier)));
                continue;
            }
            self.issuer_item(issuer, item, env);
        }
    }

    fn issuer_item(&mut self, issuer: &mut Issuer, item: &'a ast::IssuerItem, env: &Env) {
        match &item.kind {
            IssuerItemKind::Single { key, value } => {
                let Some(value) = self.text(value, "a setting of an issuer", env) else {
                    return;
                };
                match key {
                    IssuerKey::Iss => issuer.iss = Some(value),
                    IssuerKey::JwksUri => {
                        if !is_http_url(&value.it) {
                            self.acc.push(errors::invalid_url(&value.it, value.span));
                        }
                        issuer.jwks_uri = Some(value);
                    }
                    IssuerKey::Jwks => {
                        if let Some(why) = jwks_fault(&value.it) {
                            self.acc.push(errors::invalid_jwks(value.span, &why));
                        } else if holds_secret(&value.it) {
                            self.acc.push(errors::private_key(value.span));
                        }
                        issuer.jwks = Some(value);
                    }
                    IssuerKey::PayloadHeader => {
                        self.check_output_header(&value.it, value.span);
                        issuer.payload_header = Some(value);
                    }
                    IssuerKey::Timeout => {
                        if !is_duration(&value.it) {
                            self.acc.push(errors::invalid_duration(&value.it, value.span));
                        }
                        issuer.timeout = Some(value);
                    }
                    IssuerKey::Presence => issuer.presence = Some(value),
                }
            }
            IssuerItemKind::Audiences(values) => issuer.audiences = self.texts(values, "an audience", env),
            IssuerItemKind::From(places) => {
                issuer.places = places
                    .iter()
                    .filter_map(|place| self.token_place(place, item.span, env))
                    .collect();
            }
            IssuerItemKind::Forward => issuer.forward = Some(item.span),
            IssuerItemKind::Claims(claims) => {
                for (claim, ty) in claims {
                    let Some(path) = self.claim_path(claim, env) else {
                        continue;
                    };
                    let Some(ty) = self.word_of(&ty.text, ty.span, "a claim's type", CLAIM_TYPES) else {
                        continue;
                    };
                    if ty.it == ClaimType::Words && path.len() > 1 {
                        self.acc.push(errors::nested_words(claim.span));
                        continue;
                    }
                    issuer.claims.insert(path, ty);
                }
            }
            IssuerItemKind::ClaimHeaders(pairs) => {
                let mut headers = Vec::new();
                for pair in pairs {
                    let key = self.text(&pair.key, "a header name", env);
                    let value = self.text(&pair.value, "a claim", env);
                    let (Some(header), Some(claim)) = (key, value) else {
                        continue;
                    };
                    self.check_output_header(&header.it, header.span);
                    headers.push(At {
                        it: (header.it, claim.it),
                        span: header.span,
                    });
                }
                issuer.claim_headers = headers;
            }
            IssuerItemKind::Bad => {}
        }
    }

    fn token_place(&mut self, place: &ast::TokenPlace, span: Span, env: &Env) -> Option<At<TokenPlace>> {
        let name = match place.kind {
            ast::PlaceKind::Header => self.header_name(&place.name, env)?,
            ast::PlaceKind::Param | ast::PlaceKind::Cookie => self.text(&place.name, "a token's place", env)?.it,
        };
        let prefix = match &place.prefix {
            Some(prefix) => Some(self.one(prefix, env)?.text).filter(|text| !text.is_empty()),
            None => None,
        };
        Some(At {
            it: TokenPlace {
                kind: place.kind,
                name,
                prefix,
            },
            span: span.to(place.name.span),
        })
    }

    /// Istio takes letters, digits, `-` and `_` in the headers that it writes.
    fn check_output_header(&mut self, name: &str, span: Span) {
        if !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            self.acc.push(errors::invalid_header(name, span));
        }
    }

    fn check_issuer(&mut self, issuer: &Issuer) {
        if let (Some(uri), Some(jwks)) = (&issuer.jwks_uri, &issuer.jwks) {
            self.acc.push(errors::keys_twice(&issuer.name, jwks.span, uri.span));
        }
        if issuer.iss.is_none() && issuer.jwks_uri.is_none() {
            self.acc.push(errors::issuer_without_keys(&issuer.name, issuer.span));
        }
    }
}

const fn item_name(kind: &IssuerItemKind) -> Option<&'static str> {
    Some(match kind {
        IssuerItemKind::Single { key, .. } => match key {
            IssuerKey::Iss => "iss",
            IssuerKey::JwksUri => "jwks-uri",
            IssuerKey::Jwks => "jwks",
            IssuerKey::PayloadHeader => "payload-header",
            IssuerKey::Timeout => "timeout",
            IssuerKey::Presence => "presence",
        },
        IssuerItemKind::Audiences(_) => "audiences",
        IssuerItemKind::From(_) => "from",
        IssuerItemKind::Forward => "forward",
        IssuerItemKind::Claims(_) => "claims",
        IssuerItemKind::ClaimHeaders(_) => "claim-headers",
        IssuerItemKind::Bad => return None,
    })
}

/// An http or https URL with a host and, if any, a numeric port (RA6).
fn is_http_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
                return false;
            }
            host
        }
        _ => host_port,
    };
    let no_blank = !text.bytes().any(|b| b <= b' ' || b == 0x7f);
    matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")
        && !host.is_empty()
        && no_blank
        && text.len() <= 2048
}

/// What is wrong with a key set given as text (RA7).
fn jwks_fault(text: &str) -> Option<String> {
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Some(error.to_string()),
    };
    let Some(keys) = value.get("keys").and_then(serde_json::Value::as_array) else {
        return Some("it is no object with a list `keys`".to_owned());
    };
    keys.iter().enumerate().find_map(|(at, key)| {
        let text = |member: &str| key.get(member).and_then(serde_json::Value::as_str);
        let Some(kind) = text("kty") else {
            return Some(format!("key {} has no `kty`", at + 1));
        };
        let members: &[&str] = match kind {
            "RSA" => &["n", "e"],
            "EC" => &["crv", "x", "y"],
            "OKP" => &["crv", "x"],
            "oct" => &["k"],
            _ => return Some(format!("key {} is of an unknown kind `{kind}`", at + 1)),
        };
        let missing = members.iter().find(|member| text(member).is_none_or(str::is_empty));
        missing.map(|member| format!("key {} has no `{member}`", at + 1))
    })
}

/// Go's form of a duration, whole milliseconds and at least one (RA12).
fn is_duration(text: &str) -> bool {
    let units: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let (Ok(number), Some((unit, scale))) = (
            number.parse::<u64>(),
            units.iter().find(|(unit, _)| tail.starts_with(unit)),
        ) else {
            return false;
        };
        let Some(tail) = tail.strip_prefix(unit) else {
            return false;
        };
        total = total.saturating_add(number.saturating_mul(*scale));
        rest = tail;
    }
    total >= 1
}

/// Whether a key set holds a private or shared key (RA13).
fn holds_secret(text: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let keys = value.get("keys").and_then(serde_json::Value::as_array);
    keys.into_iter()
        .flatten()
        .any(|key| key.get("d").is_some() || key.get("k").is_some())
}
