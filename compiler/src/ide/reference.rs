//! Texts of the compiler that an editor can open like files: the standard library, and the page of each code.

use crate::catalogue;

/// The path of each file in the folder that was given to the workspace, and its text.
pub fn files() -> impl Iterator<Item = (String, &'static str)> {
    let library = meshc_stdlib::FILES.iter();
    let library = library.map(|(name, text)| (format!("{name}.mesh"), *text));
    let pages = catalogue::all().into_iter().map(|code| (page(code.id), code.page));
    library.chain(pages)
}

/// The path of a code's page in that folder.
#[must_use]
pub fn page(id: &str) -> String {
    format!("codes/{id}.md")
}
