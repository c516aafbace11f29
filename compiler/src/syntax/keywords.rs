//! The words of the language, as data.
//!
//! A keyword is an ordinary word that the grammar gives a meaning at some place. Where a name stands bare, the
//! [`RESERVED`] ones cannot be that name; the others only follow their own item's keyword, so they stay free.

macro_rules! keywords {
    (reserved { $($reserved:ident $reserved_text:literal,)* } free { $($free:ident $free_text:literal,)* }) => {
        /// A keyword of the grammar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum Kw { $($reserved,)* $($free,)* }

        const ALL: &[(&str, Kw)] = &[$(($reserved_text, Kw::$reserved),)* $(($free_text, Kw::$free),)*];

        /// The words that cannot name an identity, operation, issuer or template, and that are no bare caller: those
        /// that start a declaration, an item of a block, a caller or a term, and those that join their parts. In
        /// alphabetical order. A workload with such a name is written with its namespace: `default/waypoint`.
        pub const RESERVED: &[&str] = &[$($reserved_text,)*];

        impl Kw {
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$reserved => $reserved_text,)* $(Self::$free => $free_text,)* }
            }
        }
    };
}

keywords! {
    reserved {
        About "about",
        Absent "absent",
        Accept "accept",
        Account "account",
        Aliases "aliases",
        Allow "allow",
        Always "always",
        And "and",
        Any "any",
        AnyPeer "any-peer",
        Anyone "anyone",
        Apply "apply",
        As "as",
        Ask "ask",
        At "at",
        Audit "audit",
        Authority "authority",
        AutoMtls "auto-mtls",
        ClientIp "client-ip",
        ClientTls "client-tls",
        Dataplane "dataplane",
        Default "default",
        Deny "deny",
        DestIp "dest-ip",
        Destination "destination",
        Domain "domain",
        DryRun "dry-run",
        Except "except",
        Expect "expect",
        Filter "filter",
        From "from",
        Gateway "gateway",
        Grpc "grpc",
        Has "has",
        Header "header",
        Host "host",
        Identity "identity",
        Including "including",
        Issuer "issuer",
        Lacks "lacks",
        Legacy "legacy",
        Mesh "mesh",
        Metadata "metadata",
        Method "method",
        Mtls "mtls",
        Namespace "namespace",
        Never "never",
        Normalization "normalization",
        Ns "ns",
        Object "object",
        Of "of",
        On "on",
        Operation "operation",
        Or "or",
        Outsider "outsider",
        Param "param",
        Path "path",
        PathRegex "path-regex",
        PeerIp "peer-ip",
        Port "port",
        Ports "ports",
        Present "present",
        Principal "principal",
        Provider "provider",
        RequestPrincipal "request-principal",
        Require "require",
        Root "root",
        Sa "sa",
        Select "select",
        Service "service",
        ServiceEntry "service-entry",
        Sni "sni",
        Template "template",
        Test "test",
        To "to",
        Token "token",
        TrustDomain "trust-domain",
        TrustedProxies "trusted-proxies",
        Trusts "trusts",
        Use "use",
        UseWaypoint "use-waypoint",
        Via "via",
        Waypoint "waypoint",
        When "when",
        Where "where",
        With "with",
        Workload "workload",
        WorkloadLabel "workload-label",
    }
    free {
        AllowTls "allow-tls",
        Annotation "annotation",
        Answer "answer",
        Audiences "audiences",
        BindPeer "bind-peer",
        CaCertificates "ca-certificates",
        ClaimHeaders "claim-headers",
        Claims "claims",
        ClientCertificate "client-certificate",
        Clients "clients",
        Cookie "cookie",
        Credential "credential",
        Crl "crl",
        Expired "expired",
        ExportTo "export-to",
        FailOpen "fail-open",
        Forged "forged",
        Forward "forward",
        Headless "headless",
        Iss "iss",
        Jwks "jwks",
        JwksUri "jwks-uri",
        Label "label",
        PayloadHeader "payload-header",
        PeerOptional "peer-optional",
        PeerToken "peer-token",
        Pod "pod",
        Presence "presence",
        PrivateKey "private-key",
        San "san",
        SkipVerify "skip-verify",
        Subset "subset",
        Tcp "tcp",
        Timeout "timeout",
        Tls "tls",
    }
}

/// How many keywords there are; they number from 0.
pub(crate) const COUNT: usize = ALL.len();

impl Kw {
    /// The keyword that a word spells.
    pub(crate) fn of(word: &str) -> Option<Self> {
        // Both halves of the table are sorted, so that two short searches decide.
        let (reserved, free) = ALL.split_at(RESERVED.len());
        [reserved, free].into_iter().find_map(|half| {
            let at = half.binary_search_by_key(&word, |(text, _)| text).ok()?;
            half.get(at).map(|(_, kw)| *kw)
        })
    }

