//! Shipped check packs and examples load as they are, and mean what their comments say.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use deploywatch::{
    base::time::Timestamp,
    config::{self, Loaded},
    domain::model::{
        deploy::ClassRules,
        objects::{ChannelKind, Inventory, ObjIx, Schedule},
        state::ObjectName,
    },
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(path: &str) -> Loaded {
    config::load(&root().join(path)).unwrap_or_else(|faults| panic!("{path}:\n{faults}"))
}

/// A site of one host and one contact that includes a pack.
fn with_pack(pack: &str, host: &str) -> Loaded {
    let site = format!(
        "include = [\"checks/{pack}.toml\"]\n[smtp]\nfrom = \"a@example.org\"\n\
         [[contact]]\nname = \"oncall\"\nemail = \"a@example.org\"\n\
         [[host]]\nname = \"h1\"\naddress = \"192.0.2.1\"\ncontacts = [\"oncall\"]\n{host}\n"
    );
    let loaded =
        config::load_text(&site, root()).unwrap_or_else(|faults| panic!("{pack}:\n{faults}"));
    assert_eq!(loaded.render_warnings(false), "", "{pack}");
    loaded
}

fn find(inventory: &Inventory, name: &str) -> ObjIx {
    let (host, check) = name
        .split_once('/')
        .map_or((name, None), |(host, check)| (host, Some(check)));
    let name = ObjectName {
        host: host.into(),
        check: check.map(Into::into),
    };
    inventory
        .find(&name)
        .unwrap_or_else(|| panic!("no {name:?}"))
}

fn checks(inventory: &Inventory, host: &str) -> BTreeSet<String> {
    let host = inventory.find_host(host).expect("a host");
    inventory
        .checks_of(host)
        .filter_map(|obj| inventory.check(obj))
        .map(|check| check.name.to_string())
        .collect()
}

fn line(inventory: &Inventory, name: &str) -> String {
    let rule = inventory.rule(find(inventory, name));
    let command = rule.command.as_ref().expect("a command");
    // As the daemon does it, only plainer.
    (1..)
        .zip(&command.args)
        .fold(command.line.to_string(), |line, (at, arg)| {
            line.replace(&format!("$ARG{at}$"), arg)
        })
}

