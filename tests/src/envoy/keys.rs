//! Identities and tokens for tests: certificate authorities, SPIFFE certificates, key sets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    random: SystemRandom,
    sets: BTreeMap<String, KeySet>,
}

struct KeySet {
    right: EcdsaKeyPair,
    forger: EcdsaKeyPair,
    /// As a RequestAuthentication writes it.
    text: String,
}

impl KeySets {
    /// Key sets of these names.
    pub fn new(names: &[&str]) -> Result<Self> {
        let key = || {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| anyhow!("no key could be generated"))
        };
        let sets = names.iter().map(|name| {
            let right = key()?;
            let set = KeySet {
                text: jwks(name, &right),
                right,
                forger: key()?,
            };
            Ok(((*name).to_owned(), set))
        });
        Ok(Self {
            random: SystemRandom::new(),
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
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
        let signature = key
            .sign(&self.random, signed.as_bytes())
            .map_err(|_| anyhow!("no signature could be made"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn set(&self, name: &str) -> Result<&KeySet> {
        self.sets.get(name).with_context(|| format!("no key set `{name}`"))
    }
}

fn jwks(name: &str, key: &EcdsaKeyPair) -> String {
    // An uncompressed point: a byte 4, then both coordinates.
    let point = key.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    let key = json!({
        "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": name, "alg": "ES256", "use": "sig",
    });
    json!({ "keys": [key] }).to_string()
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
