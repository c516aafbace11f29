//! The settings of the mesh: the ConfigMap `istio`, `meshConfig` of an IstioOperator, and what single proxies override.

use super::cluster::MeshConfig;
use super::embedded::Embedded;
use super::errors;
use super::metadata::{Meta, Said};
use super::reader::Reader;
use crate::backends::yaml::tree::{Node, Value};
use crate::policy::inventory::Normalization;
use crate::source::Span;

/// The ConfigMap `istio`, or that of a revision.
pub(super) fn config_map(node: &Node, meta: &Meta, reader: &mut Reader<'_>) -> Option<MeshConfig> {
    let of_istio = meta.name == "istio" || meta.name.starts_with("istio-");
    let text = node.get("data")?.get("mesh").filter(|_| of_istio)?;
    let Value::Text(inner) = &text.value else {
        reader.wrong(text, "mesh", "a string");
        return None;
    };
    let embedded = Embedded::new((reader.file, reader.text), text.span, inner);
    match embedded.read(inner)? {
        Ok(root) => Some(MeshConfig {
            whole: Some(meta.span),
            ..settings(&root, &|span| embedded.place(span), reader)
        }),
        Err(_) => {
            reader.acc.push(errors::unread_settings(text.span, "mesh"));
            None
        }
    }
}

/// `spec.meshConfig` of an IstioOperator.
pub(super) fn operator(node: &Node, reader: &mut Reader<'_>) -> Option<MeshConfig> {
    let config = node.get("spec")?.get("meshConfig")?;
    Some(settings(config, &|span| span, reader))
}

/// The proxies that a gateway trusts, by its annotation.
pub(super) fn proxy_annotation(said: &Said<String>, reader: &mut Reader<'_>) -> Option<Said<u32>> {
    let embedded = Embedded::new((reader.file, reader.text), said.span, &said.it);
    match embedded.read(&said.it)? {
        Ok(root) => trusted_proxies(&root, &|span| embedded.place(span)),
        Err(_) => {
            reader
                .acc
                .push(errors::unread_settings(said.span, "proxy.istio.io/config"));
            None
        }
    }
}

fn trusted_proxies(proxy: &Node, place: &dyn Fn(Span) -> Span) -> Option<Said<u32>> {
    let number = proxy.get("gatewayTopology")?.get("numTrustedProxies")?;
    match number.value {
        Value::Whole(it) => Some(Said::new(u32::try_from(it).ok()?, place(number.span))),
        _ => None,
    }
}

fn settings(config: &Node, place: &dyn Fn(Span) -> Span, reader: &mut Reader<'_>) -> MeshConfig {
    let text = |key: &str| {
        let node = config.get(key)?;
        let text = node.text().filter(|text| !text.is_empty())?;
        Some(Said::new(text.to_owned(), place(node.span)))
    };
    let normalization = config
        .get("pathNormalization")
        .and_then(|options| options.get("normalization"))
        .and_then(|node| {
            let it = match node.text()? {
                "NONE" => Normalization::None,
                "DEFAULT" | "BASE" => Normalization::Base,
                "MERGE_SLASHES" => Normalization::MergeSlashes,
                "DECODE_AND_MERGE_SLASHES" => Normalization::DecodeAndMergeSlashes,
                _ => {
                    let words = "`NONE`, `BASE`, `MERGE_SLASHES` or `DECODE_AND_MERGE_SLASHES`";
                    reader
                        .acc
                        .push(errors::unread_fact(place(node.span), "normalization", words));
                    return None;
                }
            };
            Some(Said::new(it, place(node.span)))
        });
    let auto_mtls = config.get("enableAutoMtls").and_then(|node| match node.value {
        Value::Flag(it) => Some(Said::new(it, place(node.span))),
        _ => None,
    });
    let aliases = config.get("trustDomainAliases").map(|node| {
        let texts = config.texts_of("trustDomainAliases").map(|(text, _)| text.to_owned());
        Said::new(texts.collect(), place(node.span))
    });
    let providers = config.items_of("extensionProviders").iter().filter_map(|provider| {
        let name = provider.get("name")?;
        let grpc = match (provider.get("envoyExtAuthzHttp"), provider.get("envoyExtAuthzGrpc")) {
            (Some(_), _) => false,
            (None, Some(_)) => true,
            (None, None) => return None,
        };
        Some((name.text()?.to_owned(), Said::new(grpc, place(name.span))))
    });
    MeshConfig {
        whole: None,
        root: text("rootNamespace"),
        trust_domain: text("trustDomain"),
        aliases,
        trusts: trusts(config, place),
        normalization,
        auto_mtls,
        providers: providers.collect(),
        trusted_proxies: config
            .get("defaultConfig")
            .and_then(|proxy| trusted_proxies(proxy, place)),
    }
}

/// Certificates of the domains that another authority is named for are accepted.
fn trusts(config: &Node, place: &dyn Fn(Span) -> Span) -> Option<Said<Vec<String>>> {
    let list = config.get("caCertificates")?;
    let domains = list.items().iter().flat_map(|authority| {
        authority
            .texts_of("trustDomains")
            .map(|(domain, _)| domain.to_owned())
            .collect::<Vec<_>>()
    });
    let domains: Vec<String> = domains.collect();
    (!domains.is_empty()).then(|| Said::new(domains, place(list.span)))
}
