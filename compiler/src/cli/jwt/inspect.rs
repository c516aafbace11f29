//! `meshc jwt inspect`: what a token says, and what is odd about it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Format, json, whole};
use crate::cli::{ExitCode, Io, clock};
use crate::jwt::{self, Jwt};
use crate::policy::evaluate;
use crate::policy::request::Json;

/// Say what a token says, without believing it
///
/// Examples:
///   meshc jwt inspect "$TOKEN"
///   meshc jwt inspect token.txt --now 2026-11-26T12:00:00Z
///   meshc jwt mint --key test-key.pem --sub alice | meshc jwt inspect -
///
/// The signature is not checked; `meshc jwt verify` does that.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The token, a file that holds it, or `-` for standard input
    token: String,

    /// When it is, such as `2026-11-26T12:00:00Z` or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,

    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

type Members = BTreeMap<String, Json>;

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let text = super::read(&args.token, io)?;
    let now = match &args.now {
        Some(time) => clock::parse(time).map_err(anyhow::Error::msg)?,
        None => clock::now(),
    };
    let read = Jwt::read(&text);
    let (header, claims) = match &read {
        Ok(jwt) => (Some(jwt.header.members.clone()), Some(jwt.claims.clone())),
        Err(_) => {
            let [header, claims] = jwt::peek(&text).map(|part| match part {
                Some(Json::Object(members)) => Some(members),
                _ => None,
            });
            (header, claims)
        }
    };
    let fault = match &read {
        Ok(jwt) => evaluate::claims_fault(&jwt.claims, None),
        Err(fault) => Some(fault.clone()),
    };
    let odd = match &read {
        Ok(jwt) => odd(jwt, now),
        Err(_) => Vec::new(),
    };
    let fault = fault.map(|fault| fault.to_string());
    match args.format {
        Format::Json => {
            let members = |members: &Option<Members>| members.clone().map(|it| json(&Json::Object(it)));
            let said = json!({
                "header": members(&header),
                "claims": members(&claims),
                "refused": fault,
                "odd": odd,
                "verified": false,
            });
            io.print(&format!("{said:#}\n"));
        }
        Format::Human => {
            let mut out = String::new();
            for (title, members) in [("header", &header), ("claims", &claims)] {
                out.push_str(&section(title, members.as_ref(), now));
            }
            if let Some(fault) = &fault {
                out.push_str(&format!("Envoy refuses this token: {fault}\n"));
            }
            for line in &odd {
                out.push_str(&format!("odd: {line}\n"));
            }
            out.push_str("The signature was not checked; `meshc jwt verify` does that.\n");
            io.print(&out);
        }
    }
    Ok(if fault.is_some() {
        ExitCode::Found
    } else {
        ExitCode::Clean
    })
}

fn section(title: &str, members: Option<&Members>, now: i64) -> String {
    let Some(members) = members else {
        return format!("{title}: cannot be read\n\n");
    };
    let width = members
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    let mut out = format!("{title}\n");
    for (name, value) in members {
        out.push_str(&format!("  {:width$}  {}", shown(name), json(value)));
        if let (true, Some(time)) = (is_time(name), time(Some(value))) {
            out.push_str(&format!("  {} ({})", clock::format(time), clock::distance(time, now)));
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// A name without signs that a terminal obeys.
fn shown(name: &str) -> String {
    name.escape_debug().collect()
}

fn is_time(name: &str) -> bool {
    ["exp", "nbf", "iat", "auth_time", "updated_at"].contains(&name)
}

fn time(value: Option<&Json>) -> Option<i64> {
    match value {
        // Beyond the year 9999 it is no time that anybody means.
        Some(Json::Number(it)) => whole(it.trunc()).filter(|time| (0..253_402_300_800).contains(time)),
        _ => None,
    }
}

/// What is allowed and yet seldom meant.
fn odd(jwt: &Jwt, now: i64) -> Vec<String> {
    let claims = &jwt.claims;
    let mut odd = Vec::new();
    let mut say = |when: bool, what: &str| {
        if when {
            odd.push(what.to_owned());
        }
    };
    let (exp, nbf, iat) = (
        time(claims.get("exp")),
        time(claims.get("nbf")),
        time(claims.get("iat")),
    );
    say(
        jwt.header.alg.starts_with("HS"),
        "it is signed with a shared secret: whoever can check it can make one",
    );
    say(
        jwt.header.kid.is_none(),
        "its header has no `kid`, so every key of the issuer is tried",
    );
    say(
        jwt.header.members.contains_key("crit"),
        "its header has `crit`, which Envoy passes over",
    );
    say(
        !claims.contains_key("iss"),
        "it has no `iss`, so only a rule without an issuer accepts it",
    );
    say(
        !claims.contains_key("sub"),
        "it has no `sub`, so no request principal matches it, not even `*`",
    );
    say(!claims.contains_key("exp"), "it has no `exp`, so it never expires");
    say(
        exp == Some(0),
        "its `exp` is 0, which Envoy takes for none, so it never expires",
    );
    let in_milliseconds = |name| matches!(claims.get(name), Some(Json::Number(it)) if *it > 1.0e11);
    for name in ["exp", "nbf", "iat"].into_iter().filter(|name| in_milliseconds(*name)) {
        say(
            true,
            &format!("its `{name}` looks like milliseconds; it is read as seconds"),
        );
    }
    say(
        exp.is_some_and(|exp| exp != 0 && exp < now),
        "it has expired; Envoy forgives a minute",
    );
    say(
        nbf.is_some_and(|nbf| nbf > now),
        "it is not valid yet; Envoy forgives a minute",
    );
    say(
        iat.is_some_and(|iat| iat > now),
        "it was issued in the future, which Envoy does not check",
    );
    let backwards = matches!((nbf, exp), (Some(nbf), Some(exp)) if exp != 0 && exp < nbf);
    say(backwards, "it expires before it becomes valid");
    for name in ["scope", "permission"] {
        let text = matches!(claims.get(name), Some(Json::String(text)) if text.contains(' '));
        say(
            text,
            &format!("rules see its `{name}` as a list of words, no longer as one text"),
        );
    }
    odd
}
