//! Ready-made commands: for each port one as each caller that the policy speaks of, with what it is refused for put right
//! where a client can.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::Session;
use super::plan::{Plan, Port, Served};
use crate::cli::tokens::Tokens;
use crate::diagnostics::shell;
use crate::policy::MtlsMode;
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{PeerMatch, StringMatch};
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::nearest::{Fact, nearest};
use crate::policy::inventory::{Inventory, Protocol};
use crate::policy::request::{Caller, Destination, Json, Outcome, Request, Token, TokenState};
use crate::proxy::authorizer::Authorizer;

/// All connections come from this machine, and go to it.
pub(super) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// So many callers are let in by a port's commands.
const MOST_ADMITTED: usize = 6;
/// So many callers are asked about at a port.
const MOST_ASKED: usize = 40;
/// Stands for a token in a command, until its file is known.
const TOKEN: &str = "\u{0}";

/// Who could call.
#[derive(Clone)]
struct Candidate {
    name: String,
    /// `None`: without a certificate.
    identity: Option<String>,
    token: Option<Token>,
    /// Its refusal is worth a command.
    is_telling: bool,
}

/// A command and what comes of it.
struct Line {
    who: String,
    command: String,
    outcome: String,
}

/// The name of a caller: that of the workload with this account, or the identity itself.
pub(super) fn name(inventory: &Inventory, identity: &str) -> String {
    let domain = &inventory.mesh.trust_domain;
    let own = inventory.workloads.iter().find(|workload| {
        let account = workload.account.as_ref();
        account.is_some_and(|account| account.principal(domain) == identity)
    });
    own.map_or_else(
        || identity.to_owned(),
        |workload| format!("{}/{}", workload.namespace, workload.name),
    )
}

/// What the commands are for.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) tokens: &'a Tokens<'a>,
    pub(super) inventory: &'a Inventory,
}

/// What a workload is called by, with a command for each caller.
pub(super) fn page(
    session: &mut Session,
    context: Context<'_>,
    served: &Served,
    listen: impl Fn(&str) -> Option<u16>,
) -> anyhow::Result<String> {
    let mut out = format!("{}\n", served.name);
    for port in &served.ports {
        let Some(listens) = listen(&port.listener) else {
            continue;
        };
        let spoken = match (served.gateway, port.mode) {
            (Some(_), _) => String::new(),
            (None, MtlsMode::Strict) => ", mtls strict".to_owned(),
            (None, MtlsMode::Disable) => ", mtls disable".to_owned(),
            (None, MtlsMode::Permissive | MtlsMode::Unset) => ", mtls permissive".to_owned(),
        };
        out.push_str(&format!(
            "  port {} ({}{spoken}) is 127.0.0.1:{listens}\n",
            port.number,
            port.protocol.word()
        ));
        for line in lines(session, context, (served, port), listens)? {
            out.push_str(&format!("    # {}: {}\n    {}\n", line.who, line.outcome, line.command));
        }
    }
    Ok(out)
}

fn lines(session: &mut Session, context: Context<'_>, at: (&Served, &Port), listens: u16) -> anyhow::Result<Vec<Line>> {
    let candidates = candidates(context.inventory, at);
    let mut told = Vec::new();
    let mut admitted = 0;
    for candidate in &candidates {
        let Some((request, outcome)) = answered(context.judge, at, candidate, listens) else {
            continue;
        };
        let is_admitted = outcome == Outcome::Ok.word();
        if is_admitted {
            admitted += 1;
        }
        if (is_admitted && admitted <= MOST_ADMITTED) || (!is_admitted && candidate.is_telling) {
            told.push((candidate.clone(), request, outcome));
        }
    }
    told.extend(with_tokens(context, at, &candidates, listens));
    let domain = &context.inventory.mesh.trust_domain;
    let line = |(candidate, request, outcome): (Candidate, Request, String)| {
        let certificate = match &candidate.identity {
            Some(identity) => Some(session.certificate(identity, domain)?),
            None => None,
        };
        Ok(Line {
            who: candidate.name,
            command: command(session, at, certificate.as_deref(), &request, listens)?,
            outcome,
        })
    };
    told.into_iter().map(line).collect()
}

