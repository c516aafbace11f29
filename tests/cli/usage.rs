//! Arguments, help, and the commands that need no project.

use super::Shell;

#[test]
fn help_has_examples_and_exit_codes() {
    let ran = Shell::new().run(["--help"]).clean();
    ran.prints("Examples:").prints("meshc new shop").prints("Exit codes:");
    for command in [
        "build",
        "check",
        "graph",
        "effective",
        "who-can",
        "can",
        "fmt",
        "explain",
        "new",
        "completions",
        "jwt",
        "try",
    ] {
        Shell::new().run([command, "--help"]).clean().prints("Examples:\n");
    }
}

#[test]
fn wrong_arguments_cannot_run() {
    let shell = Shell::project();
    shell.run([]).could_not_run().says("Usage:");
    shell.run(["biuld"]).could_not_run().says("build");
    shell.run(["check", "--format", "xml"]).could_not_run().says("xml");
    shell
        .run(["check", "--target", "istio-1.99"])
        .could_not_run()
        .says("`istio-1.99`");
    shell.run(["build", "--check"]).could_not_run().says("--output");
    shell
        .run(["check", "nowhere"])
        .could_not_run()
        .says("`nowhere` is not there");
    shell.run(["check", "mesh.tom"]).could_not_run();
}

#[test]
fn a_folder_without_mesh_files_is_no_project() {
    let shell = Shell::new();
    shell.run(["check"]).could_not_run().says("no `.mesh` file");
    shell.file("notes.txt", "");
    shell
        .run(["check", "notes.txt"])
        .could_not_run()
        .says("neither a folder nor a `.mesh` file");
}

#[test]
fn explain_takes_codes_and_names() {
    let shell = Shell::new();
    let page = shell.run(["explain", "E0005"]).clean().out;
    assert!(page.starts_with("# E0005 unknown-key\n"), "{page}");
    assert_eq!(shell.run(["explain", "e0005"]).clean().out, page);
    assert_eq!(shell.run(["explain", "unknown-key"]).clean().out, page);
    shell
        .run(["explain", "unknwon-key"])
        .could_not_run()
        .says("did you mean `unknown-key`?");
    shell.run(["explain", "E9999"]).could_not_run().says("`E9999`");
    shell.run(["explain"]).clean().prints("E0005  error");
}

#[test]
fn completions_are_made_for_shells() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Shell::new().run(["completions", shell]).clean().prints("effective");
        assert!(!script.out.contains("supervise-envoy"), "{shell}");
    }
    Shell::new().run(["completions", "cmd"]).could_not_run();
}

#[test]
fn new_makes_a_project_that_builds() {
    let shell = Shell::new();
    shell.run(["new", "shop"]).clean().says("meshc build shop");
    shell
        .run(["check", "shop", "--deny", "warnings"])
        .clean()
        .does_not_say("note");
    shell.run(["build", "shop"]).clean().prints("kind: AuthorizationPolicy");
    shell
        .run(["build", "shop", "--env", "prod"])
        .clean()
        .prints("login.example.com");
    shell.run(["fmt", "--check", "shop"]).clean();
    shell.run(["new", "shop"]).could_not_run().says("not empty");
}

#[test]
fn a_reader_that_goes_away_is_no_mistake() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert_eq!(explain(&mut Gone, &mut Vec::new()), meshc::cli::ExitCode::Clean);
}

/// Asks for the list of findings, which is long, and has it written here.
fn explain(out: &mut dyn std::io::Write, err: &mut Vec<u8>) -> meshc::cli::ExitCode {
    let mut io = meshc::cli::Io {
        input: &mut std::io::empty(),
        out,
        err,
        cwd: std::path::PathBuf::new(),
        out_is_terminal: false,
        err_is_terminal: false,
        no_color: false,
        environment: Default::default(),
        color: false,
        out_color: false,
        unwritten: None,
    };
    meshc::cli::run(["meshc", "explain"].map(Into::into), &mut io)
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut said = Vec::new();
    assert_eq!(explain(&mut Full, &mut said), meshc::cli::ExitCode::CouldNotRun);
    assert!(String::from_utf8_lossy(&said).contains("the answer cannot be written"));
}

#[test]
fn fmt_writes_and_checks() {
    let shell = Shell::project();
    let neat = shell.read("policy.mesh");
    shell.run(["fmt", "--check"]).clean();
    let untidy = neat.replace("    default deny", "  default   deny # kept");
    shell.file("policy.mesh", &untidy);
    shell.file("broken.mesh", "namespace");
    let ran = shell.run(["fmt", "--check"]).found();
    ran.says("not formatted: policy.mesh")
        .says("+    default deny")
        .says("broken.mesh:1:");
    assert_eq!(shell.read("policy.mesh"), untidy);
    shell.run(["fmt"]).found().says("1 changed");
    assert_eq!(
        shell.read("policy.mesh"),
        neat.replace("default deny", "default deny  # kept")
    );
    assert_eq!(shell.read("broken.mesh"), "namespace");
    shell.file("broken.mesh", b"# caf\xe9   \n");
    shell.run(["fmt"]).found().says("not UTF-8");
    shell.run(["fmt", "policy.mesh"]).clean().says("all in style");
}
