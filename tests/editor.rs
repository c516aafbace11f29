//! Whatever stands in an editor, it answers: texts that are cut off, lack a word, or were typed at random.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshc::diagnostics::Diagnostics;
use meshc::ide::{Change, Snapshot, TextRange, Workspace};
use meshc::source::{FileId, Memory};
use meshc::syntax::lexer;

use crate::golden::inputs;

/// So many places of one text are cut, and so many tokens taken out, evenly spread.
const MOST: usize = 40;

const PATH: &str = "/project/text.mesh";

fn workspace(text: &str) -> Workspace {
    let mut workspace = Workspace::new(Arc::new(Memory::new()), PathBuf::from("/library"));
    workspace.apply(Change::Roots(vec![PathBuf::from("/project")]));
    workspace.apply(Change::Open {
        path: PathBuf::from("/project/mesh.toml"),
        text: "target = \"istio-1.31\"\n".to_owned(),
        version: 1,
    });
    workspace.apply(Change::Open {
        path: PathBuf::from(PATH),
        text: text.to_owned(),
        version: 1,
    });
    workspace
}

/// Every answer about a place, in a form that can be compared; each range of the text itself is one of it.
fn answers(snapshot: &Snapshot, offset: u32) -> BTreeMap<&'static str, String> {
    let path = Path::new(PATH);
    let document = Arc::clone(snapshot.document(path).unwrap());
    let text = document.text();
    let check = |range: &TextRange| {
        let range = range.start as usize..range.end as usize;
        assert!(text.get(range.clone()).is_some(), "{range:?} is no piece of {text:?}");
    };
    let found = snapshot.diagnostics_of(path);
    found.iter().for_each(|d| check(&d.range));
    let folds = snapshot.folds(path);
    folds.iter().for_each(|fold| check(&fold.range));
    let pieces = snapshot.highlighting(path);
    pieces.iter().for_each(|piece| check(&piece.range));
    let completions = snapshot.completions(path, offset);
    for completion in &completions {
        check(&completion.range);
        let key = completion.key.as_ref();
        assert!(
            key.is_none_or(|key| snapshot.documentation(path, key).is_some()),
            "nothing is said of {}",
            completion.label
        );
    }
    let selection = snapshot.selection(path, offset);
    selection.iter().for_each(check);
    let all = 0..u32::try_from(text.len()).unwrap();
    let symbols = snapshot.symbols(path);
    for symbol in &symbols {
        check(&symbol.range);
        assert!(symbol.range.start <= symbol.selection.start && symbol.selection.end <= symbol.range.end);
    }
    BTreeMap::from([
        ("diagnostics", format!("{found:?}")),
        ("folds", format!("{folds:?}")),
        ("highlighting", format!("{pieces:?}")),
        ("completions", format!("{completions:?}")),
        ("selection", format!("{selection:?}")),
        ("symbols", format!("{symbols:?}")),
        ("format", format!("{:?}", snapshot.format(path))),
        ("format part", format!("{:?}", snapshot.format_part(path, &(0..offset)))),
        ("format closed", format!("{:?}", snapshot.format_closed(path, offset))),
        ("hover", format!("{:?}", snapshot.hover(path, offset))),
        ("definition", format!("{:?}", snapshot.definition(path, offset))),
        ("references", format!("{:?}", snapshot.references(path, offset, true))),
        ("highlights", format!("{:?}", snapshot.highlights(path, offset))),
        ("signature", format!("{:?}", snapshot.signature(path, offset))),
        ("rename", format!("{:?}", snapshot.rename(path, offset, "other"))),
        ("actions", format!("{:?}", snapshot.actions(path, &all))),
        ("links", format!("{:?}", snapshot.links(path))),
        ("hints", format!("{:?}", snapshot.hints(path, &all))),
        ("lenses", format!("{:?}", snapshot.lenses(path))),
        ("emitted", format!("{:?}", snapshot.emitted(path, offset))),
        ("symbols of all", format!("{:?}", snapshot.find(""))),
    ])
}

fn ask(text: &str, at: usize) {
    let offset = u32::try_from(at).unwrap();
    let asked = answers(&workspace(text).snapshot(), offset);
    assert!(!asked.is_empty());
}

fn spread(count: usize) -> usize {
    count.div_ceil(MOST).max(1)
}

