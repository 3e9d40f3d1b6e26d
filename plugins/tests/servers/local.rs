//! What the plugins that look at this host are to see: pseudo files and mounts of our own in a mount namespace, and
//! processes of our own.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// A name, and what a shell does in the namespace before the plugin runs. `$dir` is a directory of our own.
const SURROUNDINGS: [(&str, &str); 15] = [
    ("load", "file /proc/loadavg '0.50 12.25 3.00 1/123 456'"),
    ("noload", "file /proc/loadavg '0.00 0.00 0.00 1/123 456'"),
    (
        "highload",
        "file /proc/loadavg '1234.56 999.99 100.00 9/9999 45678'",
    ),
    ("swap", "meminfo 2097148 1048572 0"),
    ("cachedswap", "meminfo 2097148 1000000 48576"),
    ("fullswap", "meminfo 2097148 0 0"),
    ("emptyswap", "meminfo 998396 998396 0"),
    ("hugeswap", "meminfo 536870908 134217728 4096"),
    ("tinyswap", "meminfo 1000 1000 0"),
    ("noswap", "meminfo 0 0 0"),
    ("nobody", "users"),
    ("three", "users 07 10 07 02 07 06"),
    ("damaged", "users 07; printf x >> /run/utmp"),
    ("disks", "disks"),
    ("alldisks", "disks"),
];

const FUNCTIONS: &str = r#"
set -e
dir=$(dirname "$0")
file() {
    mount -t tmpfs -o size=1M own "$dir/files"
    printf '%s\n' "$2" > "$dir/files/f"
    mount --bind "$dir/files/f" "$1"
}
meminfo() {
    file /proc/meminfo "$(grep -v Swap /proc/meminfo)
SwapCached:     $3 kB
SwapTotal:      $1 kB
SwapFree:       $2 kB"
}
# Each kind in two octal digits.
users() {
    mount -t tmpfs -o size=1M own /run
    for kind in "$@"; do
        printf "\\0$kind\\000" >> /run/utmp
        head -c 382 /dev/zero >> /run/utmp
    done
}
# Sizes that no machine changes: what is in them never does.
disks() {
    mount -t tmpfs -o size=64M,nr_inodes=1000 tmpfs /srv
    mkdir -p /srv/a /srv/b '/srv/c d' /srv/r /srv/a.b /srv/full /srv/plain/x /srv/inodes /srv/ab
    mount -t tmpfs -o size=100M,nr_inodes=1000 alpha /srv/a
    mount -t tmpfs -o size=10M,nr_inodes=100 beta /srv/b
    mount -t tmpfs -o size=20M,nr_inodes=500 gamma '/srv/c d'
    mount -t tmpfs -o size=30M,nr_inodes=500 server:/export /srv/r
    mount -t tmpfs -o size=8M,nr_inodes=500 none /srv/a.b
    mount -t tmpfs -o size=1M,nr_inodes=500 full /srv/full
    mount -t tmpfs -o size=5M,nr_inodes=20 inodes /srv/inodes
    mkdir -p /srv/a/deep
    mount -t tmpfs -o size=4M,nr_inodes=50 alpha /srv/a/deep
    mount -t ramfs ram /srv/plain
    mkdir -p /srv/plain/x
    head -c 9437184 /dev/zero > /srv/b/f
    head -c 34603008 /dev/zero > /srv/a/f
    head -c 1048576 /dev/zero > /srv/full/f
    for at in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do : > /srv/inodes/$at; done
}
"#;

pub struct Local {
    dir: PathBuf,
    /// Whether this host lets us have namespaces, and how.
    access: Option<Access>,
    /// Those that hold a namespace, by its name.
    holders: Mutex<BTreeMap<String, Child>>,
    children: Vec<Child>,
    mark: String,
}

#[derive(Clone, Copy)]
enum Access {
    Root,
    /// Through a user namespace, in which we are root.
    User,
}

impl Access {
    const fn unshare(self) -> &'static str {
        match self {
            Self::Root => "-m",
            Self::User => "-rm",
        }
    }

    const fn enter(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["-m"],
            Self::User => &["-m", "-U", "--preserve-credentials"],
        }
    }
}

