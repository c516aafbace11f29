//! What an unquoted word of YAML is, as Kubernetes' clients read it: YAML 1.1 without its base 60.

use super::tree::Value;

/// The value of an unquoted scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Flag(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Flag(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Real(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Real(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Real(f64::NEG_INFINITY),
        _ => {}
    }
    let text_value = || Value::Text(text.to_owned());
    match text.bytes().next() {
        Some(b'.') => decimal(text).map_or_else(text_value, Value::Real),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            if let Some(number) = whole(&plain) {
                return Value::Whole(number);
            }
            decimal(&plain).map_or_else(text_value, Value::Real)
        }
        _ => text_value(),
    }
}

/// An integer in Go's notation: `0x`, `0o`, `0b`, and a leading `0` for octal.
fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if negative { -number } else { number };
    // Above, it is a floating number.
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&number)
        .then_some(number)
}

/// `[-+]?(.digits | digits[.digits])([eE][-+]?digits)?`, digits with or without a point.
fn decimal(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, Some(body.get(at + 1..)?)),
        None => (body, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", after)) => digits(after),
        Some((before, after)) => digits(before) && (after.is_empty() || digits(after)),
        None => digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|text| digits(text.strip_prefix(['-', '+']).unwrap_or(text)));
    let number: f64 = (mantissa_fits && exponent_fits).then(|| text.parse().ok()).flatten()?;
    // What is too large for a number stays a text.
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_kubernetes_reads_them() {
        let cases = [
            ("yes", "Flag(true)"),
            ("off", "Flag(false)"),
            ("~", "Null"),
            ("80", "Whole(80)"),
            ("0x50", "Whole(80)"),
            ("010", "Whole(8)"),
            ("1_000", "Whole(1000)"),
            ("-0b11", "Whole(-3)"),
            ("08", "Real(8.0)"),
            ("1.5e3", "Real(1500.0)"),
            (".5", "Real(0.5)"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("10.0.0.0/8", "Text(\"10.0.0.0/8\")"),
            ("1e400", "Text(\"1e400\")"),
            ("5s", "Text(\"5s\")"),
            ("*", "Text(\"*\")"),
            ("-", "Text(\"-\")"),
        ];
        for (text, value) in cases {
            assert_eq!(format!("{:?}", resolve(text)), value, "{text}");
        }
    }
}
