//! `destination` to DestinationRule.

use super::objects::Objects;
use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{Destination, Tls};
use crate::policy::{ClientTls, DestinationRule, Feature, Subset, TlsByPort};

pub(crate) const KIND: &str = "DestinationRule";

/// The DestinationRule of a destination.
pub(super) fn lower<'p>(
    ctx: &Context<'p>,
    destination: &'p Destination,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Option<DestinationRule> {
    let clients = (!destination.clients.is_empty()).then(|| destination.clients.clone());
    if clients.is_some() && !ctx.target.has(Feature::DestinationClients) {
        acc.push(errors::not_in_release(
            "`clients`",
            ctx.target,
            Feature::DestinationClients,
            destination.span,
            None,
        ));
    }
    if let (true, Some(second)) = (ctx.target.is_legacy(), destination.export_to.get(1)) {
        acc.push(errors::one_export(ctx.target, second.span));
    }
    for tls in destination
        .tls
        .iter()
        .chain(destination.subsets.iter().flat_map(|subset| &subset.tls))
    {
        check_release(ctx, tls, acc);
    }
    let (name, span) = match &destination.as_name {
        Some(name) => (name.it.clone(), name.span),
        None => (object_name(&destination.host.it), destination.host.span),
    };
    let place = (destination.namespace.as_str(), destination.in_mesh);
    let meta = objects.of_namespace(
        KIND,
        place,
        Some(&destination.metadata),
        (name, span),
        &destination.doc,
        acc,
    )?;
    Some(DestinationRule {
        meta,
        host: destination.host.it.clone(),
        tls: (!destination.tls.is_empty()).then(|| by_port(&destination.tls)),
        subsets: destination
            .subsets
            .iter()
            .map(|subset| Subset {
                name: subset.name.it.clone(),
                labels: subset.labels.clone(),
                tls: by_port(&subset.tls),
            })
            .collect(),
        export_to: destination.export_to.iter().map(|e| e.it.clone()).collect(),
        clients,
    })
}

/// A host as the name of its object: dots as dashes, a star as `wildcard`.
pub(crate) fn object_name(host: &str) -> String {
    host.replace('*', "wildcard").replace('.', "-").to_ascii_lowercase()
}

fn check_release(ctx: &Context<'_>, tls: &Tls, acc: &mut Diagnostics) {
    if let (Some(span), false) = (tls.skip_verify, ctx.target.has(Feature::SkipVerify)) {
        acc.push(errors::not_in_release(
            "`skip-verify`",
            ctx.target,
            Feature::SkipVerify,
            span,
            None,
        ));
    }
    if let (Some(credential), false) = (&tls.credential, ctx.target.has(Feature::ClientCredential)) {
        let help = "name files of the proxy: `client-certificate`, `private-key`, `ca-certificates`";
        acc.push(errors::not_in_release(
            "`credential`",
            ctx.target,
            Feature::ClientCredential,
            credential.span,
            Some(help),
        ));
    }
    if let (Some(crl), false) = (&tls.crl, ctx.target.has(Feature::Crl)) {
        acc.push(errors::not_in_release(
            "`crl`",
            ctx.target,
            Feature::Crl,
            crl.span,
            None,
        ));
    }
}

pub(crate) fn by_port(list: &[Tls]) -> TlsByPort {
    let mut all = None;
    let mut ports = std::collections::BTreeMap::new();
    for tls in list {
        let text = |value: &Option<crate::hir::At<String>>| value.as_ref().map(|v| v.it.clone());
        let client = ClientTls {
            mode: tls.mode,
            client_certificate: text(&tls.client_certificate),
            private_key: text(&tls.private_key),
            ca_certificates: text(&tls.ca_certificates),
            ca_crl: text(&tls.crl),
            credential_name: text(&tls.credential),
            subject_alt_names: tls.san.iter().map(|san| san.it.clone()).collect(),
            sni: text(&tls.sni),
            insecure_skip_verify: tls.skip_verify.is_some(),
        };
        if tls.ports.is_empty() {
            all = Some(client);
        } else {
            ports.extend(tls.ports.iter().map(|port| (port.it, Some(client.clone()))));
        }
    }
    TlsByPort { all, ports }
}
