//! Workloads that stand for several kinds of pods: what is asked of them is asked of each.

use super::{ClientSide, Judge, Observer};
use crate::policy::inventory::Workload;
use crate::policy::request::{Answer, Caller, Destination, Request, Unknown};

impl Judge<'_> {
    /// The answer that all kinds of pods agree on; `None` if only one kind is meant.
    pub(super) fn answer_of_each(&self, request: &Request, observer: Observer<'_>) -> Option<Result<Answer, Unknown>> {
        if let Destination::Known(index) = request.to
            && let Some(several) = self.several(index)
        {
            let answers = several.stands_for.iter().map(|index| {
                let to = Destination::Known(*index);
                self.observed(&Request { to, ..request.clone() }, observer)
            });
            return Some(self.agreed(several, answers, |answer| answer.outcome));
        }
        if let Caller::Workload(index) = request.caller
            && let Some(several) = self.several(index)
        {
            let answers = several.stands_for.iter().map(|index| {
                let caller = Caller::Workload(*index);
                let request = Request {
                    caller,
                    ..request.clone()
                };
                self.observed(&request, observer)
            });
            return Some(self.agreed(several, answers, |answer| answer.outcome));
        }
        None
    }

    /// The same for the TLS of a client.
    pub(super) fn client_side_of_each(
        &self,
        workload: usize,
        host: &str,
        port: Option<u16>,
    ) -> Option<Result<ClientSide, Unknown>> {
        let several = self.several(workload)?;
        let sides = several.stands_for.iter();
        let sides = sides.map(|index| self.client_side(*index, host, port));
        Some(self.agreed(several, sides, |side| side.mode))
    }

    /// A workload that stands for others.
    pub(super) fn several(&self, index: usize) -> Option<&Workload> {
        let workload = self.inventory.workloads.get(index)?;
        // One of them is never one that stands for others.
        let plain = |index: &usize| {
            let workload = self.inventory.workloads.get(*index);
            workload.is_some_and(|workload| workload.stands_for.is_empty())
        };
        let several = !workload.stands_for.is_empty() && workload.stands_for.iter().all(plain);
        several.then_some(workload)
    }

    fn agreed<T, O: PartialEq>(
        &self,
        several: &Workload,
        answers: impl Iterator<Item = Result<T, Unknown>>,
        outcome: impl Fn(&T) -> O,
    ) -> Result<T, Unknown> {
        let mut first: Option<T> = None;
        for answer in answers {
            let answer = answer?;
            match &first {
                Some(first) if outcome(first) != outcome(&answer) => {
                    let workloads = several
                        .stands_for
                        .iter()
                        .filter_map(|at| self.inventory.workloads.get(*at));
                    let names: Vec<String> = workloads.map(|it| format!("`{}/{}`", it.namespace, it.name)).collect();
                    return Err(Unknown::Other(format!(
                        "`{}/{}` stands for {}, and the answer depends on which of them is meant",
                        several.namespace,
                        several.name,
                        names.join(" and ")
                    )));
                }
                Some(_) => {}
                None => first = Some(answer),
            }
        }
        first.ok_or_else(|| Unknown::Other("there is no such workload".to_owned()))
    }
}
