//! Who reaches what as one page: a table of callers and operations to look through, with what each answer rests on.
//!
//! The page asks the network for nothing, and its policy forbids it to.

use super::super::page::{self, embedded, filled};
use super::{Subject, json};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn write(subject: &Subject<'_>) -> String {
    let mut data = json::data(subject);
    let groups = subject.callers.iter();
    let groups = groups.map(|caller| (caller.group.word().to_owned(), caller.group.title().into()));
    if let Some(data) = data.as_object_mut() {
        data.insert("groups".to_owned(), serde_json::Value::Object(groups.collect()));
    }
    let style = [page::STYLE, STYLE].concat();
    let parts = [("style", &*style), ("data", &embedded(&data)), ("script", SCRIPT)];
    filled(PAGE, &parts)
}
