//! `check --watch`, which judges again whenever what it read has changed.

use std::process::Command;

use meshc_tests::process::Process;

use super::Shell;

#[test]
fn what_changes_is_judged_again() {
    let shell = Shell::project();
    let policy = shell.read("policy.mesh");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshc-process"));
    command.args(["check", "--watch"]).current_dir(&shell.cwd);
    let mut watching = Process::start(&mut command).unwrap();
    watching.until_err("ok: 3 objects for istio-1.31").unwrap();
    shell.file("policy.mesh", policy.replace("allow anyone", "allow nobody-knows"));
    watching.until_err("there is no caller `nobody-knows` here").unwrap();
    watching.until_err("1 error").unwrap();
    // A file that was not there when it was judged.
    shell.file("policy.mesh", &policy);
    shell.file("more.mesh", "namespace more {\n    default deny\n}\n");
    watching.until_err("ok: 4 objects for istio-1.31").unwrap();
    // A project that cannot be read at all may be mended.
    shell.file("mesh.toml", "target = \"istio-9.9\"\n");
    watching.until_err("istio-9.9").unwrap();
    shell.file("mesh.toml", "target = \"istio-1.30\"\n");
    watching.until_err("ok: 4 objects for istio-1.30").unwrap();
    // Nothing is cleared where there is no terminal.
    assert!(!watching.err().contains('\u{1b}'), "{}", watching.err());
}
