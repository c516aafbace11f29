//! The policy model to Istio's resources, and those to text.

use std::collections::BTreeMap;

use super::resources as out;
use crate::backends::Artifact;
use crate::backends::object::Resource;
use crate::policy::{
    Action, Authorization, ClientTls, Condition, DestinationRule, Feature, JwtRule, Keys, Operation,
    PeerAuthentication, PeerScope, PolicySet, RequestAuthentication, Rule, Selection, Source, StringMap, Subset,
    Target, TargetRef, TargetRefKind, TlsByPort,
};

/// The objects of Istio's own kinds, kind by kind, in the order of `policies`.
#[must_use]
pub fn emit(policies: &PolicySet, target: Target) -> Vec<Artifact> {
    let mut artifacts = Vec::new();
    artifacts.extend(
        policies
            .peer_authentications
            .iter()
            .map(|p| peer_authentication(p, target).artifact()),
    );
    artifacts.extend(
        policies
            .request_authentications
            .iter()
            .map(|p| request_authentication(p, target).artifact()),
    );
    artifacts.extend(
        policies
            .authorizations
            .iter()
            .map(|p| authorization(p, target).artifact()),
    );
    artifacts.extend(
        policies
            .destination_rules
            .iter()
            .map(|p| destination_rule(p, target).artifact()),
    );
    artifacts
}

const fn security(target: Target) -> &'static str {
    if target.serves_v1() {
        "security.istio.io/v1"
    } else {
        "security.istio.io/v1beta1"
    }
}

const fn networking(target: Target) -> &'static str {
    if target.serves_v1() {
        "networking.istio.io/v1"
    } else if target.is_legacy() {
        "networking.istio.io/v1alpha3"
    } else {
        "networking.istio.io/v1beta1"
    }
}

/// A PeerAuthentication as it stands in a manifest.
#[must_use]
pub fn peer_authentication(policy: &PeerAuthentication, target: Target) -> Resource<'_, out::PeerAuthentication<'_>> {
    let (selector, port_level_mtls) = match &policy.scope {
        PeerScope::Namespace => (None, BTreeMap::new()),
        PeerScope::EmptySelector => (Some(selector(&NO_LABELS)), BTreeMap::new()),
        PeerScope::Workload { labels, ports } => (
            Some(selector(labels.as_map())),
            ports
                .iter()
                .map(|(port, mode)| (*port, out::Mtls { mode: *mode }))
                .collect(),
        ),
    };
    let spec = out::PeerAuthentication {
        selector,
        mtls: policy.mode.map(|mode| out::Mtls { mode }),
        port_level_mtls,
    };
    Resource::new(security(target), "PeerAuthentication", &policy.meta, spec)
}

/// A RequestAuthentication as it stands in a manifest.
#[must_use]
pub fn request_authentication(
    policy: &RequestAuthentication,
    target: Target,
) -> Resource<'_, out::RequestAuthentication<'_>> {
    let (selector, target_refs) = selection(&policy.selection);
    let spec = out::RequestAuthentication {
        selector,
        target_refs,
        jwt_rules: policy.rules.iter().map(jwt_rule).collect(),
    };
    Resource::new(security(target), "RequestAuthentication", &policy.meta, spec)
}

fn jwt_rule(rule: &JwtRule) -> out::JwtRule<'_> {
    let (jwks_uri, jwks) = match &rule.keys {
        Keys::Discovery => (None, None),
        Keys::Uri(uri) => (Some(uri.as_str()), None),
        Keys::Inline(keys) => (None, Some(keys.as_str())),
    };
    out::JwtRule {
        issuer: rule.issuer.as_deref(),
        audiences: &rule.audiences,
        jwks_uri,
        jwks,
        from_headers: &rule.from_headers,
        from_params: &rule.from_params,
        from_cookies: &rule.from_cookies,
        output_payload_to_header: rule.output_payload_to_header.as_deref(),
        forward_original_token: rule.forward_original_token,
        output_claim_to_headers: &rule.output_claim_to_headers,
        timeout: rule.timeout.as_deref(),
        space_delimited_claims: &rule.space_delimited_claims,
    }
}

/// An AuthorizationPolicy as it stands in a manifest.
#[must_use]
pub fn authorization(policy: &Authorization, target: Target) -> Resource<'_, out::AuthorizationPolicy<'_>> {
    let (selector, target_refs) = selection(&policy.selection);
    let (action, provider) = match &policy.action {
        Action::Allow(_) => ("ALLOW", None),
        Action::Deny(_) => ("DENY", None),
        Action::Audit(_) => ("AUDIT", None),
        Action::Custom { provider, .. } => ("CUSTOM", Some(out::Provider { name: provider })),
    };
    let spec = out::AuthorizationPolicy {
        selector,
        target_refs,
        // The field came with DENY; before, every policy allows.
        action: target.has(Feature::Deny).then_some(action),
        provider,
        rules: policy.action.rules().iter().map(rule).collect(),
    };
    let mut resource = Resource::new(security(target), "AuthorizationPolicy", &policy.meta, spec);
    if policy.dry_run {
        resource
            .metadata
            .annotations
            .to_mut()
            .insert("istio.io/dry-run".to_owned(), "true".to_owned());
    }
    resource
}

