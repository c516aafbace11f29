//! What is said about mistakes: `messages.txt` holds texts and the findings in them, written by the test itself.

use super::findings;
use expect_test::expect_file;

const RULE: &str = "-----\n";
const FINDINGS: &str = "=====\n";

#[test]
fn mistakes_have_good_messages() {
    let recorded = include_str!("messages.txt");
    let mut now = String::new();
    for case in recorded.split(RULE).filter(|case| !case.is_empty()) {
        let text = case.split(FINDINGS).next().unwrap();
        now += &format!("{RULE}{text}{FINDINGS}{}", findings(text));
    }
    expect_file!["messages.txt"].assert_eq(&now);
}
