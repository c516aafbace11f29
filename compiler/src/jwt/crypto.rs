//! Signatures: the door of `jsonwebtoken`, and of `aws-lc-rs`, which does its arithmetic.
//!
//! Envoy chooses by the type of the key and takes from `alg` only the hash, so pairs that the standard does not know
//! are checked too. What the library below refuses and Envoy may take is not known, never bad.

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, UnparsedPublicKey};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::base64;

/// A key that checks signatures.
pub(super) struct PublicKey(Kind);

enum Kind {
    Rsa { key: DecodingKey, n: Vec<u8>, e: Vec<u8> },
    Ec { curve: Curve, point: Vec<u8> },
    Ed25519(DecodingKey),
    Secret(DecodingKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// What comes of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Good,
    Bad,
    Unknown(String),
}

impl std::fmt::Debug for PublicKey {
    /// A secret has no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Kind::Rsa { .. } => "RSA",
            Kind::Ec { .. } => "EC",
            Kind::Ed25519(_) => "Ed25519",
            Kind::Secret(_) => "oct",
        })
    }
}

impl PublicKey {
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, String> {
        let (n, e) = (significant(n), significant(e));
        if e.last().is_none_or(|last| last % 2 == 0) || n.last().is_none_or(|last| last % 2 == 0) {
            return Err("is no RSA key".to_owned());
        }
        Ok(Self(Kind::Rsa {
            key: DecodingKey::from_rsa_raw_components(n, e),
            n: n.to_vec(),
            e: e.to_vec(),
        }))
    }

    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, String> {
        let mut point = vec![4];
        for coordinate in [x, y] {
            let coordinate = significant(coordinate);
            let missing = curve.size().checked_sub(coordinate.len());
            let missing = missing.ok_or("is not on its curve")?;
            point.extend(std::iter::repeat_n(0, missing));
            point.extend(coordinate);
        }
        match ParsedPublicKey::new(curve.algorithm("256"), &point) {
            Ok(_) => Ok(Self(Kind::Ec { curve, point })),
            Err(_) => Err("is not on its curve".to_owned()),
        }
    }

    pub(super) fn ed25519(x: &[u8]) -> Result<Self, String> {
        match <[u8; 32]>::try_from(x) {
            Ok(_) => Ok(Self(Kind::Ed25519(DecodingKey::from_ed_der(x)))),
            Err(_) => Err("does not have the 32 bytes of Ed25519".to_owned()),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the kinds of keys are made alike")]
    pub(super) fn secret(k: Vec<u8>) -> Result<Self, String> {
        Ok(Self(Kind::Secret(DecodingKey::from_secret(&k))))
    }
}

impl Curve {
    const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn algorithm(self, hash: &str) -> &'static lc::EcdsaVerificationAlgorithm {
        match (self, hash) {
            (Self::P256, "384") => &lc::ECDSA_P256_SHA384_ASN1,
            (Self::P256, "512") => &lc::ECDSA_P256_SHA512_ASN1,
            (Self::P256, _) => &lc::ECDSA_P256_SHA256_ASN1,
            (Self::P384, "384") => &lc::ECDSA_P384_SHA384_ASN1,
            (Self::P384, "512") => &lc::ECDSA_P384_SHA512_ASN1,
            (Self::P384, _) => &lc::ECDSA_P384_SHA256_ASN1,
            (Self::P521, "384") => &lc::ECDSA_P521_SHA384_ASN1,
            (Self::P521, "512") => &lc::ECDSA_P521_SHA512_ASN1,
            (Self::P521, _) => &lc::ECDSA_P521_SHA256_ASN1,
        }
    }
}

/// Whether a key made the signature of a message, by the algorithm that the token names.
pub(super) fn check(key: &PublicKey, alg: &str, message: &[u8], signature: &[u8]) -> Checked {
    // Of an algorithm of another family Envoy takes SHA-256.
    let hash = |family: &str| alg.strip_prefix(family).unwrap_or("256");
    match &key.0 {
        Kind::Rsa { key, n, e } => {
            let algorithm = match alg {
                "RS256" => Algorithm::RS256,
                "RS384" => Algorithm::RS384,
                "RS512" => Algorithm::RS512,
                "PS256" => Algorithm::PS256,
                "PS384" => Algorithm::PS384,
                "PS512" => Algorithm::PS512,
                _ => return Checked::Bad,
            };
            if bits(n) >= 2048 {
                return verify(algorithm, key, message, signature);
            }
            let short = match algorithm {
                Algorithm::RS256 => &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                Algorithm::RS512 => &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                _ => return too_short(n),
            };
            if bits(n) < 1024 {
                return too_short(n);
            }
            let components = lc::RsaPublicKeyComponents { n, e };
            said(components.verify(short, message, signature).is_ok())
        }
        Kind::Ec { curve, point } => match der(signature, curve.size()) {
            Some(signature) => {
                let algorithm = curve.algorithm(hash("ES"));
                let key = UnparsedPublicKey::new(algorithm, point);
                said(key.verify(message, &signature).is_ok())
            }
            None => Checked::Bad,
        },
        Kind::Ed25519(key) => verify(Algorithm::EdDSA, key, message, signature),
        Kind::Secret(key) => {
            let algorithm = match hash("HS") {
                "384" => Algorithm::HS384,
                "512" => Algorithm::HS512,
                _ => Algorithm::HS256,
            };
            verify(algorithm, key, message, signature)
        }
    }
}

const fn said(good: bool) -> Checked {
    if good { Checked::Good } else { Checked::Bad }
}

fn verify(algorithm: Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> Checked {
    let signature = base64::encode(signature);
    said(jsonwebtoken::crypto::verify(&signature, message, key, algorithm).is_ok_and(|good| good))
}

fn too_short(n: &[u8]) -> Checked {
    Checked::Unknown(format!(
        "whether Envoy takes the signature of an RSA key of {} bits is not judged; use one of 2048 bits or more",
        bits(n)
    ))
}

fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// The length of a number, which has no zeros before it.
fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

/// A signature of two numbers side by side, in the form that the library reads. Half a byte more is passed over.
fn der(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    let half = signature.len() / 2;
    let mut body = Vec::new();
    for number in [signature.get(..half)?, signature.get(half..2 * half)?] {
        let number = significant(number);
        if number.len() > size {
            return None;
        }
        // A number whose first bit is set would be negative.
        let sign = number.first().is_none_or(|first| *first >= 0x80);
        let length = u8::try_from(number.len() + usize::from(sign)).ok()?;
        body.extend([2, length]);
        body.extend(sign.then_some(0));
        body.extend(number);
    }
    let mut out = vec![0x30];
    match u8::try_from(body.len()).ok()? {
        length @ 0..0x80 => out.push(length),
        length => out.extend([0x81, length]),
    }
    out.append(&mut body);
    Some(out)
}