#[test]
fn a_text_that_ends_anywhere_has_answers() {
    for path in ["examples", "stdlib/std"]
        .into_iter()
        .flat_map(|folder| inputs(folder, ".mesh", &[]))
    {
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for at in places.iter().step_by(spread(places.len())) {
            ask(&text[..*at], *at);
        }
    }
}

#[test]
fn a_text_without_one_of_its_words_has_answers() {
    for path in inputs("examples", ".mesh", &[]) {
        let text = fs::read_to_string(&path).unwrap();
        let tokens = lexer::lex(FileId(0), &text, &mut Diagnostics::default());
        for token in tokens.iter().step_by(spread(tokens.len())) {
            let mut broken = text.clone();
            broken.replace_range(token.span.range(), "");
            ask(&broken, token.span.start as usize);
        }
    }
}

/// Numbers that look like chance and are the same at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// What people and editors type, and what they do not.
const TYPED: &[&str] = &[
    "",
    "",
    "a",
    " ",
    "\n",
    "\r\n",
    "\r",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "#",
    "##",
    "${x}",
    "😀",
    "𝕏y",
    "ä",
    "\u{feff}",
    "\0",
    "namespace shop {\n",
    "workload web { select app=web }",
    "allow anyone to GET /x\n",
    "staff",
    "identity staff = ns shop\n",
    "use std/http (health)\n",
    "apply t(a: b)",
    "deny ",
    " to ",
    "# meshc: allow(dead-rule) because x\n",
    "test \"t\" at shop/web {",
    "mtls strict\n",
    "param p = 1\n",
    "template t(identity a) { allow a to any }\n",
];

/// Which text an edit replaces: mostly a little, sometimes a lot.
fn replaced(chance: &mut Chance, text: &str) -> Range<usize> {
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = boundary(chance.below(text.len() + 1));
    let most = if chance.below(20) == 0 { text.len() } else { 4 };
    let end = (start + chance.below(most + 1)).min(text.len());
    start..boundary(end).max(start)
}

#[test]
fn ten_thousand_changes_lead_where_opening_leads() {
    let mut chance = Chance(7);
    let mut text = "namespace shop {\n    workload web { select app=web }\n}\n".to_owned();
    let mut edited = workspace(&text);
    for count in 0..10_000 {
        let range = replaced(&mut chance, &text);
        let new = if text.len() > 4000 {
            ""
        } else {
            TYPED[chance.below(TYPED.len())]
        };
        text.replace_range(range.clone(), new);
        let narrow = |at: usize| u32::try_from(at).unwrap();
        edited.apply(Change::Edit {
            path: PathBuf::from(PATH),
            range: Some(narrow(range.start)..narrow(range.end)),
            text: new.to_owned(),
            version: count,
        });
        let document = edited.document(Path::new(PATH)).unwrap();
        assert_eq!(document.text(), text, "after {count} changes");
        if count % 100 == 0 {
            let at = narrow(range.start + new.len());
            let fresh = answers(&workspace(&text).snapshot(), at);
            for (what, answer) in answers(&edited.snapshot(), at) {
                assert_eq!(answer, fresh[what], "{what} after {count} changes of {text:?}");
            }
        }
    }
}

const MANIFEST: &str = "target = \"istio-1.31\"\n";

const MESH: &str = "mesh {
    root istio-system
    trust-domain cluster.local
    mtls permissive
}

use std/http (health)

issuer corp {
    iss https://id.example
    claims groups list
}

identity admin = corp where groups has admin

namespace istio-system {
    gateway ingress { select istio=ingress account ingress ports 8443 https accept corp }
}
";

/// A namespace of which others know the account, and that knows theirs.
fn neighbour(name: &str, other: &str) -> String {
    format!(
        "## Who runs {name}.\nnamespace {name} {{\n    identity friends = ns {other}\n\n    workload web {{\n        select app=web\n        \
         account web\n        ports 8080 http, 5000 tcp\n        allow {other}/web to GET /a\n        deny friends to DELETE\n    }}\n}}\n\n\
         test \"{name}\" at {name}/web {{\n    {other}/web to GET /a expect 200\n}}\n"
    )
}

