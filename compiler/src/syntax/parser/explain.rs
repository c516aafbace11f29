//! From "this token did not fit, one of those would have" to a message about what the author wrote.

use super::input::{Concept, Expected, Oops, Tok};
use super::values::is_reference;
use super::what::is_method;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::suggest::nearest;
use crate::source::{FileId, Span};
use crate::syntax::errors;
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::TokenKind;

/// What is to be said; nothing where the lexer has spoken already.
pub(crate) fn explain(oops: Oops, toks: &[Tok<'_>], file: FileId) -> Option<Diagnostic> {
    if let Some(finding) = oops.finding {
        return Some(*finding);
    }
    let at = usize::try_from(oops.at).unwrap_or(usize::MAX).min(toks.len());
    let place = Place {
        toks,
        at,
        expected: oops.expected,
        found: toks.get(at),
        file,
    };
    if place
        .found
        .is_some_and(|found| matches!(found.kind, TokenKind::Unknown | TokenKind::Glued))
    {
        return None;
    }
    Some(
        place
            .missing_value()
            .or_else(|| place.misspelt())
            .or_else(|| place.after_any())
            .or_else(|| place.unknown_item())
            .or_else(|| place.mixed_list())
            .or_else(|| place.caller())
            .or_else(|| place.operation())
            .or_else(|| place.name())
            .unwrap_or_else(|| place.anything()),
    )
}

struct Place<'a, 't> {
    toks: &'a [Tok<'t>],
    at: usize,
    expected: Expected,
    found: Option<&'a Tok<'t>>,
    file: FileId,
}

