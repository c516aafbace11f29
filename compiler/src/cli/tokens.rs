//! Tokens as text in questions: whose keys are in which file, where a token is put, and what time it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::{Io, clock};
use crate::diagnostics::suggest::nearest;
use crate::driver::Build;
use crate::hir::Program;
use crate::jwt::{Jwt, KeyFiles, KeySet, TokenReader};
use crate::lower::inventory;
use crate::policy::effective::{self, TokenRule};
use crate::policy::evaluate::{self, Judge};
use crate::policy::request::{Answer, Json, Place, Request, Token, TokenState, Unknown};
use crate::policy::tokens::TokenText;
use crate::policy::{JwtRule, Keys};
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

/// Reads the tokens of requests to one policy.
pub(super) struct Tokens<'b> {
    program: &'b Program,
    /// All rules for tokens of the policy.
    rules: Vec<TokenRule>,
    /// Where the rules look first, by their issuers.
    places: BTreeMap<String, Place>,
    reader: TokenReader,
    now: Option<i64>,
}

/// An answer, and the time by the machine's clock where it rests on that.
pub(super) type Timed = (Answer, Option<i64>);

impl TokenArgs {
    /// The time that is said.
    pub(super) fn time(&self) -> anyhow::Result<Option<i64>> {
        let time = self.now.as_deref().map(clock::parse).transpose();
        time.map_err(anyhow::Error::msg)
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

impl<'b> Tokens<'b> {
    pub(super) fn new(args: &TokenArgs, build: &'b Build, io: &Io<'_>) -> anyhow::Result<Self> {
        let files = args.key_files(build, io)?;
        let rules = effective::token_rules(&build.policies);
        let mut places = BTreeMap::new();
        for rule in rules.iter().map(|rule| &rule.rule) {
            if let (Some(issuer), Some(place)) = (&rule.issuer, evaluate::first_place(rule)) {
                places.entry(issuer.clone()).or_insert(place);
            }
        }
        Ok(Self {
            program: &build.program,
            rules,
            places,
            reader: TokenReader::new(&build.policies, &files),
            now: args.time()?,
        })
    }

    /// What is known of a token.
    pub(super) fn read(&self, text: &str) -> Arc<TokenText> {
        self.reader.text(text.to_owned())
    }

    /// Puts a token where its issuer is read first; of an unknown issuer, behind `Authorization: Bearer`.
    pub(super) fn put(&self, text: &str, request: &mut Request) {
        let iss = Jwt::read(text).ok().and_then(|jwt| jwt.iss().map(str::to_owned));
        let declared = || inventory::place_of(self.program, iss.as_deref()?);
        let in_force = || self.places.get(iss.as_deref()?).cloned();
        let place = declared().or_else(in_force).unwrap_or_else(Place::bearer);
        request.put(&place, text);
    }

    /// All rules for tokens of the policy.
    pub(super) fn rules(&self) -> &[TokenRule] {
        &self.rules
    }

    /// A token by what it says, of an issuer that only manifests name; `iss` and `aud` are the rule's unless the claims
    /// say them.
    pub(super) fn given(
        &self,
        iss: &str,
        mut claims: BTreeMap<String, Json>,
        state: TokenState,
    ) -> Result<Token, String> {
        let rules = self.rules.iter().map(|rule| &rule.rule);
        let rules: Vec<&JwtRule> = rules.filter(|rule| rule.issuer.as_deref() == Some(iss)).collect();
        let rule = rules.first().ok_or_else(|| self.no_issuer(iss))?;
        if rules.iter().any(|other| other.keys != rule.keys) {
            return Err(format!(
                "rules with other keys share the issuer `{iss}`; give the token as text"
            ));
        }
        let mut say = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let value = Json::String(value.to_owned());
                claims.entry(name.to_owned()).or_insert(value);
            }
        };
        say("iss", Some(iss));
        say("aud", rule.audiences.first().map(String::as_str));
        Ok(Token {
            keys: rule.keys.clone(),
            issuer: rule.issuer.clone(),
            claims,
            state,
            place: evaluate::first_place(rule).unwrap_or_else(Place::bearer),
        })
    }

    fn no_issuer(&self, name: &str) -> String {
        let declared = self.program.issuers.iter().map(|issuer| issuer.name.as_str());
        let in_force = self.rules.iter().filter_map(|rule| rule.rule.issuer.as_deref());
        match nearest(name, declared.chain(in_force)) {
            Some(near) => format!("there is no issuer `{name}`; did you mean `{near}`?"),
            None => format!("there is no issuer `{name}`"),
        }
    }

    /// The answer to a request with the tokens in it. Where a token as text says a time and nobody says what time it
    /// is, the machine's clock does. What is known besides stands in the request then.
    pub(super) fn answer(&self, judge: &Judge<'_>, request: &mut Request) -> Result<Timed, Unknown> {
        request.now = request.now.or(self.now);
        self.reader.read(request);
        match judge.answer(request) {
            Err(Unknown::Time) if !request.texts.read.is_empty() => {
                let now = clock::now();
                request.now = Some(now);
                let mut answer = judge.answer(request)?;
                answer
                    .why
                    .push_str(&format!(" (at {} by the clock of this machine)", clock::format(now)));
                Ok((answer, Some(now)))
            }
            other => other.map(|answer| (answer, None)),
        }
    }
}
