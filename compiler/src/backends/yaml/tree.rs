//! YAML text to a small tree in which every value and key has its place: the door to `saphyr-parser`.
//!
//! A file is cut into documents as Kubernetes' clients cut it, at lines of `---`, so that a broken document does not hide
//! those after it. Plain words are read as those clients read them (`yes` is a boolean, `0x50` a number). An alias shares
//! what it stands for, so memory is bounded by the text; what walking it would cost is counted and has a limit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::words::resolve;
use crate::source::{FileId, Span};

/// How deep a document may nest: far deeper than any object of Kubernetes.
const MOST_DEPTH: usize = 100;

/// How many values and keys a document may have as it is written: far more than a whole cluster has, and few enough that a
/// file takes no more than about a gigabyte.
const MOST_VALUES: usize = 4_000_000;

/// How many values a document may have once its aliases are followed, beyond those that are written.
const MOST_ALIASED: usize = 100_000;

/// A value with its place; of an aliased value, the place where it is written.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
    /// How many values it holds, aliases followed.
    weight: usize,
}

#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Whole(i128),
    Real(f64),
    Text(String),
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Rc<Node>,
}

/// Why a document cannot be read.
#[derive(Debug)]
pub(crate) enum Problem {
    /// What the parser says.
    Syntax {
        span: Span,
        message: String,
    },
    /// A tab where only spaces may indent.
    Tab(Span),
    /// A tab where only a space may separate.
    InnerTab(Span),
    DuplicateKey {
        span: Span,
        first: Span,
        key: String,
    },
    /// A mapping or nothing, as a key.
    OddKey(Span),
    /// `<<` with something that is no mapping.
    OddMerge(Span),
    TooDeep(Span),
    /// More values than any cluster has.
    TooLong(Span),
    /// Aliases of aliases that stand for too much.
    TooMuch(Span),
    /// A second document that does not start on a line of its own: Kubernetes' clients do not read it.
    Hidden(Span),
}

impl Node {
    /// The entries; none of anything but a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items; none of anything but a list.
    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| entry.value.as_ref())
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of this key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// The items of this key.
    pub(crate) fn items_of(&self, key: &str) -> &[Rc<Node>] {
        self.get(key).map_or(&[], Self::items)
    }

    /// The texts in the list of this key, with their nodes.
    pub(crate) fn texts_of(&self, key: &str) -> impl Iterator<Item = (&str, &Node)> {
        let items = self.items_of(key).iter();
        items.filter_map(|item| item.text().map(|text| (text, item.as_ref())))
    }
}

/// Cuts a text into parts of whole documents that can be read each for itself, and that hold at least so many bytes
/// where there are more documents.
pub(crate) fn parts(text: &str, least: usize) -> Vec<Range<usize>> {
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (start, chunk) in chunks(text, mark..text.len()) {
        match parts.last_mut() {
            Some(last) if last.len() < least => last.end = start + chunk.len(),
            _ => parts.push(start..start + chunk.len()),
        }
    }
    parts
}

/// Reads every document of a text.
pub(crate) fn read(file: FileId, text: &str) -> Vec<Result<Rc<Node>, Problem>> {
    let parts = parts(text, usize::MAX).into_iter();
    parts.flat_map(|part| documents(file, text, part)).collect()
}

/// Reads every document of a part of a text; one that cannot be read is a problem, and the others are read all the same.
pub(crate) fn documents(
    file: FileId,
    text: &str,
    part: Range<usize>,
) -> impl Iterator<Item = Result<Rc<Node>, Problem>> {
    chunks(text, part).into_iter().flat_map(move |(start, chunk)| {
        let mut documents = Vec::new();
        read_chunk((file, start, chunk), MOST_VALUES, &mut documents);
        documents
    })
}

