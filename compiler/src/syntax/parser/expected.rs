//! What could stand at the end of a text: the parser's own word for it, so that an editor offers what the grammar takes.

use chumsky::prelude::*;

use super::input::Expected;
use super::{items, prepare};
use crate::diagnostics::Diagnostics;
use crate::source::{FileId, Span};
use crate::syntax::lexer::{self, Token, TokenKind};

/// Everything that the grammar takes behind `before`.
pub(crate) fn expected(before: &str) -> Expected {
    let mut ignored = Diagnostics::default();
    let mut tokens = lexer::lex(FileId(0), before, &mut ignored);
    let Ok(end_of_text) = u32::try_from(before.len()) else {
        return Expected::default();
    };
    // A token that fits nowhere: the parser stops at it and says what it waited for.
    tokens.push(Token {
        kind: TokenKind::Unknown,
        span: Span::new(FileId(0), end_of_text, end_of_text),
    });
    let toks = prepare::prepare(before, &tokens, &mut ignored);
    let Some(stop) = toks
        .iter()
        .find(|tok| tok.kind == TokenKind::Unknown && tok.span.start == end_of_text)
    else {
        return Expected::default();
    };
    let (_, oops) = items::items(before)
        .then_ignore(end())
        .parse(toks.as_slice())
        .into_output_errors();
    let here = oops.into_iter().filter(|oops| oops.at == stop.index);
    here.fold(Expected::default(), |all, oops| all.union(oops.expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parser::input::Concept;

    #[track_caller]
    fn check(before: &str, keywords: &[&str], concepts: &[Concept]) {
        let found = expected(before);
        for keyword in keywords {
            assert!(
                found.keywords().any(|kw| kw.text() == *keyword),
                "{keyword} behind `{before}`"
            );
        }
        for concept in concepts {
            assert!(found.has(*concept), "{concept:?} behind `{before}`: {found:?}");
        }
    }

    #[test]
    fn the_grammar_says_what_comes_next() {
        check("", &[], &[Concept::Item]);
        check("namespace shop {\n    ", &[], &[Concept::Item]);
        check(
            "namespace shop {\n    workload web {\n        allow ",
            &[],
            &[Concept::Caller],
        );
        check(
            "namespace shop {\n    workload web {\n        allow anyone ",
            &["to", "or"],
            &[],
        );
        check(
            "namespace shop {\n    workload web {\n        allow anyone to ",
            &[],
            &[Concept::Operation],
        );
        check(
            "namespace shop {\n    workload web {\n        allow anyone to any ",
            &["when", "as", "including"],
            &[Concept::Item],
        );
        check(
            "namespace shop {\n    workload web {\n        mtls ",
            &[],
            &[Concept::Value],
        );
        check("issuer a {\n    ", &[], &[Concept::IssuerItem]);
        check("identity a = ns b or ", &[], &[Concept::Caller]);
        check("use std/http (", &[], &[Concept::Name]);
    }
}
