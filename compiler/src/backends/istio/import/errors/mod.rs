//! What can be wrong with a manifest: its code, its page, and the one place that words it.

mod policies;
mod traffic;

use crate::backends::yaml::tree::Problem;
use crate::diagnostics::code::codes;
use crate::diagnostics::{Applicability, Diagnostic, Fix, suggest};
use crate::policy::{Meta, Target};
use crate::source::Span;
pub(in crate::backends) use policies::*;
pub(super) use traffic::*;

codes! {
    INVALID_YAML Error "E0500" "invalid-yaml" "invalid_yaml.md"
        "A manifest is not YAML.";
    DUPLICATE_YAML_KEY Error "E0501" "duplicate-yaml-key" "duplicate_yaml_key.md"
        "A mapping in a manifest has a key twice.";
    OVERSIZED_YAML Error "E0502" "oversized-yaml" "oversized_yaml.md"
        "A document nests too deep, or its aliases stand for too much.";
    HIDDEN_DOCUMENT Error "E0503" "hidden-document" "hidden_document.md"
        "A document starts where Kubernetes' clients do not see it.";
    UNKNOWN_FIELD Error "E0504" "unknown-field" "unknown_field.md"
        "An object has a field that its kind does not have.";
    WRONG_FIELD_TYPE Error "E0505" "wrong-field-type" "wrong_field_type.md"
        "A field of an object holds a value of another type.";
    MISSING_FIELD Error "E0506" "missing-field" "missing_field.md"
        "An object lacks a field that its kind demands.";
    WRONG_FIELD_VALUE Error "E0507" "wrong-field-value" "wrong_field_value.md"
        "A field holds a word, a length or a number that it does not take.";
    INVALID_OBJECT Error "E0508" "invalid-object" "invalid_object.md"
        "The version, the kind or the metadata of an object is one that a cluster refuses.";
    EXCLUSIVE_FIELDS Error "E0509" "exclusive-fields" "exclusive_fields.md"
        "An object has fields of which only one may be there.";
    INVALID_SELECTOR Error "E0510" "invalid-selector" "invalid_selector.md"
        "A selector has an empty label or a wildcard.";
    INVALID_TARGET_REF Error "E0511" "invalid-target-ref" "invalid_target_ref.md"
        "A policy is attached to something that it cannot be attached to.";
    INVALID_PORT_MODES Error "E0512" "invalid-port-modes" "invalid_port_modes.md"
        "The modes for ports of a PeerAuthentication cannot apply.";
    INVALID_JWT_RULE Error "E0513" "invalid-jwt-rule" "invalid_jwt_rule.md"
        "A rule of a RequestAuthentication is one that Istio refuses.";
    MISSING_RULES Error "E0514" "missing-rules" "missing_rules.md"
        "A policy that denies or asks a provider has no rules.";
    INVALID_CUSTOM Error "E0515" "invalid-custom" "invalid_custom.md"
        "The provider of a policy is missing or misplaced, or a rule asks for what a CUSTOM policy cannot know.";
    EMPTY_MATCH Error "E0516" "empty-match" "empty_match.md"
        "A source, an operation or a condition says nothing.";
    INVALID_MATCH Error "E0517" "invalid-match" "invalid_match.md"
        "A value of a rule is one that Istio refuses.";
    UNKNOWN_ATTRIBUTE Error "E0518" "unknown-attribute" "unknown_attribute.md"
        "The key of a condition is no attribute of Istio.";
    INVALID_DRY_RUN Error "E0519" "invalid-dry-run" "invalid_dry_run.md"
        "An object has a dry-run annotation that Istio refuses.";
    INVALID_DESTINATION Error "E0520" "invalid-destination" "invalid_destination.md"
        "The host, a subset or the audience of a DestinationRule is one that Istio refuses.";
    INVALID_CLIENT_TLS Error "E0521" "invalid-client-tls" "invalid_client_tls.md"
        "TLS settings contradict each other or lack what their mode needs.";
    INVALID_TRAFFIC_POLICY Error "E0522" "invalid-traffic-policy" "invalid_traffic_policy.md"
        "A traffic policy is empty or contradicts itself.";
    EMPTY_SELECTOR Warning "W0523" "empty-selector" "empty_selector.md"
        "A selector has no labels, and so selects everything.";
    PRIVATE_KEYS Warning "W0524" "private-keys" "private_keys.md"
        "An inline key set holds private keys.";
    DENY_CLOSES_TCP Warning "W0525" "deny-closes-tcp" "deny_closes_tcp.md"
        "A rule denies everything on TCP ports.";
    IDLE_TRAFFIC_SETTING Warning "W0526" "idle-traffic-setting" "idle_traffic_setting.md"
        "A traffic policy has a setting that is deprecated or without effect.";
    DROPPED_ATTRIBUTE Warning "W0527" "dropped-attribute" "dropped_attribute.md"
        "The key of a condition is one that Istio takes and then ignores.";
    FIELD_NOT_IN_RELEASE Error "E0528" "field-not-in-release" "field_not_in_release.md"
        "An object says what the target release does not know.";
    REPEATED_OBJECT Error "E0529" "repeated-object" "repeated_object.md"
        "An object is there twice.";
    UNUSABLE_KEYS Warning "W0530" "unusable-keys" "unusable_keys.md"
        "No key of an inline key set is one that Envoy can use.";
    ONE_REVISION Note "N0531" "one-revision" "one_revision.md"
        "An object is for the control planes of one revision.";
}

