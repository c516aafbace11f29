//! What can be wrong with a project before its text is understood: files, `mesh.toml`, environments, suppressions.

use crate::diagnostics::{Applicability, Code, Diagnostic, Fix, Severity};
use crate::source::{FileError, Span};

/// Every code of this stage.
pub const CODES: &[&Code] = &[
    &UNREADABLE_FILE,
    &NOT_UTF8,
    &BYTE_ORDER_MARK,
    &INVALID_MANIFEST,
    &UNKNOWN_KEY,
    &WRONG_VALUE,
    &UNKNOWN_TARGET,
    &UNKNOWN_FINDING,
    &FIXED_LEVEL,
    &VALUE_WITHOUT_PARAM,
    &UNUSED_SUPPRESSION,
    &NESTED_MANIFEST,
    &DEFAULT_TARGET,
    &MANIFEST_WITHOUT_FILE,
];

/// `E0001`.
pub static UNREADABLE_FILE: Code = Code {
    id: "E0001",
    name: "unreadable-file",
    severity: Severity::Error,
    summary: "A file or folder of the project cannot be read.",
    page: include_str!("unreadable_file.md"),
};

/// `E0002`.
pub static NOT_UTF8: Code = Code {
    id: "E0002",
    name: "not-utf8",
    severity: Severity::Error,
    summary: "A file is not UTF-8 text.",
    page: include_str!("not_utf8.md"),
};

/// `E0003`.
pub static BYTE_ORDER_MARK: Code = Code {
    id: "E0003",
    name: "byte-order-mark",
    severity: Severity::Error,
    summary: "A file starts with a byte order mark.",
    page: include_str!("byte_order_mark.md"),
};

/// `E0004`.
pub static INVALID_MANIFEST: Code = Code {
    id: "E0004",
    name: "invalid-manifest",
    severity: Severity::Error,
    summary: "`mesh.toml` is not TOML.",
    page: include_str!("invalid_manifest.md"),
};

/// `E0005`.
pub static UNKNOWN_KEY: Code = Code {
    id: "E0005",
    name: "unknown-key",
    severity: Severity::Error,
    summary: "`mesh.toml` has a key that means nothing.",
    page: include_str!("unknown_key.md"),
};

/// `E0006`.
pub static WRONG_VALUE: Code = Code {
    id: "E0006",
    name: "wrong-value",
    severity: Severity::Error,
    summary: "A value in `mesh.toml` is not of the kind that its key takes.",
    page: include_str!("wrong_value.md"),
};

/// `E0007`.
pub static UNKNOWN_TARGET: Code = Code {
    id: "E0007",
    name: "unknown-target",
    severity: Severity::Error,
    summary: "The target is no release that meshc knows.",
    page: include_str!("unknown_target.md"),
};

/// `E0008`.
pub static UNKNOWN_FINDING: Code = Code {
    id: "E0008",
    name: "unknown-finding",
    severity: Severity::Error,
    summary: "A level or suppression names a finding that does not exist.",
    page: include_str!("unknown_finding.md"),
};

/// `E0009`.
pub static FIXED_LEVEL: Code = Code {
    id: "E0009",
    name: "fixed-level",
    severity: Severity::Error,
    summary: "A level or suppression is meant for a finding that is always an error.",
    page: include_str!("fixed_level.md"),
};

/// `E0010`.
pub static VALUE_WITHOUT_PARAM: Code = Code {
    id: "E0010",
    name: "value-without-param",
    severity: Severity::Error,
    summary: "A value is given to a parameter that the project does not declare.",
    page: include_str!("value_without_param.md"),
};

/// `W0012`.
pub static UNUSED_SUPPRESSION: Code = Code {
    id: "W0012",
    name: "unused-suppression",
    severity: Severity::Warning,
    summary: "A suppression suppresses nothing.",
    page: include_str!("unused_suppression.md"),
};

/// `W0013`.
pub static NESTED_MANIFEST: Code = Code {
    id: "W0013",
    name: "nested-manifest",
    severity: Severity::Warning,
    summary: "A `mesh.toml` below the root of the project is not read.",
    page: include_str!("nested_manifest.md"),
};

/// `N0014`.
pub static DEFAULT_TARGET: Code = Code {
    id: "N0014",
    name: "default-target",
    severity: Severity::Note,
    summary: "No release is named, so the newest one is meant.",
    page: include_str!("default_target.md"),
};

/// `W0015`.
pub static MANIFEST_WITHOUT_FILE: Code = Code {
    id: "W0015",
    name: "manifest-without-file",
    severity: Severity::Warning,
    summary: "A glob of `manifests` matches no file.",
    page: include_str!("manifest_without_file.md"),
};

pub(crate) fn manifest_without_file(span: Span, glob: &str) -> Diagnostic {
    Diagnostic::new(
        &MANIFEST_WITHOUT_FILE,
        span,
        format!("`{glob}` matches no YAML or JSON file of the project"),
    )
    .help("write it from the folder of `mesh.toml`, with `**` for any folders, as in `k8s/**/*.yaml`")
}

