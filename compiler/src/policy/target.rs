//! The Istio release that is meant, and what each release can say.

use std::fmt;

/// An Istio release. `istio-1.N` is `1.N.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    minor: u16,
    patch: u16,
}

/// A field or action that came with a release (`istio-semantics.md`, field history).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `DENY`, and every `not…` list.
    Deny,
    /// `AUDIT`, `CUSTOM` and `remoteIpBlocks`.
    AuditCustomClientIp,
    /// The annotation `istio.io/dry-run`: an older release does not know it and enforces the policy.
    DryRun,
    /// `credentialName` of a client's TLS (istio/api#1468).
    ClientCredential,
    /// The kinds PeerAuthentication and RequestAuthentication, and `networking.istio.io/v1beta1`.
    PeerAndRequest,
    SkipVerify,
    DestinationClients,
    /// AuthorizationPolicy and RequestAuthentication in `security.istio.io/v1`.
    PoliciesInV1,
    ClaimHeaders,
    /// The single `targetRef`.
    TargetRef,
    Cookies,
    TargetRefs,
    /// PeerAuthentication and DestinationRule in `v1` too.
    EveryKindInV1,
    PathTemplates,
    JwksTimeout,
    Crl,
    GatewayClassTarget,
    /// Ambient mode: ztunnel and waypoints.
    Ambient,
    ServiceAccounts,
    IssuerWithoutIss,
    SpaceDelimitedClaims,
    /// `trustDomains` and `source.trustDomain`: in the schema of 1.30.0, implemented from 1.30.2.
    TrustDomains,
}

impl Feature {
    /// The first release that has it.
    #[must_use]
    pub const fn since(self) -> Target {
        let (minor, patch) = match self {
            Self::Deny | Self::PeerAndRequest => (5, 0),
            Self::AuditCustomClientIp => (8, 0),
            Self::ClientCredential => (7, 0),
            Self::DryRun => (10, 0),
            Self::Ambient => (18, 0),
            Self::SkipVerify => (12, 0),
            Self::DestinationClients => (14, 0),
            Self::ClaimHeaders | Self::PoliciesInV1 => (17, 0),
            Self::TargetRef => (20, 0),
            Self::Cookies => (21, 0),
            Self::TargetRefs | Self::EveryKindInV1 | Self::PathTemplates | Self::JwksTimeout | Self::Crl => (22, 0),
            Self::GatewayClassTarget | Self::ServiceAccounts => (25, 0),
            Self::IssuerWithoutIss => (27, 0),
            Self::SpaceDelimitedClaims => (28, 0),
            Self::TrustDomains => (30, 2),
        };
        Target { minor, patch }
    }
}

impl Target {
    /// The only release with the v1alpha1 authentication API that is supported.
    pub const LEGACY: Self = Self { minor: 4, patch: 0 };
    /// The newest release that is known.
    pub const NEWEST: Self = Self { minor: 31, patch: 0 };

