//! `meshc who-can` and `meshc can`: who reaches what, proved over every request.
//!
//! Callers and operations are asked in the language's own words: each is an invariant in a text that belongs to the
//! project for this run, so that names, operations and mistakes in them mean what they mean in a file.

mod callers;
mod html;
mod human;
mod json;
mod operations;
mod words;

use anyhow::bail;

use super::args::{Format, InputArgs, SettingArgs};
use super::{ExitCode, Io, report};
use crate::analysis::reach::{self, Column};
use crate::diagnostics::{Diagnostics, Severity};
use crate::driver::{self, Build, Inputs, Options, Outcome, QUESTION};
use crate::lower;
use crate::policy::Invariant;
use crate::policy::evaluate::Judge;
use crate::source::Disk;
use callers::Caller;
use operations::Operation;

/// List the callers that reach an operation, and under which conditions
///
/// Examples:
///   meshc who-can GET /reviews/* at shop/reviews     of each caller: yes, no, or on what it depends
///   meshc who-can health at shop/*                   an operation of the project
///   meshc who-can port 5432                          wherever there is such a port
///   meshc who-can POST at shop/api . k8s/            with manifests as part of the policy
///   meshc who-can any at shop/api --format json      as data, see `spec/reach.schema.json`
///
/// The operation is written as in a rule. What stands behind `at PLACE` are PATHs; without `at`, files and
/// folders at the end are. After `--` all are.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct WhoCanArgs {
    /// The operation, as in a rule, and where: `at NAMESPACE/NAME, …`, `*` for either [default: every workload]
    #[arg(required = true, value_name = "REACH")]
    reach: Vec<String>,

    #[command(flatten)]
    shared: SharedArgs,
}

/// Show who can do what, as a table of callers and operations
///
/// Examples:
///   meshc can                                        everyone, every port, each operation of the project
///   meshc can . k8s/                                 of this project with these manifests
///   meshc can shop/web                               one caller
///   meshc can shop/web to GET /x at shop/api         one question
///   meshc can 'corp via shop/web' 'POST at shop/*'   the same, quoted
///   meshc can --format html > can.html               a page to look through
///   meshc can --format json                          as data, see `spec/reach.schema.json`
///
/// Both are written as in a rule. What stands behind `at PLACE` are PATHs; without `at`, files and
/// folders at the end are. After `--` all are.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct CanArgs {
    /// The caller, `to`, the operation and `at` which place; what is left out is anyone, anything, anywhere
    #[arg(value_name = "WHO TO WHAT")]
    sentence: Vec<String>,

    #[command(flatten)]
    shared: SharedArgs,
}

/// What both have in common.
#[derive(Debug, clap::Args)]
struct SharedArgs {
    /// A project and manifests, as for other commands
    #[arg(last = true, value_name = "PATH")]
    paths: Vec<std::path::PathBuf>,

    #[command(flatten)]
    settings: SettingArgs,

    /// How it is written
    #[arg(long, value_enum, default_value_t = ReachFormat::Human)]
    format: ReachFormat,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReachFormat {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// A page that needs nothing else.
    Html,
}

/// A line of the question, which is an invariant.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    /// Whether the user wrote it; what cannot be asked of others is left out.
    own: bool,
}

/// What is shown, for whoever writes it down.
struct Subject<'a> {
    outcome: &'a Outcome,
    build: &'a Build,
    callers: &'a [Caller],
    operations: &'a [Operation],
    columns: &'a [Column],
    /// The one operation that is asked about, in the user's words.
    title: Option<String>,
}

pub(super) fn who_can(args: &WhoCanArgs, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let (words, paths) = words::split(&args.reach, &io.cwd);
    if words.is_empty() {
        bail!("say which operation: `meshc who-can GET /reviews/* at shop/reviews`");
    }
    answer(None, Some(words.join(" ")), paths, &args.shared, io)
}

pub(super) fn can(args: &CanArgs, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let (words, paths) = words::sentence_and_paths(&args.sentence, &io.cwd);
    let (who, what) = words::who_and_what(&words);
    answer(who, what, paths, &args.shared, io)
}

