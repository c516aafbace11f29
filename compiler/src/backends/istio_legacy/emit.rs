//! The policy model's legacy policies to MeshPolicy and Policy, and those to text.

use super::resources as out;
use crate::backends::Artifact;
use crate::backends::object::Resource;
use crate::policy::legacy::{
    AuthenticationPolicy, Jwt, Origin, PeerMethod, PrincipalBinding, ServicePort, ServiceTarget, StringMatch,
    TriggerRule,
};
use crate::policy::{Keys, PolicySet};

/// MeshPolicies and Policies, in the order of `policies`.
#[must_use]
pub fn emit(policies: &PolicySet) -> Vec<Artifact> {
    policies
        .authentication_policies
        .iter()
        .map(|policy| authentication_policy(policy).artifact())
        .collect()
}

/// A MeshPolicy or Policy as it stands in a manifest.
#[must_use]
pub fn authentication_policy(policy: &AuthenticationPolicy) -> Resource<'_, out::AuthenticationPolicy<'_>> {
    let kind = match policy.meta.namespace {
        None => "MeshPolicy",
        Some(_) => "Policy",
    };
    let spec = out::AuthenticationPolicy {
        targets: policy.targets.iter().map(target).collect(),
        peers: policy.peers.iter().map(peer).collect(),
        peer_is_optional: policy.peer_is_optional,
        origins: policy.origins.iter().map(origin).collect(),
        origin_is_optional: policy.origin_is_optional,
        principal_binding: match policy.principal_binding {
            PrincipalBinding::Peer => None,
            PrincipalBinding::Origin => Some("USE_ORIGIN"),
        },
    };
    Resource::new("authentication.istio.io/v1alpha1", kind, &policy.meta, spec)
}

fn target(target: &ServiceTarget) -> out::Target<'_> {
    out::Target {
        name: &target.name,
        ports: target.ports.iter().map(port).collect(),
    }
}

fn port(port: &ServicePort) -> out::Port<'_> {
    match port {
        ServicePort::Number(number) => out::Port::Number(*number),
        ServicePort::Name(name) => out::Port::Name(name),
    }
}

fn peer(method: &PeerMethod) -> out::PeerMethod<'_> {
    match method {
        PeerMethod::Mtls { permissive, allow_tls } => out::PeerMethod::Mtls(out::Mtls {
            mode: permissive.then_some("PERMISSIVE"),
            allow_tls: *allow_tls,
        }),
        PeerMethod::Jwt(token) => out::PeerMethod::Jwt(jwt(token, &[])),
    }
}

fn origin(origin: &Origin) -> out::OriginMethod<'_> {
    out::OriginMethod {
        jwt: jwt(&origin.jwt, &origin.triggers),
    }
}

fn jwt<'a>(jwt: &'a Jwt, triggers: &'a [TriggerRule]) -> out::Jwt<'a> {
    let (jwks_uri, jwks) = match &jwt.keys {
        Keys::Discovery => (None, None),
        Keys::Uri(uri) => (Some(uri.as_str()), None),
        Keys::Inline(keys) => (None, Some(keys.as_str())),
    };
    out::Jwt {
        issuer: &jwt.issuer,
        audiences: &jwt.audiences,
        jwks_uri,
        jwks,
        jwt_headers: &jwt.headers,
        jwt_params: &jwt.params,
        trigger_rules: triggers.iter().map(trigger).collect(),
    }
}

fn trigger(rule: &TriggerRule) -> out::TriggerRule<'_> {
    out::TriggerRule {
        excluded_paths: rule.excluded.iter().map(path).collect(),
        included_paths: rule.included.iter().map(path).collect(),
    }
}

fn path(path: &StringMatch) -> out::StringMatch<'_> {
    match path {
        StringMatch::Exact(text) => out::StringMatch::Exact(text),
        StringMatch::Prefix(text) => out::StringMatch::Prefix(text),
        StringMatch::Suffix(text) => out::StringMatch::Suffix(text),
        StringMatch::Regex(text) => out::StringMatch::Regex(text),
    }
}
