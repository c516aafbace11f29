//! Certificates for tests: an authority that nobody else trusts, and the identities that it signs.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rcgen::{KeyPair, KeyUsagePurpose, SanType, string::Ia5String};

/// An authority, made for one run.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Leaf {
    pub certificate_der: Vec<u8>,
    pub key_der: Vec<u8>,
    /// Both, one after the other.
    pub pem: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[error("no certificate could be made for `{identity}`: {why}")]
pub struct NotSigned {
    identity: String,
    why: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// The library makes no key.
    pub fn new() -> Result<Self, NotSigned> {
        let not_made = |error: rcgen::Error| NotSigned::new("the authority", &error);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(not_made)?;
        let pem = params.self_signed(&key).map_err(not_made)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// Its own certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate whose only name is a SPIFFE identity, as in a mesh. The identity is without `spiffe://`.
    ///
    /// # Errors
    /// The identity has signs that no name in a certificate may have.
    pub fn sign(&self, identity: &str) -> Result<Leaf, NotSigned> {
        let not_made = |error: rcgen::Error| NotSigned::new(identity, &error);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let name = Ia5String::try_from(format!("spiffe://{identity}")).map_err(not_made)?;
        params.subject_alt_names = vec![SanType::URI(name)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(not_made)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(not_made)?;
        Ok(Leaf {
            certificate_der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
            pem: certificate.pem() + &key.serialize_pem(),
        })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leaf")
    }
}

impl NotSigned {
    fn new(identity: &str, error: &rcgen::Error) -> Self {
        Self {
            identity: identity.to_owned(),
            why: error.to_string(),
        }
    }
}
