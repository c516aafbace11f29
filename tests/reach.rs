//! `meshc who-can` and `meshc can`: what they write of cases and examples, and that the requests that they show are
//! answered as they say.

use meshc::cli::ExitCode;
use meshc_tests::{command, repository};
use serde_json::Value;

use crate::golden::Golden;

/// A file under `tests/cases/reach`, and the question whose answer it holds.
const QUESTIONS: &[(&str, &str)] = &[
    ("shop.txt", "can examples/shop"),
    ("shop-orders.txt", "who-can GET at shop/orders examples/shop"),
    (
        "shop-orders.json",
        "who-can GET at shop/orders examples/shop --format json",
    ),
    ("shop-anywhere.txt", "who-can port 8080 examples/shop"),
    ("one-caller.txt", "can shop/web examples/shop"),
    ("one-caller.json", "can shop/web examples/shop --format json"),
    ("one-question.txt", "can shop/web to GET at shop/orders examples/shop"),
    ("facts.txt", "who-can any at app/api CASES/facts.mesh"),
    ("facts.json", "who-can any at app/api CASES/facts.mesh --format json"),
    ("facts-table.txt", "can CASES/facts.mesh"),
    ("manifests.txt", "can CASES/manifests.yaml"),
    ("manifests.json", "can CASES/manifests.yaml --format json"),
    (
        "manifests-who.txt",
        "who-can GET /admin/x at app/api CASES/manifests.yaml",
    ),
    ("ambient.txt", "can CASES/ambient.mesh"),
];

/// Its answer is too long to be read, and is held against the evaluator and the schema as the others are.
const WHOLE: &str = "can --format json -- examples/shop";

fn ask(question: &str) -> (ExitCode, String, String) {
    let question = question.replace("CASES", "tests/cases/reach");
    let mut args: Vec<&str> = question.split(' ').collect();
    args.splice(1..1, ["--target", "istio-1.31"]);
    let ran = command::run(repository::root(), args, "");
    (ran.code, ran.out, ran.err)
}

#[test]
fn answers_are_as_recorded() {
    let mut golden = Golden::default();
    for (file, question) in QUESTIONS {
        let path = repository::root().join("tests/cases/reach").join(file);
        match ask(question) {
            (ExitCode::Clean, out, _) => golden.file(&path, &out),
            (_, _, err) => golden.mistake(&path, &err),
        }
    }
    golden.finish();
}

/// The answers as data, each with the paths of what was asked.
fn data() -> impl Iterator<Item = (Value, String)> {
    let questions = QUESTIONS.iter().filter(|(file, _)| file.ends_with(".json"));
    questions.map(|(_, question)| *question).chain([WHOLE]).map(|question| {
        let value = serde_json::from_str(&ask(question).1).unwrap();
        let mut words = question.split(' ');
        let path = words.find(|word| word.contains("examples/") || word.contains("CASES/"));
        (value, path.unwrap().replace("CASES", "tests/cases/reach"))
    })
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../spec/reach.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (value, path) in data() {
        let mistakes: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(mistakes.is_empty(), "{path}: {mistakes:#?}");
    }
}

#[test]
fn requests_are_answered_as_they_are_shown() {
    for (value, path) in data() {
        let columns = value["columns"].as_array().unwrap();
        let cells: Vec<&Value> = columns.iter().flat_map(|it| it["cells"].as_array().unwrap()).collect();
        let mut shown: Vec<&Value> = Vec::new();
        for cell in cells {
            let (admitted, refused) = (&cell["admitted"], &cell["refused"]);
            let expected = match cell["answer"].as_str().unwrap() {
                "yes" => (true, false),
                "no" => (false, true),
                "under-conditions" => (true, true),
                _ => (false, false),
            };
            assert_eq!((!admitted.is_null(), !refused.is_null()), expected, "{path}: {cell}");
            shown.extend([admitted, refused].into_iter().filter(|it| !it.is_null()));
            assert!(admitted.is_null() || admitted["outcome"] == "200", "{cell}");
            assert!(refused["outcome"] != "200", "{cell}");
        }
        let requests: Vec<String> = shown.iter().map(|it| it["request"].to_string()).collect();
        let args = ["eval", "--target", "istio-1.31", "--requests", "-", &path];
        let ran = command::run(repository::root(), args, &requests.join("\n")).clean();
        let answers: Vec<Value> = ran
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(answers.len(), shown.len());
        for (answer, shown) in answers.iter().zip(shown) {
            assert_eq!(answer["outcome"], shown["outcome"], "{path}: {shown} {answer}");
        }
    }
}

/// The page holds what the data say, and asks for nothing from elsewhere.
#[test]
fn the_page_stands_alone() {
    let page = ask("can --format html -- examples/shop").1;
    let start = page.split_once("id=\"data\">").unwrap().1;
    let mut held: Value = serde_json::from_str(start.split_once("</script>").unwrap().0).unwrap();
    held.as_object_mut().unwrap().remove("groups");
    let data: Value = serde_json::from_str(&ask(WHOLE).1).unwrap();
    assert_eq!(held, data);
    assert!(page.contains("default-src 'none'"), "{page}");
    for reference in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn mistakes_in_the_question_are_shown() {
    for (question, said) in [
        ("who-can GET at shop/nowhere examples/shop", "`shop/nowhere`"),
        (
            "can shop/wbe to GET at shop/orders examples/shop",
            "there is no caller `shop/wbe`",
        ),
        ("can shop/web to nonsense at shop/orders examples/shop", "`nonsense`"),
    ] {
        let (code, out, err) = ask(question);
        assert_eq!((code, out.as_str()), (ExitCode::Found, ""), "{question}: {err}");
        assert!(
            err.contains(said) && err.contains("no question was answered"),
            "{question}: {err}"
        );
    }
    let (code, _, err) = ask("who-can . examples/shop");
    assert_eq!(code, ExitCode::CouldNotRun, "{err}");
    assert!(err.contains("say which operation"), "{err}");
}
