//! Key sets in JSON, as far as reading them: what each key must have, and which are private.

use serde_json::{Map, Value};

/// The indices of the keys that are private or symmetric; or what is wrong.
pub(super) fn read(text: &str) -> Result<Vec<usize>, String> {
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
    for field in needs
        .iter()
        .copied()
        .chain((private && key.contains_key("d")).then_some("d"))
    {
        let Some(value) = key.get(field) else {
            return Err(format!("lacks `{field}`"));
        };
        let Some(text) = value.as_str() else {
            return Err(format!("has a `{field}` that is no string"));
        };
        if field != "crv" && !is_base64(text) {
            return Err(format!("has a `{field}` that is not base64url"));
        }
    }
    for field in ["kid", "alg", "use"] {
        if key.get(field).is_some_and(|value| !value.is_string()) {
            return Err(format!("has a `{field}` that is no string"));
        }
    }
    Ok(private)
}

/// In either alphabet, padded or not, as common readers take it.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'\n' | b'\r');
    body.bytes().all(fits) && body.len() % 4 != 1
}