/// For each issuer the first caller that a token of it lets in.
fn with_tokens(
    context: Context<'_>,
    at: (&Served, &Port),
    candidates: &[Candidate],
    listens: u16,
) -> Vec<(Candidate, Request, String)> {
    let (served, port) = at;
    if !port.protocol.is_http() {
        return Vec::new();
    }
    let mut issuers: Vec<&String> = served
        .effective
        .tokens
        .iter()
        .filter_map(|it| it.rule.issuer.as_ref())
        .collect();
    issuers.dedup();
    let first = |issuer: &String| {
        let claims = [("sub".to_owned(), Json::String("test".to_owned()))].into();
        let token = context.tokens.given(issuer, claims, TokenState::Valid).ok()?;
        candidates.iter().find_map(|caller| {
            let candidate = Candidate {
                name: format!("{} with a token of {issuer}", caller.name),
                token: Some(token.clone()),
                ..caller.clone()
            };
            let (request, outcome) = answered(context.judge, at, &candidate, listens)?;
            let is_meant = outcome == Outcome::Ok.word() && !request.tokens.is_empty();
            is_meant.then_some((candidate, request, outcome))
        })
    };
    issuers.into_iter().filter_map(first).collect()
}

/// Callers that the rules name, those of the project, and two that nobody names.
fn candidates(inventory: &Inventory, (served, port): (&Served, &Port)) -> Vec<Candidate> {
    let candidate = |identity: Option<String>, is_telling: bool| Candidate {
        name: identity
            .as_ref()
            .map_or("outsider".to_owned(), |identity| name(inventory, identity)),
        identity,
        token: None,
        is_telling,
    };
    let mut all = vec![candidate(None, true)];
    let takes_certificates = match served.gateway {
        Some(_) => port.protocol == Protocol::HttpsMutual,
        None => port.mode != MtlsMode::Disable,
    };
    if !takes_certificates {
        return all;
    }
    let domain = &inventory.mesh.trust_domain;
    let mut identities = Vec::new();
    for policy in [&served.effective.deny, &served.effective.allow]
        .into_iter()
        .flat_map(|stage| &stage.policies)
    {
        let rules = policy.rules(port.protocol.is_http()).iter();
        let tests = rules.flat_map(|rule| &rule.clauses).flatten().flatten();
        for matcher in tests.flat_map(|test| test.positive.iter().chain(&test.negative)) {
            match matcher {
                Matcher::Peer(PeerMatch::Principal(StringMatch::Exact(identity))) => identities.push(identity.clone()),
                Matcher::Peer(PeerMatch::ServiceAccount { namespace, name }) => {
                    identities.push(format!("{domain}/ns/{namespace}/sa/{name}"));
                }
                _ => {}
            }
        }
    }
    let accounts = inventory
        .workloads
        .iter()
        .filter_map(|workload| workload.account.as_ref());
    identities.extend(accounts.map(|account| account.principal(domain)));
    let mut seen = BTreeSet::new();
    identities.retain(|identity| seen.insert(identity.clone()));
    identities.truncate(MOST_ASKED);
    all.extend(identities.into_iter().map(|identity| candidate(Some(identity), false)));
    all.push(candidate(Some(format!("{domain}/ns/elsewhere/sa/stranger")), true));
    all
}

/// The request that a caller's command makes, and what is answered: one that is admitted, if what a command can say is
/// enough for that.
fn answered(
    judge: &Judge<'_>,
    (served, port): (&Served, &Port),
    candidate: &Candidate,
    listens: u16,
) -> Option<(Request, String)> {
    let http = port.protocol.is_http();
    let caller = match &candidate.identity {
        None => Caller::Outsider,
        Some(identity) => Caller::Principal(identity.clone()),
    };
    let request = Request {
        tokens: candidate.token.clone().into_iter().collect(),
        port: Some(port.number),
        pod: true,
        peer_ip: Some(HERE),
        client_ip: Some(HERE),
        destination_ip: Some(HERE),
        http: Some(http),
        method: http.then(|| "GET".to_owned()),
        path: http.then(|| "/".to_owned()),
        host: http.then(|| format!("127.0.0.1:{listens}")),
        answers: served.answers(),
        ..Request::new(Destination::Known(served.index), caller)
    };
    let answer = match judge.answer(&request) {
        Ok(answer) => answer,
        Err(unknown) => return candidate.is_telling.then(|| (request, unknown.to_string())),
    };
    let told = |fact: &Fact| match fact {
        Fact::Method | Fact::Path | Fact::Host | Fact::Header(_) | Fact::Token | Fact::Claim(_) => true,
        // Of a gateway that trusts nobody it is the connection's.
        Fact::ClientIp => http && served.gateway != Some(0),
        Fact::Caller | Fact::Sni | Fact::Answer(_) | Fact::Port | Fact::PeerIp | Fact::DestinationIp => false,
    };
    match nearest(judge, &request, &answer) {
        Some(miss) if miss.changes.iter().all(told) => Some((miss.to, Outcome::Ok.word().to_owned())),
        _ => Some((request, answer.outcome.word().to_owned())),
    }
}

