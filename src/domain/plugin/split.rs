//! A plugin's text taken apart: first line, further lines, performance data.

/// The parts of a plugin's text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// First line up to its first `|`, trimmed; None where that line is blank and no `|` begins it.
    pub short: Option<String>,
    /// Further lines, newlines kept between them.
    pub long: String,
    /// All performance data, one space between its pieces.
    pub perfdata: String,
}

/// Splits as Nagios does: the rest of the first line after `|` is performance data; further lines are long output
/// until one holds a `|`; what follows that `|` and every later line is performance data, whatever it contains.
pub fn split(text: &str) -> Parts {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let (first, rest) = match text.split_once('\n') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    let (short, mut perfdata) = match first.split_once('|') {
        Some((short, perfdata)) => (Some(short), perfdata.trim().to_owned()),
        None => (
            Some(first).filter(|line| !line.trim().is_empty()),
            String::new(),
        ),
    };
    let mut long: Option<String> = None;
    let mut in_perfdata = false;
    for line in rest.into_iter().flat_map(|rest| rest.split('\n')) {
        if in_perfdata {
            join(&mut perfdata, line);
            continue;
        }
        let text = match line.split_once('|') {
            Some((before, after)) => {
                in_perfdata = true;
                join(&mut perfdata, after);
                before
            }
            None => line,
        };
        // A line that is nothing but performance data adds no empty line.
        if !(in_perfdata && text.is_empty()) {
            match &mut long {
                Some(long) => {
                    long.push('\n');
                    long.push_str(text);
                }
                None => long = Some(text.to_owned()),
            }
        }
    }
    Parts {
        short: short.map(|short| short.trim().to_owned()),
        long: long.unwrap_or_default(),
        perfdata,
    }
}

fn join(perfdata: &mut String, piece: &str) {
    let piece = piece.trim();
    if !piece.is_empty() {
        if !perfdata.is_empty() {
            perfdata.push(' ');
        }
        perfdata.push_str(piece);
    }
}
