//! Command lines: whether a shell is needed, and how they split into words.
//!
//! The rules are those of Nagios' own tokeniser, so a line that ran there runs the same here: no shell is
//! started unless the line needs one.

#[cfg(test)]
mod tests;

/// The most arguments of `name!arg!arg` that Nagios passes on (`$ARG1$` to `$ARG32$`).
pub const MAX_ARGS: usize = 32;

/// How a command line is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Without a shell: `argv[0]` names the program and is there.
    Exec {
        /// The leading `NAME=value` words.
        env: Vec<(String, String)>,
        argv: Vec<String>,
    },
    /// By `/bin/sh -c`: the whole line, as it stands.
    Shell(String),
    /// There is nothing to run.
    Nothing { why: &'static str },
}

/// Splits `check_http!-p 80!-w 5` into the command's name and its arguments; `\!` is a literal `!`, any other
/// backslash stays. Arguments beyond [`MAX_ARGS`] are dropped, as Nagios does.
pub fn split_args(text: &str) -> (String, Vec<String>) {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.peek() == Some(&'!') => {
                rest.next();
                push(&mut parts, '!');
            }
            '!' => parts.push(String::new()),
            other => push(&mut parts, other),
        }
    }
    let args: Vec<String> = parts.drain(1..).take(MAX_ARGS).collect();
    (parts.pop().unwrap_or_default(), args)
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

/// Decides how to run `line`, macros already expanded.
///
/// A shell is needed for unquoted `| < > & ; ( ) * ?`, for `$` and a backtick outside single quotes, and for
/// quotes that do not close. `~ [ ] { } # !` are *not* special: they reach the plugin as they are.
/// Outside quotes a backslash takes the next character literally; in double quotes only before `"`, `\`, `$`
/// and a backtick.
///
/// Leading words of the form `NAME=value` become environment. Nagios takes any word with a `=` for one; here
/// the name must be one a shell would accept, so that `/opt/a=b/check_x` is still a program.
pub fn parse(line: &str) -> Parsed {
    let Some(words) = split(line) else {
        return Parsed::Shell(line.to_owned());
    };
    let programs_at = words
        .iter()
        .position(|word| assignment(word).is_none())
        .unwrap_or(words.len());
    let env: Vec<(String, String)> = words[..programs_at]
        .iter()
        .filter_map(|word| assignment(word))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let argv = words[programs_at..].to_vec();
    match argv.first() {
        None if env.is_empty() => Parsed::Nothing {
            why: "The command line is empty.",
        },
        None => Parsed::Nothing {
            why: "No command after variables.",
        },
        Some(program) if program.is_empty() => Parsed::Nothing {
            why: "The command line begins with an empty word, so it names no program.",
        },
        Some(_) => Parsed::Exec { env, argv },
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let proper = (first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    proper.then_some((name, value))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// The words of `line`, or None where only a shell would read it rightly.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = Quote::None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Quote::None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (Quote::None, '\\') => {
                // A lone backslash at the very end disappears.
                if let Some(next) = rest.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            (Quote::None, '\'' | '"') => {
                // Quotes may stand anywhere in a word, and `''` is an empty word.
                word.get_or_insert_default();
                quote = if c == '\'' {
                    Quote::Single
                } else {
                    Quote::Double
                };
            }
            (Quote::None, '|' | '<' | '>' | '&' | ';' | '(' | ')' | '*' | '?')
            | (Quote::None | Quote::Double, '`' | '$') => return None,
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::Double, '\\') => {
                let escaped = rest.next_if(|next| matches!(next, '"' | '\\' | '$' | '`'));
                word.get_or_insert_default().push(escaped.unwrap_or('\\'));
            }
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    (quote == Quote::None).then_some(words)
}