/// What is typed in rules: what is found of them is of every kind.
const RULES: &[&str] = &[
    "allow anyone to any",
    "allow anyone to GET /a",
    "deny ns billing to GET /admin",
    "deny ns biling to any",
    "allow sa billing/web to GET /b",
    "allow sa billing/wbe to GET /b",
    "allow nobody to any",
    "allow billng/web to any",
    "allow admin to GET /c",
    "allow admin & friends to GET /d port 5000",
    "require corp except health",
    "accept corp",
    "deny ns a & ns b to any",
    "allow friends to get /x",
    "allow istio-system/ingress to any port 8081",
    "audit anyone to any",
    "default deny",
    "# meshc: allow(dead-rule) because it is new",
    "## Said of the next one.",
    "mtls strict",
    "allow frie",
    "allow anyone to",
    "}",
    "",
    " ",
];

fn tenants(texts: &BTreeMap<&'static str, String>) -> Workspace {
    let mut workspace = Workspace::new(Arc::new(Memory::new()), PathBuf::from("/library"));
    workspace.apply(Change::Roots(vec![PathBuf::from("/project")]));
    for (name, text) in texts {
        workspace.apply(Change::Open {
            path: Path::new("/project").join(name),
            text: text.clone(),
            version: 1,
        });
    }
    workspace
}

/// An edit of rules is judged without the rest of the project; it must be as if all of it had been.
#[test]
fn what_an_edit_touches_is_judged_as_the_whole() {
    let mut texts = BTreeMap::from([
        ("mesh.toml", MANIFEST.to_owned()),
        ("mesh.mesh", MESH.to_owned()),
        ("orders.mesh", neighbour("orders", "billing")),
        ("billing.mesh", neighbour("billing", "catalog")),
        ("catalog.mesh", neighbour("catalog", "orders")),
        ("shipping.mesh", neighbour("shipping", "orders")),
    ]);
    let edited_files = ["orders.mesh", "billing.mesh", "shipping.mesh"];
    let mut chance = Chance(11);
    let mut edited = tenants(&texts);
    edited.snapshot().judge();
    let mut quick = 0;
    const CHANGES: usize = 250;
    for count in 0..CHANGES {
        let name = edited_files[chance.below(edited_files.len())];
        // Too broken, a text is as it was.
        for name in edited_files.iter().filter(|_| chance.below(2) == 0) {
            let other = if *name == "billing.mesh" { "catalog" } else { "billing" };
            let text = neighbour(name.trim_end_matches(".mesh"), other);
            texts.insert(name, text.clone());
            edited.apply(Change::Edit {
                path: Path::new("/project").join(name),
                range: None,
                text,
                version: 3,
            });
        }
        let text = texts.get_mut(name).unwrap();
        let lines: Vec<Range<usize>> = text
            .split_inclusive('\n')
            .scan(0, |at, line| {
                *at += line.len();
                Some(*at - line.len()..*at)
            })
            .collect();
        // A line before the end of the block of rules, most of the time.
        let end = text
            .find("    }\n")
            .map_or(0, |at| lines.iter().filter(|line| line.start < at).count());
        let line = lines[end.saturating_sub(1 + chance.below(2)).min(lines.len() - 1)].clone();
        let rule = RULES[chance.below(RULES.len())];
        let (range, new) = match chance.below(if text.len() > 1500 { 2 } else { 8 }) {
            0 | 1 => (line, String::new()),
            2 => {
                let at = (line.start + chance.below(line.len())).min(text.len() - 1);
                (at..at + 1, String::new())
            }
            3 => (line.start..line.start, rule.to_owned()),
            _ => (line.end..line.end, format!("        {rule}\n")),
        };
        text.replace_range(range.clone(), &new);
        let narrow = |at: usize| u32::try_from(at).unwrap();
        edited.apply(Change::Edit {
            path: Path::new("/project").join(name),
            range: Some(narrow(range.start)..narrow(range.end)),
            text: new,
            version: 2,
        });
        let snapshot = edited.snapshot();
        let found = snapshot.diagnostics();
        quick += usize::from(!snapshot.is_whole());
        let fresh = tenants(&texts).snapshot().diagnostics();
        assert_eq!(
            found, fresh,
            "after {count} changes, the last of {name}:\n{}",
            texts[name]
        );
        // Sometimes everybody has time to judge all.
        if chance.below(10) == 0 {
            edited.snapshot().judge();
        }
    }
    assert!(
        quick > CHANGES / 4,
        "only {quick} of {CHANGES} edits were judged by what they touch"
    );
}
