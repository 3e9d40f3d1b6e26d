//! A random site in Nagios' own language: hosts with parents, services, contacts, dependencies, escalations.

use std::fmt::Write as _;

use crate::random::Random;

/// Which features a random site may use.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    pub parents: bool,
    pub dependencies: bool,
    pub escalations: bool,
}

/// The objects, and the settings that belong to them.
pub struct Site {
    pub hosts: Vec<String>,
    /// Host and description.
    pub services: Vec<(String, String)>,
    pub contacts: Vec<String>,
    /// Objects with escalations, as the log names them.
    pub escalated: Vec<String>,
    /// The text of the object file.
    pub objects: String,
    /// Lines of the main file.
    pub settings: String,
}

/// In seconds: `interval_length` is 1.
const INTERVALS: [usize; 5] = [0, 2, 3, 6, 1000];
const DELAYS: [usize; 5] = [0, 0, 0, 2, 4];

impl Site {
    pub fn random(random: &mut Random) -> Self {
        let features = Features {
            parents: random.percent(60),
            dependencies: random.percent(40),
            escalations: random.percent(40),
        };
        let mut site = Self {
            hosts: (0..random.between(2, 4))
                .map(|at| format!("h{at}"))
                .collect(),
            services: Vec::new(),
            contacts: (0..random.between(1, 3))
                .map(|at| format!("c{at}"))
                .collect(),
            escalated: Vec::new(),
            objects: String::from(FIXED),
            settings: String::new(),
        };
        for (key, chance) in [
            ("passive_host_checks_are_soft", 50),
            ("translate_passive_host_checks", 30),
            ("enable_flap_detection", 70),
            ("soft_state_dependencies", 20),
        ] {
            let _ = writeln!(site.settings, "{key}={}", u8::from(random.percent(chance)));
        }
        for contact in site.contacts.clone() {
            site.contact(&contact, random);
        }
        for at in 0..site.hosts.len() {
            site.host(at, features, random);
        }
        if features.dependencies {
            site.dependencies(random);
        }
        if features.escalations {
            site.escalations(random);
        }
        site
    }

