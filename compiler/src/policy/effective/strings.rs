//! How Istio matches text: wildcard strings, path templates, and the patterns of peer identities.

/// A wildcard string. Only the first form that fits counts, so `*a*` ends with a literal star.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum StringMatch {
    /// `*`.
    Present,
    Suffix(String),
    Prefix(String),
    Exact(String),
}

impl StringMatch {
    pub(crate) fn parse(text: &str) -> Self {
        if text == "*" {
            Self::Present
        } else if let Some(suffix) = text.strip_prefix('*') {
            Self::Suffix(suffix.to_owned())
        } else if let Some(prefix) = text.strip_suffix('*') {
            Self::Prefix(prefix.to_owned())
        } else {
            Self::Exact(text.to_owned())
        }
    }

    /// `*` wants a value that is not empty; as a regular expression, it takes no line end either.
    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Present => !value.is_empty() && !value.contains('\n'),
            _ => self.matches_present(value),
        }
    }

    /// `*` wants a value, be it empty: hosts and headers.
    pub(crate) fn matches_present(&self, value: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Suffix(suffix) => value.ends_with(suffix.as_str()),
            Self::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Self::Exact(exact) => value == exact,
        }
    }
}

/// A request principal, cut at its last slash into tests of `iss` and `sub`.
pub(crate) fn request_principal(value: &str) -> (StringMatch, StringMatch) {
    match value.rsplit_once('/') {
        Some((iss, sub)) => {
            // A star in front of the whole is the issuer's, one at its end the subject's.
            let iss = match iss.strip_prefix('*') {
                Some("") => StringMatch::Present,
                Some(suffix) => StringMatch::Suffix(suffix.to_owned()),
                None => StringMatch::Exact(iss.to_owned()),
            };
            let sub = match (&iss, sub.strip_suffix('*')) {
                (StringMatch::Exact(_), Some("")) => StringMatch::Present,
                (StringMatch::Exact(_), Some(prefix)) => StringMatch::Prefix(prefix.to_owned()),
                _ => StringMatch::Exact(sub.to_owned()),
            };
            (iss, sub)
        }
        None if value == "*" => (StringMatch::Present, StringMatch::Present),
        None => match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(suffix), _) => (StringMatch::Present, StringMatch::Suffix(suffix.to_owned())),
            (None, Some(prefix)) => (StringMatch::Prefix(prefix.to_owned()), StringMatch::Present),
            (None, None) => (StringMatch::Exact(value.to_owned()), StringMatch::Exact(String::new())),
        },
    }
}

/// A path: a wildcard string, or a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PathMatch {
    Plain(StringMatch),
    Template(Vec<Piece>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Piece {
    Literal(String),
    /// `{*}`: one character or more of a segment.
    Segment,
    /// `{**}`: any number of characters, slashes too.
    Rest,
}

impl PathMatch {
    pub(crate) fn parse(text: &str) -> Self {
        if !text.contains("{*}") && !text.contains("{**}") {
            return Self::Plain(StringMatch::parse(text));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (at, piece, width) = match (rest.find("{*}"), rest.find("{**}")) {
                (Some(one), Some(any)) if any < one => (any, Piece::Rest, 4),
                (Some(one), _) => (one, Piece::Segment, 3),
                (None, Some(any)) => (any, Piece::Rest, 4),
                (None, None) => {
                    pieces.push(Piece::Literal(rest.to_owned()));
                    break;
                }
            };
            let (literal, tail) = rest.split_at(at);
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(piece);
            rest = tail.get(width..).unwrap_or_default();
        }
        Self::Template(pieces)
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Plain(plain) => plain.matches(path),
            Self::Template(pieces) => matches_template(pieces, path),
        }
    }
}

/// Follows all ways to read the path at once: the offsets at which the pieces so far can have ended.
fn matches_template(pieces: &[Piece], path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut ends = vec![false; bytes.len() + 1];
    if let Some(start) = ends.first_mut() {
        *start = true;
    }
    for piece in pieces {
        let mut next = vec![false; bytes.len() + 1];
        match piece {
            Piece::Literal(literal) => {
                for (at, _) in ends.iter().enumerate().filter(|(_, open)| **open) {
                    if bytes.get(at..).is_some_and(|rest| rest.starts_with(literal.as_bytes()))
                        && let Some(end) = next.get_mut(at + literal.len())
                    {
                        *end = true;
                    }
                }
            }
            Piece::Segment | Piece::Rest => {
                let mut open = false;
                for (at, slot) in next.iter_mut().enumerate() {
                    let byte = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
                    // Whether the piece has begun before this offset, and goes on through the byte before it.
                    open = byte.is_some_and(|byte| {
                        (open || ends.get(at - 1).copied().unwrap_or(false))
                            && (is_template_byte(byte) || (*piece == Piece::Rest && byte == b'/'))
                    });
                    *slot = open || (*piece == Piece::Rest && ends.get(at).copied().unwrap_or(false));
                }
            }
        }
        ends = next;
    }
    ends.last().copied().unwrap_or(false)
}

