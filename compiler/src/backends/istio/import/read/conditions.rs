//! The keys of `when`.

use super::lists;
use crate::backends::yaml::tree::Node;
use crate::policy::{Condition, ConditionKey};

/// One of `when`.
pub(super) fn read(node: &Node) -> Option<Condition> {
    Some(Condition {
        key: key(node.text_of("key")?),
        lists: lists(node, "values", "notValues"),
    })
}

fn key(text: &str) -> ConditionKey {
    match text {
        "source.ip" => ConditionKey::SourceIp,
        "remote.ip" => ConditionKey::RemoteIp,
        "source.namespace" => ConditionKey::SourceNamespace,
        "source.principal" => ConditionKey::SourcePrincipal,
        "source.serviceAccount" => ConditionKey::SourceServiceAccount,
        "source.trustDomain" => ConditionKey::SourceTrustDomain,
        "request.auth.principal" => ConditionKey::RequestPrincipal,
        "request.auth.audiences" => ConditionKey::Audiences,
        "request.auth.presenter" => ConditionKey::Presenter,
        "destination.ip" => ConditionKey::DestinationIp,
        "destination.port" => ConditionKey::DestinationPort,
        "connection.sni" => ConditionKey::Sni,
        _ => named(text).unwrap_or_else(|| ConditionKey::Unreadable(text.to_owned())),
    }
}

/// A key with a name in brackets. Istio accepts some that it cannot read afterwards.
fn named(text: &str) -> Option<ConditionKey> {
    if let Some(name) = text.strip_prefix("request.headers") {
        return bracketed(name).map(|name| ConditionKey::Header(name.to_owned()));
    }
    if let Some(path) = text.strip_prefix("request.auth.claims") {
        let path = nested(path).or_else(|| Some(vec![bracketed(path)?]))?;
        return Some(ConditionKey::Claim(path.into_iter().map(str::to_owned).collect()));
    }
    let (filter, key) = text.strip_prefix("experimental.")?.split_once('[')?;
    Some(ConditionKey::Filter {
        filter: filter.to_owned(),
        key: key.strip_suffix(']').unwrap_or(key).to_owned(),
    })
}

fn bracketed(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// `[a][b]`; `None` for anything else, which is one name with brackets in it.
fn nested(text: &str) -> Option<Vec<&str>> {
    let mut path = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix('[')?.split_once(']')?;
        if name.contains('[') {
            return None;
        }
        path.push(name);
        rest = after;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_istio_reads_them() {
        let claim = |path: &[&str]| ConditionKey::Claim(path.iter().map(|part| (*part).to_owned()).collect());
        let filter = |filter: &str, key: &str| ConditionKey::Filter {
            filter: filter.to_owned(),
            key: key.to_owned(),
        };
        let table = [
            ("source.ip", ConditionKey::SourceIp),
            ("request.headers[X-a]", ConditionKey::Header("X-a".to_owned())),
            ("request.headers[[a]]", ConditionKey::Header("[a]".to_owned())),
            (
                "request.headersX[a]",
                ConditionKey::Unreadable("request.headersX[a]".to_owned()),
            ),
            ("request.auth.claims[a]", claim(&["a"])),
            ("request.auth.claims[a][b.c]", claim(&["a", "b.c"])),
            ("request.auth.claims[a]x[b]", claim(&["a]x[b"])),
            ("request.auth.claims[[a]]", claim(&["[a]"])),
            ("experimental.envoy.filters.a.b[c]", filter("envoy.filters.a.b", "c")),
            ("experimental.envoy.filters.a[b][c]", filter("envoy.filters.a", "b][c")),
        ];
        for (text, expected) in table {
            let read = key(text);
            assert_eq!(read, expected, "{text}");
            if !text.contains("x[") {
                assert_eq!(read.to_string(), text);
            }
        }
    }
}
