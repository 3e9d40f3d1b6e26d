//! The real plugins and ours in a network that loses packets and sends errors: a namespace with a router behind it, which
//! no packet leaves. It needs root, `ip`, `unshare`, `nsenter` and `setpriv`; without them it says so and tests nothing.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

const REAL: &str = "/usr/lib/nagios/plugins";

/// Sets the network up, and then runs the command lines that it reads. After each, it says how that ended.
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
echo ready
while read -r line; do
    eval "$line" < /dev/null 2>&1
    echo "
ended $?"
done
kill "$router"
"#;

/// The second of several packets finds nobody.
const SECOND_LOST: &str = "on_router 'cd /proc/sys/net/ipv4; sleep 0.5; echo 1 > icmp_echo_ignore_all; sleep 1; \
                           echo 0 > icmp_echo_ignore_all' > /dev/null 2>&1 & ";

/// A router sends no more than an error a second for long.
const LIMITED: &str = "sleep 1; ";

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

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
        LIMITED,
        "check_ping -H 10.20.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        LIMITED,
        "check_ping -H 10.21.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        LIMITED,
        "check_ping -H 10.23.0.1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        LIMITED,
        "check_ping -H fd20::1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
    (
        LIMITED,
        "check_ping -H fd21::1 -w 100,20% -c 500,60% -p 1",
        Same,
    ),
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
    (LIMITED, "check_icmp 10.20.0.1", Same),
    (LIMITED, "check_icmp 10.21.0.1", Same),
    (LIMITED, "check_icmp 10.23.0.1", Same),
    (LIMITED, "check_icmp 10.22.0.1 -l 1", Same),
    (LIMITED, "check_icmp 10.1.0.2 10.20.0.1 -m 1 -n 2", Same),
    (LIMITED, "check_icmp fd21::1 -n 1 -i 20 -c 100,60%", Same),
    (LIMITED, "check_host 10.21.0.1", Same),
    (LIMITED, "check_rta_multi 10.20.0.1 10.1.0.2", Same),
];

struct Network {
    shell: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Network {
    /// None: there are no network namespaces for us.
    fn start(sockets: &str) -> Option<Self> {
        let mut shell = Command::new("unshare")
            .args(["-n", "sh", "-c", NETWORK])
            .env("sockets", sockets)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let commands = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("piped"));
        let mut network = Self {
            shell,
            commands,
            answers,
        };
        let mut ready = String::new();
        network.answers.read_line(&mut ready).ok()?;
        (ready == "ready\n").then_some(network)
    }

    /// Exit code and output.
    fn run(&mut self, line: &str) -> (String, String) {
        let commands = self.commands.as_mut().expect("open");
        writeln!(commands, "{line}").expect("a shell that reads");
        let mut text = String::new();
        loop {
            let before = text.len();
            let count = self.answers.read_line(&mut text).expect("text");
            assert_ne!(count, 0, "the network is gone");
            if let Some(code) = text[before..].strip_prefix("ended ") {
                let code = code.trim().to_owned();
                text.truncate(before);
                return (code, text.trim().to_owned());
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It ends when there is no more to read.
        self.commands = None;
        let _ = self.shell.wait();
    }
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
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn losses_and_errors_are_told_alike() {
    let ours = Ours::copy("network");
    let faults = Mutex::new(Vec::new());
    let (raw, datagram) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for (sockets, next) in [("raw", &raw), ("datagram", &datagram)].repeat(3) {
            let (ours, faults) = (&ours, &faults);
            scope.spawn(move || {
                let Some(mut network) = Network::start(sockets) else {
                    eprintln!("not tested: no network namespaces here");
                    return;
                };
                while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = judge(case, ours, sockets, &mut network);
                    faults.lock().expect("no panic").extend(fault);
                }
            });
        }
    });
    let faults = faults.into_inner().expect("no panic");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A sentence, if ours says something else.
fn judge(
    (before, line, wanted): &(&str, &str, Wanted),
    ours: &Ours,
    sockets: &str,
    network: &mut Network,
) -> Option<String> {
    // With datagram sockets, ours needs no rights.
    let rights = if sockets == "datagram" { NOBODY } else { "" };
    let directory = ours.directory.display();
    let ours = format!("{before}{rights}{directory}/{line}");
    if *wanted == Foreign {
        let (_, text) = network.run(&ours);
        return (!text.contains("of the monitoring-plugins"))
            .then(|| format!("{line} ({sockets}) is not for us, but: {text}"));
    }
    // A busy machine may be late to lose a packet: such a line gets a second try.
    let mut fault = None;
    for _ in 0..2 {
        let real = network.run(&format!("{before}{REAL}/{line}"));
        let said = network.run(&ours);
        if real.0 == said.0 && without_times(&real.1) == without_times(&said.1) {
            return None;
        }
        fault = Some(format!(
            "{line} ({sockets})\n  real: {} {}\n  ours: {} {}",
            real.0, real.1, said.0, said.1
        ));
    }
    fault
}

#[test]
fn without_rights_it_is_for_the_real_one() {
    let Some(mut network) = Network::start("raw") else {
        eprintln!("not tested: no network namespaces here");
        return;
    };
    let ours = Ours::copy("rights");
    for line in [
        "check_icmp 127.0.0.1",
        "check_ping -H 127.0.0.1 -w 1,1% -c 2,2%",
    ] {
        let directory = ours.directory.display();
        let (code, text) = network.run(&format!("{NOBODY}{directory}/{line}"));
        assert_eq!(code, "3");
        assert!(text.contains("no socket for ICMP"), "{text}");
    }
}