    /// Reads `istio-1.N` or `istio-1.N.P`; `None` for any other text and for releases that are not known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |s: &str| -> Option<u16> {
            let plain = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) && (s == "0" || !s.starts_with('0'));
            if plain { s.parse().ok() } else { None }
        };
        let rest = text.strip_prefix("istio-1.")?;
        let (minor, patch) = match rest.split_once('.') {
            Some((minor, patch)) => (number(minor)?, number(patch)?),
            None => (number(rest)?, 0),
        };
        (Self::LEGACY.minor..=Self::NEWEST.minor)
            .contains(&minor)
            .then_some(Self { minor, patch })
    }

    /// Whether this is the legacy API: MeshPolicy and Policy instead of PeerAuthentication and RequestAuthentication.
    #[must_use]
    pub const fn is_legacy(self) -> bool {
        self.minor == Self::LEGACY.minor
    }

    /// Whether the release obeys the legacy API and today's, the latter first.
    #[must_use]
    pub const fn serves_both_apis(self) -> bool {
        self.minor == 5
    }

    /// Whether the release has `feature`.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self >= feature.since()
    }

    /// Whether a header that stands more than once is tested as one text, joined by commas.
    #[must_use]
    pub const fn joins_repeated_headers(self) -> bool {
        match self.minor {
            ..27 => true,
            27 => self.patch < 8,
            28 => self.patch < 5,
            29 => self.patch < 1,
            _ => false,
        }
    }

    /// Whether `{*}` and `{**}` may take no star of a path: Envoy has let them since May 2025, also in patches of what it
    /// had released before (<https://github.com/envoyproxy/envoy/pull/39169>).
    #[must_use]
    pub const fn templates_may_refuse_stars(self) -> bool {
        self.minor < 27
    }

    /// Whether signs such as the dot keep a meaning of their own in patterns of peer identities.
    #[must_use]
    pub const fn leaves_identities_unescaped(self) -> bool {
        match self.minor {
            ..28 => true,
            28 => self.patch < 7,
            29 => self.patch < 3,
            _ => false,
        }
    }

    /// Whether the paths of legacy trigger rules are compared with the query (CVE-2020-8595, repaired in 1.4.4).
    /// `istio-1.4` without a patch is the last of its line.
    #[must_use]
    pub const fn triggers_see_the_query(self) -> bool {
        self.is_legacy() && matches!(self.patch, 1..4)
    }

    /// Whether access rules may be compared with a path that still has its query: Envoy before 1.14 knows no other.
    #[must_use]
    pub const fn rules_may_see_the_query(self) -> bool {
        self.minor < 6
    }

    /// Seconds by which `exp` and `nbf` of tokens are forgiven: a minute since Envoy 1.17, which came with Istio 1.9.
    #[must_use]
    pub const fn token_leeway(self) -> i64 {
        if self.minor < 9 { 0 } else { 60 }
    }

    /// Whether the security and networking kinds are served as `v1`.
    #[must_use]
    pub const fn serves_v1(self) -> bool {
        self.minor >= 22
    }

    /// Whether clients use mutual TLS by themselves where the server can (on by default since 1.5).
    #[must_use]
    pub const fn auto_mtls_by_default(self) -> bool {
        !self.is_legacy()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            0 => write!(f, "istio-1.{}", self.minor),
            patch => write!(f, "istio-1.{}.{patch}", self.minor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_of_meaning_come_with_patches() {
        let table = [
            ("istio-1.5", true, true),
            ("istio-1.27.7", true, true),
            ("istio-1.27.8", false, true),
            ("istio-1.28.4", true, true),
            ("istio-1.28.6", false, true),
            ("istio-1.28.7", false, false),
            ("istio-1.29", true, true),
            ("istio-1.29.2", false, true),
            ("istio-1.29.3", false, false),
            ("istio-1.30", false, false),
        ];
        for (name, joined, unescaped) in table {
            let target = Target::parse(name);
            assert_eq!(target.map(Target::joins_repeated_headers), Some(joined), "{name}");
            assert_eq!(
                target.map(Target::leaves_identities_unescaped),
                Some(unescaped),
                "{name}"
            );
        }
    }

    #[test]
    fn newer_templates_take_stars() {
        let refuses = |name| Target::parse(name).map(Target::templates_may_refuse_stars);
        assert_eq!(refuses("istio-1.26.9"), Some(true));
        assert_eq!(refuses("istio-1.27"), Some(false));
    }

    #[test]
    fn reads_releases_and_nothing_else() {
        for text in ["istio-1.4", "istio-1.5", "istio-1.30.2", "istio-1.31"] {
            assert_eq!(Target::parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "1.31",
            "istio-1.3",
            "istio-1.32",
            "istio-2.0",
            "istio-1.31.",
            "istio-1.031",
            "istio-1.+5",
        ] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }
}
