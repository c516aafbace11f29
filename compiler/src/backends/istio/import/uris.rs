//! Addresses of key sets, as Go reads them.

use std::net::Ipv6Addr;

/// What is wrong with an address, as the end of a sentence.
pub(in crate::backends) fn wrong(uri: &str) -> Option<&'static str> {
    if uri.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Some("it has a control character");
    }
    let Some((scheme, rest)) = uri.split_once(':') else {
        return Some("it has no scheme");
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Some("its scheme is neither `http` nor `https`");
    }
    let Some(rest) = rest.strip_prefix("//") else {
        // Without a slash nothing of it is taken apart.
        return match rest.strip_prefix('/') {
            Some(path) => escapes(path.split(['?', '#']).next().unwrap_or("")),
            None => None,
        };
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(wrong) = bad_host(host) {
        return Some(wrong);
    }
    if authority.len() > host.len() && !user_fits(authority) {
        return Some("its user name has a character that it cannot have");
    }
    let (before, fragment) = path.split_once('#').unwrap_or((path, ""));
    escapes(before.split('?').next().unwrap_or("")).or_else(|| escapes(fragment))
}

fn bad_host(host: &str) -> Option<&'static str> {
    const PORT: &str = "its port is no number";
    let (name, port) = if host.starts_with('[') {
        let Some(end) = host.rfind(']') else {
            return Some("its address lacks `]`");
        };
        host.split_at(end + 1)
    } else {
        host.split_at(host.rfind(':').unwrap_or(host.len()))
    };
    if !port.is_empty()
        && !port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Some(PORT);
    }
    // Longer numbers do not fit where Istio keeps them.
    if port.len() > 19 {
        return Some(PORT);
    }
    if let Some(literal) = name.strip_prefix('[') {
        let address = literal.strip_suffix(']').unwrap_or(literal);
        let zoned = address.split_once("%25").filter(|(_, zone)| !zone.is_empty());
        let address = zoned.map_or(address, |(address, _)| address);
        return address
            .parse::<Ipv6Addr>()
            .is_err()
            .then_some("its address in brackets is not IPv6");
    }
    if name.contains([':', '[']) {
        return Some("its host has a character that it cannot have");
    }
    let name = without_escapes(name);
    let fits = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"".contains(c);
    let plain = name.chars().all(fits);
    (!plain).then_some("its host has a character that it cannot have")
}

/// Letters beyond ASCII may be escaped in a host.
fn without_escapes(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let code = after.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code.filter(|code| *code >= 0x80) {
            Some(_) => rest = after.get(2..).unwrap_or(""),
            None => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn user_fits(authority: &str) -> bool {
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    user.chars().all(fits) && escapes(user).is_none()
}

fn escapes(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let bad = |(at, b): (usize, &u8)| *b == b'%' && !(hex(at + 1) && hex(at + 2));
    bytes
        .iter()
        .enumerate()
        .any(bad)
        .then_some("it has a `%` without two hexadecimal digits")
}
