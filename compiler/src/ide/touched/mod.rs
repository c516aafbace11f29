//! Findings after an edit of rules, without judging the whole project again.
//!
//! A rule of a namespace is judged by what the namespaces that it names say of themselves, by what is said at the top
//! level, and by the other rules of its own namespace. So where an edit leaves everything but rules as it was, its
//! namespace is judged in a project of these texts alone, in which the others have no rules, and all findings elsewhere
//! stay. Where that is not so the answer is `None`, and the whole project is judged.

mod outline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::analysis::Analysis;
use super::diagnostics::diagnostics;
use super::document::Document;
use super::{Diagnostic, TextRange};
use crate::analysis::{self, composed};
use crate::diagnostics::{Diagnostics, Severity};
use crate::driver::manifest::FILE_NAME;
use crate::policy::effective::includes;
use crate::policy::{Action, ConditionKey, PolicySet, Rule, Selection};
use crate::source::{FileId, Memory, Span};
use crate::syntax::lexer::Token;
use crate::syntax::{self, ast};
use outline::Outline;

/// Findings by file.
pub(super) type Findings = BTreeMap<PathBuf, Vec<Diagnostic>>;

/// More rules than this are judged with bounds that are for all of them.
const MOST_POLICIES: usize = 200_000;

/// What is told of an issuer once, wherever it is accepted first.
const TOLD_ONCE: &[&str] = &["any-audience", "token-taken"];

/// A project that was judged whole, and what has to be known of it to judge a part of another state of it.
pub(super) struct Base {
    pub(super) analysis: Arc<Analysis>,
    project: PathBuf,
    library: PathBuf,
    findings: Arc<Findings>,
    /// By file of the language.
    outlines: BTreeMap<PathBuf, (Outline, FileId, usize)>,
    /// The files that open a namespace.
    openings: BTreeMap<String, Vec<PathBuf>>,
    /// The files whose whole text matters to everybody: the top level, and the root namespace.
    common: BTreeSet<PathBuf>,
    root: String,
}

impl Base {
    /// `None` for a project of which no part can be judged by itself.
    pub(super) fn new(
        analysis: Arc<Analysis>,
        findings: Arc<Findings>,
        project: &Path,
        library: &Path,
    ) -> Option<Self> {
        let outcome = analysis.outcome.as_ref()?;
        let [build] = outcome.builds.as_slice() else {
            return None;
        };
        let fits = outcome.has_project
            && outcome.count(Severity::Error) == 0
            && build.environment.is_none()
            && !outcome.target.is_legacy()
            && outcome.sources.iter().filter(|(_, file)| !file.is_std).count() == outcome.trees.len() + 1
            && analysis.file(&project.join(FILE_NAME)).is_some()
            && build.policies.authorizations.len() <= MOST_POLICIES
            && !outcome.diagnostics.iter().any(|d| d.code.name == "default-target");
        let root = build.program.mesh.root.clone();
        if !fits || reaches_out(&build.policies, &root, &analysis) {
            return None;
        }
        let mut outlines = BTreeMap::new();
        let mut openings: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut common = BTreeSet::new();
        for (index, tree) in outcome.trees.iter().enumerate() {
            let path = analysis.path(tree.id)?.to_path_buf();
            let outline = outline::outline(&tree.items);
            if !outline.is_simple {
                return None;
            }
            if !outline.is_local || outline.namespaces.contains(&root) {
                common.insert(path.clone());
            }
            for namespace in &outline.namespaces {
                openings.entry(namespace.clone()).or_default().push(path.clone());
            }
            outlines.insert(path, (outline, tree.id, index));
        }
        Some(Self {
            project: project.to_path_buf(),
            library: library.to_path_buf(),
            findings,
            outlines,
            openings,
            common,
            root,
            analysis,
        })
    }

