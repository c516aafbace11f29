//! What HTTP itself makes of a request, before any filter of a proxy sees it.
//!
//! Seen at Envoy 1.40, as `tests/cases/differential/http_refuses.yaml` and its neighbours have it.

use super::matching::HeaderValue;
use super::methods::METHODS;
use super::path::{self, Path};
use crate::policy::inventory::Normalization;
use crate::policy::request::{Place, Request, Unknown};

/// What comes of reading the head of a request.
pub(super) enum Head {
    /// The path as rules see it, and the query and fragment behind it as sent.
    Read { path: String, query: String },
    /// It is answered with 400, and why.
    Refused(&'static str),
}

/// What Envoy reads of the head of a request, in bytes.
const MAX_BYTES: usize = 60 * 1024;

/// How many headers Envoy reads. Of HTTP/1.1 `Host` and the first line count too, of HTTP/2 the four pseudo headers.
const MAX_HEADERS: usize = 100;

/// Reads the head of a request with this method.
///
/// # Errors
/// What becomes of it is not known, or has no word among the outcomes.
pub(super) fn read(request: &Request, method: &str, normalization: Normalization) -> Result<Head, Unknown> {
    is_small(request)?;
    if method == "CONNECT" {
        return Err(not_judged("CONNECT"));
    }
    let refused = if request.http2 {
        is_plain_in_http2(request, method)?;
        None
    } else {
        changes_headers(request)?;
        fault_in_http1(request, method)
    };
    if let Some(why) = refused {
        return Ok(Head::Refused(why));
    }
    let sent = request.path.as_deref().unwrap_or("/");
    match path::normalize(sent, normalization) {
        Path::Seen(path) => {
            let query = sent.find(['?', '#']).and_then(|at| sent.get(at..));
            let query = query.unwrap_or_default().to_owned();
            Ok(Head::Read { path, query })
        }
        Path::Refused => Ok(Head::Refused("the path is one that HTTP refuses")),
        Path::Unknown => Err(not_judged("this path")),
    }
}

fn not_judged(what: &str) -> Unknown {
    Unknown::Other(format!("what Envoy makes of {what} is not judged"))
}

fn is_small(request: &Request) -> Result<(), Unknown> {
    let too_much = |what: &str| {
        Err(Unknown::Other(format!(
            "the request has more than {what}, which Envoy refuses before any policy (431, over HTTP/2 a reset)"
        )))
    };
    let bytes = request.headers.iter().map(|(name, value)| name.len() + value.len());
    if bytes.sum::<usize>() + request.path.as_ref().map_or(0, String::len) > MAX_BYTES {
        return too_much("60 KiB of headers");
    }
    let of_tokens = request
        .tokens
        .iter()
        .filter(|token| !matches!(token.place, Place::Param(_)));
    let own = if request.http2 { 4 } else { 2 };
    if request.headers.len() + of_tokens.count() + own > MAX_HEADERS {
        return too_much("100 headers");
    }
    Ok(())
}

/// Why HTTP/1.1 refuses a request.
fn fault_in_http1(request: &Request, method: &str) -> Option<&'static str> {
    if !METHODS.contains(&method) {
        return Some("HTTP/1 knows no such method");
    }
    if request.host.as_ref().is_some_and(|host| !is_authority(host)) {
        return Some("the host has a sign that HTTP refuses");
    }
    if request.headers.iter().any(|(_, value)| has_control(value)) {
        return Some("a header has a control character, which HTTP refuses");
    }
    let path = request.path.as_deref().unwrap_or_default();
    let breaks_line = |byte: u8| byte <= b' ' || byte == 0x7f;
    path.bytes()
        .any(breaks_line)
        .then_some("the path has a space or a control character, which HTTP refuses")
}

/// All but the tab.
fn has_control(value: &str) -> bool {
    value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f)
}

/// Whether a host has only signs that Envoy takes; their order does not matter to it.
fn is_authority(host: &str) -> bool {
    host.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=@[]_~".contains(&byte))
}

/// Headers by which HTTP/1.1 treats the request itself in another way.
fn changes_headers(request: &Request) -> Result<(), Unknown> {
    let values = |name: &'static str| {
        let own = request.headers.iter().filter(move |(own, _)| own == name);
        own.flat_map(|(_, value)| value.split(',')).map(str::trim)
    };
    // What `connection` names is taken out before rules see the request.
    const HARMLESS: &[&str] = &["", "close", "keep-alive", "upgrade", "http2-settings", "connection"];
    if values("connection").any(|name| !HARMLESS.iter().any(|own| name.eq_ignore_ascii_case(own))) {
        return Err(not_judged("a header `connection` that names other headers"));
    }
    // One to HTTP/2 is left alone, and the request goes on.
    const UPGRADES: &[&str] = &["", "websocket", "h2c"];
    let upgrades = values("connection").any(|name| name.eq_ignore_ascii_case("upgrade"));
    let is_known = |name: &str| UPGRADES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if upgrades && !values("upgrade").all(is_known) {
        return Err(not_judged("an `upgrade` to something else than `websocket`"));
    }
    let lengths: Vec<&str> = values("content-length").collect();
    let is_odd = |length: &&str| length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit());
    let chunked = values("transfer-encoding").next().is_some();
    if lengths.len() > 1 || lengths.iter().any(is_odd) || (chunked && !lengths.is_empty()) {
        return Err(not_judged("this `content-length`"));
    }
    if values("transfer-encoding").any(|name| !name.eq_ignore_ascii_case("chunked")) {
        return Err(not_judged("a `transfer-encoding` other than `chunked`"));
    }
    Ok(())
}

/// Whether it is known what HTTP/2 makes of a request: any method passes, and what no client sends has not been tried.
fn is_plain_in_http2(request: &Request, method: &str) -> Result<(), Unknown> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(not_judged("this method over HTTP/2"));
    }
    if request
        .host
        .as_ref()
        .is_some_and(|host| host.is_empty() || !is_authority(host))
    {
        return Err(not_judged("this host over HTTP/2"));
    }
    if request.path.as_ref().is_some_and(|path| !path.is_ascii()) {
        return Err(not_judged("this path over HTTP/2"));
    }
    const OF_HTTP1: &[&str] = &[
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    for (name, value) in &request.headers {
        let of_http1 = OF_HTTP1.contains(&name.as_str()) || (name == "te" && value != "trailers");
        let padded = value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']);
        if of_http1 || padded || has_control(value) {
            return Err(not_judged(&format!("this header `{name}` over HTTP/2")));
        }
    }
    Ok(())
}

/// The headers as they are kept: HTTP/1.1 drops the space around a value.
pub(super) fn headers(request: &Request) -> Vec<(String, HeaderValue)> {
    let text = |(name, value): &(String, String)| {
        let value = if request.http2 {
            value
        } else {
            value.trim_matches([' ', '\t'])
        };
        (name.clone(), HeaderValue::Text(value.to_owned()))
    };
    let mut headers: Vec<(String, HeaderValue)> = request.headers.iter().map(text).collect();
    for token in &request.tokens {
        match &token.place {
            Place::Header { name, prefix } => headers.push((name.clone(), HeaderValue::Token(prefix.clone()))),
            Place::Cookie(name) => headers.push(("cookie".to_owned(), HeaderValue::Token(format!("{name}=")))),
            Place::Param(_) => {}
        }
    }
    headers
}
