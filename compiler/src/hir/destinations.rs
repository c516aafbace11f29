//! Destinations: the client side of TLS.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::rc::Rc;

use super::resolver::{Entry, Resolver};
use super::{At, Destination, Metadata, Subset, Tls, errors};
use crate::policy::{StringMap, TlsMode};
use crate::source::Span;
use crate::syntax::ast::{self, DestinationItemKind as Ast, ItemKind, TlsItemKind, TlsKey};

pub(super) const TLS_MODES: &[(&str, TlsMode)] = &[
    ("disable", TlsMode::Disable),
    ("simple", TlsMode::Simple),
    ("mutual", TlsMode::Mutual),
    ("istio-mutual", TlsMode::IstioMutual),
];

impl<'a> Resolver<'a, '_> {
    /// All destinations, in the order of the text.
    pub(super) fn destinations(&mut self) {
        let mut said: BTreeMap<(String, String, StringMap), Span> = BTreeMap::new();
        for (entry, namespace) in std::mem::take(&mut self.destinations) {
            let Some(destination) = self.destination(&entry, namespace.as_ref()) else {
                continue;
            };
            let Destination {
                host,
                namespace,
                clients,
                ..
            } = &destination;
            match said.entry((namespace.clone(), host.it.clone(), clients.clone())) {
                Occupied(earlier) => {
                    let what = format!("destination `{}`", host.it);
                    let twice = errors::said_twice(&what, host.span, Some(*earlier.get()));
                    self.acc.push(twice);
                }
                Vacant(place) => {
                    place.insert(host.span);
                    self.program.destinations.push(destination);
                }
            }
        }
    }

    fn destination(&mut self, entry: &Entry<'a>, namespace: Option<&Rc<str>>) -> Option<Destination> {
        let ItemKind::Destination(ast) = &entry.item.kind else {
            return None;
        };
        let env = &entry.env;
        let host = self.text(&ast.host, "a host", env)?;
        if !is_host(&host.it) {
            self.acc.push(errors::invalid_host(&host.it, host.span));
            return None;
        }
        let root = self.program.mesh.root.clone();
        if namespace.is_some_and(|n| **n == *root) {
            self.acc.push(errors::namespace_wide_in_root(entry.item.span, &root));
            return None;
        }
        let as_name = match &ast.as_name {
            Some(name) => self.kube_name(name, "an object", true, env),
            None => None,
        };
        let mut destination = Destination {
            host,
            namespace: namespace.map_or(root, |n| n.to_string()),
            in_mesh: namespace.is_none(),
            as_name,
            doc: entry.item.doc.clone(),
            span: entry.item.span,
            tls: Vec::new(),
            subsets: Vec::new(),
            export_to: Vec::new(),
            clients: Default::default(),
            metadata: Metadata::default(),
        };
        let mut export: Option<Span> = None;
        let mut clients: Option<Span> = None;
        for item in &ast.items {
            match &item.kind {
                Ast::Tls(tls) => self.tls(tls, item.span, entry, &mut destination.tls),
                Ast::Subset { name, items } => {
                    if let Some(subset) = self.subset(name, items, entry) {
                        if let Some(earlier) = destination.subsets.iter().find(|s| s.name.it == subset.name.it) {
                            let what = format!("subset `{}`", subset.name.it);
                            self.acc
                                .push(errors::said_twice(&what, subset.name.span, Some(earlier.name.span)));
                        } else {
                            destination.subsets.push(subset);
                        }
                    }
                }
                Ast::ExportTo(values) => {
                    if let Some(earlier) = export.replace(item.span) {
                        self.acc
                            .push(errors::said_twice("`export-to`", item.span, Some(earlier)));
                    }
                    destination.export_to = self.export_to(values, entry);
                }
                Ast::Clients(pairs) => {
                    if let Some(earlier) = clients.replace(item.span) {
                        self.acc.push(errors::said_twice("`clients`", item.span, Some(earlier)));
                    }
                    destination.clients = self.labels(pairs, env);
                }
                Ast::Metadata { kind, pairs } => self.metadata(&mut destination.metadata, *kind, pairs, env),
                Ast::Select(_) => self
                    .acc
                    .push(errors::misplaced_word("select", item.span, "in a `destination`")),
                Ast::Bad => {}
            }
        }
        let foreign = destination
            .export_to
            .iter()
            .find(|e| e.it != "." && e.it != destination.namespace);
        if let (Some(foreign), Some(_)) = (foreign, clients) {
            self.acc.push(errors::export_with_clients(foreign.span));
        }
        Some(destination)
    }

    fn export_to(&mut self, values: &[ast::Value], entry: &Entry<'a>) -> Vec<At<String>> {
        let values = self.texts(values, "a namespace", &entry.env);
        for (at, value) in values.iter().enumerate() {
            let star_beside = value.it == "*" && values.len() > 1;
            let twice = values.iter().take(at).any(|v| v.it == value.it);
            if twice || star_beside {
                self.acc.push(errors::said_twice(
                    &format!("export to `{}`", value.it),
                    value.span,
                    None,
                ));
            } else if !matches!(value.it.as_str(), "." | "*") {
                self.check_kube_name(&value.it, value.span, "a namespace", false);
            }
        }
        values
    }

    fn subset(&mut self, name: &ast::Value, items: &[ast::DestinationItem], entry: &Entry<'a>) -> Option<Subset> {
        let name = self.kube_name(name, "a subset", false, &entry.env)?;
        let mut subset = Subset {
            name,
            labels: Default::default(),
            tls: Vec::new(),
        };
        let mut select: Option<Span> = None;
        for item in items {
            match &item.kind {
                Ast::Tls(tls) => self.tls(tls, item.span, entry, &mut subset.tls),
                Ast::Select(pairs) => {
                    if let Some(earlier) = select.replace(item.span) {
                        self.acc.push(errors::said_twice("`select`", item.span, Some(earlier)));
                    }
                    subset.labels = self.labels(pairs, &entry.env);
                }
                Ast::Subset { .. } => self
                    .acc
                    .push(errors::misplaced_word("subset", item.span, "in a `subset`")),
                Ast::ExportTo(_) => self
                    .acc
                    .push(errors::misplaced_word("export-to", item.span, "in a `subset`")),
                Ast::Clients(_) => self
                    .acc
                    .push(errors::misplaced_word("clients", item.span, "in a `subset`")),
                Ast::Metadata { .. } => self
                    .acc
                    .push(errors::misplaced_word("metadata", item.span, "in a `subset`")),
                Ast::Bad => {}
            }
        }
        Some(subset)
    }

    /// Resolves a `tls` and adds it, unless the same ports have one already.
    fn tls(&mut self, ast: &ast::Tls, span: Span, entry: &Entry<'a>, into: &mut Vec<Tls>) {
        let env = &entry.env;
        let Some(mode) = self.word(&ast.mode, "a mode of `tls`", TLS_MODES, env) else {
            return;
        };
        let ports = self.ports(&ast.ports, env);
        if ports.is_empty() && !ast.ports.is_empty() {
            return;
        }
        let mut tls = Tls {
            mode: mode.it,
            ports,
            client_certificate: None,
            private_key: None,
            ca_certificates: None,
            crl: None,
            credential: None,
            sni: None,
            san: Vec::new(),
            skip_verify: None,
            span,
        };
        for item in &ast.items {
            let earlier = match &item.kind {
                TlsItemKind::Single { key, value } => {
                    let Some(value) = self.text(value, "a setting of `tls`", env) else {
                        continue;
                    };
                    let field = match key {
                        TlsKey::ClientCertificate => &mut tls.client_certificate,
                        TlsKey::PrivateKey => &mut tls.private_key,
                        TlsKey::CaCertificates => &mut tls.ca_certificates,
                        TlsKey::Crl => &mut tls.crl,
                        TlsKey::Credential => &mut tls.credential,
                        TlsKey::Sni => &mut tls.sni,
                    };
                    field.replace(value).map(|earlier| earlier.span)
                }
                TlsItemKind::San(values) => {
                    let earlier = tls.san.first().map(|san| san.span);
                    tls.san = self.texts(values, "a subject name", env);
                    earlier
                }
                TlsItemKind::SkipVerify => tls.skip_verify.replace(item.span),
                TlsItemKind::Bad => None,
            };
            if let Some(earlier) = earlier {
                self.acc
                    .push(errors::said_twice("this setting of `tls`", item.span, Some(earlier)));
            }
        }
        self.check_tls(&tls);
        let clash = into.iter().find(|other| {
            (other.ports.is_empty() && tls.ports.is_empty())
                || tls.ports.iter().any(|port| other.ports.iter().any(|o| o.it == port.it))
        });
        if let Some(other) = clash {
            self.acc.push(errors::said_twice("`tls`", span, Some(other.span)));
        } else {
            into.push(tls);
        }
    }

    /// What Istio's validation refuses (DR4 to DR6).
    fn check_tls(&mut self, tls: &Tls) {
        let files = tls
            .client_certificate
            .as_ref()
            .or(tls.private_key.as_ref())
            .or(tls.ca_certificates.as_ref());
        let files = files.or(tls.crl.as_ref());
        let origination = matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
        if tls.mode == TlsMode::Mutual
            && tls.credential.is_none()
            && (tls.client_certificate.is_none() || tls.private_key.is_none())
        {
            self.acc.push(errors::mutual_without_certificate(tls.span));
        }
        if let (true, Some(credential), Some(file)) = (origination, &tls.credential, files) {
            self.acc
                .push(errors::credential_beside_files(credential.span, file.span));
        }
        if let Some(skip) = tls.skip_verify {
            let simple = tls.mode == TlsMode::Simple;
            let beside = tls.ca_certificates.as_ref().or(tls.san.first());
            let beside = beside.or(tls.credential.as_ref().filter(|_| simple));
            if let (true, Some(beside)) = (origination, beside) {
                self.acc.push(errors::skip_verify_beside(skip, beside.span));
            }
        }
    }
}

/// DR1: a host of DNS labels, or a wildcard in the first; the last label is not a number.
fn is_host(host: &str) -> bool {
    if host == "*" {
        return true;
    }
    let mut labels = host.split('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    if host.len() > 255 || last.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let label = |l: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !l.is_empty() && l.len() <= 63 && l.bytes().all(inner) && !l.starts_with('-') && !l.ends_with('-')
    };
    let first = labels.next().unwrap_or_default();
    let first_ok = match first.strip_prefix('*') {
        Some(rest) => rest.is_empty() || label(rest.strip_prefix('-').unwrap_or(rest)),
        None => label(first),
    };
    first_ok && labels.all(label)
}
