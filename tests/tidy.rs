//! Rules of the house that the compiler cannot check: imports point down, files say what they are for and stay small.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lowest floor first. A file may name its own module and the floors below it, not its siblings.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["domain"],
    &["config", "import", "adapters"],
    &["daemon"],
    &["cli"],
];
const MAX_LINES: usize = 900;

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules right behind `crate::`, in both `crate::a::b` and `crate::{a::b, c}`.
fn imported(text: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut modules = Vec::new();
    for (at, found) in text.match_indices("crate::") {
        let rest = &text[at + found.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            modules.push(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => start = depth == 1,
                c if start && !c.is_whitespace() => {
                    modules.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    modules
}

#[test]
fn imports_point_down_and_files_say_what_they_are_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    rust_files(&root.join("src"), &mut files);
    assert!(50 < files.len(), "the sources were found");
    // A crate below all others: it cannot name them.
    rust_files(&root.join("plugins/src"), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).expect("source is UTF-8");
        let name = path.strip_prefix(root).expect("listed under the root");
        let name = name.strip_prefix("src").unwrap_or(name);
        if !text.starts_with("//!") {
            faults.push(format!(
                "{}: its first line does not say what it is for",
                name.display()
            ));
        }
        let is_test = name
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("test"));
        if !is_test && MAX_LINES < text.lines().count() {
            faults.push(format!("{}: more than {MAX_LINES} lines", name.display()));
        }
        let top = name
            .components()
            .next()
            .expect("not empty")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let Some(own) = floor_of(&top) else { continue };
        for used in imported(&text) {
            if used != top && floor_of(&used).is_some_and(|floor| own <= floor) {
                faults.push(format!("{}: must not know `{used}`", name.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn groups_of_imports_are_seen_through() {
    assert_eq!(
        imported("use crate::{\n    base::time::{A, B},\n    daemon::x,\n};\nuse crate::cli::y;"),
        ["base", "daemon", "cli"]
    );
}
