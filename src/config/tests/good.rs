//! Good configurations: what comes out of them.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use expect_test::expect;

use super::good;
use crate::{
    base::time::Timestamp,
    config::{Loaded, Scope, Secrets, SmtpTls, Store, load, load_with, schema, show},
    domain::model::{
        deploy::{GateOn, Risk, RollbackMode},
        objects::{ChannelKind, Check, CommandLine, Schedule},
        state::{ObjectName, State, StateSet},
    },
};

const EXAMPLE: &str = r#"
include = ["checks/*.toml"]              # relative to this file

[daemon]
store = "deploywatch.db"                 # a path: embedded SQLite
listen = "127.0.0.1:8420"                # API, page, /metrics
plugin_dirs = ["/usr/lib/nagios/plugins"]   # where a bare command name is looked up

[nagios]                                 # optional: drop-in files for existing tools
command_file = "rw/nagios.cmd"
log_file = "nagios.log"

[smtp]
host = "127.0.0.1"
port = 25
tls = "none"                             # none | starttls | tls
from = "deploywatch@example.org"

[[contact]]
name = "oncall"
email = "oncall@example.org"             # any number of channels per contact
webhook = { url = "http://127.0.0.1:9000/hook", secret_file = "hook.secret" }
pagerduty = { routing_key_file = "pd.key" }
slack = { webhook_url_file = "slack.url" }
command = "/usr/local/bin/notify-by-mail"   # Nagios notification script, unchanged: macros and NAGIOS_* environment

[[app]]
name = "shop"
environment = "production"
calls = ["payments"]                     # dependency graph: shop calls payments

[[app]]
name = "payments"

[[host]]
name = "switch1"

[[host]]
name = "web1"
address = "127.0.0.1"
groups = ["web"]
apps = ["shop"]
parents = ["switch1"]

[[check]]                                # one table applies to many hosts
name = "http"
groups = ["web"]                         # or hosts = ["web1"]
command = "check_http -H $HOSTADDRESS$ -p 8080"
every = "60s"                            # or: cron = "*/5 * * * *"   timezone = "Europe/Rome"
retry = "15s"
attempts = 3
timeout = "10s"
contacts = ["oncall"]

[deploys.class.normal]                   # low, normal, high; defaults in deploy-policy.md
hold = { critical = "3m", warning = "10m" }
bake = "30m"
"#;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

fn check<'l>(loaded: &'l Loaded, name: &str) -> &'l Check {
    let object = loaded.inventory.find(&ObjectName::parse(name)).expect(name);
    loaded.inventory.check(object).expect(name)
}

fn contacts(loaded: &Loaded, name: &str) -> Vec<String> {
    let rule = &check(loaded, name).rule;
    rule.notify
        .contacts
        .iter()
        .map(|contact| loaded.inventory.contact(*contact).name.to_string())
        .collect()
}

