//! The standard library of the Mesh language: its sources as text, and a table of them.
//!
//! It is a package of its own so that the sources ship with the compiler and editors can open them as files. Nothing
//! here knows the language: the resolver parses a file of the table when a project says `use std/…`.

/// Every file of the standard library, by the name that `use` takes, sorted by it.
pub const FILES: &[(&str, &str)] = &[
    ("std/callers", include_str!("../std/callers.mesh")),
    ("std/grpc", include_str!("../std/grpc.mesh")),
    ("std/http", include_str!("../std/http.mesh")),
    ("std/issuers", include_str!("../std/issuers.mesh")),
    ("std/networks", include_str!("../std/networks.mesh")),
];

/// The text of the file that `use NAME` means, if there is one.
pub fn source(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
}
