//! Runs over a network that loses, delays and doubles.

use super::*;
use crate::icmp::fake::Fake;

fn check(line: &str, fates: &[&[(u64, What)]]) -> Result<Report, Foreign> {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let settings = arguments::read(&args)?;
    let network = Fake::new(fates);
    let to = SocketAddr::from(([10, 0, 0, 1], 0));
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(ping(network, to, &settings))?;
    Ok(match ended {
        Ended::Counted(counts) => settings.say("a", &counts),
        Ended::Failed(why) => failed(why, "a"),
    })
}

const fn reply(millis: u64) -> What {
    What::Reply(Duration::from_millis(millis))
}

const fn error(kind: u8, code: u8) -> What {
    What::Error {
        kind,
        code,
        from: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    }
}

fn say(line: &str, fates: &[&[(u64, What)]]) -> (u8, String) {
    let report = check(line, fates).expect("for us");
    (report.state.code(), report.text)
}

#[test]
fn a_lost_packet_is_made_up_for() {
    // As `ping -w`, it sends a third one, and ends when two were replied to.
    assert_eq!(
        say(
            "-H a -p 2 -t 10 -w 100,20% -c 500,60%",
            &[&[(1, reply(1))], &[], &[(1, reply(2))]]
        ),
        (
            1,
            "PING WARNING - Packet loss = 33%, RTA = 1.50 ms\
             |rta=1.500000ms;100.000000;500.000000;0.000000 pl=33%;20;60;0;"
                .to_owned()
        )
    );
}

#[test]
fn the_deadline_ends_it() {
    let begun = Instant::now();
    assert_eq!(
        say("-H a -p 1 -t 1 -w 0,20% -c 500,60%", &[]),
        (
            2,
            "PING CRITICAL - Packet loss = 100%| rta=U;0.000000;500.000000;; pl=100%;20;60;0;"
                .to_owned()
        )
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn duplicates_warn_and_late_replies_count() {
    // The first packet's second reply comes while the second is waited for, and so does the reply that is late.
    let (code, text) = say(
        "-H a -p 2 -w 5000,20% -c 6000,60%",
        &[&[(1, reply(1)), (2, reply(3))], &[(1, reply(2))]],
    );
    assert_eq!(code, 1);
    assert!(
        text.starts_with("PING WARNING - DUPLICATES FOUND! Packet loss = 0%, RTA = 2.00 ms|"),
        "{text}"
    );
    let (code, text) = say(
        "-H a -p 2 -w 5000,80% -c 6000,90%",
        &[&[(1100, reply(1100))], &[(500, reply(500))]],
    );
    assert_eq!(code, 0);
    assert!(
        text.starts_with("PING OK - Packet loss = 0%, RTA = 800.00 ms|"),
        "{text}"
    );
}

#[test]
fn errors_in_the_real_ones_words() {
    let line = "-H a -p 1 -w 100,20% -c 500,60%";
    for (kind, code, text) in [
        (3, 0, "CRITICAL - Network Unreachable (a)"),
        (3, 1, "CRITICAL - Host Unreachable (a)"),
        (3, 3, "CRITICAL - Bogus ICMP: Port Unreachable (a)"),
        (3, 13, "CRITICAL - Packet Filtered (a)"),
        (11, 0, "CRITICAL - Time to live exceeded (a)"),
    ] {
        assert_eq!(
            say(line, &[&[(1, error(kind, code))]]),
            (2, text.to_owned()),
            "{kind} {code}"
        );
    }
    for (kind, code) in [(3, 4), (3, 7), (4, 0), (12, 0)] {
        let said = check(line, &[&[(1, error(kind, code))]]);
        assert!(matches!(said, Err(Foreign::Unhandled(_))), "{kind} {code}");
    }
    assert_eq!(error_text(Version::V6, 1, 3), Some("Host Unreachable"));
    assert_eq!(error_text(Version::V6, 3, 0), Some("Time to live exceeded"));
    assert_eq!(error_text(Version::V6, 2, 0), None);
}

#[test]
fn ipv6_where_a_name_has_it() {
    let both: Vec<SocketAddr> = ["127.0.0.1:0", "[::1]:0"]
        .iter()
        .map(|address| address.parse().expect("an address"))
        .collect();
    assert_eq!(pick(&both, Family::Any), Some(both[1]));
    assert_eq!(pick(&both[..1], Family::Any), Some(both[0]));
    assert_eq!(pick(&[], Family::Any), None);
}
