//! Identities and tokens for tests: certificate authorities, SPIFFE certificates, key sets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use meshc::jwt::test_key::{Algorithm, TestKey};
use meshc::proxy::authority::{self, Leaf};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value, json};

use super::request::{Authority, Signed, Token};

/// Certificates of a mesh, and of a foreign authority.
pub struct Authorities {
    mesh: authority::Authority,
    foreign: authority::Authority,
    leaves: Mutex<BTreeMap<(Authority, String), Leaf>>,
}

/// A certificate with its key, for a client or server of rustls.
#[must_use]
pub fn to_rustls(leaf: &Leaf) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf.key_der.clone()));
    (vec![CertificateDer::from(leaf.certificate_der.clone())], key)
}

impl Authorities {
    /// New authorities that nobody else trusts.
    pub fn new() -> Result<Self> {
        Ok(Self {
            mesh: authority::Authority::new()?,
            foreign: authority::Authority::new()?,
            leaves: Mutex::new(BTreeMap::new()),
        })
    }

    /// The mesh's certificate in PEM.
    #[must_use]
    pub fn mesh(&self) -> &str {
        self.mesh.pem()
    }

    /// A server's certificate of the mesh and its key, in one PEM.
    pub fn server(&self, identity: &str) -> Result<String> {
        Ok(self.mesh.sign(identity)?.pem)
    }

    /// The certificate of an identity, made once.
    pub fn client(&self, identity: &str, authority: Authority) -> Result<Leaf> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (authority, identity.to_owned());
        if let Some(leaf) = leaves.get(&wanted) {
            return Ok(leaf.clone());
        }
        let root = match authority {
            Authority::Mesh => &self.mesh,
            Authority::Foreign => &self.foreign,
        };
        let leaf = root.sign(identity)?;
        leaves.insert(wanted, leaf.clone());
        Ok(leaf)
    }
}

/// Key sets by name. Each has one key, and a forger who signs in its name with another.
pub struct KeySets {
    sets: BTreeMap<String, KeySet>,
}

struct KeySet {
    right: TestKey,
    forger: TestKey,
    /// As a RequestAuthentication writes it.
    text: String,
}

impl KeySets {
    /// Key sets of these names.
    pub fn new(names: &[&str]) -> Result<Self> {
        let sets = names.iter().map(|name| {
            let right = TestKey::make(Algorithm::Es256)?;
            let set = KeySet {
                text: jwks(name, &right),
                right,
                forger: TestKey::make(Algorithm::Es256)?,
            };
            Ok(((*name).to_owned(), set))
        });
        Ok(Self {
            sets: sets.collect::<Result<_>>()?,
        })
    }

    /// The text of `jwks` in a RequestAuthentication.
    pub fn jwks(&self, name: &str) -> Result<&str> {
        Ok(&self.set(name)?.text)
    }

    /// The token as text; `now` in seconds since 1970.
    pub fn mint(&self, token: &Token, now: i64) -> Result<String> {
        let name = set_of(token);
        let set = self.set(name)?;
        let key = match token.signed {
            Signed::Right => &set.right,
            Signed::Forged => &set.forger,
        };
        let head = json!({ "alg": "ES256", "typ": "JWT", "kid": name }).to_string();
        let body = Value::Object(claims(token, now)).to_string();
        Ok(key.sign(&head, &body)?)
    }

    fn set(&self, name: &str) -> Result<&KeySet> {
        self.sets.get(name).with_context(|| format!("no key set `{name}`"))
    }
}

fn jwks(name: &str, key: &TestKey) -> String {
    let mut members: Map<String, Value> = Map::new();
    let public = key.public().into_iter();
    members.extend(public.map(|(member, text)| (member.to_owned(), json!(text))));
    members.extend(
        [("kid", name), ("alg", key.alg()), ("use", "sig")].map(|(member, text)| (member.to_owned(), json!(text))),
    );
    json!({ "keys": [members] }).to_string()
}

/// The name of a token's key set.
#[must_use]
pub fn set_of(token: &Token) -> &str {
    if token.keys.is_empty() { "main" } else { &token.keys }
}

/// What a token says at this time.
#[must_use]
pub fn claims(token: &Token, now: i64) -> Map<String, Value> {
    let mut claims = token.claims.clone();
    for (name, offset) in [("exp", token.expires), ("nbf", token.not_before)] {
        if let Some(offset) = offset {
            claims.insert(name.to_owned(), json!(now + offset));
        }
    }
    claims
}
