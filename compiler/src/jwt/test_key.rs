//! Keys made for tests, the key sets that go with them, and tokens that they sign.
//!
//! Such a key is nobody's: it is kept in a file beside the tests, and no issuer of the world is to publish its set.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};

use super::base64;

/// A key pair that signs tokens of tests.
pub struct TestKey {
    pair: Pair,
    kid: String,
}

enum Pair {
    Rs256(Box<RsaKeyPair>),
    Es256(Box<EcdsaKeyPair>),
}

/// How a test key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Es256,
}

/// Why there is no test key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    #[error("it is no private key in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NoPem,
    #[error("it is no key for RS256 (RSA of 2048 bits or more) or ES256 (P-256)")]
    OtherKind,
    #[error("the machine could not make a key")]
    NotMade,
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

impl std::fmt::Debug for TestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestKey({}, {})", self.alg(), self.kid)
    }
}

impl TestKey {
    /// A new key.
    ///
    /// # Errors
    /// The machine could not make one.
    pub fn make(algorithm: Algorithm) -> Result<Self, NoKey> {
        let not_made = |_| NoKey::NotMade;
        Self::of(match algorithm {
            Algorithm::Rs256 => Pair::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).map_err(not_made)?)),
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(not_made)?;
                Pair::Es256(Box::new(pair))
            }
        })
    }

    /// The key in a PEM file.
    ///
    /// # Errors
    /// The text holds none, or one of another kind.
    pub fn read(pem: &str) -> Result<Self, NoKey> {
        let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
        let (body, _) = body.ok_or(NoKey::NoPem)?;
        let url: String = body
            .chars()
            .map(|c| match c {
                '+' => '-',
                '/' => '_',
                c => c,
            })
            .collect();
        let der = base64::decode(&url).ok_or(NoKey::NoPem)?;
        if let Ok(pair) = RsaKeyPair::from_pkcs8(&der) {
            return Self::of(Pair::Rs256(Box::new(pair)));
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| NoKey::OtherKind)?;
        Self::of(Pair::Es256(Box::new(pair)))
    }

    /// A key is named by the hash of its public half, as RFC 7638 has it.
    fn of(pair: Pair) -> Result<Self, NoKey> {
        let mut key = Self {
            pair,
            kid: String::new(),
        };
        let members: Vec<String> = key
            .public()
            .iter()
            .map(|(name, text)| format!("\"{name}\":\"{text}\""))
            .collect();
        let text = format!("{{{}}}", members.join(","));
        key.kid = base64::encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Ok(key)
    }

    /// The private key as PEM.
    ///
    /// # Errors
    /// The library does not give it out.
    pub fn pem(&self) -> Result<String, NoKey> {
        let der = match &self.pair {
            Pair::Rs256(pair) => pair.as_der().map(|der| der.as_ref().to_vec()),
            Pair::Es256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        let mut text = base64::encode(&der.map_err(|_| NoKey::NotMade)?)
            .replace('-', "+")
            .replace('_', "/");
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        let mut out = format!("{BEGIN}\n");
        for line in text.as_bytes().chunks(64) {
            out.push_str(&String::from_utf8_lossy(line));
            out.push('\n');
        }
        out.push_str(END);
        out.push('\n');
        Ok(out)
    }

    /// `alg` of its tokens.
    #[must_use]
    pub const fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Rs256(_) => "RS256",
            Pair::Es256(_) => "ES256",
        }
    }

    /// `kid` of its tokens, unless they say another.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The members of the public key, in the order of their names.
    #[must_use]
    pub fn public(&self) -> Vec<(&'static str, String)> {
        match &self.pair {
            Pair::Rs256(pair) => {
                let public = pair.public_key();
                let text =
                    |number: aws_lc_rs::io::Positive<'_>| base64::encode(number.big_endian_without_leading_zero());
                vec![
                    ("e", text(public.exponent())),
                    ("kty", "RSA".to_owned()),
                    ("n", text(public.modulus())),
                ]
            }
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let part = |range| base64::encode(point.get(range).unwrap_or_default());
                vec![
                    ("crv", "P-256".to_owned()),
                    ("kty", "EC".to_owned()),
                    ("x", part(1..33)),
                    ("y", part(33..65)),
                ]
            }
        }
    }

    /// A token of these two JSON texts.
    ///
    /// # Errors
    /// The library did not sign it.
    pub fn sign(&self, header: &str, claims: &str) -> Result<String, NoKey> {
        let text = format!(
            "{}.{}",
            base64::encode(header.as_bytes()),
            base64::encode(claims.as_bytes())
        );
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
                    .map(|()| signature)
            }
            Pair::Es256(pair) => pair
                .sign(&random, text.as_bytes())
                .map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.map_err(|_| NoKey::NotMade)?;
        Ok(format!("{text}.{}", base64::encode(&signature)))
    }
}
