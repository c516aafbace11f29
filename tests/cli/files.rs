//! Which files are read, and what is said of those that cannot be.

use std::fs;

use super::{MANIFEST, POLICY, Shell};

#[test]
fn the_nearest_manifest_above_is_the_project() {
    let shell = Shell::project().in_folder("deep/down");
    shell.run(["check"]).clean().says("for istio-1.31");
    shell.file("broken.mesh", "namespace");
    shell.run(["check"]).found().says("../../broken.mesh:1:");
}

#[test]
fn a_file_alone_is_a_project() {
    let shell = Shell::project();
    shell.file("broken.mesh", "namespace");
    shell.run(["check"]).found();
    shell.run(["check", "policy.mesh"]).clean().says("no target is named");
    shell.run(["check", "mesh.toml"]).found();
}

#[test]
fn a_folder_without_manifest_is_a_project() {
    let shell = Shell::new();
    shell.file("p/policy.mesh", POLICY);
    let ran = shell.run(["check", "p"]).clean();
    ran.says("note[N0014 default-target]").says("`istio-1.31` is meant");
    let ran = shell.run(["check", "p", "--target", "istio-1.25"]).clean();
    ran.does_not_say("default-target").says("for istio-1.25");
}

#[test]
fn a_file_that_is_not_utf8_is_shown_at_its_first_bad_byte() {
    let shell = Shell::project();
    shell.file(
        "latin.mesh",
        b"# caf\xe9\nnamespace x {\n    allow anyone too GET /\n}\n",
    );
    shell.file("other.mesh", "namespace");
    shell.file("bytes.mesh", b"namespace y {\n    workload z { account \xffa }\n}\n");
    let ran = shell.run(["check"]).found();
    ran.says("latin.mesh:1:6")
        .says("the byte 0xE9")
        .says("latin.mesh:3:")
        .says("other.mesh:1:")
        .says("bytes.mesh:2:26")
        .does_not_say("bytes.mesh:2:5")
        .does_not_say("unquoted-text")
        .does_not_say("no-selector")
        .says("4 errors");
}

#[test]
fn utf16_and_byte_order_marks_are_named() {
    let shell = Shell::project();
    shell.file("wide.mesh", b"\xff\xfen\0a\0m\0e\0");
    shell
        .run(["check"])
        .found()
        .says("it looks like UTF-16")
        .says("1 error");
    shell.file("wide.mesh", "\u{feff}namespace other {\n    default deny\n}\n");
    shell
        .run(["check"])
        .found()
        .says("wide.mesh:1:1")
        .says("byte order mark")
        .says("1 error");
}

#[test]
fn lines_may_end_as_on_windows() {
    let shell = Shell::project();
    let plain = shell.run(["build"]).clean().out;
    shell.file("policy.mesh", POLICY.replace('\n', "\r\n"));
    assert_eq!(shell.run(["build"]).clean().out, plain);
    shell.file(
        "policy.mesh",
        POLICY.replace("anyone to", "anyone too").replace('\n', "\r\n"),
    );
    shell.run(["check"]).found().says("policy.mesh:12:");
}

#[test]
fn hidden_and_foreign_folders_are_not_read() {
    let shell = Shell::project();
    for folder in [".git", "target", "node_modules"] {
        shell.file(&format!("{folder}/x.mesh"), "namespace");
    }
    shell.file(".x.mesh", "namespace");
    shell.run(["check"]).clean();
}

#[test]
fn a_manifest_further_down_is_noticed() {
    let shell = Shell::project();
    shell.file("inner/mesh.toml", MANIFEST);
    shell
        .run(["check"])
        .clean()
        .says("inner/mesh.toml")
        .says("not read")
        .says("1 warning");
    shell.run(["check", "--deny", "warnings"]).found();
}

