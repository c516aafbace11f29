//! Workloads as people name them.

use anyhow::bail;

use crate::diagnostics::suggest::nearest;
use crate::policy::inventory::Inventory;

/// The workload or gateway of this name, `namespace/name`, or its name alone where only one has it.
///
/// # Errors
/// There is none, or several.
pub(super) fn find(inventory: &Inventory, text: &str) -> anyhow::Result<usize> {
    if let Some(found) = text
        .split_once('/')
        .and_then(|(namespace, name)| inventory.find(namespace, name))
    {
        return Ok(found);
    }
    let workloads = inventory.workloads.iter().enumerate();
    let found: Vec<usize> = workloads.filter(|(_, it)| it.name == text).map(|(at, _)| at).collect();
    match found.as_slice() {
        [index] => return Ok(*index),
        [] => {}
        several => {
            let names = several.iter().filter_map(|index| name(inventory, *index));
            let listed: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            bail!("several workloads are called `{text}`: {}", listed.join(", "));
        }
    }
    let names: Vec<String> = (0..inventory.workloads.len())
        .filter_map(|index| name(inventory, index))
        .collect();
    if names.is_empty() {
        bail!("no workload is declared, so there is no `{text}`");
    }
    bail!("there is no workload `{text}`; {}", suggestion(&names, text));
}

/// Pods of one kind, which are those that a workload stands for where it stands for several.
///
/// # Errors
/// It stands for several kinds of pods.
pub(super) fn of_one_kind(inventory: &Inventory, index: usize) -> anyhow::Result<usize> {
    let stands_for = inventory
        .workloads
        .get(index)
        .map_or(&[][..], |workload| &workload.stands_for);
    match stands_for {
        [] => Ok(index),
        [one] => Ok(*one),
        several => {
            let names: Vec<String> = several
                .iter()
                .filter_map(|at| name(inventory, *at))
                .map(|name| format!("`{name}`"))
                .collect();
            let own = name(inventory, index).unwrap_or_default();
            bail!(
                "`{own}` stands for several kinds of pods; name one of {}",
                names.join(", ")
            );
        }
    }
}

/// `namespace/name` of a workload.
pub(super) fn name(inventory: &Inventory, index: usize) -> Option<String> {
    let workload = inventory.workloads.get(index)?;
    Some(format!("{}/{}", workload.namespace, workload.name))
}

/// The name that was probably meant, else some that there are.
fn suggestion(names: &[String], text: &str) -> String {
    const SHOWN: usize = 5;
    let by_name = |part: &str| {
        let short = names
            .iter()
            .filter_map(|full| full.split_once('/').map(|(_, name)| name));
        let near = nearest(part, short)?;
        names.iter().find(|full| full.ends_with(&format!("/{near}")))
    };
    let own_name = text.rsplit('/').next().unwrap_or(text);
    let same_name = || names.iter().find(|full| full.ends_with(&format!("/{own_name}")));
    let meant = nearest(text, names.iter().map(String::as_str))
        .or_else(|| by_name(own_name).map(String::as_str))
        .or_else(|| same_name().map(String::as_str));
    if let Some(meant) = meant {
        return format!("did you mean `{meant}`?");
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("there are {} and {more} more", shown.join(", ")),
        _ => format!("there are {}", shown.join(", ")),
    }
}