    /// The keyword of a number.
    pub(crate) fn numbered(number: usize) -> Option<Self> {
        ALL.get(number).map(|(_, kw)| *kw)
    }

    /// Whether it starts a declaration or an item of a block.
    pub(crate) fn starts_item(self) -> bool {
        ITEMS.binary_search(&self.text()).is_ok()
    }
}

/// Whether a word cannot be a bare name.
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// The words that start a declaration or an item of a block, in alphabetical order.
pub const ITEMS: &[&str] = &[
    "accept",
    "account",
    "aliases",
    "allow",
    "always",
    "apply",
    "ask",
    "audit",
    "auto-mtls",
    "client-tls",
    "dataplane",
    "default",
    "deny",
    "destination",
    "domain",
    "dry-run",
    "gateway",
    "identity",
    "issuer",
    "legacy",
    "mesh",
    "metadata",
    "mtls",
    "namespace",
    "never",
    "normalization",
    "object",
    "operation",
    "param",
    "ports",
    "provider",
    "require",
    "root",
    "select",
    "service",
    "service-entry",
    "template",
    "test",
    "trust-domain",
    "trusted-proxies",
    "trusts",
    "use",
    "use-waypoint",
    "waypoint",
    "workload",
    "workload-label",
];

/// The declarations that stand at the top of a file.
pub const DECLARATIONS: &[&str] = &[
    "always",
    "identity",
    "issuer",
    "mesh",
    "namespace",
    "never",
    "operation",
    "param",
    "template",
    "test",
    "use",
];

/// The words that start a caller.
pub const CALLERS: &[&str] = &[
    "any-peer",
    "anyone",
    "client-ip",
    "ns",
    "outsider",
    "peer-ip",
    "principal",
    "request-principal",
    "sa",
    "token",
    "trust-domain",
];

/// The words that start a term of an operation.
pub const TERMS: &[&str] = &[
    "any",
    "authority",
    "dest-ip",
    "grpc",
    "host",
    "method",
    "path",
    "path-regex",
    "port",
    "sni",
];

/// The items of an `issuer` block.
pub const ISSUER_ITEMS: &[&str] = &[
    "audiences",
    "claim-headers",
    "claims",
    "forward",
    "from",
    "iss",
    "jwks",
    "jwks-uri",
    "payload-header",
    "presence",
    "timeout",
];

/// The items of a `destination` block.
pub const DESTINATION_ITEMS: &[&str] = &["clients", "export-to", "metadata", "subset", "tls"];

/// The items of a `subset` block.
pub const SUBSET_ITEMS: &[&str] = &["select", "tls"];

/// The items of a `tls` block.
pub const TLS_ITEMS: &[&str] = &[
    "ca-certificates",
    "client-certificate",
    "credential",
    "crl",
    "private-key",
    "san",
    "skip-verify",
    "sni",
];

/// The protocols of `ports`.
pub const PROTOCOLS: &[&str] = &["http", "tcp", "tls", "https", "https-mutual", "unproxied"];

/// The protocols of `provider`.
pub const PROVIDER_PROTOCOLS: &[&str] = &["http", "grpc"];

/// The types of `claims`.
pub const CLAIM_TYPES: &[&str] = &["string", "list", "words", "bool", "number"];

/// What a test of requests expects.
pub const OUTCOMES: &[&str] = &["200", "400", "401", "403", "503", "reset", "tls-error"];

/// What a test of a workload's client side expects.
pub const CLIENT_OUTCOMES: &[&str] = &["disable", "simple", "mutual", "istio-mutual"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_known() {
        for list in [
            RESERVED,
            ITEMS,
            DECLARATIONS,
            CALLERS,
            TERMS,
            ISSUER_ITEMS,
            DESTINATION_ITEMS,
            SUBSET_ITEMS,
            TLS_ITEMS,
        ] {
            assert!(list.is_sorted());
            assert!(
                list.iter()
                    .all(|word| Kw::of(word).is_some_and(|kw| kw.text() == *word))
            );
        }
        assert!(ALL.iter().skip(RESERVED.len()).is_sorted_by_key(|(text, _)| text));
        const { assert!(COUNT <= 128, "sets of keywords are 128 bits wide") };
    }

    #[test]
    fn what_starts_something_is_reserved() {
        for list in [ITEMS, DECLARATIONS, CALLERS, TERMS] {
            assert!(list.iter().all(|word| is_reserved(word)));
        }
    }
}