    /// The findings now, where these texts are open and all others are as they were.
    pub(super) fn findings(&self, open: &BTreeMap<PathBuf, Arc<Document>>) -> Option<Findings> {
        let mut changed = Vec::new();
        for (path, document) in open.iter().filter(|(path, _)| path.starts_with(&self.project)) {
            match self.outlines.get(path) {
                Some((_, file, _)) if self.text(*file) == document.text() => {}
                Some(_) => changed.push(Changed::new(self, path, document)?),
                None if self
                    .analysis
                    .file(path)
                    .is_some_and(|file| self.text(file) == document.text()) => {}
                None => return None,
            }
        }
        let mut all = Findings::clone(&self.findings);
        let mut judged: BTreeSet<&Path> = BTreeSet::new();
        let mut broken: BTreeSet<&Path> = BTreeSet::new();
        for edit in &changed {
            if judged.contains(edit.path) {
                continue;
            }
            let group = self.group(edit.path)?;
            let mut found = self.judge(&group, &changed)?;
            let mut has_errors = false;
            for path in &group {
                let list = found.remove(*path)?;
                has_errors |= list.iter().any(|d| d.severity == Severity::Error);
                all.insert(path.to_path_buf(), list);
            }
            if has_errors {
                broken.extend(group.iter().copied());
            }
            judged.extend(group);
        }
        if !broken.is_empty() {
            forget_analysis(&mut all, &broken)?;
        }
        for list in all.iter_mut().filter(|(path, _)| !judged.contains(path.as_path())) {
            for related in list.1.iter_mut().flat_map(|d| &mut d.related) {
                if let Some(edit) = changed.iter().find(|edit| edit.path == related.place.path) {
                    related.place.range = edit.moved(&related.place.range)?;
                }
            }
        }
        Some(all)
    }

    /// All files of the namespaces that a file opens.
    fn group(&self, path: &Path) -> Option<BTreeSet<&Path>> {
        let (mut group, mut waiting) = (BTreeSet::new(), Vec::new());
        waiting.push(self.outlines.get_key_value(path)?.0.as_path());
        while let Some(path) = waiting.pop() {
            if self.common.contains(path) {
                return None;
            }
            if group.insert(path) {
                let (outline, ..) = self.outlines.get(path)?;
                if outline.has_gateway {
                    return None;
                }
                let namespaces = outline.namespaces.iter();
                let others = namespaces.filter_map(|name| self.openings.get(name)).flatten();
                waiting.extend(others.map(PathBuf::as_path));
            }
        }
        Some(group)
    }

