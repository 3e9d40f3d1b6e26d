//! Command lines: written out, or the name of a `[[command]]` with arguments.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::{
    fault::{Fault, Sink},
    names::Names,
    value::Val,
};
use crate::{base::text, domain::model::objects::CommandLine};

/// `$ARG1$` to `$ARG32$`, as in Nagios.
const MAX_ARGS: usize = 32;

/// Resolves commands; equal texts share memory.
pub(super) struct Commands<'d, 'n> {
    names: &'n Names<'d>,
    known: HashMap<&'d str, CommandLine>,
    /// Names and lines, which many texts have in common.
    strings: Strings<'d>,
    /// Something was said of a command, which is not to be said again where it is used again.
    pub told: bool,
}

impl<'d, 'n> Commands<'d, 'n> {
    /// `about` tells how many there may be.
    pub fn new(names: &'n Names<'d>, about: usize) -> Self {
        Self {
            names,
            known: HashMap::with_capacity(about),
            strings: Strings::default(),
            told: false,
        }
    }

    /// The same with nothing known yet.
    pub fn anew(&self, about: usize) -> Self {
        Self::new(self.names, about)
    }

    /// What `value` runs. Where the text before the first `!` is the name of a command, that command with the
    /// rest as arguments (`\!` is a plain `!`); else the text itself.
    pub fn line(&mut self, value: Val<'d>, sink: &mut Sink) -> Option<CommandLine> {
        let text = value.text().filter(|text| !text.trim().is_empty())?;
        if let Some(known) = self.known.get(text) {
            return Some(known.clone());
        }
        let (name, args) = split(text);
        let line = match self.names.commands.get_key_value(&*name) {
            Some((name, tab)) => CommandLine {
                name: self.strings.get(name),
                line: self.strings.get(tab.text("line").unwrap_or_default()),
                args,
            },
            None => {
                self.doubt(value, text, &name, !args.is_empty(), sink);
                let name = text.split_whitespace().next().unwrap_or_default();
                CommandLine {
                    name: self.strings.get(name),
                    line: text.into(),
                    args: Vec::new(),
                }
            }
        };
        if MAX_ARGS < line.args.len() {
            let message = format!(
                "a command takes at most {MAX_ARGS} arguments, not {}",
                line.args.len()
            );
            self.told = true;
            sink.push(Fault::new(value.place(), message));
        }
        self.known.insert(text, line.clone());
        Some(line)
    }

    /// The line of a notification command, its arguments put in.
    pub fn whole_line(&mut self, value: Val<'d>, sink: &mut Sink) -> String {
        let Some(command) = self.line(value, sink) else {
            return String::new();
        };
        let mut line = String::from(&*command.line);
        if line.contains("$ARG") && self.names.commands.contains_key(&*command.name) {
            for at in (1..=MAX_ARGS).rev() {
                let arg = command.args.get(at - 1).map_or("", String::as_str);
                line = line.replace(&format!("$ARG{at}$"), arg);
            }
        }
        line
    }

    /// The name of a notification command.
    pub fn name(&mut self, value: Val<'d>, sink: &mut Sink) -> Arc<str> {
        self.line(value, sink)
            .map_or_else(|| "".into(), |command| command.name)
    }

    /// A line that looks like the name of a command which does not exist.
    fn doubt(&mut self, value: Val<'d>, text: &str, name: &str, has_args: bool, sink: &mut Sink) {
        let plain = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        if !plain(name) {
            return;
        }
        // A fault that is only counted needs no remedy.
        let commands = self.names.commands.keys().copied();
        let near = if sink.is_full() {
            None
        } else {
            text::did_you_mean(name, commands)
        };
        self.told |= has_args || near.is_some();
        if has_args {
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "declare it with [[command]] name = \"{name}\", or write the whole command line"
                ),
            };
            sink.push(
                Fault::new(value.place(), format!("there is no command `{name}`"))
                    .label("unknown name")
                    .help(help)
                    .follows(),
            );
        } else if let Some(near) = near {
            sink.push(
                Fault::warning(
                    value.place(),
                    format!("`{text}` is run as a program, for no [[command]] has this name"),
                )
                .help(format!("did you mean the command `{near}`?")),
            );
        }
    }
}

/// Splits at `!` into a name and arguments; `\!` is a plain `!`, and a backslash before anything else stays.
fn split(text: &str) -> (Cow<'_, str>, Vec<String>) {
    if !text.contains('!') {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '\\' if chars.peek() == Some(&'!') => {
                parts[last].push('!');
                chars.next();
            }
            '!' => parts.push(String::new()),
            _ => parts[last].push(c),
        }
    }
    let args = parts.split_off(1);
    (Cow::Owned(parts.remove(0)), args)
}

/// Equal texts share memory.
#[derive(Default)]
pub(super) struct Strings<'d> {
    known: HashMap<&'d str, Arc<str>>,
}

impl<'d> Strings<'d> {
    pub fn get(&mut self, text: &'d str) -> Arc<str> {
        Arc::clone(self.known.entry(text).or_insert_with(|| text.into()))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn splits_arguments_as_nagios_does() {
        let split = |text: &str| {
            let (name, args) = super::split(text);
            [&[name.into_owned()], &args[..]].concat()
        };
        assert_eq!(
            split("check-http!8080!/a\\!b!c\\d"),
            ["check-http", "8080", "/a!b", "c\\d"]
        );
        assert_eq!(split("check-http"), ["check-http"]);
        assert_eq!(split("a!"), ["a", ""]);
    }
}
