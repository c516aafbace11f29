//! The accounts that the pods of a block run under: what the block says, else what the project's surroundings show.

use super::callers::account;
use super::names::{Env, Found};
use super::resolver::Resolver;
use super::{Account, Expr, Fact, Of, Pods, ScopeKind, Value};
use crate::policy::StringMap;
use crate::source::Span;
use crate::syntax::ast;

impl Resolver<'_, '_> {
    /// The pods that a name means where no block has it and the surroundings do.
    pub(super) fn surrounding_pods(&self, name: &ast::Name, env: &Env) -> Option<(Pods, Vec<Account>)> {
        let Found::None(_) = self.callers.find(&name.text, env) else {
            return None;
        };
        let inner = env
            .namespace
            .as_deref()
            .map(|namespace| (namespace, name.text.as_str()));
        let (namespace, name) = name.text.split_once('/').or(inner)?;
        self.surroundings.pods(namespace, name)
    }

    /// The accounts of a workload, gateway or waypoint: the one that it says, else those of its pods in the surroundings.
    /// `None` if it is broken.
    pub(super) fn accounts_of(&mut self, index: usize) -> Option<Vec<Account>> {
        let draft = self.drafts.get(index)?;
        let entry = draft.entries.iter().find_map(|entry| match &entry.item.kind {
            ast::ItemKind::Fact(ast::Fact::Single {
                key: ast::SingleFact::Account,
                value,
            }) => Some((value, entry.env.clone())),
            _ => None,
        });
        let namespace = draft.namespace.clone();
        let Some((value, env)) = entry else {
            return Some(self.surrounding_accounts(index));
        };
        let value = self.one(value, &env)?;
        let here = namespace.as_deref().unwrap_or(&self.program.mesh.root);
        Some(vec![account(&value.text, here)])
    }

    fn surrounding_accounts(&mut self, index: usize) -> Vec<Account> {
        let Some(draft) = self.drafts.get(index) else {
            return Vec::new();
        };
        // A selector in `mesh` stands for pods of every namespace.
        let (Some(namespace), kind) = (draft.namespace.clone(), draft.kind.clone()) else {
            return Vec::new();
        };
        match kind {
            ScopeKind::Waypoint { name } => {
                let account = self.surroundings.waypoint_account(&namespace, &name);
                account.into_iter().collect()
            }
            ScopeKind::Workload { name } => {
                let select = self.selected(index, Some(&name));
                self.surroundings.accounts(&namespace, &name, &select)
            }
            ScopeKind::Gateway { name } => {
                let select = self.selected(index, None);
                self.surroundings.accounts(&namespace, &name, &select)
            }
            _ => Vec::new(),
        }
    }

    /// The labels that a block selects its pods by; `workload` is its name if that may stand for them. What is wrong with
    /// them is said where the block is read.
    fn selected(&mut self, index: usize, workload: Option<&str>) -> StringMap {
        let entries = self.drafts.get(index).into_iter().flat_map(|draft| &draft.entries);
        let said = entries.into_iter().find_map(|entry| match &entry.item.kind {
            ast::ItemKind::Fact(ast::Fact::Select(pairs)) => Some((pairs, entry.env.clone())),
            _ => None,
        });
        match said {
            Some((pairs, env)) => {
                let findings = std::mem::take(self.acc);
                let labels = self.labels(pairs, &env);
                *self.acc = findings;
                labels
            }
            None => {
                let named = self.program.mesh.workload_label.clone().zip(workload);
                named
                    .map(|(label, name)| (label, name.to_owned()))
                    .into_iter()
                    .collect()
            }
        }
    }
}

/// Callers who are one of these accounts.
pub(super) fn of_accounts(accounts: Vec<Account>, span: Span) -> Expr {
    let values = accounts
        .into_iter()
        .map(|account| (Value::plain(account.namespace, span), Value::plain(account.name, span)));
    Expr::fact(
        Fact::Sa {
            accounts: values.collect(),
            of: Of::Mesh,
        },
        span,
    )
}
