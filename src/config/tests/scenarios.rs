//! `[[test]]`: what is refused, and how.

use expect_test::expect;

use super::{bad, good};

const SITE: &str = r#"
[[contact]]
name = "ann"
email = "ann@example.org"
[[contact_group]]
name = "ops"
members = ["ann"]
[[app]]
name = "shop"
[[host]]
name = "web1"
apps = ["shop"]
[[check]]
name = "http"
hosts = ["web1"]
command = "check_http"
contacts = ["ann"]
"#;

/// A test with these steps and these expectations.
fn test(steps: &str, expect: &str) -> String {
    format!(
        "{SITE}[[test]]\nname = \"t\"\nstart = \"2026-03-02T10:00:00Z\"\nsteps = [{steps}]\nexpect = [{expect}]\n"
    )
}

const STEP: &str = "{ check = \"web1/http\" }";
const TOLD: &str = "{ told = \"ann\" }";

#[test]
fn what_is_wrong_with_a_test_is_told_with_its_remedy() {
    let mut said = String::new();
    for (steps, expect) in [
        ("", TOLD),
        (STEP, ""),
        ("{ check = \"web1/htp\" }", TOLD),
        ("{ check = \"wbe1/http\" }", TOLD),
        ("{ check = \"web1\" }", TOLD),
        ("{ check = \"db*/http\" }", TOLD),
        ("{ check = \"web1/http\", state = \"down\" }", TOLD),
        ("{ check = \"web1/http\", host = \"web1\" }", TOLD),
        ("{ at = \"5m\" }", TOLD),
        ("{ check = \"web1/http\", phase = \"started\" }", TOLD),
        (
            "{ at = \"5m\", check = \"web1/http\" }, { at = \"2m\", ack = \"web1/http\" }",
            TOLD,
        ),
        ("{ after = \"5m\", check = \"web1/http\" }", TOLD),
        ("{ deploy = \"shp\" }", TOLD),
        ("{ downtime = \"web1\" }", TOLD),
        ("{ command = \"STOP_IT;web1\" }", TOLD),
        ("{ command = \"ACKNOWLEDGE_SVC_PROBLEM;web1;http\" }", TOLD),
        (STEP, "{ told = \"anna\" }"),
        (STEP, "{ told = \"ops\" }"),
        (STEP, "{ told = \"ann\", within = \"5m\" }"),
        (STEP, "{ told = \"ann\", channel = \"pager\" }"),
        (STEP, "{ told = \"ann\", deploy = \"D-1\" }"),
        (STEP, "{ told = \"ann\", from = \"5m\", until = \"2m\" }"),
        (STEP, "{ nobody = false }"),
        (STEP, "{ nobody = true, times = 2 }"),
        (STEP, "{ held = \"web1/http\", channel = \"email\" }"),
        (STEP, "{ until = \"5m\" }"),
        (STEP, "{ told = \"ann\", object = \"web2/http\" }"),
        (
            "{ deploy = \"shop\", id = \"D-17\" }",
            "{ told = \"ann\", deploy = \"D-71\" }",
        ),
        (STEP, "{ told = \"ann\", kind = \"recovered\" }"),
    ] {
        for fault in bad(&test(steps, expect)).list {
            said += &format!(
                "{}\n    {}\n",
                fault.message,
                fault.help.as_deref().unwrap_or("no remedy")
            );
        }
    }
    expect![[r#"
        a test in which nothing happens proves nothing
            say what goes wrong: steps = [{ check = "HOST/CHECK" }]
        a test without expectations proves nothing
            say who is to be told: expect = [{ told = "...", until = "5m" }]
        there is no check `htp` on host `web1`
            did you mean `web1/http`?
        there is no host `wbe1`
            did you mean `web1/http`?
        `web1` names no check
            write HOST/CHECK; a host goes by `host`
        nothing matches `db*/http`
            a pattern with a slash is for checks, HOST/CHECK, one without for hosts
        a check is never down
            write ok, warning, critical or unknown
        a step with `check` and `host`
            give each of them one of `check`, `host`, `deploy`, `ack`, `unack`, `downtime`, `command`
        a step that says nothing
            give each of them one of `check`, `host`, `deploy`, `ack`, `unack`, `downtime`, `command`
        `phase` says nothing of `check`
            it takes `state`, `output`, `for`, `at`
        this step is at 2m, the one before it at 5m
            `at` counts from `start`, not from the step before: let steps stand in order of time
        unknown key `after` in [[test.steps]]
            `after` is called `at` here
        there is no app `shp`
            did you mean `shop`?
        a downtime without an end
            say how long it lasts: `for = "2h"`
        `STOP_IT;web1` is no command of Nagios
            write it as for Nagios' command file, without the time in brackets
        ACKNOWLEDGE_SVC_PROBLEM: the number that says whether it is sticky is missing
            write it as for Nagios' command file, without the time in brackets
        there is no contact or contact group `anna`
            did you mean `ann`?
        `ops` is a contact group: all of them, or one?
            write an expectation for each contact that is meant
        unknown key `within` in [[test.expect]]
            `within` is called `until` here
        ann has no channel `pager`
            there is email
        no step of this test has a deploy `D-1`
            add a step such as { deploy = "APP", id = "D-1" }
        it ends before it begins
            both count from `start`: `until` is later than `from`
        `nobody = false` says nothing
            say who: told = "..."
        `times` says nothing of `nobody`
            it takes `object`, `kind`, `channel`, `deploy`, `state`, `urgency`, `because`, `from`, `until`
        `channel` says nothing of `held`
            it takes `deploy`, `because`, `from`, `until`
        an expectation that says nothing
            give each of them one of `told`, `not_told`, `nobody`, `held`
        there is no host `web2`
            did you mean `web1/http`?
        no step of this test has a deploy `D-71`
            did you mean `D-17`?
        `recovered` is no value of `kind`
            did you mean `recovery`?
    "#]].assert_eq(&said);
}

#[test]
fn the_start_of_a_test_means_one_moment() {
    let with = |start: &str, zone: &str| {
        let text = test(STEP, TOLD);
        let start = format!("start = \"{start}\"\n{zone}");
        text.replace("start = \"2026-03-02T10:00:00Z\"\n", &start)
    };
    let berlin = "timezone = \"Europe/Berlin\"\n";
    let mut said = String::new();
    for (start, zone) in [
        ("2026-03-02 10:00", ""),
        ("tomorrow", berlin),
        ("2026-03-29 02:30", berlin),
        ("2026-10-25 02:30", berlin),
        ("2026-03-02 10:00", "timezone = \"Berlin\"\n"),
    ] {
        for fault in bad(&with(start, zone)).list {
            said += &format!(
                "{}\n    {}\n",
                fault.message,
                fault.help.as_deref().unwrap_or("no remedy")
            );
        }
    }
    expect![[r#"
        a time by which clocks?
            add `timezone = "Europe/Rome"`, so that the test means the same on every machine
        `tomorrow` is not a time
            write for example "2026-03-29 01:30", with `timezone`, or "2026-03-29T01:30:00+01:00"
        in Europe/Berlin clocks never show 2026-03-29 02:30
            they are set forward over it; write "2026-03-29 03:00" or a time before it
        in Europe/Berlin clocks show 2026-10-25 02:30 twice
            write "2026-10-25T02:30:00+02:00" or "2026-10-25T02:30:00+01:00"
        `Berlin` is not a time zone
            did you mean `Europe/Berlin`?
    "#]]
    .assert_eq(&said);
    let loaded = good(&with("2026-10-25T02:30:00+01:00", berlin));
    assert_eq!(loaded.tests[0].start.to_string(), "2026-10-25T01:30:00Z");
    let loaded = good(&with("2026-07-01 10:00", berlin));
    assert_eq!(loaded.tests[0].start.to_string(), "2026-07-01T08:00:00Z");
}

#[test]
fn a_fault_of_a_test_stands_where_it_is_written() {
    let faults = bad(&test(STEP, "{ told = \"ann\", channel = \"pager\" }"));
    expect![[r#"
        error: ann has no channel `pager`
          --> deploywatch.toml:22:37
           |
        22 | expect = [{ told = "ann", channel = "pager" }]
           |                                     ^^^^^^^
           |
           = help: there is email

        1 fault in the configuration
    "#]]
    .assert_eq(&faults.render(false));
}

#[test]
fn two_tests_have_two_names() {
    let twice = test(STEP, TOLD) + &test(STEP, TOLD)[SITE.len()..];
    let faults = bad(&twice);
    assert_eq!(faults.list.len(), 1);
    assert_eq!(faults.list[0].message, "two tests are named `t`");
}

#[test]
fn what_ends_by_itself_comes_in_its_order() {
    let steps = "{ check = \"web1/http\", for = \"10m\" }, { at = \"5m\", deploy = \"shop\", for = \"10m\" }, { at = \"12m\", ack = \"web1/http\" }";
    let loaded = good(&test(steps, TOLD));
    let steps = &loaded.tests[0].steps;
    let said: Vec<String> = steps
        .iter()
        .map(|step| {
            let after = step.at.since(loaded.tests[0].start).as_secs() / 60;
            format!("{after}m {}", step.act.text())
        })
        .collect();
    assert_eq!(
        said,
        [
            "0m web1/http becomes CRITICAL",
            "5m deploy shop of shop: started",
            "10m web1/http becomes OK",
            "12m somebody acknowledges web1/http",
            "15m deploy shop of shop: finished",
        ]
    );
}
