//! The request that a finding shows, as a test of the policy.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::diagnostics::diagnostics;
use super::document::Document;
use super::{Action, ActionKind, Edit, TextRange};
use crate::analysis::test_line::test_line;
use crate::diagnostics::Data;
use crate::diagnostics::render::json_value;
use crate::driver::Build;
use crate::hir::IssuerId;
use crate::lower::inventory;
use crate::policy::evaluate::Judge;
use crate::policy::request::{Caller, Destination, Json, Request, Token, TokenState};

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
    let issuers = inventory::issuers(&build.program);
    let mut judge = None;
    let mut all = std::collections::BTreeMap::new();
    let made = shown.filter_map(|(d, witness)| {
        let inventory = &build.facts.inventory;
        let judge = judge.get_or_insert_with(|| Judge::new(&build.policies, inventory, outcome.target));
        let told = |request: Request| {
            let told = test_line(inventory, &issuers, &request)?;
            Some((told, judge.answer(&request).ok()?.outcome))
        };
        let request = request(build, witness)?;
        // A reader is spared addresses that decide nothing.
        let plain = Request {
            peer_ip: None,
            client_ip: None,
            destination_ip: None,
            ..request.clone()
        };
        let whole = told(request);
        let short = told(plain).filter(|(_, outcome)| whole.as_ref().is_none_or(|whole| whole.1 == *outcome));
        let (told, outcome) = short.or(whole)?;
        let text = document.text();
        let lead = match text {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        let end = u32::try_from(text.len()).ok()?;
        let edit = Edit {
            range: end..end,
            text: format!(
                "{lead}test \"what {} shows\" at {} {{\n    {} expect {}\n}}\n",
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

/// The request of a finding, as the line of a test asks it: what is HTTP shows by its facts. `None` for one that no test
/// can make.
fn request(build: &Build, witness: &Data) -> Option<Request> {
    let Data::Object(keys) = witness else { return None };
    let workload = |name: &str| {
        let (namespace, name) = name.split_once('/')?;
        build.facts.inventory.find(namespace, name)
    };
    let at = keys.iter().find_map(|(key, value)| match value {
        Data::Text(name) if key == "at" => workload(name),
        _ => None,
    });
    let mut request = Request::new(Destination::Known(at?), Caller::Outsider);
    for (key, value) in keys {
        match (key.as_str(), value) {
            // It is what a line with these facts means by itself, or else the answer is another one.
            ("at" | "protocol", Data::Text(_)) => {}
            ("pod", Data::Flag(pod)) => request.pod = *pod,
            ("from", Data::Text(name)) if name == "outsider" => {}
            ("from", Data::Text(name)) => request.caller = Caller::Workload(workload(name)?),
            ("from", Data::Object(caller)) => {
                let [(_, Data::Text(principal))] = caller.as_slice() else {
                    return None;
                };
                request.caller = Caller::Principal(principal.clone());
            }
            ("peer-ip", Data::Text(address)) => request.peer_ip = Some(address.parse().ok()?),
            ("client-ip", Data::Text(address)) => request.client_ip = Some(address.parse().ok()?),
            ("dest-ip", Data::Text(address)) => request.destination_ip = Some(address.parse().ok()?),
            ("port", Data::Number(port)) => request.port = Some(port.to_string().parse().ok()?),
            ("sni", Data::Text(sni)) => request.sni = Some(sni.clone()),
            ("host", Data::Text(host)) => request.host = Some(host.clone()),
            ("method", Data::Text(method)) => request.method = Some(method.clone()),
            ("path", Data::Text(path)) if path.starts_with('/') => request.path = Some(path.clone()),
            ("headers", Data::Object(headers)) => {
                for (name, values) in headers {
                    let Data::List(values) = values else { return None };
                    for value in values {
                        let Data::Text(value) = value else { return None };
                        request.headers.push((name.clone(), value.clone()));
                    }
                }
            }
            ("token", Data::Object(own)) => request.tokens.push(token(build, own)?),
            ("answers", Data::Object(answers)) => {
                for (provider, answer) in answers {
                    let Data::Text(answer) = answer else { return None };
                    request.answers.insert(provider.clone(), answer == "allow");
                }
            }
            ("dry-run", Data::Flag(dry_run)) => request.dry_run = *dry_run,
            _ => return None,
        }
    }
    Some(request)
}

/// A token of an issuer that the text declares.
fn token(build: &Build, token: &[(String, Data)]) -> Option<Token> {
    let [(_, Data::Text(iss)), (_, Data::Object(claims)), (_, Data::Text(state))] = token else {
        return None;
    };
    let mut issuers = build.program.issuers.iter();
    let index = issuers.position(|it| it.iss.as_ref().is_some_and(|own| own.it == *iss))?;
    let Json::Object(claims) = crate::hir::json(&json_value(&Data::Object(claims.clone()))) else {
        return None;
    };
    let state = match state.as_str() {
        "expired" => TokenState::Expired,
        "forged" => TokenState::Forged,
        _ => TokenState::Valid,
    };
    inventory::token(&build.program, IssuerId(index), claims, state)
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
