//! Key sets, as Envoy reads them: what it cannot use it passes over, and a set of which nothing is left it refuses.

use std::collections::BTreeMap;

use super::crypto::{self, Checked, PublicKey};
use super::{Jwt, base64, json};
use crate::policy::request::Json;
use crate::policy::tokens::Signature;

/// The public keys of an issuer: at least one.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    alg: Option<String>,
    public: PublicKey,
}

/// Why a text is no set of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    #[error("it is no JSON: {0}")]
    NoJson(String),
    #[error("it has no list `keys`")]
    NoKeys,
    #[error("it has no key that Envoy can use{}", because(.0))]
    NoneUsable(Vec<String>),
}

fn because(why: &[String]) -> String {
    match why {
        [] => String::new(),
        many => format!(": {}", many.join("; ")),
    }
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// Envoy would refuse it, and with it the whole configuration of the proxy.
    pub fn read(text: &str) -> Result<Self, NoKeySet> {
        let value = json::read(text.as_bytes()).map_err(NoKeySet::NoJson)?;
        let items = match value {
            Json::Object(mut set) => match set.remove("keys") {
                Some(Json::List(items)) => items,
                _ => return Err(NoKeySet::NoKeys),
            },
            _ => return Err(NoKeySet::NoKeys),
        };
        let mut keys = Vec::new();
        let mut unusable = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match key(item) {
                Ok(key) => keys.push(key),
                Err(why) => unusable.push(format!("key {} {why}", index + 1)),
            }
        }
        if keys.is_empty() {
            unusable.truncate(5);
            return Err(NoKeySet::NoneUsable(unusable));
        }
        Ok(Self { keys })
    }

    /// How many keys it has that can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether one of the keys made the signature of a token, which was read from this text.
    #[must_use]
    pub fn check(&self, jwt: &Jwt, text: &str) -> Signature {
        let message = text.get(..jwt.signed).unwrap_or_default().as_bytes();
        let mut fits = false;
        let mut unknown = None;
        for key in &self.keys {
            let other = |own: &Option<String>, wanted: Option<&String>| matches!((own, wanted), (Some(own), Some(wanted)) if own != wanted);
            if other(&key.kid, jwt.header.kid.as_ref()) || other(&key.alg, Some(&jwt.header.alg)) {
                continue;
            }
            fits = true;
            match crypto::check(&key.public, &jwt.header.alg, message, &jwt.signature) {
                Checked::Good => return Signature::Good,
                Checked::Bad => {}
                Checked::Unknown(why) => unknown = Some(why),
            }
        }
        match (unknown, fits, &jwt.header.kid) {
            (Some(why), _, _) => Signature::Unknown(why),
            (None, true, _) => Signature::Bad("its signature is not by the keys of this issuer".to_owned()),
            (None, false, Some(kid)) => Signature::Bad(format!(
                "the issuer has no key for its `kid` `{kid}` and its `alg` {}",
                jwt.header.alg
            )),
            (None, false, None) => Signature::Bad(format!("the issuer has no key for its `alg` {}", jwt.header.alg)),
        }
    }
}

/// A key that Envoy can use, or why it cannot.
fn key(item: &Json) -> Result<Key, String> {
    let Json::Object(members) = item else {
        return Err("is no object".to_owned());
    };
    // What is no string counts as left out.
    let text = |name: &str| match members.get(name) {
        Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let alg = text("alg");
    let family = |families: &[&str]| match &alg {
        Some(alg) if !families.iter().any(|family| alg.starts_with(family)) => {
            Err(format!("has the `alg` `{alg}`, which does not fit its type"))
        }
        _ => Ok(()),
    };
    let public = match text("kty").as_deref() {
        Some("RSA") => {
            family(&["RS", "PS"])?;
            PublicKey::rsa(&bytes(members, "n")?, &bytes(members, "e")?)
        }
        Some("EC") => {
            family(&["ES"])?;
            let curve = curve(alg.as_deref(), text("crv").as_deref())?;
            PublicKey::ec(curve, &bytes(members, "x")?, &bytes(members, "y")?)
        }
        Some("OKP") => {
            if alg.as_ref().is_some_and(|alg| alg != "EdDSA") {
                return Err("is no key for EdDSA".to_owned());
            }
            match text("crv").as_deref() {
                Some("Ed25519") => PublicKey::ed25519(&bytes(members, "x")?),
                _ => return Err("is on no curve that Envoy knows (Ed25519)".to_owned()),
            }
        }
        Some("oct") => {
            family(&["HS"])?;
            PublicKey::secret(bytes(members, "k")?)
        }
        Some(other) => return Err(format!("has the unknown type `{other}`")),
        None => return Err("has no `kty`".to_owned()),
    }?;
    Ok(Key {
        kid: text("kid"),
        alg,
        public,
    })
}

fn bytes(members: &BTreeMap<String, Json>, name: &str) -> Result<Vec<u8>, String> {
    let text = match members.get(name) {
        Some(Json::String(text)) => text,
        _ => return Err(format!("lacks `{name}`")),
    };
    let bytes = base64::decode(text).filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| format!("has a `{name}` that cannot be read"))
}

/// The curve of a key; what it says of its algorithm must fit, and with neither it is P-256.
fn curve(alg: Option<&str>, crv: Option<&str>) -> Result<crypto::Curve, String> {
    let of_alg = |alg: &str| match alg {
        "ES256" => Some("P-256"),
        "ES384" => Some("P-384"),
        "ES512" => Some("P-521"),
        _ => None,
    };
    let said = match (alg, crv) {
        (Some(alg), Some(crv)) if of_alg(alg) != Some(crv) => {
            return Err(format!("has `alg` `{alg}` on the curve `{crv}`"));
        }
        (_, Some(crv)) => Some(crv),
        (Some(alg), None) => of_alg(alg),
        (None, None) => Some("P-256"),
    };
    match said {
        Some("P-256") => Ok(crypto::Curve::P256),
        Some("P-384") => Ok(crypto::Curve::P384),
        Some("P-521") => Ok(crypto::Curve::P521),
        _ => Err("is on no curve that Envoy knows".to_owned()),
    }
}