pub fn start() -> Local {
    let mark = format!("dw{}", std::process::id());
    let dir = std::env::temp_dir().join(format!("probes-{mark}"));
    fs::create_dir_all(dir.join("files")).expect("a directory of our own");
    for (name, what) in SURROUNDINGS {
        let script = format!("{FUNCTIONS}\n{what}\n: > \"$0.ready\"\nexec sleep 3600\n");
        fs::write(dir.join(name), script).expect("a script");
    }
    let access = [Access::Root, Access::User].into_iter().find(|access| {
        Command::new("unshare")
            .arg(access.unshare())
            .args(["mount", "-t", "tmpfs", "own"])
            .arg(dir.join("files"))
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    let mut local = Local {
        dir,
        access,
        holders: Mutex::default(),
        children: Vec::new(),
        mark,
    };
    local.populate();
    local
}

impl Local {
    /// Processes that nobody else has: by their names, and by their arguments.
    fn populate(&mut self) {
        let mark = self.mark.clone();
        let sleeper = self.dir.join(format!("{mark}s"));
        fs::copy("/bin/sleep", &sleeper).expect("a copy of sleep");
        for (zero, seconds) in [("one", "601"), ("two (x)", "602"), ("three", "603")] {
            self.begin(
                Command::new(&sleeper)
                    .arg0(format!("{mark}-{zero}"))
                    .arg(seconds),
            );
        }
        self.begin(
            Command::new("nice")
                .arg("-n")
                .arg("5")
                .arg(&sleeper)
                .arg("604"),
        );
        self.begin(Command::new(&sleeper).arg("605"));
        let stopped = self.children.last().expect("a child").id();
        let _ = kill(pid(stopped), Signal::SIGSTOP);
        // Nobody waits for it before the end.
        let zombie = self.dir.join(format!("{mark}z"));
        fs::copy("/bin/true", &zombie).expect("a copy of true");
        self.begin(&mut Command::new(&zombie));
        // A name with a path in it, and one that is longer than the kernel keeps.
        let long = self.dir.join(format!("{mark}-much-longer-than-it"));
        fs::copy("/bin/sleep", &long).expect("a copy of sleep");
        self.begin(
            Command::new(&long)
                .arg("606")
                .arg0("/opt/x/tab\there\u{e9}  "),
        );
        // Names that read like several columns.
        for (name, seconds) in [(" sp", "607"), (") S 1 (", "608"), ("\u{e9}.", "609")] {
            let odd = self.dir.join(format!("{mark}{name}"));
            fs::copy("/bin/sleep", &odd).expect("a copy of sleep");
            self.begin(Command::new(&odd).arg(seconds));
        }
        self.settle(stopped);
    }

    fn begin(&mut self, command: &mut Command) {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .expect("a process of our own");
        self.children.push(child);
    }

    /// Until the one is stopped, the other dead, and all others asleep; bounded.
    fn settle(&self, stopped: u32) {
        for _ in 0..500 {
            let calm = self.children.iter().all(|child| {
                let stat = fs::read(format!("/proc/{}/stat", child.id()));
                let state = stat
                    .ok()
                    .map(|stat| String::from_utf8_lossy(&stat).into_owned())
                    .and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
                match state {
                    Some('T') => child.id() == stopped,
                    Some('S' | 'Z') => child.id() != stopped,
                    _ => false,
                }
            });
            if calm {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the processes of our own do not come to rest");
    }

    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("mark".to_owned(), self.mark.clone());
        places.insert("own".to_owned(), std::process::id().to_string());
    }

    pub fn surroundings(&self, name: &str) -> Option<Vec<String>> {
        assert!(
            SURROUNDINGS.iter().any(|(known, _)| *known == name),
            "unknown surroundings: {name}"
        );
        let access = self.access?;
        let mut holders = self.holders.lock().expect("no panic");
        let holder = holders
            .entry(name.to_owned())
            .or_insert_with(|| self.hold(access, name));
        let mut words = vec![
            "nsenter".to_owned(),
            "-t".to_owned(),
            holder.id().to_string(),
        ];
        words.extend(access.enter().iter().map(|word| (*word).to_owned()));
        Some(words)
    }

    /// Starts a process that makes the namespace, and then keeps it.
    fn hold(&self, access: Access, name: &str) -> Child {
        let mut child = Command::new("unshare")
            .args([access.unshare(), "sh"])
            .arg(self.dir.join(name))
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare");
        let ready = self.dir.join(format!("{name}.ready"));
        for _ in 0..1000 {
            if ready.exists() {
                return child;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("the surroundings `{name}` do not come about");
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).expect("a process id"))
}

impl Drop for Local {
    fn drop(&mut self) {
        let holders = self.holders.get_mut().expect("no panic").values_mut();
        for child in self.children.iter_mut().chain(holders) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
