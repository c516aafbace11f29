//! Whom a block reaches: the declared workloads behind it, their ports, and who enforces policy there.

use std::collections::{BTreeMap, BTreeSet};

use crate::hir::{Dataplane, Program, Protocol, Scope, ScopeKind, Service, TargetKind, WaypointUse};
use crate::policy::StringMap;
use crate::source::Span;

/// Answers about a program's blocks.
pub(crate) struct Reach<'p> {
    program: &'p Program,
    /// The indices of the blocks of pods (workloads and gateways) in each namespace.
    pods: BTreeMap<&'p str, Vec<usize>>,
    /// The same, by each label that their pods are selected by.
    labelled: BTreeMap<(&'p str, &'p str, &'p str), Vec<usize>>,
    mesh: Option<&'p Scope>,
    namespaces: BTreeMap<&'p str, &'p Scope>,
    /// What is said of the waypoint of a Service, by namespace and name: its block's word before that of others.
    waypoints: BTreeMap<(&'p str, &'p str), &'p WaypointUse>,
}

/// The TCP ports of a scope: each with the place that declares it.
pub(crate) type Ports = BTreeMap<u16, Span>;

/// A port that is TCP at one place and HTTP at another.
pub(crate) struct PortClash {
    pub(crate) port: u16,
    pub(crate) tcp: Span,
    pub(crate) http: Span,
}

/// Who enforces what a block says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Enforcers {
    /// Sidecars, gateways or waypoints.
    pub(crate) envoy: bool,
    pub(crate) ztunnel: bool,
}

