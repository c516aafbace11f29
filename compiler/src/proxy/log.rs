//! Envoy's access log: what is asked of it, and what it says.
//!
//! It writes a line for each request when it is answered, and one for each connection when it ends. Of the connections
//! only those say something that carried no request: bytes, and those that were refused at the door.

use std::net::IpAddr;

use serde_json::{Value, json};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the listener.
    pub listener: String,
    /// Of a request; `None` for a connection.
    pub http: Option<Http>,
    /// By which way it was taken; `None`: by none.
    pub chain: Option<String>,
    /// The identity in the client's certificate, without `spiffe://`.
    pub peer: Option<String>,
    pub sni: Option<String>,
    /// The other end of the connection.
    pub peer_ip: Option<IpAddr>,
    /// The client as Envoy finds it.
    pub client_ip: Option<IpAddr>,
    /// Why its TLS was refused.
    pub tls_failure: Option<String>,
    /// Why Envoy ended the connection.
    pub ended: Option<String>,
    /// How many bytes the client sent.
    pub received: u64,
}

/// What the log says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub status: u16,
    /// Why, in Envoy's words.
    pub details: String,
    /// Whether it came over HTTP/2, which takes more than HTTP/1 does.
    pub is_http2: bool,
    /// What arrived; `None` where nothing arrived that is HTTP.
    pub head: Option<Head>,
}

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub method: String,
    pub path: String,
    pub host: String,
    /// As sent, the names in lower case.
    pub headers: Vec<(String, String)>,
}

/// The name of the chains that end TLS.
pub(super) const TLS: &str = "tls";

/// Headers that Envoy adds by itself.
const ADDED: [&str; 5] = [
    "x-forwarded-proto",
    "x-request-id",
    "x-forwarded-client-cert",
    "x-envoy-external-address",
    "x-envoy-internal",
];

fn to_stdout(fields: Value) -> Value {
    json!({ "name": "log", "typedConfig": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "logFormat": { "jsonFormat": fields },
    } })
}

fn common(listener: &str) -> Value {
    json!({
        // A percent sign stands for itself only if it is there twice.
        "listener": listener.replace('%', "%%"),
        "chain": "%FILTER_CHAIN_NAME%",
        "peer": "%DOWNSTREAM_PEER_URI_SAN%",
        "sni": "%REQUESTED_SERVER_NAME%",
        "peer-ip": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        "client-ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "tls": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
        "ended": "%CONNECTION_TERMINATION_DETAILS%",
        "received": "%BYTES_RECEIVED%",
    })
}

/// The log of what a listener's HTTP is asked.
pub(super) fn requests(listener: &str) -> Value {
    let mut fields = common(listener);
    if let Some(fields) = fields.as_object_mut() {
        let http = [
            ("status", "%RESPONSE_CODE%"),
            ("details", "%RESPONSE_CODE_DETAILS%"),
            ("protocol", "%PROTOCOL%"),
            ("head", "%DYNAMIC_METADATA(meshc:head)%"),
        ];
        fields.extend(http.map(|(key, format)| (key.to_owned(), json!(format))));
    }
    to_stdout(fields)
}

/// The log of a listener's connections.
pub(super) fn connections(listener: &str) -> Value {
    to_stdout(common(listener))
}

/// Reads a line; `None` where it is no line of this log.
#[must_use]
pub fn read(line: &str) -> Option<Entry> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| {
        let text = line.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let address = |key: &str| text(key)?.parse().ok();
    let http = line.get("status").map(|status| Http {
        status: status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(0),
        details: text("details").unwrap_or_default(),
        is_http2: text("protocol").as_deref() == Some("HTTP/2"),
        head: text("head").and_then(|head| read_head(&head)),
    });
    let chain = text("chain");
    Some(Entry {
        listener: text("listener")?,
        http,
        peer: text("peer").map(|peer| peer.strip_prefix("spiffe://").map_or(peer.clone(), str::to_owned)),
        sni: text("sni"),
        peer_ip: address("peer-ip"),
        client_ip: address("client-ip"),
        // Of plaintext too the inspector of first bytes says why it is no TLS.
        tls_failure: text("tls").filter(|_| chain.as_deref() == Some(TLS)),
        chain,
        ended: text("ended"),
        received: line.get("received").and_then(Value::as_u64).unwrap_or(0),
    })
}

fn read_head(text: &str) -> Option<Head> {
    let text = from_hex(text)?;
    let mut head = Head::default();
    for line in text.split('\n') {
        // The name of a pseudo-header starts with a colon.
        let (name, value) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))?;
        match name {
            ":method" => head.method = value.to_owned(),
            ":path" => head.path = value.to_owned(),
            ":authority" => head.host = value.to_owned(),
            name if name.starts_with(':') || ADDED.contains(&name) => {}
            name => head.headers.push((name.to_owned(), value.to_owned())),
        }
    }
    Some(head)
}

