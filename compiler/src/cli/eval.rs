//! `meshc eval`: what the mesh answers to requests, one JSON object a line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value, json};

use super::args::{self, InputArgs};
use super::tokens::{TokenArgs, Tokens};
use super::{ExitCode, Io, clock, disk, lines, near, report, strict_json, verdicts, workloads};
use crate::driver;
use crate::hir::{IssuerId, Program};
use crate::lower::inventory::{self, Facts};
use crate::policy::StringMap;
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::nearest::nearest;
use crate::policy::inventory::Protocol;
use crate::policy::request::{Answer, Caller, Destination, Json, Request, Token, TokenState};
use crate::source::SourceMap;

/// Say what the mesh answers to a request, or to many
///
/// Examples:
///   meshc eval --at shop/web --from shop/api --path /orders/1
///   meshc eval --at shop/web --from cluster.local/ns/ops/sa/debug --port 5432
///   meshc eval --at shop/web --token corp --claims '{"groups": ["staff"]}' --method DELETE
///   meshc eval --requests requests.jsonl
///   echo '{"at": "shop/web", "from": "outsider", "path": "/"}' | meshc eval --requests -
///
/// With `--requests`, a request is a JSON object on one line, and so is each answer, in the same order;
/// `spec/eval-request.schema.json` and `spec/eval-answer.schema.json` describe them.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    inputs: InputArgs,

    /// The file with many requests; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    requests: Option<PathBuf>,

    #[command(flatten)]
    one: One,

    #[command(flatten)]
    tokens: TokenArgs,
}

/// One request from flags.
#[derive(Debug, clap::Args)]
struct One {
    /// The workload or gateway that is asked: `namespace/name`, or the name alone where only one has it
    #[arg(long, value_name = "WORKLOAD")]
    at: Option<String>,

    /// Straight to the pod, past the waypoint
    #[arg(long, requires = "at")]
    pod: bool,

    /// Who asks: a workload, a principal such as `cluster.local/ns/shop/sa/web`, or `outsider` [default: outsider]
    #[arg(long, value_name = "CALLER", requires = "at")]
    from: Option<String>,

    /// The pod's port
    #[arg(long, requires = "at", value_parser = args::port)]
    port: Option<u16>,

    /// The port of the Service, where several lead to the pod's
    #[arg(long, value_name = "PORT", requires = "at", value_parser = args::port)]
    service_port: Option<u16>,

    /// What is spoken, where the port does not say it: `http`, `http2` or `tcp`
    #[arg(long, value_name = "PROTOCOL", requires = "at")]
    protocol: Option<String>,

    /// The method of the request
    #[arg(long, requires = "at")]
    method: Option<String>,

    /// The path, with its query
    #[arg(long, requires = "at")]
    path: Option<String>,

    /// The host that the request names, with a port where it names one
    #[arg(long, requires = "at")]
    host: Option<String>,

    /// A header; may stand several times
    #[arg(long, value_name = "NAME=VALUE", requires = "at")]
    header: Vec<String>,

    /// The server name that the client asks for in TLS
    #[arg(long, requires = "at")]
    sni: Option<String>,

    /// The address of the TCP peer
    #[arg(long, value_name = "ADDRESS", requires = "at")]
    peer_ip: Option<String>,

    /// The address of the client behind trusted proxies
    #[arg(long, value_name = "ADDRESS", requires = "at")]
    client_ip: Option<String>,

    /// The address that is called
    #[arg(long, value_name = "ADDRESS", requires = "at")]
    dest_ip: Option<String>,

    /// A valid token of this issuer, or a token itself
    #[arg(long, value_name = "ISSUER|TOKEN", requires = "at")]
    token: Option<String>,

    /// What the token says, as a JSON object
    #[arg(long, value_name = "JSON", requires = "token")]
    claims: Option<String>,

    /// What an external authorizer answers; may stand several times
    #[arg(long, value_name = "PROVIDER=allow|deny", requires = "at")]
    answer: Vec<String>,

