//! A busy daemon is killed (SIGKILL) at random moments while its mail server and its webhook receiver go up and down.
//! Every problem and recovery that it acknowledged must be told, and a message may come twice only across a kill.
//! `DEPLOYWATCH_KILLS=1000` plays a longer version.

mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::hook;

const KILLS: u32 = 200;
const CHECKS: usize = 40;

/// One delivery that a receiver took: its key, what it tells of, and in which life of the daemon it came.
struct Taken {
    key: String,
    about: String,
    life: u32,
}

/// A receiver that can be switched off: then it takes nothing.
#[derive(Clone)]
struct Receiver {
    taken: Arc<Mutex<Vec<Taken>>>,
    up: Arc<AtomicBool>,
    life: Arc<AtomicU32>,
    port: u16,
}

impl Receiver {
    fn new(life: &Arc<AtomicU32>) -> Self {
        Self {
            taken: Arc::default(),
            up: Arc::new(AtomicBool::new(true)),
            life: life.clone(),
            port: 0,
        }
    }

    /// Takes webhooks; while down it answers 503.
    fn of_webhooks(life: &Arc<AtomicU32>) -> Self {
        let receiver = Self::new(life);
        let own = receiver.clone();
        let port = hook::serve(move |key, body| {
            let (kind, check) = (body["kind"].as_str(), body["check"].as_str());
            let about = format!("{} {}", kind.unwrap_or_default(), check.unwrap_or_default());
            own.is_up() && own.take(key.to_owned(), about).is_some()
        });
        Self { port, ..receiver }
    }

    fn of_mail(life: &Arc<AtomicU32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let receiver = Self {
            port,
            ..Self::new(life)
        };
        let own = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let receiver = own.clone();
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
                    take_mail(&receiver, &mut BufReader::new(stream))
                });
            }
        });
        receiver
    }

    fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    fn take(&self, key: String, about: String) -> Option<()> {
        let life = self.life.load(Ordering::Relaxed);
        self.taken.lock().ok()?.push(Taken { key, about, life });
        Some(())
    }

    /// How often each thing was told, repeats not counted.
    fn told(&self) -> BTreeMap<String, u32> {
        let taken = self.taken.lock().expect("not poisoned");
        let by_key: BTreeMap<&str, &str> = taken
            .iter()
            .map(|taken| (taken.key.as_str(), taken.about.as_str()))
            .collect();
        let mut told = BTreeMap::new();
        for about in by_key.into_values() {
            *told.entry(about.to_owned()).or_default() += 1;
        }
        told
    }

    /// Deliveries, how many of them were repeats, and the repeats that no kill explains.
    fn repeats(&self) -> (usize, usize, Vec<String>) {
        let taken = self.taken.lock().expect("not poisoned");
        let mut by_key: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for one in taken.iter() {
            by_key.entry(&one.key).or_default().push(one.life);
        }
        let unexplained = by_key
            .iter()
            .filter(|(_, lives)| lives.windows(2).any(|pair| pair[0] == pair[1]))
            .map(|(key, lives)| format!("{key} in lives {lives:?}"))
            .collect();
        (taken.len(), taken.len() - by_key.len(), unexplained)
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = reader.read_line(&mut line).ok()?;
    (0 < length).then(|| line.trim_end().to_owned())
}

fn say(reader: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    // In one piece: two small writes would wait for each other's acknowledgement.
    reader
        .get_mut()
        .write_all(format!("{text}\r\n").as_bytes())
        .ok()
}

/// A mail server; while down it hangs up, before or in the middle of a mail.
fn take_mail(receiver: &Receiver, reader: &mut BufReader<TcpStream>) -> Option<()> {
    let up = |receiver: &Receiver| receiver.is_up().then_some(());
    up(receiver)?;
    say(reader, "220 sink")?;
    loop {
        let command = line(reader)?.to_ascii_uppercase();
        up(receiver)?;
        if !command.starts_with("DATA") {
            say(reader, "250 sink")?;
            if command.starts_with("QUIT") {
                return None;
            }
            continue;
        }
        say(reader, "354 go on")?;
        let (mut key, mut subject, mut head) = (String::new(), String::new(), true);
        loop {
            let text = line(reader)?;
            if text == "." {
                break;
            }
            head = head && !text.is_empty();
            if let Some(value) = text.strip_prefix("X-Deploywatch-Key: ").filter(|_| head) {
                value.clone_into(&mut key);
            }
            if let Some(value) = text.strip_prefix("Subject: ").filter(|_| head) {
                value.clone_into(&mut subject);
            }
        }
        up(receiver)?;
        let kind = if subject.contains("CRITICAL") {
            "problem"
        } else {
            "recovery"
        };
        let check = subject
            .split_once("h/")?
            .1
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .next()?
            .to_owned();
        receiver.take(key, format!("{kind} {check}"))?;
        say(reader, "250 taken")?;
    }
}

