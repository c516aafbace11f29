//! What an answer costs: one request against a workload of many rules, composing what is in force in a large mesh, and
//! questions by the thousand on the command line.

mod generate;
mod measure;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use criterion::Criterion;
use generate::Project;
use meshc::cli::{ExitCode, Io};
use meshc::driver::project::Location;
use meshc::driver::{self, Build, Options};
use meshc::policy::Target;
use meshc::policy::evaluate::Judge;
use meshc::policy::evaluate::nearest::nearest;
use meshc::policy::request::{Caller, Destination, Outcome, Request};
use meshc::source::files::Memory;

/// One request against 100 rules of a workload.
const HUNDRED_RULES: Duration = Duration::from_micros(1);

/// One request against 1,000 rules of a workload.
const THOUSAND_RULES: Duration = Duration::from_micros(5);

/// One refusal with its nearest miss, so that 10,000 are said in a second.
const REFUSED: Duration = Duration::from_micros(100);

/// What is in force at 1,000 workloads with 10,000 rules; here there are 3,000.
const COMPOSED: Duration = Duration::from_millis(200);

/// Ten times the workloads cost at most so many times the time.
const GROWTH: f64 = 12.0;

/// Namespaces of three workloads each, with 10,000 rules in all.
const TENANTS: usize = 10_000 / generate::RULES_PER_TENANT;

/// So many answers are due in a second.
const A_SECOND: usize = 10_000;

/// Namespaces of the project that is asked on the command line.
const ASKED: usize = 100;

/// So many requests are answered at once, because one is too short for the clock.
const BATCH: u32 = 100;

/// Path, namespace and method of requests that [`generate::crowded`] refuses from 10 rules on, and how many of them must change.
const REQUESTS_REFUSED: &[((&str, &str, &str), usize)] = &[
    (("/elsewhere", "team-5", "GET"), 1),
    (("/items/7/x", "team-8", "GET"), 1),
    (("/elsewhere", "nobody", "GET"), 2),
    (("/items/7/x", "team-7", "DELETE"), 1),
    (("/elsewhere", "nobody", "POST"), 3),
];

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let hundred = requests(&mut criterion, "answer/100 rules", 100);
    let thousand = requests(&mut criterion, "answer/1,000 rules", 1000);
    let few_refused = refused(&mut criterion, "refused/10 rules", 10);
    let hundred_refused = refused(&mut criterion, "refused/100 rules", 100);
    let thousand_refused = refused(&mut criterion, "refused/1,000 rules", 1000);
    let few = compose(
        &mut criterion,
        "compose/300 workloads",
        &generate::tenants(TENANTS / 10),
        10,
    );
    let composed = compose(
        &mut criterion,
        "compose/3,000 workloads",
        &generate::tenants(TENANTS),
        1,
    );
    let hamlet = compose(
        &mut criterion,
        "compose/100 in a namespace",
        &generate::village(100),
        10,
    );
    let village = compose(
        &mut criterion,
        "compose/1,000 in a namespace",
        &generate::village(1000),
        1,
    );
    let folder = tempfile::tempdir().ok();
    let asked = folder.as_ref().and_then(|folder| {
        let folder = folder.path();
        write_project(folder).ok()?;
        write_crowd(&folder.join("crowd")).ok()?;
        let eval = ["meshc", "eval", ".", "--requests", "requests.jsonl"];
        let eval_time = measure::best(&mut criterion, "eval/10,000 requests", || ask(folder, &eval));
        let test = measure::best(&mut criterion, "test/10,000 lines", || {
            ask(folder, &["meshc", "test", "."])
        });
        let eval = ["meshc", "eval", ".", "--requests", "requests.jsonl"];
        let crowd = folder.join("crowd");
        let refused = measure::best(&mut criterion, "eval/10,000 refused by 1,000 rules", || {
            ask(&crowd, &eval)
        });
        Some((eval_time, test, refused))
    });
    let (eval, test, crowd) = asked.unwrap_or_default();
    criterion.final_summary();

    measure::ratio(
        "10,000 requests by the line / 1 s",
        eval,
        Some(Duration::from_secs(1)),
        1.0,
    );
    measure::ratio("10,000 lines of tests / 1 s", test, Some(Duration::from_secs(1)), 1.0);
    measure::ratio(
        "10,000 requests by the line that 1,000 rules refuse / 1 s",
        crowd,
        Some(Duration::from_secs(1)),
        1.0,
    );
    measure::ratio("a refusal by 10 rules / 100 us", few_refused, Some(REFUSED), 1.0);
    measure::ratio("a refusal by 100 rules / 100 us", hundred_refused, Some(REFUSED), 1.0);
    measure::ratio(
        "a refusal by 1,000 rules / 100 us",
        thousand_refused,
        Some(REFUSED),
        1.0,
    );
    measure::ratio(
        "a refusal by 1,000 rules / by 100",
        thousand_refused,
        hundred_refused,
        GROWTH,
    );
    measure::ratio("a request against 100 rules / 1 us", hundred, Some(HUNDRED_RULES), 1.0);
    measure::ratio(
        "a request against 1,000 rules / 5 us",
        thousand,
        Some(THOUSAND_RULES),
        1.0,
    );
    measure::ratio(
        "composing 3,000 workloads of 10,000 rules / 200 ms",
        composed,
        Some(COMPOSED),
        1.0,
    );
    measure::ratio("composing 3,000 workloads / 300", composed, few, GROWTH);
    measure::ratio("composing 1,000 in a namespace / 100", village, hamlet, GROWTH);
}

