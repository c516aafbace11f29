//! A request that arrived, as it is told: what Envoy made of it, and why; and whether meshc would have said the same.

use super::callers::{self, HERE};
use super::plan::{Plan, Port, Served};
use crate::cli::tokens::Tokens;
use crate::cli::{near, verdicts};
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::nearest::nearest;
use crate::policy::inventory::Inventory;
use crate::policy::request::{Caller, Destination, Request, Stage};
use crate::proxy::authorizer::Authorizer;
use crate::proxy::log::{Entry, Head};
use crate::source::SourceMap;

/// What is needed to judge what arrives.
pub(super) struct Context<'a> {
    pub(super) plan: &'a Plan,
    pub(super) judge: &'a Judge<'a>,
    pub(super) tokens: &'a Tokens<'a>,
    pub(super) sources: &'a SourceMap,
    pub(super) inventory: &'a Inventory,
    /// Whether outcomes have colours.
    pub(super) color: bool,
}

/// The colours of what got through, of what did not, and of none.
const GOOD: &str = "\u{1b}[32m";
const BAD: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// What is told of a line of the log; `None`: there is nothing to tell.
pub(super) fn told(context: &Context<'_>, entry: &Entry) -> Option<String> {
    // A connection may outlive the policy under which it came.
    let at = context.plan.port(&entry.listener);
    let is_http = at.is_some_and(|(_, port)| port.protocol.is_http());
    let outcome = entry.outcome(is_http)?;
    let who = match &entry.peer {
        Some(identity) => callers::name(context.inventory, identity),
        None => "outsider".to_owned(),
    };
    let what = match entry.http.as_ref().map(|http| &http.head) {
        Some(Some(head)) => format!("{} {}", head.method, head.path),
        Some(None) => "what is no HTTP".to_owned(),
        None => "connection".to_owned(),
    };
    let shown = match (context.color, outcome.as_str()) {
        (false, _) => outcome.clone(),
        (true, "200") => format!("{GOOD}{outcome}{PLAIN}"),
        (true, _) => format!("{BAD}{outcome}{PLAIN}"),
    };
    let mut out = format!("{shown}  {}  {what}  from {who}\n", entry.listener);
    match at.and_then(|at| request(at, entry)) {
        Some(request) => judged(context, (entry, &outcome), request, &mut out),
        None => out.push_str(&format!("  {}\n", in_words_of_envoy(entry))),
    }
    Some(out)
}

/// The same request put to meshc.
fn judged(context: &Context<'_>, (entry, outcome): (&Entry, &str), mut request: Request, out: &mut String) {
    let answer = match context.tokens.answer(context.judge, &mut request) {
        Ok((answer, _)) => answer,
        Err(unknown) => {
            out.push_str(&format!("  meshc does not say: {unknown}\n"));
            return;
        }
    };
    // An authorizer refuses with a status of its own.
    let by_authorizer = answer.stage == Some(Stage::Custom) && entry.is_refused_by_authorizer();
    if answer.outcome.word() != outcome && !by_authorizer {
        out.push_str(&format!(
            "  DISAGREEMENT: Envoy answered {outcome}, and meshc says {}; please report it, with the policy\n",
            answer.outcome.word()
        ));
    }
    out.push_str(&format!("  {}\n", answer.why));
    for reason in &answer.because {
        out.push_str(&format!("  because of {}\n", verdicts::reason(context.sources, reason)));
    }
    if let Some(miss) = nearest(context.judge, &request, &answer) {
        out.push_str(&format!(
            "  {}\n",
            near::sentence(context.sources, context.inventory, &miss)
        ));
    }
}

/// What arrived, as a question. None where it is not known who called or what was asked.
fn request((served, port): (&Served, &Port), entry: &Entry) -> Option<Request> {
    let http = port.protocol.is_http();
    let caller = match (&entry.peer, &entry.chain, &entry.tls_failure) {
        // At the door: plaintext to a server that takes none.
        (_, None, _) => Caller::Outsider,
        (Some(identity), Some(_), None) => Caller::Principal(identity.clone()),
        // Plaintext, or TLS where no certificate is asked for.
        (None, Some(_), None) => Caller::Outsider,
        (_, Some(_), Some(_)) => return None,
    };
    let mut request = Request {
        port: Some(port.number),
        pod: true,
        peer_ip: Some(entry.peer_ip.unwrap_or(HERE)),
        client_ip: Some(entry.client_ip.unwrap_or(HERE)),
        destination_ip: Some(HERE),
        sni: entry.sni.clone(),
        http: Some(http),
        answers: served.answers(),
        ..Request::new(Destination::Known(served.index), caller)
    };
    if let Some((provider, Authorizer::At(_))) = &served.authorizer {
        // Of what it is not asked about, its answer counts for nothing.
        request
            .answers
            .insert(provider.clone(), !entry.is_refused_by_authorizer());
    }
    if let Some(http) = &entry.http {
        request.http2 = http.is_http2;
        heard(http.head.as_ref()?, &mut request);
    }
    Some(request)
}

fn heard(head: &Head, request: &mut Request) {
    request.method = Some(head.method.clone());
    request.path = Some(head.path.clone());
    request.host = Some(head.host.clone());
    request.headers.clone_from(&head.headers);
}

fn in_words_of_envoy(entry: &Entry) -> String {
    let http = entry
        .http
        .as_ref()
        .map(|http| &http.details)
        .filter(|details| !details.is_empty());
    let why = [entry.tls_failure.as_ref(), http, entry.ended.as_ref()];
    let why = why.into_iter().flatten().next();
    why.map_or_else(
        || "no way to speak to this port fits what the client speaks".to_owned(),
        |why| format!("Envoy says: {why}"),
    )
}