impl<'t> Place<'_, 't> {
    fn before(&self, back: usize) -> Option<&Tok<'t>> {
        self.at.checked_sub(back).and_then(|at| self.toks.get(at))
    }

    fn span(&self) -> Span {
        self.found
            .map_or_else(|| super::end_of(self.toks, self.file), |found| found.span)
    }

    /// The token as a message names it.
    fn found_text(&self) -> String {
        match self.found {
            None => "the end of the file".to_owned(),
            Some(token) if token.text.is_empty() => "the end of the block".to_owned(),
            Some(token) => format!("`{}`", errors::shown(token.text)),
        }
    }

    fn word(&self) -> Option<&Tok<'t>> {
        self.found.filter(|found| found.kind == TokenKind::Word)
    }

    fn starts_item(&self) -> bool {
        self.found
            .is_some_and(|found| found.line_start && found.kw.is_some_and(Kw::starts_item))
    }

    /// A keyword on a line of its own was taken for the value that the line before it lacks.
    fn missing_value(&self) -> Option<Diagnostic> {
        let taken = self.before(1)?;
        let keyword = self.before(2)?;
        let next_line = taken.line_start && taken.kw.is_some_and(Kw::starts_item) && keyword.kw.is_some();
        let complete = self.expected.has(Concept::Item)
            || self.expected.has(Concept::OpenBrace)
            || self.expected.has_keyword(Kw::About);
        let swallowed = taken.kw == Some(Kw::To)
            && self.expected.has_keyword(Kw::To)
            && keyword.kw.is_some_and(|kw| keywords::CALLERS.contains(&kw.text()));
        ((next_line && complete) || swallowed)
            .then(|| errors::missing_value(keyword.span, keyword.text, taken.span, taken.text))
    }

    /// A misspelt keyword was taken for a name, and only the token after it did not fit.
    fn misspelt(&self) -> Option<Diagnostic> {
        let taken = self
            .before(1)
            .filter(|taken| taken.kind == TokenKind::Word && taken.kw.is_none())?;
        let must = self
            .expected
            .keywords()
            .filter(|kw| !joins(*kw) && *kw != Kw::Any)
            .map(Kw::text);
        let near = nearest(taken.text, must)?;
        let after = self.before(2).map(|before| errors::shown(before.text));
        let found = format!("`{}`", errors::shown(taken.text));
        Some(errors::unexpected_text(
            taken.span,
            &format!("`{near}`"),
            after,
            &found,
            Some(near),
        ))
    }

    /// `any` beside a term.
    fn after_any(&self) -> Option<Diagnostic> {
        let any = self.before(1).filter(|before| before.kw == Some(Kw::Any))?;
        let found = self.found.filter(|found| !found.line_start)?;
        let term = found.text.starts_with('/')
            || (found.kind == TokenKind::Word && is_method(found.text))
            || found.kw.is_some_and(|kw| keywords::TERMS.contains(&kw.text()));
        term.then(|| errors::any_beside_term(any.span, found.span, &self.found_text()))
    }

    fn block(&self) -> Option<(&'static str, &'static [&'static str])> {
        [
            (Concept::Item, "item", keywords::ITEMS),
            (Concept::IssuerItem, "item of an `issuer`", keywords::ISSUER_ITEMS),
            (
                Concept::DestinationItem,
                "item of a `destination`",
                keywords::DESTINATION_ITEMS,
            ),
            (Concept::SubsetItem, "item of a `subset`", keywords::SUBSET_ITEMS),
            (Concept::TlsItem, "item of a `tls` block", keywords::TLS_ITEMS),
        ]
        .into_iter()
        .find(|(concept, _, _)| self.expected.has(*concept))
        .map(|(_, name, words)| (name, words))
    }

    fn unknown_item(&self) -> Option<Diagnostic> {
        let word = self.word()?;
        let (block, words) = self.block()?;
        let near = nearest(word.text, words.iter().copied());
        if !word.line_start && self.expected.keywords().next().is_some() {
            // It may continue the item before it.
            let joint = nearest(word.text, self.expected.keywords().map(Kw::text));
            if joint.is_some() || near.is_none() {
                return None;
            }
        }
        let all = (words.len() <= keywords::ISSUER_ITEMS.len()).then_some(words);
        Some(errors::unknown_item(
            word.span,
            &errors::shown(word.text),
            block,
            near,
            all,
        ))
    }

    /// A comma was followed by a thing of another kind.
    fn mixed_list(&self) -> Option<Diagnostic> {
        let comma = self.before(1).is_some_and(|before| before.kind == TokenKind::Comma);
        let found = self.found.filter(|_| comma && !self.starts_item())?;
        let callers =
            found.kind == TokenKind::OpenParen || found.kw.is_some_and(|kw| keywords::CALLERS.contains(&kw.text()));
        let operations = found.kind == TokenKind::OpenParen
            || is_reference(found)
            || found.text.starts_with('/')
            || (found.kind == TokenKind::Word && is_method(found.text))
            || found.kw.is_some_and(|kw| keywords::TERMS.contains(&kw.text()));
        let text = self.found_text();
        let kind = if self.expected.has(Concept::Method) && operations {
            "methods"
        } else if self.expected.has(Concept::Path) && operations {
            "paths"
        } else if self.expected.has(Concept::Operation) && operations {
            "named operations"
        } else if self.expected.has(Concept::Reference) && callers {
            return Some(errors::mixed_list(found.span, &text, "names", false));
        } else {
            return None;
        };
        Some(errors::mixed_list(found.span, &text, kind, true))
    }

    /// What goes wrong around WHO.
    fn caller(&self) -> Option<Diagnostic> {
        if self.expected.has(Concept::Caller) || self.expected.has(Concept::Reference) {
            let keyword = self.before(1).filter(|before| {
                matches!(
                    before.kw,
                    Some(Kw::Allow | Kw::Deny | Kw::Audit | Kw::About | Kw::Never | Kw::Always)
                )
            });
            let to = self.found.is_some_and(|found| found.kw == Some(Kw::To));
            let nothing = self
                .found
                .is_none_or(|found| found.kind == TokenKind::CloseBrace || found.text == "when");
            if let Some(keyword) = keyword
                && (to || nothing || self.starts_item())
            {
                let at = if to { self.span() } else { keyword.span };
                return Some(errors::missing_caller(at, keyword.text, to));
            }
            return self.bad_caller();
        }
        if !self.expected.has_keyword(Kw::To) {
            return None;
        }
        if let Some(word) = self.word()
            && !word.line_start
            && !is_method(word.text)
            && nearest(word.text, self.expected.keywords().map(Kw::text)).is_some()
        {
            return None;
        }
        if let (Some(caller), Some(claim), Some(next)) = (self.before(1), self.word(), self.toks.get(self.at + 1))
            && !self.starts_item()
            && (matches!(next.kind, TokenKind::Equal | TokenKind::NotEqual)
                || matches!(next.kw, Some(Kw::Has | Kw::Lacks | Kw::Present | Kw::Absent)))
        {
            return Some(errors::missing_where(
                claim.span,
                &errors::shown(caller.text),
                claim.text,
            ));
        }
        let operation = self.found.is_some_and(|found| {
            !self.starts_item()
                && (found.text.starts_with(['/', '"'])
                    || (found.kind == TokenKind::Word && is_method(found.text))
                    || found.kw.is_some_and(|kw| keywords::TERMS.contains(&kw.text()))
                    || is_reference(found))
        });
        let test = self.expected.has_keyword(Kw::With);
        let nothing = self.starts_item()
            || self
                .found
                .is_none_or(|found| found.kind == TokenKind::CloseBrace || found.line_start || found.kw.is_some());
        // Where the line ends too early, the place to look at is its end.
        let at = match self.before(1) {
            Some(before) if nothing && !operation => before.span.after(),
            _ => self.span(),
        };
        (operation || nothing).then(|| errors::missing_to(at, &self.found_text(), operation, test))
    }

    fn bad_caller(&self) -> Option<Diagnostic> {
        let word = self.word().filter(|_| !self.starts_item())?;
        if let Some(kw) = word.kw.filter(|_| keywords::is_reserved(word.text)) {
            let joins = matches!(
                kw,
                Kw::To | Kw::Or | Kw::And | Kw::Except | Kw::Via | Kw::From | Kw::When | Kw::As | Kw::Where | Kw::With
            );
            return (!joins).then(|| errors::reserved_word(word.span, word.text, "a caller", false));
        }
        if word.text == "all" || word.text == "everyone" || word.text == "*" {
            return Some(errors::bad_name(
                word.span,
                word.text,
                "a caller",
                Some("write `anyone`".to_owned()),
            ));
        }
        let text = errors::shown(word.text);
        let help = if word.text.bytes().all(|b| b.is_ascii_hexdigit() || b".:/".contains(&b)) {
            format!("write `client-ip {text}` or `peer-ip {text}` for an address")
        } else if word.text.contains("/ns/") || word.text.contains("/sa/") {
            format!("write `principal {text}`, or `sa NAMESPACE/ACCOUNT`")
        } else if word.text.ends_with("/*") {
            format!("write `ns {}` for a namespace", text.trim_end_matches("/*"))
        } else {
            format!("write what it is: `sa {text}`, `ns {text}` or `principal {text}`")
        };
        Some(errors::bad_name(word.span, &text, "a caller", Some(help)))
    }

    /// What goes wrong where an operation must stand.
    fn operation(&self) -> Option<Diagnostic> {
        let word = self
            .word()
            .filter(|_| self.expected.has(Concept::Operation) && !self.starts_item())?;
        let text = errors::shown(word.text);
        let wanted = self.wants_operation();
        if word.kw.is_some_and(|_| keywords::is_reserved(word.text)) {
            let joins = !keywords::ITEMS.contains(&word.text) && !keywords::CALLERS.contains(&word.text);
            return (wanted && !joins).then(|| errors::reserved_word(word.span, word.text, "an operation", false));
        }
        let help = if word.text.bytes().all(|b| b.is_ascii_digit()) {
            format!("write `port {text}` for a port")
        } else if word.text == "*" {
            "write `any` for every operation".to_owned()
        } else if word.text.contains('*') && word.text.contains('/') {
            format!("write `path {text}` for a path that begins with a star")
        } else {
            format!("write what it is: `host {text}`, `path {text}` or `method {text}`")
        };
        (wanted || word.kw.is_none()).then(|| errors::bad_name(word.span, &text, "an operation", Some(help)))
    }

    /// Whether an operation must stand here, and not only could.
    fn wants_operation(&self) -> bool {
        self.before(1).is_some_and(|before| {
            matches!(before.kw, Some(Kw::To | Kw::Or | Kw::Except | Kw::On))
                || matches!(before.kind, TokenKind::OpenParen | TokenKind::Equal)
        })
    }

    /// What goes wrong where a name must stand.
    fn name(&self) -> Option<Diagnostic> {
        let word = self.word()?;
        let text = errors::shown(word.text);
        if self.expected.has(Concept::Name) {
            if keywords::is_reserved(word.text) {
                return Some(errors::reserved_word(word.span, word.text, "a declared name", true));
            }
            let help = "begin with a small letter, and go on with small letters, digits, `_` and `-`";
            return Some(errors::bad_name(
                word.span,
                &text,
                "a declaration",
                Some(help.to_owned()),
            ));
        }
        if self.expected.has(Concept::SimpleName) {
            if let Some((name, value)) = word.text.split_once(':')
                && self
                    .before(1)
                    .is_some_and(|before| matches!(before.kind, TokenKind::OpenParen | TokenKind::Comma))
            {
                let help = format!("put a blank after the colon: `{name}: {value}`");
                return Some(errors::bad_name(word.span, &text, "a parameter", Some(help)));
            }
            let help = "begin with a small letter, and go on with small letters, digits, `_` and `-`";
            return Some(errors::bad_name(word.span, &text, "a parameter", Some(help.to_owned())));
        }
        if self.expected.has(Concept::Issuer) && !self.starts_item() {
            if word.kw.is_some_and(joins) {
                return None;
            }
            if keywords::is_reserved(word.text) {
                return Some(errors::reserved_word(word.span, word.text, "an issuer", false));
            }
            return Some(errors::bad_name(word.span, &text, "an issuer", None));
        }
        if self.expected.has(Concept::Colon)
            && self.before(1).is_some_and(|before| before.text.contains(':'))
            && let Some(key) = self.before(1)
        {
            let help = "put a blank after the colon of a key";
            return Some(
                errors::unexpected_text(key.span, "a key and `:`", None, &format!("`{}`", key.text), None).help(help),
            );
        }
        None
    }

    fn anything(&self) -> Diagnostic {
        let after = self
            .before(1)
            .map(|before| errors::shown(before.text))
            .filter(|after| !after.is_empty());
        let near = self
            .word()
            .filter(|_| !self.starts_item())
            .and_then(|word| nearest(word.text, self.expected.keywords().map(Kw::text)));
        let mut found = errors::unexpected_text(self.span(), &self.wanted(), after, &self.found_text(), near);
        if let Some(comma) = self.before(1).filter(|before| before.kind == TokenKind::Comma)
            && (self.starts_item()
                || self.found.is_none_or(|found| {
                    matches!(
                        found.kind,
                        TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace
                    )
                }))
        {
            found = errors::trailing_comma(found, comma.span);
        }
        if self.found.is_some_and(|found| found.kind == TokenKind::Colon) && self.expected.has(Concept::Value) {
            found = found.help("quote a text that begins with a colon");
        }
        if self.found.is_some_and(|found| found.kind == TokenKind::String) && self.expected.has(Concept::Caller) {
            found =
                found.help("write the kind of caller before its value, such as `principal`, or a name without quotes");
        }
        if let Some(opener) = self.opener() {
            found = found.secondary(opener.span, "opened here");
        }
        found
    }

    /// The bracket that should have been closed here.
    fn opener(&self) -> Option<&Tok<'t>> {
        let closes = |concept: Concept, kind: TokenKind| self.expected.has(concept).then_some(kind);
        let kind = closes(Concept::CloseParen, TokenKind::OpenParen)
            .or_else(|| closes(Concept::CloseBracket, TokenKind::OpenBracket))?;
        let at = u32::try_from(self.at).ok()?;
        let near = self.toks.get(self.at.saturating_sub(500)..self.at).unwrap_or_default();
        near.iter()
            .rev()
            .find(|token| token.kind == kind && token.partner.is_none_or(|partner| partner >= at))
    }

    /// What would have been right, in words. What must come is named before what could have come.
    fn wanted(&self) -> String {
        let concepts: Vec<Concept> = Concept::ALL
            .into_iter()
            .filter(|concept| self.expected.has(*concept) && *concept != Concept::End)
            .collect();
        // A kind of thing says more than the one of its words that the grammar happened to try apart.
        let operation = self.expected.has(Concept::Operation);
        let wanted = operation && self.wants_operation();
        let keywords = || self.expected.keywords().filter(|kw| !(operation && *kw == Kw::Any));
        let optional = |concept: Concept| optional(concept) && !(wanted && concept == Concept::Operation);
        let of = |concept: &Concept| concept_text(*concept).to_owned();
        let quoted = |kw: Kw| format!("`{}`", kw.text());
        let must: Vec<String> = concepts
            .iter()
            .filter(|concept| !optional(**concept))
            .map(of)
            .chain(keywords().filter(|kw| !joins(*kw)).map(quoted))
            .collect();
        let could: Vec<String> = keywords()
            .filter(|kw| joins(*kw))
            .map(quoted)
            .chain(
                concepts
                    .iter()
                    .filter(|concept| optional(**concept) && **concept != Concept::Comma)
                    .map(of),
            )
            .collect();
        // Where an item is complete, the next one is not the only thing that can follow.
        let complete = self.block().is_some() || must.is_empty();
        let mut words = if complete {
            could.into_iter().chain(must).collect()
        } else {
            must
        };
        words.truncate(10);
        match words.split_last() {
            None => "something else".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}

/// Whether something is complete without it.
fn optional(concept: Concept) -> bool {
    matches!(
        concept,
        Concept::Comma | Concept::And | Concept::OpenBracket | Concept::Pair | Concept::Operation | Concept::End
    )
}

fn joins(kw: Kw) -> bool {
    matches!(
        kw,
        Kw::Or
            | Kw::Except
            | Kw::Via
            | Kw::From
            | Kw::And
            | Kw::Where
            | Kw::Of
            | Kw::When
            | Kw::As
            | Kw::On
            | Kw::Including
            | Kw::With
            | Kw::Port
            | Kw::Headless
            | Kw::FailOpen
            | Kw::Expired
            | Kw::Forged
    )
}

fn concept_text(concept: Concept) -> &'static str {
    match concept {
        Concept::Item => "an item",
        Concept::IssuerItem => "an item of an issuer",
        Concept::DestinationItem => "an item of a destination",
        Concept::SubsetItem => "an item of a subset",
        Concept::TlsItem => "a TLS setting",
        Concept::RequestLine => "a test line",
        Concept::ClientLine => "`to host`",
        Concept::Caller => "a caller",
        Concept::Operation => "an operation",
        Concept::Condition => "a test of `header[…]` or `filter[…][…]`",
        Concept::ClaimTest => "a claim",
        Concept::Comparison => "`=`, `!=`, `has`, `lacks`, `present` or `absent`",
        Concept::Value => "a value",
        Concept::Protocol => "a protocol",
        Concept::ClaimType => "the type of a claim",
        Concept::Outcome => "an outcome",
        Concept::Name | Concept::SimpleName | Concept::Reference => "a name",
        Concept::Issuer => "the name of an issuer",
        Concept::Method => "a method",
        Concept::Path => "a path",
        Concept::String => "a string in quotes",
        Concept::Json => "a JSON value",
        Concept::JsonKey => "a key",
        Concept::Pair => "`key=value`",
        Concept::Equal => "`=`",
        Concept::NotEqual => "`!=`",
        Concept::And => "`&`",
        Concept::Comma => "`,`",
        Concept::Colon => "`:`",
        Concept::OpenParen => "`(`",
        Concept::CloseParen => "`)`",
        Concept::OpenBrace => "`{`",
        Concept::CloseBrace => "`}`",
        Concept::OpenBracket => "`[`",
        Concept::CloseBracket => "`]`",
        Concept::End => "the end of the file",
    }
}
