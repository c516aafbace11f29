//! Findings for programs.

use serde_json::Value;

use super::Shell;

fn broken() -> Shell {
    let shell = Shell::project();
    shell.file(
        "broken.mesh",
        "namespace x {\n    alow anyone to GET /\n    allow web GET /\n}\n",
    );
    shell.file("mesh.toml", "targt = \"istio-1.31\"\n");
    shell
}

#[test]
fn json_is_what_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../spec/diagnostics.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for shell in [broken(), Shell::project()] {
        let ran = shell.run(["check", "--format", "json"]);
        let answer: Value = serde_json::from_str(&ran.out).unwrap();
        let errors: Vec<String> = schema.iter_errors(&answer).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{}", ran.out);
    }
}

#[test]
fn json_is_one_object_even_without_findings() {
    let ran = Shell::project().run(["check", "--format", "json"]).clean();
    assert_eq!(
        serde_json::from_str::<Value>(&ran.out).unwrap(),
        serde_json::json!({ "diagnostics": [] })
    );
    ran.says("ok: ");
}

#[test]
fn json_counts_from_one_and_names_files_from_here() {
    let shell = broken().in_folder("below");
    let ran = shell.run(["check", "--format", "json"]).found();
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let first = &answer["diagnostics"][0];
    assert_eq!(first["file"], "../broken.mesh");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["start"], serde_json::json!({ "line": 2, "column": 5 }));
    assert_eq!(first["end"], serde_json::json!({ "line": 2, "column": 9 }));
}

#[test]
fn sarif_points_into_the_repository() {
    let ran = broken().run(["check", "--format", "sarif"]).found();
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["version"], "2.1.0");
    let run = &answer["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "broken.mesh");
    assert_eq!(location["region"]["startLine"], 2);
}

#[test]
fn github_gets_a_command_a_finding() {
    let ran = broken().run(["check", "--format", "github"]).found();
    ran.prints("::error file=broken.mesh,line=2,col=5,endLine=2,endColumn=9,title=");
}

#[test]
fn build_keeps_findings_out_of_the_manifests() {
    for format in ["human", "json", "sarif", "github"] {
        let ran = broken().run(["build", "--format", format]).found();
        assert_eq!(ran.out, "");
        ran.says("broken.mesh");
    }
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let shell = broken();
    shell.run(["check"]).found().does_not_say("\u{1b}");
    shell.run(["check", "--color", "always"]).found().says("\u{1b}");
    shell.run(["--color", "never", "check"]).found().does_not_say("\u{1b}");
}
