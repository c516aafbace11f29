//! From the words of `meshc::ide` to those of the protocol.

pub(crate) mod reading;
pub(crate) mod writing;

use std::path::Path;

use meshc::ide::{
    Diagnostic, Edit, FileRange, Fold, FoldKind, Highlight, Severity, Symbol, SymbolKind, Tag, TextRange,
};
use meshc::ide::{Document, reference};
use meshc::source::{Position, Unit};
use tower_lsp_server::ls_types as lsp;

use crate::session::Context;

/// The address of a file.
pub(crate) fn uri(path: &Path) -> Option<lsp::Uri> {
    lsp::Uri::from_file_path(path)
}

pub(crate) const fn position(position: Position) -> lsp::Position {
    lsp::Position {
        line: position.line,
        character: position.column,
    }
}

/// A range of an open text.
pub(crate) fn range(document: &Document, range: &TextRange, unit: Unit) -> lsp::Range {
    let at = |offset| position(document.lines().position(document.text(), offset, unit));
    lsp::Range::new(at(range.start), at(range.end))
}

/// A range of any text of a project.
pub(crate) fn range_in(context: &Context, path: &Path, range: &TextRange) -> Option<lsp::Range> {
    let at = |offset| context.snapshot.position(path, offset, context.session.unit);
    Some(lsp::Range::new(position(at(range.start)?), position(at(range.end)?)))
}

pub(crate) fn location(context: &Context, place: &FileRange) -> Option<lsp::Location> {
    Some(lsp::Location {
        uri: uri(&place.path)?,
        range: range_in(context, &place.path, &place.range)?,
    })
}

pub(crate) fn edit(document: &Document, edit: &Edit, unit: Unit) -> lsp::TextEdit {
    lsp::TextEdit::new(range(document, &edit.range, unit), edit.text.clone())
}

/// A finding; `library` is the folder of the pages.
pub(crate) fn diagnostic(context: &Context, path: &Path, d: &Diagnostic, library: &Path) -> Option<lsp::Diagnostic> {
    let related: Vec<_> = d
        .related
        .iter()
        .filter_map(|related| {
            Some(lsp::DiagnosticRelatedInformation {
                location: location(context, &related.place)?,
                message: related.message.clone(),
            })
        })
        .collect();
    Some(lsp::Diagnostic {
        range: range_in(context, path, &d.range)?,
        severity: Some(severity(d.severity)),
        code: Some(lsp::NumberOrString::String(d.name.to_owned())),
        code_description: uri(&library.join(reference::page(d.id))).map(|href| lsp::CodeDescription { href }),
        source: Some("meshc".to_owned()),
        message: d.message.clone(),
        related_information: (!related.is_empty()).then_some(related),
        tags: d.tag.map(|tag| match tag {
            Tag::Unnecessary => vec![lsp::DiagnosticTag::UNNECESSARY],
        }),
        data: None,
    })
}

const fn severity(severity: Severity) -> lsp::DiagnosticSeverity {
    match severity {
        Severity::Error => lsp::DiagnosticSeverity::ERROR,
        Severity::Warning => lsp::DiagnosticSeverity::WARNING,
        Severity::Note => lsp::DiagnosticSeverity::INFORMATION,
    }
}

/// An entry of an outline with what is in it.
#[expect(deprecated, reason = "the type has a field that the protocol gave up")]
pub(crate) fn symbol(document: &Document, symbol: &Symbol, unit: Unit) -> lsp::DocumentSymbol {
    let children: Vec<_> = symbol
        .children
        .iter()
        .map(|c| self::symbol(document, c, unit))
        .collect();
    lsp::DocumentSymbol {
        name: symbol.name.clone(),
        detail: None,
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: range(document, &symbol.range, unit),
        selection_range: range(document, &symbol.selection, unit),
        children: (!children.is_empty()).then_some(children),
    }
}

/// The entries of an outline one after the other, for clients that know no other form.
#[expect(deprecated, reason = "the type has a field that the protocol gave up")]
pub(crate) fn flat_symbols(
    document: &Document,
    symbols: &[Symbol],
    container: Option<&str>,
    uri: &lsp::Uri,
    unit: Unit,
    out: &mut Vec<lsp::SymbolInformation>,
) {
    for symbol in symbols {
        out.push(lsp::SymbolInformation {
            name: symbol.name.clone(),
            kind: symbol_kind(symbol.kind),
            tags: None,
            deprecated: None,
            location: lsp::Location {
                uri: uri.clone(),
                range: range(document, &symbol.range, unit),
            },
            container_name: container.map(str::to_owned),
        });
        flat_symbols(document, &symbol.children, Some(&symbol.name), uri, unit, out);
    }
}

/// The nearest of the protocol's kinds: icons are chosen by them.
pub(crate) const fn symbol_kind(kind: SymbolKind) -> lsp::SymbolKind {
    match kind {
        SymbolKind::Mesh => lsp::SymbolKind::PACKAGE,
        SymbolKind::Namespace => lsp::SymbolKind::NAMESPACE,
        SymbolKind::Workload => lsp::SymbolKind::CLASS,
        SymbolKind::Service | SymbolKind::Gateway | SymbolKind::Destination => lsp::SymbolKind::INTERFACE,
        SymbolKind::Object => lsp::SymbolKind::OBJECT,
        SymbolKind::Issuer => lsp::SymbolKind::KEY,
        SymbolKind::Identity => lsp::SymbolKind::CONSTANT,
        SymbolKind::Operation => lsp::SymbolKind::METHOD,
        SymbolKind::Template => lsp::SymbolKind::FUNCTION,
        SymbolKind::Param => lsp::SymbolKind::VARIABLE,
        SymbolKind::Rule => lsp::SymbolKind::PROPERTY,
        SymbolKind::Invariant => lsp::SymbolKind::BOOLEAN,
        SymbolKind::Test => lsp::SymbolKind::EVENT,
    }
}

/// A fold by lines; the line that closes a block stays visible.
pub(crate) fn fold(document: &Document, fold: &Fold, unit: Unit) -> Option<lsp::FoldingRange> {
    let range = range(document, &fold.range, unit);
    let end_line = match fold.kind {
        FoldKind::Block => range.end.line.checked_sub(1)?,
        FoldKind::Comment | FoldKind::Imports => range.end.line,
    };
    (end_line > range.start.line).then_some(lsp::FoldingRange {
        start_line: range.start.line,
        end_line,
        kind: match fold.kind {
            FoldKind::Block => None,
            FoldKind::Comment => Some(lsp::FoldingRangeKind::Comment),
            FoldKind::Imports => Some(lsp::FoldingRangeKind::Imports),
        },
        ..lsp::FoldingRange::default()
    })
}

pub(crate) fn highlight(document: &Document, highlight: &Highlight, unit: Unit) -> lsp::DocumentHighlight {
    lsp::DocumentHighlight {
        range: range(document, &highlight.range, unit),
        kind: Some(if highlight.declares {
            lsp::DocumentHighlightKind::WRITE
        } else {
            lsp::DocumentHighlightKind::READ
        }),
    }
}
