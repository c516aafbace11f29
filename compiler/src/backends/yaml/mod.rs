//! Values to YAML as Kubernetes reads it: block style, two spaces, lists at the indent of their key, nothing folded.
//!
//! A crate would do for the layout, but not for the strings: YAML has two sets of rules for what a bare word is, and the
//! readers of a manifest (the API server, kubectl, kustomize, Helm, a linter in Python) do not agree on one. So a string
//! stands bare only if it is text in all of them, and everything else in quotes, with JSON's escapes where it needs any.

pub(crate) mod comments;
pub(crate) mod tree;
mod words;

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde::ser::{self, Impossible};

/// One YAML document, with a newline at its end and without a separator.
///
/// # Errors
///
/// If there is a float or a run of bytes in it, a map whose keys are no scalars, or a variant with several fields, or if
/// `value` itself fails to serialize; none of which the manifests do.
pub fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut emitter = Emitter {
        out: String::with_capacity(TYPICAL_OBJECT),
        scratch: String::new(),
        column: 0,
        place: Place::Start,
    };
    value.serialize(&mut emitter)?;
    emitter.out.push('\n');
    Ok(emitter.out)
}

/// In bytes; most manifests fit without a second allocation.
const TYPICAL_OBJECT: usize = 1024;

/// What cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn unsupported<T>(what: &str) -> Result<T, Error> {
    Err(Error(format!("{what} cannot be written as YAML here")))
}

/// What stands before the value that comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing: it is the document.
    Start,
    /// A key and its colon.
    Key,
    /// The dash of a list item.
    Dash,
    /// Where a key starts: what comes is the key itself, and a string whatever its type.
    Field,
}

struct Emitter {
    out: String,
    /// Holds the text of values that only know how to print themselves.
    scratch: String,
    /// Where the items of the innermost open map or list start.
    column: usize,
    place: Place,
}

impl Emitter {
    fn blank(&mut self) {
        if matches!(self.place, Place::Key | Place::Dash) {
            self.out.push(' ');
        }
    }

    fn line(&mut self, column: usize) {
        const SPACES: &str = "                                                                ";
        self.out.push('\n');
        match SPACES.get(..column) {
            Some(indent) => self.out.push_str(indent),
            None => self.out.extend(std::iter::repeat_n(' ', column)),
        }
    }

    fn bare(&mut self, text: impl fmt::Display) -> Result<(), Error> {
        self.blank();
        let written = if self.place == Place::Field {
            write!(self.out, "\"{text}\"")
        } else {
            write!(self.out, "{text}")
        };
        written.map_err(ser::Error::custom)
    }

    fn string(&mut self, text: &str) {
        self.blank();
        match ink(text) {
            Ink::Bare if is_plain(text) => self.out.push_str(text),
            Ink::Bare | Ink::Quoted => {
                self.out.push('"');
                self.out.push_str(text);
                self.out.push('"');
            }
            Ink::Special if matches!(self.place, Place::Key | Place::Dash) && is_block(text) => self.block(text),
            Ink::Special => quote(&mut self.out, text),
        }
    }

    fn block(&mut self, text: &str) {
        self.out.push_str("|-");
        for line in text.split('\n') {
            if line.is_empty() {
                self.out.push('\n');
            } else {
                self.line(self.column + 2);
                self.out.push_str(line);
            }
        }
    }

    fn open(&mut self, is_list: bool) -> Result<Open<'_>, Error> {
        let column = match self.place {
            Place::Start => 0,
            Place::Key if is_list => self.column,
            Place::Key | Place::Dash => self.column + 2,
            Place::Field => return unsupported("a map or list as a key"),
        };
        Ok(Open {
            column,
            is_list,
            is_empty: true,
            emitter: self,
        })
    }
}

/// A map or list that is being written.
struct Open<'a> {
    emitter: &'a mut Emitter,
    column: usize,
    is_list: bool,
    is_empty: bool,
}

impl Open<'_> {
    /// To where the next item or key starts: the first one of an item stands beside its dash.
    fn next(&mut self) {
        let is_beside = self.is_empty && self.emitter.place != Place::Key;
        if is_beside {
            self.emitter.blank();
        } else {
            self.emitter.line(self.column);
        }
        self.is_empty = false;
        self.emitter.column = self.column;
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        self.emitter.out.push('-');
        self.emitter.place = Place::Dash;
        value.serialize(&mut *self.emitter)
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        self.emitter.place = Place::Field;
        key.serialize(&mut *self.emitter)?;
        self.emitter.out.push(':');
        self.emitter.place = Place::Key;
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.key(key)?;
        value.serialize(&mut *self.emitter)
    }

    fn close(self) {
        if self.is_empty {
            self.emitter.blank();
            self.emitter.out.push_str(if self.is_list { "[]" } else { "{}" });
        }
    }
}