/// A request that the middle rule allows, and one that none does, by turns.
fn requests(criterion: &mut Criterion, name: &str, rules: usize) -> Option<Duration> {
    let build = read(&generate::crowded(rules))?;
    let judge = Judge::new(&build.policies, &build.facts.inventory, Target::NEWEST);
    let at = build.facts.inventory.find("crowd", "api")?;
    let number = rules / 2;
    let request = |number: usize, path: &str| Request {
        method: Some("GET".to_owned()),
        path: Some(path.to_owned()),
        ..Request::new(
            Destination::Known(at),
            Caller::Principal(format!("cluster.local/ns/team-{}/sa/web", number % 97)),
        )
    };
    let allowed = request(number, &format!("/items/{number}/x"));
    let refused = request(number, "/elsewhere");
    let outcome = |request| judge.answer(request).map(|answer| answer.outcome);
    assert_eq!(outcome(&allowed), Ok(Outcome::Ok), "the middle rule allows it");
    assert_eq!(outcome(&refused), Ok(Outcome::Forbidden), "no rule allows it");
    let batch = measure::best(criterion, name, || {
        (0..BATCH / 2)
            .filter_map(|_| Some((outcome(&allowed).ok()?, outcome(&refused).ok()?)))
            .count()
    })?;
    Some(batch / BATCH)
}

/// Refusals with their nearest misses, of one fact, of two and of three by turns.
fn refused(criterion: &mut Criterion, name: &str, rules: usize) -> Option<Duration> {
    let build = read(&generate::crowded(rules))?;
    let judge = Judge::new(&build.policies, &build.facts.inventory, Target::NEWEST);
    let at = build.facts.inventory.find("crowd", "api")?;
    let request = |(path, caller, method): (&str, &str, &str)| Request {
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        ..Request::new(
            Destination::Known(at),
            Caller::Principal(format!("cluster.local/ns/{caller}/sa/web")),
        )
    };
    let requests: Vec<(Request, usize)> = REQUESTS_REFUSED
        .iter()
        .map(|(of, fewest)| (request(*of), *fewest))
        .collect();
    let miss = |request| nearest(&judge, request, &judge.answer(request).ok()?);
    for (request, fewest) in &requests {
        let found = miss(request).map(|miss| (miss.changes.len(), miss.is_exact));
        assert_eq!(found, Some((*fewest, true)), "{request:?}");
    }
    let batch = measure::best(criterion, name, || {
        let each = requests.iter().cycle().take(BATCH as usize);
        each.filter_map(|(request, _)| miss(request)).count()
    })?;
    Some(batch / BATCH)
}

