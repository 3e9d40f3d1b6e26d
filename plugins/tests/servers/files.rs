//! Files of known ages and sizes, in a directory of their own that goes with the test.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub struct Files {
    directory: PathBuf,
}

const DAY: u64 = 86_400;

pub fn start() -> Files {
    let directory =
        std::env::temp_dir().join(format!("deploywatch-probes-files-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let at = |days: u64| UNIX_EPOCH + Duration::from_secs(days * DAY);
    for (name, bytes, modified) in [
        ("fresh", 10, SystemTime::now()),
        ("old", 10, at(11_323)),
        ("empty", 0, at(11_323)),
        ("large", 5000, SystemTime::now()),
        ("future", 10, at(47_482)),
        ("two words", 10, at(11_323)),
    ] {
        let path = directory.join(name);
        fs::write(&path, vec![b'x'; bytes]).expect("a file");
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_modified(modified).expect("a time");
    }
    std::os::unix::fs::symlink("old", directory.join("link")).expect("a link");
    std::os::unix::fs::symlink("nowhere", directory.join("dangling")).expect("a link");
    Files { directory }
}

impl Files {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("files".to_owned(), self.directory.display().to_string());
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