    /// The findings of some namespaces, with what they see of the others.
    fn judge(&self, group: &BTreeSet<&Path>, changed: &[Changed<'_>]) -> Option<Findings> {
        let seen = self.seen(group, changed);
        let mut analysis = self.part(group, &seen, changed)?;
        let unknown = |analysis: &Analysis| {
            let outcome = analysis.outcome.as_ref();
            outcome.is_some_and(|outcome| outcome.count(Severity::Error) > 0)
        };
        // A name that is not known may be meant to be any.
        if unknown(&analysis) || self.names_unknown(&analysis) {
            let everything = self.outlines.keys().map(PathBuf::as_path).collect();
            analysis = self.part(group, &everything, changed)?;
        }
        if !unknown(&analysis) && !self.reads_tokens_alike(&analysis, group) {
            return None;
        }
        let mut found = Findings::new();
        diagnostics(&analysis, &mut found);
        let mut own = group.iter().filter_map(|path| found.get(*path)).flatten();
        let told_once = own.any(|d| TOLD_ONCE.contains(&d.name));
        (!told_once).then_some(found)
    }

    /// The files whose namespaces are named in the group or where it looks.
    fn seen<'s>(&'s self, group: &BTreeSet<&'s Path>, changed: &[Changed<'_>]) -> BTreeSet<&'s Path> {
        let (mut seen, mut waiting) = (BTreeSet::new(), Vec::new());
        waiting.extend(group.iter().copied().chain(self.common.iter().map(PathBuf::as_path)));
        while let Some(path) = waiting.pop() {
            if !seen.insert(path) {
                continue;
            }
            let whole = group.contains(path) || self.common.contains(path);
            let text = self.now(path, whole, changed);
            let named = outline::words(&text).filter_map(|word| self.openings.get(word));
            waiting.extend(
                named
                    .flatten()
                    .map(PathBuf::as_path)
                    .filter(|path| !seen.contains(path)),
            );
        }
        seen
    }

    /// A project of some of the files, judged.
    fn part(&self, group: &BTreeSet<&Path>, seen: &BTreeSet<&Path>, changed: &[Changed<'_>]) -> Option<Analysis> {
        let mut files = Memory::new();
        let manifest = self.project.join(FILE_NAME);
        files.insert(&manifest, self.text(self.analysis.file(&manifest)?));
        for path in seen {
            let whole = group.contains(path) || self.common.contains(*path);
            files.insert(path, self.now(path, whole, changed));
        }
        Some(Analysis::of(&files, &self.project, &self.library))
    }

    /// The text of a file as it is now; without what only its own namespaces see where it is not `whole`.
    fn now(&self, path: &Path, whole: bool, changed: &[Changed<'_>]) -> String {
        if let Some(edit) = changed.iter().find(|edit| edit.path == path) {
            let text = edit.document.text();
            let items = &edit.document.parsed().file.items;
            return if whole {
                text.to_owned()
            } else {
                outline::blanked(text, items)
            };
        }
        let Some((_, file, index)) = self.outlines.get(path) else {
            return String::new();
        };
        let text = self.text(*file);
        let tree = self
            .analysis
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.trees.get(*index));
        match tree.filter(|_| !whole) {
            Some(tree) => outline::blanked(text, &tree.items),
            None => text.to_owned(),
        }
    }

    fn text(&self, file: FileId) -> &str {
        let outcome = self.analysis.outcome.as_ref();
        outcome.map_or("", |outcome| outcome.sources.text(file))
    }

    /// Whether a rule names a namespace that nobody opens, which may be a slip of one that somebody does.
    fn names_unknown(&self, analysis: &Analysis) -> bool {
        let Some(policies) = analysis.build().map(|build| &build.policies) else {
            return true;
        };
        let rules = policies.authorizations.iter().flat_map(|policy| policy.action.rules());
        let sources = rules.clone().flat_map(|rule| &rule.sources);
        let mut namespaces = sources.flat_map(|source| {
            let of_principal = |value: &String| value.split('/').nth(2).unwrap_or_default().to_owned();
            let principals = source.principals.values.iter().chain(&source.principals.not_values);
            let accounts = source
                .service_accounts
                .values
                .iter()
                .chain(&source.service_accounts.not_values);
            let home = |value: &String| {
                value
                    .split_once('/')
                    .map_or(self.root.clone(), |(home, _)| home.to_owned())
            };
            let plain = source.namespaces.values.iter().chain(&source.namespaces.not_values);
            principals
                .map(of_principal)
                .chain(accounts.map(home))
                .chain(plain.cloned())
                .collect::<Vec<_>>()
        });
        let conditions = rules.flat_map(|rule| &rule.conditions);
        let named = |key: &ConditionKey| {
            matches!(
                key,
                ConditionKey::SourceNamespace | ConditionKey::SourcePrincipal | ConditionKey::SourceServiceAccount
            )
        };
        namespaces.any(|name| !self.openings.contains_key(&name)) || conditions.map(|it| &it.key).any(named)
    }

    /// Whether the rules of the group ask for tokens and audiences where they did before: findings about issuers rest
    /// on that, wherever they are.
    fn reads_tokens_alike(&self, analysis: &Analysis, group: &BTreeSet<&Path>) -> bool {
        let namespaces: BTreeSet<&str> = group
            .iter()
            .filter_map(|path| self.outlines.get(*path))
            .flat_map(|(outline, ..)| outline.namespaces.iter().map(String::as_str))
            .collect();
        let (before, now) = (self.analysis.build(), analysis.build());
        let of = |policies| tokens(policies, &namespaces);
        match (before, now) {
            (Some(before), Some(now)) => of(&before.policies) == of(&now.policies),
            _ => false,
        }
    }
}

/// With an error nothing that is composed is looked at, anywhere. `broken` are the files that were judged with it.
fn forget_analysis(all: &mut Findings, broken: &BTreeSet<&Path>) -> Option<()> {
    let composed = |id: &str| {
        let codes = [analysis::errors::CODES, composed::errors::CODES];
        codes.iter().any(|codes| codes.iter().any(|code| code.id == id))
    };
    for (_, list) in all.iter_mut().filter(|(path, _)| !broken.contains(path.as_path())) {
        list.retain(|d| !composed(d.id));
        // What a comment accepts that does nothing may be something that was not looked at.
        if list.iter().any(|d| d.name == "unused-suppression") {
            return None;
        }
    }
    Some(())
}