/// Envoy's log has no place for the bytes of a header that are no text.
fn from_hex(text: &str) -> Option<String> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    let bytes = pairs.map(|pair| pair.iter().fold(0, |sum, digit| sum * 16 + digit));
    let bytes: Vec<u8> = bytes.map(u8::try_from).collect::<Result<_, _>>().ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

impl Entry {
    /// Whether an external authorizer refused it.
    #[must_use]
    pub fn is_refused_by_authorizer(&self) -> bool {
        let said = self.http.as_ref().map(|http| &http.details).or(self.ended.as_ref());
        said.is_some_and(|why| why.starts_with(AUTHORIZER))
    }

    /// What became of it, in the words of tests; `None` for a connection of which there is nothing to say: its requests
    /// have lines of their own, or it carried nothing.
    #[must_use]
    pub fn outcome(&self, is_http: bool) -> Option<String> {
        let Some(http) = &self.http else {
            return match (&self.chain, &self.tls_failure, &self.ended) {
                (None, _, _) => Some("reset"),
                (Some(_), Some(_), _) => Some("tls-error"),
                (Some(_), None, _) if is_http => None,
                (Some(_), None, Some(why)) if why.starts_with(ACCESS) || why.starts_with(AUTHORIZER) => Some("reset"),
                (Some(_), None, _) if self.received > 0 => Some("200"),
                (Some(_), None, _) => None,
            }
            .map(str::to_owned);
        };
        if http.status == 0 {
            // The client went away before there was an answer.
            return None;
        }
        // To gRPC refusals are said with the status 200.
        Some(match http.details.as_str() {
            why if why.starts_with(ACCESS) => "403".to_owned(),
            why if why.starts_with(TOKENS) && why.contains("Audience") => "403".to_owned(),
            why if why.starts_with(TOKENS) => "401".to_owned(),
            _ => http.status.to_string(),
        })
    }
}

/// How Envoy's words begin where access rules refuse.
const ACCESS: &str = "rbac_access_denied";
/// Where an external authorizer refuses, or cannot be asked.
const AUTHORIZER: &str = "ext_authz";
/// And where tokens are refused.
const TOKENS: &str = "jwt_authn_access_denied";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let head = ":method: GET\n:path: /a?b\n:authority: h\n:scheme: http\nx: 1\nx: \nx-request-id: 7";
        let head: String = head.bytes().map(|byte| format!("{byte:02x}")).collect();
        let line = json!({
            "listener": "shop/web:80", "chain": "tls", "peer": "spiffe://td/ns/a/sa/b", "sni": null,
            "peer-ip": "127.0.0.1", "client-ip": "127.0.0.1", "tls": null, "ended": null, "received": 5,
            "status": 403, "details": "rbac_access_denied_matched_policy[none]", "head": head,
        });
        let entry = read(&line.to_string()).unwrap();
        assert_eq!(entry.peer.as_deref(), Some("td/ns/a/sa/b"));
        assert_eq!(entry.outcome(true).as_deref(), Some("403"));
        let head = entry.http.unwrap().head.unwrap();
        assert_eq!(
            (head.method.as_str(), head.path.as_str(), head.host.as_str()),
            ("GET", "/a?b", "h")
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(head.headers, [pair("x", "1"), pair("x", "")]);
        assert_eq!(read("Envoy says something else"), None);
        let gone = json!({ "listener": "a", "chain": "tls", "status": 0, "details": "downstream_remote_disconnect" });
        assert_eq!(read(&gone.to_string()).unwrap().outcome(true), None);
        let grpc = json!({ "listener": "a", "chain": "tls", "status": 200, "details": "jwt_authn_access_denied{Jwt_is_expired}" });
        assert_eq!(read(&grpc.to_string()).unwrap().outcome(true).as_deref(), Some("401"));
    }

    #[test]
    fn connections_say_how_they_ended() {
        let line = |chain: Value, tls: Value, ended: Value, received: u64| {
            let line = json!({ "listener": "a", "chain": chain, "tls": tls, "ended": ended, "received": received });
            read(&line.to_string()).unwrap()
        };
        let rows = [
            (
                line(Value::Null, json!("TLS_error: WRONG_VERSION_NUMBER"), Value::Null, 0),
                Some("reset"),
            ),
            (
                line(json!("tls"), json!("TLS_error: no certificate"), Value::Null, 0),
                Some("tls-error"),
            ),
            (
                line(
                    json!("tls"),
                    Value::Null,
                    json!("rbac_access_denied_matched_policy[none]"),
                    5,
                ),
                Some("reset"),
            ),
            (
                line(
                    json!("plaintext"),
                    json!("TLS_error: WRONG_VERSION_NUMBER"),
                    Value::Null,
                    5,
                ),
                Some("200"),
            ),
            (line(json!("tls"), Value::Null, Value::Null, 5), Some("200")),
            (line(json!("tls"), Value::Null, Value::Null, 0), None),
        ];
        for (entry, outcome) in rows {
            assert_eq!(entry.outcome(false).as_deref(), outcome, "{entry:?}");
        }
        assert_eq!(line(json!("tls"), Value::Null, Value::Null, 5).outcome(true), None);
    }
}
