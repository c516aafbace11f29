//! What Istio 1.4 answers: the cases of `cases/legacy`, which say where each outcome comes from. Those of `cases/answers` ask
//! today's releases in the same way.
//!
//! A file of cases has `KEY = VALUE` lines: the program with the `world`'s facts, the `objects` (documents that begin with
//! their name as a comment), `token NAME = KEYS CLAIMS` and `state NAME = OBJECT …`. Each other line is a case:
//!
//! ```text
//! ID | obs, doc or drv | STATE or OBJECT … | CALLER -> SERVICE.NAMESPACE[:PORT] [METHOD] [/PATH] … | TOKEN | OUTCOME
//! ```
//!
//! `obs` is printed in a document of Istio or asserted by a test of it, `doc` is stated in its prose, and `drv` follows from
//! its code and was never printed. `gw` calls from outside through the ingress gateway, `outsider` in plaintext, `mesh` with
//! a certificate of the mesh and no proxy; `=>` asks for the TLS of the caller's proxy. More words of a request: `tcp`,
//! `@SECONDS` for the time, `NAME=VALUE` for a header, `pod:PORT` straight to the pod. `200 mtls` and `200 plain` also say
//! whether the server sees an identity of the mesh; `unknown` is a question without an answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use meshc::driver::inputs::Inputs;
use meshc::driver::manifests::Source;
use meshc::driver::project::Location;
use meshc::driver::{self, Build, Options};
use meshc::policy::evaluate::Judge;
use meshc::policy::request::{Caller, Destination, Json, Outcome, Place, Request, Token, TokenState, Unknown};
use meshc::policy::{
    Action, Authorization, Keys, Lists, Meta, PolicySet, Rule, Selection, Source as Callers, StringMap, Target, TlsMode,
};
use meshc::source::{Memory, Span};
use meshc_tests::repository;

/// The name of the ingress gateway in every world that has one.
const GATEWAY: (&str, &str) = ("istio-system", "istio-ingressgateway");

#[test]
fn cases_are_answered_as_istio_answers_them() {
    let mut report = String::new();
    let folders = ["tests/cases/legacy", "tests/cases/answers"];
    for path in folders
        .iter()
        .flat_map(|folder| repository::files(folder, ".cases").unwrap())
    {
        match Suite::read(&path).and_then(|suite| suite.run()) {
            Ok(wrong) => report.push_str(&wrong),
            Err(error) => writeln!(report, "{}: {error:#}", repository::shown(&path)).unwrap(),
        }
    }
    assert!(report.is_empty(), "not as Istio answers:\n{report}");
}

/// A file of cases.
struct Suite {
    shown: String,
    target: String,
    world: String,
    /// Each document by its name.
    objects: BTreeMap<String, String>,
    tokens: BTreeMap<String, Token>,
    states: BTreeMap<String, Vec<String>>,
    cases: Vec<Vec<String>>,
}