/// Cuts a part of a text at the lines that are `---` and nothing more than a comment.
fn chunks(text: &str, part: Range<usize>) -> Vec<(usize, &str)> {
    let (mut chunks, mut start, mut at) = (Vec::new(), part.start, part.start);
    for line in text.get(part.clone()).unwrap_or("").split_inclusive('\n') {
        let rest = line.strip_prefix("---").map(str::trim);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
            chunks.push((start, text.get(start..at).unwrap_or("")));
            start = at + line.len();
        }
        at += line.len();
    }
    chunks.push((start, text.get(start..part.end).unwrap_or("")));
    chunks
}

/// Reads a chunk that starts at a byte of a file, of so many values and keys at `most`.
fn read_chunk(
    (file, start, chunk): (FileId, usize, &str),
    most: usize,
    documents: &mut Vec<Result<Rc<Node>, Problem>>,
) {
    // JSON may be indented with tabs, which YAML forbids; no string of it holds one.
    let json = chunk.trim_start().starts_with('{')
        && chunk.contains('\t')
        && serde_json::from_str::<serde::de::IgnoredAny>(chunk).is_ok();
    let spaced = json.then(|| chunk.replace('\t', " "));
    let chunk = spaced.as_deref().unwrap_or(chunk);
    let places = Places::new(file, start, chunk);
    let mut builder = Builder {
        places,
        anchors: BTreeMap::new(),
        open: Vec::new(),
        root: None,
        aliased: 0,
        written: 0,
        most,
    };
    let mut seen = false;
    for event in Parser::new_from_str(chunk) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) if seen => Err(Problem::Hidden(builder.places.span(span))),
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(syntax(&error, chunk, &builder.places)),
        };
        if let Err(problem) = step {
            documents.push(Err(problem));
            return;
        }
        if let Some(root) = builder.root.take() {
            seen = true;
            if !matches!(root.value, Value::Null) {
                documents.push(Ok(root));
            }
        }
    }
}

fn syntax(error: &ScanError, chunk: &str, places: &Places<'_>) -> Problem {
    let at = error.marker().index();
    if let Some(tab) = indenting_tab(error, chunk) {
        return Problem::Tab(places.at(tab));
    }
    let before = at.checked_sub(1);
    let is_tab = |index: &usize| chunk.chars().nth(*index) == Some('\t');
    match [before, Some(at)].into_iter().flatten().find(is_tab) {
        Some(tab) if error.info().contains("whitespace") => Problem::InnerTab(places.at(tab)),
        _ => Problem::Syntax {
            span: places.at(at),
            message: error.info().to_owned(),
        },
    }
}

/// The tab, by its character, that indents the line of an error; or the line behind it, where the parser speaks of a tab;
/// or the first line with a text, after which nothing fits.
fn indenting_tab(error: &ScanError, chunk: &str) -> Option<usize> {
    let line = error.marker().line();
    let next = error.info().contains("tab").then_some(line + 1);
    let first = chunk.lines().position(|line| !line.trim().is_empty());
    let first = first.map(|at| at + 1).filter(|first| *first < line);
    [Some(line), next, first].into_iter().flatten().find_map(|wanted| {
        let mut start = 0;
        for (number, line) in chunk.split_inclusive('\n').enumerate() {
            if number + 1 == wanted {
                let blank = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
                return blank.enumerate().find(|(_, c)| *c == '\t').map(|(at, _)| start + at);
            }
            start += line.chars().count();
        }
        None
    })
}

/// From characters of a chunk to bytes of the file.
struct Places<'t> {
    file: FileId,
    start: usize,
    text: &'t str,
    /// The byte of every 256th character; empty where bytes and characters are the same.
    marks: Vec<(usize, String)>,
}

impl<'t> Places<'t> {
    fn new(file: FileId, start: usize, chunk: &'t str) -> Self {
        let mut marks = Vec::new();
        if !chunk.is_ascii() {
            let mut block = String::new();
            let mut block_start = 0;
            for (count, (at, c)) in chunk.char_indices().enumerate() {
                if count > 0 && count % 256 == 0 {
                    marks.push((block_start, std::mem::take(&mut block)));
                    block_start = at;
                }
                block.push(c);
            }
            marks.push((block_start, block));
        }
        Self {
            file,
            start,
            text: chunk,
            marks,
        }
    }

