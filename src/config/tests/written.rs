//! Where it is written who is told: the same places as `config show` finds by reading the files again.

use std::{fmt::Write as _, path::Path};

use expect_test::expect;

use super::{super::show, good};
use crate::domain::model::{
    deploy::Risk,
    objects::{ContactIx, ObjIx},
    written::KEYS,
};

const SITE: &str = r#"
[defaults]
contacts = ["ann"]
attempts = 2
[defaults.host]
states = ["down"]
use = ["calm"]
[[template]]
name = "calm"
remind = "2h"
first_delay = "5m"
[[template]]
name = "loud"
use = ["calm"]
remind = "5m"
[[contact]]
name = "ann"
email = "ann@example.org"
[[contact]]
name = "bob"
email = "bob@example.org"
[[host]]
name = "web1"
contacts = ["bob"]
[[host]]
name = "web2"
[[check]]
name = "http"
command = "check_dummy 0"
hosts = ["web1", "web2"]
use = ["loud"]
states = ["critical"]
[[check]]
name = "load"
command = "check_dummy 0"
hosts = ["web1", "web2"]
[deploys.class.low]
hold = { critical = "1m" }
[smtp]
host = "mail.example.org"
from = "deploywatch@example.org"
"#;

/// For each object and key both places are the same; answers all of them.
fn agreed(loaded: &super::super::Loaded) -> String {
    let inventory = &loaded.inventory;
    let mut text = String::new();
    let objects = inventory.hosts.len() + inventory.checks.len();
    for at in 0..u32::try_from(objects).expect("few") {
        let obj = ObjIx(at);
        let name = inventory.name(obj).to_string();
        let host = (!inventory.is_host(obj)).then(|| inventory.host_ix(obj));
        let shown = show(loaded, &name).expect("known");
        for key in KEYS {
            let noted = inventory.written.key(obj, host, key).expect("from files");
            let value = shown.iter().find(|value| value.key == key);
            let wanted = match value.and_then(|value| Some((value.file.as_ref()?, value.line))) {
                Some((file, line)) => format!("{key}, {file}:{line}"),
                None => format!("{key}, by default"),
            };
            assert_eq!(noted, wanted, "{name}");
            if value.is_some_and(|value| value.file.is_some()) {
                let _ = writeln!(text, "{name}: {noted}");
            }
        }
    }
    text
}

#[test]
fn each_decisive_key_has_its_file_and_line() {
    let loaded = good(SITE);
    expect![[r#"
        web1: contacts, deploywatch.toml:24
        web1: first_delay, deploywatch.toml:11
        web1: remind, deploywatch.toml:10
        web1: states, deploywatch.toml:6
        web2: first_delay, deploywatch.toml:11
        web2: remind, deploywatch.toml:10
        web2: states, deploywatch.toml:6
        web1/http: attempts, deploywatch.toml:4
        web1/http: contacts, deploywatch.toml:24
        web1/http: first_delay, deploywatch.toml:11
        web1/http: remind, deploywatch.toml:15
        web1/http: states, deploywatch.toml:32
        web1/load: attempts, deploywatch.toml:4
        web1/load: contacts, deploywatch.toml:24
        web1/load: remind, deploywatch.toml:10
        web2/http: attempts, deploywatch.toml:4
        web2/http: contacts, deploywatch.toml:3
        web2/http: first_delay, deploywatch.toml:11
        web2/http: remind, deploywatch.toml:15
        web2/http: states, deploywatch.toml:32
        web2/load: attempts, deploywatch.toml:4
        web2/load: contacts, deploywatch.toml:3
        web2/load: remind, deploywatch.toml:10
    "#]]
    .assert_eq(&agreed(&loaded));
    let written = &loaded.inventory.written;
    expect![[r#"
        Some("hold of [deploys.class.low], deploywatch.toml:38")
        Some("hold of [deploys.class.high], by default")
        [Some("deploywatch.toml:16"), Some("deploywatch.toml:19")]
    "#]]
    .assert_eq(&format!(
        "{:?}\n{:?}\n{:?}\n",
        written.hold(Risk::Low),
        written.hold(Risk::High),
        (0..2)
            .map(|at| written.contact(ContactIx(at)))
            .collect::<Vec<_>>(),
    ));
}

#[test]
fn objects_without_own_keys_share_what_is_noted() {
    let mut site = SITE.to_owned();
    for number in 0..500 {
        let _ = write!(
            site,
            "[[check]]\nname = \"c{number}\"\ncommand = \"check_dummy 0\"\nhosts = [\"web1\", \"web2\"]\n"
        );
    }
    let loaded = good(&site);
    assert!(1000 < loaded.inventory.written.checks.len());
    assert!(loaded.inventory.written.sets.len() < 10);
}

#[test]
fn the_examples_agree() {
    let mut all = String::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["small-site", "watching-itself", "routes", "on-call"] {
        let path = examples.join(name).join("deploywatch.toml");
        let loaded = super::super::load_with(&path, super::super::Secrets::Skip)
            .unwrap_or_else(|faults| panic!("{}", faults.render(false)));
        all.push_str(&agreed(&loaded));
    }
    assert!(all.contains("deploywatch/canary: contacts, "), "{all}");
}
