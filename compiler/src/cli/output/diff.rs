//! The first difference between two texts, for a person who wants to know what kind of difference it is.

const CONTEXT: usize = 2;
/// Of more lines than this the rest is only counted.
const MOST: usize = 8;
/// How many lines alike end a change, and how many lines it may have.
const ALIKE: usize = 3;
const FAR: usize = 200;

/// The lines around the first change: what is removed with `-`, what is added with `+`.
pub(in crate::cli) fn short(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (removed, added) = (0..=FAR)
        .flat_map(|sum| (0..=sum).map(move |removed| (removed, sum - removed)))
        .find(|(removed, added)| meet(before.get(same + removed..), after.get(same + added..)))
        .unwrap_or((before.len() - same, after.len() - same));
    let mut out = format!("@@ line {} @@\n", same + 1);
    show(&mut out, ' ', before.get(same.saturating_sub(CONTEXT)..same));
    show(&mut out, '-', before.get(same..same + removed));
    show(&mut out, '+', after.get(same..same + added));
    let behind = after.get(same + added..).unwrap_or_default();
    show(&mut out, ' ', behind.get(..CONTEXT.min(behind.len())));
    if before.get(same + removed..) != Some(behind) {
        out.push_str("… more changes\n");
    }
    out
}

/// Whether two texts go on alike, so that a change ends here.
fn meet(before: Option<&[&str]>, after: Option<&[&str]>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let alike = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    alike >= ALIKE || (alike == before.len() && alike == after.len())
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
        let far = short("a\nb\nc\nd\ne\nf\n", "x\nb\nc\nd\ne\ny\n");
        assert_eq!(far, "@@ line 1 @@\n-a\n+x\n b\n c\n… more changes\n");
        assert!(short("", &"x\n".repeat(20)).ends_with("+… 12 more lines\n"));
    }
}
