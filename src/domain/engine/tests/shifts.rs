//! Numbers that get worse with a deploy though every state stays OK.

use expect_test::{Expect, expect};

use super::{
    scenario::{Play, at},
    site,
};
use crate::domain::model::{
    deploy::Regressions,
    objects::{Inventory, Schedule},
};

/// Results once a minute, `from` to `until` minutes after ten, on each of `hosts`; a little noise rides on `value`.
fn minutes(
    hosts: &[&str],
    (from, until): (u32, u32),
    label: &str,
    value: f64,
    unit: &str,
) -> String {
    let mut lines = String::new();
    for minute in from..until {
        for (at, host) in (0_u32..).zip(hosts) {
            let value = value * (1.0 + f64::from((minute * 7 + at * 3) % 5) / 100.0);
            lines.push_str(&format!(
                "{}:{:02} {host}/http ok fine | {label}={value:.4}{unit}\n",
                10 + minute / 60,
                minute % 60
            ));
        }
    }
    lines
}

fn time(hosts: &[&str], span: (u32, u32), value: f64) -> String {
    minutes(hosts, span, "time", value, "s")
}

/// A good result of every other check of the app shortly before each bake of these tales ends: only the numbers decide.
fn all_else(inventory: &Inventory) -> String {
    let mut lines = String::new();
    for name in inventory.objects().map(|obj| inventory.name(obj)) {
        let Some(check) = name.check.as_deref().filter(|check| *check != "http") else {
            continue;
        };
        if name.host.starts_with("web") {
            for clock in ["10:50:30", "11:35:30"] {
                lines.push_str(&format!("{clock} {}/{check} ok fine\n", name.host));
            }
        }
    }
    lines
}

/// Plays what is told, in the order of time; answers what is known of D-417 then.
#[track_caller]
fn plays(inventory: Inventory, parts: &[String], expected: Expect) -> Play {
    let measured = all_else(&inventory);
    let mut lines: Vec<&str> = parts
        .iter()
        .chain([&measured])
        .flat_map(|part| part.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort_by_key(|line| at(line.split(' ').next().expect("a time")));
    let mut play = Play::new(inventory);
    for line in lines {
        play.line(line);
    }
    let view = play.engine.status_view(at("12:00"));
    for deploy in view.deploys.iter().rev() {
        play.transcript.push_str(&format!(
            "{}: {} ({}) {:?}\n",
            deploy.id,
            deploy.verdict.as_deref().unwrap_or("no verdict"),
            deploy.verdict_why.first().map_or("", String::as_str),
            deploy.shifts
        ));
    }
    expected.assert_eq(&play.transcript);
    play
}

const ALL: &[&str] = &["web1", "web2", "web3"];

fn deploy(hosts: &str) -> String {
    format!(
        "10:20 deploy start D-417 app=shop hosts={hosts} actors=ann
         10:21 deploy finish D-417
         10:59 wait"
    )
}

#[test]
fn an_app_in_a_cluster_is_compared_where_its_checks_are() {
    let before = minutes(&["search1"], (0, 30), "time", 0.12, "s");
    let after = minutes(&["search1"], (33, 70), "time", 0.48, "s");
    let words = "
        10:30 deploy start D-417 app=search version=2.1 actors=ann
        10:32 deploy finish D-417
        ";
    plays(
        site::search_in_a_cluster(),
        &[before, after, words.to_owned()],
        expect![[r#"
            10:39:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on search1/http, 1 of 1 updated, no others to compare with
            10:39:10 search1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on search1/http, 1 of 1 updated, no others to compare with
            10:39:10   -> ann quietly: notice search UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on search1/http, 1 of 1 updated, no others to compare with
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on search1/http, 1 of 1 updated, no others to compare with"]
        "#]],
    );
}

#[test]
fn four_times_as_slow_on_what_was_updated_and_nowhere_else() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(&["web1"], (20, 59), 0.48),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others"]
        "#]],
    );
}

#[test]
fn a_shift_of_the_whole_fleet_is_not_the_deploys() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(ALL, (20, 59), 0.48),
        ],
        expect![[r#"
            D-417: clean (5 measured after its end, and nothing is put down to it) []
        "#]],
    );
}

#[test]
fn without_others_before_and_after_must_do() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1,web2,web3"),
            time(ALL, (20, 59), 0.48),
        ],
        expect![[r#"
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with
            10:28:10 web2/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with
            10:28:10 web3/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http and 2 more, 3 of 3 updated, no others to compare with"]
        "#]],
    );
}

#[test]
fn a_shift_that_went_away_is_taken_back() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(&["web1"], (20, 44), 0.48),
            time(&["web1"], (44, 59), 0.12),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:51:00 shift D-417: time of http: was worse after D-417 and is so no longer
            D-417: clean (5 measured after its end, and nothing is put down to it) ["time of http: was worse after D-417 and is so no longer"]
        "#]],
    );
}

#[test]
fn a_slow_start_alone_is_nothing() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(&["web1"], (20, 24), 0.9),
            time(&["web1"], (24, 59), 0.12),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            D-417: clean (5 measured after its end, and nothing is put down to it) []
        "#]],
    );
}

