//! Patterns of identities.
//!
//! An identity of Istio's form, `DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, is written here with its trust domain last, so that a
//! namespace is a beginning and its accounts are neighbours. One of another form is taken as it stands; none has `/ns/`
//! in it, which is what the documentation says of all analysis.

use std::sync::LazyLock;

use super::pattern::{Bytes, Pattern, Step, Walk, literal, some};
use super::universe::Universe;
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{DomainMatch, PeerMatch, StringMatch};
use crate::policy::inventory::principal_parts;

/// Stands before the trust domain.
const MARK: char = '\u{1}';

fn mark() -> Step {
    Step::One(Bytes::one(1))
}

/// Of a part of an identity.
fn inside() -> Bytes {
    Bytes::of(|byte| byte > b' ' && byte != b'/')
}

/// Of all but the trust domain.
fn before_mark() -> Bytes {
    Bytes::of(|byte| byte != 1)
}

/// The form of identities that Istio makes.
pub(super) static KNOWN: LazyLock<Universe> = LazyLock::new(|| {
    let sa = literal("/sa/").collect::<Vec<_>>();
    let part = some(inside());
    let form = part.into_iter().chain(sa).chain(part).chain([mark()]).chain(part);
    Universe::new(form.collect(), None)
});

/// What else an identity can be.
pub(super) static FOREIGN: LazyLock<Universe> = LazyLock::new(|| {
    let visible = Bytes::of(|byte| byte > b' ');
    let any = Step::Many(Bytes::any());
    let never = std::iter::once(any).chain(literal("/ns/")).chain([any]);
    Universe::new(some(visible).to_vec(), Some(never.collect()))
});

/// An identity as it is written here; `None` if it is of another form.
pub(super) fn known_text(identity: &str) -> Option<String> {
    let (domain, namespace, account) = principal_parts(identity)?;
    Some(format!("{namespace}/sa/{account}{MARK}{domain}"))
}

/// An identity that is written as it is here.
pub(super) fn identity(text: &str) -> Option<String> {
    let (pod, domain) = text.split_once(MARK)?;
    Some(format!("{domain}/ns/{pod}"))
}

