//! A random story for a site: what is written to the command pipe, second by second.

use std::collections::BTreeSet;

use crate::{random::Random, site::Site};

/// The commands of each second. `{now}` in them stands for the time at which they are written; `{now+N}` for N seconds
/// later.
pub type Story = Vec<Vec<String>>;

/// A story of so many seconds.
pub fn random(site: &Site, seconds: usize, random: &mut Random) -> Story {
    let mut states = States {
        hosts: vec![0; site.hosts.len()],
        services: vec![0; site.services.len()],
        quiet: BTreeSet::new(),
    };
    // Everything is known before anything is told.
    let mut first = Vec::new();
    for host in &site.hosts {
        first.push(format!("PROCESS_HOST_CHECK_RESULT;{host};0;up at first"));
    }
    for (host, service) in &site.services {
        first.push(format!(
            "PROCESS_SERVICE_CHECK_RESULT;{host};{service};0;fine at first"
        ));
    }
    let mut story = vec![first];
    for second in 1..seconds {
        let mut lines = Vec::new();
        for _ in 0..random.between(1, 4) {
            let line = match random.below(100) {
                0..=58 => states.service(site, second, random),
                59..=76 => states.host(site, second, random),
                _ => command(site, second, &mut states.quiet, random),
            };
            lines.push(line);
        }
        story.push(lines);
    }
    story
}

struct States {
    hosts: Vec<usize>,
    services: Vec<usize>,
    /// When the window of a flexible downtime ends: Nagios' events run a moment early, so a result at that very second
    /// may find it open or closed.
    quiet: BTreeSet<(String, usize)>,
}

/// What stands for a line whose object is better left alone in this second.
const NOTHING: &str = "ENABLE_EVENT_HANDLERS";

impl States {
    /// Results mostly stay as they are, so that attempts are used up, reminders come and flapping is not all there is.
    fn service(&mut self, site: &Site, second: usize, random: &mut Random) -> String {
        let at = random.below(site.services.len());
        if random.percent(40) {
            self.services[at] = *random.pick(&[0, 0, 1, 2, 2, 3]);
        }
        let (host, service) = &site.services[at];
        let code = self.services[at];
        if self.quiet.contains(&(format!("{host};{service}"), second)) {
            return NOTHING.to_owned();
        }
        format!("PROCESS_SERVICE_CHECK_RESULT;{host};{service};{code};said in second {second}")
    }

    fn host(&mut self, site: &Site, second: usize, random: &mut Random) -> String {
        let at = random.below(site.hosts.len());
        if random.percent(45) {
            self.hosts[at] = *random.pick(&[0, 0, 1, 1, 2]);
        }
        let (host, code) = (&site.hosts[at], self.hosts[at]);
        if self.quiet.contains(&(host.clone(), second)) {
            return NOTHING.to_owned();
        }
        format!("PROCESS_HOST_CHECK_RESULT;{host};{code};said in second {second}")
    }
}

fn command(
    site: &Site,
    second: usize,
    quiet: &mut BTreeSet<(String, usize)>,
    random: &mut Random,
) -> String {
    let (word, object) = if random.percent(65) {
        let (host, service) = random.pick(&site.services);
        ("SVC", format!("{host};{service}"))
    } else {
        ("HOST", random.pick(&site.hosts).clone())
    };
    let host = random.pick(&site.hosts).clone();
    let contact = random.pick(&site.contacts).clone();
    let on = if random.percent(60) {
        "ENABLE"
    } else {
        "DISABLE"
    };
    let bit = |random: &mut Random| u8::from(random.percent(50));
    match random.below(20) {
        0..=3 => format!(
            "ACKNOWLEDGE_{word}_PROBLEM;{object};{};{};{};ann;on it",
            random.between(1, 2),
            bit(random),
            bit(random)
        ),
        4 => format!("REMOVE_{word}_ACKNOWLEDGEMENT;{object}"),
        5 | 6 => {
            let start = random.below(4);
            let end = start + random.between(2, 7);
            format!(
                "SCHEDULE_{word}_DOWNTIME;{object};{{now+{start}}};{{now+{end}}};1;0;0;ann;work"
            )
        }
        7 => {
            let last = random.between(3, 9);
            quiet.extend((0..3).map(|more| (object.clone(), second + last + more)));
            let length = random.between(2, 6);
            format!(
                "SCHEDULE_{word}_DOWNTIME;{object};{{now}};{{now+{last}}};0;0;{length};ann;perhaps"
            )
        }
        8 => format!("SCHEDULE_HOST_SVC_DOWNTIME;{host};{{now}};{{now+5}};1;0;0;ann;all of it"),
        9 => {
            let way = random.pick(&["", "_TRIGGERED"]);
            format!(
                "SCHEDULE_AND_PROPAGATE{way}_HOST_DOWNTIME;{host};{{now}};{{now+5}};1;0;0;ann;behind it"
            )
        }
        10 => format!("DEL_DOWNTIME_BY_HOST_NAME;{host}"),
        11 => format!("{on}_{word}_NOTIFICATIONS;{object}"),
        12 => format!("{on}_HOST_SVC_NOTIFICATIONS;{host}"),
        13 => format!("{on}_CONTACT_{word}_NOTIFICATIONS;{contact}"),
        14 => format!("{on}_{word}_FLAP_DETECTION;{object}"),
        15 => format!(
            "SEND_CUSTOM_{word}_NOTIFICATION;{object};{};ann;look at this",
            random.below(8)
        ),
        16 => format!(
            "DELAY_{word}_NOTIFICATION;{object};{{now+{}}}",
            random.below(6)
        ),
        17 => format!(
            "SET_{word}_NOTIFICATION_NUMBER;{object};{}",
            random.below(4)
        ),
        18 => {
            if random.percent(30) {
                format!("{on}_NOTIFICATIONS")
            } else {
                "ENABLE_NOTIFICATIONS".to_owned()
            }
        }
        _ => format!("CLEAR_{word}_FLAPPING_STATE;{object}"),
    }
}

/// Puts the time of writing in.
pub fn at(line: &str, now: i64) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{now") {
        out.push_str(before);
        let (more, after) = after.split_once('}').expect("it is closed");
        let more: i64 = more.trim_start_matches('+').parse().unwrap_or(0);
        out.push_str(&(now + more).to_string());
        rest = after;
    }
    out.push_str(rest);
    out
}
