//! YAML as version 1.2 reads it: `yes`, `012` and `12:30` without quotes are what they look like, not what version 1.1
//! makes of them. Where Kubernetes' parser reads something else, the text needed quotes.

use anyhow::{Context, Result};
use serde_json::Value;

/// Every document of a stream that holds something.
pub fn read(text: &str) -> Result<Vec<Value>> {
    let options = serde_saphyr::options! {
        // Our own output needs no guard against bombs, and there can be thousands of objects.
        budget: None,
        strict_booleans: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::AsOrdinary,
        underscored_numbers_as_strings: true,
        leading_zero_numbers_as_strings: true,
    };
    serde_saphyr::from_multiple_with_options(text, options).context("not YAML")
}
