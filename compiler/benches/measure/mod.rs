//! Times by criterion, and the ratios between them, which say more than times on a machine that others use too.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use mimalloc::MiMalloc;

/// That of the command.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The best time of one run of `work` over all that criterion took; `None` if the command line left this one out.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn best<T>(criterion: &mut Criterion, name: &str, mut work: impl FnMut() -> T) -> Option<Duration> {
    let best = Cell::new(None);
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|runs| {
            let mut total = Duration::ZERO;
            for _ in 0..runs {
                let start = Instant::now();
                let made = black_box(work());
                let spent = start.elapsed();
                drop(made);
                total += spent;
                best.set(Some(best.get().map_or(spent, |least: Duration| least.min(spent))));
            }
            total
        });
    });
    best.get()
}

/// Says how `time` relates to `base`, and whether that is within the bar.
#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
pub(crate) fn ratio(what: &str, time: Option<Duration>, base: Option<Duration>, bar: f64) {
    let (Some(time), Some(base)) = (time, base) else { return };
    let ratio = time.as_secs_f64() / base.as_secs_f64();
    let verdict = if ratio <= bar { "within" } else { "ABOVE" };
    println!("ratio  {what}: {ratio:.2} ({time:.2?} / {base:.2?}), {verdict} the bar of {bar}");
}

/// How much there is of something that the times are about.
#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
pub(crate) fn size(what: &str) {
    println!("size   {what}");
}
