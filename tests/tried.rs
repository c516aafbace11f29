//! `meshc try` as a person meets it: a process with an Envoy, called by the commands that it prints.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use meshc_tests::process::{Process, signal, wait};
use meshc_tests::{parts, repository};
use tempfile::TempDir;

const POLICY: &str = r#"
mesh {
    trust-domain td.example
    workload-label app
}

issuer corp {
    iss https://idp.example
    jwks-uri https://idp.example/keys
    audiences api
    claims groups list
}

namespace shop {
    mtls strict
    default deny
    accept corp

    workload web {
        account web
        ports 8080 http, 9000 tcp
        allow api to GET /orders/*
        allow api to POST /orders host orders.example port 8080
        allow (corp where groups has staff) via api to DELETE /orders/{*}
        allow peer-ip 127.0.0.0/8 to HEAD /local
        allow client-ip 10.0.0.0/8 to /ten
        allow api to port 9000
    }

    workload api {
        account api
        ports 8080 http, 9000 tcp
        mtls permissive
        allow anyone to /open port 8080
        allow web to port 9000
        deny anyone to /open/../closed
    }

    workload old {
        mtls disable
        ports 8080 http, 9000 tcp
        allow corp to /token
        allow anyone to port 9000
    }
}

namespace edge {
    gateway in {
        account in
        ports 80 http, 443 https, 8443 https-mutual
        trusted-proxies 1
        allow client-ip 192.0.2.0/24 to /far
        allow anyone to host shop.example
    }
}
"#;

/// A project, and a folder for temporary files that must be empty in the end.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        fs::create_dir(place.path("project")).unwrap();
        fs::create_dir(place.path("temporary")).unwrap();
        place.write(POLICY);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, policy: &str) {
        fs::write(self.path("project/policy.mesh"), policy).unwrap();
    }

    /// Starts the command; `None` where there is no Envoy, or nothing to call it with.
    fn start(&self, args: &[&str]) -> Option<Tried> {
        if !parts::clients().unwrap() {
            return None;
        }
        let envoy = parts::envoy().unwrap()?;
        Some(self.start_with(envoy.program(), args))
    }

    fn start_with(&self, envoy: &Path, args: &[&str]) -> Tried {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshc-process"));
        command.arg("try").args(args).arg("--envoy").arg(envoy);
        command.current_dir(self.path("project"));
        command.env("TMPDIR", self.path("temporary"));
        Tried {
            process: Process::start(&mut command).unwrap(),
        }
    }

    /// Waits until nothing is left of a run.
    fn is_clean(&self) {
        let left = || fs::read_dir(self.path("temporary")).unwrap().count();
        wait("the folder's end", || left() == 0).unwrap();
    }
}

struct Tried {
    process: Process,
}

/// A command that was printed, with who calls and what is to come of it.
struct Printed {
    who: String,
    outcome: String,
    command: String,
}

impl Tried {
    /// Waits until all is printed that it starts with.
    fn ready(mut self) -> Self {
        self.process.until("the commands", |out| out.ends_with("\n\n")).unwrap();
        self
    }

    /// Every command that is printed, as `WORKLOAD PORT CALLER: OUTCOME`, and those of which something else came.
    fn ask_all(&self) -> (BTreeSet<String>, String) {
        let out = self.process.out();
        let mut seen = BTreeSet::new();
        let mut report = String::new();
        let mut workload = "";
        for line in out.lines() {
            if let Some(port) = line.strip_prefix("  port ").and_then(|rest| rest.split(' ').next()) {
                for Printed { who, outcome, command } in self.commands(workload, port.parse().unwrap()) {
                    let got = ask(&command);
                    if got != outcome {
                        report.push_str(&format!(
                            "{workload} {port} {who}: {got} instead of {outcome}\n  {command}\n"
                        ));
                    }
                    seen.insert(format!("{workload} {port} {who}: {outcome}"));
                }
            } else if !line.starts_with(' ') {
                workload = line;
            }
        }
        (seen, report)
    }

    /// The commands for a port.
    fn commands(&self, workload: &str, port: u16) -> Vec<Printed> {
        let out = self.process.out();
        let mut lines = out.lines().skip_while(|line| *line != workload);
        let start = format!("  port {port} ");
        let found = lines.find(|line| line.starts_with(&start));
        assert!(found.is_some(), "{workload} {port} is not in\n{out}");
        let own: Vec<&str> = lines.take_while(|line| line.starts_with("    ")).collect();
        let printed = own.chunks(2).map(|pair| {
            let (who, outcome) = pair[0].trim_start_matches("    # ").rsplit_once(": ").unwrap();
            Printed {
                who: who.to_owned(),
                outcome: outcome.to_owned(),
                command: pair[1].trim().to_owned(),
            }
        });
        printed.collect()
    }

    /// What becomes of the first command of a caller.
    fn ask(&self, workload: &str, port: u16, who: &str) -> String {
        let commands = self.commands(workload, port);
        let found = commands.iter().find(|printed| printed.who == who);
        ask(&found.unwrap_or_else(|| panic!("no command as {who}")).command)
    }

    /// The processes below it: its supervisor and Envoy.
    #[cfg(target_os = "linux")]
    fn below(&self) -> (u32, u32) {
        let supervisor = child(self.process.id());
        (supervisor, child(supervisor))
    }
}

/// What a command shows.
fn ask(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    match out.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)) {
        Some(status) => status.trim().to_owned(),
        None if out.contains("hello") => "200".to_owned(),
        None => "reset".to_owned(),
    }
}

/// The only child of a process.
#[cfg(target_os = "linux")]
fn child(parent: u32) -> u32 {
    let mut processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let found = processes.find(|process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind the name, which is in brackets and may hold anything, stand the state and the parent.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(&parent.to_string())
    });
    found.unwrap_or_else(|| panic!("{parent} has no child"))
}

/// Whether a process is there, and is more than the memory of one.
#[cfg(target_os = "linux")]
fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, fields)| !fields.starts_with('Z'))
}

#[test]
fn commands_do_what_is_printed_beside_them() {
    let place = Place::new();
    let Some(tried) = place.start(&[]) else { return };
    let mut tried = tried.ready();
    let (seen, report) = tried.ask_all();
    assert!(report.is_empty(), "{report}\n{}", tried.process.out());
    let stranger = "td.example/ns/elsewhere/sa/stranger";
    let expected = [
        "shop/web 8080 shop/api: 200".to_owned(),
        "shop/web 8080 shop/api with a token of https://idp.example: 200".to_owned(),
        "shop/web 8080 outsider: reset".to_owned(),
        "shop/web 9000 shop/api: 200".to_owned(),
        format!("shop/web 9000 {stranger}: reset"),
        "shop/api 8080 outsider: 200".to_owned(),
        "shop/api 9000 outsider: reset".to_owned(),
        "shop/api 9000 shop/web: 200".to_owned(),
        "shop/old 8080 outsider with a token of https://idp.example: 200".to_owned(),
        "shop/old 9000 outsider: 200".to_owned(),
        "edge/in 80 outsider: 200".to_owned(),
        "edge/in 443 outsider: 200".to_owned(),
        "edge/in 8443 outsider: reset".to_owned(),
        format!("edge/in 8443 {stranger}: 200"),
    ];
    for line in expected {
        assert!(seen.contains(&line), "`{line}` is not among {seen:#?}");
    }
    let told = [
        "200  shop/web:8080  GET /orders/  from shop/api\n  sidecar: an ALLOW rule matches\n  because of AuthorizationPolicy shop/web-allow, rule 1 (policy.mesh:22)\n",
        "reset  shop/web:8080  connection  from outsider\n  sidecar: mutual TLS is demanded\n  because of PeerAuthentication shop/default (policy.mesh:15)\n",
        "reset  shop/api:9000  connection  from outsider\n",
        "  nearest miss: the same request with `from` td.example/ns/shop/sa/web instead of outsider is admitted by AuthorizationPolicy shop/api-allow, rule 2 (policy.mesh:35)\n",
        "200  shop/api:9000  connection  from shop/web\n",
        "tls-error  edge/in:8443  connection  from outsider\n",
    ];
    for text in told {
        tried.process.until(text, |out| out.contains(text)).unwrap();
    }
    // HTTP/2 takes methods that HTTP/1 refuses.
    let insecure = &tried.commands("shop/api", 8080)[0].command;
    ask(&insecure.replace("curl -sik", "curl -sik --http2-prior-knowledge -X get"));
    let told = "200  shop/api:8080  get /open  from outsider\n  sidecar: ";
    tried.process.until(told, |out| out.contains(told)).unwrap();
    let out = tried.process.out();
    assert!(!out.contains("DISAGREEMENT") && !out.contains("does not say"), "{out}");
    assert_eq!(tried.process.err(), "");
    tried.process.signal("INT").unwrap();
    tried.process.end().unwrap();
    place.is_clean();
}

#[test]
fn the_shop_can_be_tried() {
    let place = Place::new();
    let shop = repository::root().join("examples/shop");
    let at = [
        "--at",
        "shop/web",
        "--at",
        "payments/fraud",
        "--at",
        "data/opensearch",
        "--at",
        "istio-system/ingress",
    ];
    let args: Vec<&str> = std::iter::once(shop.to_str().unwrap()).chain(at).collect();
    let Some(tried) = place.start(&args) else { return };
    let tried = tried.ready();
    let (seen, report) = tried.ask_all();
    assert!(report.is_empty(), "{report}\n{}", tried.process.out());
    for line in [
        "payments/fraud 9000 payments/payments: 200",
        "data/opensearch 9200 shop/search: 200",
        "data/opensearch 9300 outsider: reset",
        "istio-system/ingress 8443 outsider: 200",
        "istio-system/ingress 8443 outsider with a token of https://login.shop.test/: 200",
    ] {
        assert!(seen.contains(line), "`{line}` is not among {seen:#?}");
    }
    assert!(!tried.process.out().contains("DISAGREEMENT"), "{}", tried.process.out());
}

#[test]
fn files_are_read_again_and_a_broken_one_changes_nothing() {
    let place = Place::new();
    let Some(tried) = place.start(&["--at", "shop/web"]) else {
        return;
    };
    let mut tried = tried.ready();
    let open = ask(&tried.commands("shop/web", 8080)[1].command);
    assert_eq!(open, "200");
    let before = tried.commands("shop/web", 8080);
    let again = |tried: &mut Tried| ask(&before[1].command.clone()) + &tried.process.err();

    place.write(&POLICY.replace("allow api to GET /orders/*", "allow web to GET /orders/*"));
    let said = |times: usize| move |out: &str| out.matches("their policy is in force").count() == times;
    tried.process.until("the change", said(1)).unwrap();
    assert_eq!(again(&mut tried), "403");
    tried
        .process
        .until("what decided", |out| out.contains("403  shop/web:8080"))
        .unwrap();

    // Broken text is shown as `check` shows it, and changes nothing.
    place.write(&POLICY.replace("allow api to GET", "allow nobody-knows to GET"));
    tried.process.until_err("the last good policy stays in force").unwrap();
    let err = tried.process.err();
    assert!(
        err.contains("error[E0200 unknown-name]") && err.contains("policy.mesh:22"),
        "{err}"
    );
    assert!(again(&mut tried).starts_with("403"));

    // What is right for `check` and cannot be played changes nothing either.
    place.write(&asking());
    tried
        .process
        .until_err("it asks the external authorizer `opa`; say what answers")
        .unwrap();
    assert!(again(&mut tried).starts_with("403"));

    // A new port, with the old one where it was.
    place.write(&POLICY.replace(
        "ports 8080 http, 9000 tcp\n        allow api to GET",
        "ports 8080 http, 9000 tcp, 9090 http\n        allow api to GET",
    ));
    tried.process.until("the repair", said(2)).unwrap();
    tried
        .process
        .until("the new port", |out| out.contains("port 9090 (http, mtls strict)"))
        .unwrap();
    assert!(again(&mut tried).starts_with("200"));

    // What Envoy refuses: here because a file that the listener names is gone.
    for entry in fs::read_dir(place.path("temporary")).unwrap() {
        fs::remove_file(entry.unwrap().path().join("servers/shop.web.pem")).unwrap();
    }
    place.write(&POLICY.replace("allow api to GET /orders/*", "allow web to GET /orders/*"));
    tried.process.until_err("error: Envoy refuses the policy:").unwrap();
    tried.process.until_err("servers/shop.web.pem").unwrap();
    assert!(again(&mut tried).starts_with("200"));
    tried.process.signal("TERM").unwrap();
    tried.process.end().unwrap();
    place.is_clean();
}

#[test]
fn two_run_at_once_and_a_port_in_use_is_said() {
    let place = Place::new();
    let Some(one) = place.start(&["--at", "shop/api"]) else {
        return;
    };
    let two = place.start(&["--at", "shop/api"]).unwrap();
    let (one, two) = (one.ready(), two.ready());
    for tried in [&one, &two] {
        assert_eq!(tried.ask("shop/api", 8080, "outsider"), "200");
    }
    drop((one, two));
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let mut refused = place.start(&["--at", "shop/api", "--listen", &port]).unwrap();
    assert_eq!(refused.process.end().unwrap().code(), Some(2));
    let said = format!("port {port} of 127.0.0.1, for shop/api:8080, cannot be had");
    refused.process.until_err(&said).unwrap();
    refused.process.until_err("--listen").unwrap();
    place.is_clean();
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_whoever_is_killed() {
    type Killed = fn(&Tried) -> u32;
    let whom: [(&str, Killed, &str); 3] = [
        ("the command", |tried| tried.process.id(), ""),
        ("Envoy", |tried| tried.below().1, "error: Envoy has ended: signal: 9"),
        (
            "the supervisor",
            |tried| tried.below().0,
            "error: Envoy has ended: its supervisor is gone",
        ),
    ];
    for (name, killed, said) in whom {
        let place = Place::new();
        let Some(tried) = place.start(&["--at", "shop/api"]) else {
            return;
        };
        let mut tried = tried.ready();
        let (supervisor, envoy) = tried.below();
        signal("KILL", killed(&tried)).unwrap();
        let status = tried.process.end().unwrap();
        wait(name, || !lives(supervisor) && !lives(envoy)).unwrap();
        place.is_clean();
        if !said.is_empty() {
            assert_eq!(status.code(), Some(2), "{name}");
            tried.process.until_err(said).unwrap();
        }
    }
}

#[test]
#[cfg(unix)]
fn an_envoy_that_does_not_start_says_why() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let rows = [
        (
            "echo 'envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL'; exec >&2; test $# = 1 || { echo 'critical: no room'; exit 1; }",
            "Envoy did not start: exit status: 1\n  critical: no room",
        ),
        (
            "echo something else",
            "is no Envoy: `--version` said\nsomething else\ninstall it with",
        ),
    ];
    for (script, said) in rows {
        let program = place.path("envoy");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut tried = place.start_with(&program, &[]);
        assert_eq!(tried.process.end().unwrap().code(), Some(2));
        tried.process.until_err(said).unwrap();
        place.is_clean();
    }
    let mut tried = place.start_with(Path::new("none"), &[]);
    assert_eq!(tried.process.end().unwrap().code(), Some(2));
    tried.process.until_err("there is no Envoy at `none`").unwrap();
}

/// The policy with an authorizer that is not here.
fn asking() -> String {
    let policy = POLICY.replace(
        "trust-domain td.example",
        "trust-domain td.example\n    provider opa grpc",
    );
    policy.replace("allow api to port 9000", "ask opa about anyone to /asked")
}

#[test]
fn authorizers_answer_as_it_is_said() {
    let policy = asking().replace("default deny", "allow anyone to /asked");
    // A server that refuses all it is asked, by a status of its own.
    let real = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("opa={}", real.local_addr().unwrap());
    thread::spawn(move || {
        for mut connection in real.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ =
                connection.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let over_http = policy.replace("provider opa grpc", "provider opa http");
    let rows = [
        (&policy, "opa=allow", "200", "sidecar: an ALLOW rule matches"),
        (&policy, "opa=deny", "403", "sidecar: the authorizer `opa` refuses"),
        (&over_http, at.as_str(), "401", "sidecar: the authorizer `opa` refuses"),
    ];
    for (policy, answer, outcome, told) in rows {
        let place = Place::new();
        place.write(policy);
        let Some(tried) = place.start(&["--at", "shop/web", "--answer", answer]) else {
            return;
        };
        let mut tried = tried.ready();
        let command = &tried.commands("shop/web", 8080)[1].command;
        let (head, _) = command.rsplit_once("https://").unwrap();
        let address = command.rsplit_once("https://").unwrap().1.split('/').next().unwrap();
        assert_eq!(ask(&format!("{head}https://{address}/asked")), outcome, "{answer}");
        tried.process.until(told, |out| out.contains(told)).unwrap();
        let told = format!("{outcome}  shop/web:8080  GET /asked");
        tried.process.until(&told, |out| out.contains(&told)).unwrap();
        let out = tried.process.out();
        assert!(
            !out.contains("DISAGREEMENT") && !out.contains("does not say"),
            "{answer}: {out}"
        );
        assert!(out.contains("the authorizer `opa` "), "{out}");
    }
}

#[test]
fn what_cannot_be_played_is_said() {
    let ambient = "namespace shop {\n    workload old {\n        select app=old\n        dataplane ambient\n        ports 80 http\n    }\n}\n";
    let custom = asking();
    let no_keys = POLICY.replace("jwks-uri https://idp.example/keys", r#"jwks "{\"keys\": []}""#);
    let rows: [(&str, &[&str], &str); 7] = [
        (
            ambient,
            &["--at", "shop/old"],
            "shop/old: it is ambient, so ztunnel decides at its pods, which is no Envoy",
        ),
        (
            &custom,
            &["--at", "web"],
            "shop/web: it asks the external authorizer `opa`; say what answers: `--answer opa=allow`",
        ),
        (
            &custom,
            &["--answer", "opb=allow"],
            "the mesh has no authorizer `opb`; it has opa",
        ),
        (POLICY, &["--answer", "opa"], "`--answer opa` names no answer"),
        (&no_keys, &["--at", "shop/web"], "the key set of `https://idp.example`"),
        (POLICY, &["--at", "shop/wbe"], "did you mean `shop/web`?"),
        ("namespace shop {\n}\n", &[], "no workload can be tried"),
    ];
    for (policy, args, said) in rows {
        let place = Place::new();
        place.write(policy);
        let mut tried = place.start_with(Path::new("none"), args);
        let status = tried.process.end().unwrap();
        tried.process.until_err(said).unwrap();
        assert!(!status.success());
    }
    let place = Place::new();
    place.write("mesh {\n    mtls strict\n}\n\nnamespace shop {\n    workload web {\n        select app=web\n        service web 80\n        ports 80 http\n    }\n}\n");
    let mut tried = place.start_with(Path::new("none"), &["--target", "istio-1.4"]);
    tried.process.end().unwrap();
    tried.process.until_err("the policy is for istio-1.4").unwrap();
}
