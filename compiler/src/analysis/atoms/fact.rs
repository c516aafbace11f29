//! The facts of a request, one for each dimension of a space, and which of them a matcher tests.

use crate::policy::Target;
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::PathMatch;
use crate::policy::evaluate::headers;

/// A fact of a request or connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    Peer,
    PeerIp,
    ClientIp,
    DestinationIp,
    Port,
    Sni,
    /// In lower case.
    Host,
    Method,
    Path,
    /// `iss` of the token that counts, and so whether there is one.
    Issuer,
    Subject,
    /// By its name in lower case.
    Header(String),
    Claim(Vec<String>),
    /// What is not known of requests, or how it is compared: each matcher of it holds or does not.
    Unstated,
}

impl Fact {
    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Peer => "the identity of the caller".to_owned(),
            Self::PeerIp => "the address of the peer".to_owned(),
            Self::ClientIp => "the address of the client".to_owned(),
            Self::DestinationIp => "the address of the destination".to_owned(),
            Self::Host => "the host".to_owned(),
            Self::Method => "the method".to_owned(),
            Self::Path => "the path".to_owned(),
            Self::Port => "the port".to_owned(),
            Self::Sni => "the SNI".to_owned(),
            Self::Issuer => "the issuer of the token".to_owned(),
            Self::Subject => "the subject of the token".to_owned(),
            Self::Header(name) => format!("the header `{name}`"),
            Self::Claim(path) => format!("the claim `{}`", path.join(".")),
            Self::Unstated => "what no request states".to_owned(),
        }
    }

    /// Whether a request may have several values, of which a test wants only one.
    pub(crate) fn has_many(&self, target: Target) -> bool {
        match self {
            Self::Header(name) => name != HOST && !headers::are_joined(name) && !target.joins_repeated_headers(),
            Self::Claim(_) | Self::Unstated => true,
            _ => false,
        }
    }

    /// Whether a request may be without it. Where it may have many values it may have none besides.
    pub(crate) fn may_be_absent(&self) -> bool {
        match self {
            Self::Peer | Self::PeerIp | Self::Sni | Self::Issuer | Self::Subject => true,
            Self::Header(name) => name != HOST,
            _ => false,
        }
    }

    /// Whether only requests with a token have it.
    pub(crate) const fn is_of_token(&self) -> bool {
        matches!(self, Self::Issuer | Self::Subject | Self::Claim(_))
    }
}

/// The host as sent, by its name among headers.
pub(crate) const HOST: &str = ":authority";

/// The fact that a matcher is about. A test of a request principal is about two, and has none of its own.
pub(crate) fn fact(matcher: &Matcher, target: Target) -> Option<Fact> {
    Some(match matcher {
        // Istio before it escaped them read signs in these as a regular expression does, which is not judged.
        Matcher::Peer(pattern) if pattern.has_sign() && target.leaves_identities_unescaped() => Fact::Unstated,
        Matcher::Peer(_)
        | Matcher::ZtunnelPrincipal(_)
        | Matcher::ZtunnelNamespace(_)
        | Matcher::ZtunnelAccount { .. } => Fact::Peer,
        Matcher::PeerIp(_) => Fact::PeerIp,
        Matcher::ClientIp(_) => Fact::ClientIp,
        Matcher::DestinationIp(_) => Fact::DestinationIp,
        Matcher::Host(_) => Fact::Host,
        Matcher::Method(_) => Fact::Method,
        // Whether it takes a star depends on the patch of Envoy.
        Matcher::Path(PathMatch::Template(_)) if target.templates_may_refuse_stars() => Fact::Unstated,
        Matcher::Path(_) => Fact::Path,
        Matcher::Port(_) => Fact::Port,
        Matcher::Sni(_) => Fact::Sni,
        Matcher::Header(name, _) => match name.as_str() {
            ":method" => Fact::Method,
            HOST | "host" => Fact::Header(HOST.to_owned()),
            name => Fact::Header(name.to_owned()),
        },
        Matcher::Claim(..) | Matcher::BoundPrincipal(_) if target.is_legacy() => Fact::Unstated,
        Matcher::Claim(path, _) => match path.as_slice() {
            [name] if name == "iss" => Fact::Issuer,
            [name] if name == "sub" => Fact::Subject,
            path => Fact::Claim(path.to_vec()),
        },
        Matcher::RequestPrincipal(..) => return None,
        Matcher::BoundPrincipal(_) | Matcher::Metadata { .. } => Fact::Unstated,
    })
}
