//! What people see, in a real browser: the mail of a page, of one gathered from several problems and of a recovery, and the page
//! behind a link in it, as wide as a phone and as a desktop. Nothing is cut off or must be pushed aside, and what is pressed
//! is large enough for a thumb. `UPDATE_SCREENSHOTS=1` makes the pictures of the documentation anew.

mod common;

use std::{path::Path, process::Command};

use common::{Daemon, Site, free_port, mail::MailServer, need, until};
use serde_json::Value;

const SECRET: (&str, &str) = ("ANSWERS_SECRET", "0123456789abcdef0123456789abcdef");
/// Name and width in CSS pixels.
const SCREENS: [(&str, u32); 2] = [("phone", 360), ("desktop", 1024)];
/// Those of the documentation.
const PICTURES: [&str; 4] = [
    "mail-phone",
    "mail-desktop",
    "mail-update-phone",
    "answer-phone",
];
/// The least height of what is pressed, in CSS pixels (WCAG 2.2, 2.5.8: 24).
const THUMB: f64 = 24.0;
/// A word that breaks nowhere by itself, as URLs and stack traces have them.
const LONG: &str = "https://shop.example/checkout/4f9c2d7e8a1b3c5d/payments/callback?session=0b9d8f7a6c5e4d3b2a1908f7e6d5c4b3&attempt=3";

/// Draws a page in a frame of this width, and measures it there.
fn measure(site: &Site, name: &str, html: &str, width: u32) -> Value {
    let frame = format!(
        r#"<!doctype html><meta charset="utf-8"><body style="margin:0;background:#fff">
<iframe id="frame" width="{width}" height="900" style="border:0"></iframe><pre id="measured"></pre>
<script>
const page = {page};
const frame = document.getElementById("frame");
frame.onload = () => {{
  const root = frame.contentDocument;
  const wide = root.documentElement.scrollWidth;
  frame.height = root.documentElement.scrollHeight;
  const sizes = [...root.querySelectorAll("a[style*=padding], button")].map(it => it.getBoundingClientRect().height);
  const fonts = [...root.querySelectorAll("body *")].map(it => parseFloat(root.defaultView.getComputedStyle(it).fontSize));
  const said = {{wide, high: root.documentElement.scrollHeight, pressed: sizes, smallest: Math.min(...fonts)}};
  document.getElementById("measured").textContent = "measured " + JSON.stringify(said) + " end";
}};
frame.srcdoc = page;
</script>"#,
        page = serde_json::to_string(html)
            .expect("JSON")
            .replace("</", "<\\/"),
    );
    let file = site.write(&format!("{name}-{width}.html"), frame);
    let dom = browse(site, &file, &["--dump-dom"]);
    let (_, rest) = dom
        .split_once(">measured ")
        .unwrap_or_else(|| panic!("the browser measured nothing: {dom}"));
    let (said, _) = rest.split_once(" end").expect("an end");
    serde_json::from_str(said).expect("JSON")
}

/// The browser without a window. It may not reach anything: pages must need nothing from elsewhere.
fn browse(site: &Site, file: &Path, words: &[&str]) -> String {
    let chromium = need("/usr/bin/chromium", "chromium");
    let output = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args([
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
        ])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--virtual-time-budget=10000",
        ])
        .arg(format!("--user-data-dir={}", site.name("browser")))
        .args(words)
        .arg(format!("file://{}", file.display()))
        .env("HOME", site.path())
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Looks at a page on every screen.
fn look(site: &Site, name: &str, html: &str) {
    for (screen, width) in SCREENS {
        let seen = measure(site, name, html, width);
        let wide = seen["wide"].as_u64().expect("a width");
        assert!(
            wide <= u64::from(width),
            "{name} on a {screen}: {wide} pixels wide, {width} are there"
        );
        for high in seen["pressed"].as_array().expect("sizes") {
            let high = high.as_f64().expect("a number");
            assert!(
                THUMB <= high,
                "{name} on a {screen}: a button is {high} high"
            );
        }
        assert!(
            12.0 <= seen["smallest"].as_f64().expect("a size"),
            "{name} on a {screen}: {seen}"
        );
        let picture = format!("{name}-{screen}");
        if PICTURES.contains(&&*picture) && std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
            let page = site.file(&format!("{name}-{width}.html"));
            let picture = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("examples/answers/{picture}.png"));
            let shot = format!("--screenshot={}", picture.display());
            // Below the page stands what was measured.
            let high = seen["high"].as_u64().expect("a height");
            browse(
                site,
                &page,
                &[&shot, &format!("--window-size={width},{high}")],
            );
        }
    }
}

