//! Findings for a person at a terminal. The only user of `ariadne`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use ariadne::{Cache, Color, Config, IndexType, Label, Report, ReportKind, Source};

use super::{Place, environments_note};
use crate::diagnostics::{Diagnostic, Severity};
use crate::source::{FileId, Position, SourceMap, Span, Unit};

/// Lines beyond this are not drawn: they are made by programs, and would fill the screen.
const LONGEST_LINE: usize = 500;

/// How a report may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted: only the caller knows where the text goes.
    pub color: bool,
}

/// Every finding with its lines, a blank line between them.
#[must_use]
pub fn human(sources: &SourceMap, diagnostics: &[Diagnostic], style: Style) -> String {
    let mut texts = Texts {
        sources,
        drawn: BTreeMap::new(),
    };
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let report = report(&mut texts, diagnostic, style);
        // ariadne pads lines with blanks.
        for line in report.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn report(texts: &mut Texts<'_>, d: &Diagnostic, style: Style) -> String {
    let (word, color) = match d.severity {
        Severity::Error => ("error", Color::Red),
        Severity::Warning => ("warning", Color::Yellow),
        Severity::Note => ("note", Color::Cyan),
    };
    let kind = format!("{word}[{} {}]", d.code.id, d.code.name);
    let message = plain(&d.message);
    let mut advice: Vec<String> = Vec::new();
    advice.extend(environments_note(d).map(|note| format!("note: {note}")));
    let helps = d
        .help
        .iter()
        .filter(|help| d.fixes.iter().all(|fix| fix.title != **help));
    advice.extend(helps.map(|help| format!("help: {}", plain(help))));
    advice.extend(d.fixes.iter().map(|fix| format!("fix: {}", plain(&fix.title))));

    let spans: Vec<Span> = std::iter::once(&d.primary)
        .chain(&d.secondary)
        .map(|label| label.span)
        .collect();
    let drawn = texts
        .span(d.primary.span)
        .filter(|_| spans.iter().all(|span| texts.fits(*span)));
    let Some(span) = drawn else {
        return without_drawing(texts.sources, d, &format!("{kind}: {message}"), &advice);
    };
    // Labels of one file in the order of their lines, the file of the finding first: ariadne then draws one box a file.
    let here = if d.primary.message.is_empty() {
        "here"
    } else {
        &d.primary.message
    };
    let mut labels = vec![(false, span.clone(), color, plain(here))];
    for label in &d.secondary {
        if let Some(place) = texts.span(label.span) {
            labels.push((place.0 != span.0, place, Color::Blue, plain(&label.message)));
        }
    }
    labels.sort_by_key(|(elsewhere, place, ..)| (*elsewhere, place.0, place.1.end, place.1.start));
    let labels = labels
        .into_iter()
        .map(|(_, place, color, message)| Label::new(place).with_color(color).with_message(message));
    let report = Report::build(ReportKind::Custom(&kind, color), span)
        .with_config(Config::new().with_index_type(IndexType::Char).with_color(style.color))
        .with_message(message)
        .with_labels(labels)
        .finish();
    let mut bytes = Vec::new();
    let _infallible = report.write(&mut *texts, &mut bytes);
    let mut out = String::from_utf8_lossy(&bytes).into_owned();
    if !style.color {
        out = without_colors(&out);
    }
    for line in advice {
        let _infallible = writeln!(out, "  {line}");
    }
    out
}

/// A report of a finding on a file as a whole, or where lines are too long to be drawn.
fn without_drawing(sources: &SourceMap, d: &Diagnostic, title: &str, advice: &[String]) -> String {
    let place = Place::of(sources, d.primary.span);
    let mut out = format!("{title}\n   ╰─ {}", plain(place.file));
    if !is_whole_file(d.primary.span) {
        let _infallible = write!(out, ":{}:{}", place.start.0, place.start.1);
    }
    out.push('\n');
    for line in advice {
        let _infallible = writeln!(out, "  {line}");
    }
    out
}

/// A finding on no place in particular: its file cannot be read, or lacks something.
fn is_whole_file(span: Span) -> bool {
    span.start == 0 && span.end == 0
}

/// The text without escape sequences: ariadne colours the first word of a report whatever its configuration says. All
/// such sequences are ariadne's, because [`drawable`] and [`plain`] let none through.
fn without_colors(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('\u{1b}');
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        out.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

/// The texts as ariadne draws them.
struct Texts<'a> {
    sources: &'a SourceMap,
    drawn: BTreeMap<FileId, Source<String>>,
}

/// A range of characters. ariadne can be given bytes, but then takes the places of labels in other files for bytes where
/// they are characters, and cuts characters in two.
type DrawnSpan = (FileId, std::ops::Range<usize>);

impl Texts<'_> {
    /// A span that lies in its text and covers something; `None` where there is nothing to show.
    fn span(&mut self, span: Span) -> Option<DrawnSpan> {
        let text = self.sources.text(span.file);
        if text.trim().is_empty() || is_whole_file(span) {
            return None;
        }
        let (start, end) = self.sources.positions(span, Unit::Character);
        let source = self.source(span.file);
        let offset = |at: Position| Some(source.line(at.line as usize)?.offset() + at.column as usize);
        let (mut start, end) = (offset(start)?, offset(end)?);
        // At the end of the text there is no character to underline: its last one stands for it.
        if start >= source.len() {
            start = text.trim_end().chars().count().saturating_sub(1);
        }
        Some((span.file, start..end.max(start + 1).min(source.len())))
    }

    /// Whether a terminal could show the lines at the ends of a span.
    fn fits(&self, span: Span) -> bool {
        let Some(file) = self.sources.get(span.file) else {
            return false;
        };
        let (start, end) = self.sources.positions(span, Unit::Character);
        let mut lines = [start.line, end.line].into_iter();
        lines.all(|line| file.lines().line(&file.text, line).len() <= LONGEST_LINE)
    }

    fn source(&mut self, id: FileId) -> &Source<String> {
        let sources = self.sources;
        self.drawn
            .entry(id)
            .or_insert_with(|| Source::from(drawable(sources.text(id))))
    }
}

impl Cache<FileId> for &mut Texts<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<String>, impl fmt::Debug> {
        Ok::<_, fmt::Error>(self.source(*id))
    }

    fn display<'a>(&self, id: &'a FileId) -> Option<impl fmt::Display + 'a> {
        Some(plain(self.sources.path(*id)))
    }
}

/// The text with something harmless for every character that would confuse a terminal, and for what
/// ariadne takes as the end of a line but this language does not.
fn drawable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if chars.peek() == Some(&'\n') => out.push(c),
            c if is_unsafe(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The text with escapes for what would confuse a terminal.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, line separators, and the marks that reverse the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
