//! The machine's clock, which nothing else in the compiler reads, and times as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

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
    rfc3339(text).ok_or_else(wrong)
}

fn rfc3339(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_before(year, month, day) * DAY;
    let Some(time) = time else { return Some(midnight) };
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, zone) => {
            let [hours, minutes] = numbers(zone, ':', [2, 2])?;
            let sign = match sign {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)?
        }
    };
    // Parts of a second do not count.
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hours, minutes, seconds] = numbers(clock, ':', [2, 2, 2])?;
    let good = hours < 24 && minutes < 60 && seconds <= 60;
    let good = good && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(midnight + (hours * 60 + minutes) * 60 + seconds - offset)
}

/// Numbers of so many digits, with a sign between them.
fn numbers<const N: usize>(text: &str, between: char, widths: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(between).collect();
    let parts = <[&str; N]>::try_from(parts).ok()?;
    let mut out = [0; N];
    for ((part, width), out) in parts.into_iter().zip(widths).zip(&mut out) {
        let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *out = part.parse().ok().filter(|_| digits)?;
    }
    Some(out)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970 to a date of the Gregorian calendar, which is taken to have been in force always.
const fn days_before(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A time as RFC 3339 writes it.
pub(super) fn format(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(DAY) + 719_468, seconds.rem_euclid(DAY));
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * part + 2) / 5 + 1, (part + 2) % 12 + 1);
    let year = year + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
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
