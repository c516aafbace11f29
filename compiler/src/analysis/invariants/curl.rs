//! A counterexample as a curl line.

use crate::diagnostics::shell::{globs, word};
use crate::policy::inventory::{Inventory, Protocol};
use crate::policy::request::{Destination, Request};

/// As a curl line; `None` for what curl does not send.
pub(super) fn line(inventory: &Inventory, request: &Request) -> Option<String> {
    if request.http != Some(true) || request.sni.is_some() {
        return None;
    }
    let port = request.port?;
    let Destination::Known(index) = &request.to else {
        return None;
    };
    let service = inventory
        .services
        .iter()
        .find(|service| service.workloads.contains(index));
    let (host, port) = match service {
        Some(service) => {
            let port = service.ports.iter().find(|(_, pod)| *pod == port)?.0;
            (service.host(&inventory.mesh.domain), port)
        }
        None => ("POD_ADDRESS".to_owned(), port),
    };
    let workload = inventory.workloads.get(*index)?;
    let tls = matches!(
        workload.ports.get(&request.port?),
        Some(Protocol::Https | Protocol::HttpsMutual)
    );
    let scheme = if tls { "https" } else { "http" };
    let path = request.path.as_deref().unwrap_or("/");
    let mut line = format!("curl -i -X {}", word(request.method.as_deref().unwrap_or("GET")));
    if globs(path) {
        line.push_str(" -g");
    }
    if let Some(own) = &request.host {
        line.push_str(&format!(" -H {}", word(&format!("Host: {own}"))));
    }
    for (name, value) in &request.headers {
        line.push_str(&format!(" -H {}", word(&format!("{name}: {value}"))));
    }
    if !request.tokens.is_empty() {
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    line.push_str(&format!(" {}", word(&format!("{scheme}://{host}:{port}{path}"))));
    Some(line)
}