pub(crate) fn unreadable_file(span: Span, error: &FileError) -> Diagnostic {
    Diagnostic::new(&UNREADABLE_FILE, span, format!("this cannot be read: {error}"))
}

pub(crate) fn not_utf8(span: Span, byte: u8) -> Diagnostic {
    let message = format!("this file is not UTF-8: the byte 0x{byte:02X} starts no character here");
    Diagnostic::new(&NOT_UTF8, span, message).help("save the file as UTF-8")
}

pub(crate) fn utf16(span: Span) -> Diagnostic {
    Diagnostic::new(&NOT_UTF8, span, "this file is not UTF-8: it looks like UTF-16").help("save the file as UTF-8")
}

pub(crate) fn byte_order_mark(span: Span) -> Diagnostic {
    Diagnostic::new(&BYTE_ORDER_MARK, span, "this file starts with a byte order mark").fix(Fix::replace(
        "save the file as UTF-8 without a byte order mark",
        span,
        "",
        Applicability::Automatic,
    ))
}

pub(crate) fn invalid_manifest(span: Span, message: &str) -> Diagnostic {
    let message = message.trim().trim_end_matches('.').replace('\n', ", ");
    Diagnostic::new(&INVALID_MANIFEST, span, format!("`mesh.toml` is not TOML: {message}"))
}

pub(crate) fn unknown_key(span: Span, key: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(&UNKNOWN_KEY, span, format!("`{key}` is no key of `mesh.toml`"));
    match nearest {
        Some(nearest) => d.fix(replace_by(span, nearest)),
        None => d.help("use `target`, `manifests`, `[lints]` or `[env.NAME]`"),
    }
}

pub(crate) fn wrong_value(span: Span, key: &str, takes: &str, is: &str) -> Diagnostic {
    Diagnostic::new(&WRONG_VALUE, span, format!("`{key}` takes {takes}, but this is {is}"))
}

pub(crate) fn empty_list(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(&WRONG_VALUE, span, format!("the list of `{key}` is empty"))
        .help("give it one value or more; an empty list in Istio means anyone")
}

pub(crate) fn unknown_level(span: Span, level: &str, nearest: Option<&str>) -> Diagnostic {
    Diagnostic::new(&WRONG_VALUE, span, format!("`{level}` is no level"))
        .maybe_help(nearest.map(|nearest| format!("did you mean `{nearest}`?")))
        .help("use `off`, `note`, `warn` or `error`")
}

pub(crate) fn unknown_target(span: Span, target: &str, oldest: &str, newest: &str) -> Diagnostic {
    Diagnostic::new(&UNKNOWN_TARGET, span, format!("`{target}` is no known target"))
        .help(format!("use a release from `{oldest}` to `{newest}`"))
}

pub(crate) fn unknown_finding(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(&UNKNOWN_FINDING, span, format!("there is no finding called `{name}`"));
    match nearest {
        Some(nearest) => d.fix(replace_by(span, nearest)),
        None => d.help("list the findings with `meshc explain`"),
    }
}

pub(crate) fn fixed_level(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&FIXED_LEVEL, span, format!("`{name}` is always an error"))
        .help("repair what the error names instead")
}

pub(crate) fn value_without_param(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(
        &VALUE_WITHOUT_PARAM,
        span,
        format!("the project declares no parameter `{name}`"),
    );
    match nearest {
        Some(nearest) => d.fix(replace_by(span, nearest)),
        None => d.help(format!("declare it with `param {name}`, or take the value away")),
    }
}

pub(crate) fn unused_suppression(span: Span, name: &str) -> Diagnostic {
    let message = format!("there is no `{name}` to suppress in what follows");
    Diagnostic::new(&UNUSED_SUPPRESSION, span, message).fix(Fix::replace(
        "remove the comment",
        span,
        "",
        Applicability::Suggestion,
    ))
}

pub(crate) fn nested_manifest(span: Span, outer: &str) -> Diagnostic {
    let message = format!("this manifest is not read, because its folder belongs to the project of `{outer}`");
    Diagnostic::new(&NESTED_MANIFEST, span, message).help("move one project out of the other")
}

pub(crate) fn default_target(span: Span, target: &str, has_manifest: bool) -> Diagnostic {
    let message = format!("no target is named, so `{target}` is meant, the newest");
    let help = if has_manifest {
        format!("write `target = \"{target}\"` in `mesh.toml`")
    } else {
        format!("write `target = \"{target}\"` in a file `mesh.toml` at the root of the project, or pass `--target`")
    };
    Diagnostic::new(&DEFAULT_TARGET, span, message).help(help)
}

fn replace_by(span: Span, text: &str) -> Fix {
    Fix::replace(format!("write `{text}`"), span, text, Applicability::Suggestion)
}
