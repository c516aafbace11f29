//! Who reaches what, for people: a list of callers, or a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::{Io, verdicts};
use super::callers::Group;
use super::{Column, Subject};
use crate::analysis::reach::{Cell, Reaches};

const INDENT: &str = "        ";

/// How the answers are marked.
struct Marks {
    signs: bool,
    color: bool,
}

impl Marks {
    fn of(io: &Io<'_>) -> Self {
        Self {
            signs: io.out_is_terminal,
            color: io.out_color,
        }
    }

    fn mark(&self, reaches: &Reaches) -> String {
        let (sign, letter, color) = match reaches {
            Reaches::Always => ('✓', 'y', "32"),
            Reaches::Never => ('✗', 'n', "31"),
            Reaches::Sometimes => ('~', 'c', "33"),
            Reaches::Nothing => ('·', '-', "2"),
            Reaches::Unknown(_) => ('?', '?', "35"),
        };
        let mark = if self.signs { sign } else { letter };
        if self.color {
            format!("\u{1b}[{color}m{mark}\u{1b}[0m")
        } else {
            mark.to_string()
        }
    }

    fn legend(&self) -> String {
        let words = [
            (Reaches::Always, "yes"),
            (Reaches::Never, "no"),
            (Reaches::Sometimes, "under conditions"),
            (Reaches::Nothing, "no such request arrives"),
            (Reaches::Unknown(String::new()), "not known"),
        ];
        let all = words.map(|(reaches, word)| format!("{} {word}", self.mark(&reaches)));
        format!("{}\n", all.join("  "))
    }
}

/// The callers of each place, those first that get there.
pub(super) fn list(subject: &Subject<'_>, io: &Io<'_>) -> String {
    let marks = Marks::of(io);
    let title = subject.title.as_deref().unwrap_or_default();
    let mut out = format!("who can {title} ({})\n", subject.outcome.target);
    for column in subject.columns {
        let _ = writeln!(out, "\n{}", column.place);
        let mut last = None;
        let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (caller, cell) in subject.callers.iter().zip(&column.cells) {
            if matches!(cell.reaches, Reaches::Never | Reaches::Nothing) {
                refused.entry(why_not(subject, cell)).or_default().push(&caller.name);
                continue;
            }
            if last != Some(caller.group) {
                let _ = writeln!(out, "  {}", caller.group.title());
                last = Some(caller.group);
            }
            let _ = writeln!(
                out,
                "    {} {}{}",
                marks.mark(&cell.reaches),
                caller.name,
                noted(&caller.note)
            );
            conditions(&mut out, subject, cell);
            examples(&mut out, cell);
        }
        if last.is_none() {
            let _ = writeln!(out, "  nobody");
        }
        for (why, names) in refused {
            let _ = writeln!(
                out,
                "  {} {}\n        {why}",
                marks.mark(&Reaches::Never),
                names.join(", ")
            );
        }
    }
    if !marks.signs {
        let _ = write!(out, "\n{}", marks.legend());
    }
    out
}

fn noted(note: &str) -> String {
    if note.is_empty() {
        String::new()
    } else {
        format!(" ({note})")
    }
}

/// Why none of a cell's requests is admitted.
fn why_not(subject: &Subject<'_>, cell: &Cell) -> String {
    let Some(refused) = &cell.refused else {
        return match cell.reaches {
            Reaches::Nothing => "no such request arrives, whatever the rules are".to_owned(),
            _ => "none is admitted".to_owned(),
        };
    };
    let answer = &refused.answer;
    let because = answer.because.iter();
    let because: Vec<String> = because
        .take(3)
        .map(|reason| verdicts::reason(&subject.outcome.sources, reason))
        .collect();
    let because = if because.is_empty() {
        String::new()
    } else {
        format!(", because of {}", because.join(", "))
    };
    format!("{} ({}){because}", answer.why, answer.outcome.word())
}

/// On what it depends, and the rules.
fn conditions(out: &mut String, subject: &Subject<'_>, cell: &Cell) {
    const RULES: usize = 6;
    if let Reaches::Unknown(why) = &cell.reaches {
        let _ = writeln!(out, "{INDENT}{why}");
    }
    if !cell.depends.is_empty() {
        let _ = writeln!(out, "{INDENT}depends on {}", cell.depends.join(", "));
    }
    for (stage, reason) in cell.rules.iter().take(RULES) {
        let reason = verdicts::reason(&subject.outcome.sources, reason);
        let _ = writeln!(out, "{INDENT}{} by {reason}", stage.word());
    }
    if let Some(more) = cell.rules.len().checked_sub(RULES + 1) {
        let _ = writeln!(out, "{INDENT}and {} more rules", more + 1);
    }
}