impl<'p> Reach<'p> {
    pub(crate) fn new(program: &'p Program) -> Self {
        let mut pods: BTreeMap<&'p str, Vec<usize>> = BTreeMap::new();
        let mut labelled: BTreeMap<(&'p str, &'p str, &'p str), Vec<usize>> = BTreeMap::new();
        let mut mesh = None;
        let mut namespaces = BTreeMap::new();
        let mut waypoints = BTreeMap::new();
        for (at, scope) in program.scopes.iter().enumerate() {
            let namespace = scope.namespace.as_str();
            match &scope.kind {
                ScopeKind::Mesh => mesh = Some(scope),
                ScopeKind::Namespace => {
                    namespaces.insert(namespace, scope);
                }
                ScopeKind::Workload { .. } | ScopeKind::Gateway { .. } => {
                    pods.entry(namespace).or_default().push(at);
                    for (key, value) in &scope.facts.select {
                        labelled.entry((namespace, key, value)).or_default().push(at);
                    }
                }
                ScopeKind::Targets(targets) => {
                    for target in targets.iter().filter(|t| t.kind == TargetKind::Service) {
                        if let Some(used) = &scope.facts.use_waypoint {
                            waypoints.entry((namespace, target.name.as_str())).or_insert(&used.it);
                        }
                    }
                }
                ScopeKind::Waypoint { .. } | ScopeKind::AllWaypoints => {}
            }
        }
        for ((namespace, service), used) in &program.service_waypoints {
            waypoints.entry((namespace, service)).or_insert(used);
        }
        Self {
            program,
            pods,
            labelled,
            mesh,
            namespaces,
            waypoints,
        }
    }

    /// The blocks of the mesh and of the namespace around a block, those of them that stand in the text, from wide to
    /// narrow.
    pub(crate) fn enclosing(&self, scope: &Scope) -> impl Iterator<Item = &'p Scope> + use<'p> {
        let mesh = self.mesh.filter(|_| scope.kind != ScopeKind::Mesh);
        let is_in_namespace = !scope.in_mesh && !matches!(scope.kind, ScopeKind::Mesh | ScopeKind::Namespace);
        let namespace = self
            .namespaces
            .get(scope.namespace.as_str())
            .filter(|_| is_in_namespace);
        mesh.into_iter().chain(namespace.copied())
    }

    /// The workloads and gateways of a namespace.
    pub(crate) fn pods_in<'s>(&'s self, namespace: &str) -> impl Iterator<Item = &'p Scope> + use<'s, 'p> {
        let indices = self.pods.get(namespace).into_iter().flatten();
        indices.filter_map(|at| self.program.scopes.get(*at))
    }

    /// The blocks of pods in the namespace of a block that are selected by one of its labels.
    fn sharing_a_label(&self, scope: &Scope) -> impl Iterator<Item = &'p Scope> + use<'_, 'p> {
        let labels = scope.facts.select.iter();
        let sharing = labels.filter_map(|(key, value)| self.labelled.get(&(scope.namespace.as_str(), key, value)));
        let indices: BTreeSet<usize> = sharing.flatten().copied().collect();
        indices.into_iter().filter_map(|at| self.program.scopes.get(at))
    }

    fn all_pods(&self) -> impl Iterator<Item = &'p Scope> {
        self.pods
            .values()
            .flatten()
            .filter_map(|at| self.program.scopes.get(*at))
    }

    /// The declared blocks of pods that a rule of `scope` reaches by namespace or selector.
    pub(crate) fn workloads(&self, scope: &'p Scope) -> Vec<&'p Scope> {
        match &scope.kind {
            ScopeKind::Mesh => self.all_pods().collect(),
            ScopeKind::Namespace => self.pods_in(&scope.namespace).filter(|pod| !pod.in_mesh).collect(),
            ScopeKind::Workload { .. } | ScopeKind::Gateway { .. } => {
                let select = &scope.facts.select;
                if select.is_empty() {
                    return vec![scope];
                }
                let same_pods = |pod: &&Scope| {
                    !pod.facts.select.is_empty()
                        && (includes(&pod.facts.select, select) || includes(select, &pod.facts.select))
                };
                if scope.in_mesh {
                    self.all_pods().filter(same_pods).collect()
                } else {
                    self.sharing_a_label(scope).filter(same_pods).collect()
                }
            }
            ScopeKind::Waypoint { .. } | ScopeKind::AllWaypoints | ScopeKind::Targets(_) => Vec::new(),
        }
    }

    /// The declared workloads of other namespaces that a selector in the root namespace reaches too.
    pub(crate) fn strangers(&self, scope: &'p Scope) -> Vec<&'p Scope> {
        if scope.in_mesh || scope.namespace != self.program.mesh.root || scope.facts.select.is_empty() {
            return Vec::new();
        }
        let other = |pod: &&Scope| pod.namespace != scope.namespace && includes(&pod.facts.select, &scope.facts.select);
        self.all_pods().filter(other).collect()
    }

    /// The data plane of a block of pods: its own word, else that of its namespace, else that of the mesh.
    pub(crate) fn dataplane(&self, scope: &Scope) -> Dataplane {
        if matches!(scope.kind, ScopeKind::Gateway { .. }) {
            return Dataplane::Sidecar;
        }
        let own = scope.facts.dataplane.as_ref().map(|d| d.it);
        let namespace = || {
            self.program
                .namespaces
                .get(&scope.namespace)
                .and_then(|n| n.dataplane.as_ref())
                .map(|d| d.it)
        };
        let namespace = if scope.in_mesh { None } else { namespace() };
        own.or(namespace)
            .or(self.program.mesh.dataplane)
            .unwrap_or(Dataplane::Sidecar)
    }

    /// Who enforces the rules of a scope. Where nobody is declared, the data plane of the scope itself.
    pub(crate) fn enforcers(&self, scope: &'p Scope) -> Enforcers {
        if matches!(
            scope.kind,
            ScopeKind::Waypoint { .. } | ScopeKind::AllWaypoints | ScopeKind::Targets(_)
        ) {
            return Enforcers {
                envoy: true,
                ztunnel: false,
            };
        }
        let mut found = Enforcers::default();
        let mut add = |dataplane: Dataplane| match dataplane {
            Dataplane::Sidecar => found.envoy = true,
            Dataplane::Ambient => found.ztunnel = true,
            Dataplane::None => {}
        };
        match &scope.kind {
            ScopeKind::Workload { .. } | ScopeKind::Gateway { .. } if !scope.in_mesh => {
                add(self.dataplane(scope));
                let pods = self.workloads(scope).into_iter();
                pods.filter(|pod| includes(&pod.facts.select, &scope.facts.select))
                    .for_each(|pod| add(self.dataplane(pod)));
            }
            _ => {
                let pods = self.workloads(scope);
                for pod in &pods {
                    add(self.dataplane(pod));
                }
                if pods.is_empty() {
                    add(self.dataplane(scope));
                }
            }
        }
        found
    }

    /// The workloads of a scope that ztunnel alone protects.
    pub(crate) fn ambient(&self, scope: &'p Scope) -> Vec<&'p Scope> {
        self.workloads(scope)
            .into_iter()
            .filter(|pod| self.dataplane(pod) == Dataplane::Ambient)
            .collect()
    }

    /// The declared `tcp` and `tls` ports of a scope, as its rules see ports; an error where one is HTTP elsewhere in it.
    pub(crate) fn tcp_ports(&self, scope: &'p Scope) -> Result<Ports, PortClash> {
        let mut tcp = Ports::new();
        let mut http = Ports::new();
        let mut add = |port: u16, protocol: Protocol, span: Span| {
            let map = match protocol {
                Protocol::Tcp | Protocol::Tls => &mut tcp,
                Protocol::Http | Protocol::Https | Protocol::HttpsMutual => &mut http,
                Protocol::Unproxied => return,
            };
            map.entry(port).or_insert(span);
        };
        match &scope.kind {
            ScopeKind::Targets(targets) => {
                for target in targets {
                    match target.kind {
                        TargetKind::Service => {
                            self.service_ports(&scope.namespace, |s| s.name == target.name, &mut add)
                        }
                        TargetKind::Waypoint => self.waypoint_ports(&scope.namespace, &target.name, &mut add),
                        TargetKind::Gateway => {
                            let named = |pod: &&Scope| {
                                pod.kind
                                    == ScopeKind::Gateway {
                                        name: target.name.clone(),
                                    }
                            };
                            for gateway in self.pods_in(&scope.namespace).filter(named) {
                                gateway
                                    .facts
                                    .ports
                                    .iter()
                                    .for_each(|(port, p)| add(*port, p.it, p.span));
                            }
                        }
                        TargetKind::ServiceEntry => {}
                    }
                }
            }
            ScopeKind::Waypoint { name } => self.waypoint_ports(&scope.namespace, name, &mut add),
            ScopeKind::AllWaypoints => {
                for namespace in self.pods.keys() {
                    self.service_ports(namespace, |s| self.waypoint_of(namespace, &s.name).is_some(), &mut add);
                }
            }
            _ => {
                for pod in self.workloads(scope) {
                    pod.facts.ports.iter().for_each(|(port, p)| add(*port, p.it, p.span));
                }
            }
        }
        match tcp
            .iter()
            .find_map(|(port, tcp)| http.get(port).map(|http| (*port, *tcp, *http)))
        {
            Some((port, tcp, http)) => Err(PortClash { port, tcp, http }),
            None => Ok(tcp),
        }
    }

    /// Adds the Service ports of the services of a namespace that are meant.
    fn service_ports(
        &self,
        namespace: &str,
        meant: impl Fn(&Service) -> bool,
        add: &mut impl FnMut(u16, Protocol, Span),
    ) {
        for pod in self.pods_in(namespace) {
            for service in pod.facts.services.iter().filter(|s| meant(s)) {
                for (port, pod_port) in &service.ports {
                    if let Some(protocol) = pod.facts.ports.get(pod_port) {
                        add(*port, protocol.it, protocol.span);
                    }
                }
            }
        }
    }

    fn waypoint_ports(&self, home: &str, name: &str, add: &mut impl FnMut(u16, Protocol, Span)) {
        for namespace in self.pods.keys() {
            let uses = |service: &Service| {
                self.waypoint_of(namespace, &service.name)
                    .is_some_and(|(ns, waypoint)| ns == home && waypoint == name)
            };
            self.service_ports(namespace, uses, add);
        }
    }

    /// The waypoint of a service, as namespace and name: what its own block says, else its namespace.
    pub(crate) fn waypoint_of(&self, namespace: &str, service: &str) -> Option<(String, String)> {
        let own = self.waypoints.get(&(namespace, service)).copied();
        let used = own.or_else(|| {
            let namespace = self.program.namespaces.get(namespace)?;
            namespace.use_waypoint.as_ref().map(|used| &used.it)
        })?;
        used.waypoint(namespace)
    }
}

/// Whether pods with exactly these labels carry all of `wanted`.
fn includes(labels: &StringMap, wanted: &StringMap) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
