//! `meshc jwt`: helps with tokens in tests. One file a subcommand.

mod inspect;
mod mint;
mod verify;

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::{ExitCode, Io};
use crate::policy::request::Json;
use crate::source::{Disk, Files as _};
pub(super) use mint::key_set;

/// Look into tokens, verify them, and make tokens for tests
///
/// Examples:
///   meshc jwt inspect "$TOKEN"            what it says, without believing it
///   meshc jwt verify "$TOKEN"             which issuer of the project here accepts it, and why not
///   meshc jwt mint --key test-key.pem --jwks test-jwks.json --iss https://idp.test --sub alice
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Inspect(inspect::Args),
    Verify(verify::Args),
    Mint(mint::Args),
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Inspect(args) => inspect::run(args, io),
        Command::Verify(args) => verify::run(args, io),
        Command::Mint(args) => mint::run(args, io),
    }
}

/// So long a token is read; Envoy takes no request with more than 60 KiB of headers.
const LONGEST: u64 = 16 << 20;

/// A token that is given as itself, as a file that holds it, or by standard input.
fn read(given: &str, io: &mut Io<'_>) -> anyhow::Result<String> {
    let text = if given == "-" {
        let mut text = String::new();
        let read = (&mut *io.input).take(LONGEST).read_to_string(&mut text);
        read.context("cannot read the token from standard input")?;
        text
    } else if given.matches('.').count() >= 2 && !Path::new(given).is_absolute() && !given.contains('/') {
        given.to_owned()
    } else {
        let bytes = Disk.read(&io.cwd.join(given));
        let bytes = bytes.with_context(|| "this is neither a token nor a file that can be read".to_owned())?;
        String::from_utf8(bytes).with_context(|| format!("`{given}` is not UTF-8"))?
    };
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    if text.is_empty() {
        bail!("there is no token to read");
    }
    Ok(text.to_owned())
}

/// A value as JSON text prints it.
fn json(value: &Json) -> serde_json::Value {
    match value {
        Json::Null => serde_json::Value::Null,
        Json::Bool(it) => (*it).into(),
        Json::Number(it) => whole(*it).map_or_else(|| (*it).into(), Into::into),
        Json::String(it) => it.clone().into(),
        Json::List(items) => items.iter().map(json).collect(),
        Json::Object(members) => members.iter().map(|(name, it)| (name.clone(), json(it))).collect(),
    }
}

/// A number without a fraction, where it is one that can be counted.
#[expect(clippy::cast_possible_truncation, reason = "the bound is below 2^53")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}