    fn byte(&self, index: usize) -> u32 {
        let inside = if self.marks.is_empty() {
            index
        } else {
            self.marks.get(index / 256).map_or(self.text.len(), |(start, block)| {
                let within = block.char_indices().nth(index % 256);
                start + within.map_or(block.len(), |(at, _)| at)
            })
        };
        u32::try_from(self.start + inside.min(self.text.len())).unwrap_or(u32::MAX)
    }

    fn at(&self, index: usize) -> Span {
        let start = self.byte(index);
        Span::new(self.file, start, self.byte(index + 1).max(start))
    }

    /// Where the text of a span ends, without the blanks behind it.
    fn trimmed(&self, span: Span) -> u32 {
        let inside = |at: u32| (at as usize).saturating_sub(self.start);
        let text = self.text.get(inside(span.start)..inside(span.end)).unwrap_or("");
        let blanks = text.len() - text.trim_end().len();
        span.end.saturating_sub(u32::try_from(blanks).unwrap_or(0))
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span::new(self.file, self.byte(span.start.index()), self.byte(span.end.index()))
    }
}

/// A mapping or list that is not closed yet.
struct Open {
    span: Span,
    /// The end of what was written in it last.
    last: Span,
    anchor: usize,
    weight: usize,
    content: Content,
}

enum Content {
    List(Vec<Rc<Node>>),
    Map {
        entries: Vec<Entry>,
        keys: BTreeMap<String, Span>,
        key: Option<Key>,
    },
}

enum Key {
    Name(String, Span),
    /// `<<`
    Merge(Span),
}

struct Builder<'t> {
    places: Places<'t>,
    anchors: BTreeMap<usize, Rc<Node>>,
    open: Vec<Open>,
    root: Option<Rc<Node>>,
    aliased: usize,
    /// The values and keys so far, and how many there may be.
    written: usize,
    most: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> Result<(), Problem> {
        let mut span = self.places.span(span);
        let is_value = matches!(
            event,
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_)
        );
        self.written += usize::from(is_value);
        if self.written > self.most {
            return Err(Problem::TooLong(span));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    span.end = self.places.trimmed(span);
                }
                self.touch(span);
                let plain = style == ScalarStyle::Plain;
                if plain && &*text == "<<" && tag.is_none() && self.awaits_key() {
                    return self.key(Key::Merge(span));
                }
                let value = scalar(&text, plain, tag.as_deref());
                let node = Rc::new(Node { span, value, weight: 1 });
                self.remember(anchor, &node);
                self.add(node)
            }
            Event::SequenceStart(anchor, _) => self.start(span, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    keys: BTreeMap::new(),
                    key: None,
                };
                self.start(span, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::Syntax {
                        span,
                        message: "the alias stands inside of what it refers to".to_owned(),
                    });
                };
                self.touch(span);
                self.aliased = self.aliased.saturating_add(node.weight);
                if self.aliased > MOST_ALIASED {
                    return Err(Problem::TooMuch(span));
                }
                self.add(node)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(node));
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Map { key: None, .. },
                ..
            })
        )
    }

    fn start(&mut self, span: Span, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.awaits_key() {
            return Err(Problem::OddKey(span));
        }
        if self.open.len() >= MOST_DEPTH {
            return Err(Problem::TooDeep(span));
        }
        self.open.push(Open {
            span,
            last: span,
            anchor,
            weight: 1,
            content,
        });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        // A block ends where the next thing starts; what is written of it ends earlier.
        let end = if end.start < end.end { end } else { open.last };
        let span = open.span.to(end);
        self.touch(span);
        let node = Rc::new(Node {
            span,
            value,
            weight: open.weight,
        });
        self.remember(open.anchor, &node);
        self.add(node)
    }

    /// Notes what was written last in what is open.
    fn touch(&mut self, span: Span) {
        if let Some(open) = self.open.last_mut()
            && span.start < span.end
        {
            open.last = span;
        }
    }

    fn key(&mut self, next: Key) -> Result<(), Problem> {
        if let Some(Open {
            content: Content::Map { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some(next);
        }
        Ok(())
    }

    fn add(&mut self, node: Rc<Node>) -> Result<(), Problem> {
        if self.awaits_key() {
            let name = name(&node.value).ok_or(Problem::OddKey(node.span))?;
            return self.key(Key::Name(name, node.span));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight = open.weight.saturating_add(node.weight);
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, keys, key } => match key.take() {
                Some(Key::Name(name, span)) => {
                    let entry = Entry {
                        key: name,
                        key_span: span,
                        value: node,
                    };
                    insert(entries, keys, entry, span)?;
                }
                Some(Key::Merge(span)) => {
                    let sources = match &node.value {
                        Value::List(items) => items.clone(),
                        _ => vec![node],
                    };
                    for source in sources {
                        let Value::Map(merged) = &source.value else {
                            return Err(Problem::OddMerge(span));
                        };
                        for entry in merged {
                            insert(entries, keys, entry.clone(), span)?;
                        }
                    }
                }
                None => {}
            },
        }
        Ok(())
    }
}