/// The command that makes a request.
fn command(
    session: &mut Session,
    (served, port): (&Served, &Port),
    certificate: Option<&Path>,
    request: &Request,
    listens: u16,
) -> anyhow::Result<String> {
    let certificate = certificate.map(|file| quoted(&file.display().to_string(), None));
    if !port.protocol.is_http() {
        return Ok(match certificate {
            None => format!("printf 'hello\\n' | curl -s -m 1 telnet://127.0.0.1:{listens}"),
            Some(file) => format!(
                "(echo hello; sleep 1) | openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:{listens} -alpn istio -cert {file} -key {file}"
            ),
        });
    }
    let mut request = request.clone();
    let token = match request.tokens.first().cloned() {
        Some(token) => {
            request.put(&token.place, TOKEN);
            session.token(&token)?
        }
        None => None,
    };
    let token = token.as_deref();
    let tls = certificate.is_some() || matches!(port.protocol, Protocol::Https | Protocol::HttpsMutual);
    let mut words = vec!["curl".to_owned(), "-sik".to_owned()];
    if let Some(file) = certificate {
        words.extend(["--cert".to_owned(), file]);
    }
    match request.method.as_deref() {
        None | Some("GET") => {}
        Some("HEAD") => words.push("-I".to_owned()),
        Some(method) => words.extend(["-X".to_owned(), quoted(method, None)]),
    }
    let own = format!("127.0.0.1:{listens}");
    let host = request.host.clone().filter(|host| *host != own);
    let mut headers: Vec<(String, String)> = host.into_iter().map(|host| ("Host".to_owned(), host)).collect();
    headers.extend(request.headers.iter().cloned());
    if let Some(client) = request.client_ip.filter(|client| *client != HERE) {
        // The proxies that a gateway trusts are left of it.
        let behind = served.gateway.unwrap_or(1).saturating_sub(1);
        let proxies = (0..behind).map(|_| ", 127.0.0.1".to_owned());
        headers.push((
            "X-Forwarded-For".to_owned(),
            format!("{client}{}", proxies.collect::<String>()),
        ));
    }
    for (name, value) in headers {
        // With nothing behind the colon curl would send no such header.
        let header = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        words.extend(["-H".to_owned(), quoted(&header, token)]);
    }
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    if path.contains("/.") {
        words.push("--path-as-is".to_owned());
    }
    if shell::globs(&path) {
        words.push("-g".to_owned());
    }
    let scheme = if tls { "https" } else { "http" };
    words.push(quoted(&format!("{scheme}://{own}{path}"), token));
    Ok(words.join(" "))
}

/// A word for a shell; a token in it is read from its file.
fn quoted(text: &str, token: Option<&Path>) -> String {
    let Some(file) = token.filter(|_| text.contains(TOKEN)) else {
        return shell::word(text);
    };
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{0}' => out.push_str(&format!("$(cat {})", shell::word(&file.display().to_string()))),
            '"' | '$' | '`' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What is said once, before the workloads.
pub(super) fn preface(plan: &Plan, folder: &Path, version: &str) -> String {
    let mut out = format!(
        "Envoy {version} plays {}; Ctrl-C ends it.\n",
        crate::cli::report::plural(plan.served.len(), "workload"),
    );
    out.push_str(
        "Rules see every caller at the address 127.0.0.1. Certificates, tokens and the keys that sign them are in\n",
    );
    out.push_str(&format!("{} while it runs.\n", folder.display()));
    for why in &plan.left_out {
        out.push_str(&format!("not played: {why}\n"));
    }
    let authorizers = plan.served.iter().filter_map(|served| served.authorizer.as_ref());
    let authorizers: BTreeSet<String> = authorizers
        .map(|(provider, authorizer)| match authorizer {
            Authorizer::Says(true) => format!("the authorizer `{provider}` lets all pass that it is asked about\n"),
            Authorizer::Says(false) => format!("the authorizer `{provider}` refuses all that it is asked about\n"),
            Authorizer::At(address) => format!("the authorizer `{provider}` is asked at {address}\n"),
        })
        .collect();
    out.extend(authorizers);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_word_to_a_shell() {
        assert_eq!(quoted("http://127.0.0.1:80/a", None), "http://127.0.0.1:80/a");
        assert_eq!(quoted("x: it's", None), r"'x: it'\''s'");
        let token = Some(Path::new("/tmp/t 1"));
        assert_eq!(quoted("a: $\u{0}", token), r#""a: \$$(cat '/tmp/t 1')""#);
        assert_eq!(quoted("a: $b", token), "'a: $b'");
    }
}
