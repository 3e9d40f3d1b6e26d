//! The daemon marks deploys and incidents for graphs and buses; a target that never answers delays no page.

mod common;

use std::{
    net::{TcpListener, UdpSocket},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use common::{Daemon, Site, free_port, hook, until, until_true};
use serde_json::Value;

#[test]
fn deploys_stand_on_every_graph() {
    let site = Site::new();
    // Takes connections, and never says a word.
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a port");
    hanging.set_nonblocking(true).expect("a listener");
    let hanging = hanging.local_addr().map(|at| (hanging, at)).expect("bound");
    let statsd = UdpSocket::bind("127.0.0.1:0").expect("a port");
    statsd
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let keep = || {
        let kept: Arc<Mutex<Vec<Value>>> = Arc::default();
        let into = kept.clone();
        let port = hook::serve(move |_, body| {
            into.lock().expect("not poisoned").push(body);
            true
        });
        (kept, port)
    };
    let ((graphite, graphite_port), (bus, bus_port), (pages, pages_port)) =
        (keep(), keep(), keep());
    let listen = free_port();
    let plugin = site.changeable_plugin("probe");
    let text = format!(
        r#"[daemon]
listen = "127.0.0.1:{listen}"

[[contact]]
name = "oncall"
webhook = {{ url = "http://127.0.0.1:{pages_port}/hook" }}

[[app]]
name = "shop"
risk = "high"

[[host]]
name = "web1"
address = "127.0.0.1"
apps = ["shop"]

[[check]]
name = "http"
hosts = ["web1"]
command = "{}"
every = "1s"
retry = "1s"
attempts = 1
contacts = ["oncall"]

[[marker]]
name = "hanging"
kind = "graphite"
url = "http://{}"

[[marker]]
name = "events"
kind = "graphite"
url = "http://127.0.0.1:{graphite_port}"

[[marker]]
name = "counts"
kind = "statsd"
address = "{}"

[[marker]]
name = "bus"
kind = "cdevents"
url = "http://127.0.0.1:{bus_port}"

[[marker]]
name = "elsewhere"
kind = "graphite"
url = "http://127.0.0.1:{graphite_port}"
environments = ["staging"]
"#,
        plugin.display(),
        hanging.1,
        statsd.local_addr().expect("bound"),
    );
    let config = site.write("deploywatch.toml", text);
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("web1/http", "OK");
    daemon.ask(&["deploy", "start", "D-1", "--app", "shop"]);
    let mut asked = None;
    until_true("the target that hangs", || {
        asked = hanging.0.accept().ok();
        asked.is_some()
    });
    site.say("probe", 2, "broken");
    let began = Instant::now();
    until_true("the page", || {
        !pages.lock().expect("not poisoned").is_empty()
    });
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    until_true("the incident", || {
        !bus.lock().expect("not poisoned").is_empty()
    });
    site.say("probe", 0, "fine");
    until_true("its end", || bus.lock().expect("not poisoned").len() == 2);
    daemon.ask(&["deploy", "finish", "D-1"]);
    until_true("two events", || {
        graphite.lock().expect("not poisoned").len() == 2
    });
    let what = |kept: &Mutex<Vec<Value>>, path: &str| -> Vec<String> {
        let kept = kept.lock().expect("not poisoned");
        kept.iter()
            .map(|body| {
                body.pointer(path).map_or(String::new(), |value| {
                    value.as_str().unwrap_or_default().to_owned()
                })
            })
            .collect()
    };
    assert_eq!(
        what(&graphite, "/what"),
        ["deploy shop started", "deploy shop finished"]
    );
    assert_eq!(
        what(&bus, "/context/type"),
        [
            "dev.cdevents.incident.detected.0.3.0",
            "dev.cdevents.incident.resolved.0.3.0"
        ]
    );
    let mut buffer = [0; 200];
    let mut counts = Vec::new();
    while counts.len() < 3 {
        let length = statsd.recv(&mut buffer).expect("a datagram");
        counts.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    assert_eq!(
        counts,
        [
            "deploys.shop.production:1|c",
            "pages.shop.production:1|c",
            "deploy_ends.shop.production.finished:1|c"
        ]
    );
    let metrics = until("the metrics", || {
        let (_, text) = daemon.http("GET", "/metrics", None).ok()?;
        text.contains("deploywatch_markers_total{marker=\"hanging\",result=\"failed\"}")
            .then_some(text)
    });
    assert!(metrics.contains("deploywatch_markers_total{marker=\"events\",result=\"sent\"} 2"));
    assert!(!metrics.contains("elsewhere"), "{metrics}");
    daemon.end_well();
}
