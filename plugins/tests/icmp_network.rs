//! The real plugins and ours in a network that loses packets and sends errors: a namespace with a router behind it, which
//! no packet leaves. It needs root, `ip`, `unshare`, `nsenter` and `setpriv`; without them it says so and tests nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

const REAL: &str = "/usr/lib/nagios/plugins";

/// A network of its own for each run, so that nobody's ARP entries and error limits are another's. The plugin's command
/// line is behind it, and `$during` happens meanwhile.
const NETWORK: &str = r#"
set -e
ip link set lo up
# No second of waiting for somebody else who has the same IPv6 address.
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
if [ "$sockets" = datagram ]; then echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range; fi
ip route add 10.9.0.0/24 dev lo
ip route add unreachable 10.10.0.0/24
ip route add prohibit 10.11.0.0/24
ip route add blackhole 10.12.0.0/24
unshare -n sleep 60 <&- >&- 2>&- &
router=$!
while [ "$(readlink /proc/$router/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
on_router() { nsenter -t "$router" -n sh -c "$1"; }
on_router 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad'
ip link add here type veth peer name there netns "$router"
ip addr add 10.1.0.1/24 dev here
ip -6 addr add fd01::1/64 dev here nodad
ip link set here up
on_router '
ip link set lo up
ip addr add 10.1.0.2/24 dev there
ip -6 addr add fd01::2/64 dev there nodad
ip link set there up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
ip route add unreachable 10.20.0.0/24
ip route add prohibit 10.21.0.0/24
ip route add 10.22.0.0/24 dev lo
ip -6 route add unreachable fd20::/64
ip -6 route add prohibit fd21::/64
ip -6 route add fd23::/64 dev lo
'
ip route add default via 10.1.0.2
ip -6 route add default via fd01::2
# Neighbours are learnt first, so that the first packet is not slower than others.
ping -c 1 -W 2 10.1.0.2 > /dev/null
ping -c 1 -W 2 fd01::2 > /dev/null
set +e
if [ -n "$during" ]; then on_router "$during" <&- >&- 2>&- & fi
"$@"
code=$?
kill "$router"
exit $code
"#;

/// The second of several packets finds nobody.
const SECOND_LOST: &str = "cd /proc/sys/net/ipv4; sleep 0.5; echo 1 > icmp_echo_ignore_all; sleep 1; \
                           echo 0 > icmp_echo_ignore_all";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Same,
    Foreign,
}
use Wanted::{Foreign, Same};

/// What happens meanwhile, the command line, and what is wanted.
const CASES: [(&str, &str, Wanted); 37] = [
    (
        "",
        "check_ping -H 10.1.0.2 -w 100,20% -c 500,60% -p 2",
        Same,
    ),
    ("", "check_ping -H fd01::2 -w 100,20% -c 500,60% -p 2", Same),
    // Nobody answers.
    (
        "",
        "check_ping -H 10.9.0.1 -w 100,20% -c 500,60% -p 1 -t 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.9.0.1 -w 100,20% -c 500,60% -p 2 -t 3",
        Same,
    ),
    (
        "",
        "check_ping -L -H 10.9.0.1 -w 0,20% -c 500,100% -p 1 -t 1",
        Same,
    ),
    (
        "",
        "check_ping -H fd23::1 -w 100,20% -c 500,60% -p 1 -t 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.9.0.1,10.1.0.2 -w 100,20% -c 500,60% -p 1 -t 1",
        Same,
    ),
    (
        SECOND_LOST,
        "check_ping -H 10.1.0.2 -w 100,20% -c 500,60% -p 3 -t 8",
        Same,
    ),
    (
        SECOND_LOST,
        "check_ping -H 10.1.0.2 -w 100,40% -c 500,60% -p 3 -t 8",
        Same,
    ),
    // There is no way there.
    (
        "",
        "check_ping -H 10.10.0.1 -w 100,20% -c 500,60% -p 1 -t 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.10.0.1,10.1.0.2 -w 100,20% -c 500,60% -p 1 -t 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.11.0.1 -w 100,20% -c 500,60% -p 1 -t 1",
        Foreign,
    ),
    (
        "",
        "check_ping -H 10.12.0.1 -w 100,20% -c 500,60% -p 1 -t 1",
        Foreign,
    ),
    (
        "",
        "check_ping -H 10.1.0.255 -w 100,20% -c 500,60% -p 1 -t 1",
        Foreign,
    ),
    // The router says so.
    (
        "",
        "check_ping -H 10.20.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.21.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        "",
        "check_ping -H 10.23.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    ("", "check_ping -H fd20::1 -w 100,20% -c 500,60% -p 1", Same),
    ("", "check_ping -H fd21::1 -w 100,20% -c 500,60% -p 1", Same),
    // A neighbour that is not there: the system says so after three seconds.
    (
        "",
        "check_ping -H 10.1.0.77 -w 100,20% -c 500,60% -p 1 -t 9",
        Same,
    ),
    (
        "",
        "check_ping -H fd01::77 -w 100,20% -c 500,60% -p 1 -t 9",
        Same,
    ),
    ("", "check_icmp 10.1.0.2 -n 3", Same),
    ("", "check_icmp fd01::2 -n 3", Same),
    ("", "check_icmp 10.9.0.1 -n 2 -i 20 -c 100,60%", Same),
    (
        "",
        "check_icmp 10.9.0.1 10.1.0.2 -n 2 -i 20 -c 100,60%",
        Same,
    ),
    (
        "",
        "check_icmp 10.9.0.1 10.1.0.2 -n 2 -i 20 -c 100,60% -m 1",
        Same,
    ),
    (
        "",
        "check_icmp 10.9.0.1 10.1.0.2 -n 2 -i 20 -c 100,60% -m 2",
        Same,
    ),
    ("", "check_icmp 10.9.0.1 -t 1 -i 5s", Same),
    ("", "check_icmp 10.10.0.1 -n 2 -i 20 -c 100,60%", Same),
    ("", "check_icmp 10.20.0.1", Same),
    ("", "check_icmp 10.21.0.1", Same),
    ("", "check_icmp 10.23.0.1", Same),
    ("", "check_icmp 10.22.0.1 -l 1", Same),
    ("", "check_icmp 10.1.0.2 10.20.0.1 -m 1 -n 2", Same),
    ("", "check_icmp fd21::1 -n 1 -i 20 -c 100,60%", Same),
    ("", "check_host 10.21.0.1", Same),
    ("", "check_rta_multi 10.20.0.1 10.1.0.2", Same),
];

fn run(program: &[&str], args: &[&str], sockets: &str, during: &str) -> (Option<i32>, String) {
    let output = Command::new("unshare")
        .args(["-n", "sh", "-c", NETWORK, "sh"])
        .args(program)
        .args(args)
        .env("sockets", sockets)
        .env("during", during)
        .output()
        .expect("unshare");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let text = if text.is_empty() {
        String::from_utf8_lossy(&output.stderr).into_owned()
    } else {
        text
    };
    (output.status.code(), text)
}

/// Times are measured; what is 0 was not.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let places = ["RTA = ", "rta ", "rta=", "rtmax=", "rtmin="];
    while let Some(end) = places
        .iter()
        .filter_map(|place| rest.find(place).map(|at| at + place.len()))
        .min()
    {
        out.push_str(&rest[..end]);
        rest =
            rest[end..].trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    }
    out + rest
}