fn answer(
    who: Option<String>,
    what: Option<String>,
    mut paths: Vec<std::path::PathBuf>,
    args: &SharedArgs,
    io: &mut Io<'_>,
) -> anyhow::Result<ExitCode> {
    paths.extend(args.paths.iter().cloned());
    let inputs = InputArgs {
        paths,
        settings: args.settings.clone(),
    };
    let (inputs, options) = report::question(&inputs, io)?;
    let known = driver::ask(&Disk, &inputs, &options)?;
    if known.count(Severity::Error) > 0 {
        return Ok(refused(&known, io));
    }
    let Some(build) = known.builds.first() else {
        bail!("there is nothing to ask");
    };
    let callers = match &who {
        Some(who) => vec![Caller::asked(who)],
        None => callers::all(build, &known.sources),
    };
    let operations = match &what {
        Some(what) => vec![Operation::asked(what, build)],
        None => operations::all(build, &known.sources),
    };
    if operations.is_empty() {
        bail!("no workload is declared, so there is nothing to reach");
    }
    let Some((outcome, callers, operations, sentences)) = sentences(&inputs, &options, callers, operations, io)? else {
        return Ok(ExitCode::Found);
    };
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to ask");
    };
    let judge = Judge::new(&build.policies, &build.facts.inventory, outcome.target);
    let (asking, asked) = sentences.split_at(callers.len());
    let asked: Vec<Invariant> = asked
        .iter()
        .zip(&operations)
        .map(|(sentence, operation)| operation.placed(sentence))
        .collect();
    let columns = reach::table(&judge, asking, &asked);
    let subject = Subject {
        outcome: &outcome,
        build,
        callers: &callers,
        operations: &operations,
        columns: &columns,
        title: what,
    };
    io.print(&match args.format {
        ReachFormat::Human if who.is_none() && subject.title.is_some() => human::list(&subject, io),
        ReachFormat::Human => human::table(&subject, io),
        ReachFormat::Json => json::write(&subject),
        ReachFormat::Html => html::write(&subject),
    });
    Ok(ExitCode::Clean)
}

type Sentences = (Outcome, Vec<Caller>, Vec<Operation>, Vec<Invariant>);

/// The policy with the question in it, and the question resolved. What nobody wrote and cannot be asked is left out;
/// with a mistake in what the user wrote there is nothing.
fn sentences(
    inputs: &Inputs,
    options: &Options,
    mut callers: Vec<Caller>,
    mut operations: Vec<Operation>,
    io: &mut Io<'_>,
) -> anyhow::Result<Option<Sentences>> {
    loop {
        let lines = callers
            .iter()
            .map(Caller::line)
            .chain(operations.iter().map(Operation::line));
        let lines: Vec<Line> = lines.collect();
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let options = Options {
            question: Some(text.join("\n")),
            ..options.clone()
        };
        let mut outcome = driver::ask(&Disk, inputs, &options)?;
        let mut acc = Diagnostics::default();
        let sentences = outcome
            .builds
            .first()
            .map(|build| lower::invariants(&build.program, outcome.target, &mut acc));
        outcome.diagnostics.extend(acc.into_sorted());
        let errors = outcome.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let places = errors.map(|d| super::verdicts::place(&outcome.sources, d.primary.span));
        let bad: Vec<usize> = places
            .filter(|(file, _, _)| file == QUESTION)
            .map(|(_, line, _)| line as usize - 1)
            .collect();
        if outcome.count(Severity::Error) == 0 {
            let mut sentences = sentences.unwrap_or_default();
            let own = sentences.split_off(sentences.len().saturating_sub(lines.len()));
            return Ok((own.len() == lines.len()).then_some((outcome, callers, operations, own)));
        }
        let left_out = |at: usize| bad.contains(&at);
        let own = (0..).zip(&lines).any(|(at, line)| left_out(at) && line.own);
        if own || bad.is_empty() {
            outcome.diagnostics.retain(|d| {
                let (file, line, _) = super::verdicts::place(&outcome.sources, d.primary.span);
                let own = lines.get(line as usize - 1).is_some_and(|line| line.own);
                file != QUESTION || own
            });
            refused(&outcome, io);
            return Ok(None);
        }
        let count = callers.len();
        callers = kept(callers, |at| !left_out(at));
        operations = kept(operations, |at| !left_out(count + at));
    }
}

fn kept<T>(list: Vec<T>, keeps: impl Fn(usize) -> bool) -> Vec<T> {
    let list = list.into_iter().enumerate();
    list.filter(|(at, _)| keeps(*at)).map(|(_, it)| it).collect()
}

fn refused(outcome: &Outcome, io: &mut Io<'_>) -> ExitCode {
    io.error(&report::findings(outcome, Format::Human, io.color));
    io.error("\nno question was answered\n");
    ExitCode::Found
}
