//! What the tokeniser makes of command lines.

use proptest::prelude::*;

use super::*;

fn argv(line: &str) -> Vec<String> {
    match parse(line) {
        Parsed::Exec { env, argv } if env.is_empty() => argv,
        other => panic!("{line} gave {other:?}"),
    }
}

#[test]
fn words_split_as_nagios_splits_them() {
    for (line, expected) in [
        ("check_ping -H web1", vec!["check_ping", "-H", "web1"]),
        ("  a\tb\r\nc  ", vec!["a", "b", "c"]),
        (r#"a "b c" 'd e'"#, vec!["a", "b c", "d e"]),
        (r#"a b"c d"'e f'g"#, vec!["a", "bc de fg"]),
        (r#"a "" ''"#, vec!["a", "", ""]),
        (
            r"a \$HOME \* \; \\ b\ c",
            vec!["a", "$HOME", "*", ";", "\\", "b c"],
        ),
        (r#"a "\$x \"y\" \\ \n""#, vec!["a", r#"$x "y" \ \n"#]),
        (r"a '\n$`*?|;&()<>'", vec!["a", r"\n$`*?|;&()<>"]),
        (r#"a "*?|;&()<>'""#, vec!["a", "*?|;&()<>'"]),
        (
            "a ~ [x] {y,z} #no !",
            vec!["a", "~", "[x]", "{y,z}", "#no", "!"],
        ),
        ("a \\", vec!["a"]),
        ("/opt/a=b/check_x x=y", vec!["/opt/a=b/check_x", "x=y"]),
    ] {
        assert_eq!(argv(line), expected, "{line}");
    }
}

#[test]
fn what_needs_a_shell_gets_one() {
    for line in [
        "a | b",
        "a > b",
        "a < b",
        "a & b",
        "a; b",
        "a (b)",
        "a *",
        "a ?",
        "a `b`",
        "a \"`b`\"",
        "a $b",
        "a \"$b\"",
        "a 'b",
        "a \"b",
        "a $(b)",
    ] {
        assert_eq!(parse(line), Parsed::Shell(line.to_owned()), "{line}");
    }
}

#[test]
fn leading_assignments_become_environment() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        parse("LANG=C X='a b' check_x Y=1"),
        Parsed::Exec {
            env: vec![pair("LANG", "C"), pair("X", "a b")],
            argv: vec!["check_x".to_owned(), "Y=1".to_owned()]
        }
    );
    assert_eq!(
        parse("A=1 B=2"),
        Parsed::Nothing {
            why: "No command after variables."
        }
    );
    assert_eq!(
        parse(" \n"),
        Parsed::Nothing {
            why: "The command line is empty."
        }
    );
    assert!(matches!(parse("'' a"), Parsed::Nothing { .. }));
}

#[test]
fn check_commands_split_at_exclamation_marks() {
    let split = |text: &str| {
        let (name, args) = split_args(text);
        format!("{name}|{}", args.join("|"))
    };
    assert_eq!(split("check_http!-p 80!-w 5"), "check_http|-p 80|-w 5");
    assert_eq!(split(r"c!a\!b!\n\x"), r"c|a!b|\n\x");
    assert_eq!(split("c!!x"), "c||x");
    assert_eq!(split("c"), "c|");
    assert_eq!(split_args(&"!x".repeat(40)).1.len(), MAX_ARGS);
}

proptest! {
    #[test]
    fn any_line_is_read_without_a_panic(line in "\\PC*") {
        let _ = parse(&line);
        let _ = split_args(&line);
    }

    /// Words that were quoted one by one come back as they were.
    #[test]
    fn single_quotes_keep_everything(words in proptest::collection::vec("[^'\0]{1,12}", 1..6)) {
        prop_assume!(assignment(&words[0]).is_none());
        let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(parse(&line), Parsed::Exec { env: vec![], argv: words });
    }
}
