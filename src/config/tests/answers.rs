//! [answers]: which ways are opened, and what is refused with a remedy.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use expect_test::expect;

use super::{super::load, bad};
use crate::config::{Faults, Loaded};

fn site(text: &str, secrets: &[(&str, &str)]) -> (tempfile::TempDir, Result<Loaded, Faults>) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, secret) in secrets {
        let path = dir.path().join(name);
        fs::write(&path, secret).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
    }
    let path = dir.path().join("x.toml");
    fs::write(&path, text).expect("written");
    let loaded = load(&path);
    (dir, loaded)
}

fn told(dir: &Path, loaded: Result<Loaded, Faults>) -> String {
    match loaded {
        Ok(_) => panic!("this should be refused"),
        Err(faults) => faults
            .render(false)
            .replace(&dir.display().to_string(), "DIR"),
    }
}

#[test]
fn each_way_has_its_secret() {
    let text = "[daemon]\npublic_url = \"https://watch.example.org/\"\n[answers]\nsecret_file = \"own\"\n\
                pagerduty_secret_file = \"pd\"\ntelegram_secret_file = \"tg\"\nlinks_last = \"8h\"\n";
    let secrets = [
        ("own", "0123456789abcdef0123456789abcdef"),
        ("pd", "hunter2-of-pagerduty"),
        ("tg", "hunter2_of-telegram"),
    ];
    let (_dir, loaded) = site(text, &secrets);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    assert!(!format!("{loaded:?}").contains("hunter2"), "a secret shows");
    let answers = loaded.settings.answers.expect("[answers]");
    assert_eq!(answers.url.as_deref(), Some("https://watch.example.org"));
    assert_eq!(answers.links_last, Duration::from_secs(8 * 3600));
    let ways = &answers.ways;
    assert!(ways.own.is_some() && ways.pagerduty.is_some() && ways.telegram.is_some());
    assert!(ways.slack.is_none());
    // Services need no address of ours: they were told it.
    let (_dir, loaded) = site("[answers]\nslack_secret_file = \"pd\"\n", &secrets);
    assert!(loaded.is_ok());
}

#[test]
fn replies_need_an_address_and_a_secret_but_no_url() {
    let secrets = [("own", "0123456789abcdef0123456789abcdef")];
    let text = "[answers]\nsecret_file = \"own\"\nreply_to = \"watch@example.org\"\nreply_delimiter = \"+\"\n";
    let (_dir, loaded) = site(text, &secrets);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    let answers = loaded.settings.answers.expect("[answers]");
    let reply = answers.reply.expect("replies");
    assert_eq!(
        (&*reply.address, reply.delimiter),
        ("watch@example.org", Some('+'))
    );
    assert_eq!(answers.url, None);
    let text = "[answers]\nslack_secret_file = \"own\"\nreply_to = \"the.watch.of.the.shop@example.org\"\nreply_delimiter = \"+\"\n";
    let (dir, loaded) = site(text, &secrets);
    expect![[r#"
        error: `the.watch.of.the.shop` leaves no room for a token of 48 letters: what stands before the @ has 64 letters at most
         --> DIR/x.toml:3:1
          |
        3 | reply_to = "the.watch.of.the.shop@example.org"
          | ^^^^^^^^
          |
          = help: take a name of at most 15 letters, or leave `reply_delimiter` out: replies are known by In-Reply-To as well

        error: replies to mails are signed, and [answers] has no secret of our own
         --> DIR/x.toml:3:1
          |
        3 | reply_to = "the.watch.of.the.shop@example.org"
          | ^^^^^^^^
          |
          = help: give `secret_file` as well; make the file with: openssl rand -hex 32

        2 faults in the configuration
    "#]].assert_eq(&told(dir.path(), loaded));
    let text = "[answers]\nsecret_file = \"own\"\nreply_to = \"Watch <watch@example.org>\"\n";
    let (dir, loaded) = site(text, &secrets);
    expect![[r#"
        error: `reply_to` is not an e-mail address: Invalid email user
         --> DIR/x.toml:3:1
          |
        3 | reply_to = "Watch <watch@example.org>"
          | ^^^^^^^^
          |
          = help: write the bare address: reply_to = "watch@example.org"

        1 fault in the configuration
    "#]]
    .assert_eq(&told(dir.path(), loaded));
    let text = "[answers]\nsecret_file = \"own\"\nurl = \"http://x\"\nreply_delimiter = \"+\"\n";
    let (dir, loaded) = site(text, &secrets);
    expect![[r#"
        error: `reply_delimiter` is of use only with `reply_to`
         --> DIR/x.toml:4:1
          |
        4 | reply_delimiter = "+"
          | ^^^^^^^^^^^^^^^
          |
          = help: give the address that replies go to: reply_to = "watch@example.org"

        1 fault in the configuration
    "#]]
    .assert_eq(&told(dir.path(), loaded));
}

#[test]
fn what_would_not_work_is_refused() {
    expect![[r#"
        error: [answers] opens no way to answer
         --> deploywatch.toml:1:1
          |
        1 | [answers]
          | ^^^^^^^^^
          |
          = help: give `secret_file` for links in mails and replies to them, or `pagerduty_secret_file`, `slack_secret_file` or `telegram_secret_file`

        1 fault in the configuration
    "#]]
        .assert_eq(&bad("[answers]\nurl = \"https://watch.example.org\"\n").render(false));
    expect![[r#"
        error: `slack_secret` is not written into the configuration, where others would read it
         --> deploywatch.toml:2:1
          |
        2 | slack_secret = "********************"
          | ^^^^^^^^^^^^ a secret
          |
          = help: give it as `slack_secret_file` (a path), `slack_secret_env` (a variable) or `slack_secret_credential` (of systemd)

        1 fault in the configuration
    "#]].assert_eq(&bad("[answers]\nslack_secret = \"8f742231b10e8888abcd\"\n").render(false));
    let text = "[answers]\nsecret_file = \"own\"\n";
    let (dir, loaded) = site(text, &[("own", "short\n")]);
    expect![[r#"
        error: links in mails need an address, and [answers] has none
         --> DIR/x.toml:1:1
          |
        1 | [answers]
          | ^^^^^^^^^
          |
          = help: give `url`, as people reach this daemon: url = "https://watch.example.org"; or `reply_to`, to have mails answered by replies alone

        error: the secret of [answers] has 5 characters, which can be guessed
         --> DIR/x.toml:1:1
          |
        1 | [answers]
          | ^^^^^^^^^
          |
          = help: make a new one: openssl rand -hex 32

        2 faults in the configuration
    "#]]
    .assert_eq(&told(dir.path(), loaded));
    let text = "[answers]\ntelegram_secret_file = \"tg\"\n";
    let (dir, loaded) = site(text, &[("tg", "with a space")]);
    expect![[r#"
        error: Telegram takes a `secret_token` of 1 to 256 letters, digits, `_` and `-` only
         --> DIR/x.toml:1:1
          |
        1 | [answers]
          | ^^^^^^^^^
          |
          = help: make a new one (openssl rand -hex 32) and call setWebhook with it

        error: Telegram's buttons are signed, and [answers] has no secret of our own
         --> DIR/x.toml:1:1
          |
        1 | [answers]
          | ^^^^^^^^^
          |
          = help: give `secret_file` as well; make the file with: openssl rand -hex 32

        2 faults in the configuration
    "#]]
    .assert_eq(&told(dir.path(), loaded));
}
