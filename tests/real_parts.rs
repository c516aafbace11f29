//! Says which real parts this run does without.

use std::io::Write as _;

use meshc_tests::parts;

/// Written past the capture of the test harness: a run that leaves something out must say so while it passes.
#[test]
fn what_is_left_out_is_said() {
    let missing = parts::left_out().unwrap();
    if !missing.is_empty() {
        let list = missing.join(", ");
        let line = format!("real parts left out: {list}; MESHC_REAL_PARTS=install gets what can be had\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}
