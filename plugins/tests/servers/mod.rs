//! Real servers on loopback for the conformance test, each in a file of its own, and the names of their places.

mod certificates;
mod dns;
mod ntp;
mod quiet;
mod smtp;
pub mod spoken;
mod ssh;
mod strange;
mod talkers;
mod web;

use std::collections::BTreeMap;

/// Servers that end when this is dropped.
pub struct Servers {
    dns: dns::Dns,
    ntp: ntp::Ntp,
    quiet: quiet::Quiet,
    smtp: smtp::Smtp,
    ssh: ssh::Ssh,
    strange: strange::Strange,
    talkers: talkers::Talkers,
    web: web::Web,
}

pub fn start() -> Servers {
    let web = web::start();
    Servers {
        dns: dns::start(),
        ntp: ntp::start(),
        quiet: quiet::start(),
        smtp: smtp::start(),
        ssh: ssh::start(),
        strange: strange::start(),
        talkers: talkers::start(web.dir()),
        web,
    }
}

impl Servers {
    /// What stands for `{name}` in a command line.
    pub fn places(&self) -> BTreeMap<String, String> {
        let mut places = BTreeMap::new();
        self.dns.places(&mut places);
        self.ntp.places(&mut places);
        self.quiet.places(&mut places);
        self.smtp.places(&mut places);
        self.ssh.places(&mut places);
        self.strange.places(&mut places);
        self.talkers.places(&mut places);
        self.web.places(&mut places);
        places
    }
}
