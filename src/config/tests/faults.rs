//! Every fault as people see it: place, excerpt, caret, remedy.

use std::{fs, path::Path};

use expect_test::{Expect, expect};

use super::{bad, good};
use crate::config::{Severity, load, load_text};

fn shows(text: &str, expected: Expect) {
    expected.assert_eq(&bad(text).render(false));
}

fn warns(text: &str, expected: Expect) {
    expected.assert_eq(&good(text).render_warnings(false));
}

#[test]
fn a_misspelt_key() {
    shows(
        r#"
[[host]]
name = "web1"

[[check]]
name = "http"
hosts = ["web1"]
command = "check_http"
contcats = ["oncall"]
max_check_attempts = 3
_rack = "r1"
frobnicate = 1
"#,
        expect![[r#"
            error: unknown key `contcats` in [[check]]
             --> deploywatch.toml:9:1
              |
            9 | contcats = ["oncall"]
              | ^^^^^^^^ unknown key
              |
              = help: did you mean `contacts`?

            error: unknown key `max_check_attempts` in [[check]]
              --> deploywatch.toml:10:1
               |
            10 | max_check_attempts = 3
               | ^^^^^^^^^^^^^^^^^^ unknown key
               |
               = help: `max_check_attempts` is called `attempts` here

            error: unknown key `_rack` in [[check]]
              --> deploywatch.toml:11:1
               |
            11 | _rack = "r1"
               | ^^^^^ unknown key
               |
               = help: custom variables go into `vars`: vars = { rack = ... }

            error: unknown key `frobnicate` in [[check]]
              --> deploywatch.toml:12:1
               |
            12 | frobnicate = 1
               | ^^^^^^^^^^ unknown key
               |
               = help: known keys are `name`, `command`, `hosts`, `groups`, `exclude_hosts`, `exclude_groups`, `app`, `parents`, `every`, `cron`, `timezone`, `retry`, `attempts`, `timeout`, `active`, `passive`, `volatile`, `period`, `contacts`, `notify`, `notify_period`, `remind`, `first_delay`, `states`, `flapping`, `downtime`, `flap_detection`, `flap_low`, `flap_high`, `profile`, `tags`, `env_macros`, `always_page`, `external`, `native`, `notes`, `notes_url`, `vars`, `use`, `handler`, `handler_period`, `handle`, `stale_after`, `flap_states`, `initial_state`, `stalk`, `display_name`, `action_url`, `icon_image`, `perfdata`, `importance`, `check_groups`, `regressions`

            4 faults in the configuration
        "#]],
    );
}

#[test]
fn unknown_names() {
    shows(
        r#"
[[contact]]
name = "oncall"
command = "/bin/mail"

[[host]]
name = "web1"
groups = ["web"]
parents = ["swich1"]
apps = ["shop"]

[[host]]
name = "switch1"

[[command]]
name = "check-http"
line = "check_http -p $ARG1$"

[[check]]
name = "http"
hosts = ["web9"]
groups = ["wbe"]
contacts = ["onccall"]
command = "check-htp!8080"
period = "workhours"
profile = "jail"
tags = ["db"]
use = ["base"]
timezone = "Europe/Rom"
"#,
        expect![[r#"
            error: there is no host `swich1`
             --> deploywatch.toml:9:12
              |
            9 | parents = ["swich1"]
              |            ^^^^^^^^ unknown name
              |
              = help: did you mean `switch1`?

            error: there is no app `shop`
              --> deploywatch.toml:10:9
               |
            10 | apps = ["shop"]
               |         ^^^^^^ unknown name
               |
               = help: declare it with [[app]] name = "shop", or correct the name

            error: there is no host `web9`
              --> deploywatch.toml:21:10
               |
            21 | hosts = ["web9"]
               |          ^^^^^^ unknown name
               |
               = help: did you mean `web1`?

            error: no host is in a group `wbe`
              --> deploywatch.toml:22:11
               |
            22 | groups = ["wbe"]
               |           ^^^^^ unknown name
               |
               = help: did you mean `web`?

            error: there is no contact or contact group `onccall`
              --> deploywatch.toml:23:13
               |
            23 | contacts = ["onccall"]
               |             ^^^^^^^^^ unknown name
               |
               = help: did you mean `oncall`?

            error: there is no command `check-htp`
              --> deploywatch.toml:24:11
               |
            24 | command = "check-htp!8080"
               |           ^^^^^^^^^^^^^^^^ unknown name
               |
               = help: did you mean `check-http`?

            error: there is no period `workhours`
              --> deploywatch.toml:25:10
               |
            25 | period = "workhours"
               |          ^^^^^^^^^^^ unknown name
               |
               = help: declare it with [[period]] name = "workhours", or correct the name

            error: there is no profile `jail`
              --> deploywatch.toml:26:11
               |
            26 | profile = "jail"
               |           ^^^^^^ unknown name
               |
               = help: declare it: [profile.jail]

            error: there is no tag `db`
              --> deploywatch.toml:27:9
               |
            27 | tags = ["db"]
               |         ^^^^ unknown name
               |
               = help: declare it with its limit: [limits] tags = { db = 4 }

            error: there is no template `base`
              --> deploywatch.toml:28:8
               |
            28 | use = ["base"]
               |        ^^^^^^ unknown name
               |
               = help: declare it with [[template]] name = "base", or correct the name

            error: `Europe/Rom` is not a time zone
              --> deploywatch.toml:29:12
               |
            29 | timezone = "Europe/Rom"
               |            ^^^^^^^^^^^^
               |
               = help: did you mean `Europe/Rome`?

            11 faults in the configuration
        "#]],
    );
}

#[test]
fn wrong_types_and_values() {
    shows(
        r#"
check = 3
[[host]]
name = 7
[daemon]
listen = "8420"
public_url = "example.org"
log = "verbose"
[limits]
global = -1
[profile.slow]
umask = "9"
max_memory = "lots"
nice = "low"
[defaults]
every = 60
retry = "0s"
timeout = "10 sec"
attempts = 0
volatile = "yes"
states = ["warn"]
flap_low = 120
contacts = [1]
"#,
        expect![[r#"
            error: `check` is a list of tables
             --> deploywatch.toml:2:1
              |
            2 | check = 3
              | ^^^^^
              |
              = help: write [[check]] with two brackets

            error: `name` must be text, not a whole number
             --> deploywatch.toml:4:8
              |
            4 | name = 7
              |        ^ a whole number

            error: `8420` is not an address with a port
             --> deploywatch.toml:6:10
              |
            6 | listen = "8420"
              |          ^^^^^^
              |
              = help: write for example 127.0.0.1:8420 or [::1]:8420

            error: `public_url` is not an address of the web
             --> deploywatch.toml:7:14
              |
            7 | public_url = "example.org"
              |              ^^^^^^^^^^^^^
              |
              = help: begin it with http:// or https://

            error: `verbose` is no value of `log`
             --> deploywatch.toml:8:7
              |
            8 | log = "verbose"
              |       ^^^^^^^^^
              |
              = help: write `error`, `warn`, `info`, `debug` or `trace`

            error: `global` is out of range
              --> deploywatch.toml:10:10
               |
            10 | global = -1
               |          ^^
               |
               = help: write a number from 0 to 100000

            error: `umask` is not a mask of permission bits: `9`
              --> deploywatch.toml:12:9
               |
            12 | umask = "9"
               |         ^^^
               |
               = help: write up to four octal digits, for example 022

            error: `max_memory` is not a size: `lots`
              --> deploywatch.toml:13:14
               |
            13 | max_memory = "lots"
               |              ^^^^^^
               |
               = help: write for example 64KB, 512MB or 2GB

            error: `nice` must be a whole number, not text
              --> deploywatch.toml:14:8
               |
            14 | nice = "low"
               |        ^^^^^ text
               |
               = help: write the number without quotes

            error: `every` must be a duration, not a whole number
              --> deploywatch.toml:16:9
               |
            16 | every = 60
               |         ^^ a whole number
               |
               = help: write the unit too: "60s" or "60m"

            error: `retry` must be longer than nothing
              --> deploywatch.toml:17:9
               |
            17 | retry = "0s"
               |         ^^^^
               |
               = help: write for example 15s

            error: `timeout` is not a duration: `10 sec`
              --> deploywatch.toml:18:11
               |
            18 | timeout = "10 sec"
               |           ^^^^^^^^
               |
               = help: write for example 15s, 3m, 2h or 1h30m

            error: `attempts` is out of range
              --> deploywatch.toml:19:12
               |
            19 | attempts = 0
               |            ^
               |
               = help: write a number from 1 to 1000

            error: `volatile` must be true or false, not text
              --> deploywatch.toml:20:12
               |
            20 | volatile = "yes"
               |            ^^^^^ text
               |
               = help: write true or false without quotes

            error: `warn` is no value of `states`
              --> deploywatch.toml:21:11
               |
            21 | states = ["warn"]
               |           ^^^^^^
               |
               = help: write `ok`, `up`, `recovery`, `warning`, `critical`, `unknown`, `down` or `unreachable`

            error: `flap_low` is out of range
              --> deploywatch.toml:22:12
               |
            22 | flap_low = 120
               |            ^^^
               |
               = help: write a number from 0 to 100

            error: `contacts` must be a name or a list of names, not a whole number
              --> deploywatch.toml:23:13
               |
            23 | contacts = [1]
               |             ^ a whole number

            17 faults in the configuration
        "#]],
    );
}

#[test]
fn duplicates_show_both_places() {
    shows(
        r#"
[[host]]
name = "web1"
groups = ["web"]
[[host]]
name = "web1"
[[contact]]
name = "ops"
email = "a@b"
[[contact_group]]
name = "ops"
members = []
[[app]]
name = "shop"
[[app]]
name = "shop"
environment = "production"
[[check]]
name = "http"
hosts = ["web1"]
command = "check_http"
[[check]]
name = "http"
hosts = ["web1"]
command = "check_http"
"#,
        expect![[r#"
            error: two hosts are named `web1`
             --> deploywatch.toml:6:8
              |
            3 | name = "web1"
              |        ------ first here
            ...
            6 | name = "web1"
              |        ^^^^^^ again here
              |
              = help: rename or remove one of them

            error: `ops` is the name of a contact and of a contact group
              --> deploywatch.toml:11:8
               |
             8 | name = "ops"
               |        ----- the contact
            ...
            11 | name = "ops"
               |        ^^^^^ the contact group
               |
               = help: give one of them another name: `contacts` could mean either

            error: two apps are named `shop`
              --> deploywatch.toml:16:8
               |
            14 | name = "shop"
               |        ------ first here
            15 | [[app]]
            16 | name = "shop"
               |        ^^^^^^ again here
               |
               = help: rename one, or give one another `environment`

            error: host `web1` has two checks named `http`
              --> deploywatch.toml:23:8
               |
            19 | name = "http"
               |        ------ first here
            ...
            23 | name = "http"
               |        ^^^^^^ again here
               |
               = help: rename one, or leave the host out with `exclude_hosts`; a check that names the host itself overrides one for its group

            4 faults in the configuration
        "#]],
    );
}

#[test]
fn circles() {
    shows(
        r#"
[[template]]
name = "a"
use = ["b"]
[[template]]
name = "b"
use = ["c"]
[[template]]
name = "c"
use = ["a"]
[[host]]
name = "h1"
parents = ["h2"]
[[host]]
name = "h2"
parents = ["h1"]
[[period]]
name = "p"
exclude = ["p"]
[[contact_group]]
name = "g"
members = ["k"]
[[contact_group]]
name = "k"
members = ["g"]
"#,
        expect![[r#"
            error: templates use one another in a circle: `a` → `b` → `c` → `a`
              --> deploywatch.toml:10:7
               |
             4 | use = ["b"]
               |       ----- leads on
            ...
             7 | use = ["c"]
               |       ----- leads on
            ...
            10 | use = ["a"]
               |       ^^^^^ closes the circle
               |
               = help: remove one of these `use` entries

            error: hosts are parents of one another in a circle: `h1` → `h2` → `h1`
              --> deploywatch.toml:16:11
               |
            16 | parents = ["h1"]
               |           ^^^^^^
               |
               = help: remove one of these parents: a parent stands nearer to the daemon

            error: periods exclude one another in a circle: `p` → `p`
              --> deploywatch.toml:19:11
               |
            19 | exclude = ["p"]
               |           ^^^^^
               |
               = help: remove one of these `exclude` entries

            error: contact groups hold one another in a circle: `g` → `k` → `g`
              --> deploywatch.toml:22:11
               |
            22 | members = ["k"]
               |           ^^^^^
               |
               = help: remove one of these members

            4 faults in the configuration
        "#]],
    );
}

#[test]
fn syntax_errors_come_together_and_hide_what_only_follows_from_them() {
    shows(
        r#"
[[contact]]
name = "oncall
[[host]]
name = "web1"
contcats = ["oncall"]
address = 127.0.0.1
[[check]
name = "http"
contacts = ["oncall"]
"#,
        expect![[r#"
            error: invalid basic string, expected `"`
             --> deploywatch.toml:3:15
              |
            3 | name = "oncall
              |               ^
              |
              = help: close the text with the quote it began with

            error: unknown key `contcats` in [[host]]
             --> deploywatch.toml:6:1
              |
            6 | contcats = ["oncall"]
              | ^^^^^^^^ unknown key
              |
              = help: did you mean `contacts`?

            error: invalid float
             --> deploywatch.toml:7:16
              |
            7 | address = 127.0.0.1
              |                ^^^^
              |
              = help: if this is text, such as an address or a duration, put quotes around it

            error: unclosed array table, expected `]`
             --> deploywatch.toml:8:9
              |
            8 | [[check]
              |         ^
              |
              = help: write two brackets on each side, for example [[check]]

            Names were not looked up, because not every file could be read in full.
            4 faults in the configuration
        "#]],
    );
}

#[test]
fn several_at_once_in_two_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("conf.d")).expect("a directory");
    let main = "include = [\"conf.d/*.toml\", \"missing.toml\", \"none/*.toml\"]\n[daemon]\nlog = \"info\"\nstroe = \"x\"\n";
    fs::write(path("deploywatch.toml"), main).expect("written");
    fs::write(
        path("conf.d/a.toml"),
        "[[host]]\nname = \"web1\"\nadress = \"x\"\n",
    )
    .expect("written");
    fs::write(
        path("conf.d/b.toml"),
        "[daemon]\nlog = \"debug\"\n[[host]]\nname = \"web1\"\n",
    )
    .expect("written");
    let faults = load(&path("deploywatch.toml")).expect_err("faulty");
    let place = format!("{}/", dir.path().display());
    expect![[r#"
        error: cannot read missing.toml: there is no such file
         --> deploywatch.toml:1:29
          |
        1 | include = ["conf.d/*.toml", "missing.toml", "none/*.toml"]
          |                             ^^^^^^^^^^^^^^
          |
          = help: paths are relative to the file they are written in; create the file or remove the entry

        error: unknown key `stroe` in [daemon]
         --> deploywatch.toml:4:1
          |
        4 | stroe = "x"
          | ^^^^^ unknown key
          |
          = help: did you mean `store`?

        error: unknown key `adress` in [[host]]
         --> conf.d/a.toml:3:1
          |
        3 | adress = "x"
          | ^^^^^^ unknown key
          |
          = help: did you mean `address`?

        error: `log` of [daemon] is given twice
         --> conf.d/b.toml:2:1
          |
        2 | log = "debug"
          | ^^^ again here
          |
         ::: deploywatch.toml:3:1
          |
        3 | log = "info"
          | --- first here
          |
          = help: remove one of them

        error: two hosts are named `web1`
         --> conf.d/b.toml:4:8
          |
        4 | name = "web1"
          |        ^^^^^^ again here
          |
         ::: conf.d/a.toml:2:8
          |
        2 | name = "web1"
          |        ------ first here
          |
          = help: rename or remove one of them

        Names were not looked up, because not every file could be read in full.
        5 faults in the configuration
    "#]].assert_eq(&faults.render(false).replace(&place, ""));
    expect![[r#"
        warning: no file matches `none/*.toml`
         --> deploywatch.toml:1:45
          |
        1 | include = ["conf.d/*.toml", "missing.toml", "none/*.toml"]
          |                                             ^^^^^^^^^^^^^ includes nothing

    "#]]
    .assert_eq(&faults.render_warnings(false).replace(&place, ""));
}

#[test]
fn includes_do_not_go_in_circles() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    fs::write(path("a.toml"), "include = [\"b.toml\"]\n").expect("written");
    fs::write(path("b.toml"), "include = [\"a.toml\"]\n").expect("written");
    let place = format!("{}/", dir.path().display());
    let faults = load(&path("a.toml")).expect_err("faulty");
    expect![[r#"
        error: `a.toml` includes itself
         --> b.toml:1:12
          |
        1 | include = ["a.toml"]
          |            ^^^^^^^^ closes a circle
          |
          = help: remove this entry

        1 fault in the configuration
    "#]]
    .assert_eq(&faults.render(false).replace(&place, ""));

    fs::write(
        path("b.toml"),
        "include = [\"*.toml\"]\n[[host]]\nname = \"h\"\n",
    )
    .expect("written");
    assert_eq!(
        load(&path("a.toml"))
            .expect("a pattern may match its own file")
            .inventory
            .hosts
            .len(),
        1
    );
}

#[test]
fn a_missing_or_binary_file() {
    let missing = load(Path::new("/nonexistent/deploywatch.toml")).expect_err("missing");
    expect![[r#"
        error: cannot read /nonexistent/deploywatch.toml: there is no such file

        1 fault in the configuration
    "#]]
    .assert_eq(&missing.render(false));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.toml");
    fs::write(&path, b"[daemon]\nstore = \"\xff\xfe\"\n").expect("written");
    let faults = load(&path).expect_err("not UTF-8");
    expect![[r#"
        error: the file is not UTF-8 text
         --> x.toml:2:10
          |
        2 | store = "��"
          |          ^ here
          |
          = help: save the file as UTF-8

        Names were not looked up, because not every file could be read in full.
        1 fault in the configuration
    "#]]
    .assert_eq(
        &faults
            .render(false)
            .replace(&format!("{}/", dir.path().display()), ""),
    );
    assert!(load(dir.path()).is_err());
}

#[test]
fn secrets_are_refused_inline_and_never_shown() {
    let text = r#"
[[contact]]
name = "oncall"
webhook = { url = "http://h", secret = "hunter2", foo = 1 }
slack = "https://hooks.slack.com/hunter2"
pagerduty = { routing_key = 'hunter2', url = 3 }
[smtp]
username = "x"
password = "hunter2" oops
[[token]]
name = "ci"
secret = "hunter2"
scopes = ["deploys"]
"#;
    let faults = bad(text);
    let shown = format!("{}{}{faults:?}", faults.render(false), faults.render(true));
    assert!(!shown.contains("hunter2"), "{shown}");
    shows(
        &text.replace(" oops", ""),
        expect![[r#"
        error: `secret` is not written into the configuration, where others would read it
         --> deploywatch.toml:4:31
          |
        4 | webhook = { url = "http://h", secret = "*******", foo = 1 }
          |                               ^^^^^^ a secret
          |
          = help: give it as `secret_file` (a path), `secret_env` (a variable) or `secret_credential` (of systemd)

        error: unknown key `foo` in webhook
         --> deploywatch.toml:4:51
          |
        4 | webhook = { url = "http://h", secret = "*******", foo = 1 }
          |                                                   ^^^ unknown key
          |
          = help: known keys are `url`, `secret_file`, `secret_env`, `secret_credential`

        error: `slack` holds a secret, which is not written into the configuration
         --> deploywatch.toml:5:9
          |
        5 | slack = "*******************************"
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: write the secret into a file that only the daemon can read, then slack = { webhook_url_file = "FILE" }

        error: `routing_key` is not written into the configuration, where others would read it
         --> deploywatch.toml:6:15
          |
        6 | pagerduty = { routing_key = '*******', url = 3 }
          |               ^^^^^^^^^^^ a secret
          |
          = help: give it as `routing_key_file` (a path), `routing_key_env` (a variable) or `routing_key_credential` (of systemd)

        error: `url` must be text, not a whole number
         --> deploywatch.toml:6:46
          |
        6 | pagerduty = { routing_key = '*******', url = 3 }
          |                                              ^ a whole number

        error: there is a `username` but no password
         --> deploywatch.toml:8:12
          |
        8 | username = "x"
          |            ^^^
          |
          = help: add `password_file`, `password_env` or `password_credential`

        error: `password` is not written into the configuration, where others would read it
         --> deploywatch.toml:9:1
          |
        9 | password = "*******"
          | ^^^^^^^^ a secret
          |
          = help: give it as `password_file` (a path), `password_env` (a variable) or `password_credential` (of systemd)

        error: `secret` is not written into the configuration, where others would read it
          --> deploywatch.toml:12:1
           |
        12 | secret = "*******"
           | ^^^^^^ a secret
           |
           = help: give it as `secret_file` (a path), `secret_env` (a variable) or `secret_credential` (of systemd)

        error: `deploys` is no value of `scopes`
          --> deploywatch.toml:13:11
           |
        13 | scopes = ["deploys"]
           |           ^^^^^^^^^
           |
           = help: did you mean `deploy`?

        9 faults in the configuration
    "#]],
    );
}

#[test]
fn secrets_must_be_readable() {
    shows(
        r#"
[[contact]]
name = "a"
pagerduty = { routing_key_file = "nonexistent/pd.key" }
slack = { webhook_url_env = "DEPLOYWATCH_TEST_UNSET" }
webhook = { url = "http://h", secret_file = "nonexistent/x", secret_env = "Y" }
[[token]]
name = "ci"
scopes = ["deploy"]
"#,
        expect![[r#"
            error: cannot read the secret in nonexistent/pd.key: there is no such file
             --> deploywatch.toml:4:34
              |
            4 | pagerduty = { routing_key_file = "nonexistent/pd.key" }
              |                                  ^^^^^^^^^^^^^^^^^^^^
              |
              = help: paths are relative to the file they are written in; the daemon's user must be able to read it

            error: the variable `DEPLOYWATCH_TEST_UNSET` is not set, or is not UTF-8 text
             --> deploywatch.toml:5:29
              |
            5 | slack = { webhook_url_env = "DEPLOYWATCH_TEST_UNSET" }
              |                             ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: set it in the daemon's environment

            error: `secret_env` is given, but `secret` has another source already
             --> deploywatch.toml:6:75
              |
            6 | webhook = { url = "http://h", secret_file = "nonexistent/x", secret_env = "Y" }
              |                                             --------------- first here    ^^^
              |
              = help: keep one of them

            error: `secret` is missing
             --> deploywatch.toml:7:1
              |
            7 | [[token]]
              | ^^^^^^^^^
              |
              = help: give it as `secret_file` (a path), `secret_env` (a variable) or `secret_credential` (of systemd)

            4 faults in the configuration
        "#]],
    );
}

#[test]
fn an_open_port_wants_tokens() {
    shows(
        "[daemon]\nlisten = [\"127.0.0.1:1\", \"0.0.0.0:8420\"]\n",
        expect![[r#"
            error: 0.0.0.0:8420 can be reached from other machines, and there is no token
             --> deploywatch.toml:2:26
              |
            2 | listen = ["127.0.0.1:1", "0.0.0.0:8420"]
              |                          ^^^^^^^^^^^^^^ not a loopback address
              |
              = help: add a [[token]] with a name, a secret_file and scopes, or listen on 127.0.0.1

            1 fault in the configuration
        "#]],
    );
}

#[test]
fn holds_are_bounded() {
    shows(
        r#"
[deploys.class.normal]
hold = { critical = "20m", warning = "10m" }
[deploys.class.low]
ceiling = "45m"
[deploys.class.high]
ceiling = "4m"
hold = { warning = "5m" }
"#,
        expect![[r#"
            error: the hold of `critical` is longer than the ceiling of all holds
             --> deploywatch.toml:3:21
              |
            3 | hold = { critical = "20m", warning = "10m" }
              |                     ^^^^^ longer than the ceiling of 15m
              |
              = help: shorten the hold, or set `ceiling` of this class, at most 30m

            error: a deploy may not keep a problem quiet for more than 30m
             --> deploywatch.toml:5:11
              |
            5 | ceiling = "45m"
              |           ^^^^^ longer than 30m
              |
              = help: write at most ceiling = "30m"; for longer quiet schedule downtime

            error: the hold of `warning` is longer than the ceiling of all holds
             --> deploywatch.toml:8:20
              |
            7 | ceiling = "4m"
              |           ---- the ceiling
            8 | hold = { warning = "5m" }
              |                    ^^^^
              |
              = help: shorten the hold, or raise the ceiling up to 30m

            3 faults in the configuration
        "#]],
    );
}

#[test]
fn checks_that_cannot_work() {
    shows(
        r#"
[[host]]
name = "a/b"
apps = ["shop"]
[[host]]
name = "x\ny"
[[app]]
name = "shop"
environment = "staging"
[[app]]
name = "shop"
[[check]]
command = "check_x"
[[check]]
name = "nowhere"
command = "check_x"
[[check]]
name = "nothing"
hosts = ["a/b"]
[[check]]
name = "both"
hosts = ["a/b"]
command = "check_x"
every = "1m"
cron = "* * * * *"
flap_low = 50
[[check]]
name = "cron"
hosts = ["a/b"]
command = "check_x"
cron = "0 99 * * *"
[[period]]
name = "p"
mondy = "09:00-17:00"
tuesday = "9-17"
"#,
        expect![[r#"
            error: the name of host `a/b` contains a slash
             --> deploywatch.toml:3:8
              |
            3 | name = "a/b"
              |        ^^^^^
              |
              = help: a slash stands between a host and its check: write `-` or `.` instead

            error: `shop` is an app in several environments
             --> deploywatch.toml:4:9
              |
            4 | apps = ["shop"]
              |         ^^^^^^ which one?
              |
              = help: write `shop@production` or `shop@staging`, or list the host in `hosts` of the [[app]]

            error: `name` contains a line break or another control character
             --> deploywatch.toml:6:8
              |
            6 | name = "x\ny"
              |        ^^^^^^
              |
              = help: use printable characters only

            error: [[check]] has no `name`
              --> deploywatch.toml:12:1
               |
            12 | [[check]]
               | ^^^^^^^^^ `name` is missing here
               |
               = help: add `name = "..."`: the check's name, unique on its host

            error: check `nowhere` applies to no host
              --> deploywatch.toml:14:1
               |
            14 | [[check]]
               | ^^^^^^^^^ has neither `hosts` nor `groups`
               |
               = help: add hosts = ["..."] or groups = ["..."]

            error: check `nothing` has no `command`
              --> deploywatch.toml:17:1
               |
            17 | [[check]]
               | ^^^^^^^^^
               |
               = help: add `command`, or active = false if its results are sent from outside

            error: both `every` and `cron` are given
              --> deploywatch.toml:25:1
               |
            24 | every = "1m"
               | ----- the other one
            25 | cron = "* * * * *"
               | ^^^^
               |
               = help: keep one of them

            error: `flap_low` (50) is not below `flap_high` (30)
              --> deploywatch.toml:26:12
               |
            26 | flap_low = 50
               |            ^^
               |
               = help: flapping starts at `flap_high` percent and ends below `flap_low`

            error: 99 is not a hour
              --> deploywatch.toml:31:11
               |
            31 | cron = "0 99 * * *"
               |           ^^
               |
               = help: it goes from 0 to 23

            error: `mondy` in `mondy` is not a day or month
              --> deploywatch.toml:34:1
               |
            34 | mondy = "09:00-17:00"
               | ^^^^^
               |
               = help: did you mean `monday`?

            error: `9` is not a time of day
              --> deploywatch.toml:35:1
               |
            35 | tuesday = "9-17"
               | ^^^^^^^
               |
               = help: write HH:MM, from 00:00 to 24:00

            11 faults in the configuration
        "#]],
    );
}

#[test]
fn doubtful_things_are_told_but_do_not_stop() {
    warns(
        r#"
[[contact]]
name = "oncall"
email = "oncall@example.org"
[[contact]]
name = "mute"
[[command]]
name = "check-http"
line = "check_http"
[[host]]
name = "web(1)"
groups = ["web"]
[[check]]
name = "http"
groups = ["web"]
command = "check-htpp"
[[check]]
name = "gone"
groups = ["web"]
exclude_hosts = ["*"]
command = "check_x"
"#,
        expect![[r#"
            warning: there is no [smtp], so mail goes to port 25 of this machine
             --> deploywatch.toml:4:9
              |
            4 | email = "oncall@example.org"
              |         ^^^^^^^^^^^^^^^^^^^^
              |
              = help: add [smtp] with host and from

            warning: contact `mute` has no channel, so it is never told
             --> deploywatch.toml:6:8
              |
            6 | name = "mute"
              |        ^^^^^^
              |
              = help: add email, webhook, pagerduty, slack, command or another channel

            warning: the name of host `web(1)` contains `(`, which Nagios refuses
              --> deploywatch.toml:11:8
               |
            11 | name = "web(1)"
               |        ^^^^^^^^
               |
               = help: tools made for Nagios may stumble: use letters, digits, blanks, `-`, `_` and `.`

            warning: check `http` pages nobody on 1 host
              --> deploywatch.toml:14:8
               |
            14 | name = "http"
               |        ^^^^^^
               |
               = help: give it or the host `contacts`, set them in [defaults], or write notify = false

            warning: `check-htpp` is run as a program, for no [[command]] has this name
              --> deploywatch.toml:16:11
               |
            16 | command = "check-htpp"
               |           ^^^^^^^^^^^^
               |
               = help: did you mean the command `check-http`?

            warning: check `gone` applies to no host
              --> deploywatch.toml:19:10
               |
            19 | groups = ["web"]
               |          ^^^^^^^ no host is left
               |
               = help: put a host into the group, or remove the check

        "#]],
    );
    warns(
        "[[host]]\nname = \"h\"\n[[check]]\nname = \"c\"\nhosts = [\"h\"]\ncommand = \"x\"\n",
        expect![[r#"
        warning: there is no contact, so nobody is told of anything
         --> deploywatch.toml:3:1
          |
        3 | [[check]]
          | ^^^^^^^^^
          |
          = help: add a [[contact]]

    "#]],
    );
}

#[test]
fn freezes_that_cannot_be() {
    shows(
        r#"
[[period]]
name = "nights"
[[freeze]]
owner = "bea"
reason = "no end"
[[freeze]]
period = "nights"
until = "2026-12-27 06:00"
owner = "bea"
reason = "both"
[[freeze]]
from = "2026-12-28 06:00"
until = "2026-12-27 06:00"
owner = "bea"
reason = "backwards"
[[freeze]]
until = "Christmas"
owner = "bea"
reason = "when?"
[[deploys.risk]]
risk = "huge"
"#,
        expect![[r#"
            error: the freeze has no end
             --> deploywatch.toml:4:1
              |
            4 | [[freeze]]
              | ^^^^^^^^^^
              |
              = help: write `until`, or `period` for one that comes again

            error: the freeze has both a period and a time
             --> deploywatch.toml:8:1
              |
            8 | period = "nights"
              | ^^^^^^
              |
              = help: write either `period`, or `until` with or without `from`

            error: the freeze ends before it begins
              --> deploywatch.toml:14:9
               |
            13 | from = "2026-12-28 06:00"
               |        ------------------ its begin
            14 | until = "2026-12-27 06:00"
               |         ^^^^^^^^^^^^^^^^^^

            error: `until` is not a time: `Christmas`
              --> deploywatch.toml:18:9
               |
            18 | until = "Christmas"
               |         ^^^^^^^^^^^
               |
               = help: write for example 2026-12-24T18:00:00+01:00, or 2026-12-24 18:00 with `timezone`

            error: [[deploys.risk]] has no `why`
              --> deploywatch.toml:21:1
               |
            21 | [[deploys.risk]]
               | ^^^^^^^^^^^^^^^^ `why` is missing here
               |
               = help: add `why = "..."`: why, in words; stands beside the class wherever it is shown

            error: `huge` is no value of `risk`
              --> deploywatch.toml:22:8
               |
            22 | risk = "huge"
               |        ^^^^^^
               |
               = help: write `low`, `normal` or `high`

            6 faults in the configuration
        "#]],
    );
}

#[test]
fn faults_are_bounded_in_number() {
    let text = "[[host]]\nnmae = \"x\"\n".repeat(3000);
    let faults = bad(&text);
    assert_eq!(faults.list.len(), crate::config::MAX_FAULTS);
    assert_eq!(faults.list.len() + faults.more, 6000);
    assert!(
        faults
            .render(false)
            .ends_with("6000 faults in the configuration\n")
    );
}

#[test]
fn positions_are_for_editors() {
    let faults = bad("\n[daemon]\nsote = 1\n");
    let fault = &faults.list[0];
    assert_eq!(fault.severity, Severity::Fault);
    assert_eq!(
        faults.position(fault),
        Some(("deploywatch.toml".to_owned(), 3, 1))
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        if let Err(faults) = load_text(&text, Path::new("")) {
            faults.render(true);
        }
    }

    /// Pieces of a good file in any order, cut anywhere.
    #[test]
    fn no_scrambled_configuration_panics(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20),
        cut in 0_usize..600,
    ) {
        let text: String = pieces.concat();
        let text = crate::base::text::cut(&text, cut);
        match load_text(text, Path::new("")) {
            Ok(loaded) => {
                loaded.render_warnings(false);
                for object in loaded.inventory.objects() {
                    crate::config::show(&loaded, &loaded.inventory.name(object).to_string()).expect("shown");
                }
            }
            Err(faults) => {
                faults.render(false);
            }
        }
    }
}

const PIECES: &[&str] = &[
    "[[host]]\n",
    "[[check]]\n",
    "[[contact]]\n",
    "[[template]]\n",
    "[[period]]\n",
    "[defaults]\n",
    "[[app]]\n",
    "[limits]\n",
    "[profile.x]\n",
    "[[group]]\n",
    "[[contact_group]]\n",
    "[defaults.host]\n",
    "[[command]]\n",
    "name = \"a\"\n",
    "name = \"b\"\n",
    "name = \"\"\n",
    "hosts = [\"a\"]\n",
    "hosts = [\"*\"]\n",
    "groups = \"g\"\n",
    "use = [\"a\", \"b\"]\n",
    "command = \"a!b!c\"\n",
    "command = { check = \"x\" }\n",
    "cron = \"* * * * *\"\n",
    "every = \"5m\"\n",
    "contacts = [\"a\"]\n",
    "members = [\"a\", \"b\"]\n",
    "exclude = \"a\"\n",
    "parents = [\"b\"]\n",
    "calls = [\"a\", \"b@x\"]\n",
    "apps = [\"a\"]\n",
    "environment = \"x\"\n",
    "app = \"a\"\n",
    "tags = { t = 1 }\n",
    "vars = { a = 1, \"-\" = 2 }\n",
    "monday = \"00:00-24:00\"\n",
    "period = \"a\"\n",
    "check = \"x\"\n",
    "email = \"é@ü\"\n",
    "webhook = \"http://x\"\n",
    "user = [[\n",
    "x.y = {\n",
    "[host]\n",
    "\u{feff}",
    "\"\"\"",
    "\r\n",
];

#[test]
fn markers_that_lead_nowhere() {
    let text = "[[marker]]\nname = \"a\"\n\
         [[marker]]\nname = \"b\"\nkind = \"statsd\"\nurl = \"http://x\"\naddress = \"x\"\n\
         [[marker]]\nname = \"c\"\nkind = \"grafana\"\ntoken = \"abc\"\n\
         [[marker]]\nname = \"d\"\nkind = \"cdevents\"\nurl = \"http://x\"\n\
         [[marker]]\nname = \"d\"\nkind = \"cdevents\"\nurl = \"http://x\"\n";
    let shown = bad(text).render(false);
    for message in [
        "[[marker]] has no `kind`",
        "`url` is of no use to the kind `statsd`",
        "`x` is not HOST:PORT",
        "a marker of the kind `grafana` has no `url`",
        "`token` is not written into the configuration",
        "two markers are named `d`",
    ] {
        assert!(shown.contains(message), "no `{message}` in\n{shown}");
    }
}

#[test]
fn a_digest_needs_a_time_of_day() {
    shows(
        r#"
[[contact]]
name = "ann"
[digest]
at = "8 o'clock"
contacts = ["ann"]
"#,
        expect![[r#"
            error: `at` is not a time of day: `8 o'clock`
             --> deploywatch.toml:5:6
              |
            5 | at = "8 o'clock"
              |      ^^^^^^^^^^^
              |
              = help: write for example at = "08:00", from 00:00 to 23:59

            1 fault in the configuration
        "#]],
    );
}

#[test]
fn who_waits_for_an_answer_and_which_downtimes_are_deploys() {
    shows(
        r#"
[deploys.source.github]
token_file = "deploywatch.toml"
[deploys.source.other]
kind = "github"
api_url = "https://github.example.org"
[deploys.source.gitlab]
answer_within = "5m"
environment = { "*/*" = "*" }
[[deploys.downtime]]
"#,
        expect![[r#"
            error: cannot read the secret in deploywatch.toml: there is no such file
             --> deploywatch.toml:3:14
              |
            3 | token_file = "deploywatch.toml"
              |              ^^^^^^^^^^^^^^^^^^
              |
              = help: paths are relative to the file they are written in; the daemon's user must be able to read it

            error: `api_url` is of no use without `token_file`
             --> deploywatch.toml:6:1
              |
            6 | api_url = "https://github.example.org"
              | ^^^^^^^
              |
              = help: add token_file = "FILE" with the token of a GitHub App

            error: `answer_within` is of no use to the kind `gitlab`
             --> deploywatch.toml:8:1
              |
            8 | answer_within = "5m"
              | ^^^^^^^^^^^^^
              |
              = help: only GitHub waits for an answer

            error: a `*` in our name needs just one in theirs
             --> deploywatch.toml:9:25
              |
            9 | environment = { "*/*" = "*" }
              |                         ^^^
              |
              = help: what one `*` stands for may be used: { "deploy-*" = "*" }

            error: which downtimes are deploys?
              --> deploywatch.toml:10:1
               |
            10 | [[deploys.downtime]]
               | ^^^^^^^^^^^^^^^^^^^^
               |
               = help: write author = "deploy*", comment = "deploy*", or both

            5 faults in the configuration
        "#]],
    );
}
