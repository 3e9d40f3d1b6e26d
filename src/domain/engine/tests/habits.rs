//! What is learned of an app's deploys: how long its checks take to come back, and holds that hide nothing.

use expect_test::expect;

use super::{
    scenario::{self, check, check_on},
    site,
};

/// Three deploys with a blip of half a minute each, `between` the third and a fourth whose host stays bad.
fn three_blips_and(between: &str) -> String {
    let mut story = String::from("10:00 web1/http ok\n");
    for (at, hour) in (1..).zip([10, 11, 12, 13]) {
        if at == 4 {
            story.push_str(between);
        }
        story.push_str(&format!(
            "{hour}:05 deploy start D-{at} app=shop hosts=web1\n{hour}:05:10 web1/http crit\n{hour}:05:20 deploy finish D-{at}\n"
        ));
        if at == 4 {
            break;
        }
        story.push_str(&format!("{hour}:05:40 web1/http ok\n"));
        for minute in 6..26 {
            story.push_str(&format!("{hour}:{minute:02} web1/http ok\n"));
        }
    }
    story.push_str("13:10 web1/http crit\n");
    story
}

/// The last lines: what happens to the fourth.
fn check_the_fourth(story: &str, expected: expect_test::Expect) {
    let told = scenario::transcript(site::shop(), story);
    let fourth: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("13:"))
        .collect();
    expected.assert_eq(&fourth.join("\n"));
}

#[test]
fn the_usual_blip_of_an_app_says_how_long_the_next_one_is_waited_for() {
    // Three times it was back after half a minute: the fourth time nobody waits for the two minutes of the class.
    check_the_fourth(
        &three_blips_and(""),
        expect![[r#"
            13:05:10 web1/http held problem until 13:08:10: D-4 of shop is running; a blip is expected, so it is judged again at 2026-03-02T13:08:10Z
            13:05:20 web1/http held problem until 13:07:07: the deadline moved earlier: D-4 has ended
            13:07:07 web1/http released problem: the hold ended: its deadline came
            13:07:07   -> oncall: problem web1/http CRITICAL [suspect d-4 strong, d-3 weak, d-2 weak]
            13:07:07 web1/http sent problem: still CRITICAL; held since 13:05:10 for deploy D-4: its deadline came
            13:10:00 web1/http skipped problem: the next reminder is due at 2026-03-02T13:37:07Z"#]],
    );
}

#[test]
fn it_is_remembered_over_a_restart() {
    check_the_fourth(
        &three_blips_and("12:50 restart\n"),
        expect![[r#"
            13:05:10 web1/http held problem until 13:08:10: D-4 of shop is running; a blip is expected, so it is judged again at 2026-03-02T13:08:10Z
            13:05:20 web1/http held problem until 13:07:07: the deadline moved earlier: D-4 has ended
            13:07:07 web1/http released problem: the hold ended: its deadline came
            13:07:07   -> oncall: problem web1/http CRITICAL [suspect d-4 likely, d-3 possible, d-2 weak]
            13:07:07 web1/http sent problem: still CRITICAL; held since 13:05:10 for deploy D-4: its deadline came
            13:10:00 web1/http skipped problem: the next reminder is due at 2026-03-02T13:37:07Z"#]],
    );
}

#[test]
fn without_habits_the_class_says_how_long() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:05:10 web1/http crit
        10:05:20 deploy finish D-1
        10:10 web1/http crit
        ",
        expect![[r#"
            10:05:10 web1/http held problem until 10:08:10: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:08:10Z
            10:08:10 web1/http released problem: the hold ended: its deadline came
            10:08:10   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:08:10 web1/http sent problem: still CRITICAL; held since 10:05:10 for deploy D-1: its deadline came
            10:10:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:38:10Z
        "#]],
    );
}

#[test]
fn an_app_may_do_without_holds() {
    let mut inventory = site::shop();
    for app in &mut inventory.apps {
        app.hold = false;
    }
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its app does without holds (hold = false)
        "#]],
    );
}

#[test]
fn holds_that_hid_nothing_in_thirty_deploys_are_proposed_for_removal() {
    let mut story = String::from("10:00 web1/http ok\n");
    for at in 0..30 {
        let (hour, minute) = (10 + at / 6, 10 * (at % 6));
        story.push_str(&format!(
            "{hour}:{minute:02}:30 deploy start D-{at} app=shop hosts=web1 actors=ann\n{hour}:{:02} deploy finish D-{at}\n",
            minute + 1
        ));
    }
    story.push_str("16:00 wait\n");
    check(
        &story,
        expect![[r#"
            15:21:00   -> ann quietly: notice web1 UP [none; weak D-29]
        "#]],
    );
}