fn write_config(directory: &Path, listen: u16, mail: u16, hook: u16) {
    let mut text = format!(
        "[daemon]\nstore = \"crash.db\"\nlisten = \"127.0.0.1:{listen}\"\nlog = \"error\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nport = {mail}\nfrom = \"watch@example.org\"\n\
         [[contact]]\nname = \"oncall\"\nemail = \"oncall@example.org\"\n\
         webhook = {{ url = \"http://127.0.0.1:{hook}/hook\" }}\n\
         [[host]]\nname = \"h\"\naddress = \"127.0.0.1\"\n"
    );
    for check in 0..CHECKS {
        text.push_str(&format!(
            "[[check]]\nname = \"c{check}\"\nhosts = [\"h\"]\ncommand = \"true\"\nactive = false\nattempts = 1\n\
             flap_detection = false\nremind = \"0s\"\ncontacts = [\"oncall\"]\n"
        ));
    }
    fs::write(directory.join("deploywatch.toml"), text).expect("written");
}

fn start(directory: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args(["run", "--config"])
        .arg(directory.join("deploywatch.toml"))
        .stdin(Stdio::null())
        .spawn()
        .expect("the daemon starts")
}

/// Hands a result in; true once the daemon acknowledged it.
fn submit(listen: u16, check: usize, exit: u8) -> bool {
    let body = format!(r#"{{"host":"h","check":"c{check}","exit":{exit},"output":"result"}}"#);
    let answer = (|| {
        let mut stream = TcpStream::connect(("127.0.0.1", listen)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(6))).ok()?;
        write!(
            stream,
            "POST /v1/results HTTP/1.1\r\nHost: 127.0.0.1:{listen}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    })();
    answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// A fixed sequence that looks random: a failure can be played again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn missing(owed: &BTreeMap<String, u32>, receiver: &Receiver) -> Vec<String> {
    let told = receiver.told();
    owed.iter()
        .filter(|(about, count)| told.get(*about).copied().unwrap_or(0) < **count)
        .map(|(about, count)| format!("{about}: {count} owed, {:?} came", told.get(about)))
        .collect()
}

#[test]
fn kill_9_loses_no_page_and_repeats_one_only_across_a_kill() {
    let kills: u32 = std::env::var("DEPLOYWATCH_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS);
    let life = Arc::new(AtomicU32::new(0));
    let receivers = [Receiver::of_mail(&life), Receiver::of_webhooks(&life)];
    let listen = TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a port")
        .port();
    let directory = tempfile::tempdir().expect("a directory");
    write_config(
        directory.path(),
        listen,
        receivers[0].port,
        receivers[1].port,
    );
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    // Every acknowledged change from OK to CRITICAL is a page owed, and every one back a recovery.
    let mut owed: BTreeMap<String, u32> = BTreeMap::new();
    let mut bad = [None; CHECKS];
    for _ in 0..kills {
        let mut daemon = start(directory.path());
        let mut end = Instant::now() + Duration::from_secs(10);
        let mut begun = false;
        while Instant::now() < end {
            let check = usize::try_from(random.below(CHECKS as u64)).expect("small");
            let to_bad = bad[check] != Some(true);
            if submit(listen, check, if to_bad { 2 } else { 0 }) {
                if !begun {
                    // It lives: from here it has a short while.
                    begun = true;
                    end = Instant::now() + Duration::from_millis(random.below(400));
                }
                // After an unanswered submission we do not know what the daemon knew: nothing is owed for that step.
                if bad[check].is_some() {
                    let kind = if to_bad { "problem" } else { "recovery" };
                    *owed.entry(format!("{kind} c{check}")).or_default() += 1;
                }
                bad[check] = Some(to_bad);
            } else {
                bad[check] = None;
            }
            for receiver in &receivers {
                if random.below(20) == 0 {
                    receiver.up.fetch_xor(true, Ordering::Relaxed);
                }
            }
        }
        assert!(begun, "the daemon did not come up within ten seconds");
        daemon.kill().expect("killed");
        daemon.wait().expect("reaped");
        // What it sent last may still be on its way to a receiver's thread, on a busy machine for long.
        thread::sleep(Duration::from_millis(100));
        life.fetch_add(1, Ordering::Relaxed);
    }
    for receiver in &receivers {
        receiver.up.store(true, Ordering::Relaxed);
    }
    let mut daemon = start(directory.path());
    let end = Instant::now() + Duration::from_secs(150);
    let lost = loop {
        let lost: Vec<String> = receivers
            .iter()
            .flat_map(|receiver| missing(&owed, receiver))
            .collect();
        if lost.is_empty() || end < Instant::now() {
            break lost;
        }
        thread::sleep(Duration::from_millis(50));
    };
    daemon.kill().expect("killed");
    daemon.wait().expect("reaped");
    let pages: u32 = owed.values().sum();
    println!("{kills} kills, {pages} pages owed on each of two channels");
    for (receiver, name) in receivers.iter().zip(["mail", "webhook"]) {
        let (came, repeats, unexplained) = receiver.repeats();
        println!("{name}: {came} deliveries came, {repeats} of them repeats across a kill");
        assert_eq!(
            unexplained,
            Vec::<String>::new(),
            "{name}: came twice without a kill"
        );
        assert!(
            repeats <= usize::try_from(kills).expect("small"),
            "{name}: more repeats than kills"
        );
    }
    assert_eq!(lost, Vec::<String>::new(), "lost");
    assert!(
        kills < pages,
        "the test did too little: {pages} pages in {kills} kills"
    );
}
