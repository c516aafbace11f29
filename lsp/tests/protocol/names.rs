//! Names: what they are, where they are declared, and where they are written.

use serde_json::{Value, json};

use crate::client::Client;

const WHO: &str = "\
use std/http (health)

## Everybody who works in the shop.
identity staff = ns shop
";

const WEB: &str = "\
namespace shop {
    workload web {
        select app=web account web
        ports 8080 http
        ## Staff may look.
        allow staff to GET /
        deny anyone to health
    }
}

test \"staff\" at shop/web {
    shop/web to GET / port 8080 expect 200
}
";

fn project() -> Client {
    let files = [
        ("mesh.toml", "target = \"istio-1.31\"\n"),
        ("who.mesh", WHO),
        ("web.mesh", WEB),
    ];
    let mut client = Client::start(&files, json!({}));
    client.open("web.mesh", WEB);
    client
}

fn places(locations: &Value) -> Vec<(String, u64, u64)> {
    let list = locations.as_array().unwrap().iter();
    let mut places: Vec<_> = list
        .map(|l| {
            let start = &l["range"]["start"];
            let file = l["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (
                file,
                start["line"].as_u64().unwrap(),
                start["character"].as_u64().unwrap(),
            )
        })
        .collect();
    places.sort();
    places
}

#[track_caller]
fn check_places(locations: &Value, expected: &[(&str, u64, u64)]) {
    let expected: Vec<_> = expected.iter().map(|(f, l, c)| ((*f).to_owned(), *l, *c)).collect();
    assert_eq!(places(locations), expected);
}

#[test]
fn a_name_leads_to_its_declaration() {
    let mut client = project();
    let found = client.at("textDocument/definition", "web.mesh", (5, 16), json!({}));
    check_places(&found, &[("who.mesh", 3, 9)]);
    // A namespace is declared in each of its openings, and written in other files before a `/` and behind `ns`.
    let found = client.at("textDocument/definition", "web.mesh", (10, 19), json!({}));
    check_places(&found, &[("web.mesh", 0, 10)]);
    let found = client.at("textDocument/definition", "web.mesh", (11, 10), json!({}));
    check_places(&found, &[("web.mesh", 1, 13)]);
    let nothing = client.at("textDocument/definition", "web.mesh", (3, 10), json!({}));
    assert_eq!(nothing, json!([]));
}

#[test]
fn a_name_of_the_standard_library_leads_to_a_file_that_is_there() {
    let mut client = project();
    let found = client.at("textDocument/definition", "web.mesh", (6, 25), json!({}));
    let uri = found[0]["uri"].as_str().unwrap();
    let path = std::path::PathBuf::from(uri.strip_prefix("file://").unwrap());
    let line = usize::try_from(found[0]["range"]["start"]["line"].as_u64().unwrap()).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !path.exists() && std::time::Instant::now() < deadline {
        client.request("textDocument/foldingRange", json!({ "textDocument": { "uri": uri } }));
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.lines().nth(line).unwrap().contains("health"), "{text}");
}

#[test]
fn every_place_of_a_name_is_found() {
    let mut client = project();
    let with = json!({ "context": { "includeDeclaration": true } });
    let found = client.at("textDocument/references", "web.mesh", (5, 14), with.clone());
    check_places(&found, &[("web.mesh", 5, 14), ("who.mesh", 3, 9)]);
    let found = client.at("textDocument/references", "web.mesh", (0, 12), with);
    let expected = [
        ("web.mesh", 0, 10),
        ("web.mesh", 10, 16),
        ("web.mesh", 11, 4),
        ("who.mesh", 3, 20),
    ];
    check_places(&found, &expected);
    let without = json!({ "context": { "includeDeclaration": false } });
    let found = client.at("textDocument/references", "web.mesh", (5, 14), without);
    check_places(&found, &[("web.mesh", 5, 14)]);
}

#[test]
fn places_of_a_name_in_one_text_light_up() {
    let mut client = project();
    let found = client.at("textDocument/documentHighlight", "web.mesh", (1, 14), json!({}));
    let found: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|h| {
            (
                h["range"]["start"]["line"].as_u64().unwrap(),
                h["kind"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [(1, 3), (10, 2), (11, 2)]);
}

#[track_caller]
fn hover(client: &mut Client, name: &str, at: (u32, u32)) -> String {
    let hover = client.at("textDocument/hover", name, at, json!({}));
    hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_name_says_what_it_is() {
    let mut client = project();
    let staff = hover(&mut client, "web.mesh", (5, 15));
    assert_eq!(
        staff,
        "```mesh\nidentity staff = ns shop\n```\n\nEverybody who works in the shop."
    );
    let health = hover(&mut client, "web.mesh", (6, 25));
    assert!(health.contains("operation health"), "{health}");
    assert!(health.ends_with("From `std/http`."), "{health}");
}

#[test]
fn a_rule_and_a_block_show_the_yaml_that_they_emit() {
    let mut client = project();
    let rule = hover(&mut client, "web.mesh", (5, 10));
    assert!(
        rule.starts_with("Staff may look.\n\nEmits 1 object:\n\n```yaml\n"),
        "{rule}"
    );
    assert!(
        rule.contains("kind: AuthorizationPolicy") && rule.contains("action: ALLOW"),
        "{rule}"
    );
    let block = hover(&mut client, "web.mesh", (1, 6));
    assert!(
        block.contains("action: ALLOW") && block.contains("action: DENY"),
        "{block}"
    );
    let name = hover(&mut client, "web.mesh", (1, 14));
    assert!(name.contains("Emits 2 objects"), "{name}");
    let error = json!([{ "text": WEB.replace("anyone", "nobody") }]);
    client.change("web.mesh", 2, error);
    assert_eq!(hover(&mut client, "web.mesh", (5, 10)), "Staff may look.");
}

#[test]
fn a_code_shows_its_page() {
    let mut client = project();
    client.open(
        "who.mesh",
        "# meshc: allow(dead-rule) because of a test\nidentity staff = ns shop\n",
    );
    let page = hover(&mut client, "who.mesh", (0, 18));
    assert!(page.starts_with("# ") && page.contains("## Why"), "{page}");
    let manifest = "target = \"istio-1.31\"\n[lints]\ndead-rule = \"off\"\n";
    client.open("mesh.toml", manifest);
    let page = hover(&mut client, "mesh.toml", (2, 4));
    assert!(page.contains("## Why"), "{page}");
}
