//! What an object says that the target release does not know: a cluster of an older release drops such a field without a
//! word, and enforces the rest.

use super::{DRY_RUN, Kind, errors};
use crate::backends::yaml::tree::Node;
use crate::diagnostics::Diagnostics;
use crate::policy::{Feature, Target};
use crate::source::Span;

type Fields = [(&'static str, Feature)];

const JWT_RULE: [(&str, Feature); 4] = [
    ("outputClaimToHeaders", Feature::ClaimHeaders),
    ("fromCookies", Feature::Cookies),
    ("timeout", Feature::JwksTimeout),
    ("spaceDelimitedClaims", Feature::SpaceDelimitedClaims),
];

const SOURCE: [(&str, Feature); 10] = [
    ("notPrincipals", Feature::Deny),
    ("notRequestPrincipals", Feature::Deny),
    ("notNamespaces", Feature::Deny),
    ("notIpBlocks", Feature::Deny),
    ("remoteIpBlocks", Feature::AuditCustomClientIp),
    ("notRemoteIpBlocks", Feature::AuditCustomClientIp),
    ("serviceAccounts", Feature::ServiceAccounts),
    ("notServiceAccounts", Feature::ServiceAccounts),
    ("trustDomains", Feature::TrustDomains),
    ("notTrustDomains", Feature::TrustDomains),
];

const OPERATION: [(&str, Feature); 4] = [
    ("notHosts", Feature::Deny),
    ("notMethods", Feature::Deny),
    ("notPaths", Feature::Deny),
    ("notPorts", Feature::Deny),
];

const KEYS: [(&str, Feature); 3] = [
    ("remote.ip", Feature::AuditCustomClientIp),
    ("source.serviceAccount", Feature::ServiceAccounts),
    ("source.trustDomain", Feature::TrustDomains),
];

const ACTIONS: [(&str, Feature); 3] = [
    ("DENY", Feature::Deny),
    ("AUDIT", Feature::AuditCustomClientIp),
    ("CUSTOM", Feature::AuditCustomClientIp),
];

const TLS: [(&str, Feature); 3] = [
    ("credentialName", Feature::ClientCredential),
    ("insecureSkipVerify", Feature::SkipVerify),
    ("caCrl", Feature::Crl),
];

/// Reports what the release lacks.
pub(super) fn check(object: &Node, kind: Kind, target: Target, acc: &mut Diagnostics) {
    if target == Target::NEWEST {
        return;
    }
    let mut check = Check { target, acc };
    check.kind(object, kind);
    let Some(spec) = object.get("spec") else { return };
    match kind {
        Kind::PeerAuthentication => {}
        Kind::RequestAuthentication => check.request_authentication(spec),
        Kind::AuthorizationPolicy => check.authorization_policy(object, spec),
        Kind::DestinationRule => check.destination_rule(spec),
    }
}

struct Check<'a> {
    target: Target,
    acc: &'a mut Diagnostics,
}

impl Check<'_> {
    fn need(&mut self, feature: Feature, what: &str, span: Span) {
        if !self.target.has(feature) {
            self.acc
                .push(errors::field_not_in_release(span, what, self.target, feature.since()));
        }
    }

    fn kind(&mut self, object: &Node, kind: Kind) {
        let version = object.text_of("apiVersion").unwrap_or("");
        let span = |field| object.get(field).map_or(object.span, |node| node.span);
        if matches!(kind, Kind::PeerAuthentication | Kind::RequestAuthentication)
            && !self.target.has(Feature::PeerAndRequest)
        {
            self.need(Feature::PeerAndRequest, kind.name(), span("kind"));
            return;
        }
        let since = match (kind, version.rsplit('/').next()) {
            (Kind::PeerAuthentication | Kind::DestinationRule, Some("v1")) => Feature::EveryKindInV1,
            (_, Some("v1")) => Feature::PoliciesInV1,
            (Kind::DestinationRule, Some("v1beta1")) => Feature::PeerAndRequest,
            _ => return,
        };
        self.need(since, &format!("`{version}` of {}", kind.name()), span("apiVersion"));
    }

    fn fields(&mut self, node: &Node, fields: &Fields) {
        for (field, feature) in fields {
            if let Some(entry) = node.entry(field) {
                self.need(*feature, &format!("`{field}`"), entry.key_span);
            }
        }
    }

    fn word(&mut self, node: Option<&Node>, words: &Fields) {
        if let Some(node) = node
            && let Some(text) = node.text()
            && let Some((word, feature)) = words.iter().find(|(word, _)| *word == text)
        {
            self.need(*feature, &format!("`{word}`"), node.span);
        }
    }

    fn targets(&mut self, spec: &Node) {
        self.fields(
            spec,
            &[("targetRef", Feature::TargetRef), ("targetRefs", Feature::TargetRefs)],
        );
        let one = spec.get("targetRef").into_iter();
        for target in one.chain(spec.items_of("targetRefs").iter().map(AsRef::as_ref)) {
            self.word(target.get("kind"), &[("GatewayClass", Feature::GatewayClassTarget)]);
        }
    }

    fn request_authentication(&mut self, spec: &Node) {
        self.targets(spec);
        for rule in spec.items_of("jwtRules") {
            self.fields(rule, &JWT_RULE);
            if rule.entry("issuer").is_none() {
                self.need(Feature::IssuerWithoutIss, "a rule without `issuer`", rule.span);
            }
        }
    }

    fn authorization_policy(&mut self, object: &Node, spec: &Node) {
        let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
        if let Some(annotations) = annotations {
            self.fields(annotations, &[(DRY_RUN, Feature::DryRun)]);
        }
        self.targets(spec);
        self.word(spec.get("action"), &ACTIONS);
        for rule in spec.items_of("rules") {
            for source in rule.items_of("from").iter().filter_map(|from| from.get("source")) {
                self.fields(source, &SOURCE);
            }
            for operation in rule.items_of("to").iter().filter_map(|to| to.get("operation")) {
                self.fields(operation, &OPERATION);
                for (path, node) in operation.texts_of("paths").chain(operation.texts_of("notPaths")) {
                    if path.contains("{*}") || path.contains("{**}") {
                        self.need(Feature::PathTemplates, "a path template", node.span);
                    }
                }
            }
            for condition in rule.items_of("when") {
                self.word(condition.get("key"), &KEYS);
                self.fields(condition, &[("notValues", Feature::Deny)]);
            }
        }
    }

    fn destination_rule(&mut self, spec: &Node) {
        self.fields(spec, &[("workloadSelector", Feature::DestinationClients)]);
        if let (true, [_, second, ..]) = (self.target.is_legacy(), spec.items_of("exportTo")) {
            self.acc.push(errors::second_export(second.span, self.target));
        }
        let policies = spec.items_of("subsets").iter().map(AsRef::as_ref);
        for policy in std::iter::once(spec)
            .chain(policies)
            .filter_map(|owner| owner.get("trafficPolicy"))
        {
            let ports = policy.items_of("portLevelSettings").iter().map(AsRef::as_ref);
            for tls in std::iter::once(policy)
                .chain(ports)
                .filter_map(|settings| settings.get("tls"))
            {
                self.fields(tls, &TLS);
            }
        }
    }
}
