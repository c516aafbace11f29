//! JSON that people and their scripts write, in which no name stands twice: readers differ on which one counts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a text.
///
/// # Errors
/// Why it is no such JSON, with the column in characters.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let read = serde_json::from_str::<Strict>(text);
    read.map(|strict| strict.0).map_err(|error| fault(text, &error))
}

fn fault(text: &str, error: &serde_json::Error) -> String {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or("");
    // The parser counts bytes, the one that it could not take included.
    let before = line.get(..error.column().saturating_sub(1)).unwrap_or(line);
    let column = before.chars().count() + 1;
    if error.is_data() {
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        return format!("{said}, at column {column}");
    }
    if error.is_eof() {
        return format!("this is no JSON: it ends too early, at column {column}");
    }
    if let Some(sign) = line.chars().nth(column - 1).filter(|sign| sign.is_ascii_control()) {
        let code = u32::from(sign);
        let escaped = if sign == '\t' {
            "\\t".to_owned()
        } else {
            format!("\\u{code:04x}")
        };
        return format!("this is no JSON from column {column} on: a control character is written `{escaped}`");
    }
    let rest: String = line.chars().skip(column - 1).take(12).collect();
    format!("this is no JSON from column {column} on: `{rest}`")
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_string<E>(self, it: String) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{name}` stands twice in one object")));
            }
            let Strict(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_has_a_column() {
        let cases = [
            ("no", "this is no JSON from column 2 on: `o`"),
            ("{\"é\": tru}", "this is no JSON from column 10 on: `}`"),
            ("{\"a\": [1,", "this is no JSON: it ends too early, at column 9"),
            ("{\"a\": 1, }", "this is no JSON from column 10 on: `}`"),
            (
                "{\"a\": \"b\tc\"}",
                "this is no JSON from column 9 on: a control character is written `\\t`",
            ),
            (
                "\"\u{1}\"",
                "this is no JSON from column 2 on: a control character is written `\\u0001`",
            ),
            ("{} {}", "this is no JSON from column 4 on: `{}`"),
            ("{\"a\": 1, \"a\": 2}", "`a` stands twice in one object, at column 12"),
        ];
        for (text, said) in cases {
            assert_eq!(read(text), Err(said.to_owned()), "{text}");
        }
        let text = r#"{"a":[null,true,-1,1,0.5,"x",{"b":{}}]}"#;
        assert_eq!(read(text).map(|value| value.to_string()), Ok(text.to_owned()));
    }
}
