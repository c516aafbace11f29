//! One enforcer and one kind of traffic: its space, the rules in force there as boxes, and what cannot happen there.
//!
//! Everything that is asked of a policy is asked here, as covers of boxes by the boxes of some owners. An owner is a rule,
//! or an impossibility: requests that never arrive, such as a claim without a token, are boxes like those of a DENY rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::atoms::Fact;
use super::cover::{Boxes, Cover, Pool};
use super::cube::Cube;
use super::space::{Region, Space};
use crate::policy::effective::rules::{CompiledRule, Matcher};
use crate::policy::effective::strings::StringMatch;
use crate::policy::effective::{Effective, Policy};
use crate::policy::inventory::Protocol;
use crate::policy::{MtlsMode, Target};

/// An owner of boxes, by its number in a gate.
pub(crate) type OwnerId = u32;

/// What a rule has a say in, in the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Custom,
    Deny,
    Allow,
    /// Never decides.
    Audit,
}

/// Who has boxes.
#[derive(Clone, Debug)]
pub(crate) enum Owner<'e> {
    Rule(RuleAt<'e>),
    /// Nobody: such requests do not arrive, for this reason.
    Impossible(Never),
}

/// Why some requests do not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Never {
    NotHttp,
    Http,
    Unproxied,
    Plaintext,
    NoCertificate,
    NoClaims,
    OtherIssuer,
    NoAddress,
    Address,
}

impl Never {
    /// As a sentence.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotHttp => "the port does not speak HTTP",
            Self::Http => "the port speaks HTTP",
            Self::Unproxied => "no proxy takes what comes to the port",
            Self::Plaintext => "mutual TLS is demanded, so that each caller has an identity",
            Self::NoCertificate => "no client of the gateway's port shows a certificate of the mesh",
            Self::NoClaims => "without a token there are no claims",
            Self::OtherIssuer => "no token of another issuer is accepted here",
            Self::NoAddress => "each peer has an address",
            Self::Address => "what comes out of a waypoint's tunnel has no address as its peer, and is in no block",
        }
    }
}

/// A rule at a gate. Owners are in the order of evaluation.
#[derive(Clone, Debug)]
pub(crate) struct RuleAt<'e> {
    pub(crate) stage: Stage,
    pub(crate) policy: &'e Policy,
    pub(crate) rule: &'e CompiledRule,
    /// `None`: it has too many boxes, and none of them is among those of the gate.
    pub(crate) region: Option<Region>,
}

/// What is known of the pods behind a gate. By default nothing: then only what holds of any pods is impossible.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pods<'e> {
    /// Their ports; an undeclared one may speak anything.
    pub(crate) ports: Option<&'e BTreeMap<u16, Protocol>>,
    pub(crate) kind: Option<Kind>,
}

/// Who stands at a gate that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sidecar,
    Ztunnel,
    Gateway,
    Waypoint,
}

/// One enforcer, for requests or else for connections.
#[derive(Debug)]
pub(crate) struct Gate<'e> {
    pub(crate) http: bool,
    pub(crate) space: Arc<Space>,
    pub(crate) owners: Vec<Owner<'e>>,
    boxes: Boxes,
}

impl<'e> Gate<'e> {
    /// The gate of an enforcer.
    ///
    /// `also` are rules that are not in force and about which something is to be asked.
    pub(crate) fn new(
        effective: &'e Effective,
        http: bool,
        pods: Pods<'_>,
        target: Target,
        also: &[CompiledRule],
    ) -> Self {
        let stages = [
            (Stage::Custom, &effective.custom),
            (Stage::Deny, &effective.deny),
            (Stage::Allow, &effective.allow),
            (Stage::Audit, &effective.audit),
        ];
        let rules: Vec<(Stage, &Policy, &CompiledRule)> = stages
            .into_iter()
            .flat_map(|(stage, policies)| policies.policies.iter().map(move |policy| (stage, policy)))
            .flat_map(|(stage, policy)| policy.rules(http).iter().map(move |rule| (stage, policy, rule)))
            .collect();
        let known = Known::of(effective, pods, target);
        let space = Arc::new(Space::new(
            rules.iter().map(|(_, _, rule)| *rule).chain(also),
            &known.matchers(http),
            target,
        ));
        let mut owners: Vec<Owner<'e>> = Vec::new();
        let mut boxes: Vec<(Cube, OwnerId)> = Vec::new();
        for (cube, why) in known.impossible(&space, http) {
            boxes.push((cube, number(owners.len())));
            owners.push(Owner::Impossible(why));
        }
        for (stage, policy, rule) in rules {
            let region = space.region(rule).ok();
            let cubes = region.iter().flat_map(|region| region.cubes.iter().cloned());
            let owner = number(owners.len());
            boxes.extend(cubes.map(|cube| (cube, owner)));
            owners.push(Owner::Rule(RuleAt {
                stage,
                policy,
                rule,
                region,
            }));
        }
        Self {
            http,
            boxes: Boxes::new(Arc::clone(&space), boxes),
            space,
            owners,
        }
    }

