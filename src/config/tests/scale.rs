//! Large installations load, and fast enough that nobody minds.

use std::{collections::HashSet, fmt::Write as _, sync::Arc, time::Instant};

use super::{bad, good};

const CONTACT: &str = "[[contact]]\nname = \"oncall\"\nemail = \"a@b.c\"\n[smtp]\nhost = \"h\"\n";

/// `hosts` hosts in one group, with `checks` tables for the group.
pub(super) fn grouped(hosts: usize, checks: usize) -> String {
    let mut text = String::from(CONTACT);
    for at in 0..hosts {
        writeln!(
            text,
            "[[host]]\nname = \"host{at}\"\naddress = \"10.0.0.{}\"\ngroups = [\"all\"]",
            at % 250
        )
        .expect("text");
    }
    for at in 0..checks {
        writeln!(text, "[[check]]\nname = \"check{at}\"\ngroups = [\"all\"]\ncommand = \"check_dummy {at}\"\nevery = \"60s\"\ncontacts = [\"oncall\"]").expect("text");
    }
    text
}

/// `hosts` hosts, each with `each` tables of its own.
pub(super) fn written_out(hosts: usize, each: usize) -> String {
    let mut text = grouped(hosts, 0);
    for at in 0..hosts * each {
        writeln!(
            text,
            "[[check]]\nname = \"check{}\"\nhosts = [\"host{}\"]\ncommand = \"check_http -H $HOSTADDRESS$ -p {at}\"\nevery = \"60s\"\nattempts = 3\ncontacts = [\"oncall\"]",
            at / hosts,
            at % hosts
        )
        .expect("text");
    }
    text
}

#[test]
fn large_installations_load() {
    for (what, text) in [
        ("grouped", grouped(1000, 20)),
        ("written out", written_out(1000, 5)),
    ] {
        let start = Instant::now();
        let loaded = good(&text);
        println!(
            "{what}: {} checks in {:?}",
            loaded.inventory.checks.len(),
            start.elapsed()
        );
        let inventory = &loaded.inventory;
        assert_eq!(inventory.hosts.len(), 1000);
        for (at, check) in inventory.checks.iter().enumerate() {
            let host = inventory.host(check.host);
            assert!(host.checks.contains(&u32::try_from(at).expect("small")));
        }
        let names = |at: usize| (inventory.checks[at].host, &inventory.checks[at].name);
        assert!(
            (1..inventory.checks.len()).all(|at| names(at - 1) < names(at)),
            "sorted, without doubles"
        );
    }
}

#[test]
fn a_thousand_misspelt_names_do_not_take_forever() {
    let mut text =
        written_out(3000, 1).replace("contacts = [\"oncall\"]", "contacts = [\"oncal\"]");
    text = text.replace("hosts = [\"host", "hosts = [\"hots");
    let start = Instant::now();
    let faults = bad(&text);
    assert_eq!(faults.list.len() + faults.more, 6000);
    println!("faults in {:?}", start.elapsed());
}

/// A slip made in every table, as a faulty generator of configurations would, is told in no more time than it
/// takes to read them.
#[test]
fn floods_of_faults_are_counted() {
    let text = written_out(100, 50);
    for (what, from, to) in [
        ("unknown keys", "attempts", "attemps"),
        ("bad durations", "60s", "sixty"),
        ("syntax", "attempts = 3", "attempts = "),
        ("unknown commands", "check_http -H", "check_htpt!"),
        ("no hosts", "hosts = [", "tags = ["),
    ] {
        let start = Instant::now();
        let faults = bad(&text.replace(from, to));
        println!("{what}: {:?}", start.elapsed());
        assert!(
            5000 <= faults.list.len() + faults.more,
            "{what}: {} and {} more",
            faults.list.len(),
            faults.more
        );
        let shown = faults.render(false);
        assert!(shown.contains("faults in the configuration"), "{what}");
    }
}

/// Ten thousand hosts and hundreds of patterns are not looked at one by one.
#[test]
fn patterns_for_hosts_are_found_among_many() {
    let mut text = grouped(10_000, 0);
    for at in 100..400 {
        writeln!(
            text,
            "[[check]]\nname = \"check{at}\"\nhosts = [\"host{at}?\"]\ncommand = \"true\"\ncontacts = [\"oncall\"]"
        )
        .expect("text");
    }
    assert_eq!(good(&text).inventory.checks.len(), 3000);
}

/// What is said once of few tables is said once of many, though two threads build them.
#[test]
fn shared_faults_are_told_once() {
    let command = |at: usize| format!("command = \"check_http -H $HOSTADDRESS$ -p {at}\"");
    let mut text = written_out(100, 60);
    for at in [10, 5990] {
        text = text.replace(&command(at), "command = \"check_htpt!1\"");
    }
    let faults = bad(&text);
    assert_eq!(faults.list.len(), 1, "{}", faults.render(false));
    let faults = bad(&written_out(100, 60).replace("every = \"60s\"", "cron = \"61 * * * *\""));
    assert_eq!(faults.list.len(), 1, "{}", faults.render(false));
}

/// What a site says again and again is kept once, whichever table says it, and whichever of two threads reads that.
#[test]
fn equal_rules_are_shared() {
    // Each host has its own list of contacts, so that each hands down its own values.
    let own = "groups = [\"all\"]\ncontacts = [\"oncall\"]\nremind = \"1h\"";
    let site = |hosts: usize, each: usize| {
        let mut text = grouped(hosts, 0).replace("groups = [\"all\"]", own);
        for at in 0..hosts * each {
            writeln!(
                text,
                "[[check]]\nname = \"check{}\"\nhosts = [\"host{}\"]\ncommand = \"check_dummy {}\"\ncron = \"*/5 * * * *\"\nhandler = \"true\"\nvars = {{ A = 1 }}",
                at % each,
                at / each,
                at % each % 2
            )
            .expect("text");
        }
        text
    };
    let kept = |text: &str| {
        let inventory = good(text).inventory;
        let checks = inventory.checks.iter().map(|check| &check.rule);
        let hosts = inventory.hosts.iter().map(|host| &host.rule);
        let count = |rules: Vec<_>| rules.into_iter().collect::<HashSet<_>>().len();
        (
            count(hosts.map(Arc::as_ptr).collect()),
            count(checks.map(Arc::as_ptr).collect()),
        )
    };
    assert_eq!(kept(&site(10, 5)), (1, 2), "on one thread");
    assert_eq!(kept(&site(1000, 6)), (1, 2), "on two threads");
    // A command line for each check leaves the rest alike: once, or once for each of two threads.
    for text in [written_out(100, 5), written_out(1000, 6)] {
        let inventory = good(&text).inventory;
        let checks = inventory.checks.iter();
        let terms: HashSet<_> = checks.map(|check| Arc::as_ptr(&check.rule.terms)).collect();
        assert!((1..=2).contains(&terms.len()), "{} terms", terms.len());
    }
    for (what, from, to) in [
        ("a command", "check_dummy 1", "check_dummy 2"),
        ("a schedule", "*/5", "*/6"),
        ("a variable", "A = 1", "A = 2"),
        ("something rare", "\"true\"", "\"false\""),
        ("something of its host's", "\"1h\"", "\"2h\""),
    ] {
        let text = site(10, 6);
        let at = text.rfind(from).expect("it is said");
        let other = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        assert_ne!(kept(&other), (1, 2), "{what} of one differs");
    }
}
