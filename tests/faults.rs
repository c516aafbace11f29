//! The faults of `tests/cases/faults` can be planted: each names a text that its file has once. Whether they are found is
//! asked by `src/bin/faults.rs`.

use meshc_tests::faults;

#[test]
fn every_fault_can_be_planted() {
    let faults = faults::all().unwrap();
    assert!(faults.len() >= 24, "only {} faults", faults.len());
    faults::plant(&faults, tempfile::tempdir().unwrap().path()).unwrap();
}