#[cfg(unix)]
#[test]
fn links_neither_loop_nor_count_twice() {
    let shell = Shell::project();
    shell.file("a/x.mesh", "namespace other {\n    default deny\n}\n");
    std::os::unix::fs::symlink(shell.path("."), shell.path("a/loop")).unwrap();
    std::os::unix::fs::symlink(shell.path("a"), shell.path("b")).unwrap();
    shell.run(["check"]).clean();
    std::os::unix::fs::symlink(shell.path("nowhere"), shell.path("c.mesh")).unwrap();
    shell.run(["check"]).clean();
}

#[test]
fn mistakes_in_the_manifest_are_shown_at_their_place() {
    let shell = Shell::project();
    for (manifest, said) in [
        ("target = istio-1.31", "mesh.toml:1:10"),
        ("targt = \"istio-1.31\"", "fix: write `target`"),
        ("target = \"istio-1.3\"", "`istio-1.4` to `istio-1.31`"),
        ("target = 1.31", "takes a string, but this is a number with a point"),
        ("manifests = \"k8s\"", "takes an array of strings"),
        ("[lints]\ndefault-targt = \"off\"", "fix: write `default-target`"),
        ("[lints]\ndefault-target = \"of\"", "did you mean `off`?"),
        ("[lints]\nunknown-key = \"off\"", "always an error"),
        ("[env.prod]\nx = 1", "declares no parameter `x`"),
        ("[env.prod]\nx = []", "the list of `x` is empty"),
        ("[env.prod]\nx = 1.5", "a number with a point"),
        ("env = 1", "a table for each environment"),
    ] {
        shell.file("mesh.toml", manifest);
        shell.run(["check"]).found().says("mesh.toml:").says(said);
    }
}

#[test]
fn levels_are_the_projects_to_set() {
    let shell = Shell::new();
    shell.file("policy.mesh", POLICY);
    let levels = |level: &str| shell.file("mesh.toml", format!("[lints]\ndefault-target = \"{level}\"\n"));
    levels("off");
    shell.run(["check"]).clean().does_not_say("default-target");
    levels("warn");
    shell.run(["check"]).clean().says("warning[N0014").says("1 warning");
    shell
        .run(["check", "--deny", "warnings"])
        .found()
        .says("--deny warnings");
    levels("error");
    shell.run(["check"]).found().says("error[N0014").says("1 error");
}

#[test]
fn suppressions_are_for_findings_that_exist() {
    let shell = Shell::project();
    let with = |comment: &str| {
        shell.file(
            "policy.mesh",
            POLICY.replace("    workload web", &format!("{comment}    workload web")),
        )
    };
    with("    # meshc: allow(no-such) because of reasons\n");
    shell.run(["check"]).found().says("no finding called `no-such`");
    with("    # meshc: allow(unknown-key) because of reasons\n");
    shell.run(["check"]).found().says("always an error");
    with("    # meshc: allow(default-target) because of reasons\n");
    shell
        .run(["check"])
        .clean()
        .says("W0012 unused-suppression")
        .says("policy.mesh:9:5");
    shell.run(["build"]).clean().does_not_say("W0012");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_is_checked() {
    let shell = Shell::project();
    // Too large for a file of text, though it takes no room on disk.
    let file = fs::File::create(shell.path("large.mesh")).unwrap();
    file.set_len(65 << 20).unwrap();
    shell.file("other.mesh", "namespace");
    let ran = shell.run(["check"]).found();
    ran.says("E0001 unreadable-file")
        .says("large.mesh")
        .says("it holds 65 MiB, more than the 64 MiB")
        .says("other.mesh:1:");
}

#[test]
fn a_folder_of_projects_is_no_project() {
    let shell = Shell::new();
    shell.file("a/mesh.toml", MANIFEST);
    shell.file("a/policy.mesh", POLICY);
    shell.file("b/c/mesh.toml", MANIFEST);
    shell
        .run(["check"])
        .could_not_run()
        .says("there are projects in it: `a`, `b/c`");
    shell.run(["check", "a"]).clean();
}
