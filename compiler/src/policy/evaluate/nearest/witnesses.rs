//! Texts and addresses that stand for all others: one of each kind that a set of patterns can tell apart.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::policy::effective::strings::StringMatch;

/// Texts of all kinds that the patterns can tell apart: those that they spell out, every beginning and end with a word
/// of no pattern between them, and that word alone.
pub(super) fn texts<'p>(patterns: impl IntoIterator<Item = &'p StringMatch>, fresh: &str) -> Vec<String> {
    let (mut exact, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for pattern in patterns {
        match pattern {
            StringMatch::Exact(text) => exact.push(text.as_str()),
            StringMatch::Prefix(text) => starts.push(text.as_str()),
            StringMatch::Suffix(text) => ends.push(text.as_str()),
            StringMatch::Present => {}
        }
    }
    let mut all: Vec<String> = exact.into_iter().map(str::to_owned).collect();
    all.extend(starts.iter().map(|start| format!("{start}{fresh}")));
    all.extend(ends.iter().map(|end| format!("{fresh}{end}")));
    let pairs = starts
        .iter()
        .flat_map(|start| ends.iter().map(move |end| format!("{start}{fresh}{end}")));
    all.extend(pairs);
    all.push(fresh.to_owned());
    distinct(all)
}
/// Addresses of all kinds that the networks can tell apart: in each before all others, and behind each.
pub(super) fn addresses(nets: &BTreeSet<IpNet>) -> Vec<IpAddr> {
    let mut all = Vec::new();
    // The first address that a host would have stands for the network, if it is of no smaller one.
    let usual = |net: &IpNet| {
        following(net.network()).filter(|address| {
            nets.iter()
                .all(|other| other.contains(address) == other.contains(&net.network()))
        })
    };
    all.extend(nets.iter().filter_map(usual));
    all.extend(nets.iter().map(IpNet::network));
    all.extend(nets.iter().filter_map(|net| following(net.broadcast())));
    if nets.iter().any(|net| matches!(net, IpNet::V6(_))) {
        all.push(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    }
    all.push(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    distinct(all)
}

fn following(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address)
            .checked_add(1)
            .map(|next| IpAddr::V4(Ipv4Addr::from(next))),
        IpAddr::V6(address) => u128::from(address)
            .checked_add(1)
            .map(|next| IpAddr::V6(Ipv6Addr::from(next))),
    }
}

/// Each item once, where it stands first.
pub(super) fn distinct<T: Clone + Ord>(items: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}
