//! Command lines and macros: cases 86 to 93.

use deploywatch::{
    base::time::Timestamp,
    domain::{
        command::{Parsed, parse},
        external,
        model::state::{ObjectName, State},
    },
};

use super::{
    Row, rows,
    world::{START, World},
};

const LINES: &str = "nagioscore lib/test-runcmd.c";
const MACROS: &str = "nagioscore t-tap/test_macros.c";

/// Lines that only a shell reads rightly.
const SHELL: &[(u32, &str)] = &[
    (86, "cat lala | grep foo"),
    (86, "a > b"),
    (86, "a && b"),
    (86, "a & b"),
    (86, "a ; b"),
    (86, "foo \"`x`\""),
    (86, "foo \"$(x)\""),
    (86, "foo\" bar"),
    (86, "foo' bar"),
    (86, "ls /tmp/*"),
    (86, "tty?"),
    (86, "echo $foo"),
    (86, "$(x"),
];

/// Number, line, environment, words.
type Words = (
    u32,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const WORDS: &[Words] = &[
    (
        87,
        r"cat lala \| grep foo",
        &[],
        &["cat", "lala", "|", "grep", "foo"],
    ),
    (87, "lala 'foo; bar'", &[], &["lala", "foo; bar"]),
    (87, r"foo \`x\`", &[], &["foo", "`x`"]),
    (87, "foo\\\" bar", &[], &["foo\"", "bar"]),
    (87, r"echo \$foo", &[], &["echo", "$foo"]),
    (88, r"foo\ bar nisse", &[], &["foo bar", "nisse"]),
    (
        88,
        "\"\\$bar is\" very wide open",
        &[],
        &["$bar is", "very", "wide", "open"],
    ),
    (88, "\"\\1bs in dq\"", &[], &["\\1bs in dq"]),
    (
        88,
        "VAR=VAL some command",
        &[("VAR", "VAL")],
        &["some", "command"],
    ),
    (89, r"te\st1", &[], &["test1"]),
    (89, r"te\\st2", &[], &[r"te\st2"]),
    (89, r#""te\st5" "te\\st6""#, &[], &[r"te\st5", r"te\st6"]),
    (89, r"'te\st3' 'te\\st4'", &[], &[r"te\st3", r"te\\st4"]),
];

/// A host whose name and words hold what the macro filter takes away.
const SITE: &str = r#"
[daemon]
illegal_output_chars = "'&"
website_url = "http://localhost/nagios"

[[host]]
name = "name'&%"
notes = "see $HOSTNAME$, $FOO$ and $HOSTALIAS$"
notes_url = "http://wiki/$HOSTNAME$"
alias = "a host"
"#;

/// Number, text, what becomes of it on a command line.
const MACRO: &[(u32, &str, &str)] = &[
    (90, "$HOSTNAME$", "name'&%"),
    (90, "\"$HOSTOUTPUT$\"", "\"name%\""),
    (91, "$HOSTNOTESURL$", "http://wiki/name%27%26%25"),
    (92, "$HOSTNOTES$", "see name'&%, $FOO$ and a host"),
    (93, "$FOO$", "$FOO$"),
    (93, "a $FOO$ $HOSTALIAS$ $BAR$", "a $FOO$ a host $BAR$"),
];

pub fn covered() -> Vec<Row> {
    [
        rows(LINES, SHELL.iter().map(|row| row.0)),
        rows(LINES, WORDS.iter().map(|row| row.0)),
        rows(MACROS, MACRO.iter().map(|row| row.0)),
    ]
    .concat()
}

#[test]
fn some_lines_need_a_shell() {
    for (number, line) in SHELL {
        assert_eq!(
            parse(line),
            Parsed::Shell((*line).to_owned()),
            "case {number}"
        );
    }
}

#[test]
fn others_are_taken_apart() {
    for (number, line, env, words) in WORDS {
        let env: Vec<(String, String)> = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(parse(line), Parsed::Exec { env, argv }, "case {number}");
    }
}

#[test]
fn macros_are_filled_in() {
    for (number, text, expected) in MACRO {
        let line = text.replace('"', "\\\"");
        let mut world = World::new(&format!("{SITE}check = \"plugin {line}\"\n"));
        world.ran("name'&%", State::Up, "name'&%");
        let inventory = world.engine.inventory();
        let host = inventory
            .find(&ObjectName::parse("name'&%"))
            .expect("the host");
        let (line, _) =
            world
                .engine
                .command_line(host, inventory.rule(host), Timestamp::from_secs(START));
        assert_eq!(line, format!("plugin {expected}"), "case {number}");
    }
    // The same name in an external command.
    let world = World::new(SITE);
    let order = external::parse(
        "[1] ADD_HOST_COMMENT;name'&%;1;ann;seen",
        world.engine.inventory(),
        world.now,
    );
    assert!(order.is_ok(), "{order:?}");
}
