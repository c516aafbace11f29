//! What the objects of a cluster say of an installation: who runs where, under which account, behind which Service, and
//! how the mesh is set up.
//!
//! `object` reads one object into a [`Cluster`], [`Cluster::complete`] makes facts of all of them. Only what is read is
//! looked at: what else is wrong with a Deployment is for a cluster to say.

mod cluster;
mod complete;
mod embedded;
mod emit;
pub mod errors;
mod gateways;
mod mesh_config;
mod metadata;
mod protocols;
mod reader;
mod services;
mod workloads;

use crate::backends::yaml::tree::Node;
use crate::diagnostics::Diagnostics;
use crate::source::FileId;
pub use cluster::Cluster;
pub use emit::emit;
use metadata::Meta;
use reader::Reader;

/// The kinds that say facts, with their groups.
const KINDS: [(&str, &str); 18] = [
    ("", "Namespace"),
    ("", "Pod"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("", "Service"),
    ("", "ConfigMap"),
    ("extensions", "Deployment"),
    ("extensions", "DaemonSet"),
    ("extensions", "ReplicaSet"),
    ("networking.istio.io", "ServiceEntry"),
    ("networking.istio.io", "Gateway"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("install.istio.io", "IstioOperator"),
];

/// Reads an object, if it is of a kind that says facts.
pub(crate) fn object(node: &Node, (file, text): (FileId, &str), cluster: &mut Cluster, acc: &mut Diagnostics) {
    let mut reader = Reader { file, text, acc };
    let (Some(version), Some(kind)) = (node.text_of("apiVersion"), node.text_of("kind")) else {
        return;
    };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if !KINDS.contains(&(group, kind)) {
        return;
    }
    let Some(meta) = Meta::read(node, kind, &mut reader) else {
        return;
    };
    match kind {
        "Namespace" => cluster.namespaces.push(meta.namespace_object()),
        "Service" => cluster.services.extend(services::service(node, meta, &mut reader)),
        "ServiceEntry" => cluster.services.extend(services::entry(node, meta, &mut reader)),
        "Gateway" if group == "networking.istio.io" => {
            cluster.gateways.extend(gateways::istio(node, &mut reader));
        }
        "Gateway" => cluster
            .api_gateways
            .extend(gateways::gateway_api(node, meta, &mut reader)),
        "GatewayClass" => cluster.classes.extend(gateways::class(node, &meta)),
        "ConfigMap" => cluster.mesh.extend(mesh_config::config_map(node, &meta, &mut reader)),
        "IstioOperator" => cluster.mesh.extend(mesh_config::operator(node, &mut reader)),
        _ => cluster.pods.extend(workloads::read(node, meta, &mut reader)),
    }
}