struct Ours {
    directory: PathBuf,
}

impl Ours {
    /// Where any user may run them.
    fn copy(test: &str) -> Self {
        let name = format!("deploywatch-probes-{test}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut built = std::env::current_exe().expect("a path");
        built.pop();
        built.pop();
        for plugin in ["check_ping", "check_icmp", "check_host", "check_rta_multi"] {
            std::fs::copy(built.join(plugin), directory.join(plugin)).expect("a copy");
        }
        Self { directory }
    }

    fn path(&self, plugin: &str) -> String {
        self.directory.join(plugin).display().to_string()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn is_possible() -> bool {
    run(&["true"], &[], "datagram", "").0 == Some(0)
}

#[test]
fn losses_and_errors_are_told_alike() {
    if !is_possible() {
        eprintln!("not tested: no network namespaces here");
        return;
    }
    let ours = Ours::copy("network");
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for sockets in ["raw", "datagram"] {
                        faults
                            .lock()
                            .expect("no panic")
                            .extend(judge(case, &ours, sockets));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("no panic");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A sentence, if ours says something else.
fn judge(
    (during, line, wanted): &(&str, &str, Wanted),
    ours: &Ours,
    sockets: &str,
) -> Option<String> {
    let mut words = line.split(' ');
    let plugin = words.next().expect("a plugin");
    let args: Vec<&str> = words.collect();
    let path = ours.path(plugin);
    // With datagram sockets, ours needs no rights.
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        &path,
    ];
    let program = if sockets == "datagram" {
        &nobody[..]
    } else {
        &nobody[4..]
    };
    if *wanted == Foreign {
        let (_, text) = run(program, &args, sockets, during);
        return (!text.contains("of the monitoring-plugins"))
            .then(|| format!("{line} ({sockets}) is not for us, but: {text}"));
    }
    let real = Path::new(REAL).join(plugin).display().to_string();
    // A busy machine may be late to lose a packet: such a line gets a second try.
    let mut fault = None;
    for _ in 0..2 {
        let real = run(&[&real], &args, sockets, during);
        let said = run(program, &args, sockets, during);
        let same = real.0 == said.0 && without_times(&real.1) == without_times(&said.1);
        if same {
            return None;
        }
        fault = Some(format!(
            "{line} ({sockets})\n  real: {:?} {}\n  ours: {:?} {}",
            real.0, real.1, said.0, said.1
        ));
    }
    fault
}

#[test]
fn without_rights_it_is_for_the_real_one() {
    if !is_possible() {
        eprintln!("not tested: no network namespaces here");
        return;
    }
    let ours = Ours::copy("rights");
    for line in [
        "check_icmp 127.0.0.1",
        "check_ping -H 127.0.0.1 -w 1,1% -c 2,2%",
    ] {
        let mut words = line.split(' ');
        let path = ours.path(words.next().expect("a plugin"));
        let args: Vec<&str> = words.collect();
        let program = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            &path,
        ];
        let (code, text) = run(&program, &args, "raw", "");
        assert_eq!(code, Some(3));
        assert!(text.contains("no socket for ICMP"), "{text}");
    }
}