    fn define(&mut self, kind: &str, pairs: &[(&str, String)]) {
        let _ = writeln!(self.objects, "define {kind} {{");
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(self.objects, "    {key} {value}");
        }
        self.objects.push_str("}\n");
    }

    fn contact(&mut self, name: &str, random: &mut Random) {
        self.define(
            "contact",
            &[
                ("contact_name", name.to_owned()),
                ("host_notification_commands", "tell-host".to_owned()),
                ("service_notification_commands", "tell-service".to_owned()),
                ("host_notification_period", "always".to_owned()),
                ("service_notification_period", "always".to_owned()),
                (
                    "host_notification_options",
                    random.letters(&["d", "u", "r", "f", "s"], 80),
                ),
                (
                    "service_notification_options",
                    random.letters(&["w", "u", "c", "r", "f", "s"], 80),
                ),
            ],
        );
    }

    fn common(&self, random: &mut Random) -> Vec<(&'static str, String)> {
        vec![
            ("active_checks_enabled", "0".to_owned()),
            ("passive_checks_enabled", "1".to_owned()),
            ("check_command", "nothing".to_owned()),
            ("check_period", "always".to_owned()),
            ("notification_period", "always".to_owned()),
            ("max_check_attempts", random.between(1, 3).to_string()),
            ("check_interval", "5".to_owned()),
            ("retry_interval", "1".to_owned()),
            ("notification_interval", random.pick(&INTERVALS).to_string()),
            ("first_notification_delay", random.pick(&DELAYS).to_string()),
            ("contacts", random.some(&self.contacts, 70)),
            (
                "flap_detection_enabled",
                u8::from(random.percent(70)).to_string(),
            ),
            (
                "notifications_enabled",
                u8::from(random.percent(95)).to_string(),
            ),
        ]
    }

    fn host(&mut self, at: usize, features: Features, random: &mut Random) {
        let name = self.hosts[at].clone();
        let parents = if features.parents && 0 < at && random.percent(70) {
            random.some(&self.hosts[..at], 50)
        } else {
            String::new()
        };
        let mut pairs = vec![
            ("host_name", name.clone()),
            ("address", "127.0.0.1".to_owned()),
            ("parents", parents),
            (
                "notification_options",
                random.letters(&["d", "u", "r", "f", "s"], 85),
            ),
        ];
        pairs.extend(self.common(random));
        if random.percent(15) {
            pairs.push(("stalking_options", random.letters(&["o", "d", "u"], 60)));
        }
        self.define("host", &pairs);
        for service in 0..random.between(1, 3) {
            let description = format!("s{service}");
            let mut pairs = vec![
                ("host_name", name.clone()),
                ("service_description", description.clone()),
                (
                    "notification_options",
                    random.letters(&["w", "u", "c", "r", "f", "s"], 85),
                ),
                ("is_volatile", u8::from(random.percent(12)).to_string()),
            ];
            pairs.extend(self.common(random));
            if random.percent(15) {
                pairs.push((
                    "stalking_options",
                    random.letters(&["o", "w", "u", "c"], 60),
                ));
            }
            self.define("service", &pairs);
            self.services.push((name.clone(), description));
        }
    }

    fn dependencies(&mut self, random: &mut Random) {
        for _ in 0..random.between(1, 3) {
            let (master, dependent) = (
                random.below(self.services.len()),
                random.below(self.services.len()),
            );
            // Upwards only, so that there are no circles.
            if master < dependent {
                let (master, dependent) = (
                    self.services[master].clone(),
                    self.services[dependent].clone(),
                );
                self.define(
                    "servicedependency",
                    &[
                        ("host_name", master.0),
                        ("service_description", master.1),
                        ("dependent_host_name", dependent.0),
                        ("dependent_service_description", dependent.1),
                        (
                            "notification_failure_criteria",
                            random.letters(&["o", "w", "u", "c"], 50),
                        ),
                        ("inherits_parent", u8::from(random.percent(50)).to_string()),
                    ],
                );
            }
        }
        if random.percent(50) {
            self.define(
                "hostdependency",
                &[
                    ("host_name", self.hosts[0].clone()),
                    ("dependent_host_name", self.hosts[1].clone()),
                    (
                        "notification_failure_criteria",
                        random.letters(&["o", "d", "u"], 50),
                    ),
                ],
            );
        }
    }

    fn escalations(&mut self, random: &mut Random) {
        for _ in 0..random.between(1, 4) {
            let first = random.between(1, 3);
            let last = if random.percent(50) {
                0
            } else {
                first + random.below(3)
            };
            let numbers = [
                ("first_notification", first.to_string()),
                ("last_notification", last.to_string()),
                ("notification_interval", random.pick(&INTERVALS).to_string()),
                ("contacts", random.some(&self.contacts, 50)),
            ];
            if random.percent(50) {
                let (host, service) = random.pick(&self.services).clone();
                self.escalated.push(format!("{host};{service}"));
                let mut pairs = vec![
                    ("host_name", host),
                    ("service_description", service),
                    (
                        "escalation_options",
                        random.letters(&["w", "u", "c", "r"], 80),
                    ),
                ];
                pairs.extend(numbers);
                self.define("serviceescalation", &pairs);
            } else {
                let host = random.pick(&self.hosts).clone();
                self.escalated.push(host.clone());
                let mut pairs = vec![
                    ("host_name", host),
                    ("escalation_options", random.letters(&["d", "u", "r"], 80)),
                ];
                pairs.extend(numbers);
                self.define("hostescalation", &pairs);
            }
        }
    }
}

/// What every site has.
pub const FIXED: &str = "\
define timeperiod {
    timeperiod_name always
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define command {
    command_name nothing
    command_line /bin/true
}
define command {
    command_name tell-host
    command_line /bin/true
}
define command {
    command_name tell-service
    command_line /bin/true
}
";
