//! Parses a file into its tree: a large one in pieces, on all cores.
//!
//! A piece begins at a line `[[name]]`. If a piece and all before it are free of faults, the line did begin a table:
//! within a text or a list, the piece before would end too soon, which is a fault. Where any piece has a fault, or
//! two pieces say something of one table, the file is parsed anew as a whole, so faults are what they always are.

use std::{
    num::NonZero,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use toml::de::{DeTable, Error};

use super::tree::{self, Entry, Table, Value};

/// Small enough that what the parser needs for one stays in the cache, large enough to be worth a round.
const PIECE: usize = 64 << 10;
/// With fewer pieces, waiting for another thread may take longer than the work.
const PIECES_EACH: usize = 2;
/// More threads than this only wait for memory.
const MAX_THREADS: usize = 4;

/// The tree of `text`, and its syntax errors.
pub(super) fn parse(text: &str) -> (Table<'_>, Vec<Error>) {
    parse_by(text, PIECE)
}

fn parse_by(text: &str, size: usize) -> (Table<'_>, Vec<Error>) {
    let starts = starts(text, size);
    if 1 < starts.len()
        && let Some(table) = in_pieces(text, &starts)
    {
        return (table, Vec::new());
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    (tree::table(root.into_inner(), 0), errors)
}

/// Where pieces of about `size` bytes begin.
fn starts(text: &str, size: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let mut from = size;
    while let Some(found) = text.as_bytes().get(from..).and_then(find_header) {
        starts.push(from + found);
        from += found + size;
    }
    starts
}

/// Where a line `[[name]]` begins, of bytes that do not begin with one. A name with a dot is no good: such a table
/// belongs to one before it.
fn find_header(bytes: &[u8]) -> Option<usize> {
    let is_header = |line: &[u8]| {
        let name = line
            .strip_prefix(b"[[")
            .and_then(|rest| rest.split(|byte| *byte == b']').next());
        name.is_some_and(|name| {
            line[2 + name.len()..].starts_with(b"]]")
                && !name.is_empty()
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        })
    };
    let mut from = 0;
    loop {
        from += bytes[from..].iter().position(|byte| *byte == b'\n')? + 1;
        let line = &bytes[from..];
        if is_header(&line[..line.len().min(64)]) {
            return Some(from);
        }
    }
}

/// The pieces' trees put together. None where that would not be the tree of the whole.
fn in_pieces<'d>(text: &'d str, starts: &[usize]) -> Option<Table<'d>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(start) = starts.get(at).copied() else {
                return Some(done);
            };
            let end = starts.get(at + 1).copied().unwrap_or(text.len());
            match DeTable::parse(&text[start..end]) {
                Ok(root) => done.push((at, tree::table(root.into_inner(), start))),
                Err(_) => {
                    // Nobody need take another piece.
                    next.store(starts.len(), Ordering::Relaxed);
                    return None;
                }
            }
        }
    };
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MAX_THREADS)
        .min(starts.len() / PIECES_EACH);
    let done = thread::scope(|scope| {
        // Where there can be no more threads, this one does it all.
        let helpers: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = vec![work()];
        for helper in helpers {
            done.push(
                helper
                    .join()
                    .unwrap_or_else(|cause| panic::resume_unwind(cause)),
            );
        }
        done.into_iter().collect::<Option<Vec<_>>>()
    })?;
    let mut pieces: Vec<_> = done.into_iter().flatten().collect();
    pieces.sort_unstable_by_key(|(at, _)| *at);
    join(pieces.into_iter().map(|(_, table)| table))
}

/// One root of several, each list of tables put together.
fn join<'d>(pieces: impl Iterator<Item = Table<'d>>) -> Option<Table<'d>> {
    let mut all: Vec<Entry<'d>> = Vec::new();
    for entry in pieces.flatten() {
        match all.iter_mut().find(|known| known.key == entry.key) {
            None => all.push(entry),
            Some(known) if known.node.is_list_of_tables() && entry.node.is_list_of_tables() => {
                if let (Value::List(list), Value::List(more)) =
                    (&mut known.node.value, entry.node.value)
                {
                    list.extend(more);
                }
            }
            // Either a fault, or a table that goes on in the next piece.
            Some(_) => return None,
        }
    }
    all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Some(Table::new(all))
}

#[cfg(test)]
mod tests {
    use super::parse_by;

    /// Whatever the pieces, the tree and the faults are those of the whole.
    fn check(text: &str) {
        let seen = |size: usize| {
            let (table, errors) = parse_by(text, size);
            let errors: Vec<_> = errors
                .iter()
                .map(|error| (error.message().to_owned(), error.span()))
                .collect();
            format!("{table:#?}\n{errors:#?}")
        };
        let whole = seen(usize::MAX);
        for size in 1..text.len() {
            assert_eq!(seen(size), whole, "pieces of {size} bytes of\n{text}");
        }
    }

    #[test]
    fn pieces_make_the_whole() {
        check(
            "a = 1\n[[b]]\nc = \"\\u00e9\"\n[[d]]\n[[b]]\ne = [1, 2.5,\n [3]]\n[[d]]\nf = {g = 1}\n",
        );
        // Not every such line begins a table.
        check("[[b]]\na = \"\"\"\n[[b]]\nc = 1\n\"\"\"\n[[b]]\nd = '''\n[[e]]\n'''\n");
        check("[[b]]\na = [\n[[1]]\n]\n[[b]]\n");
        check("[[b]]\r\nc = 1\r\n[[b]] # twice\r\nc = 2\r\n[[b]]\r\n");
        // Tables that belong to one before them.
        check("[[b]]\n[b.c]\nd = 1\n[[b]]\n[[b.e]]\nf = 1\n[[g]]\n[b.c]\nd = 2\n");
        check("[h]\na = 1\n[[b]]\n[h.i]\nj = 1\n[[b]]\n[k]\nl = 1\n[[b]]\n");
    }

    #[test]
    fn faults_are_those_of_the_whole() {
        check("b = [{a = 1}]\n[[b]]\na = 1\n[[b]]\na = 2\n");
        check("[b]\na = 1\n[[b]]\na = 1\n[[b]]\na = 2\n");
        check("[[b]]\na = 1\n[b]\na = 1\n[[b]]\na = 2\n");
        check("[[b]]\na = 1\n[c]\na = 1\n[[b]]\na = 2\n[c]\na = 1\n[[b]]\n");
        check("[[b]]\na = \n[[b]]\na = 2\n[[b]]\na = \"x\n[[b]]\na = 1\na = 2\n");
        check("[[b]]\na = \"\"\"\n[[b]]\nc = 1\n[[b]]\n");
    }
}