impl Suite {
    fn read(path: &Path) -> Result<Self> {
        let beside = |name: &str| -> PathBuf { path.with_file_name(name) };
        let mut suite = Self {
            shown: repository::shown(path),
            target: "istio-1.4".to_owned(),
            world: String::new(),
            objects: BTreeMap::new(),
            tokens: BTreeMap::new(),
            states: BTreeMap::new(),
            cases: Vec::new(),
        };
        let text = repository::read(path)?;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.contains(" | ") {
                suite
                    .cases
                    .push(line.split(" | ").map(|cell| cell.trim().to_owned()).collect());
                continue;
            }
            let (key, value) = line.split_once('=').with_context(|| format!("`{line}` is no case"))?;
            let value = value.trim();
            match key.split_whitespace().collect::<Vec<_>>()[..] {
                ["target"] => value.clone_into(&mut suite.target),
                ["world"] => suite.world = repository::read(&beside(value))?,
                ["objects"] => suite.objects = objects(&repository::read(&beside(value))?)?,
                ["token", name] => _ = suite.tokens.insert(name.to_owned(), token(value)?),
                ["state", name] => {
                    let objects = value.split_whitespace().map(str::to_owned).collect();
                    suite.states.insert(name.to_owned(), objects);
                }
                _ => bail!("`{line}` is no case"),
            }
        }
        ensure!(!suite.cases.is_empty(), "there are no cases");
        Ok(suite)
    }

    /// What is not as expected.
    fn run(&self) -> Result<String> {
        let mut report = String::new();
        let mut builds: BTreeMap<&str, Build> = BTreeMap::new();
        for case in &self.cases {
            let [id, evidence, state, request, token, expected] = case.as_slice() else {
                bail!("`{}` is no case", case.join(" | "));
            };
            ensure!(["obs", "doc", "drv"].contains(&evidence.as_str()), "{id}: `{evidence}`");
            if !builds.contains_key(state.as_str()) {
                builds.insert(state, self.build(state).with_context(|| format!("{id}, {state}"))?);
            }
            let got = self
                .ask(&builds[state.as_str()], request, token, expected)
                .with_context(|| format!("{id}, {request}"))?;
            if got != *expected {
                writeln!(
                    report,
                    "{}: {id}, {state}: {request}: {got} instead of {expected}",
                    self.shown
                )?;
            }
        }
        Ok(report)
    }

    /// The policy and the facts of a state.
    fn build(&self, state: &str) -> Result<Build> {
        let listed: Vec<String> = state.split_whitespace().map(str::to_owned).collect();
        let names = self.states.get(state).unwrap_or(&listed);
        let mut text = String::new();
        for name in names.iter().filter(|name| *name != "-") {
            let object = self
                .objects
                .get(name)
                .with_context(|| format!("there is no object `{name}`"))?;
            write!(text, "{object}\n---\n")?;
        }
        let mut files = Memory::new();
        files.insert("/w/world.mesh", self.world.clone());
        let inputs = Inputs {
            project: Some(Location::find(&files, Path::new("/w"), Some(Path::new("world.mesh")))?),
            manifests: vec![Source::Text {
                shown: "objects.yaml".to_owned(),
                content: Ok(text.into_bytes()),
            }],
        };
        let options = Options {
            target: Target::parse(&self.target),
            ..Options::default()
        };
        let outcome = driver::ask(&files, &inputs, &options)?;
        let errors: Vec<_> = outcome
            .diagnostics
            .iter()
            .filter(|found| found.severity == meshc::diagnostics::Severity::Error)
            .map(|found| found.message.clone())
            .collect();
        ensure!(errors.is_empty(), "{errors:?}");
        outcome.builds.into_iter().next().context("nothing was built")
    }

    /// The answer in the words of `expected`.
    fn ask(&self, build: &Build, text: &str, token: &str, expected: &str) -> Result<String> {
        let target = Target::parse(&self.target).context("no such target")?;
        let judge = Judge::new(&build.policies, &build.facts.inventory, target);
        if let Some((caller, host)) = text.split_once(" => ") {
            return client_tls(&judge, build, caller, host);
        }
        let question = Question::read(build, text, self.token(token)?)?;
        let got = word(question.ask(&judge));
        let identity = match expected {
            "200 mtls" => [Outcome::Ok].as_slice(),
            "200 plain" => &[Outcome::Forbidden, Outcome::Reset],
            _ => return Ok(got),
        };
        let policies = demanding_identities(build);
        let judge = Judge::new(&policies, &build.facts.inventory, target);
        let seen = question.ask(&judge);
        let as_expected = got == "200" && seen.as_ref().is_ok_and(|seen| identity.contains(seen));
        Ok(if as_expected {
            expected.to_owned()
        } else {
            format!("{got}, and {} for identities", word(seen))
        })
    }

    fn token(&self, text: &str) -> Result<Option<Token>> {
        let mut words = text.split_whitespace();
        let name = words.next().context("no token")?;
        if name == "-" {
            return Ok(None);
        }
        let mut token = self
            .tokens
            .get(name)
            .with_context(|| format!("no token `{name}`"))?
            .clone();
        for word in words {
            match word.split_once(':') {
                None if word == "expired" => token.state = TokenState::Expired,
                None if word == "forged" => token.state = TokenState::Forged,
                Some(("header", name)) => {
                    token.place = Place::Header {
                        name: name.to_owned(),
                        prefix: String::new(),
                    };
                }
                Some(("param", name)) => token.place = Place::Param(name.to_owned()),
                _ => bail!("`{word}` says nothing of a token"),
            }
        }
        Ok(Some(token))
    }
}

fn word(outcome: Result<Outcome, Unknown>) -> String {
    outcome.map_or_else(|_| "unknown".to_owned(), |outcome| outcome.word().to_owned())
}

/// Documents by their names.
fn objects(text: &str) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for document in text.split("---\n") {
        let name = document.lines().next().and_then(|line| line.strip_prefix("# "));
        let name = name.with_context(|| format!("a document has no name:\n{document}"))?;
        let earlier = all.insert(name.to_owned(), document.to_owned());
        ensure!(earlier.is_none(), "two objects are called {name}");
    }
    Ok(all)
}

/// `KEYS CLAIMS`.
fn token(text: &str) -> Result<Token> {
    let (keys, claims) = text.split_once(' ').context("a token has keys and claims")?;
    let claims: serde_json::Value = serde_json::from_str(claims)?;
    let Json::Object(claims) = json(&claims) else {
        bail!("claims are an object")
    };
    Ok(Token {
        keys: Keys::Uri(keys.to_owned()),
        issuer: None,
        claims,
        state: TokenState::Valid,
        place: Place::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
        },
    })
}

fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(it) => Json::Bool(*it),
        serde_json::Value::Number(it) => Json::Number(it.as_f64().unwrap()),
        serde_json::Value::String(it) => Json::String(it.clone()),
        serde_json::Value::Array(items) => Json::List(items.iter().map(json).collect()),
        serde_json::Value::Object(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
    }
}