/// Whether policies of the root namespace hold for pods of others.
fn reaches_out(policies: &PolicySet, root: &str, analysis: &Analysis) -> bool {
    let Some(build) = analysis.build() else { return true };
    let selects = |home: Option<&str>, selection: &Selection| match selection {
        _ if home != Some(root) => false,
        Selection::Labels(labels) => {
            let mut others = build.facts.inventory.workloads.iter().filter(|it| it.namespace != root);
            others.any(|it| includes(&it.labels, labels.as_map()))
        }
        Selection::All | Selection::EmptySelector | Selection::Targets(_) => true,
    };
    let access = policies.authorizations.iter();
    let tokens = policies.request_authentications.iter();
    access
        .map(|policy| (policy.meta.namespace.as_deref(), &policy.selection))
        .chain(tokens.map(|policy| (policy.meta.namespace.as_deref(), &policy.selection)))
        .any(|(home, selection)| selects(home, selection))
}

/// For each policy of some namespaces, by its name, whether it asks an authorizer, for tokens, for audiences.
fn tokens<'p>(policies: &'p PolicySet, namespaces: &BTreeSet<&str>) -> BTreeMap<(&'p str, &'p str), [bool; 3]> {
    let of_rule = |rule: &Rule| {
        let mut asked = [
            false,
            rule.sources.iter().any(|source| !source.request_principals.is_empty()),
            false,
        ];
        for condition in &rule.conditions {
            asked[1] |= matches!(
                condition.key,
                ConditionKey::RequestPrincipal
                    | ConditionKey::Audiences
                    | ConditionKey::Presenter
                    | ConditionKey::Claim(_)
            );
            asked[2] |= match &condition.key {
                ConditionKey::Audiences => true,
                ConditionKey::Claim(path) => path.first().is_some_and(|claim| claim == "aud"),
                _ => false,
            };
        }
        asked
    };
    let mut found = BTreeMap::new();
    for policy in &policies.authorizations {
        let Some(namespace) = policy
            .meta
            .namespace
            .as_deref()
            .filter(|name| namespaces.contains(name))
        else {
            continue;
        };
        let custom = matches!(policy.action, Action::Custom { .. });
        let rules = policy.action.rules().iter().map(of_rule);
        let asked = rules.fold([custom, false, false], |all, one| {
            [all[0] || one[0], all[1] || one[1], all[2] || one[2]]
        });
        if asked != [false; 3] {
            found.insert((namespace, policy.meta.name.as_str()), asked);
        }
    }
    found
}

/// A text that is not as it was.
struct Changed<'a> {
    path: &'a Path,
    document: &'a Document,
    /// What others can see of it: where it was, and where it is.
    before: Vec<Span>,
    now: Vec<Span>,
}

impl<'a> Changed<'a> {
    /// `None` where others see something else now.
    fn new(base: &Base, path: &'a Path, document: &'a Document) -> Option<Self> {
        let (_, file, _) = base.outlines.get(path)?;
        let text = base.text(*file);
        let parsed = syntax::parse(*file, text, &mut Diagnostics::default());
        let visible = |items: &[ast::Item], tokens: &[Token]| outline::visible(items, tokens);
        let before = visible(&parsed.file.items, &parsed.tokens);
        let own = document.parsed();
        let now = visible(&own.file.items, &own.tokens);
        let same = |(one, other): (&Span, &Span)| text.get(one.range()) == document.text().get(other.range());
        let alike = before.len() == now.len() && before.iter().zip(&now).all(same);
        alike.then_some(Self {
            path,
            document,
            before,
            now,
        })
    }

    /// Where a range is now.
    fn moved(&self, range: &TextRange) -> Option<TextRange> {
        let start = self
            .before
            .binary_search_by_key(&range.start, |token| token.start)
            .ok()?;
        let end = self.before.binary_search_by_key(&range.end, |token| token.end).ok()?;
        Some(self.now.get(start)?.start..self.now.get(end)?.end)
    }
}