#[test]
fn missing_numbers_are_no_good_news() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            // It answers, but without a number.
            (24..58)
                .map(|minute| format!("10:{minute} web1/http ok fine\n"))
                .collect(),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            10:51:00 shift D-417: time of http: too little to compare on 1 of 1 updated (0 values since D-417, 5 needed)
            D-417: inconclusive (1 of its numbers stopped coming: time of http) ["time of http: too little to compare on 1 of 1 updated (0 values since D-417, 5 needed)"]
        "#]],
    );
}

#[test]
fn too_little_before_says_nothing_at_all() {
    plays(
        site::shop(),
        &[
            time(ALL, (15, 20), 0.12),
            deploy("web1"),
            time(ALL, (20, 59), 0.48),
        ],
        expect![[r#"
            10:51:00 shift D-417: time of http: not compared (5 values before D-417, 29 after; 8 and 5 needed)
            D-417: clean (5 measured after its end, and nothing is put down to it) ["time of http: not compared (5 values before D-417, 29 after; 8 and 5 needed)"]
        "#]],
    );
}

#[test]
fn milliseconds_are_seconds_and_bytes_mean_nothing() {
    plays(
        site::shop(),
        &[
            minutes(ALL, (0, 20), "time", 0.12, "s"),
            deploy("web1"),
            minutes(&["web1"], (20, 59), "time", 120.0, "ms"),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            D-417: clean (5 measured after its end, and nothing is put down to it) []
        "#]],
    );
    plays(
        site::shop(),
        &[
            minutes(ALL, (0, 20), "size", 1.0, "MB"),
            deploy("web1"),
            minutes(&["web1"], (20, 59), "size", 900.0, "MB"),
        ],
        expect![[r#"
            D-417: clean (5 measured after its end, and nothing is put down to it) []
        "#]],
    );
}

#[test]
fn each_host_is_judged_from_its_own_step() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 15), 0.12),
            "10:15 deploy start D-417 app=shop actors=ann
             10:15:30 deploy step D-417 hosts=web1
             10:30:30 deploy step D-417 hosts=web2
             10:45:30 deploy finish D-417
             11:20 wait"
                .to_owned(),
            time(&["web1"], (15, 79), 0.36),
            time(&["web2"], (15, 31), 0.12),
            time(&["web2"], (31, 79), 0.36),
            time(&["web3"], (15, 79), 0.12),
        ],
        expect![[r#"
            10:22:40 shift D-417: time 0.12 s to 0.37 s (3.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:22:40 web1/http sent notice: time 0.12 s to 0.37 s (3.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:22:40   -> ann quietly: notice shop UP [none; weak D-417]
                       | time 0.12 s to 0.37 s (3.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.37 s (3.0 times) since D-417 on web1/http and 1 more, 2 of 2 updated, 0 of 1 others"]
        "#]],
    );
}

#[test]
fn the_next_deploy_answers_for_itself() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 30), 0.12),
            deploy("web1"),
            "10:31 deploy start D-418 app=shop hosts=web1 actors=ann
             10:31:30 deploy finish D-418
             11:20 wait"
                .to_owned(),
            time(&["web1"], (32, 79), 0.48),
            time(&["web2", "web3"], (30, 79), 0.12),
        ],
        expect![[r#"
            10:38:40 shift D-418: time 0.12 s to 0.49 s (4.0 times) since D-418 on web1/http, 1 of 1 updated, 0 of 2 others
            10:38:40 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-418 on web1/http, 1 of 1 updated, 0 of 2 others
            10:38:40   -> ann quietly: notice web1 UP [none; weak D-418]
                       | time 0.12 s to 0.49 s (4.0 times) since D-418 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: clean (5 measured after its end, and nothing is put down to it) []
            D-418: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-418 on web1/http, 1 of 1 updated, 0 of 2 others"]
        "#]],
    );
}

#[test]
fn a_page_where_one_is_wanted_and_nothing_where_none_is() {
    let story = [
        time(ALL, (0, 20), 0.12),
        deploy("web1"),
        time(&["web1"], (20, 59), 0.48),
        time(&["web2", "web3"], (20, 59), 0.12),
    ];
    let mut page = site::shop();
    page.apps[1].regressions = Regressions::Page;
    plays(
        page,
        &story,
        expect![[r#"
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> oncall: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others"]
        "#]],
    );
    let mut off = site::shop();
    off.apps[1].regressions = Regressions::Page;
    site::rare_of(&mut off, "web1/http").regressions = Some(Regressions::Off);
    plays(
        off,
        &story,
        expect![[r#"
            D-417: clean (5 measured after its end, and nothing is put down to it) []
        "#]],
    );
}

#[test]
fn a_downtime_keeps_the_page_back_but_not_the_note() {
    let mut page = site::shop();
    page.apps[1].regressions = Regressions::Page;
    plays(
        page,
        &[
            time(ALL, (0, 20), 0.12),
            "10:19:30 downtime web1/http 2h".to_owned(),
            deploy("web1"),
            time(&["web1"], (20, 59), 0.48),
            time(&["web2", "web3"], (20, 59), 0.12),
        ],
        expect![[r#"
            10:19:30   -> oncall: downtime-start web1/http OK
            10:19:30 web1/http sent downtime-start: downtime-start by bob
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others"]
        "#]],
    );
}

#[test]
fn a_restart_forgets_the_numbers_and_keeps_what_was_found() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(&["web1"], (20, 59), 0.48),
            time(&["web2", "web3"], (20, 59), 0.12),
            "10:40:30 restart".to_owned(),
        ],
        expect![[r#"
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10 web1/http sent notice: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others
            D-417: regressed (1 got worse with it: time of http) ["time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, 0 of 2 others"]
        "#]],
    );
}

#[test]
fn nothing_is_kept_of_what_measures_no_app() {
    let mut bare = site::shop();
    for host in &mut bare.hosts {
        host.apps.clear();
    }
    let play = plays(bare, &[time(ALL, (0, 50), 0.12)], expect![[""]]);
    assert!(
        format!("{:?}", play.engine).contains("numbers: Numbers { series: {}, baselines: {} }")
    );
    // A reload keeps them by name.
    let mut play = Play::new(site::shop());
    for line in time(ALL, (0, 50), 0.12).lines() {
        play.line(line);
    }
    play.line("10:50 without cache1");
    let kept = format!("{:?}", play.engine);
    assert_eq!(kept.matches("Series { label: \"time\"").count(), 3);
}

#[test]
fn what_a_restart_made_impossible_to_compare_is_said() {
    plays(
        site::shop(),
        &[
            time(ALL, (0, 20), 0.12),
            deploy("web1"),
            time(ALL, (20, 59), 0.12),
            "10:22:30 restart".to_owned(),
        ],
        expect![[r#"
            10:51:00 shift D-417: time of http: not compared (0 values before D-417, 29 after; 8 and 5 needed)
            D-417: clean (5 measured after its end, and nothing is put down to it) ["time of http: not compared (0 values before D-417, 29 after; 8 and 5 needed)"]
        "#]],
    );
}

#[test]
fn one_note_for_many_numbers() {
    let all = |span: (u32, u32), value: f64| -> String {
        let lines = time(&["web1"], span, value);
        lines
            .lines()
            .map(|line| {
                format!(
                    "{line} connect={value}s errors={}\n",
                    (value * 10.0).round()
                )
            })
            .collect()
    };
    plays(
        site::shop(),
        &[all((0, 20), 0.12), deploy("web1"), all((20, 59), 0.48)],
        expect![[r#"
            10:28:10 shift D-417: connect 0.12 s to 0.48 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
            10:28:10 shift D-417: errors 1 to 5 (5.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
            10:28:10 shift D-417: time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
            10:28:10 web1/http sent notice: 3 numbers got worse since D-417
            10:28:10   -> ann quietly: notice web1 UP [none; weak D-417]
                       | connect 0.12 s to 0.48 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
                       | errors 1 to 5 (5.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
                       | time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with
            D-417: regressed (3 got worse with it: connect of http, errors of http, time of http) ["connect 0.12 s to 0.48 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with", "errors 1 to 5 (5.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with", "time 0.12 s to 0.49 s (4.0 times) since D-417 on web1/http, 1 of 1 updated, no others to compare with"]
        "#]],
    );
}

#[test]
fn memory_is_bounded() {
    let many: String = (0..40).map(|at| format!(" time{at}=1s")).collect();
    let mut play = Play::new(site::shop());
    for minute in 0..59 {
        play.line(&format!("10:{minute:02} web1/http ok fine |{many}"));
    }
    let kept = format!("{:?}", play.engine);
    assert_eq!(kept.matches("Series { label:").count(), 8);
    assert_eq!(kept.matches(", 1.0)").count(), 8 * 30);
}

#[test]
fn a_check_too_slow_for_the_bake_is_said_and_decides_nothing() {
    let mut slow = site::shop();
    site::rule_of(&mut slow, "web1/http").schedule =
        Schedule::Every(std::time::Duration::from_secs(900));
    let seldom = |span: std::ops::Range<u32>, value: f64| -> String {
        span.step_by(15)
            .map(|minute| {
                let (hour, minute) = (8 + minute / 60, minute % 60);
                format!("{hour:02}:{minute:02} web1/http ok fine | time={value}s\n")
            })
            .collect()
    };
    plays(
        slow,
        &[
            seldom(60..190, 0.1),
            "11:05 deploy start D-417 app=shop hosts=web1
             11:06 deploy finish D-417
             11:50 wait"
                .to_owned(),
            seldom(195..225, 0.4),
        ],
        expect![[r#"
            11:36:00 shift D-417: time of http: not compared (9 values before D-417, 2 after; 8 and 5 needed)
            D-417: clean (5 measured after its end, and nothing is put down to it) ["time of http: not compared (9 values before D-417, 2 after; 8 and 5 needed)"]
        "#]],
    );
}