pub(in crate::backends) fn unusable_keys(span: Span, why: &str) -> Diagnostic {
    let message = format!("Envoy refuses this key set: {why}");
    Diagnostic::new(&UNUSABLE_KEYS, span, message).help(
        "give a set with a key that it knows (RSA, EC, Ed25519): with this one the proxies refuse the whole listener",
    )
}

pub(in crate::backends) fn one_revision(span: Span, revision: &str) -> Diagnostic {
    let message = format!("control planes of other revisions than `{revision}` pass this object over");
    Diagnostic::new(&ONE_REVISION, span, message)
        .help("answers take it as in force; without the label `istio.io/rev` all read it")
}

pub(super) fn problem(problem: Problem) -> Diagnostic {
    match problem {
        Problem::Syntax { span, message } => Diagnostic::new(
            &INVALID_YAML,
            span,
            format!("the text is not YAML: {}", message.trim_end_matches('.')),
        ),
        Problem::InnerTab(span) => {
            Diagnostic::new(&INVALID_YAML, span, "a tab stands here, where YAML takes only a space")
        }
        Problem::Tab(span) => Diagnostic::new(
            &INVALID_YAML,
            span,
            "a tab indents this line, and YAML takes only spaces",
        )
        .help("indent with spaces"),
        Problem::OddKey(span) => Diagnostic::new(
            &INVALID_YAML,
            span,
            "a key must be a word, not a mapping, a list or nothing",
        ),
        Problem::OddMerge(span) => Diagnostic::new(&INVALID_YAML, span, "`<<` can only merge mappings"),
        Problem::DuplicateKey { span, first, key } => {
            let d = Diagnostic::new(&DUPLICATE_YAML_KEY, span, format!("the key `{key}` is here twice"));
            d.secondary(first, "the first one")
                .help("keep one of them: readers of YAML differ on which one counts")
        }
        Problem::TooDeep(span) => {
            Diagnostic::new(&OVERSIZED_YAML, span, "the document nests more than 100 levels deep")
        }
        Problem::TooLong(span) => Diagnostic::new(
            &OVERSIZED_YAML,
            span,
            "this document has more than 4000000 values and keys",
        )
        .help("split it into several documents"),
        Problem::TooMuch(span) => Diagnostic::new(
            &OVERSIZED_YAML,
            span,
            "the aliases of this document stand for more than 100000 values",
        ),
        Problem::Hidden(span) => Diagnostic::new(
            &HIDDEN_DOCUMENT,
            span,
            "Kubernetes' clients do not read this document, because no line of only `---` stands before it",
        )
        .help("put `---` on a line of its own before the document"),
    }
}

pub(super) fn field_not_in_release(span: Span, what: &str, target: Target, since: Target) -> Diagnostic {
    let message = format!("`{target}` lacks {what}: it came with `{since}`");
    Diagnostic::new(&FIELD_NOT_IN_RELEASE, span, message)
        .help("an older cluster drops it without a word and enforces the rest")
        .help(format!("name `{since}` or newer as the target, or say it otherwise"))
}

pub(in crate::backends) fn repeated_object(span: Span, first: Span, kind: &str, meta: &Meta) -> Diagnostic {
    let place = meta
        .namespace
        .as_ref()
        .map_or(String::new(), |namespace| format!("{namespace}/"));
    let message = format!("the {kind} `{place}{}` is here twice", meta.name);
    Diagnostic::new(&REPEATED_OBJECT, span, message)
        .secondary(first, "the first one")
        .help("keep one of them: a cluster keeps the one that is applied last, and which one that is nobody can say")
}

/// The candidate that differs in case and separators only, else the nearest one.
pub(in crate::backends) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let same = known.clone().find(|name| plain(name) == plain(word));
    same.or_else(|| suggest::nearest(word, known))
}

pub(in crate::backends) fn write(span: Span, text: &str) -> Fix {
    Fix::replace(format!("write `{text}`"), span, text, Applicability::Suggestion)
}

pub(super) fn unknown_field<'a>(
    span: Span,
    key: &str,
    parent: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let d = Diagnostic::new(&UNKNOWN_FIELD, span, format!("`{parent}` has no field `{key}`"));
    match nearest(key, known.clone()) {
        Some(near) => d.fix(write(span, near)),
        None => {
            let fields: Vec<_> = known.map(|name| format!("`{name}`")).collect();
            d.help(format!("use one of {}", fields.join(", ")))
        }
    }
}

