//! Of identities.

use super::super::identities::Unseen;
use super::*;
use crate::diagnostics::Diagnostic;
use crate::policy::request::Reason;
use crate::source::Span;

pub(in super::super) fn identity_never_seen(span: Span, why: &Unseen) -> Diagnostic {
    let message = if why.gateway {
        format!(
            "no caller shows an identity of the mesh at {}: its listeners ask for no certificate of the mesh",
            why.place
        )
    } else {
        format!("no caller shows an identity at {}: mutual TLS is off there", why.place)
    };
    let d = Diagnostic::new(&IDENTITY_NEVER_SEEN, span, message);
    let d = match &why.by {
        Some(by) => d.secondary(by.origin, "switched off here"),
        None => d,
    };
    if why.gateway {
        d.help("ask for a token, an address or a server name, or for mesh certificates at the listener")
    } else {
        d.help("switch mutual TLS on for that port, or tell callers apart by their addresses")
    }
}

pub(in super::super) fn deny_walked_around(span: Span, place: &str, witness: &str, by: Option<Reason>) -> Diagnostic {
    let message = format!("whom this rule refuses gets in without a certificate: {witness} is admitted at {place}");
    let d = Diagnostic::new(&DENY_WALKED_AROUND, span, message);
    match by {
        Some(by) => d.secondary(by.origin, "plaintext is taken because of this"),
        None => d,
    }
    .help("make the port STRICT, or refuse callers without an identity too (`notPrincipals: [\"*\"]`)")
}

pub(in super::super) fn admits_absent(span: Span, what: &str, place: &str, witness: &str) -> Diagnostic {
    let message = format!(
        "a request without {} is none of those that are excluded: {witness} is admitted at {place}",
        article(what)
    );
    Diagnostic::new(&ADMITS_ABSENT, span, message).help(format!("ask for {} as well, such as by `*`", article(what)))
}

fn article(what: &str) -> String {
    let vowel = what.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {what}", if vowel { "an" } else { "a" })
}
