//! A workspace from a string, and the features on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Change, Snapshot, Workspace};
use crate::source::Memory;

/// The files of a text, each behind a line `//- PATH`, and the place of `$0` in it. All of them are open.
pub(super) fn fixture(text: &str) -> (Workspace, PathBuf, u32) {
    let mut workspace = Workspace::new(Arc::new(Memory::new()), PathBuf::from("/library"));
    workspace.apply(Change::Roots(vec![PathBuf::from("/project")]));
    let mut cursor = None;
    for file in text.split("//- ").skip(1) {
        let (path, text) = file.split_once('\n').unwrap();
        let path = Path::new("/project").join(path);
        if let Some(at) = text.find("$0") {
            cursor = Some((path.clone(), u32::try_from(at).unwrap()));
        }
        workspace.apply(Change::Open {
            path,
            text: text.replace("$0", ""),
            version: 1,
        });
    }
    let (path, offset) = cursor.unwrap_or_default();
    (workspace, path, offset)
}

fn snapshot(text: &str) -> (Snapshot, PathBuf, u32) {
    let (workspace, path, offset) = fixture(text);
    (workspace.snapshot(), path, offset)
}

/// The texts of the places that a name leads to, each with its file and what follows it on its line.
#[track_caller]
fn check_references(text: &str, expected: &[&str]) {
    let (snapshot, path, offset) = snapshot(text);
    let places = snapshot.references(&path, offset, true);
    let shown: Vec<String> = places
        .iter()
        .map(|place| {
            let text = snapshot.document(&place.path).unwrap().text();
            let rest = &text[place.range.start as usize..];
            let name = place.path.file_name().unwrap().to_string_lossy();
            format!("{name}: {}", rest.lines().next().unwrap())
        })
        .collect();
    assert_eq!(shown, expected);
}

const MESH: &str = "//- mesh.toml\ntarget = \"istio-1.31\"\n[env.prod]\ndomain = \"shop.example\"\n";

#[test]
fn a_namespace_is_found_in_each_of_its_openings_and_before_each_name() {
    check_references(
        &format!(
            "{MESH}//- a.mesh\nnamespace $0shop {{ workload web {{ select app=web account web }} }}\n\
             //- b.mesh\nnamespace shop {{ identity team = ns shop, other }}\nnever shop/web or sa shop/web to any at shop/*\n"
        ),
        &[
            "a.mesh: shop { workload web { select app=web account web } }",
            "b.mesh: shop { identity team = ns shop, other }",
            "b.mesh: shop, other }",
            "b.mesh: shop/web or sa shop/web to any at shop/*",
            "b.mesh: shop/web to any at shop/*",
            "b.mesh: shop/*",
        ],
    );
}

#[test]
fn a_parameter_is_found_in_the_manifest_and_in_strings() {
    check_references(
        &format!("{MESH}//- a.mesh\nparam domain = shop.test\noperation site = host \"www.${{$0domain}}\"\n"),
        &[
            "a.mesh: domain = shop.test",
            "a.mesh: domain}\"",
            "mesh.toml: domain = \"shop.example\"",
        ],
    );
}

#[test]
fn a_template_and_its_parameters_are_found_where_it_is_applied() {
    let text = "//- a.mesh\ntemplate seen(identity by, path = /) { allow by to GET path ${path} }\n\
                namespace shop { workload web { select app=web apply seen(by: watch, path: /x) } }\n\
                identity watch = ns watch\n";
    check_references(
        &text.replace("seen(by", "$0seen(by"),
        &[
            "a.mesh: seen(identity by, path = /) { allow by to GET path ${path} }",
            "a.mesh: seen(by: watch, path: /x) } }",
        ],
    );
    check_references(
        &text.replace("(by: watch", "($0by: watch"),
        &[
            "a.mesh: by, path = /) { allow by to GET path ${path} }",
            "a.mesh: by to GET path ${path} }",
            "a.mesh: by: watch, path: /x) } }",
        ],
    );
    check_references(
        &text.replace("${path}", "${$0path}"),
        &[
            "a.mesh: path = /) { allow by to GET path ${path} }",
            "a.mesh: path} }",
            "a.mesh: path: /x) } }",
        ],
    );
    check_references(
        &text.replace("= ns", "$0= ns").replace("watch $0", "watch$0 "),
        &["a.mesh: watch, path: /x) } }", "a.mesh: watch = ns watch"],
    );
}