/// A request that is admitted, and one that is not.
fn examples(out: &mut String, cell: &Cell) {
    if let Some(admitted) = &cell.admitted {
        let _ = writeln!(out, "{INDENT}for example {}", admitted.words());
    }
    if let (Reaches::Sometimes, Some(refused)) = (&cell.reaches, &cell.refused) {
        let answer = &refused.answer;
        let outcome = answer.outcome.word();
        let _ = writeln!(out, "{INDENT}but not {} ({outcome}: {})", refused.words(), answer.why);
    }
}

/// A table for each place: callers down, operations across; below it what the answers rest on.
pub(super) fn table(subject: &Subject<'_>, io: &Io<'_>) -> String {
    let marks = Marks::of(io);
    let mut places: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in subject.columns {
        places.entry(&column.place).or_default().push(column);
    }
    let names = subject.callers.iter().map(|caller| caller.name.chars().count());
    let width = names.max().unwrap_or(0);
    let mut out = String::new();
    for (place, columns) in places {
        let label = |column: &Column| {
            subject
                .operations
                .get(column.operation)
                .map_or("", |it| it.name.as_str())
        };
        let header: Vec<&str> = columns.iter().map(|column| label(column)).collect();
        let _ = writeln!(out, "{place}\n  {:width$}  {}", "", header.join("  "));
        let mut group: Option<Group> = None;
        for (at, caller) in subject.callers.iter().enumerate() {
            if group.is_some_and(|group| group != caller.group) {
                out.push('\n');
            }
            group = Some(caller.group);
            let mut line = format!("  {:width$}", caller.name);
            for column in &columns {
                let Some(cell) = column.cells.get(at) else { continue };
                let rest = " ".repeat(label(column).chars().count().saturating_sub(1));
                let _ = write!(line, "  {}{rest}", marks.mark(&cell.reaches));
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let _ = writeln!(out, "{}", notes(subject, &columns, label));
    }
    out.push_str(&marks.legend());
    out
}

/// Answers that rest on the same.
struct Note<'s> {
    rests_on: String,
    /// Callers with their operations.
    cells: Vec<(&'s str, Vec<&'s str>)>,
    /// Requests of the first of them.
    example: String,
}

/// What answers under conditions rest on, and with one caller all answers; what rests on the same is said once.
fn notes<'c>(subject: &'c Subject<'_>, columns: &[&'c Column], label: impl Fn(&'c Column) -> &'c str) -> String {
    let mut notes: Vec<Note<'_>> = Vec::new();
    for (at, caller) in subject.callers.iter().enumerate() {
        for column in columns {
            let Some(cell) = column.cells.get(at) else { continue };
            let told = matches!(cell.reaches, Reaches::Sometimes | Reaches::Unknown(_));
            if !told && subject.callers.len() > 1 {
                continue;
            }
            let mut same = String::new();
            conditions(&mut same, subject, cell);
            if matches!(cell.reaches, Reaches::Never | Reaches::Nothing) {
                let _ = writeln!(same, "{INDENT}{}", why_not(subject, cell));
            }
            let name = label(column);
            match notes.iter_mut().find(|note| note.rests_on == same) {
                Some(note) => match note.cells.last_mut() {
                    Some((last, names)) if *last == caller.name => names.push(name),
                    _ => note.cells.push((&caller.name, vec![name])),
                },
                None => {
                    let mut example = String::new();
                    examples(&mut example, cell);
                    notes.push(Note {
                        rests_on: same,
                        cells: vec![(&caller.name, vec![name])],
                        example,
                    });
                }
            }
        }
    }
    let mut out = String::new();
    for note in notes {
        let cells = note
            .cells
            .iter()
            .map(|(caller, names)| format!("{caller}: {}", names.join(", ")));
        let cells = cells.collect::<Vec<_>>().join("; ");
        let _ = write!(out, "\n  {cells}\n{}{}", note.rests_on, note.example);
    }
    out
}
