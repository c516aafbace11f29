//! The nearest miss of a refused request as JSON.

use serde_json::{Value, json};

use super::verdicts;
use crate::analysis::request_data;
use crate::diagnostics::render::json_value;
pub(super) use crate::driver::near::sentence;
use crate::driver::near::{key, value};
use crate::policy::evaluate::nearest::{Fact, NearestMiss};
use crate::policy::inventory::Inventory;
use crate::policy::request::{Json, Request};
use crate::source::SourceMap;

/// The nearest miss as answers hold it.
pub(super) fn object(sources: &SourceMap, inventory: &Inventory, miss: Option<&NearestMiss>) -> Value {
    let Some(miss) = miss else { return Value::Null };
    let change = |fact: &Fact| {
        let mut change = json!({
            "fact": key(fact),
            "from": json_value(&value(inventory, fact, &miss.from)),
            "to": json_value(&value(inventory, fact, &miss.to)),
        });
        if let (Fact::Header(name) | Fact::Claim(name) | Fact::Answer(name), Some(change)) =
            (fact, change.as_object_mut())
        {
            change.insert("name".to_owned(), json!(name));
        }
        change
    };
    json!({
        "changes": miss.changes.iter().map(change).collect::<Vec<_>>(),
        "request": request(inventory, &miss.to),
        "by": miss.by.as_ref().map(|reason| verdicts::reason_object(sources, reason)),
        "exact": miss.is_exact,
    })
}

/// A request in the form that `meshc eval` reads.
fn request(inventory: &Inventory, request: &Request) -> Value {
    json_value(&request_data::data(inventory, request))
}

pub(super) fn plain(claim: &Json) -> Value {
    json_value(&request_data::claim(claim))
}