/// The first request to each workload, which composes what is in force there; so many `times`, so that what is compared
/// takes equally long and as much memory, and what else the machine does disturbs it alike. What is composed is kept: to
/// give it back is no part of it.
fn compose(criterion: &mut Criterion, name: &str, project: &Project, times: u32) -> Option<Duration> {
    let build = read(project)?;
    let inventory = &build.facts.inventory;
    let ask = || {
        let judge = Judge::new(&build.policies, inventory, Target::NEWEST);
        let request = |at| Request {
            port: Some(8080),
            ..Request::new(Destination::Known(at), Caller::Outsider)
        };
        let answers = (0..inventory.workloads.len()).filter(|at| judge.answer(&request(*at)).is_ok());
        let count = answers.count();
        (judge, count)
    };
    let workloads = inventory.workloads.len();
    // The gateway has no such port.
    assert!(ask().1 + 1 >= workloads, "every workload answers");
    let rules: usize = build
        .policies
        .authorizations
        .iter()
        .map(|p| p.action.rules().len())
        .sum();
    measure::size(&format!("{name}: {workloads} workloads, {rules} rules"));
    let all = measure::best(criterion, name, || (0..times).map(|_| ask()).collect::<Vec<_>>())?;
    Some(all / times)
}

fn read(project: &Project) -> Option<Build> {
    let mut files = Memory::new();
    for (path, text) in project {
        files.insert(Path::new("/project").join(path), text.as_str());
    }
    let inputs = Location::find(&files, Path::new("/project"), None).ok()?.into();
    driver::ask(&files, &inputs, &Options::default())
        .ok()?
        .builds
        .into_iter()
        .next()
}

/// The project, requests by the line, and the same requests as tests.
#[expect(clippy::disallowed_methods, reason = "the command reads a project from disk")]
fn write_project(folder: &Path) -> std::io::Result<()> {
    for (path, text) in generate::tenants(ASKED) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    let (mut requests, mut tests) = (String::new(), String::new());
    let token = "{\"issuer\": \"corp\", \"claims\": {\"sub\": \"ann\"}}";
    for number in 0..ASKED {
        let name = format!("team-{number:05}");
        let _ = writeln!(tests, "test \"{name}\" at {name}/api {{");
        // By turns: the frontend with a token, a stranger, and somebody without an identity.
        for line in 0..A_SECOND / ASKED {
            let (caller, said, extra, with, outcome) = match line % 3 {
                0 => (
                    format!("{{\"principal\": \"cluster.local/ns/{name}/sa/web\"}}"),
                    format!("sa {name}/web"),
                    format!(", \"token\": {token}"),
                    " with token corp { sub: \"ann\" }",
                    200,
                ),
                1 => (
                    format!("{{\"principal\": \"cluster.local/ns/{name}/sa/cron\"}}"),
                    format!("sa {name}/cron"),
                    String::new(),
                    "",
                    403,
                ),
                _ => ("\"outsider\"".to_owned(), "outsider".to_owned(), String::new(), "", 0),
            };
            let outcome = if outcome == 0 {
                "reset".to_owned()
            } else {
                outcome.to_string()
            };
            let _ = writeln!(
                requests,
                "{{\"at\": \"{name}/api\", \"from\": {caller}, \"port\": 8080, \"path\": \"/items/{line}\"{extra}}}"
            );
            let _ = writeln!(
                tests,
                "    {said} to GET /items/{line} port 8080{with} expect {outcome}"
            );
        }
        tests.push_str("}\n");
    }
    fs::write(folder.join("requests.jsonl"), requests)?;
    fs::write(folder.join("tests.mesh"), tests)
}

/// One workload of 1,000 rules, and requests that it refuses, by the line.
#[expect(clippy::disallowed_methods, reason = "the command reads a project from disk")]
fn write_crowd(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (path, text) in generate::crowded(1000) {
        fs::write(folder.join(path), text)?;
    }
    let mut requests = String::new();
    for number in 0..A_SECOND / REQUESTS_REFUSED.len() {
        for ((path, caller, method), _) in REQUESTS_REFUSED {
            let from = format!("{{\"principal\": \"cluster.local/ns/{caller}/sa/web\"}}");
            let _ = writeln!(
                requests,
                "{{\"at\": \"crowd/api\", \"from\": {from}, \"path\": \"{path}?{number}\", \"method\": \"{method}\"}}"
            );
        }
    }
    fs::write(folder.join("requests.jsonl"), requests)
}

/// Runs the command in this process and returns what it printed.
fn ask(folder: &Path, args: &[&str]) -> (ExitCode, usize) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        cwd: folder.to_path_buf(),
        out_is_terminal: false,
        err_is_terminal: false,
        no_color: true,
        environment: Default::default(),
        color: false,
        out_color: false,
        unwritten: None,
    };
    let code = meshc::cli::run(args.iter().map(Into::into), &mut io);
    (code, out.len())
}