    /// The rules, with the number of each.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (OwnerId, &RuleAt<'e>)> {
        let owners = self.owners.iter().zip(0..);
        owners.filter_map(|(owner, id)| match owner {
            Owner::Rule(rule) => Some((id, rule)),
            Owner::Impossible(_) => None,
        })
    }

    pub(crate) fn owner(&self, id: OwnerId) -> Option<&Owner<'e>> {
        self.owners.get(id as usize)
    }

    pub(crate) fn rule(&self, id: OwnerId) -> Option<&RuleAt<'e>> {
        match self.owner(id)? {
            Owner::Rule(rule) => Some(rule),
            Owner::Impossible(_) => None,
        }
    }

    /// Whether all these boxes are inside the union of the boxes of the owners that `takes` says, and of what is
    /// impossible. With the owners that it takes, of which each is needed if `minimal`.
    pub(crate) fn covered(
        &self,
        targets: &[Cube],
        takes: &dyn Fn(OwnerId) -> bool,
        minimal: bool,
        pool: &mut Pool,
    ) -> Covered {
        match self.core(targets, takes, pool) {
            Ok(core) if minimal => Covered::By(self.least(targets, &core, pool).0),
            Ok(core) => Covered::By(core),
            Err(end) => end,
        }
    }

    /// Of the owners of a cover, with what is impossible, those that are needed; `false`: a bound came first, and one of
    /// them may not be.
    pub(crate) fn least(
        &self,
        targets: &[Cube],
        core: &BTreeSet<OwnerId>,
        pool: &mut Pool,
    ) -> (BTreeSet<OwnerId>, bool) {
        if core.len() < 2 {
            return (core.clone(), true);
        }
        let owners = self.owners.iter().zip(0..);
        let impossible = owners.filter(|(owner, _)| matches!(owner, Owner::Impossible(_)));
        let all = core.iter().copied().chain(impossible.map(|(_, id)| id)).collect();
        self.boxes.least(targets, &all, pool)
    }

    fn core(
        &self,
        targets: &[Cube],
        takes: &dyn Fn(OwnerId) -> bool,
        pool: &mut Pool,
    ) -> Result<BTreeSet<OwnerId>, Covered> {
        let takes = |id: OwnerId| takes(id) || matches!(self.owner(id), Some(Owner::Impossible(_)));
        let mut core = BTreeSet::new();
        let mut undecided = false;
        for target in targets {
            match self.boxes.cover(target, &takes, pool) {
                Cover::By(boxes) => core.extend(boxes.into_iter().filter_map(|id| self.boxes.owner(id))),
                Cover::Free(cube) => return Err(Covered::Free(cube)),
                // Another box may be free for sure.
                Cover::Undecided => undecided = true,
            }
        }
        if undecided {
            return Err(Covered::Undecided);
        }
        Ok(core)
    }
}

/// What is known of boxes at a gate.
#[derive(Clone, Debug)]
pub(crate) enum Covered {
    /// They are inside the union of these owners' boxes.
    By(BTreeSet<OwnerId>),
    /// This box is a part of one of them, and outside.
    Free(Cube),
    /// A bound came first.
    Undecided,
}

