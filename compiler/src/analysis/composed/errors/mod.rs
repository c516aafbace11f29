//! What is said of composed policies.

mod callers;
mod destinations;
mod identities;
mod modes;
mod names;
mod planes;
mod ports;
mod readings;
mod tokens;

use crate::diagnostics::code::codes;
pub(super) use callers::*;
pub(super) use destinations::*;
pub(super) use identities::*;
pub(super) use modes::*;
pub(super) use names::*;
pub(super) use planes::*;
pub(super) use ports::*;
pub(super) use readings::*;
pub(super) use tokens::*;

codes! {
    ODD_VALUE Warning "W0620" "odd-value" "odd_value.md"
        "A value of a rule is one that no request has.";
    ODD_METHOD Warning "W0621" "odd-method" "odd_method.md"
        "A method of a rule is none of HTTP.";
    SPLIT_RULE Note "N0622" "split-rule" "split_rule.md"
        "Two rules stand side by side, one with only who and the other with only what.";
    JOINT_EXCEPTIONS Note "N0623" "joint-exceptions" "joint_exceptions.md"
        "A DENY rule has several exceptions, and one of them is enough to pass.";
    LOOSE_DENY Note "N0624" "loose-deny" "loose_deny.md"
        "A path that is refused passes in another spelling.";
    HOST_SPELLING Note "N0625" "host-spelling" "host_spelling.md"
        "A host is told apart from another spelling of the same host.";
    CLIENT_SET_HEADER Note "N0626" "client-set-header" "client_set_header.md"
        "An ALLOW rule rests on a header that every caller can set.";
    DOTTED_CLAIM Note "N0627" "dotted-claim" "dotted_claim.md"
        "The name of a claim has a dot, which leads into no object.";
    OLDEST_WINS Warning "W0630" "oldest-wins" "oldest_wins.md"
        "Two policies of one rank say different things, and only their age decides.";
    IGNORED_SELECTOR Warning "W0631" "ignored-selector" "ignored_selector.md"
        "A PeerAuthentication for selected pods stands in the root namespace, where it is ignored.";
    ACCEPTS_PLAINTEXT Note "N0632" "accepts-plaintext" "accepts_plaintext.md"
        "A PeerAuthentication lets callers in without a certificate.";
    IDENTITY_NEVER_SEEN Warning "W0633" "identity-never-seen" "identity_never_seen.md"
        "A rule asks for an identity where no caller shows one.";
    DENY_WALKED_AROUND Warning "W0634" "deny-walked-around" "deny_walked_around.md"
        "Whom a rule refuses by identity gets in without showing it.";
    ADMITS_ABSENT Note "N0635" "admits-absent" "admits_absent.md"
        "An ALLOW rule excludes values, and so admits requests that have none.";
    ANY_TRUST_DOMAIN Note "N0636" "any-trust-domain" "any_trust_domain.md"
        "A namespace or account of a trusted mesh is admitted as one of this mesh.";
    SHARED_ACCOUNT Note "N0637" "shared-account" "shared_account.md"
        "Several workloads run under the account that a rule admits.";
    CALLER_IS_GATEWAY Note "N0638" "caller-is-gateway" "caller_is_gateway.md"
        "A rule admits a gateway, and so everybody who comes through it.";
    CALLER_OUTSIDE_MESH Warning "W0639" "caller-outside-mesh" "caller_outside_mesh.md"
        "A rule admits an account whose pods have no proxy to show it.";
    TOKEN_OPTIONAL Note "N0640" "token-optional" "token_optional.md"
        "Tokens are checked where they are there, and nothing asks for one.";
    ANY_AUDIENCE Note "N0641" "any-audience" "any_audience.md"
        "A token that was made for another application is taken.";
    ISSUER_TWICE Warning "W0642" "issuer-twice" "issuer_twice.md"
        "One issuer has two sets of keys at one place.";
    TOKEN_NEVER_READ Warning "W0643" "token-never-read" "token_never_read.md"
        "A rule asks for a token where nothing reads one.";
    UNKNOWN_ISSUER Warning "W0644" "unknown-issuer" "unknown_issuer.md"
        "A rule names an issuer whose tokens are not taken here.";
    KEYS_IN_CLEAR Warning "W0645" "keys-in-clear" "keys_in_clear.md"
        "The keys of an issuer are fetched without encryption.";
    TOKEN_TAKEN Note "N0646" "token-taken" "token_taken.md"
        "A gateway takes out the token that is asked for behind it.";
    SERVICE_PORT Warning "W0650" "service-port" "service_port.md"
        "A Service's port stands where a pod's is compared.";
    UNPROXIED_PORT Warning "W0651" "unproxied-port" "unproxied_port.md"
        "A policy is for a port whose traffic the proxy never sees.";
    SELECTS_NOTHING Warning "W0652" "selects-nothing" "selects_nothing.md"
        "A policy reaches none of the pods that it is meant for.";
    UNKNOWN_CALLER Warning "W0653" "unknown-caller" "unknown_caller.md"
        "A rule names a caller that cannot be.";
    OUTSIDE_MESH Warning "W0654" "outside-mesh" "outside_mesh.md"
        "All pods of a policy are without a proxy.";
    CLOSED_PORT Note "N0655" "closed-port" "closed_port.md"
        "ALLOW policies leave no way to a port.";
    HTTP_ON_TCP Warning "W0656" "http-on-tcp" "http_on_tcp.md"
        "A rule about HTTP meets a TCP port.";
    UNKNOWN_PROTOCOL Note "N0657" "unknown-protocol" "unknown_protocol.md"
        "A rule about HTTP reaches a port whose protocol nobody names.";
    ZTUNNEL_IGNORES Warning "W0660" "ztunnel-ignores" "ztunnel_ignores.md"
        "Only ztunnel enforces a policy, and it cannot.";
    WAYPOINT_REFUSED Warning "W0661" "waypoint-refused" "waypoint_refused.md"
        "Pods admit a caller, and refuse the waypoint that it comes through.";
    ROUND_THE_WAYPOINT Note "N0662" "round-the-waypoint" "round_the_waypoint.md"
        "What a waypoint refuses gets in on the way around it.";
    AMBIENT_DISABLE Note "N0663" "ambient-disable" "ambient_disable.md"
        "A PeerAuthentication switches mutual TLS off where ztunnel keeps it.";
    SEVERAL_PROVIDERS Warning "W0665" "several-providers" "several_providers.md"
        "Two external authorizers are asked at one place.";
    UNSET_PROVIDER Warning "W0666" "unset-provider" "unset_provider.md"
        "A policy asks a provider that the mesh configuration does not name.";
    IDLE_AUDIT Note "N0667" "idle-audit" "idle_audit.md"
        "AUDIT only marks requests.";
    TLS_MISFIT Warning "W0670" "tls-misfit" "tls_misfit.md"
        "The TLS that a client speaks is not what the server takes.";
    PORT_DROPS_TLS Warning "W0671" "port-drops-tls" "port_drops_tls.md"
        "Settings of a port leave the TLS of the host out.";
    CREDENTIAL_UNUSED Note "N0672" "credential-unused" "credential_unused.md"
        "A sidecar fetches no credential, and speaks plaintext instead.";
    UNVERIFIED_SERVER Note "N0673" "unverified-server" "unverified_server.md"
        "Nothing says whose certificate the server must show.";
    SUBSET_TLS Note "N0674" "subset-tls" "subset_tls.md"
        "TLS of a subset holds only for traffic that is routed to it.";
    MISPLACED_DESTINATION Warning "W0675" "misplaced-destination" "misplaced_destination.md"
        "A DestinationRule is exported to clients that do not look for it there.";
    HIDES_TLS Note "N0676" "hides-tls" "hides_tls.md"
        "A client's DestinationRule without TLS replaces that of the service.";
    UNKNOWN_HOST Warning "W0677" "unknown-host" "unknown_host.md"
        "A short host is a Service of another namespace.";
}
