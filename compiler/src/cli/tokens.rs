//! Tokens as text in questions: whose keys are in which file, where a token is put, and what time it is.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::{Io, clock};
use crate::driver::Build;
use crate::driver::tokens::Clock;
pub(super) use crate::driver::tokens::Tokens;
use crate::jwt::{KeyFiles, KeySet};
use crate::policy::Keys;
use crate::policy::effective;
use crate::source::{Disk, Files as _};

/// What tokens as text are judged with.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    /// The key set of an issuer whose keys are elsewhere: its name, its `iss`, or the address of its keys; may stand several times
    #[arg(long, value_name = "ISSUER=FILE")]
    pub(super) jwks: Vec<String>,

    /// When it is, such as `2026-11-26T12:00:00Z` or seconds since 1970 [default: for tokens as text, by the clock of this machine]
    #[arg(long, value_name = "TIME")]
    pub(super) now: Option<String>,
}

impl TokenArgs {
    /// The time that is said.
    pub(super) fn time(&self) -> anyhow::Result<Option<i64>> {
        let time = self.now.as_deref().map(clock::parse).transpose();
        time.map_err(anyhow::Error::msg)
    }

    /// What reads the tokens of requests to one policy.
    pub(super) fn reader<'b>(&self, build: &'b Build, io: &Io<'_>) -> anyhow::Result<Tokens<'b>> {
        let clock = Clock {
            now: self.time()?,
            machine: clock::now,
        };
        Ok(Tokens::new(build, &self.key_files(build, io)?, clock))
    }

    /// The key sets in files, by `iss` or by address.
    fn key_files(&self, build: &Build, io: &Io<'_>) -> anyhow::Result<KeyFiles> {
        let mut files = KeyFiles::new();
        for text in &self.jwks {
            // An `iss` may hold an equals sign.
            let Some((issuer, file)) = text.rsplit_once('=') else {
                bail!("`--jwks {text}` is not of the form `--jwks ISSUER=FILE`");
            };
            let keys = Arc::new(key_set(file, io)?);
            for key in keys_of(issuer, build)? {
                files.insert(key, Arc::clone(&keys));
            }
        }
        Ok(files)
    }
}

/// A key set in a file.
pub(super) fn key_set(file: &str, io: &Io<'_>) -> anyhow::Result<KeySet> {
    let bytes = Disk
        .read(&io.cwd.join(file))
        .with_context(|| format!("cannot read the key set `{file}`"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("`{file}` is not UTF-8"))?;
    KeySet::read(&text).with_context(|| format!("`{file}` is no key set"))
}

/// By what the keys of an issuer are looked up.
fn keys_of(issuer: &str, build: &Build) -> anyhow::Result<Vec<String>> {
    let declared = build.program.issuers.iter().filter(|it| it.name == issuer);
    let declared = declared.map(|it| {
        let address = it.jwks_uri.as_ref().map(|uri| &uri.it);
        let inline = it.jwks.is_some();
        (address.or(it.iss.as_ref().map(|iss| &iss.it)).cloned(), inline)
    });
    let rules = effective::token_rules(&build.policies);
    let in_force = rules.iter().map(|rule| &rule.rule).filter(|rule| {
        let address = matches!(&rule.keys, Keys::Uri(address) if address == issuer);
        address || rule.issuer.as_deref() == Some(issuer)
    });
    let in_force = in_force.map(|rule| (Some(issuer.to_owned()), matches!(rule.keys, Keys::Inline(_))));
    let found: Vec<(Option<String>, bool)> = declared.chain(in_force).collect();
    if found.is_empty() {
        bail!("`--jwks {issuer}=…`: the policy has no issuer `{issuer}`");
    }
    if found.iter().all(|(_, inline)| *inline) {
        bail!("`--jwks {issuer}=…`: the keys of `{issuer}` stand in the policy itself");
    }
    Ok(found
        .into_iter()
        .filter(|(_, inline)| !inline)
        .filter_map(|(key, _)| key)
        .collect())
}