    /// Judge as if dry-run rules were enforced
    #[arg(long, requires = "at")]
    dry_run: bool,
}

impl One {
    /// As a request of the machine interface.
    fn request(&self) -> anyhow::Result<Map<String, Value>> {
        let mut object = Map::new();
        let texts = [
            ("at", &self.at),
            ("protocol", &self.protocol),
            ("method", &self.method),
            ("path", &self.path),
            ("host", &self.host),
            ("sni", &self.sni),
            ("peer-ip", &self.peer_ip),
            ("client-ip", &self.client_ip),
            ("dest-ip", &self.dest_ip),
        ];
        for (key, value) in texts {
            object.extend(value.as_ref().map(|value| (key.to_owned(), json!(value))));
        }
        if let Some(from) = &self.from {
            // A workload has one slash, a principal more.
            let principal = from.matches('/').count() > 1;
            let caller = if principal {
                json!({ "principal": from })
            } else {
                json!(from)
            };
            object.insert("from".to_owned(), caller);
        }
        let ports = [("port", self.port), ("service-port", self.service_port)];
        for (key, port) in ports {
            object.extend(port.map(|port| (key.to_owned(), json!(port))));
        }
        object.insert("pod".to_owned(), json!(self.pod));
        object.insert("dry-run".to_owned(), json!(self.dry_run));
        if let Some(text) = self.token.as_ref().filter(|token| token.starts_with(TOKEN_START)) {
            if self.claims.is_some() {
                bail!("a token itself says its claims; `--claims` goes with the name of an issuer");
            }
            object.insert("token".to_owned(), json!(text));
        } else if let Some(issuer) = &self.token {
            let claims: Value = match &self.claims {
                Some(text) => strict_json::read(text).map_err(|why| anyhow!("`--claims`: {why}"))?,
                None => json!({}),
            };
            object.insert("token".to_owned(), json!({ "issuer": issuer, "claims": claims }));
        }
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in pairs(&self.header, "--header NAME=VALUE")? {
            headers.entry(name).or_default().push(value);
        }
        object.insert("headers".to_owned(), json!(headers));
        let answers: BTreeMap<&str, &str> = pairs(&self.answer, "--answer PROVIDER=allow")?.into_iter().collect();
        object.insert("answers".to_owned(), json!(answers));
        Ok(object)
    }
}

/// How the text of a token starts: `{"` in base64.
const TOKEN_START: &str = "eyJ";

fn pairs<'a>(texts: &'a [String], form: &str) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
    let pair = |text: &'a String| {
        text.split_once('=')
            .with_context(|| format!("`{text}` is not of the form `{form}`"))
    };
    texts.iter().map(pair).collect()
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    if args.requests.is_none() && args.one.at.is_none() {
        bail!("nothing is asked; one request takes `--at WORKLOAD`, a file of them `--requests FILE`");
    }
    let standard_input = |path: &PathBuf| path.as_os_str() == "-";
    if args.requests.as_ref().is_some_and(standard_input) && args.inputs.paths.iter().any(standard_input) {
        bail!("standard input can be either the requests or a manifest");
    }
    let Some(outcome) = report::policy(&args.inputs, io, driver::ask)? else {
        return Ok(ExitCode::Found);
    };
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to ask");
    };
    let facts = &build.facts;
    let judge = Judge::new(&build.policies, &facts.inventory, outcome.target);
    let reader = Reader {
        program: &build.program,
        facts,
        tokens: args.tokens.reader(build, io)?,
    };
    let (sources, inventory) = (&outcome.sources, &facts.inventory);
    let Some(requests) = &args.requests else {
        let mut request = reader.request(&args.one.request()?).map_err(anyhow::Error::msg)?;
        let (answer, _) = reader
            .tokens
            .answer(&judge, &mut request)
            .map_err(|unknown| anyhow::Error::msg(unknown.to_string()))?;
        let miss = nearest(&judge, &request, &answer);
        io.print(&human(sources, &answer));
        if let Some(miss) = miss {
            io.print(&format!("{}\n", near::sentence(sources, inventory, &miss)));
        }
        return Ok(ExitCode::Clean);
    };
    let shown = requests.display();
    let mut file;
    let input = if standard_input(requests) {
        &mut *io.input
    } else {
        file = disk::open(&io.cwd.join(requests)).with_context(|| format!("cannot read `{shown}`"))?;
        &mut file
    };
    let answer = |line: Result<&str, Wrong>| reader.answer(&judge, line, sources).to_string();
    lines::answer((input, &shown.to_string()), io.out, answer)?;
    Ok(ExitCode::Clean)
}

