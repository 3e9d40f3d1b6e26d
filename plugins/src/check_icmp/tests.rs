//! Runs over a network that loses, delays and doubles.

use super::*;
use crate::icmp::fake::Fake;

fn check(name: &str, line: &str, fates: &[&[(u64, What)]]) -> Result<Report, Foreign> {
    check_over(name, line, Fake::new(fates))
}

fn check_over(name: &str, line: &str, network: Fake) -> Result<Report, Foreign> {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let settings = read(name, &args)?;
    let hosts = settings
        .hosts
        .iter()
        .map(|host| Host::new(host, host.parse().expect("an address")))
        .collect();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(Checking::new(&settings, network, hosts).run())
}

fn words(report: Result<Report, Foreign>) -> String {
    let report = report.expect("for us");
    report
        .text
        .split('|')
        .next()
        .expect("a first part")
        .to_owned()
}

const REPLY: What = What::Reply(Duration::from_millis(1));

fn error(kind: u8, code: u8) -> What {
    What::Error {
        kind,
        code,
        from: "10.0.0.1".parse().expect("an address"),
    }
}

#[test]
fn losses_are_counted() {
    let said = check(
        "check_icmp",
        "10.1.1.1 -n 5 -i 5 -c 20,80%",
        &[&[(1, REPLY)], &[], &[(1, REPLY)], &[], &[(1, REPLY)]],
    );
    assert_eq!(words(said), "WARNING - 10.1.1.1: rta 1.000ms, lost 40%");
}

#[test]
fn a_late_reply_counts_until_the_end_and_not_beyond() {
    let line = "10.1.1.1 -n 1 -i 10 -c 50,80%";
    let late = check("check_icmp", line, &[&[(80, REPLY)]]);
    assert_eq!(words(late), "OK - 10.1.1.1: rta 1.000ms, lost 0%");
    let begun = Instant::now();
    let too_late = check("check_icmp", line, &[&[(60_000, REPLY)]]);
    assert_eq!(words(too_late), "CRITICAL - 10.1.1.1: rta nan, lost 100%");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_timeout_ends_it() {
    let begun = Instant::now();
    let said = check("check_icmp", "10.1.1.1 -n 20 -i 60s -t 1", &[&[]]);
    assert_eq!(words(said), "CRITICAL - 10.1.1.1: rta nan, lost 100%");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_error_ends_a_host_and_not_the_others() {
    let said = check(
        "check_icmp",
        "10.1.1.1 10.1.1.2 -n 2 -i 5 -m 1",
        &[&[(1, error(3, 1))], &[(1, REPLY)], &[(1, REPLY)]],
    );
    let report = said.expect("for us");
    assert_eq!(report.state, State::Ok);
    assert!(
        report.text.starts_with(
            "OK - 10.1.1.1: Host unreachable @ 10.0.0.1. rta nan, lost 100% :: 10.1.1.2: rta 1.000ms, lost 0%|10.1.1.1rta="
        ),
        "{}",
        report.text
    );
}

#[test]
fn a_host_check_ends_with_the_first_word() {
    let said = check("check_host", "10.1.1.1", &[&[(1, REPLY)]]).expect("for us");
    assert_eq!(
        said.text,
        "OK - 10.1.1.1 responds to ICMP. Packet 1, rta 1.000ms|pkt=1;;;0;5 rta=1.000;1000.000;1000.000;;"
    );
    let said = check("check_host", "10.1.1.1", &[&[(1, error(3, 13))]]);
    assert_eq!(
        words(said),
        "CRITICAL - 10.1.1.1: Prohibited by filter (firewall) @ 10.0.0.1. rta nan, lost 100%"
    );
}

#[test]
fn duplicates_and_quench_are_for_the_real_one() {
    for fate in [&[(1, REPLY), (1, REPLY)][..], &[(1, error(4, 0))]] {
        let said = check("check_icmp", "10.1.1.1 -n 3 -i 20", &[fate, &[]]);
        assert!(matches!(said, Err(Foreign::Unhandled(_))), "{said:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_lost_unless_it_is_our_own_doing() {
    let refusing = |kind| {
        let mut network = Fake::new(&[]);
        network.refusal = Some(kind);
        check_over("check_icmp", "10.1.1.1 -n 2", network)
    };
    let said = refusing(io::ErrorKind::NetworkUnreachable);
    assert_eq!(words(said), "CRITICAL - 10.1.1.1: rta nan, lost 100%");
    for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::Other] {
        assert!(matches!(refusing(kind), Err(Foreign::Unhandled(_))));
    }
}

#[test]
fn what_it_takes() {
    for line in [
        "",
        "-n 21 a",
        "-m -5 a",
        "-b 51 a",
        "-b 65508 a",
        "-4 -6 a",
        "-w 5 a",
        "-s b a",
        "-v a",
        "-x a",
        "--help",
        "-H",
    ] {
        assert!(check("check_icmp", line, &[]).is_err(), "{line}");
    }
}