/// What the characters of a text allow.
enum Ink {
    /// Each may stand in a bare word.
    Bare,
    /// Each may stand in double quotes as it is.
    Quoted,
    /// Some need a closer look.
    Special,
}

/// One look at each byte; nearly all that is ever written is settled by it.
fn ink(text: &str) -> Ink {
    const QUOTED: u8 = 1;
    const SPECIAL: u8 = 2;
    #[expect(clippy::indexing_slicing, reason = "the compiler would say so")]
    const FLAGS: [u8; 256] = {
        let mut flags = [SPECIAL; 256];
        let mut byte = b' ';
        while byte < 0x7f {
            flags[byte as usize] = match byte {
                b'"' | b'\\' => SPECIAL,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 0,
                b'-' | b'_' | b'.' | b'/' | b'*' | b'[' | b']' | b'@' | b'+' | b'=' => 0,
                _ => QUOTED,
            };
            byte += 1;
        }
        flags
    };
    let flags = text
        .bytes()
        .map(|byte| FLAGS.get(usize::from(byte)).copied().unwrap_or(SPECIAL));
    match flags.fold(0, |all, flag| all | flag) {
        0 => Ink::Bare,
        QUOTED => Ink::Quoted,
        _ => Ink::Special,
    }
}

/// Whether every reader takes the bare text, all of it [`Ink::Bare`], for a string, and for this one.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.bytes().next() else { return false };
    let starts_well = first.is_ascii_alphabetic() || first == b'/';
    starts_well && text.len() <= 200 && !is_word(text, first)
}

/// Whether the bare text is no string in YAML 1.1 or 1.2.
fn is_word(text: &str, first: u8) -> bool {
    const WORDS: [&str; 11] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    let may_be = text.len() <= 5 && matches!(first.to_ascii_lowercase(), b'y' | b'n' | b'o' | b't' | b'f' | b'i');
    may_be && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a text of several lines can stand as a literal block: it reads better than escapes, and comes back as it is
/// only without blanks at the start of the text, at the end of a line, or a newline at either end.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with('\n')
        && text.split('\n').all(|line| !line.ends_with(' '))
        && !text.chars().any(|c| c != '\n' && must_escape(c))
}

fn quote(out: &mut String, text: &str) {
    // Nothing is special in single quotes but themselves: a key set stays readable.
    if text.contains(['"', '\\']) && !text.chars().any(|c| c == '\'' || must_escape(c)) {
        out.extend(["'", text, "'"]);
        return;
    }
    out.push('"');
    let mut rest = text;
    while let Some((at, c)) = rest
        .char_indices()
        .find(|(_, c)| matches!(c, '"' | '\\') || must_escape(*c))
    {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        escape(out, c);
        rest = found.get(c.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

/// What some reader refuses, or changes, as it is: controls, other line ends, the byte order mark, private use.
const fn must_escape(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
        | '\u{fffe}' | '\u{ffff}' | '\u{f0000}'..)
}

fn escape(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            let code = u32::from(c);
            let (letter, digits) = if code > 0xffff { ('U', 8) } else { ('u', 4) };
            out.extend(['\\', letter]);
            let digit = |at: u32| char::from_digit((code >> (4 * at)) & 0xf, 16).unwrap_or_default();
            out.extend((0..digits).rev().map(digit));
        }
    }
}

impl<'a> ser::Serializer for &'a mut Emitter {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.bare(value)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Error> {
        unsupported("a float")
    }

    fn serialize_f64(self, _: f64) -> Result<(), Error> {
        unsupported("a float")
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.string(value);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        write!(text, "{value}").map_err(ser::Error::custom)?;
        self.string(&text);
        self.scratch = text;
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        unsupported("a run of bytes")
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.bare("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.bare("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.bare("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.string(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.open(false)?.field(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>, Error> {
        self.open(true)
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'a>, Error> {
        self.open(true)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Error> {
        self.open(true)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        unsupported("a variant with several fields")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'a>, Error> {
        self.open(false)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Error> {
        self.open(false)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        unsupported("a variant with several fields")
    }
}

impl ser::SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.emitter)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
