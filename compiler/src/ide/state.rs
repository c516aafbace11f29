//! What is known of one state of a project, worked out when it is first asked for and shared by all who ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::analysis::Analysis;
use super::diagnostics::diagnostics;
use super::document::Document;
use super::touched::{Base, Findings};
use crate::source::Files;

/// A project that was judged whole.
pub(super) struct Judged {
    pub(super) analysis: Arc<Analysis>,
    findings: Arc<Findings>,
    /// By what a part of another state is judged, where that can be.
    base: Option<Base>,
}

/// One state of a project.
#[derive(Clone, Default)]
pub(super) struct State {
    now: Arc<OnceLock<Judged>>,
    /// An earlier state by which parts of this one can be judged, as long as it is not judged whole itself.
    before: Arc<Mutex<Option<Arc<OnceLock<Judged>>>>>,
    /// The findings of this state, where they could be worked out from those of the earlier one.
    quick: Arc<OnceLock<Option<Arc<Findings>>>>,
}

impl State {
    /// The state after texts have changed.
    pub(super) fn touched(&self) -> Self {
        let is_base = self.now.get().is_some_and(|judged| judged.base.is_some());
        let before = if is_base {
            Some(Arc::clone(&self.now))
        } else {
            self.before()
        };
        Self {
            before: Arc::new(Mutex::new(before)),
            ..Self::default()
        }
    }

    /// Whether the whole project was judged in this state.
    pub(super) fn is_whole(&self) -> bool {
        self.now.get().is_some()
    }

    /// The whole project, judged.
    pub(super) fn whole(&self, files: &dyn Files, project: &Path, library: &Path) -> Arc<Analysis> {
        let judged = self.now.get_or_init(|| {
            let analysis = Arc::new(Analysis::of(files, project, library));
            let mut findings = Findings::new();
            diagnostics(&analysis, &mut findings);
            let findings = Arc::new(findings);
            let base = Base::new(Arc::clone(&analysis), Arc::clone(&findings), project, library);
            Judged {
                analysis,
                findings,
                base,
            }
        });
        if judged.base.is_some() {
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Arc::clone(&judged.analysis)
    }

    /// The findings, if they are known or can be worked out without judging the whole project.
    pub(super) fn quick(&self, open: &BTreeMap<PathBuf, Arc<Document>>) -> Option<Arc<Findings>> {
        if let Some(judged) = self.now.get() {
            return Some(Arc::clone(&judged.findings));
        }
        let found = self.quick.get_or_init(|| {
            let before = self.before()?;
            let base = before.get()?.base.as_ref()?;
            base.findings(open).map(Arc::new)
        });
        found.clone()
    }

    /// The names of the project: those of now, or where only rules have changed since, those of before.
    pub(super) fn names(&self, open: &BTreeMap<PathBuf, Arc<Document>>) -> Option<Arc<Analysis>> {
        if let Some(judged) = self.now.get() {
            return Some(Arc::clone(&judged.analysis));
        }
        self.quick(open)?;
        Some(Arc::clone(&self.before()?.get()?.analysis))
    }

    fn before(&self) -> Option<Arc<OnceLock<Judged>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