/// An answer for a person.
fn human(sources: &SourceMap, answer: &Answer) -> String {
    let mut out = format!("{}: {}\n", answer.outcome.word(), answer.why);
    for reason in &answer.because {
        out.push_str(&format!("because of {}\n", verdicts::reason(sources, reason)));
    }
    out
}

/// Reads requests by the names of a program.
struct Reader<'a> {
    program: &'a Program,
    facts: &'a Facts,
    tokens: Tokens<'a>,
}

/// What is wrong with a request.
type Wrong = String;

const KEYS: &[&str] = &[
    "id",
    "at",
    "pod",
    "port",
    "service-port",
    "from",
    "peer-ip",
    "client-ip",
    "dest-ip",
    "protocol",
    "method",
    "path",
    "host",
    "headers",
    "sni",
    "token",
    "answers",
    "dry-run",
    "now",
];

impl Reader<'_> {
    fn answer(&self, judge: &Judge<'_>, line: Result<&str, Wrong>, sources: &SourceMap) -> Value {
        let object = match line.and_then(strict_json::read) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return json!({ "id": null, "error": "a request is a JSON object" }),
            Err(error) => return json!({ "id": null, "error": error }),
        };
        let id = object.get("id").cloned().unwrap_or(Value::Null);
        let answered = self.request(&object).and_then(|mut request| {
            let answer = self.tokens.answer(judge, &mut request);
            let (answer, clock) = answer.map_err(|unknown| unknown.to_string())?;
            Ok((nearest(judge, &request, &answer), answer, clock))
        });
        match answered {
            Ok((miss, answer, clock)) => {
                let mut said = json!({
                    "id": id,
                    "outcome": answer.outcome.word(),
                    "stage": answer.stage.map(crate::policy::request::Stage::word),
                    "why": answer.why,
                    "because": verdicts::because(sources, &answer),
                    "nearest-miss": near::object(sources, &self.facts.inventory, miss.as_ref()),
                });
                if let (Some(clock), Some(said)) = (clock, said.as_object_mut()) {
                    said.insert("clock".to_owned(), json!(clock));
                }
                said
            }
            Err(error) => json!({ "id": id, "error": error }),
        }
    }

    fn request(&self, object: &Map<String, Value>) -> Result<Request, Wrong> {
        known_keys(object, KEYS)?;
        let to = self.destination(object.get("at").ok_or("`at` is missing")?)?;
        let caller = match object.get("from") {
            None | Some(Value::Null) => Caller::Outsider,
            Some(from) => self.caller(from)?,
        };
        let (http, http2) = match text(object, "protocol")?.as_deref() {
            None => (None, false),
            Some("http") => (Some(true), false),
            Some("http2") => (Some(true), true),
            Some("tcp") => (Some(false), false),
            Some(other) => return Err(format!("`protocol` is `http`, `http2` or `tcp`, not `{other}`")),
        };
        let mut request = Request {
            pod: flag(object, "pod")?,
            port: port(object, "port")?,
            service_port: port(object, "service-port")?,
            peer_ip: address(object, "peer-ip")?,
            client_ip: address(object, "client-ip")?,
            destination_ip: address(object, "dest-ip")?,
            sni: text(object, "sni")?,
            http,
            http2,
            method: text(object, "method")?,
            path: text(object, "path")?,
            host: text(object, "host")?,
            headers: headers(object)?,
            dry_run: flag(object, "dry-run")?,
            now: match object.get("now") {
                None | Some(Value::Null) => None,
                Some(Value::String(now)) => Some(clock::parse(now)?),
                Some(now) => Some(
                    now.as_i64()
                        .ok_or("`now` is a time, or a number of seconds since 1970")?,
                ),
            },
            ..Request::new(to, caller)
        };
        match object.get("token") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.tokens.put(text, &mut request),
            Some(token) => request.tokens.push(self.token(token)?),
        }
        if let Some(answers) = object.get("answers").filter(|answers| !answers.is_null()) {
            for (provider, answer) in answers.as_object().ok_or("`answers` is an object")? {
                let allowed = match answer.as_str() {
                    Some("allow") => true,
                    Some("deny") => false,
                    _ => return Err(format!("the answer of `{provider}` is `allow` or `deny`")),
                };
                if !self.facts.inventory.mesh.providers.contains_key(provider) {
                    return Err(format!("the mesh has no authorizer `{provider}`"));
                }
                request.answers.insert(provider.clone(), allowed);
            }
        }
        Ok(request)
    }

    fn destination(&self, at: &Value) -> Result<Destination, Wrong> {
        if let Some(name) = at.as_str() {
            return self.workload(name).map(Destination::Known);
        }
        let object = at.as_object().ok_or("`at` is a name or an object")?;
        known_keys(object, &["namespace", "labels", "account", "ports"])?;
        let namespace = text(object, "namespace")?.ok_or("`at` has no `namespace`")?;
        let mut labels = StringMap::new();
        for (name, value) in object
            .get("labels")
            .map_or(Ok(&Map::new()), |v| v.as_object().ok_or("`labels` is an object"))?
        {
            let value = value
                .as_str()
                .ok_or_else(|| format!("the label `{name}` is a string"))?;
            labels.insert(name.clone(), value.to_owned());
        }
        let mut ports = BTreeMap::new();
        for (number, spoken) in object
            .get("ports")
            .map_or(Ok(&Map::new()), |v| v.as_object().ok_or("`ports` is an object"))?
        {
            let protocol = match spoken.as_str() {
                Some("http") => Protocol::Http,
                Some("tcp") => Protocol::Tcp,
                Some("tls") => Protocol::Tls,
                Some("unproxied") => Protocol::Unproxied,
                _ => return Err(format!("port `{number}` speaks `http`, `tcp`, `tls` or `unproxied`")),
            };
            let port = number.parse().ok().filter(|port| *port > 0);
            ports.insert(port.ok_or_else(|| format!("`{number}` is no port"))?, protocol);
        }
        Ok(Destination::Pod {
            namespace,
            labels,
            ports,
        })
    }

    fn workload(&self, name: &str) -> Result<usize, Wrong> {
        let inventory = &self.facts.inventory;
        workloads::find(inventory, name).map_err(|error| {
            let mut waypoints = inventory.waypoints.iter();
            if waypoints.any(|it| format!("{}/{}", it.namespace, it.name) == name) {
                format!("`{name}` is a waypoint, which answers for Services; ask at a workload behind it")
            } else {
                error.to_string()
            }
        })
    }

    fn caller(&self, from: &Value) -> Result<Caller, Wrong> {
        match from {
            Value::String(name) if name == "outsider" => Ok(Caller::Outsider),
            Value::String(name) => self.workload(name).map(Caller::Workload),
            Value::Object(object) => {
                known_keys(object, &["principal"])?;
                let principal = text(object, "principal")?.ok_or("`from` has no `principal`")?;
                if principal.starts_with("spiffe://") {
                    return Err("a principal is written without `spiffe://`".to_owned());
                }
                Ok(Caller::Principal(principal))
            }
            _ => Err("`from` is `outsider`, a name, or an object with a principal".to_owned()),
        }
    }

    fn token(&self, token: &Value) -> Result<Token, Wrong> {
        let Some(object) = token.as_object() else {
            return Err("`token` is the text of a token, or an object with `issuer`, `claims` and `state`".to_owned());
        };
        known_keys(object, &["issuer", "claims", "state"])?;
        let name = text(object, "issuer")?.ok_or("the token has no `issuer`")?;
        let issuers = self.program.issuers.iter().enumerate();
        let named = issuers.clone().filter(|(_, issuer)| issuer.name == name);
        let mut found: Vec<usize> = named.map(|(at, _)| at).collect();
        if found.is_empty() {
            let same = issuers.filter(|(_, issuer)| issuer.iss.as_ref().is_some_and(|iss| iss.it == name));
            found = same.map(|(at, _)| at).collect();
        }
        let state = match text(object, "state")?.as_deref() {
            None | Some("valid") => TokenState::Valid,
            Some("expired") => TokenState::Expired,
            Some("forged") => TokenState::Forged,
            Some(other) => return Err(format!("a token is `valid`, `expired` or `forged`, not `{other}`")),
        };
        let claims = match object.get("claims").map(crate::hir::json) {
            None => BTreeMap::new(),
            Some(Json::Object(claims)) => claims,
            Some(_) => return Err("`claims` is an object".to_owned()),
        };
        match found.as_slice() {
            [] => self.tokens.given(&name, claims, state),
            [issuer] => inventory::token(self.program, IssuerId(*issuer), claims, state)
                .ok_or_else(|| format!("there is no issuer `{name}`")),
            _ => Err(format!("several issuers are called `{name}`; say the name of one")),
        }
    }
}

