//! The parameters of the template or issuer whose arguments are being written.

use super::analysis::Analysis;
use super::completion::params_of;
use super::document::Document;
use super::items;
use crate::syntax::ast::{Arg, Param, ParamKind};
use crate::syntax::lexer::{Token, TokenKind};

/// What arguments there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `name(parameter, …)`.
    pub label: String,
    /// Each parameter as it stands in the label.
    pub parameters: Vec<String>,
    /// The one that is being written.
    pub active: Option<usize>,
}

/// What is known of the parentheses around an offset.
pub(super) fn signature(analysis: &Analysis, document: &Document, offset: u32) -> Option<Signature> {
    let tokens: Vec<&Token> = document
        .parsed()
        .tokens
        .iter()
        .filter(|token| token.span.end <= offset && !token.kind.is_trivia())
        .collect();
    let text = |token: &Token| document.text().get(token.span.range()).unwrap_or_default();
    let mut depth = 0u32;
    let mut commas = 0usize;
    let mut named = None;
    for (at, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            TokenKind::CloseParen | TokenKind::CloseBracket => depth += 1,
            TokenKind::OpenParen | TokenKind::OpenBracket if depth > 0 => depth -= 1,
            TokenKind::OpenBracket => commas = 0,
            TokenKind::OpenBrace | TokenKind::CloseBrace => return None,
            TokenKind::Comma if depth == 0 => commas += 1,
            TokenKind::Colon if depth == 0 && commas == 0 => {
                let name = at.checked_sub(1).and_then(|at| tokens.get(at));
                named = named.or(name.map(|name| text(name).to_owned()));
            }
            TokenKind::OpenParen => {
                let name = text(tokens.get(at.checked_sub(1)?)?);
                let params = params_of(analysis, name)?;
                return Some(of(name, &params, named.as_deref(), commas));
            }
            _ => {}
        }
    }
    None
}

fn of(name: &str, params: &[Param], named: Option<&str>, commas: usize) -> Signature {
    let parameters: Vec<String> = params.iter().map(param).collect();
    let active = match named {
        Some(named) => params.iter().position(|param| param.name.text == named),
        None => (commas < params.len()).then_some(commas),
    };
    Signature {
        label: format!("{name}({})", parameters.join(", ")),
        parameters,
        active,
    }
}

fn param(param: &Param) -> String {
    let kind = match param.kind {
        ParamKind::Value => "",
        ParamKind::Identity => "identity ",
        ParamKind::Operation => "operation ",
        ParamKind::Issuer => "issuer ",
    };
    let default = param.default.as_ref().map_or(String::new(), |arg| match arg {
        Arg::One(value) => format!(" = {}", items::text(value)),
        Arg::List(values, _) => {
            let values: Vec<String> = values.iter().map(items::text).collect();
            format!(" = [{}]", values.join(", "))
        }
    });
    format!("{kind}{}{default}", param.name.text)
}
