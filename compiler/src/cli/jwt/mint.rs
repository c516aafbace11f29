//! `meshc jwt mint`: tokens for tests, and the keys that go with them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value, json};

use super::Format;
use crate::cli::disk::{self, Change};
use crate::cli::{ExitCode, Io, clock, strict_json};
use crate::jwt::test_key::{Algorithm, TestKey};
use crate::source::{Disk, FileError, Files as _};

/// Make a token for tests, with a key made for tests
///
/// The token goes to standard output. A key that is made is of use only if it is kept (`--key`) or its
/// public half is (`--jwks`); put the key set into the project's issuer: `jwks "…"`.
///
/// Examples:
///   meshc jwt mint --key test-key.pem --jwks test-jwks.json --iss https://idp.test --sub alice
///   meshc jwt mint --key test-key.pem --claims '{"groups": ["staff"]}' --exp +1h --nbf -5m
///   meshc jwt mint --key test-key.pem --exp 2020-01-01T00:00:00Z
///
/// A token without `--exp` never expires, which is what tests want that run for years. Whoever has the
/// key can make tokens, so no issuer outside of tests may publish its key set.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The private key in PEM; it is made if there is no such file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Write the key set with the public key to this file
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// How a key that is made signs
    #[arg(long, value_enum, default_value_t = Alg::Rs256)]
    alg: Alg,

    /// Who issued it
    #[arg(long)]
    iss: Option<String>,

    /// Whom it is about
    #[arg(long)]
    sub: Option<String>,

    /// Whom it is for; several times for a list
    #[arg(long)]
    aud: Vec<String>,

    /// More claims, as a JSON object
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,

    /// When it expires: a time, or from now as in `+1h`, `-90s`, `+30d`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    exp: Option<String>,

    /// When it becomes valid
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    nbf: Option<String>,

    /// When it was issued
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    iat: Option<String>,

    /// The name of the key [default: the hash of its public half]
    #[arg(long)]
    kid: Option<String>,

    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Alg {
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "ES256")]
    Es256,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    if args.key.is_none() && args.jwks.is_none() {
        bail!("without `--key` or `--jwks` nobody could ever verify the token; name a file for one of them");
    }
    let claims = claims(args)?;
    let mut changes = Vec::new();
    let kept = match &args.key {
        Some(file) => kept(&io.cwd.join(file), file)?,
        None => None,
    };
    let is_new = kept.is_none();
    let key = match kept {
        Some(key) => key,
        None => {
            let key = TestKey::make(match args.alg {
                Alg::Rs256 => Algorithm::Rs256,
                Alg::Es256 => Algorithm::Es256,
            })?;
            if let Some(file) = &args.key {
                changes.push(Change::Secret {
                    path: io.cwd.join(file),
                    content: key.pem()?,
                });
            }
            key
        }
    };
    let kid = args.kid.clone().unwrap_or_else(|| key.kid().to_owned());
    let jwks = key_set(&key, &kid);
    if let Some(file) = &args.jwks {
        changes.extend(public(&io.cwd.join(file), file, &jwks)?);
    }
    let header = json!({ "alg": key.alg(), "kid": kid, "typ": "JWT" });
    let token = key.sign(&header.to_string(), &Value::Object(claims).to_string())?;
    disk::apply(changes)?;
    io.print(&match args.format {
        Format::Human => format!("{token}\n"),
        Format::Json => format!("{:#}\n", json!({ "token": token, "kid": kid, "jwks": jwks })),
    });
    if let (true, Some(file)) = (is_new, &args.key) {
        io.error(&format!("made the key `{}`, which is for tests only\n", file.display()));
    }
    Ok(ExitCode::Clean)
}

/// The key in a file, if there is one.
fn kept(path: &Path, shown: &Path) -> anyhow::Result<Option<TestKey>> {
    let shown = shown.display();
    let bytes = match Disk.read(path) {
        Ok(bytes) => bytes,
        Err(FileError::NotFound) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read the key `{shown}`")),
    };
    let key = TestKey::read(&String::from_utf8_lossy(&bytes));
    key.map(Some).with_context(|| format!("`{shown}` cannot be used"))
}

/// The key set of one key, by this name.
pub(in crate::cli) fn key_set(key: &TestKey, kid: &str) -> Value {
    let mut members: Map<String, Value> = Map::new();
    for (name, text) in key.public() {
        members.insert(name.to_owned(), text.into());
    }
    members.insert("kid".to_owned(), kid.into());
    members.insert("alg".to_owned(), key.alg().into());
    members.insert("use".to_owned(), "sig".into());
    json!({ "keys": [members] })
}

/// The file of the key set, unless it is there already; another one is nobody's to overwrite.
fn public(path: &Path, shown: &Path, jwks: &Value) -> anyhow::Result<Option<Change>> {
    let content = format!("{jwks:#}\n");
    match Disk.read(path) {
        Ok(bytes) if bytes == content.as_bytes() => Ok(None),
        Ok(_) => bail!(
            "`{}` holds something else than the key set of this key; remove it, or name another file",
            shown.display()
        ),
        Err(FileError::NotFound) => Ok(Some(Change::Write {
            path: path.to_path_buf(),
            content,
        })),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", shown.display())),
    }
}

fn claims(args: &Args) -> anyhow::Result<Map<String, Value>> {
    let mut claims = match &args.claims {
        None => Map::new(),
        Some(text) => match strict_json::read(text).map_err(|why| anyhow!("`--claims`: {why}"))? {
            Value::Object(claims) => claims,
            _ => bail!("`--claims` is a JSON object"),
        },
    };
    let mut say = |name: &str, value: Option<Value>| match value {
        Some(_) if claims.contains_key(name) => bail!("`{name}` is said by `--{name}` and by `--claims`"),
        Some(value) => {
            claims.insert(name.to_owned(), value);
            Ok(())
        }
        None => Ok(()),
    };
    say("iss", args.iss.clone().map(Value::from))?;
    say("sub", args.sub.clone().map(Value::from))?;
    say(
        "aud",
        match args.aud.as_slice() {
            [] => None,
            [one] => Some(one.clone().into()),
            many => Some(many.to_vec().into()),
        },
    )?;
    for (name, time) in [("exp", &args.exp), ("nbf", &args.nbf), ("iat", &args.iat)] {
        say(name, time.as_deref().map(moment).transpose()?.map(Value::from))?;
    }
    Ok(claims)
}

/// A time, or one so far from now.
fn moment(text: &str) -> anyhow::Result<i64> {
    let wrong = || {
        format!("`{text}` is no time; write it like `+1h`, `-90s`, `2026-11-26T12:00:00Z`, or as seconds since 1970")
    };
    let sign = match text.chars().next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => return clock::parse(text).map_err(anyhow::Error::msg),
    };
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => bail!(wrong()),
    };
    let count = text
        .get(1..text.len() - 1)
        .filter(|count| count.bytes().all(|b| b.is_ascii_digit()));
    let count: i64 = count.and_then(|count| count.parse().ok()).with_context(wrong)?;
    let from_now = count
        .checked_mul(sign * unit)
        .and_then(|seconds| clock::now().checked_add(seconds));
    from_now.with_context(wrong)
}
