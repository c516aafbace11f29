//! The first difference between two texts, for a person who wants to know what kind of difference it is.

const CONTEXT: usize = 2;
const MOST: usize = 8;

/// The lines around the changed part: what is removed with `-`, what is added with `+`.
pub(in crate::cli) fn short(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - same;
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = format!("@@ line {} @@\n", same + 1);
    let from = same.saturating_sub(CONTEXT);
    show(&mut out, ' ', before.get(from..same));
    show(&mut out, '-', before.get(same..before.len() - tail));
    show(&mut out, '+', after.get(same..after.len() - tail));
    show(
        &mut out,
        ' ',
        after.get(after.len() - tail..(after.len() - tail + CONTEXT).min(after.len())),
    );
    out
}

fn show(out: &mut String, sign: char, lines: Option<&[&str]>) {
    let lines = lines.unwrap_or_default();
    for line in lines.iter().take(MOST) {
        out.push_str(format!("{sign}{line}").trim_end());
        out.push('\n');
    }
    if lines.len() > MOST {
        out.push_str(&format!("{sign}… {} more lines\n", lines.len() - MOST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_changed_lines_with_their_neighbours() {
        let diff = short("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nx\ny\ne\nf\n");
        assert_eq!(diff, "@@ line 4 @@\n b\n c\n-d\n+x\n+y\n e\n f\n");
        assert_eq!(short("", "a\n"), "@@ line 1 @@\n+a\n");
        assert_eq!(short("a\na\n", "a\n"), "@@ line 2 @@\n a\n-a\n");
        assert!(short("", &"x\n".repeat(20)).ends_with("+… 12 more lines\n"));
    }
}