/// The example that is answered, with a deploy and a check that says much.
struct Place {
    site: Site,
    mails: MailServer,
    daemon: Daemon,
}

impl Place {
    fn new() -> Self {
        let (site, listen, smtp) = (Site::new(), free_port(), free_port());
        let mails = MailServer::start(&site, smtp, &[]);
        let mut checks = String::new();
        for host in ["web1", "web2", "web3"] {
            checks.push_str(&format!(
                "[[host]]\nname = \"{host}\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n[[check]]\nname = \"http\"\nhosts = [\"{host}\"]\n\
                 notes = \"Try the checkout by hand first.\"\nnotes_url = \"https://wiki.shop.example/runbooks/http\"\n"
            ));
        }
        let config = format!(
            r#"
[daemon]
listen = "127.0.0.1:{listen}"
public_url = "https://watch.shop.example"
[answers]
url = "https://watch.shop.example"
secret_env = "{secret}"
[smtp]
host = "127.0.0.1"
port = {smtp}
tls = "none"
from = "deploywatch@shop.example"
[grouping]
update_every = "1s"
[defaults]
active = false
attempts = 1
contacts = ["ann"]
[[contact]]
name = "ann"
email = "ann@shop.example"
[[app]]
name = "shop"
{checks}"#,
            secret = SECRET.0
        );
        let daemon = Daemon::start_with(&site.write("deploywatch.toml", config), listen, &[SECRET]);
        Self {
            site,
            mails,
            daemon,
        }
    }

    fn submit(&self, host: &str, code: u8, output: &str) {
        let code = code.to_string();
        self.daemon.ask(&[
            "results",
            "submit",
            &format!("{host}/http"),
            "--exit",
            &code,
            "--text",
            output,
        ]);
    }

    /// The first mail whose subject has these words, and whose text has those.
    fn mail(&self, words: &str, text: &str) -> String {
        let found = until(&format!("a mail `{words}` with `{text}`"), || {
            let mut mails = self.mails.mails().into_iter();
            mails.find(|mail| mail.subject().contains(words) && mail.text().contains(text))
        });
        found.html().to_owned()
    }
}

#[test]
fn mails_and_pages_fit_a_phone_and_a_desktop() {
    let place = Place::new();
    for host in ["web1", "web2", "web3"] {
        place.submit(
            host,
            0,
            "HTTP OK: HTTP/1.1 200 OK - 0.042 second response time",
        );
    }
    place.daemon.ask(&[
        "deploy",
        "start",
        "D-417",
        "--app",
        "shop",
        "--version",
        "1.4.2",
        "--actor",
        "ben",
        "--url",
        "https://ci.shop.example/deploys/417",
        "--risk",
        "high",
    ]);
    place.daemon.ask(&["deploy", "finish", "D-417"]);
    let words = format!("HTTP CRITICAL: HTTP/1.1 502 Bad Gateway for {LONG}\nupstream: {LONG}");
    place.submit("web1", 2, &words);
    let page = place.mail("CRITICAL web1/http", "D-417");
    assert!(page.contains("D-417") && page.contains("Snooze"), "{page}");
    look(&place.site, "mail", &page);

    place.submit("web2", 2, &words);
    place.submit("web3", 1, "HTTP WARNING: slow");
    let update = place.mail("update", "web3/http");
    look(&place.site, "mail-update", &update);

    let link = page
        .split("href=\"")
        .map(|rest| rest.replace("&#x2f;", "/"))
        .find(|rest| rest.starts_with("https://watch.shop.example/v1/answers/link/"))
        .expect("a link");
    let path = link.split('"').next().expect("its end");
    let path = path
        .strip_prefix("https://watch.shop.example")
        .expect("ours");
    let (code, answer) = place.daemon.http("GET", path, None).expect("an answer");
    assert_eq!(code, 200, "{answer}");
    look(&place.site, "answer", &answer);

    for host in ["web1", "web2", "web3"] {
        place.submit(host, 0, "HTTP OK");
    }
    look(&place.site, "recovery", &place.mail("OK web1/http", ""));
    place.daemon.end_well();
}
