//! Times as RFC 3339 writes them, as seconds since 1970.

const DAY: i64 = 86_400;

/// The seconds of `2026-11-26T12:00:00Z`; parts of a second are cut off. `None` for what is no time.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let midnight = midnight(date)?;
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
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hours, minutes, seconds] = numbers(clock, ':', [2, 2, 2])?;
    let good = hours < 24 && minutes < 60 && seconds <= 60;
    let good = good && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(midnight + (hours * 60 + minutes) * 60 + seconds - offset)
}

/// The first second of a day such as `2026-11-26`, in UTC.
pub(crate) fn midnight(date: &str) -> Option<i64> {
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let good = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    good.then(|| days_before(year, month, day) * DAY)
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
pub(crate) fn format(seconds: i64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        let table = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:30:00-00:30", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2025-01-31T12:00:00.999Z", 1_738_324_800),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "2025-01-31", "2025-01-31T12:00:00"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
