//! The atoms of numbers in order: ports, and addresses with those of IPv4 before those of IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::analysis::sets::{Atom, Set};

/// A place in the order of all addresses and ports: its kind, and the number.
pub(super) type Place = (u8, u128);

const PORT: u8 = 0;
const V4: u8 = 4;
const V6: u8 = 6;

/// The intervals that others cut an order into.
#[derive(Debug)]
pub(super) struct Intervals {
    /// In order.
    starts: Vec<Place>,
}

impl Intervals {
    pub(super) fn ports(intervals: &[Interval]) -> Self {
        Self::new(&[(PORT, 1)], intervals)
    }

    pub(super) fn addresses(intervals: &[Interval]) -> Self {
        Self::new(&[(V4, 0), (V6, 0)], intervals)
    }

    fn new(firsts: &[Place], intervals: &[Interval]) -> Self {
        let ends = intervals.iter().filter_map(|interval| interval.end);
        let mut starts: Vec<Place> = intervals.iter().map(|interval| interval.start).collect();
        starts.extend(ends.chain(firsts.iter().copied()));
        starts.sort_unstable();
        starts.dedup();
        Self { starts }
    }

    pub(super) fn size(&self) -> Atom {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn set(&self, interval: &Interval) -> Set {
        let at = |place: &Place| u32::try_from(self.starts.partition_point(|start| start < place)).unwrap_or(u32::MAX);
        let end = interval.end.as_ref().map_or(self.size(), at);
        Set::from_ranges(vec![(at(&interval.start), end)])
    }

    pub(super) fn locate(&self, place: Place) -> Option<Atom> {
        let behind = self.starts.partition_point(|start| *start <= place);
        u32::try_from(behind.checked_sub(1)?).ok()
    }

    pub(super) fn first(&self, atom: Atom) -> Option<Place> {
        self.starts.get(atom as usize).copied()
    }
}

/// The places of a pattern; `end` is behind the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    start: Place,
    end: Option<Place>,
}

impl Interval {
    pub(super) fn port(port: u16) -> Self {
        let end = port.checked_add(1).map(|end| (PORT, u128::from(end)));
        Self {
            start: (PORT, u128::from(port)),
            end,
        }
    }

    pub(super) fn net(net: &IpNet) -> Self {
        let end = match place_of(net.broadcast()) {
            (V4, number) if number == u128::from(u32::MAX) => Some((V6, 0)),
            (kind, number) => number.checked_add(1).map(|end| (kind, end)),
        };
        Self {
            start: place_of(net.network()),
            end,
        }
    }
}

pub(super) fn place_of(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => (V4, u128::from(u32::from(address))),
        IpAddr::V6(address) => (V6, u128::from(address)),
    }
}

pub(super) const fn place_of_port(port: u16) -> Place {
    (PORT, port as u128)
}

pub(super) fn port_at(place: Place) -> Option<u16> {
    u16::try_from(place.1).ok().filter(|_| place.0 == PORT)
}

pub(super) fn address_at((kind, number): Place) -> Option<IpAddr> {
    match kind {
        V4 => u32::try_from(number).ok().map(|number| Ipv4Addr::from(number).into()),
        V6 => Some(Ipv6Addr::from(number).into()),
        _ => None,
    }
}
