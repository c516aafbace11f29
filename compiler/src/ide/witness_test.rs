//! The request that a finding shows, as a test of the policy.

use std::fmt::Write as _;
use std::path::Path;

use super::analysis::{Analysis, range};
use super::diagnostics::diagnostics;
use super::document::Document;
use super::{Action, ActionKind, Edit, TextRange};
use crate::diagnostics::Data;
use crate::diagnostics::render::json_value;
use crate::driver::Build;
use crate::hir::IssuerId;
use crate::lower::inventory;
use crate::policy::evaluate::Judge;
use crate::policy::request::{Caller, Destination, Json, Request, TokenState};
use crate::syntax::is_bare_word;

/// Tests of the requests that the findings in a range show, with the answers that there are now.
pub(super) fn tests(analysis: &Analysis, document: &Document, path: &Path, selected: &TextRange) -> Vec<Action> {
    let found = analysis.outcome.as_ref().zip(analysis.file(path)).zip(analysis.build());
    let Some(((outcome, file), build)) = found else {
        return Vec::new();
    };
    let here = outcome.diagnostics.iter().filter(|d| {
        let at = range(d.primary.span);
        d.primary.span.file == file && at.start <= selected.end && selected.start <= at.end
    });
    let shown = here.filter_map(|d| Some((d, d.witness.as_ref()?)));
    let mut judge = None;
    let mut all = std::collections::BTreeMap::new();
    let made = shown.filter_map(|(d, witness)| {
        let inventory = &build.facts.inventory;
        let judge = judge.get_or_insert_with(|| Judge::new(&build.policies, inventory, outcome.target));
        let told = |addresses| {
            let told = Told::of(analysis, build, witness, addresses)?;
            let outcome = judge.answer(&told.request).ok()?.outcome;
            Some((told, outcome))
        };
        let whole = told(true);
        // A reader is spared addresses that decide nothing.
        let short = told(false).filter(|(_, outcome)| whole.as_ref().is_none_or(|whole| whole.1 == *outcome));
        let (told, outcome) = short.or(whole)?;
        let text = document.text();
        let lead = match text {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        let end = u32::try_from(text.len()).ok()?;
        let pod = if told.request.pod { "pod " } else { "" };
        let edit = Edit {
            range: end..end,
            text: format!(
                "{lead}test \"what {} shows\" at {pod}{} {{\n    {} expect {}\n}}\n",
                d.code.name,
                told.place,
                told.line,
                outcome.word()
            ),
        };
        if all.is_empty() {
            diagnostics(analysis, &mut all);
        }
        let own = all.get(path).into_iter().flatten();
        let own = own.filter(|own| own.id == d.code.id && own.range.start == d.primary.span.start);
        Some(Action {
            title: "Write a test of the request that shows it".to_owned(),
            kind: ActionKind::Test,
            diagnostics: own.cloned().collect(),
            edits: vec![(path.to_path_buf(), edit)],
            is_preferred: false,
        })
    });
    made.collect()
}

/// A request as a line of a test, and as what is asked.
struct Told {
    place: String,
    line: String,
    request: Request,
}

impl Told {
    /// `None` for a request that no test can make. `addresses` says whether its addresses are of interest.
    fn of(analysis: &Analysis, build: &Build, witness: &Data, addresses: bool) -> Option<Self> {
        let Data::Object(keys) = witness else { return None };
        let inventory = &build.facts.inventory;
        let workload = |name: &str| {
            let (namespace, name) = name.split_once('/')?;
            inventory.find(namespace, name)
        };
        let mut place = None;
        let mut request = Request::new(Destination::Known(0), Caller::Outsider);
        let (mut who, mut network) = ("outsider".to_owned(), None);
        let (mut with, mut terms) = (String::new(), Terms::default());
        for (key, value) in keys {
            match (key.as_str(), value) {
                ("at", Data::Text(name)) => {
                    request.to = Destination::Known(workload(name)?);
                    place = Some(name.clone());
                }
                ("pod", Data::Flag(pod)) => request.pod = *pod,
                ("from", Data::Text(name)) if name == "outsider" => {}
                ("from", Data::Text(name)) => {
                    request.caller = Caller::Workload(workload(name)?);
                    who.clone_from(name);
                }
                ("from", Data::Object(caller)) => {
                    let [(key, Data::Text(principal))] = caller.as_slice() else {
                        return None;
                    };
                    who = format!("{key} {}", word(principal)?);
                    request.caller = Caller::Principal(principal.clone());
                }
                ("peer-ip" | "client-ip" | "dest-ip", _) if !addresses => {}
                ("peer-ip", Data::Text(address)) => {
                    request.peer_ip = address.parse().ok();
                    network = Some(format!(" from peer-ip {address}"));
                }
                ("client-ip", Data::Text(address)) => {
                    request.client_ip = address.parse().ok();
                    // A line has one of them.
                    if request.peer_ip.is_some_and(|peer| Some(peer) != request.client_ip) {
                        return None;
                    }
                    network.get_or_insert_with(|| format!(" from client-ip {address}"));
                }
                ("dest-ip", Data::Text(address)) => {
                    request.destination_ip = address.parse().ok();
                    terms.dest_ip = Some(address.clone());
                }
                ("port", Data::Number(port)) => {
                    let port = port.to_string();
                    request.port = Some(port.parse().ok()?);
                    terms.port = Some(port);
                }
                ("sni", Data::Text(sni)) => {
                    terms.sni = Some(word(sni)?);
                    request.sni = Some(sni.clone());
                }
                ("host", Data::Text(host)) => {
                    terms.host = Some(word(host)?);
                    request.host = Some(host.clone());
                }
                // It is what a line with these facts means by itself, or else the answer is another one.
                ("protocol", Data::Text(_)) => {}
                ("method", Data::Text(method)) => {
                    let is_bare = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
                    let keyword = if is_bare { "" } else { "method " };
                    terms.method = Some(format!("{keyword}{}", word(method)?));
                    request.method = Some(method.clone());
                }
                ("path", Data::Text(path)) if path.starts_with('/') => {
                    terms.path = Some(word(path)?);
                    request.path = Some(path.clone());
                }
                ("headers", Data::Object(headers)) => {
                    for (name, values) in headers {
                        let Data::List(values) = values else { return None };
                        for value in values {
                            let Data::Text(value) = value else { return None };
                            let _infallible = write!(with, " with header[{}] = {}", word(name)?, word(value)?);
                            request.headers.push((name.clone(), value.clone()));
                        }
                    }
                }
                ("token", Data::Object(token)) => add_token(analysis, build, token, &mut request, &mut with)?,
                ("answers", Data::Object(answers)) => {
                    for (provider, answer) in answers {
                        let Data::Text(answer) = answer else { return None };
                        let _infallible = write!(with, " with answer {} {answer}", word(provider)?);
                        request.answers.insert(provider.clone(), answer == "allow");
                    }
                }
                ("dry-run", Data::Flag(true)) => {
                    with.push_str(" with dry-run");
                    request.dry_run = true;
                }
                _ => return None,
            }
        }
        let network = network.unwrap_or_default();
        Some(Self {
            place: place?,
            line: format!("{who}{network}{with} to {}", terms.text()),
            request,
        })
    }
}

/// The facts of a request, as they are written.
#[derive(Default)]
struct Terms {
    method: Option<String>,
    path: Option<String>,
    host: Option<String>,
    port: Option<String>,
    sni: Option<String>,
    dest_ip: Option<String>,
}

impl Terms {
    fn text(self) -> String {
        let keyed = |key: &str, value: Option<String>| value.map(|value| format!("{key} {value}"));
        let terms = [
            self.method,
            self.path,
            keyed("host", self.host),
            keyed("port", self.port),
            keyed("sni", self.sni),
            keyed("dest-ip", self.dest_ip),
        ];
        let terms: Vec<String> = terms.into_iter().flatten().collect();
        if terms.is_empty() {
            "any".to_owned()
        } else {
            terms.join(" ")
        }
    }
}

/// A token of an issuer that the text declares.
fn add_token(
    analysis: &Analysis,
    build: &Build,
    token: &[(String, Data)],
    request: &mut Request,
    with: &mut String,
) -> Option<()> {
    let [(_, Data::Text(iss)), (_, Data::Object(claims)), (_, Data::Text(state))] = token else {
        return None;
    };
    let issuers = &build.program.issuers;
    let index = issuers
        .iter()
        .position(|it| it.iss.as_ref().is_some_and(|own| own.it == *iss))?;
    let declaration = analysis.names.declaration(issuers.get(index)?.span)?;
    let name = match &declaration.namespace {
        Some(namespace) => format!("{namespace}/{}", declaration.name),
        None => declaration.name.clone(),
    };
    let claims: Vec<(String, Data)> = claims.iter().filter(|(name, _)| name != "iss").cloned().collect();
    let (state, word) = match state.as_str() {
        "expired" => (TokenState::Expired, " expired"),
        "forged" => (TokenState::Forged, " forged"),
        _ => (TokenState::Valid, ""),
    };
    let data = Data::Object(claims);
    let written = json_value(&data).to_string();
    // Signs that mean something else in a text of the language.
    if written.contains(['\\', '*', '$']) {
        return None;
    }
    let Json::Object(claims) = crate::hir::json(&json_value(&data)) else {
        return None;
    };
    let _infallible = write!(with, " with token {name}{word} {written}");
    request
        .tokens
        .extend(inventory::token(&build.program, IssuerId(index), claims, state));
    Some(())
}

/// A value as it is written; `None` for one with signs that mean something else there.
fn word(text: &str) -> Option<String> {
    if text.contains(['*', '{', '$', '\\', '"']) || text.chars().any(char::is_control) {
        return None;
    }
    Some(if is_bare_word(text) {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    })
}

#[cfg(test)]
mod tests {
    use crate::ide::tests::fixture;
    use crate::ide::{ActionKind, Change};

    #[test]
    fn what_a_finding_shows_becomes_a_test_that_passes() {
        let text = "mesh {\n    mtls permissive\n}\n\nnamespace shop {\n    workload web {\n        select app=web\n        account web\n        \
                    ports 8080 http\n        deny ns evil to GET /admin\n        allow anyone to GET /admin, /\n    }\n}\n";
        let (mut workspace, ..) = fixture(&format!("//- mesh.toml\ntarget = \"istio-1.31\"\n//- a.mesh\n{text}"));
        let path = std::path::Path::new("/project/a.mesh");
        let snapshot = workspace.snapshot();
        let all = 0..u32::try_from(text.len()).unwrap();
        let actions = snapshot.actions(path, &all);
        let made: Vec<_> = actions
            .iter()
            .filter(|action| action.kind == ActionKind::Test)
            .collect();
        assert!(!made.is_empty(), "{:#?}", snapshot.diagnostics_of(path));
        for action in made {
            assert!(!action.diagnostics.is_empty());
            let (_, edit) = &action.edits[0];
            let with_test = format!("{text}{}", edit.text);
            workspace.apply(Change::Edit {
                path: path.to_path_buf(),
                range: None,
                text: with_test.clone(),
                version: 2,
            });
            let run = workspace.snapshot().run_test(path, edit.range.start + 3, || 0);
            let run = run.unwrap_or_else(|why| panic!("{why}\n{with_test}"));
            assert!(run.passed() && run.lines.len() == 1, "{run:#?}\n{with_test}");
        }
    }
}
