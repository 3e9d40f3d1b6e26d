//! Certificates that sign themselves, with the ends that a check may find.

use std::{path::Path, time::Duration};

use rcgen::{CertificateParams, DnType, KeyPair};

const DAY: i64 = 86_400;

/// Writes `NAME.pem` and `NAME.key`: `from` and `until` are seconds from now.
fn write(dir: &Path, name: &str, from: i64, until: i64) {
    let mut params = CertificateParams::new(vec![format!("{name}.example")]).expect("a name");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "deploywatch");
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{name}.example"));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let at = |offset: i64| {
        rcgen::date_time_ymd(1970, 1, 1)
            + Duration::from_secs(now.checked_add_signed(offset).expect("a time"))
    };
    params.not_before = at(from);
    params.not_after = at(until);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).expect("written");
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).expect("written");
}

/// Names of certificates, and the seconds that they have left; half a day more than whole ones, so that nobody is near a
/// day's end.
pub const ENDS: [(&str, i64); 5] = [
    ("good", 100 * DAY + 43_200),
    ("soon", 10 * DAY + 43_200),
    ("today", 5 * 3600 + 1800),
    ("expired", -3 * DAY),
    ("notyet", 400 * DAY + 43_200),
];

pub fn write_all(dir: &Path) {
    for (name, left) in ENDS {
        let from = if name == "notyet" {
            200 * DAY
        } else {
            -30 * DAY
        };
        write(dir, name, from, left);
    }
    write(dir, "sni", -1, 50 * DAY + 43_200);
    write(dir, "client", -1, 50 * DAY + 43_200);
    write(dir, "other", -1, 50 * DAY + 43_200);
}
