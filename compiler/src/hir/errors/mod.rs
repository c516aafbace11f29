//! Every mistake in names, values and places: its code, its page, and the one place that words it.

mod expressions;
mod names;
mod settings;
mod values;

pub(super) use expressions::*;
pub(super) use names::*;
pub(super) use settings::*;
pub(super) use values::*;

use crate::diagnostics::code::codes;

codes! {
    UNKNOWN_NAME Error "E0200" "unknown-name" "unknown_name.md"
        "A name is declared nowhere that it could be seen from.";
    DECLARED_TWICE Error "E0201" "declared-twice" "declared_twice.md"
        "A name is declared twice in one class of names.";
    AMBIGUOUS_NAME Error "E0202" "ambiguous-name" "ambiguous_name.md"
        "A bare name has two meanings.";
    CYCLE Error "E0203" "cycle" "cycle.md"
        "A declaration needs itself.";
    MISPLACED_ITEM Error "E0204" "misplaced-item" "misplaced_item.md"
        "An item stands in a block that cannot hold it.";
    SAID_TWICE Error "E0205" "said-twice" "said_twice.md"
        "One thing is said twice in one place.";
    UNKNOWN_PARAM Error "E0206" "unknown-param" "unknown_param.md"
        "A parameter is declared nowhere.";
    WRONG_ARGUMENTS Error "E0207" "wrong-arguments" "wrong_arguments.md"
        "Arguments do not fit the parameters.";
    PARAM_WITHOUT_VALUE Error "E0208" "param-without-value" "param_without_value.md"
        "A parameter has no default and was given no value.";
    LIST_FOR_ONE Error "E0209" "list-for-one" "list_for_one.md"
        "A parameter that holds a list stands where one value is needed.";
    UNKNOWN_WORD Error "E0210" "unknown-value" "unknown_value.md"
        "A word is none of those that may stand there.";
    INVALID_PORT Error "E0211" "invalid-port" "invalid_port.md"
        "A port is no number from 1 to 65535.";
    INVALID_ADDRESS Error "E0212" "invalid-address" "invalid_address.md"
        "A text is neither an address nor a network.";
    INVALID_NAME Error "E0213" "invalid-name" "invalid_name.md"
        "Kubernetes would refuse a name.";
    MISPLACED_STAR Error "E0214" "misplaced-star" "misplaced_star.md"
        "A star stands where Istio would take it literally.";
    LITERAL_STAR Error "E0215" "literal-star" "literal_star.md"
        "A literal star stands where Istio would take it as a wildcard.";
    INVALID_PATH_TEMPLATE Error "E0216" "invalid-path-template" "invalid_path_template.md"
        "A path template is one that Istio or Envoy refuses.";
    MIXED_KINDS Error "E0217" "mixed-kinds" "mixed_kinds.md"
        "Callers of kinds that do not go together are combined.";
    NO_ACCOUNT Error "E0218" "no-account" "no_account.md"
        "A workload without an account is used as a caller.";
    CLAIM_TYPE Error "E0219" "claim-type" "claim_type.md"
        "A claim is tested in a way that does not fit its type.";
    INVALID_ACCOUNT Error "E0220" "invalid-account" "invalid_account.md"
        "An account is not written as namespace and name.";
    ASK_ABOUT_IDENTITY Error "E0221" "ask-about-identity" "ask_about_identity.md"
        "An external authorizer is asked about identities or tokens.";
    PORT_MODE_OUTSIDE_WORKLOAD Error "E0222" "port-mode-outside-workload" "port_mode_outside_workload.md"
        "A mode for single ports stands outside a workload.";
    NAMESPACE_WIDE_IN_ROOT Error "E0223" "namespace-wide-in-root" "namespace_wide_in_root.md"
        "Something namespace-wide stands in the root namespace, where it would act on the whole mesh.";
    UNKNOWN_STD Error "E0224" "unknown-std" "unknown_std.md"
        "The standard library has no such file or item.";
    INCOMPLETE_ISSUER Error "E0225" "incomplete-issuer" "incomplete_issuer.md"
        "An issuer lacks what its use needs.";
    INVALID_TLS Error "E0226" "invalid-tls" "invalid_tls.md"
        "Settings of TLS do not go together.";
    KEYS_TWICE Error "E0227" "keys-twice" "keys_twice.md"
        "An issuer has a key set both inline and by address.";
    UNKNOWN_PLACE Error "E0228" "unknown-place" "unknown_place.md"
        "A test or an invariant is about something that no block describes.";
    EMPTY_VALUE Error "E0229" "empty-value" "empty_value.md"
        "A value or a list is empty.";
    NOT_CONCRETE Error "E0230" "not-concrete" "not_concrete.md"
        "A line of a test is not one request.";
    INVALID_SETTING Error "E0231" "invalid-setting" "invalid_setting.md"
        "A setting of an issuer, header or filter has a form that Istio refuses.";
    INVALID_LABEL Error "E0232" "invalid-label" "invalid_label.md"
        "Kubernetes would refuse a label.";
    RESERVED_NAME Error "E0233" "reserved-name" "reserved_name.md"
        "A name is one that the language or the compiler keeps for itself.";
    NO_SELECTOR Error "E0234" "no-selector" "no_selector.md"
        "A workload does not say which pods it is.";
    WHERE_WITHOUT_ISSUER Error "E0235" "where-without-issuer" "where_without_issuer.md"
        "Claims are asked of something that is no issuer.";
    UNKNOWN_PROVIDER Error "E0236" "unknown-provider" "unknown_provider.md"
        "An external authorizer is not declared in `mesh`.";
    DRY_RUN_AUDIT Error "E0237" "dry-run-audit" "dry_run_audit.md"
        "An audit is marked as a dry run.";
    TOO_MANY_EXPANSIONS Error "E0238" "too-many-expansions" "too_many_expansions.md"
        "Templates expand without a sane end.";
    INVALID_IDENTITY Error "E0239" "invalid-identity" "invalid_identity.md"
        "A principal or trust domain has a form that no certificate has.";
    EXPORT_WITH_CLIENTS Error "E0240" "export-with-clients" "export_with_clients.md"
        "A destination for some clients is exported to other namespaces.";
    PRIVATE_KEY Warning "W0250" "private-key" "private_key.md"
        "A key set in the text holds a key that should be secret.";
}