/// The policy with an AuthorizationPolicy for the whole mesh: only identities of the mesh.
fn demanding_identities(build: &Build) -> PolicySet {
    let mut policies = build.policies.clone();
    let any = Callers {
        principals: Lists {
            values: vec!["*".to_owned()],
            not_values: Vec::new(),
        },
        ..Callers::default()
    };
    policies.authorizations.push(Authorization {
        meta: Meta {
            name: "identities".to_owned(),
            namespace: Some(build.facts.inventory.mesh.root.clone()),
            labels: StringMap::new(),
            annotations: StringMap::new(),
            created: None,
            origin: Span::default(),
        },
        selection: Selection::All,
        action: Action::Allow(vec![Rule {
            sources: vec![any],
            ..Rule::default()
        }]),
        dry_run: false,
    });
    policies
}

fn workload(build: &Build, name: &str) -> Result<usize> {
    let (name, namespace) = name
        .split_once('.')
        .with_context(|| format!("`{name}` has no namespace"))?;
    let found = build.facts.inventory.find(namespace, name);
    found.with_context(|| format!("there is no workload {name}.{namespace}"))
}

fn client_tls(judge: &Judge<'_>, build: &Build, caller: &str, host: &str) -> Result<String> {
    let (host, port) = match host.split_once(':') {
        Some((host, port)) => (host, Some(port.parse()?)),
        None => (host, None),
    };
    let host = match host.split('.').count() {
        2 => format!("{host}.svc.{}", build.facts.inventory.mesh.domain),
        _ => host.to_owned(),
    };
    Ok(match judge.client_tls(workload(build, caller)?, &host, port) {
        Ok(TlsMode::Disable) => "disable",
        Ok(TlsMode::Simple) => "simple",
        Ok(TlsMode::Mutual) => "mutual",
        Ok(TlsMode::IstioMutual) => "istio-mutual",
        Err(_) => "unknown",
    }
    .to_owned())
}

/// A request, and what of it goes through the gateway first.
struct Question {
    gateway: Option<Request>,
    request: Request,
}

impl Question {
    fn read(build: &Build, text: &str, token: Option<Token>) -> Result<Self> {
        let mut words = text.split_whitespace();
        let caller = words.next().context("no caller")?;
        ensure!(words.next() == Some("->"), "`->` is missing");
        let to = words.next().context("no destination")?;
        let (to, service_port) = match to.split_once(':') {
            Some((to, port)) => (to, Some(port.parse::<u16>()?)),
            None => (to, None),
        };
        let gateway = || -> Result<usize> { workload(build, &format!("{}.{}", GATEWAY.1, GATEWAY.0)) };
        let from = match caller {
            "gw" => Caller::Workload(gateway()?),
            "outsider" => Caller::Outsider,
            "mesh" => Caller::Principal("cluster.local/ns/foo/sa/sleep".to_owned()),
            principal if principal.contains('/') => Caller::Principal(principal.to_owned()),
            name => Caller::Workload(workload(build, name)?),
        };
        let index = workload(build, to)?;
        let mut services = build.facts.inventory.services.iter();
        let service = services.find(|service| format!("{}.{}", service.name, service.namespace) == to);
        let ports = service.map(|service| service.ports.as_slice()).unwrap_or_default();
        let way = match service_port {
            Some(wanted) => ports.iter().find(|(port, _)| *port == wanted),
            None => ports.first(),
        };
        let mut request = Request {
            service_port: way.map(|(port, _)| *port),
            port: way.map(|(_, pod)| *pod),
            tokens: token.into_iter().collect(),
            ..Request::new(Destination::Known(index), from)
        };
        for word in words {
            if word == "tcp" {
                request.http = Some(false);
            } else if let Some(port) = word.strip_prefix("pod:") {
                (request.pod, request.port, request.service_port) = (true, Some(port.parse()?), None);
            } else if let Some(now) = word.strip_prefix('@') {
                request.now = Some(now.parse()?);
            } else if word.starts_with('/') {
                request.path = Some(word.to_owned());
            } else if let Some((name, value)) = word.split_once('=') {
                request.headers.push((name.to_owned(), value.to_owned()));
            } else {
                request.method = Some(word.to_owned());
            }
        }
        let through = match caller {
            "gw" => Some(Request {
                to: Destination::Known(gateway()?),
                caller: Caller::Outsider,
                service_port: None,
                port: Some(80),
                ..request.clone()
            }),
            _ => None,
        };
        Ok(Self {
            gateway: through,
            request,
        })
    }

    /// The first enforcer's word that is no `200`.
    fn ask(&self, judge: &Judge<'_>) -> Result<Outcome, Unknown> {
        for request in self.gateway.iter().chain([&self.request]) {
            let answer = judge.answer(request)?;
            if answer.outcome != Outcome::Ok {
                return Ok(answer.outcome);
            }
        }
        Ok(Outcome::Ok)
    }
}