pub(in crate::backends) fn wrong_type(span: Span, name: &str, wanted: &str, found: &str) -> Diagnostic {
    let d = Diagnostic::new(
        &WRONG_FIELD_TYPE,
        span,
        format!("`{name}` takes {wanted}, but this is {found}"),
    );
    match (wanted, found) {
        ("a string", "a number" | "a boolean") => d.help("put it in quotes"),
        (_, "nothing") => d.help("give it a value, or leave the field out"),
        _ => d,
    }
}

pub(super) fn missing_field(span: Span, field: &str, parent: &str) -> Diagnostic {
    Diagnostic::new(&MISSING_FIELD, span, format!("`{parent}` lacks the field `{field}`"))
}

pub(in crate::backends) fn no_kind(span: Span) -> Diagnostic {
    Diagnostic::new(&MISSING_FIELD, span, "the object has no `kind`")
}

pub(super) fn empty_text(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&WRONG_FIELD_VALUE, span, format!("`{name}` must not be empty"))
}

pub(super) fn long_text(span: Span, name: &str, length: usize, most: usize) -> Diagnostic {
    let message = format!("`{name}` has {length} characters, more than the {most} that it may have");
    Diagnostic::new(&WRONG_FIELD_VALUE, span, message)
}

pub(in crate::backends) fn unknown_word(span: Span, name: &str, word: &str, words: &[&str]) -> Diagnostic {
    let d = Diagnostic::new(&WRONG_FIELD_VALUE, span, format!("`{word}` is no value of `{name}`"));
    let upper = word.to_uppercase();
    let same = words.iter().copied().find(|known| *known == upper);
    match same.or_else(|| suggest::nearest(&upper, words.iter().copied())) {
        Some(near) => d.fix(write(span, near)),
        None => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            d.help(format!("use one of {}", words.join(", ")))
        }
    }
}

pub(super) fn number_out_of_range(span: Span, name: &str, least: &str, most: &str) -> Diagnostic {
    Diagnostic::new(
        &WRONG_FIELD_VALUE,
        span,
        format!("`{name}` must be from {least} to {most}"),
    )
}

pub(super) fn wrong_duration(span: Span, name: &str, text: &str, wrong: &str) -> Diagnostic {
    Diagnostic::new(&WRONG_FIELD_VALUE, span, format!("`{text}` in `{name}` {wrong}"))
        .help("write a number with its unit, such as `250ms`, `5s` or `1h30m`")
}

pub(super) fn too_many(span: Span, name: &str, count: usize, most: usize) -> Diagnostic {
    Diagnostic::new(
        &WRONG_FIELD_VALUE,
        span,
        format!("`{name}` has {count} entries, more than the {most} that it may have"),
    )
}

pub(in crate::backends) fn misspelt_kind(span: Span, kind: &str, group: &str, near: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("`{group}` has no kind `{kind}`")).fix(write(span, near))
}

pub(super) fn wrong_group(span: Span, kind: &str, group: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("{kind} is a kind of `{group}`"))
}

pub(in crate::backends) fn unserved_version(span: Span, kind: &str, version: &str, served: &[&str]) -> Diagnostic {
    let served: Vec<_> = served.iter().map(|version| format!("`{version}`")).collect();
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        format!("no release of Istio serves {kind} as `{version}`"),
    )
    .help(format!("use one of {}", served.join(", ")))
}

pub(super) fn no_name(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("the {kind} has no name")).help("write `metadata.name`")
}

pub(super) fn bad_time(span: Span, field: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("`{field}` is no time"))
        .help("leave the field out: the cluster writes it")
}

pub(super) fn bad_name(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("`{name}` cannot be the name of an object"))
        .help("use lowercase letters, digits, `-` and `.`, with a letter or digit at both ends of each part, at most 253 characters")
}

pub(super) fn bad_namespace(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        format!("`{name}` cannot be the name of a namespace"),
    )
    .help("use lowercase letters, digits and `-`, with a letter or digit at both ends, at most 63 characters")
}

pub(super) fn bad_metadata_key(span: Span, key: &str, map: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_OBJECT, span, format!("`{key}` cannot be a key of `{map}`"))
        .help("use letters, digits, `-`, `_` and `.`, at most 63, after a domain and `/` if there is one")
}

pub(super) fn bad_label_value(span: Span, value: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        format!("`{value}` cannot be the value of a label"),
    )
    .help("use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters")
}

pub(super) fn long_annotations(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        "the annotations have more than 256 KiB, and a cluster refuses them",
    )
}

pub(super) fn reserved_annotation(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        format!("Istio refuses every object with the annotation `{key}`"),
    )
    .help("remove the annotation")
}

pub(in crate::backends) fn odd_object(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_OBJECT,
        span,
        format!("an object must be a mapping, but this is {found}"),
    )
}