#[test]
fn the_linux_pack_watches_a_linux_host() {
    let Loaded { inventory, .. } = with_pack("linux-host", "use = \"linux-host\"");
    let all = [
        "disk", "load", "ntp", "procs", "ssh", "swap", "updates", "users", "zombies",
    ];
    assert_eq!(
        checks(&inventory, "h1"),
        all.into_iter().map(str::to_owned).collect()
    );
    assert_eq!(
        line(&inventory, "h1"),
        "check_ping -H $HOSTADDRESS$ -w 500,60% -c 2000,100% -p 3"
    );
    for check in all {
        let name = format!("h1/{check}");
        let line = line(&inventory, &name);
        assert!(!line.contains("$ARG"), "{name} lacks an argument: {line}");
        assert_eq!(line.matches('\'').count() % 2, 0, "{name}: {line}");
        let rule = inventory.rule(find(&inventory, &name));
        assert_eq!(rule.notify.contacts.len(), 1, "{name} tells nobody");
        // The plugin gives up first and says why; the daemon's own deadline is the last resort.
        if let Some(own) = line
            .split(" -t ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next()?.parse().ok())
        {
            assert!(Duration::from_secs(own) < rule.timeout, "{name}: {line}");
        }
    }
    assert!(line(&inventory, "h1/load").ends_with("check_load -r -w 4,3,2 -c 8,6,4'"));
    assert!(inventory.rule(find(&inventory, "h1/disk")).always_page);
    assert!(matches!(
        inventory.rule(find(&inventory, "h1/updates")).schedule,
        Schedule::Cron(_)
    ));
}

#[test]
fn a_check_of_a_pack_gives_way_to_the_hosts_own() {
    let own = "use = \"linux-host\"\n[[check]]\nname = \"load\"\nhosts = [\"h1\"]\nuse = \"linux-inside\"\n\
               command = \"linux-load!16,12,8!32,24,16\"";
    let Loaded { inventory, .. } = with_pack("linux-host", own);
    assert!(line(&inventory, "h1/load").ends_with("check_load -r -w 16,12,8 -c 32,24,16'"));
    assert_eq!(checks(&inventory, "h1").len(), 9);
}

#[test]
fn the_pack_of_this_host_needs_no_ssh() {
    let Loaded { inventory, .. } = with_pack("this-host", "groups = [\"this-host\"]");
    assert_eq!(
        checks(&inventory, "h1").into_iter().collect::<Vec<_>>(),
        ["disk", "load", "memory", "ntp"]
    );
    for check in checks(&inventory, "h1") {
        assert!(!line(&inventory, &format!("h1/{check}")).contains("ssh"));
    }
}

#[test]
fn each_pack_has_been_thought_of_here() {
    let packs = fs::read_dir(root().join("checks")).expect("packs");
    let names: BTreeSet<String> = packs
        .map(|pack| {
            pack.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["linux-host.toml", "this-host.toml"]
    );
}

#[test]
fn the_first_page_takes_twenty_lines() {
    let loaded = load("examples/first-page.toml");
    assert_eq!(loaded.render_warnings(false), "");
    let rule = loaded.inventory.rule(find(&loaded.inventory, "web1/http"));
    assert_eq!(
        (rule.attempts, rule.retry, rule.notify.contacts.len()),
        (2, Duration::from_secs(10), 1)
    );
    assert!(
        loaded.settings.plugin_dirs[0]
            .join("check_webapp")
            .is_file()
    );
    let text = fs::read_to_string(root().join("examples/first-page.toml")).expect("the example");
    let settings = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(settings.count() <= 22);
}

#[test]
fn the_small_site_loads_without_doubts() {
    let Loaded {
        inventory,
        settings,
        warnings,
        ..
    } = load("examples/small-site/deploywatch.toml");
    // A checkout cannot keep files private; all else would be a fault of the example.
    let doubts = warnings
        .iter()
        .filter(|warning| !warning.message.contains("can be read by"));
    assert_eq!(
        doubts.map(|warning| &warning.message).collect::<Vec<_>>(),
        [""; 0]
    );

    assert_eq!(inventory.hosts.len(), 7);
    assert!(
        checks(&inventory, "web1")
            .is_superset(&["http", "catalog", "load"].map(str::to_owned).into())
    );
    assert_eq!(
        inventory
            .host(inventory.find_host("web1").expect("web1"))
            .parents
            .len(),
        1
    );
    assert_eq!(
        line(&inventory, "web1/http"),
        "check_http -H $HOSTADDRESS$ -p 8080 -u /health -w 2 -c 5 -t 10"
    );
    assert!(inventory.rule(find(&inventory, "www/checkout")).external);
    assert!(!inventory.rule(find(&inventory, "db1/export")).active);
    assert_eq!(inventory.limits.tags.len(), 1);
    assert_eq!(
        inventory.rule(find(&inventory, "db1/postgres")).tags.len(),
        1
    );
    assert_eq!(
        (
            settings.tokens.len(),
            inventory.globals.fallback_contacts.len()
        ),
        (4, 1)
    );
    // With tokens nobody is let in without one: somebody must be able to acknowledge.
    assert!(
        settings
            .tokens
            .iter()
            .any(|token| token.scopes.iter().any(|scope| scope.name() == "command"))
    );

    let shop = inventory.app(inventory.find_app("shop", None).expect("shop"));
    assert_eq!(
        (shop.calls.len(), shop.hosts.len(), shop.contacts.len()),
        (2, 2, 5 - 3)
    );
    let normal: &ClassRules = &inventory.classes.normal;
    assert_eq!(normal.hold_critical, Duration::from_secs(180));
}

#[test]
fn each_kind_of_channel_has_an_example() {
    let Loaded { inventory, .. } = load("examples/small-site/deploywatch.toml");
    let channels = inventory
        .contacts
        .iter()
        .flat_map(|contact| &contact.channels);
    let kinds: BTreeSet<&str> = channels.map(|channel| channel.kind.name()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["command", "email", "pagerduty", "slack", "webhook"]
    );
    let phone = inventory.contact(inventory.find_contact("night-phone").expect("declared"));
    let ChannelKind::Command { host, .. } = &phone.channels[0].kind else {
        panic!("not a command")
    };
    assert!(
        host.starts_with("/usr/local/bin/send-sms $CONTACTPAGER$"),
        "{host}"
    );
}

#[test]
fn the_periods_of_the_small_site_hold_what_they_should() {
    let Loaded { inventory, .. } = load("examples/small-site/deploywatch.toml");
    let bob = inventory.contact(inventory.find_contact("bob").expect("declared"));
    let phone = inventory.contact(inventory.find_contact("night-phone").expect("declared"));
    let (work, nights) = (
        bob.check_period.as_ref().expect("set"),
        phone.check_period.as_ref().expect("set"),
    );
    for (time, working, night) in [
        ("2026-03-02T08:59:59+01:00", false, false),
        ("2026-03-02T09:00:00+01:00", true, false),
        ("2026-03-06T12:30:00+01:00", false, false),
        ("2026-03-07T12:00:00+01:00", false, true),
        ("2026-03-03T03:00:00+01:00", false, true),
        // Easter Monday, Christmas Eve.
        ("2026-04-06T10:00:00+02:00", false, false),
        ("2026-12-24T10:00:00+01:00", false, false),
    ] {
        let at = Timestamp::parse(time).expect(time);
        assert_eq!(
            (work.contains(at), nights.contains(at)),
            (working, night),
            "{time}"
        );
    }
}
