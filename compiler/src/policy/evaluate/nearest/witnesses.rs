//! Texts and addresses that stand for all others: one of each kind that a set of patterns can tell apart.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::policy::effective::strings::{Piece, StringMatch};

/// At most so many texts are made of a beginning and an end.
const MAX_PAIRS: usize = 1_000;
/// At most so many paths are made of templates.
const MAX_FILLED: usize = 2_000;

/// Texts of all kinds that the patterns can tell apart: those that they spell out, every beginning and end with a word
/// of no pattern between them, and that word alone.
pub(super) fn texts(patterns: &BTreeSet<StringMatch>, fresh: &str) -> Vec<String> {
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
    all.extend(pairs.take(MAX_PAIRS));
    all.push(fresh.to_owned());
    distinct(all)
}

/// Paths of all kinds that the patterns can tell apart; with templates, of those
/// in which segments of other patterns stand for the first and the last wildcard.
pub(super) fn paths(plain: &BTreeSet<StringMatch>, templates: &[Vec<Piece>], fresh: &str) -> Vec<String> {
    let mut all = Vec::new();
    for text in texts(plain, fresh) {
        all.push(if text.starts_with('/') {
            text
        } else {
            format!("/{text}")
        });
    }
    // A beginning that is a path itself reads better than one with a word added.
    let starts = plain.iter().filter_map(|pattern| match pattern {
        StringMatch::Prefix(start) if start.starts_with('/') => Some(start.clone()),
        _ => None,
    });
    all.splice(0..0, starts);
    let words = words(plain, templates, fresh);
    let filled = templates.iter().flat_map(|template| fill(template, &words, fresh));
    all.extend(filled.take(MAX_FILLED));
    distinct(all)
}

/// What may stand for a wildcard of a template, so that another pattern takes the path too.
fn words(plain: &BTreeSet<StringMatch>, templates: &[Vec<Piece>], fresh: &str) -> Vec<String> {
    let texts = plain.iter().filter_map(|pattern| match pattern {
        StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Suffix(text) => Some(text),
        StringMatch::Present => None,
    });
    let literals = templates.iter().flatten().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text),
        Piece::Segment | Piece::Rest => None,
    });
    let segments = texts.chain(literals).flat_map(|text| text.split('/'));
    let mut words = vec![fresh.to_owned()];
    for segment in segments.filter(|segment| !segment.is_empty()) {
        words.extend([
            segment.to_owned(),
            format!("{fresh}{segment}"),
            format!("{segment}{fresh}"),
        ]);
    }
    distinct(words)
}

/// Paths of a template, the words standing for its first and its last wildcard.
fn fill(template: &[Piece], words: &[String], fresh: &str) -> Vec<String> {
    let wildcards = template
        .iter()
        .filter(|piece| !matches!(piece, Piece::Literal(_)))
        .count();
    let made = |first: &str, last: &str| {
        let mut at = 0;
        let mut path = String::new();
        for piece in template {
            if let Piece::Literal(text) = piece {
                path.push_str(text);
                continue;
            }
            at += 1;
            path.push_str(match at {
                1 => first,
                at if at == wildcards => last,
                _ => fresh,
            });
        }
        path
    };
    let mut all = vec![made(fresh, fresh), made("", "")];
    all.extend(words.iter().map(|word| made(word, fresh)));
    all.extend(words.iter().map(|word| made(fresh, word)));
    for first in words {
        all.extend(words.iter().map(|last| made(first, last)));
        all.extend(words.iter().map(|last| made(&format!("{first}/{last}"), fresh)));
        if wildcards < 2 || all.len() > MAX_FILLED {
            break;
        }
    }
    all
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
