//! The machine's clock, which nothing else in the compiler reads, and times as people say them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::rfc3339;
pub(super) use crate::rfc3339::format;

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "here, and nowhere else, the clock is read")]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Seconds since 1970 of `2026-11-26T12:00:00Z` (RFC 3339), `2026-11-26` or of the seconds themselves.
///
/// # Errors
/// The text is none of these.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time; write it like `2026-11-26T12:00:00Z`, or as seconds since 1970");
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    rfc3339::seconds(text)
        .or_else(|| rfc3339::midnight(text))
        .ok_or_else(wrong)
}

/// How far a time is from another, as a person says it.
pub(super) fn distance(time: i64, now: i64) -> String {
    let seconds = time.saturating_sub(now);
    let (count, unit) = match seconds.unsigned_abs() {
        it @ 0..120 => (it, "second"),
        it @ 120..7200 => (it / 60, "minute"),
        it @ 7200..172_800 => (it / 3600, "hour"),
        it => (it / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {count} {unit}{plural}"),
        _ => format!("{count} {unit}{plural} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let rows = [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:30:45Z", 951_827_445),
            ("2026-11-26T23:35:26Z", 1_795_736_126),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ];
        for (text, seconds) in rows {
            assert_eq!(parse(text), Ok(seconds), "{text}");
            assert_eq!(format(seconds), text);
        }
        let same = [
            ("2026-11-27T00:35:26+01:00", "2026-11-26T23:35:26Z"),
            ("2026-11-26 23:35:26.999z", "2026-11-26T23:35:26Z"),
            ("2026-11-26", "2026-11-26T00:00:00Z"),
            ("1795736126", "2026-11-26T23:35:26Z"),
        ];
        for (text, other) in same {
            assert_eq!(parse(text), parse(other), "{text}");
        }
        let none = [
            "",
            "now",
            "2026-02-29",
            "2026-13-01",
            "2026-1-01",
            "2026-11-26T24:00:00Z",
            "2026-11-26T23:35Z",
            "2026-11-26T23:35:26",
            "2026-11-26T23:35:26+1:00",
            "2026-11-26T23:35:26.Z",
            "99999999999999999999",
        ];
        for text in none {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
