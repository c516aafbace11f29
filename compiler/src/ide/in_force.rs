//! What is in force at a workload, in a few words: who sets the mode of mutual TLS, and what becomes of a request that no
//! rule decides.

use std::path::Path;

use super::TextRange;
use super::analysis::{Analysis, range};
use crate::policy::effective::mtls::{Level, Mode};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::{DataPlane, WorkloadKind};
use crate::policy::summary::Otherwise;
use crate::policy::{MtlsMode, summary};
use crate::source::{Span, Unit};

/// What stands beside the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Behind which byte.
    pub offset: u32,
    pub text: String,
    /// Why, with the place that says so.
    pub tooltip: String,
}

/// The hints of the workloads and gateways that a part of a text describes.
pub(super) fn hints(analysis: &Analysis, path: &Path, part: &TextRange) -> Vec<Hint> {
    let (Some(file), Some(outcome), Some(build)) = (analysis.file(path), &analysis.outcome, analysis.build()) else {
        return Vec::new();
    };
    if outcome.count(crate::diagnostics::Severity::Error) > 0 {
        return Vec::new();
    }
    let inventory = &build.facts.inventory;
    let here = |span: Span| span.file == file && span.start <= part.end && part.start <= span.end;
    let mut judge = None;
    let mut found = Vec::new();
    for (index, workload) in inventory.workloads.iter().enumerate().filter(|(_, w)| here(w.origin)) {
        let judge = judge.get_or_insert_with(|| Judge::new(&build.policies, inventory, outcome.target));
        let Some((text, tooltip)) = words(analysis, judge, index) else {
            continue;
        };
        found.push(Hint {
            offset: range(workload.origin).end,
            text,
            tooltip,
        });
    }
    found
}

/// What is in force at the workload whose block's head is at a place, as Markdown.
pub(super) fn section(analysis: &Analysis, name: Span) -> Option<String> {
    let (outcome, build) = (analysis.outcome.as_ref()?, analysis.build()?);
    if outcome.count(crate::diagnostics::Severity::Error) > 0 {
        return None;
    }
    let inventory = &build.facts.inventory;
    let mut workloads = inventory.workloads.iter();
    let holds = |origin: Span| origin.file == name.file && origin.start <= name.start && name.end <= origin.end;
    let index = workloads.position(|workload| holds(workload.origin))?;
    let judge = Judge::new(&build.policies, inventory, outcome.target);
    let (_, tooltip) = words(analysis, &judge, index)?;
    Some(format!("In force: {tooltip}."))
}

/// What is in force at a workload by its index, with its name.
pub(super) fn of_workload(analysis: &Analysis, index: usize) -> Option<String> {
    let (outcome, build) = (analysis.outcome.as_ref()?, analysis.build()?);
    if outcome.count(crate::diagnostics::Severity::Error) > 0 {
        return None;
    }
    let inventory = &build.facts.inventory;
    let workload = inventory.workloads.get(index)?;
    let judge = Judge::new(&build.policies, inventory, outcome.target);
    let (_, tooltip) = words(analysis, &judge, index)?;
    Some(format!(
        "In force at `{}/{}`: {tooltip}.",
        workload.namespace, workload.name
    ))
}

/// The short form and the long one.
fn words(analysis: &Analysis, judge: &Judge<'_>, index: usize) -> Option<(String, String)> {
    let workload = judge.inventory().workloads.get(index)?;
    let otherwise = match summary::otherwise(judge, index) {
        Otherwise::Allowed => "otherwise allowed",
        Otherwise::Denied => "otherwise denied",
    };
    if matches!(workload.kind, WorkloadKind::Gateway { .. }) {
        return Some((otherwise.to_owned(), format!("requests are {otherwise}")));
    }
    if workload.data_plane == DataPlane::None {
        let text = "outside the mesh: no policy is enforced";
        return Some((text.to_owned(), text.to_owned()));
    }
    let mode = summary::mode(judge, index)?.ok()?;
    let level = summary::level(judge, index, &mode);
    let by = match (&mode.by, level) {
        (None, _) => "Istio's default",
        (Some(_), Some(Level::Mesh)) => "the mesh",
        (Some(_), Some(Level::Namespace)) => "the namespace",
        (Some(_), Some(Level::Workload | Level::Port(_)) | None) => "the workload",
    };
    let text = format!("mtls {} by {by}, {otherwise}", word(mode.mode));
    Some((
        text,
        format!(
            "mutual TLS {}, set by {by}{}; requests are {otherwise}",
            word(mode.mode),
            place(analysis, &mode)
        ),
    ))
}

fn place(analysis: &Analysis, mode: &Mode) -> String {
    let (Some(reason), Some(outcome)) = (&mode.by, &analysis.outcome) else {
        return String::new();
    };
    let (start, _) = outcome.sources.positions(reason.origin, Unit::Character);
    format!(
        " ({}:{})",
        outcome.sources.path(reason.origin.file),
        start.line.saturating_add(1)
    )
}

const fn word(mode: MtlsMode) -> &'static str {
    match mode {
        MtlsMode::Strict => "strict",
        MtlsMode::Permissive => "permissive",
        MtlsMode::Disable => "disable",
        MtlsMode::Unset => "inherit",
    }
}