/// What a matcher asks of one part of an identity.
#[derive(Clone, Copy)]
enum Part<'p> {
    Any,
    Exact(&'p str),
    Prefix(&'p str),
    Suffix(&'p str),
}

impl Part<'_> {
    fn walk(self) -> Walk {
        let any = Step::Many(inside());
        match self {
            Self::Any => vec![any],
            Self::Exact(text) => literal(text).collect(),
            Self::Prefix(text) => literal(text).chain([any]).collect(),
            Self::Suffix(text) => std::iter::once(any).chain(literal(text)).collect(),
        }
    }
}

/// The pattern of three parts.
fn parts(domain: Part<'_>, namespace: Part<'_>, account: Part<'_>) -> Pattern {
    match (domain, namespace, account) {
        (Part::Any, Part::Exact(namespace), Part::Any) => Pattern::Prefix(format!("{namespace}/").into_bytes()),
        (Part::Any, Part::Exact(namespace), Part::Exact(account)) => {
            Pattern::Prefix(format!("{namespace}/sa/{account}{MARK}").into_bytes())
        }
        (Part::Exact(domain), Part::Exact(namespace), Part::Exact(account)) => {
            Pattern::Exact(format!("{namespace}/sa/{account}{MARK}{domain}").into_bytes())
        }
        _ => {
            let mut walk = namespace.walk();
            walk.extend(literal("/sa/"));
            walk.extend(account.walk());
            walk.push(mark());
            walk.extend(domain.walk());
            Pattern::Walk(walk)
        }
    }
}

/// The patterns of identities of Istio's form that a matcher takes, together.
pub(super) fn known_patterns(matcher: &Matcher) -> Vec<Pattern> {
    let any = Part::Any;
    match matcher {
        Matcher::Peer(PeerMatch::Principal(pattern)) | Matcher::ZtunnelPrincipal(pattern) => {
            principal(pattern).into_iter().collect()
        }
        Matcher::Peer(PeerMatch::Namespace(pieces)) => namespace(pieces),
        Matcher::Peer(PeerMatch::ServiceAccount { namespace, name }) | Matcher::ZtunnelAccount { namespace, name } => {
            if namespace.contains('/') || name.contains('/') {
                return Vec::new();
            }
            vec![parts(any, Part::Exact(namespace), Part::Exact(name))]
        }
        Matcher::Peer(PeerMatch::TrustDomain(domain)) => vec![match domain {
            DomainMatch::Any => Pattern::Prefix(Vec::new()),
            DomainMatch::Exact(domain) => parts(Part::Exact(domain), any, any),
            DomainMatch::Star(before, after) => {
                let Pattern::Walk(mut walk) = parts(Part::Prefix(before), any, any) else {
                    return Vec::new();
                };
                walk.extend(literal(after));
                Pattern::Walk(walk)
            }
        }],
        Matcher::ZtunnelNamespace(pattern) => match pattern {
            StringMatch::Present => vec![Pattern::Prefix(Vec::new())],
            StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Suffix(text) if text.contains('/') => {
                Vec::new()
            }
            StringMatch::Exact(text) => vec![parts(any, Part::Exact(text), any)],
            StringMatch::Prefix(text) => vec![Pattern::Prefix(text.clone().into_bytes())],
            StringMatch::Suffix(text) => vec![parts(any, Part::Suffix(text), any)],
        },
        _ => Vec::new(),
    }
}

fn principal(pattern: &StringMatch) -> Option<Pattern> {
    let any = Part::Any;
    match pattern {
        StringMatch::Present => Some(Pattern::Prefix(Vec::new())),
        StringMatch::Exact(text) => {
            let (domain, namespace, account) = principal_parts(text)?;
            Some(parts(Part::Exact(domain), Part::Exact(namespace), Part::Exact(account)))
        }
        StringMatch::Prefix(text) => match text.split('/').collect::<Vec<_>>().as_slice() {
            [domain] => Some(parts(Part::Prefix(domain), any, any)),
            [domain, ns] if "ns".starts_with(ns) => Some(parts(Part::Exact(domain), any, any)),
            [domain, "ns", namespace] => Some(parts(Part::Exact(domain), Part::Prefix(namespace), any)),
            [domain, "ns", namespace, sa] if "sa".starts_with(sa) => {
                Some(parts(Part::Exact(domain), Part::Exact(namespace), any))
            }
            [domain, "ns", namespace, "sa", account] => Some(parts(
                Part::Exact(domain),
                Part::Exact(namespace),
                Part::Prefix(account),
            )),
            _ => None,
        },
        StringMatch::Suffix(text) => match text.split('/').collect::<Vec<_>>().as_slice() {
            [account] => Some(parts(any, any, Part::Suffix(account))),
            [sa, account] if "sa".ends_with(sa) => Some(parts(any, any, Part::Exact(account))),
            [namespace, "sa", account] => Some(parts(any, Part::Suffix(namespace), Part::Exact(account))),
            [ns, namespace, "sa", account] if "ns".ends_with(ns) => {
                Some(parts(any, Part::Exact(namespace), Part::Exact(account)))
            }
            [domain, "ns", namespace, "sa", account] => Some(parts(
                Part::Suffix(domain),
                Part::Exact(namespace),
                Part::Exact(account),
            )),
            _ => None,
        },
    }
}

/// The pieces between stars of `/ns/NAMESPACE/`, of which the first begins the namespace.
///
/// A star goes over slashes. And in the namespace `ns` the account follows behind a second `/ns/`.
fn namespace(pieces: &[String]) -> Vec<Pattern> {
    let Some((first, rest)) = pieces.split_first() else {
        return Vec::new();
    };
    let Some(start) = first.strip_prefix("/ns/") else {
        return Vec::new();
    };
    let whole = |start: String| {
        if rest.is_empty() {
            return Pattern::Prefix(start.into_bytes());
        }
        let any = Step::Many(before_mark());
        let mut walk: Walk = literal(&start).collect();
        for piece in rest {
            walk.push(any);
            walk.extend(literal(piece));
        }
        walk.extend([any, mark(), Step::Many(inside())]);
        Pattern::Walk(walk)
    };
    let mut patterns = vec![whole(start.to_owned())];
    if "sa/".starts_with(start) || start.starts_with("sa/") {
        patterns.push(whole(format!("ns/{start}")));
    }
    patterns
}

/// The patterns of other identities that a matcher takes, together.
pub(super) fn foreign_patterns(matcher: &Matcher) -> Vec<Pattern> {
    let Matcher::Peer(matcher) = matcher else {
        return Vec::new();
    };
    let possible = |text: &str| !text.contains("/ns/");
    match matcher {
        PeerMatch::Principal(StringMatch::Present) | PeerMatch::TrustDomain(DomainMatch::Any) => {
            vec![Pattern::Prefix(Vec::new())]
        }
        PeerMatch::Principal(StringMatch::Exact(text)) if possible(text) => vec![Pattern::Exact(text.clone().into())],
        PeerMatch::Principal(StringMatch::Prefix(text)) if possible(text) => vec![Pattern::Prefix(text.clone().into())],
        PeerMatch::Principal(StringMatch::Suffix(text)) if possible(text) => vec![super::pattern::suffix(text)],
        PeerMatch::TrustDomain(DomainMatch::Exact(domain)) => vec![Pattern::Prefix(format!("{domain}/").into_bytes())],
        PeerMatch::TrustDomain(DomainMatch::Star(before, after)) => {
            let mut walk: Walk = literal(before).collect();
            walk.push(Step::Many(inside()));
            walk.extend(literal(after));
            walk.extend(literal("/"));
            walk.push(Step::Many(Bytes::any()));
            vec![Pattern::Walk(walk)]
        }
        PeerMatch::Principal(_) | PeerMatch::Namespace(_) | PeerMatch::ServiceAccount { .. } => Vec::new(),
    }
}
