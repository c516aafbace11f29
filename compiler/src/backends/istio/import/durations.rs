//! Durations in Go's notation, such as `1h30m` or `250ms`.

/// What a field asks of a duration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Duration {
    Any,
    /// At least a millisecond.
    Some,
    /// At least a millisecond, and whole ones.
    Milliseconds,
    /// The same, or less than a millisecond, which switches it off.
    MillisecondsOrNone,
}

const MILLISECOND: i128 = 1_000_000;

/// What is wrong with it, as the end of a sentence.
pub(super) fn wrong(text: &str, kind: Duration) -> Option<&'static str> {
    let Some(nanoseconds) = parse(text) else {
        return Some("is no duration");
    };
    match kind {
        Duration::Any => None,
        Duration::MillisecondsOrNone if nanoseconds / MILLISECOND == 0 => None,
        _ if nanoseconds < MILLISECOND => Some("is shorter than a millisecond"),
        Duration::Some => None,
        _ if nanoseconds % MILLISECOND != 0 => Some("is finer than a millisecond"),
        _ => None,
    }
}

/// The nanoseconds, if they are what Go reads.
fn parse(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        rest = after;
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => MILLISECOND,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
            return None;
        }
        let mut value = whole.parse::<i128>().unwrap_or(0) * scale;
        let mut part = scale;
        for digit in fraction.bytes().take(18) {
            part /= 10;
            value += part * i128::from(digit - b'0');
        }
        total += value;
        if total > i128::from(i64::MAX) {
            return None;
        }
    }
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        assert_eq!(parse("1h30m"), Some(5_400_000_000_000));
        assert_eq!(parse("1.5s"), Some(1_500_000_000));
        assert_eq!(parse(".5ms"), Some(500_000));
        assert_eq!(parse("-0"), Some(0));
        for text in ["", "5", "s", ".s", "1 s", "1d", "apple", "1.2.3s", "99999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
