//! Everything that spans the crates, as one test binary.

#[cfg(test)]
mod analysis;
mod browser;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client_tls;
#[cfg(test)]
mod command_lines;
#[cfg(test)]
mod compile;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod editor;
#[cfg(test)]
mod editors;
#[cfg(test)]
mod envoy_filters;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod istio_accepts;
#[cfg(test)]
mod kubectl_reads;
#[cfg(test)]
mod legacy;
#[cfg(test)]
mod legacy_crds;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod pitfalls;
#[cfg(test)]
mod precedence;
#[cfg(test)]
mod reach;
mod read_back;
#[cfg(test)]
mod real_parts;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod semantics;
#[cfg(test)]
mod stdlib;
#[cfg(test)]
mod strings;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tree_sitter;
#[cfg(test)]
mod tried;
#[cfg(test)]
mod yaml_read;
