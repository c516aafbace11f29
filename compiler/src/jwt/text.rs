//! The text of a token, taken apart.

use std::collections::BTreeMap;

use super::base64;
use super::json;
use crate::policy::request::Json;
use crate::policy::tokens::Fault;

/// What the header of a token says of its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// One of `ALGORITHMS`.
    pub alg: String,
    /// `None` where it is empty too.
    pub kid: Option<String>,
    /// All members.
    pub members: BTreeMap<String, Json>,
}

/// A token that can be read; nothing in it is to be believed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    pub header: Header,
    pub claims: BTreeMap<String, Json>,
    pub(super) signature: Vec<u8>,
    /// The length of what is signed, the text up to the second dot.
    pub(super) signed: usize,
}

/// The algorithms that Envoy knows.
const ALGORITHMS: &[&str] = &[
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA",
];

impl Jwt {
    /// Takes a token apart as Envoy does.
    ///
    /// # Errors
    /// It is none that Envoy can read.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let wrong = |why: String| Fault::Malformed(why);
        let parts: Vec<&str> = text.split('.').collect();
        let &[header, payload, signature] = parts.as_slice() else {
            return Err(wrong("it is not of the form HEADER.PAYLOAD.SIGNATURE".to_owned()));
        };
        if [header, payload, signature].contains(&"") {
            return Err(wrong("one of its three parts is empty".to_owned()));
        }
        let signed = header.len() + 1 + payload.len();
        let part = |text: &str, name: &str| {
            base64::decode(text).ok_or_else(|| wrong(format!("its {name} is not base64 in the alphabet of URLs")))
        };
        let object = |bytes: Vec<u8>, name: &str| match json::read(&bytes) {
            Ok(Json::Object(members)) => Ok(members),
            Ok(Json::Null) => Ok(BTreeMap::new()),
            Ok(_) => Err(wrong(format!("its {name} is no JSON object"))),
            Err(why) => Err(wrong(format!("its {name} is no JSON: {why}"))),
        };
        let members = object(part(header, "header")?, "header")?;
        let alg = match members.get("alg") {
            Some(Json::String(alg)) => alg.clone(),
            _ => return Err(wrong("its header has no `alg`".to_owned())),
        };
        if !ALGORITHMS.contains(&alg.as_str()) {
            return Err(wrong(format!("Envoy does not know the algorithm `{alg}`")));
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Json::String(kid)) => Some(kid.clone()).filter(|kid| !kid.is_empty()),
            Some(_) => return Err(wrong("the `kid` of its header is no string".to_owned())),
        };
        let claims = object(part(payload, "payload")?, "payload")?;
        let signature = part(signature, "signature")?;
        Ok(Self {
            header: Header { alg, kid, members },
            claims,
            signature,
            signed,
        })
    }

    /// What it says who issued it.
    #[must_use]
    pub fn iss(&self) -> Option<&str> {
        match self.claims.get("iss") {
            Some(Json::String(iss)) => Some(iss),
            _ => None,
        }
    }
}

/// Header and payload of a text that is perhaps no token, as far as they can be read.
#[must_use]
pub fn peek(text: &str) -> [Option<Json>; 2] {
    let mut parts = text.split('.').map(|part| json::read(&base64::decode(part)?).ok());
    [parts.next().flatten(), parts.next().flatten()]
}