#[test]
fn names_are_found_in_what_nobody_uses() {
    check_references(
        "//- a.mesh\ntemplate t(identity by, port) {\n    allow $0staff to any\n    workload web { allow by & staff to GET ${port} port ${port} }\n\
         identity mine = staff\n}\nidentity staff = ns staff\n",
        &[
            "a.mesh: staff to any",
            "a.mesh: staff to GET ${port} port ${port} }",
            "a.mesh: staff",
            "a.mesh: staff = ns staff",
        ],
    );
    check_references(
        "//- a.mesh\nissuer $0base { iss https://a.example }\nissuer more(host) = base { jwks-uri \"https://${host}\" }\n",
        &[
            "a.mesh: base { iss https://a.example }",
            "a.mesh: base { jwks-uri \"https://${host}\" }",
        ],
    );
}

#[test]
fn an_issuer_is_found_in_rules_tests_and_other_issuers() {
    check_references(
        "//- a.mesh\nissuer $0staff { iss https://a.example }\nissuer more = staff { audiences x }\n\
         namespace shop { workload web { select app=web account web accept staff allow staff where role = boss to any } }\n\
         test \"t\" at shop/web { shop/web with token staff { role: \"boss\" } to GET / expect 200 }\n",
        &[
            "a.mesh: staff { iss https://a.example }",
            "a.mesh: staff { audiences x }",
            "a.mesh: staff allow staff where role = boss to any } }",
            "a.mesh: staff where role = boss to any } }",
            "a.mesh: staff { role: \"boss\" } to GET / expect 200 }",
        ],
    );
}

#[test]
fn changes_one_by_one_lead_where_opening_leads() {
    let (mut workspace, path, _) = fixture("//- a.mesh\nidentity a = ns 😀\r\n");
    for (range, text) in [
        (Some(0..8), "operation"),
        (Some(14..14), "GET /x "),
        (Some(900..901), "# end"),
        (Some(24..25), ""),
    ] {
        let (path, text) = (path_of("a.mesh"), text.to_owned());
        workspace.apply(Change::Edit {
            path,
            range,
            text,
            version: 2,
        });
    }
    drop(path);
    let document = Arc::clone(workspace.document(&path_of("a.mesh")).unwrap());
    assert_eq!(document.text(), "operation a = GET /x ns 😀\r\n# end");
}

fn path_of(name: &str) -> PathBuf {
    Path::new("/project").join(name)
}

#[test]
fn an_edit_of_a_rule_is_judged_by_what_it_touches() {
    let block = |name: &str, rule: &str| {
        format!("namespace {name} {{\n workload web {{ select app=web account web ports 8080 http\n {rule}\n }}\n}}\n")
    };
    let mesh = "mesh { root istio-system mtls strict }\n";
    let text = format!(
        "{MESH}//- mesh.mesh\n{mesh}//- a.mesh\n{}//- b.mesh\n{}",
        block("orders", "allow billing/web to GET /"),
        block("billing", "allow orders/web to GET /"),
    );
    let (mut workspace, ..) = fixture(&text.replace("[env.prod]\ndomain = \"shop.example\"\n", ""));
    workspace.snapshot().judge();
    let mut typed = |from: &str, to: &str| {
        let path = path_of("a.mesh");
        let text = workspace.document(&path).unwrap().text().replace(from, to);
        workspace.apply(Change::Edit {
            path: path.clone(),
            range: None,
            text,
            version: 2,
        });
        let snapshot = workspace.snapshot();
        let found = snapshot.diagnostics();
        let is_quick = !snapshot.is_whole();
        let names: Vec<_> = found[&path].iter().map(|d| d.name).collect();
        snapshot.judge();
        assert_eq!(found, snapshot.diagnostics());
        (is_quick, names)
    };
    assert_eq!(typed("GET /\n", "GET /x\n"), (true, vec![]));
    assert_eq!(typed("billing/web", "billin/web"), (true, vec!["unknown-name"]));
    assert_eq!(typed("billin/web", "ns a & ns b"), (true, vec!["dead-rule"]));
    assert_eq!(typed("ns a & ns b", "anyone"), (true, vec![]));
    assert_eq!(typed("8080", "9090"), (false, vec![]));
}