fn rule(rule: &Rule) -> out::Rule<'_> {
    out::Rule {
        from: rule.sources.iter().map(|s| out::From { source: source(s) }).collect(),
        to: rule
            .operations
            .iter()
            .map(|o| out::To {
                operation: operation(o),
            })
            .collect(),
        when: rule.conditions.iter().map(condition).collect(),
    }
}

fn source(source: &Source) -> out::Source<'_> {
    out::Source {
        principals: &source.principals.values,
        not_principals: &source.principals.not_values,
        service_accounts: &source.service_accounts.values,
        not_service_accounts: &source.service_accounts.not_values,
        namespaces: &source.namespaces.values,
        not_namespaces: &source.namespaces.not_values,
        trust_domains: &source.trust_domains.values,
        not_trust_domains: &source.trust_domains.not_values,
        request_principals: &source.request_principals.values,
        not_request_principals: &source.request_principals.not_values,
        ip_blocks: &source.ip_blocks.values,
        not_ip_blocks: &source.ip_blocks.not_values,
        remote_ip_blocks: &source.remote_ip_blocks.values,
        not_remote_ip_blocks: &source.remote_ip_blocks.not_values,
    }
}

fn operation(operation: &Operation) -> out::Operation<'_> {
    out::Operation {
        methods: &operation.methods.values,
        not_methods: &operation.methods.not_values,
        paths: &operation.paths.values,
        not_paths: &operation.paths.not_values,
        hosts: &operation.hosts.values,
        not_hosts: &operation.hosts.not_values,
        ports: &operation.ports.values,
        not_ports: &operation.ports.not_values,
    }
}

fn condition(condition: &Condition) -> out::Condition<'_> {
    out::Condition {
        key: &condition.key,
        values: &condition.lists.values,
        not_values: &condition.lists.not_values,
    }
}

/// A DestinationRule as it stands in a manifest.
#[must_use]
pub fn destination_rule(rule: &DestinationRule, target: Target) -> Resource<'_, out::DestinationRule<'_>> {
    let spec = out::DestinationRule {
        host: &rule.host,
        traffic_policy: rule.tls.as_ref().and_then(traffic_policy),
        subsets: rule.subsets.iter().map(subset).collect(),
        export_to: &rule.export_to,
        workload_selector: rule.clients.as_ref().map(selector),
    };
    Resource::new(networking(target), "DestinationRule", &rule.meta, spec)
}

fn subset(subset: &Subset) -> out::Subset<'_> {
    out::Subset {
        name: &subset.name,
        labels: &subset.labels,
        traffic_policy: traffic_policy(&subset.tls),
    }
}

/// Istio refuses one that says nothing.
fn traffic_policy(tls: &TlsByPort) -> Option<out::TrafficPolicy<'_>> {
    (tls.all.is_some() || !tls.ports.is_empty()).then(|| out::TrafficPolicy {
        tls: tls.all.as_ref().map(client_tls),
        port_level_settings: tls
            .ports
            .iter()
            .map(|(port, tls)| out::PortSettings {
                port: out::PortNumber { number: *port },
                tls: tls.as_ref().map(client_tls),
            })
            .collect(),
    })
}

fn client_tls(tls: &ClientTls) -> out::ClientTls<'_> {
    out::ClientTls {
        mode: tls.mode,
        client_certificate: tls.client_certificate.as_deref(),
        private_key: tls.private_key.as_deref(),
        ca_certificates: tls.ca_certificates.as_deref(),
        ca_crl: tls.ca_crl.as_deref(),
        credential_name: tls.credential_name.as_deref(),
        subject_alt_names: &tls.subject_alt_names,
        sni: tls.sni.as_deref(),
        insecure_skip_verify: tls.insecure_skip_verify,
    }
}

fn selection(selection: &Selection) -> (Option<out::Selector<'_>>, Vec<out::TargetRef<'_>>) {
    match selection {
        Selection::All => (None, Vec::new()),
        Selection::EmptySelector => (Some(selector(&NO_LABELS)), Vec::new()),
        Selection::Labels(labels) => (Some(selector(labels.as_map())), Vec::new()),
        Selection::Targets(targets) => (None, targets.as_slice().iter().map(target_ref).collect()),
    }
}

static NO_LABELS: StringMap = StringMap::new();

const fn selector(labels: &StringMap) -> out::Selector<'_> {
    out::Selector { match_labels: labels }
}

fn target_ref(target: &TargetRef) -> out::TargetRef<'_> {
    out::TargetRef {
        kind: target.kind,
        group: match target.kind {
            TargetRefKind::Service => "",
            TargetRefKind::ServiceEntry => "networking.istio.io",
            TargetRefKind::Gateway | TargetRefKind::GatewayClass => "gateway.networking.k8s.io",
        },
        name: &target.name,
    }
}
