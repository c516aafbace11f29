//! Key sets in JSON, as far as reading them: what each key must have, and which are private.

use serde_json::{Map, Value};

/// The indices of the keys that are private or symmetric; or what is wrong.
pub(in crate::backends) fn read(text: &str) -> Result<Vec<usize>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON ({error})"))?;
    let Value::Object(set) = value else {
        return Err("it is no JSON object".to_owned());
    };
    let keys = match set.get("keys") {
        Some(Value::Array(keys)) => keys.clone(),
        Some(Value::Null) => Vec::new(),
        Some(_) => return Err("`keys` is no list".to_owned()),
        // A single key is read as a set of one.
        None => vec![Value::Object(set)],
    };
    let mut private = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let Value::Object(key) = key else {
            return Err(format!("key {index} is no JSON object"));
        };
        if is_private(key).map_err(|wrong| format!("key {index} {wrong}"))? {
            private.push(index);
        }
    }
    Ok(private)
}

fn is_private(key: &Map<String, Value>) -> Result<bool, String> {
    let private = key.contains_key("d");
    let (needs, private): (&[&str], bool) = match key.get("kty").and_then(Value::as_str) {
        Some("RSA") => (&["n", "e"], private),
        Some("EC") => (&["crv", "x", "y"], private),
        Some("OKP") => (&["crv", "x"], private),
        Some("oct") => (&["k"], true),
        Some(other) => return Err(format!("has the unknown type `{other}`")),
        None => return Err("has no `kty`".to_owned()),
    };
    for field in needs {
        if !key.contains_key(*field) {
            return Err(format!("lacks `{field}`"));
        }
    }
    // A null counts as being there, and nothing more is asked of it.
    for (field, value) in key.iter().filter(|(_, value)| !value.is_null()) {
        let fits = match field.as_str() {
            "d" | "n" | "e" | "x" | "y" | "k" => is_text(value, is_base64),
            "p" | "q" | "dp" | "dq" | "qi" if private => is_text(value, is_base64),
            "crv" | "kid" | "alg" | "use" | "x5t" | "x5t#S256" => value.is_string(),
            "key_ops" => are_texts(value, |_| true),
            // Certificates in DER all start alike.
            "x5c" => are_texts(value, |text| is_base64(text) && text.starts_with('M')),
            _ => true,
        };
        if !fits {
            return Err(format!("has a `{field}` that cannot be read"));
        }
    }
    Ok(private)
}

fn is_text(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    value.as_str().is_some_and(fits)
}

fn are_texts(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    let texts = |list: &Vec<Value>| list.iter().all(|item| is_text(item, &fits));
    value.as_array().is_some_and(texts)
}

/// In either alphabet, with its padding or without.
fn is_base64(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let alphabet = |extra: &[u8]| body.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b));
    let padded = padding == 0 || (padding < 3 && text.len().is_multiple_of(4));
    padded && body.len() % 4 != 1 && (alphabet(b"-_") || alphabet(b"+/"))
}
