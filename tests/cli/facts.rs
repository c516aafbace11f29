//! `meshc facts`: beside each case of `cases/facts` is what is printed of it.

use std::path::Path;

use meshc_tests::case::Case;
use meshc_tests::repository;

use super::{Ran, Shell};
use crate::golden::{Golden, inputs};

#[test]
fn facts_are_those_beside_the_cases() {
    let mut golden = Golden::default();
    for path in inputs("tests/cases/facts", ".mesh", &[]) {
        let shell = Shell::new();
        for (file, text) in Case::parse(&repository::read(&path).unwrap()).files() {
            shell.file(file, text);
        }
        compare(&shell, ".", &path, &mut golden);
    }
    for path in inputs("tests/cases/facts", ".yaml", &[]) {
        let shell = Shell::new();
        shell.file("k8s.yaml", repository::read(&path).unwrap());
        compare(&shell, "k8s.yaml", &path, &mut golden);
    }
    golden.finish();
}

/// What is listed, and the objects that say the same.
fn compare(shell: &Shell, input: &str, path: &Path, golden: &mut Golden) {
    let listed = shell.run(["facts", input]);
    let objects = shell.run(["facts", input, "--format", "yaml"]).out;
    let Ran { code, out, err } = listed;
    let found = format!(
        "{out}{err}\n# meshc facts --format yaml exits {}\n{objects}",
        code as u8
    );
    golden.file(&path.with_extension("txt"), &found);
    let again = shell.run_with(["facts", "-", "--format", "yaml"], &objects).clean();
    if again.out != objects {
        let difference = crate::golden::difference(&objects, &again.out);
        golden.mistake(path, &format!("its objects say other facts: {difference}"));
    }
}

#[test]
fn facts_as_json_have_their_places() {
    let shell = Shell::project();
    let ran = shell.run(["facts", "--format", "json"]).clean();
    let all: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let facts = all["facts"].as_array().unwrap();
    let one = |about: &str, fact: &str| {
        let found = facts.iter().find(|it| it["about"] == about && it["fact"] == fact);
        found.unwrap_or_else(|| panic!("{about} {fact} in {}", ran.out)).clone()
    };
    let account = one("workload shop/web", "account");
    assert_eq!(
        (&account["value"], &account["assumed"]),
        (&"shop/web".into(), &false.into())
    );
    assert_eq!(
        (&account["place"]["file"], &account["place"]["line"]),
        (&"policy.mesh".into(), &10.into())
    );
    let plane = one("workload shop/web", "dataplane");
    assert_eq!((&plane["value"], &plane["assumed"]), (&"sidecar".into(), &true.into()));
    assert!(plane["place"].is_null());
}

#[test]
fn a_contradiction_is_shown_and_found() {
    let shell = Shell::project();
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
                    spec: {serviceAccountName: other}\n";
    shell.file("k8s/pod.yaml", manifest);
    shell
        .run(["facts", ".", "k8s/pod.yaml"])
        .found()
        .says("E0540")
        .prints("account");
    let ran = shell.run(["facts", ".", "k8s/pod.yaml", "--format", "json"]).found();
    let all: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(all["contradictions"][0]["manifest"]["line"], 4);
    shell.run(["check", ".", "k8s/pod.yaml"]).found().says("E0540");
    shell.file("policy.mesh", "namespace shop { oops }");
    shell.run(["facts"]).found().says("facts are not known");
}