fn number(at: usize) -> OwnerId {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// All that verdicts at the gates of an enforcer depend on besides its policies, as a text to be compared.
pub(crate) fn facts(effective: &Effective, pods: Pods<'_>, target: Target) -> String {
    format!("{:?} {:?}", pods.kind, Known::of(effective, pods, target))
}

/// What is known of requests at a gate besides the rules.
#[derive(Debug, Default)]
struct Known {
    /// Ports of which the protocol is declared.
    http_ports: Vec<u16>,
    other_ports: Vec<u16>,
    unproxied_ports: Vec<u16>,
    /// Ports that only callers with an identity reach, and those where none has one.
    identified: Vec<u16>,
    anonymous: Vec<u16>,
    /// Nor do others reach any port that is not in `excepted`.
    all_identified: Option<Vec<u16>>,
    /// The issuers whose tokens are accepted; `None`: not known, or any.
    issuers: Option<Vec<String>>,
    /// Whether each token names its issuer.
    names_issuer: bool,
    /// Whether peers have addresses; `None`: not known.
    has_address: Option<bool>,
}

impl Known {
    fn of(effective: &Effective, pods: Pods<'_>, target: Target) -> Self {
        let mut known = Self {
            names_issuer: effective.tokens.iter().all(|token| token.rule.issuer.is_some()) && !target.is_legacy(),
            ..Self::default()
        };
        let Some(kind) = pods.kind.filter(|_| !target.is_legacy()) else {
            return known;
        };
        known.has_address = Some(kind != Kind::Waypoint);
        // Where no token is accepted, what accepts them may not have been given.
        if known.names_issuer && !effective.tokens.is_empty() {
            known.issuers = effective.tokens.iter().map(|token| token.rule.issuer.clone()).collect();
        }
        for (port, protocol) in pods.ports.into_iter().flatten() {
            match protocol {
                Protocol::Unproxied => known.unproxied_ports.push(*port),
                // To ztunnel all is bytes.
                _ if kind == Kind::Ztunnel => {}
                protocol if protocol.is_http() => known.http_ports.push(*port),
                _ => known.other_ports.push(*port),
            }
            if kind == Kind::Gateway {
                match protocol {
                    Protocol::HttpsMutual => known.identified.push(*port),
                    _ => known.anonymous.push(*port),
                }
            }
        }
        let strict = |port| {
            let mode = match kind {
                Kind::Sidecar => effective.mtls.at(port),
                Kind::Ztunnel => effective.mtls.at_ztunnel(port),
                Kind::Gateway | Kind::Waypoint => return None,
            };
            mode.ok().map(|mode| mode.mode == MtlsMode::Strict)
        };
        let singly = effective.mtls.ports();
        let others = (1..=u16::MAX).find(|port| !singly.contains(port));
        if others.is_some_and(|port| strict(Some(port)) == Some(true)) {
            known.all_identified = Some(singly.iter().copied().collect());
        }
        known
            .identified
            .extend(singly.into_iter().filter(|port| strict(Some(*port)) == Some(true)));
        known
    }

    /// The values that a space has to tell apart for these.
    fn matchers(&self, http: bool) -> Vec<Matcher> {
        let lists = [
            &self.http_ports,
            &self.other_ports,
            &self.unproxied_ports,
            &self.identified,
            &self.anonymous,
        ];
        let ports = lists.into_iter().flatten().chain(self.all_identified.iter().flatten());
        let ports = ports.map(|port| Matcher::Port(*port));
        let issuers = self.issuers.iter().flatten().filter(|_| http);
        ports.chain(issuers.map(|issuer| of_issuer(issuer))).collect()
    }

    fn impossible(&self, space: &Space, http: bool) -> Vec<(Cube, Never)> {
        let mut all = Vec::new();
        let mut add = |cube: Option<Cube>, why| all.extend(cube.map(|cube| (cube, why)));
        let at = |ports: &[u16], inside| {
            let ports: Vec<Matcher> = ports.iter().map(|port| Matcher::Port(*port)).collect();
            space.cube(&Fact::Port, &ports, inside)
        };
        let both = |one: Option<Cube>, other: Option<Cube>| one?.and(&other?).ok();
        if http {
            add(at(&self.other_ports, true), Never::NotHttp);
        } else {
            add(at(&self.http_ports, true), Never::Http);
        }
        add(at(&self.unproxied_ports, true), Never::Unproxied);
        match self.has_address {
            Some(true) => add(space.presence(&Fact::PeerIp, false), Never::NoAddress),
            Some(false) => add(space.presence(&Fact::PeerIp, true), Never::Address),
            None => {}
        }
        let (nobody, somebody) = (space.presence(&Fact::Peer, false), space.presence(&Fact::Peer, true));
        add(both(nobody.clone(), at(&self.identified, true)), Never::Plaintext);
        if let Some(excepted) = &self.all_identified {
            let elsewhere = at(excepted, false);
            let nobody = if excepted.is_empty() {
                nobody
            } else {
                both(nobody, elsewhere)
            };
            add(nobody, Never::Plaintext);
        }
        add(both(somebody, at(&self.anonymous, true)), Never::NoCertificate);
        if !self.names_issuer {
            return all;
        }
        let no_token = space.presence(&Fact::Issuer, false);
        for dimension in space.dimensions() {
            if matches!(dimension.fact, Fact::Subject | Fact::Claim(_)) {
                let claim = space.presence(&dimension.fact, true);
                add(both(no_token.clone(), claim), Never::NoClaims);
            }
        }
        if let Some(issuers) = &self.issuers {
            let accepted: Vec<Matcher> = issuers.iter().map(|issuer| of_issuer(issuer)).collect();
            let others = both(
                space.presence(&Fact::Issuer, true),
                space.cube(&Fact::Issuer, &accepted, false),
            );
            add(others, Never::OtherIssuer);
        }
        all
    }
}

fn of_issuer(issuer: &str) -> Matcher {
    Matcher::Claim(vec!["iss".to_owned()], StringMatch::Exact(issuer.to_owned()))
}
