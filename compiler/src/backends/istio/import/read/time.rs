//! Times such as `2025-01-31T12:00:00Z`.

/// The seconds since 1970; a fraction is cut off, as Kubernetes does. `None` for what is no time.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let zone = text.get(19..)?;
    let zone = zone
        .trim_start_matches('.')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let offset = match zone.split_at_checked(1)? {
        ("Z", _) => 0,
        (sign, rest) => {
            let (hours, minutes) = rest.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if sign == "-" { -minutes } else { minutes }
        }
    };
    Some(days(year, month, day) * 86_400 + hour * 3_600 + (minute - offset) * 60 + second)
}

/// The days since 1970 of a date in our calendar: years are counted from March, so that a leap day is a year's last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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