fn known_keys(object: &Map<String, Value>, known: &[&str]) -> Result<(), Wrong> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("`{key}` is no key here; those are `{}`", known.join("`, `"))),
        None => Ok(()),
    }
}

fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Wrong> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` is a string")),
    }
}

fn flag(object: &Map<String, Value>, key: &str) -> Result<bool, Wrong> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(it)) => Ok(*it),
        Some(_) => Err(format!("`{key}` is true or false")),
    }
}

fn port(object: &Map<String, Value>, key: &str) -> Result<Option<u16>, Wrong> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let port = value
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0);
            port.map(Some)
                .ok_or_else(|| format!("`{key}` is a number from 1 to 65535"))
        }
    }
}

fn address(object: &Map<String, Value>, key: &str) -> Result<Option<IpAddr>, Wrong> {
    let Some(text) = text(object, key)? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| format!("`{key}` is no address: `{text}`"))
}

/// Each header's values, a string or a list of them.
fn headers(object: &Map<String, Value>) -> Result<Vec<(String, String)>, Wrong> {
    let mut all = Vec::new();
    let Some(value) = object.get("headers").filter(|value| !value.is_null()) else {
        return Ok(all);
    };
    for (name, value) in value.as_object().ok_or("`headers` is an object")? {
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(':') || lower == "host" {
            return Err(format!("`{name}` is said by `host`, `method` and `path`"));
        }
        if !is_token(name) {
            return Err(format!("`{name}` is no name of a header"));
        }
        let wrong = || format!("the header `{name}` is a string or a list of strings");
        match value {
            Value::String(text) => all.push((lower, text.clone())),
            Value::Array(values) => {
                for value in values {
                    all.push((lower.clone(), value.as_str().ok_or_else(wrong)?.to_owned()));
                }
            }
            _ => return Err(wrong()),
        }
    }
    if let Some((name, _)) = all.iter().find(|(_, value)| value.contains(['\r', '\n', '\0'])) {
        return Err(format!(
            "the header `{name}` has a line break or a zero, which no request can carry"
        ));
    }
    Ok(all)
}

/// Whether a text can be the name of a header (RFC 9110, `token`).
fn is_token(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(fits)
}