/// What `{*}` and `{**}` take of a path.
pub(crate) fn is_template_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;:@=".contains(&byte)
}

/// `spiffe://` and the identity, as peers are tested.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PeerMatch {
    Principal(StringMatch),
    /// The pieces between the stars of `/ns/NAMESPACE/`.
    Namespace(Vec<String>),
    ServiceAccount {
        namespace: String,
        name: String,
    },
    TrustDomain(DomainMatch),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DomainMatch {
    Any,
    Exact(String),
    /// What stands before and after the star.
    Star(String, String),
}

impl PeerMatch {
    pub(crate) fn namespace(value: &str) -> Self {
        let glob = format!("/ns/{value}/");
        Self::Namespace(glob.split('*').map(str::to_owned).collect())
    }

    /// `S` is of the policy's own namespace.
    pub(crate) fn service_account(value: &str, own_namespace: &str) -> Self {
        let (namespace, name) = value.split_once('/').unwrap_or((own_namespace, value));
        Self::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn trust_domain(value: &str) -> Self {
        Self::TrustDomain(match value.split_once('*') {
            Some(("", "")) => DomainMatch::Any,
            Some((before, after)) => DomainMatch::Star(before.to_owned(), after.to_owned()),
            None => DomainMatch::Exact(value.to_owned()),
        })
    }

    /// Whether it holds a sign that older releases took as one of a regular expression.
    pub(crate) fn has_sign(&self) -> bool {
        let signs = |text: &str| text.contains(['.', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\']);
        match self {
            Self::Principal(StringMatch::Suffix(suffix)) => signs(suffix),
            Self::Principal(_) | Self::TrustDomain(_) => false,
            Self::Namespace(pieces) => pieces.iter().any(|piece| signs(piece)),
            Self::ServiceAccount { namespace, name } => signs(namespace) || signs(name),
        }
    }

    /// `principal` is a SPIFFE identity without `spiffe://`.
    pub(crate) fn matches(&self, principal: &str) -> bool {
        match self {
            // With its `spiffe://` an identity is never empty.
            Self::Principal(StringMatch::Present) => true,
            Self::Principal(text) => text.matches_present(principal),
            Self::Namespace(pieces) => {
                // What stands before the identity's own text has no `/ns/`.
                let mut rest = principal;
                pieces.iter().all(|piece| match rest.find(piece.as_str()) {
                    Some(at) => {
                        rest = rest.get(at + piece.len()..).unwrap_or_default();
                        true
                    }
                    None => false,
                })
            }
            Self::ServiceAccount { namespace, name } => is_account(principal, namespace, name),
            Self::TrustDomain(domain) => match (domain, principal.split_once('/')) {
                (DomainMatch::Any, _) => true,
                (DomainMatch::Exact(exact), Some((own, _))) => own == exact,
                (DomainMatch::Star(before, after), Some((own, _))) => {
                    own.len() >= before.len() + after.len() && own.starts_with(before) && own.ends_with(after.as_str())
                }
                (_, None) => false,
            },
        }
    }
}

/// `.+/ns/NAMESPACE/(.+/|)sa/NAME(/.+)?`.
fn is_account(principal: &str, namespace: &str, name: &str) -> bool {
    let ns = format!("/ns/{namespace}/");
    let sa = format!("sa/{name}");
    let ends = |rest: &str| rest.is_empty() || (rest.len() >= 2 && rest.starts_with('/'));
    principal
        .match_indices(&ns)
        .filter(|(at, _)| *at > 0)
        .filter_map(|(at, found)| principal.get(at + found.len()..))
        .any(|rest| {
            rest.match_indices(&sa).any(|(at, found)| {
                let before = rest.get(..at).unwrap_or_default();
                let starts = before.is_empty() || (before.len() >= 2 && before.ends_with('/'));
                starts && rest.get(at + found.len()..).is_some_and(ends)
            })
        })
}

/// Principals with those of the mesh's own trust domains multiplied by its names, as Istio rewrites them for Envoy.
pub(crate) fn with_aliases(principals: &[String], own: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |value: String| {
        if !all.contains(&value) {
            all.push(value);
        }
    };
    for principal in principals {
        let parts: Vec<&str> = principal.split('/').collect();
        let [domain, tail @ ..] = parts.as_slice() else {
            continue;
        };
        let ours = own.iter().any(|it| one_covers_other(it, domain)) || *domain == "cluster.local";
        if parts.len() != 5 || *domain == "*" || !ours {
            add(principal.clone());
            continue;
        }
        for name in own {
            let covered = domain.strip_prefix('*').is_some_and(|suffix| name.ends_with(suffix));
            if covered {
                add(principal.clone());
            } else {
                add(format!("{name}/{}", tail.join("/")));
            }
        }
    }
    all
}

/// Trust domains with those of the mesh replaced by all its names.
pub(crate) fn domains_with_aliases(domains: &[String], own: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for domain in domains {
        let names: Vec<String> = if own.contains(&domain.as_str()) {
            own.iter().map(|name| (*name).to_owned()).collect()
        } else {
            vec![domain.clone()]
        };
        for name in names {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}

fn one_covers_other(a: &str, b: &str) -> bool {
    let covers = |pattern: &str, text: &str| {
        pattern.strip_suffix('*').is_some_and(|prefix| text.starts_with(prefix))
            || pattern.strip_prefix('*').is_some_and(|suffix| text.ends_with(suffix))
    };
    a == b || covers(a, b) || covers(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        // Pattern, what it takes, what it does not.
        let table: &[(&str, &[&str], &[&str])] = &[
            ("*", &["a", "*"], &["", "a\nb"]),
            ("*a", &["a", "ba"], &["", "ab", "A"]),
            ("a*", &["a", "ab", "a*"], &["", "ba", "A"]),
            ("a", &["a"], &["", "ab", "A"]),
            ("*a*", &["a*", "xa*"], &["a", "xax", "*a*b"]),
            ("a*b", &["a*b"], &["ab", "axb"]),
            ("**", &["*", "a*"], &["", "a"]),
        ];
        for (pattern, yes, no) in table {
            let pattern = StringMatch::parse(pattern);
            yes.iter()
                .for_each(|it| assert!(pattern.matches(it), "{pattern:?} {it}"));
            no.iter()
                .for_each(|it| assert!(!pattern.matches(it), "{pattern:?} {it}"));
        }
        assert!(StringMatch::Present.matches_present(""));
    }

    #[test]
    fn request_principals() {
        // Value, and the `iss` and `sub` that it takes and does not take.
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let table: &[(&str, Pairs<'_>, Pairs<'_>)] = &[
            ("*", &[("i", "s")], &[("", "s"), ("i", "")]),
            ("*/alice", &[("i", "alice")], &[("i", "bob"), ("", "alice")]),
            (
                "*idp.test/alice",
                &[("https://idp.test", "alice")],
                &[("https://other", "alice"), ("idp.test", "bob")],
            ),
            ("*lice", &[("i", "alice")], &[("i", "bob"), ("", "alice")]),
            (
                "https://idp.test/*",
                &[("https://idp.test", "a")],
                &[("https://idp.test", ""), ("https://idp.test/x", "a")],
            ),
            ("iss/al*", &[("iss", "alice")], &[("iss", "bob"), ("is", "alice")]),
            ("plain*", &[("plainer", "s")], &[("other", "s"), ("plain", "")]),
            (
                "iss/alice",
                &[("iss", "alice")],
                &[("iss", "alice2"), ("issu", "alice")],
            ),
            ("plain", &[("plain", "")], &[("plain", "alice")]),
            // The last slash is one of `https://`.
            (
                "https://idp.test*",
                &[("https:/", "idp.testing")],
                &[("https://idp.test", "alice")],
            ),
        ];
        for (value, yes, no) in table {
            let (iss, sub) = request_principal(value);
            let takes = |it: &(&str, &str)| {
                let empty_sub = sub == StringMatch::Exact(String::new()) && it.1.is_empty();
                iss.matches(it.0) && (sub.matches(it.1) || empty_sub)
            };
            yes.iter().for_each(|it| assert!(takes(it), "{value} {it:?}"));
            no.iter().for_each(|it| assert!(!takes(it), "{value} {it:?}"));
        }
    }

    #[test]
    fn paths() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("/exact", &["/exact"], &["/exact/", "/Exact"]),
            ("/api/*", &["/api/", "/api/v1/x"], &["/api"]),
            ("*.html", &["/a/b.html"], &["/a.htm"]),
            ("/foo/{**}", &["/foo/", "/foo/a/b"], &["/foo", "/bar/"]),
            ("/foo/{*}", &["/foo/a", "/foo/*"], &["/foo/", "/foo/a/b", "/foo/a|b"]),
            ("/a/{**}/c", &["/a//c", "/a/b/c", "/a/b/b/c"], &["/a/c", "/a/b/d"]),
            ("/foo/{**}/", &["/foo/x/", "/foo//"], &["/foo/bar/baz.txt", "/foo/"]),
            ("/{*}/x/{*}", &["/a/x/b", "/x/x/x"], &["/a/b/x/b", "//x/b"]),
            ("/{*}/", &["/a/"], &["/a", "//"]),
        ];
        for (pattern, yes, no) in table {
            let path = PathMatch::parse(pattern);
            yes.iter().for_each(|it| assert!(path.matches(it), "{pattern} {it}"));
            no.iter().for_each(|it| assert!(!path.matches(it), "{pattern} {it}"));
        }
    }

    #[test]
    fn peers() {
        let principal = |text: &str| PeerMatch::Principal(StringMatch::parse(text));
        let account = |text: &str| PeerMatch::service_account(text, "own");
        let table: &[(PeerMatch, &[&str], &[&str])] = &[
            (principal("*"), &["td/ns/a/sa/b", "x"], &[]),
            (principal("td/ns/a/sa/b"), &["td/ns/a/sa/b"], &["td/ns/a/sa/b2"]),
            (principal("td/ns/a/*"), &["td/ns/a/sa/b"], &["td/ns/ab/sa/b"]),
            (principal("*/sa/b"), &["td/ns/a/sa/b"], &["td/ns/a/sa/bb"]),
            (principal("td/ns/*/sa/b"), &["td/ns/*/sa/b"], &["td/ns/a/sa/b"]),
            (principal("spiffe://td/ns/a/sa/b"), &[], &["td/ns/a/sa/b"]),
            (
                PeerMatch::namespace("foo"),
                &["td/ns/foo/sa/x"],
                &["td/ns/foobar/sa/x", "td/ns/f/sa/foo"],
            ),
            (
                PeerMatch::namespace("j*b*"),
                &["td/ns/jobs/sa/x", "td/ns/jb/sa/x"],
                &["td/ns/foo/sa/x"],
            ),
            (PeerMatch::namespace("*"), &["td/ns/foo/sa/x"], &["td/foo"]),
            (PeerMatch::namespace("*-a"), &["td/ns/x-a/sa/x"], &["td/ns/x-ab/sa/x"]),
            (
                account("jobs/batch"),
                &["td/ns/jobs/sa/batch", "td/ns/jobs/x/y/sa/batch/z"],
                &["td/ns/jobs/sa/batch2"],
            ),
            (
                account("web"),
                &["td/ns/own/sa/web"],
                &["td/ns/jobs/sa/web", "td/ns/own/sa/web/", "/ns/own/sa/web"],
            ),
            (PeerMatch::trust_domain("*"), &["td/ns/a/sa/b"], &[]),
            (
                PeerMatch::trust_domain("td"),
                &["td/ns/a/sa/b"],
                &["td2/ns/a/sa/b", "td"],
            ),
            (
                PeerMatch::trust_domain("*.x"),
                &["a.x/ns/a/sa/b"],
                &["x/ns/a/sa/b", "b/a.x/n"],
            ),
            (PeerMatch::trust_domain("a*"), &["a.x/ns/a/sa/b", "a/n"], &["b/a"]),
        ];
        for (pattern, yes, no) in table {
            yes.iter()
                .for_each(|it| assert!(pattern.matches(it), "{pattern:?} {it}"));
            no.iter()
                .for_each(|it| assert!(!pattern.matches(it), "{pattern:?} {it}"));
        }
    }

    #[test]
    fn aliases() {
        let own = &["td1", "td2"];
        let table: &[(&str, &[&str])] = &[
            ("td1/ns/a/sa/b", &["td1/ns/a/sa/b", "td2/ns/a/sa/b"]),
            ("td2/ns/a/sa/b", &["td1/ns/a/sa/b", "td2/ns/a/sa/b"]),
            ("cluster.local/ns/a/sa/b", &["td1/ns/a/sa/b", "td2/ns/a/sa/b"]),
            ("td3/ns/a/sa/b", &["td3/ns/a/sa/b"]),
            ("td1/ns/a/*", &["td1/ns/a/*"]),
            ("*/ns/a/sa/b", &["*/ns/a/sa/b"]),
            ("*1/ns/a/sa/b", &["*1/ns/a/sa/b", "td2/ns/a/sa/b"]),
            ("*", &["*"]),
        ];
        for (value, all) in table {
            assert_eq!(with_aliases(&[(*value).to_owned()], own), *all, "{value}");
        }
        assert_eq!(
            domains_with_aliases(&["td2".to_owned(), "x".to_owned()], own),
            ["td1", "td2", "x"]
        );
        assert_eq!(
            domains_with_aliases(&["cluster.local".to_owned()], own),
            ["cluster.local"]
        );
    }
}