/// Readers of YAML differ on which of two equal keys counts, a merged one and a written one included.
fn insert(entries: &mut Vec<Entry>, keys: &mut BTreeMap<String, Span>, entry: Entry, at: Span) -> Result<(), Problem> {
    if let Some(first) = keys.get(&entry.key) {
        return Err(Problem::DuplicateKey {
            span: at,
            first: *first,
            key: entry.key,
        });
    }
    keys.insert(entry.key.clone(), at);
    entries.push(entry);
    Ok(())
}

fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Value {
    match tag {
        Some(tag) => match core_type(tag) {
            Some("str" | "binary") => Value::Text(text.to_owned()),
            Some(_) => resolve(text),
            None if plain => resolve(text),
            None => Value::Text(text.to_owned()),
        },
        _ if plain => resolve(text),
        _ => Value::Text(text.to_owned()),
    }
}

/// The type that a tag of YAML itself names, in its short or its long form.
fn core_type(tag: &Tag) -> Option<&str> {
    if tag.is_yaml_core_schema() {
        return Some(&tag.suffix);
    }
    tag.suffix.strip_prefix("tag:yaml.org,2002:")
}

/// A key as JSON has it: a text.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Whole(number) => Some(number.to_string()),
        Value::Real(number) if number.is_nan() => Some(".nan".to_owned()),
        Value::Real(number) if number.is_infinite() => Some(".inf".to_owned()),
        Value::Real(number) => Some(number.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a document of so many values at most ends, or is given up.
    fn read(text: &str, most: usize) -> Result<Span, Span> {
        let mut documents = Vec::new();
        read_chunk((FileId::default(), 0, text), most, &mut documents);
        let [document] = documents.as_slice() else {
            panic!("{} documents", documents.len())
        };
        match document {
            Ok(root) => Ok(root.span),
            Err(Problem::TooLong(span)) => Err(*span),
            Err(problem) => panic!("{problem:?}"),
        }
    }

    #[test]
    fn a_document_of_too_many_values_is_given_up_at_the_first_that_is_too_many() {
        let text = "a: [1, 2, 3]\nb: 4\n";
        assert!(read(text, 8).is_ok());
        let at = |span: Span| text.get(span.start as usize..span.end as usize);
        assert_eq!(read(text, 7).map_err(at), Err(Some("4")));
        assert_eq!(read(text, 6).map_err(at), Err(Some("b")));
    }
}
