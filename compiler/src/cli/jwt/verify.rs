//! `meshc jwt verify`: which issuer would accept a token, where, and why not.

use std::sync::Arc;

use anyhow::bail;
use serde_json::json;

use super::Format;
use crate::cli::args::InputArgs;
use crate::cli::tokens::{self, TokenArgs};
use crate::cli::{ExitCode, Io, clock, report, verdicts};
use crate::driver::{self, Outcome};
use crate::jwt::Jwt;
use crate::policy::effective::TokenRule;
use crate::policy::evaluate;
use crate::policy::request::Unknown;
use crate::policy::tokens::{Signature, TokenText};
use crate::policy::{JwtRule, Target};

/// Say which issuer of the policy accepts a token, and why the others do not
///
/// Examples:
///   meshc jwt verify "$TOKEN"                                 by the issuers of the project here
///   meshc jwt verify token.txt . k8s/ --jwks corp=keys.json   and of manifests, with keys from a file
///   meshc jwt verify "$TOKEN" --jwks keys.json                by these keys alone
///
/// With `--jwks FILE`, a key set alone, only the signature and the times are checked.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The token, a file that holds it, or `-` for standard input
    token: String,

    #[command(flatten)]
    inputs: InputArgs,

    #[command(flatten)]
    tokens: TokenArgs,

    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// What one rule says.
struct Said<'p> {
    rule: &'p TokenRule,
    /// `Ok(None)`: accepted.
    verdict: Result<Option<String>, String>,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let text = super::read(&args.token, io)?;
    let said = args.tokens.time()?;
    let now = said.unwrap_or_else(clock::now);
    let has_time = Jwt::read(&text).is_ok_and(|jwt| ["exp", "nbf"].iter().any(|name| jwt.claims.contains_key(*name)));
    let clock = (said.is_none() && has_time).then_some(now);
    if let [file] = args.tokens.jwks.as_slice()
        && !file.contains('=')
    {
        if !args.inputs.paths.is_empty() {
            bail!("name the issuer whose keys these are: `--jwks ISSUER={file}`");
        }
        return with_keys(&text, file, (now, clock), args.format, io);
    }
    let Some(outcome) = report::policy(&args.inputs, io, driver::ask)? else {
        return Ok(ExitCode::Found);
    };
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to ask");
    };
    let reader = args.tokens.reader(build, io)?;
    let token = reader.read(&text);
    let said = reader.rules().iter().map(|rule| Said {
        rule,
        verdict: verdict(&rule.rule, &token, now, outcome.target),
    });
    let said: Vec<Said<'_>> = said.collect();
    let accepted = said.iter().any(|said| said.verdict == Ok(None));
    let text = match args.format {
        Format::Human => human(&said, &token, &outcome, clock),
        Format::Json => json_of(&said, &outcome, (now, clock)),
    };
    io.print(&text);
    Ok(if accepted { ExitCode::Clean } else { ExitCode::Found })
}

fn verdict(rule: &JwtRule, token: &Arc<TokenText>, now: i64, target: Target) -> Result<Option<String>, String> {
    let fault =
        evaluate::token_fault(rule, token, Some(now), target).map_err(|unknown: Unknown| unknown.to_string())?;
    Ok(fault.map(|fault| fault.to_string()))
}

fn places(rule: &TokenRule) -> Vec<String> {
    rule.places.iter().map(ToString::to_string).collect()
}

fn human(said: &[Said<'_>], token: &TokenText, outcome: &Outcome, clock: Option<i64>) -> String {
    let mut out = String::new();
    if let TokenText::Malformed(fault) = token {
        return format!("Envoy refuses this token everywhere: {fault}\n");
    }
    if said.is_empty() {
        return "the policy accepts no tokens at all\n".to_owned();
    }
    for said in said {
        let (file, line, _) = verdicts::place(&outcome.sources, said.rule.rule.origin);
        let issuer = said.rule.rule.issuer.as_deref().unwrap_or("any issuer");
        let whose = format!("{issuer} in {} ({file}:{line})", said.rule.object);
        out.push_str(&match &said.verdict {
            Ok(None) => format!(
                "accepted by {whose}\n  where it stands in {}\n",
                places(said.rule).join(", or in ")
            ),
            Ok(Some(fault)) => format!("refused by {whose}\n  {fault}\n"),
            Err(unknown) => format!("not known of {whose}\n  {unknown}\n"),
        });
    }
    if let Some(clock) = clock {
        out.push_str(&format!("at {} by the clock of this machine\n", clock::format(clock)));
    }
    out
}

fn json_of(said: &[Said<'_>], outcome: &Outcome, (now, clock): (i64, Option<i64>)) -> String {
    let rules: Vec<serde_json::Value> = said
        .iter()
        .map(|said| {
            let (file, line, _) = verdicts::place(&outcome.sources, said.rule.rule.origin);
            json!({
                "issuer": said.rule.rule.issuer,
                "object": said.rule.object.to_string(),
                "file": file,
                "line": line,
                "places": places(said.rule),
                "accepted": said.verdict.as_ref().ok().map(Option::is_none),
                "why": match &said.verdict {
                    Ok(fault) => fault.as_ref(),
                    Err(unknown) => Some(unknown),
                },
            })
        })
        .collect();
    format!("{:#}\n", json!({ "now": now, "clock": clock, "rules": rules }))
}

/// Signature and times alone.
fn with_keys(
    text: &str,
    file: &str,
    (now, clock): (i64, Option<i64>),
    format: Format,
    io: &mut Io<'_>,
) -> anyhow::Result<ExitCode> {
    let keys = tokens::key_set(file, io)?;
    let verdict = Jwt::read(text).map_or_else(
        |fault| Ok(Some(fault.to_string())),
        |jwt| match keys.check(&jwt, text) {
            Signature::Unknown(why) => Err(why),
            Signature::Bad(why) => Ok(Some(why)),
            Signature::Good => Ok(evaluate::claims_fault(&jwt.claims, Some(now)).map(|fault| fault.to_string())),
        },
    );
    io.print(&match format {
        Format::Human => {
            let said = match &verdict {
                Ok(None) => "accepted: its signature is by these keys, and its time is right".to_owned(),
                Ok(Some(fault)) => format!("refused: {fault}"),
                Err(unknown) => format!("not known: {unknown}"),
            };
            let clock = clock.map(|clock| format!("\nat {} by the clock of this machine", clock::format(clock)));
            format!("{said}{}\n", clock.unwrap_or_default())
        }
        Format::Json => {
            let accepted = verdict.as_ref().ok().map(Option::is_none);
            let why = match &verdict {
                Ok(fault) => fault.as_ref(),
                Err(unknown) => Some(unknown),
            };
            format!(
                "{:#}\n",
                json!({ "now": now, "clock": clock, "accepted": accepted, "why": why })
            )
        }
    });
    Ok(if verdict == Ok(None) {
        ExitCode::Clean
    } else {
        ExitCode::Found
    })
}
