//! JSON as Envoy's protobuf library reads it: laxer than the standard in some ways, stricter in others.
//!
//! It takes single quotes, names without quotes, control characters in strings, and a comma at the end; it refuses a
//! name that stands twice, a number that is too large, a half of a surrogate pair, and what is nested more than 100 deep.

use std::collections::BTreeMap;

use crate::policy::request::Json;

const DEEPEST: usize = 100;

/// The value of a text.
///
/// # Errors
/// What is wrong, and at which byte.
pub fn read(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("something stands behind the value")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        self.at += rest.len() - rest.trim_start_matches(blank).len();
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} (at byte {})", self.at)
    }

    /// Whether the next sign is this one, which is then passed over.
    fn eat(&mut self, sign: char) -> bool {
        let is = self.peek() == Some(sign);
        if is {
            self.at += sign.len_utf8();
        }
        is
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        self.blanks();
        let word = |reader: &mut Self, word: &str, value: Json| {
            if reader.rest().starts_with(word) {
                reader.at += word.len();
                Ok(value)
            } else {
                Err(reader.wrong("a value is expected"))
            }
        };
        match self.peek() {
            Some('{') if depth < DEEPEST => self.object(depth + 1),
            Some('[') if depth < DEEPEST => self.list(depth + 1),
            Some('{' | '[') => Err(self.wrong("it is nested too deep")),
            Some('"' | '\'') => self.string().map(Json::String),
            Some('-' | '0'..='9') => self.number(),
            Some('t') => word(self, "true", Json::Bool(true)),
            Some('f') => word(self, "false", Json::Bool(false)),
            Some('n') => word(self, "null", Json::Null),
            _ => Err(self.wrong("a value is expected")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut members = BTreeMap::new();
        loop {
            self.blanks();
            if self.eat('}') {
                return Ok(Json::Object(members));
            }
            let name = self.name()?;
            self.blanks();
            if !self.eat(':') {
                return Err(self.wrong("a `:` is expected"));
            }
            let value = self.value(depth)?;
            if members.insert(name.clone(), value).is_some() {
                return Err(self.wrong(&format!("`{name}` stands twice")));
            }
            self.blanks();
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.wrong("a `,` or `}` is expected"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.eat(']') {
                return Ok(Json::List(items));
            }
            items.push(self.value(depth)?);
            self.blanks();
            if !self.eat(',') && self.peek() != Some(']') {
                return Err(self.wrong("a `,` or `]` is expected"));
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.string();
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let starts = name.starts_with(|c: char| !c.is_ascii_digit());
        if !starts || ["true", "false", "null"].contains(&name) {
            return Err(self.wrong("a name is expected"));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    fn string(&mut self) -> Result<String, String> {
        let quote = self.next();
        let mut out = String::new();
        loop {
            match self.next() {
                None => return Err(self.wrong("a string does not end")),
                end if end == quote => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                Some(char) => out.push(char),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        Ok(match self.next() {
            Some(same @ ('"' | '\'' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u' | 'U') => {
                let first = self.hex()?;
                let mut units = vec![first];
                if (0xD800..0xDC00).contains(&first) && (self.eat('\\') && (self.eat('u') || self.eat('U'))) {
                    units.push(self.hex()?);
                }
                match char::decode_utf16(units).collect::<Result<Vec<char>, _>>().as_deref() {
                    Ok([char]) => *char,
                    _ => return Err(self.wrong("half of a surrogate pair stands alone")),
                }
            }
            _ => return Err(self.wrong("there is no such escape")),
        })
    }

    fn hex(&mut self) -> Result<u16, String> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.wrong("`\\u` wants four hexadecimal digits"))
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let rest = reader.rest();
            let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            reader.at += count;
            count
        };
        self.eat('-');
        let leading_zero = self.peek() == Some('0');
        let mut good = match digits(self) {
            0 => false,
            count => count == 1 || !leading_zero,
        };
        if self.eat('.') {
            good &= digits(self) > 0;
        }
        if self.eat('e') || self.eat('E') {
            let _sign = self.eat('+') || self.eat('-');
            good &= digits(self) > 0;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if good && number.is_finite() => Ok(Json::Number(number)),
            _ => Err(self.wrong("this is no number")),
        }
    }
}
