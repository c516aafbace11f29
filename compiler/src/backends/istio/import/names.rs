//! The names that Kubernetes and Istio take, and their lengths.

/// Letters, digits and `-`, with a letter or digit at both ends: Istio's idea of a DNS label, of either case.
pub(in crate::backends) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_word(text, |b| b == b'-')
}

/// A label of lowercase letters.
pub(super) fn is_lower_label(text: &str) -> bool {
    is_label(text) && !text.bytes().any(|b| b.is_ascii_uppercase())
}

/// The name of an object: lowercase labels of any length with dots between them.
pub(super) fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| is_word(part, |b| b == b'-') && !part.bytes().any(|b| b.is_ascii_uppercase());
    text.len() <= 253 && text.split('.').all(part)
}

/// The key of a label or annotation: a name, behind a domain and `/` if there is one.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_qualified_word(name),
        None => is_qualified_word(text),
    }
}

fn is_qualified_word(text: &str) -> bool {
    text.len() <= 63 && is_word(text, |b| matches!(b, b'-' | b'_' | b'.'))
}

/// The value of a label in Kubernetes.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_qualified_word(text)
}

/// The key of a label of a subset, as Istio takes it.
pub(super) fn is_subset_key(text: &str) -> bool {
    let name = match text.rsplit_once('/') {
        Some((domain, name)) => {
            let parts = domain.split('.').all(|part| is_word(part, |b| b == b'-'));
            if !parts || domain.len() > 253 {
                return false;
            }
            name
        }
        None => text,
    };
    is_qualified_word(name)
}

/// The value of a label of a subset, as Istio takes it.
pub(super) fn is_subset_value(text: &str) -> bool {
    text.is_empty() || is_word(text, |b| matches!(b, b'-' | b'_' | b'.'))
}

/// A host of a DestinationRule: `*` only at the start of the first part.
pub(super) fn is_host(text: &str) -> bool {
    if text.is_empty() || text.len() > 255 {
        return false;
    }
    let (first, rest) = text
        .split_once('.')
        .map_or((text, None), |(first, rest)| (first, Some(rest)));
    let unstarred = first.strip_prefix("*-").filter(|rest| is_label(rest));
    let unstarred = unstarred.or_else(|| first.strip_prefix('*')).unwrap_or(first);
    let first_fits = first.len() <= 63 && (first == "*" || is_label(unstarred));
    first_fits && rest.is_none_or(are_labels)
}

/// A host without a wildcard.
pub(super) fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && are_labels(text)
}

fn are_labels(text: &str) -> bool {
    let mut parts: Vec<_> = text.split('.').collect();
    if parts
        .last()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
    {
        return false;
    }
    if parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    parts.into_iter().all(is_label)
}

fn is_word(text: &str, between: impl Fn(u8) -> bool) -> bool {
    let solid = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    solid(bytes.first()) && solid(bytes.last()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || between(*b))
}