#[test]
fn the_example_of_the_manual_loads() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deploywatch.toml");
    fs::create_dir(dir.path().join("checks")).expect("a directory");
    fs::write(&path, EXAMPLE).expect("written");
    let extra = "[[check]]\nname = \"load\"\nhosts = [\"web1\"]\ncommand = \"check_load\"\n";
    fs::write(dir.path().join("checks/load.toml"), extra).expect("written");
    for (name, secret) in [
        ("hook.secret", "s3cret-hook\n"),
        ("pd.key", "s3cret-pd"),
        ("slack.url", "https://s3cret"),
    ] {
        let file = dir.path().join(name);
        fs::write(&file, secret).expect("written");
        let mode = if name == "pd.key" { 0o644 } else { 0o600 };
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("permissions");
    }
    let loaded = load(&path).unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    let place = format!("{}/", dir.path().display());
    let shown = loaded.render_warnings(false).replace(&place, "");
    expect![[r#"
        warning: pd.key can be read by everybody
          --> deploywatch.toml:23:34
           |
        23 | pagerduty = { routing_key_file = "pd.key" }
           |                                  ^^^^^^^^ a secret
           |
           = help: chmod 600 pd.key

        warning: check `load` pages nobody on 1 host
         --> checks/load.toml:2:8
          |
        2 | name = "load"
          |        ^^^^^^
          |
          = help: give it or the host `contacts`, set them in [defaults], or write notify = false

    "#]]
    .assert_eq(&shown);

    let inventory = &loaded.inventory;
    assert_eq!(
        inventory
            .hosts
            .iter()
            .map(|host| &*host.name)
            .collect::<Vec<_>>(),
        ["switch1", "web1"]
    );
    let web1 = &inventory.hosts[1];
    assert_eq!((&*web1.address, web1.checks.clone()), ("127.0.0.1", 0..2));
    assert_eq!(
        inventory.host(web1.parents[0]).name,
        inventory.hosts[0].name
    );
    assert_eq!(
        inventory.host(inventory.hosts[0].children[0]).name,
        web1.name
    );
    let shop = inventory.app(web1.apps[0]);
    assert_eq!(
        (&*shop.name, &*shop.environment, shop.risk),
        ("shop", "production", Risk::Normal)
    );
    assert_eq!(&*inventory.app(shop.calls[0]).name, "payments");
    assert_eq!(inventory.app(shop.calls[0]).called_by, web1.apps);

    let rule = &check(&loaded, "web1/http").rule;
    let command = rule.command.as_ref().expect("a command");
    assert_eq!(
        (&*command.name, &*command.line),
        ("check_http", "check_http -H $HOSTADDRESS$ -p 8080")
    );
    assert!(matches!(rule.schedule, Schedule::Every(every) if every == minutes(1)));
    assert_eq!(
        (rule.retry.as_secs(), rule.attempts, rule.timeout.as_secs()),
        (15, 3, 10)
    );

    let oncall = &inventory.contacts[0];
    let labels: Vec<&str> = oncall
        .channels
        .iter()
        .map(|channel| &*channel.label)
        .collect();
    assert_eq!(
        labels,
        ["email", "webhook", "pagerduty", "slack", "command"]
    );
    assert!(matches!(&oncall.channels[1].kind,
        ChannelKind::Webhook { secret: Some(secret), .. } if secret.expose() == "s3cret-hook"));
    assert!(
        !format!("{loaded:?}").contains("s3cret"),
        "a secret shows in Debug output"
    );
    assert_eq!(
        loaded.settings.store,
        Store::File(dir.path().join("deploywatch.db"))
    );
    assert_eq!(
        loaded.settings.nagios.command_file,
        Some(dir.path().join("rw/nagios.cmd"))
    );
    assert_eq!(loaded.files.len(), 2);
    assert_eq!(inventory.digest.len(), 12);

    fs::remove_file(dir.path().join("pd.key")).expect("removed");
    assert!(load(&path).is_err());
    assert!(load_with(&path, Secrets::Skip).is_ok());
}

#[test]
fn an_empty_file_is_a_configuration_of_defaults() {
    let loaded = good("");
    let settings = &loaded.settings;
    assert!(loaded.inventory.is_empty());
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8420");
    assert_eq!(settings.store, Store::File("deploywatch.db".into()));
    assert_eq!(
        (settings.delivery.give_up, settings.delivery.delayed_after),
        (minutes(240), minutes(5))
    );
    assert_eq!(settings.delivery.workers, 8);
    assert_eq!(
        settings.retention.history,
        Duration::from_secs(400 * 86_400)
    );
    assert_eq!(settings.smtp.tls, SmtpTls::None);
    assert_eq!(loaded.inventory.profiles.len(), 1);
    assert_eq!(loaded.inventory.profiles[0].name, "default");
    assert_eq!(loaded.inventory.globals.host_check_horizon.as_secs(), 15);
}

#[test]
fn a_check_that_says_nothing_takes_the_defaults() {
    let loaded =
        good("[[host]]\nname = \"h\"\n[[check]]\nname = \"c\"\nhosts = \"h\"\ncommand = \"x\"\n");
    let rule = &check(&loaded, "h/c").rule;
    assert!(matches!(rule.schedule, Schedule::Every(every) if every == minutes(5)));
    assert_eq!(
        (rule.retry, rule.attempts, rule.timeout),
        (minutes(1), 3, minutes(1))
    );
    assert_eq!(
        (rule.notify.remind, rule.notify.first_delay),
        (minutes(30), Duration::ZERO)
    );
    assert_eq!(rule.notify.states, StateSet::ALL);
    assert!(
        rule.active
            && rule.accepts_passive
            && !rule.volatile
            && rule.notify.enabled
            && rule.flap.enabled
    );
    assert_eq!((rule.flap.low, rule.flap.high), (20.0, 30.0));
    let host = &loaded.inventory.hosts[0];
    assert_eq!(host.rule.timeout.as_secs(), 30);
    assert_eq!(
        (&*host.address, &*host.alias, host.rule.command.is_none()),
        ("h", "h", true)
    );
}

const LAYERS: &str = r#"
[defaults]
attempts = 9
every = "9m"
timeout = "9s"
remind = "9m"
contacts = ["dave"]
vars = { a = "defaults", d = "defaults" }

[[template]]
name = "base"
timeout = "1s"
retry = "1s"
every = "1m"
vars = { a = "base", b = "base" }

[[template]]
name = "first"
use = ["base"]
every = "2m"

[[template]]
name = "second"
every = "3m"
timeout = "3s"
volatile = true
vars = { b = "second", c = "second" }

[[contact]]
name = "ann"
command = "x"
[[contact]]
name = "bob"
command = "x"
[[contact]]
name = "dave"
command = "x"
[[contact_group]]
name = "ops"
members = ["bob", "ann"]

[[host]]
name = "h1"
contacts = ["ann"]
remind = "7m"
[[host]]
name = "h2"

[[check]]
name = "c"
hosts = ["*"]
command = "x"
use = ["first", "second"]
vars = { a = "own" }

[[check]]
name = "d"
hosts = ["h1"]
command = "x"
contacts = ["ops"]
cron = "0 3 * * *"
"#;

#[test]
fn own_keys_win_then_the_first_template_then_the_next_then_defaults() {
    let loaded = good(LAYERS);
    let rule = &check(&loaded, "h2/c").rule;
    assert!(matches!(rule.schedule, Schedule::Every(every) if every == minutes(2)));
    assert_eq!(
        (
            rule.timeout.as_secs(),
            rule.retry.as_secs(),
            rule.attempts,
            rule.volatile
        ),
        (1, 1, 9, true)
    );
    let vars: Vec<String> = rule
        .vars
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(vars, ["A=own", "B=base", "C=second", "D=defaults"]);
    // A cron expression of its own beats the `every` of the defaults.
    assert!(matches!(
        check(&loaded, "h1/d").rule.schedule,
        Schedule::Cron(_)
    ));
}

#[test]
fn contacts_come_from_the_check_then_its_host_then_the_defaults() {
    let loaded = good(LAYERS);
    assert_eq!(contacts(&loaded, "h1/d"), ["ann", "bob"]);
    assert_eq!(contacts(&loaded, "h1/c"), ["ann"]);
    assert_eq!(contacts(&loaded, "h2/c"), ["dave"]);
    assert_eq!(check(&loaded, "h1/c").rule.notify.remind, minutes(7));
    assert_eq!(check(&loaded, "h2/c").rule.notify.remind, minutes(9));
}

#[test]
fn every_value_tells_where_it_comes_from() {
    let loaded = good(LAYERS);
    let text: String = show(&loaded, "h1/c")
        .expect("shown")
        .iter()
        .map(|value| match &value.file {
            Some(file) => format!("{} = {}  # {file}:{}\n", value.key, value.value, value.line),
            None => format!("{} = {}  # default\n", value.key, value.value),
        })
        .collect();
    expect![[r#"
        name = "c"  # deploywatch.toml:50
        command = "x"  # deploywatch.toml:52
        hosts = ["*"]  # deploywatch.toml:51
        parents = []  # default
        every = "2m"  # deploywatch.toml:20
        timezone = ""  # default
        retry = "1s"  # deploywatch.toml:13
        attempts = 9  # deploywatch.toml:3
        timeout = "1s"  # deploywatch.toml:12
        active = true  # default
        passive = true  # default
        volatile = true  # deploywatch.toml:26
        period = ""  # default
        contacts = ["ann"]  # deploywatch.toml:44
        notify = true  # default
        notify_period = ""  # default
        remind = "7m"  # deploywatch.toml:45
        first_delay = "0s"  # default
        states = all of them  # default
        flapping = true  # default
        downtime = true  # default
        flap_detection = true  # default
        flap_low = 20  # default
        flap_high = 30  # default
        profile = "default"  # default
        tags = []  # default
        env_macros = false  # default
        always_page = false  # default
        external = false  # default
        native = "auto"  # default
        vars.a = "own"  # deploywatch.toml:54
        vars.b = "base"  # deploywatch.toml:15
        vars.c = "second"  # deploywatch.toml:27
        vars.d = "defaults"  # deploywatch.toml:8
        handler_period = ""  # default
        handle = true  # default
        stale_after = "never"  # default
        flap_states = all of them  # default
        stalk = []  # default
        perfdata = true  # default
        importance = 0  # default
        check_groups = []  # default
    "#]]
    .assert_eq(&text);
    let host = show(&loaded, "h2").expect("shown");
    let of = |key: &str| {
        host.iter()
            .find(|value| value.key == key)
            .map(|value| (value.value.as_str(), value.line))
    };
    assert_eq!(of("timeout"), Some(("\"30s\"", 0)));
    assert_eq!(of("address"), Some(("\"h2\"", 0)));
    assert_eq!(
        show(&loaded, "hh2"),
        Err("there is no host `hh2`; did you mean `h2`?".to_owned())
    );
    assert_eq!(
        show(&loaded, "h1/cc"),
        Err("host `h1` has no check `cc`; did you mean `c`?".to_owned())
    );
}

#[test]
fn hosts_that_hand_down_the_same_share_one_rule() {
    let mut text = String::from("[[check]]\nname = \"c\"\ngroups = [\"g\"]\ncommand = \"x\"\n");
    for at in 0..50 {
        text.push_str(&format!("[[host]]\nname = \"h{at}\"\ngroups = [\"g\"]\n"));
    }
    let loaded = good(&text);
    let checks = &loaded.inventory.checks;
    assert_eq!(checks.len(), 50);
    assert!(
        checks
            .iter()
            .all(|check| std::sync::Arc::ptr_eq(&check.rule, &checks[0].rule))
    );
    let hosts = &loaded.inventory.hosts;
    assert!(
        hosts
            .iter()
            .all(|host| std::sync::Arc::ptr_eq(&host.rule, &hosts[0].rule))
    );
}

#[test]
fn a_check_for_the_host_overrides_one_for_its_group() {
    let loaded = good(
        r#"
[[host]]
name = "web1"
groups = ["web"]
[[host]]
name = "web2"
groups = ["web"]
[[check]]
name = "http"
groups = ["web"]
command = "all"
[[check]]
name = "http"
hosts = ["web1"]
command = "own"
"#,
    );
    let line = |name: &str| {
        check(&loaded, name)
            .rule
            .command
            .as_ref()
            .map(|command| command.line.to_string())
    };
    assert_eq!(line("web1/http").as_deref(), Some("own"));
    assert_eq!(line("web2/http").as_deref(), Some("all"));
    assert_eq!(loaded.inventory.checks.len(), 2);
}

#[test]
fn commands_take_arguments() {
    let loaded = good(
        r#"
[[command]]
name = "check-http"
line = "check_http -p $ARG1$ -u $ARG2$"
[[contact]]
name = "x"
command = "check-http!1!2"
[[host]]
name = "h"
check = "check-http!80"
[[check]]
name = "c"
hosts = ["h"]
command = 'check-http!8080!/a\!b'
[[check]]
name = "d"
hosts = ["h"]
command = "/usr/bin/test ! -e /x"
"#,
    );
    let command = |name: &str| {
        check(&loaded, name)
            .rule
            .command
            .clone()
            .expect("a command")
    };
    assert_eq!(command("h/c").args, ["8080", "/a!b"]);
    assert_eq!(&*command("h/c").line, "check_http -p $ARG1$ -u $ARG2$");
    assert_eq!(&*command("h/d").line, "/usr/bin/test ! -e /x");
    assert_eq!(
        loaded.inventory.hosts[0]
            .rule
            .command
            .as_ref()
            .expect("a command")
            .args,
        ["80"]
    );
    let ChannelKind::Command { check, host, .. } = &loaded.inventory.contacts[0].channels[0].kind
    else {
        panic!("a command")
    };
    assert_eq!(
        (check.as_str(), host.as_str()),
        ("check_http -p 1 -u 2", "check_http -p 1 -u 2")
    );
}

#[test]
fn apps_live_where_either_side_says() {
    let loaded = good(
        r#"
[[app]]
name = "shop"
hosts = ["a*"]
calls = ["db"]
[[app]]
name = "shop"
environment = "staging"
calls = ["db"]
risk = "high"
[[app]]
name = "db"
[[app]]
name = "db"
environment = "staging"
[[host]]
name = "a1"
apps = ["shop"]
[[host]]
name = "b1"
apps = ["shop@staging"]
[[check]]
name = "c"
hosts = ["*"]
command = "x"
app = "shop"
"#,
    );
    let inventory = &loaded.inventory;
    let staging = inventory.find_app("shop", Some("staging")).expect("an app");
    let production = inventory
        .find_app("shop", Some("production"))
        .expect("an app");
    assert_eq!(inventory.hosts[0].apps, [production]);
    assert_eq!(inventory.hosts[1].apps, [staging]);
    assert_eq!(check(&loaded, "a1/c").rule.app, Some(production));
    assert_eq!(check(&loaded, "b1/c").rule.app, Some(staging));
    assert_eq!(
        &*inventory.app(inventory.app(staging).calls[0]).environment,
        "staging"
    );
    assert_eq!(inventory.app(staging).risk, Risk::High);
    assert_eq!(inventory.app(staging).hosts.len(), 1);
}

#[test]
fn contacts_profiles_limits_and_classes() {
    let loaded = good(
        r#"
[[period]]
name = "workhours"
timezone = "Europe/Rome"
monday = "09:00-12:00,13:00-17:00"
"2026-12-24" = "00:00-00:00"
"day 1 - 15" = ["00:00-09:00", "17:00-24:00"]
"monday 3" = "00:00-24:00"
[[contact]]
name = "ann"
email = ["a@x.org", "b@x.org"]
webhook = ["http://a", { url = "https://b" }]
actors = ["ann@corp"]
check_states = ["critical", "recovery"]
host_states = []
period = "workhours"
vars = { team = "web", level = 3 }
enabled = false
[smtp]
tls = "tls"
[limits]
global = 50
tags = { web = 8, db = 4 }
[profile.jail]
user = "nobody"
umask = "022"
max_memory = "512MB"
max_cpu = "30s"
environment = { LANG = "C" }
[deploys]
clock_tolerance = "1m"
storm = 25
[deploys.source.deployinator]
file = "deploys.log"
expect_every = "90m"
[deploys.class.low]
ceiling = "30m"
hold = { critical = "20m" }
[deploys.class.high]
ceiling = "2m"
[[host]]
name = "h"
[[check]]
name = "c"
hosts = ["h"]
command = "x"
profile = "jail"
tags = ["web"]
period = "workhours"
contacts = "ann"
"#,
    );
    let inventory = &loaded.inventory;
    let ann = &inventory.contacts[0];
    let labels: Vec<&str> = ann.channels.iter().map(|channel| &*channel.label).collect();
    assert_eq!(labels, ["email", "email:2", "webhook", "webhook:2"]);
    assert!(
        ann.check_states.has(State::Critical)
            && ann.check_states.has(State::Ok)
            && !ann.check_states.has(State::Warning)
    );
    assert!(ann.host_states.is_empty() && ann.host_period.is_some() && !ann.enabled);
    assert_eq!(ann.vars.get("LEVEL").map(String::as_str), Some("3"));
    assert_eq!(
        (loaded.settings.smtp.port, inventory.limits.global),
        (465, 50)
    );
    let tags: Vec<(&str, u32)> = inventory
        .limits
        .tags
        .iter()
        .map(|(name, limit)| (&**name, *limit))
        .collect();
    assert_eq!(tags, [("db", 4), ("web", 8)]);
    let rule = &check(&loaded, "h/c").rule;
    assert_eq!(
        (rule.tags[0].0, rule.profile.0, rule.check_period.is_some()),
        (1, 1, true)
    );
    let jail = &inventory.profiles[1];
    assert_eq!(
        (jail.umask, jail.max_memory, jail.max_cpu_seconds),
        (Some(0o22), Some(512 << 20), Some(30))
    );
    assert_eq!(
        (
            inventory.classes.low.ceiling,
            inventory.classes.low.hold_critical
        ),
        (minutes(30), minutes(20))
    );
    // A low ceiling shortens the built-in holds too.
    assert_eq!(inventory.classes.high.hold_warning, minutes(2));
    assert_eq!(inventory.globals.clock_tolerance, minutes(1));
    assert_eq!(inventory.globals.storm, 25);
    assert_eq!(
        inventory.globals.expected_feeds,
        [("deployinator".to_owned(), minutes(90))]
    );
}

#[test]
fn user_macros_come_from_a_resource_file_and_tokens_have_scopes() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.toml");
    fs::write(
        dir.path().join("resource.cfg"),
        "# macros\n$USER1$=/plugins\n$USER3$=pass=word\n",
    )
    .expect("written");
    fs::write(dir.path().join("t"), "abc").expect("written");
    fs::write(
        &path,
        "[daemon]\nlisten = \"0.0.0.0:1\"\nstore = \":memory:\"\nuser_macros_file = \"resource.cfg\"\n[[app]]\nname = \"shop\"\n\
         [[token]]\nname = \"ci\"\nsecret_file = \"t\"\nscopes = [\"deploy\"]\napps = [\"shop\"]\n",
    )
    .expect("written");
    let loaded = load(&path).unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    assert_eq!(
        loaded.inventory.globals.user_macros,
        ["/plugins", "", "pass=word"]
    );
    assert_eq!(loaded.settings.store, Store::Memory);
    let token = &loaded.settings.tokens[0];
    assert!(
        token.may_deploy("shop", "production")
            && !token.may_deploy("db", "production")
            && !token.may(Scope::Read)
    );
}

#[test]
fn the_schema_documents_every_key() {
    fn walk(value: &serde_json::Value, path: &str, seen: &mut usize) {
        let Some(fields) = value.as_object() else {
            return;
        };
        if let Some(properties) = fields.get("properties").and_then(|value| value.as_object()) {
            for (name, property) in properties {
                let doc = property
                    .get("description")
                    .and_then(|doc| doc.as_str())
                    .unwrap_or_default();
                assert!(
                    doc.contains('.') && 8 < doc.len(),
                    "{path}.{name} has no sentence"
                );
                *seen += 1;
            }
        }
        for (name, inner) in fields {
            walk(inner, &format!("{path}.{name}"), seen);
        }
    }
    let schema = schema();
    let mut seen = 0;
    walk(&schema, "", &mut seen);
    assert!(100 < seen, "{seen} keys");
    let text = schema.to_string();
    for part in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = part.split('"').next().expect("a name");
        assert!(schema["$defs"][name].is_object(), "{name} is not defined");
    }
    assert!(
        !text.contains("\"secret\":"),
        "inline secrets are not offered"
    );
    assert_eq!(schema["required"], serde_json::Value::Null);
}

#[test]
fn defaults_in_the_key_tables_are_good_configuration() {
    // Each default, written out, must be taken and change nothing.
    let mut text = String::from("[defaults]\n");
    for key in crate::config::keys::RULE
        .iter()
        .filter(|key| !key.default.is_empty() && key.name != "states")
    {
        let written = key.written_default().expect("it has one");
        text.push_str(&format!("{} = {written}\n", key.name));
    }
    let body = "[[host]]\nname = \"h\"\n[[check]]\nname = \"c\"\nhosts = \"h\"\ncommand = \"x\"\n";
    let (with, without) = (good(&format!("{text}{body}")), good(body));
    let shown = |loaded: &Loaded| format!("{:?}", check(loaded, "h/c").rule);
    assert_eq!(shown(&with), shown(&without));
}

#[test]
fn defaults_may_use_templates() {
    let loaded = good(
        "[defaults]\nuse = [\"slow\"]\nattempts = 2\n[[template]]\nname = \"slow\"\nattempts = 5\nevery = \"1h\"\n\
         [[host]]\nname = \"h\"\n[[check]]\nname = \"c\"\nhosts = \"h\"\ncommand = \"x\"\n",
    );
    let rule = &check(&loaded, "h/c").rule;
    assert_eq!(rule.attempts, 2);
    assert!(matches!(rule.schedule, Schedule::Every(every) if every == minutes(60)));
}

#[test]
fn markers_say_where_they_go() {
    use crate::domain::model::marker::To;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.toml");
    fs::write(dir.path().join("t"), "abc\n").expect("written");
    fs::write(
        &path,
        "[[app]]\nname = \"shop\"\n\
         [[marker]]\nname = \"a\"\nkind = \"grafana\"\nurl = \"http://g\"\ntoken_file = \"t\"\n\
         apps = [\"shop\"]\nenvironments = \"production\"\n\
         [[marker]]\nname = \"b\"\nkind = \"statsd\"\naddress = \"localhost:8125\"\n\
         [[marker]]\nname = \"c\"\nkind = \"pagerduty_change\"\nrouting_key_file = \"t\"\n",
    )
    .expect("written");
    let loaded = load(&path).unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    let [boards, counts, changes] = loaded.settings.markers.as_slice() else {
        panic!("three markers")
    };
    assert_eq!(boards.apps, ["shop"]);
    assert_eq!(boards.environments, ["production"]);
    let To::Grafana { url, token } = &boards.to else {
        panic!("{boards:?}")
    };
    assert_eq!((url.as_str(), token.expose()), ("http://g", "abc"));
    let address = "localhost:8125".to_owned();
    assert_eq!(counts.to, To::Statsd { address });
    let To::PagerDutyChange { url, .. } = &changes.to else {
        panic!("{changes:?}")
    };
    assert_eq!(url, "https://events.pagerduty.com");
}

#[test]
fn freezes_and_rules_for_risk() {
    let loaded = good(
        r#"
[[app]]
name = "shop"
[[period]]
name = "nights"
timezone = "UTC"
monday = "00:00-06:00"
[[freeze]]
period = "nights"
owner = "bea"
reason = "nobody is there"
[[freeze]]
apps = ["sh*"]
environments = "production"
from = "2026-12-24 18:00"
until = "2026-12-27T06:00:00Z"
timezone = "Europe/Rome"
owner = "bea"
reason = "the holidays"
[deploys.class.low]
gate_on = "suspect"
[[deploys.risk]]
match = { app = "shop", kind = ["DDL"], max_paths = 7 }
risk = "high"
why = "tables"
may_lower = true
[[deploys.risk]]
risk = "low"
why = "all else"
irreversible = true
[[deploys.downtime]]
author = "deploy*"
[[command]]
name = "go-back"
line = "back $ARG1$"
[[app]]
name = "search"
rollback = { command = "go-back!now", mode = "run", timeout = "1m" }
[[app]]
name = "mail"
rollback = { command = "back" }
"#,
    );
    let at = |text: &str| Timestamp::parse(text).expect("a time");
    let inventory = &loaded.inventory;
    let ends = |at| {
        let ends = inventory.freezes.iter().map(|freeze| freeze.when.until(at));
        ends.collect::<Vec<_>>()
    };
    let holidays = at("2026-12-27T06:00:00Z");
    assert_eq!(ends(at("2026-12-24T16:59:59Z")), [None, None]);
    assert_eq!(ends(at("2026-12-24T17:00:00Z")), [None, Some(holidays)]);
    assert_eq!(ends(holidays), [None, None]);
    let night = at("2026-12-28T05:00:00Z");
    assert_eq!(ends(night), [Some(at("2026-12-28T06:00:00Z")), None]);
    assert!(inventory.freezes[0].reach.covers("any", "where"));
    assert!(inventory.freezes[1].reach.covers("shop", "production"));
    assert!(!inventory.freezes[1].reach.covers("shop", "staging"));
    assert_eq!(inventory.classes.low.gate_on, GateOn::Suspect);
    assert_eq!(inventory.classes.high.gate_on, GateOn::Suspect);
    assert_eq!(inventory.classes.low.rollback, RollbackMode::Suggest);
    assert!(inventory.risk_rules[1].irreversible && !inventory.risk_rules[0].irreversible);
    let rules = &inventory.downtime_rules;
    assert!(rules[0].fits("deployer", "any") && !rules[0].fits("bob", "any"));
    let hook = |name: &str| {
        let app = inventory.find_app(name, None).expect("an app");
        let hook = inventory.app(app).rollback.as_ref()?;
        let CommandLine { line, args, .. } = &hook.command;
        Some((line.to_string(), args.clone(), hook.mode, hook.timeout))
    };
    assert_eq!(hook("shop"), None, "off unless the owners say so");
    assert_eq!(
        hook("search"),
        Some((
            "back $ARG1$".into(),
            vec!["now".into()],
            RollbackMode::Run,
            minutes(1)
        ))
    );
    assert_eq!(
        hook("mail"),
        Some((
            "back".into(),
            Vec::new(),
            RollbackMode::Suggest,
            minutes(10)
        ))
    );
    let rules = &inventory.risk_rules;
    assert_eq!(
        (&rules[0].kinds, rules[0].max_paths),
        (&vec!["ddl".to_owned()], Some(7))
    );
    assert!(rules[0].may_lower && rules[1].risk == Risk::Low && rules[1].kinds.is_empty());
}
