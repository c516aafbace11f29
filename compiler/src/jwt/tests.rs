//! The filter against what a real Envoy was seen to answer: `envoy/cases.json`, which `envoy/record.py` writes.

use std::collections::BTreeMap;

use super::{KeyFiles, TokenReader};
use crate::policy::effective::TokenRule;
use crate::policy::evaluate::{self, tokens};
use crate::policy::request::{Caller, Destination, Json, ObjectRef, Outcome, Request, Unknown};
use crate::policy::{HeaderPlace, JwtRule, Keys, PolicyId};
use crate::source::{FileId, Span};

/// A row, with its long texts in place.
struct Row {
    name: String,
    rules: Vec<JwtRule>,
    request: Request,
    /// `None`: Envoy refuses the rules.
    status: Option<u64>,
    claims: Option<Json>,
    /// The text of the header `x-made` behind the filter.
    made: Option<String>,
}

fn rows() -> Vec<Row> {
    let table: serde_json::Value = serde_json::from_str(include_str!("envoy/cases.json")).unwrap();
    let texts: BTreeMap<String, String> = serde_json::from_value(table["texts"].clone()).unwrap();
    let long = |text: &str| {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('<') {
            out.push_str(before);
            let (name, behind) = behind.split_once('>').unwrap();
            out.push_str(&texts[name]);
            rest = behind;
        }
        out + rest
    };
    let rows = table["cases"].as_array().unwrap().iter();
    rows.map(|row| row_of(row, &long)).collect()
}

fn row_of(row: &serde_json::Value, long: &dyn Fn(&str) -> String) -> Row {
    let mut rules: Vec<JwtRule> = row["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| rule(it, long))
        .collect();
    rules.sort_by(|a, b| a.issuer.cmp(&b.issuer));
    let pod = Destination::Pod {
        namespace: "n".to_owned(),
        labels: BTreeMap::new(),
        ports: BTreeMap::new(),
    };
    let headers = row["headers"].as_array().unwrap().iter();
    let headers = headers.map(|pair| {
        let value = long(pair[1].as_str().unwrap());
        (pair[0].as_str().unwrap().to_ascii_lowercase(), value)
    });
    Row {
        name: row["name"].as_str().unwrap().to_owned(),
        rules,
        request: Request {
            headers: headers.collect(),
            path: Some(long(row["path"].as_str().unwrap())),
            now: row["now"].as_i64(),
            ..Request::new(pod, Caller::Outsider)
        },
        status: row["status"].as_u64(),
        claims: (!row["claims"].is_null()).then(|| super::read_json(row["claims"].to_string().as_bytes()).unwrap()),
        made: row["made"].as_str().map(str::to_owned),
    }
}

fn rule(rule: &serde_json::Value, long: &dyn Fn(&str) -> String) -> JwtRule {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let list = |name: &str| rule[name].as_array().cloned().unwrap_or_default();
    let texts = |name: &str| list(name).iter().filter_map(text).collect();
    JwtRule {
        issuer: text(&rule["issuer"]),
        keys: Keys::Inline(long(rule["jwks"].as_str().unwrap())),
        audiences: texts("audiences"),
        from_headers: list("fromHeaders")
            .iter()
            .map(|place| HeaderPlace {
                name: text(&place["name"]).unwrap(),
                prefix: text(&place["prefix"]),
            })
            .collect(),
        from_params: texts("fromParams"),
        from_cookies: texts("fromCookies"),
        forward_original_token: rule["forwardOriginalToken"] == true,
        output_payload_to_header: text(&rule["outputPayloadToHeader"]),
        output_claim_to_headers: list("outputClaimToHeaders")
            .iter()
            .map(|it| (text(&it["header"]).unwrap(), text(&it["claim"]).unwrap()))
            .collect(),
        timeout: None,
        space_delimited_claims: texts("spaceDelimitedClaims"),
        origin: Span::new(FileId(0), 0, 0),
    }
}

#[test]
fn the_filter_answers_as_envoy_does() {
    let mut wrong = Vec::new();
    let rows = rows();
    for row in &rows {
        let got = ask(row);
        let expected = (row.status, row.claims.clone(), row.made.clone());
        match got {
            Ok(got) if got == expected => {}
            // What Envoy refuses to be set up with has no answer.
            Err(_) if row.status.is_none() => {}
            other => wrong.push(format!("{}\n  expected {expected:?}\n  got      {other:?}", row.name)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

type Seen = (Option<u64>, Option<Json>, Option<String>);

fn ask(row: &Row) -> Result<Seen, Unknown> {
    let mut request = row.request.clone();
    // A path with a fragment HTTP itself refuses, before the filter.
    if request.path.as_ref().is_some_and(|path| path.contains('#')) {
        return Ok((Some(400), None, None));
    }
    TokenReader::of_rules(&row.rules, &KeyFiles::new()).read(&mut request);
    let object = ObjectRef {
        kind: "RequestAuthentication",
        namespace: "n".to_owned(),
        name: "x".to_owned(),
    };
    let rules: Vec<TokenRule> = row
        .rules
        .iter()
        .map(|rule| TokenRule::new(rule.clone(), object.clone(), (PolicyId::Request(0), 0)))
        .collect();
    let (verdict, rest) = tokens::verify(&rules, evaluate::carried(&request), request.now, 60)?;
    let made = rest
        .headers
        .iter()
        .find(|(name, _)| name == "x-made")
        .map(|(_, value)| match value {
            evaluate::matching::HeaderValue::Text(text) => text.clone(),
            _ => row.made.clone().unwrap_or_default(),
        });
    Ok(match verdict {
        tokens::Verdict::Pass(taken) => (Some(200), taken.map(|(_, claims)| Json::Object(claims)), made),
        tokens::Verdict::Refused(Outcome::Forbidden, ..) => (Some(403), None, None),
        tokens::Verdict::Refused(..) => (Some(401), None, None),
    })
}
