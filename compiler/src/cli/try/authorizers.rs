//! Who answers in the place of external authorizers, as the arguments say it.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;

use anyhow::{Context as _, bail};

use crate::proxy::authorizer::Authorizer;

/// By provider.
pub(super) type Authorizers = BTreeMap<String, Authorizer>;

/// Reads `PROVIDER=allow`, `PROVIDER=deny` and `PROVIDER=HOST:PORT`.
///
/// # Errors
/// One is of another form, or its host has no address.
pub(super) fn read(texts: &[String]) -> anyhow::Result<Authorizers> {
    let mut all = Authorizers::new();
    for text in texts {
        let Some((provider, answer)) = text.split_once('=') else {
            bail!("`--answer {text}` names no answer; write `{text}=allow`, `{text}=deny` or `{text}=HOST:PORT`");
        };
        let authorizer = match answer {
            "allow" => Authorizer::Says(true),
            "deny" => Authorizer::Says(false),
            address => {
                let found = address.to_socket_addrs();
                let found = found.with_context(|| {
                    format!("`--answer {text}`: `{address}` is neither `allow` nor `deny` nor an address, such as `127.0.0.1:9191`")
                })?;
                Authorizer::At(
                    found
                        .into_iter()
                        .next()
                        .with_context(|| format!("`{address}` has no address"))?,
                )
            }
        };
        if all.insert(provider.to_owned(), authorizer).is_some() {
            bail!("`--answer` says twice what `{provider}` answers");
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let of = |texts: &[&str]| read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let all = of(&["a=allow", "b=deny", "c=127.0.0.1:9191"]).unwrap();
        assert_eq!(all.get("a"), Some(&Authorizer::Says(true)));
        assert_eq!(all.get("b"), Some(&Authorizer::Says(false)));
        assert_eq!(all.get("c"), Some(&Authorizer::At(([127, 0, 0, 1], 9191).into())));
        for wrong in [&["a"][..], &["a=yes"], &["a=allow", "a=deny"]] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
