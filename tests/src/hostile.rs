//! Strings that some reader of YAML takes for something else, or breaks on, unless they are quoted well.

/// Each once, in no order that matters.
#[must_use]
pub fn strings() -> Vec<String> {
    let groups = [WORDS, NUMBERS, TIMES, SIGNS, BLANKS, LINES, CONTROLS, SCRIPTS, ISTIO];
    let mut all: Vec<String> = groups.into_iter().flatten().map(|&text| text.to_owned()).collect();
    // Long ones tempt a printer to fold; a key of more than 1,024 characters is none without quotes.
    for length in [63, 79, 80, 81, 127, 128, 129, 1023, 1024, 1025, 5000] {
        all.push("a".repeat(length));
        all.push("ab ".repeat(length / 3));
        all.push("é".repeat(length));
    }
    all
}

/// Version 1.1 has truth and nothing in many spellings.
const WORDS: &[&str] = &[
    "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "true", "True",
    "TRUE", "false", "False", "FALSE", "t", "f", "null", "Null", "NULL", "~", "nil", "none", "None", "", "nan", ".nan",
    ".NaN", ".NAN", "inf", ".inf", "-.inf", "+.inf", ".Inf", "-.INF", "infinity", "yEs", "nO",
];

const NUMBERS: &[&str] = &[
    "0", "1", "-1", "+1", "007", "012", "08", "0o14", "0O14", "0x1F", "0X1F", "0x", "0b11", "0B11", "1_000", "1__0",
    "0_", "_1", "12_", "0x_1", "685_230.15", "685.230_15e+03", "1.", ".5", "1.5", "1e3", "1E3", "1e+3", "1.e3", "12e03",
    "1e400", "-0", "-0.0", "+.5", "1,000", "18446744073709551616", "9007199254740993", "0.1e-2", "1e", "e1", "1.2.3",
    "1.2.3.4", "10.0.0.0/8", "0d10",
];

/// Version 1.1 counts in sixties and has dates.
const TIMES: &[&str] = &[
    "1:20", "12:30", "12:30:45", "190:20:30", "190:20:30.15", "60:00", "-1:20", "2001-01-01", "2001-1-1",
    "2024-05-01T00:00:00Z", "2024-05-01 00:00:00", "2024-5-1 1:2:3", "2024-05-01t00:00:00.1-05:00",
];

const SIGNS: &[&str] = &[
    "-", "--", "---", "--- a", "...", "... a", "- a", "-a", "?", "? a", "?a", ":", ": a", ":a", "a:", "a: b", "a:b",
    "a :b", "::", "a::b", "#", "#a", "# a", "a#b", "a #b", "a# b", "&", "&a", "& a", "a&b", "*", "*a", "* a", "a*", "!",
    "!a", "!!str a", "! a", "|", "|-", "| a", ">", ">-", "> a", "%", "%a", "%YAML 1.2", "@", "@a", "`", "`a", "'", "''",
    "'a'", "a'b", "it's", "\"", "\"\"", "\"a\"", "a\"b", "\\", "\\n", "a\\b", "\\u0041", "{", "}", "{}", "{a}",
    "{a: b}", "[", "]", "[]", "[a]", ",", "a,b", "a, b", "<<", "<", "=", "==", "a=b", "$", "${a}", "$(a)", "{{ a }}",
    "a{b", "a}b", "a[b", "a]b", "a|b", "a>b", "a%b", "a@b", "a!b", "/", "//", "/*", "*/", "(", ")", "^", ";",
];

const BLANKS: &[&str] = &[
    " ", "  ", " a", "a ", "  a", "a  ", "a  b", "\t", "\ta", "a\t", "a\tb", "\u{a0}", "\u{a0}a", "a\u{a0}", "\u{2003}a",
    "\u{3000}", "\u{200b}", "\u{feff}", "\u{feff}a", "a\u{feff}",
];

const LINES: &[&str] = &[
    "\n", "\n\n", "a\n", "\na", "a\nb", "a\n\nb", "a\n\n", " a\nb", "a\n b", "a \nb", "a\r\nb", "\r", "a\rb", "a\u{85}b",
    "\u{85}", "a\u{2028}b", "a\u{2029}b", "\u{2028}", "a\n# b", "a\n---\nb", "a\n...\nb", "a\n\tb", "- a\n- b", "a: b\nc: d",
];

const CONTROLS: &[&str] = &[
    "\u{0}", "\u{1}", "\u{7}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}", "\u{1f}", "\u{7f}", "\u{80}", "\u{9f}", "a\u{0}b",
    "a\u{1b}[31mb", "\u{e000}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "\u{10ffff}",
];

const SCRIPTS: &[&str] = &["é", "e\u{301}", "ü.example", "例え", "مثال", "\u{202e}abc", "🦀", "a🦀b", "ﬀ", "İ", "ß"];

/// What Istio's objects really hold.
const ISTIO: &[&str] = &[
    "*.local", "*", "/api/*", "*/x", "/{*}/a", "/{**}", "cluster.local/ns/default/sa/*", "spiffe://td/ns/a/sa/b",
    "https://accounts.google.com", "https://sts.windows.net/{tenantid}/", "2001:db8::/32", "::1", "fe80::1%eth0",
    "request.auth.claims[groups]", "request.headers[x-token]", "Bearer ", "{\"keys\":[]}", "GET", "istio.io/dataplane-mode",
];
