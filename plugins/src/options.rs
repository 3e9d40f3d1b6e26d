//! Options as the GNU C library's `getopt_long` reads them: clusters, abbreviations, operands anywhere.

use crate::Foreign;

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    Required,
    /// Only attached: `--name=value`, `-nvalue`.
    Optional,
}

/// One option that a plugin knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opt {
    pub short: Option<char>,
    /// Without the hyphens; also what [`Given::name`] says for the short form. Empty: there is no long form.
    pub long: &'static str,
    pub value: Value,
}

/// A flag.
pub const fn flag(short: char, long: &'static str) -> Opt {
    Opt {
        short: Some(short),
        long,
        value: Value::None,
    }
}

/// An option with a value.
pub const fn valued(short: char, long: &'static str) -> Opt {
    Opt {
        short: Some(short),
        long,
        value: Value::Required,
    }
}

/// An option that has a long form alone.
pub const fn long(long: &'static str, value: Value) -> Opt {
    Opt {
        short: None,
        long,
        value,
    }
}

/// An option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// [`Opt::long`].
    pub name: &'static str,
    /// Empty where none was given.
    pub value: String,
}

/// A plugin's arguments, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// In their order.
    pub options: Vec<Given>,
    /// What is no option, in its order.
    pub operands: Vec<String>,
}

/// Options that every plugin has. `--extra-opts` reads files: that is for the real plugin.
const COMMON: [Opt; 3] = [
    flag('h', "help"),
    flag('V', "version"),
    long("extra-opts", Value::Optional),
];

/// Reads arguments. An option that `known` does not list is [`Foreign::Unhandled`].
pub fn parse(args: &[String], known: &[Opt]) -> Result<Parsed, Foreign> {
    read(args, known, false)
}

/// The same for the plugins that ask `getopt_long` to stop at the first operand: nothing behind it is an option.
pub fn parse_in_order(args: &[String], known: &[Opt]) -> Result<Parsed, Foreign> {
    read(args, known, true)
}

fn read(args: &[String], known: &[Opt], in_order: bool) -> Result<Parsed, Foreign> {
    let all = || known.iter().chain(&COMMON);
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            parsed.operands.extend(rest.cloned());
            break;
        }
        if let Some(text) = arg.strip_prefix("--") {
            let (name, attached) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            let option = find_long(name, all())?;
            let value = match (option.value, attached) {
                (Value::None, Some(_)) => {
                    return Err(Foreign::usage(format!(
                        "option '--{}' doesn't allow an argument",
                        option.long
                    )));
                }
                (Value::Required, None) => rest.next().cloned().ok_or_else(|| {
                    Foreign::usage(format!("option '--{}' requires an argument", option.long))
                })?,
                (_, attached) => attached.unwrap_or_default(),
            };
            parsed.take(option, value)?;
        } else if arg.len() > 1 && arg.starts_with('-') {
            let mut letters = arg[1..].chars();
            while let Some(letter) = letters.next() {
                let option = all()
                    .find(|option| option.short == Some(letter))
                    .ok_or_else(|| {
                        Foreign::unhandled(format!("option '-{letter}' is not one we know"))
                    })?;
                let value = match option.value {
                    Value::None => String::new(),
                    Value::Optional => letters.by_ref().collect(),
                    Value::Required => {
                        let attached: String = letters.by_ref().collect();
                        if attached.is_empty() {
                            rest.next().cloned().ok_or_else(|| {
                                Foreign::usage(format!("option requires an argument -- '{letter}'"))
                            })?
                        } else {
                            attached
                        }
                    }
                };
                parsed.take(option, value)?;
            }
        } else {
            parsed.operands.push(arg.clone());
            if in_order {
                parsed.operands.extend(rest.cloned());
                break;
            }
        }
    }
    Ok(parsed)
}

impl Parsed {
    fn take(&mut self, option: &Opt, value: String) -> Result<(), Foreign> {
        match option.long {
            "help" => Err(Foreign::Help),
            "version" => Err(Foreign::Version),
            "extra-opts" => Err(Foreign::unhandled(
                "--extra-opts reads options from a file, which we leave to the real plugin",
            )),
            name => {
                self.options.push(Given { name, value });
                Ok(())
            }
        }
    }
}

/// A long option by its name or an unambiguous beginning of it.
fn find_long<'a>(
    name: &str,
    known: impl Iterator<Item = &'a Opt> + Clone,
) -> Result<&'a Opt, Foreign> {
    if let Some(option) = known
        .clone()
        .find(|option| !option.long.is_empty() && option.long == name)
    {
        return Ok(option);
    }
    let mut candidates = known.filter(|option| !name.is_empty() && option.long.starts_with(name));
    match (candidates.next(), candidates.next()) {
        (Some(option), None) => Ok(option),
        // The real plugin may know more options, so that this may be ambiguous only to us or only to it.
        (Some(_), Some(_)) => Err(Foreign::unhandled(format!(
            "option '--{name}' may mean several"
        ))),
        _ => Err(Foreign::unhandled(format!(
            "option '--{name}' is not one we know"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Opt; 5] = [
        valued('H', "hostname"),
        valued('p', "port"),
        flag('v', "verbose"),
        long("sni", Value::Optional),
        valued('P', "post"),
    ];

    fn read(line: &str) -> Result<Parsed, Foreign> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args, &KNOWN)
    }

    fn show(line: &str) -> String {
        match read(line) {
            Ok(parsed) => {
                let options: Vec<String> = parsed
                    .options
                    .iter()
                    .map(|given| format!("{}={}", given.name, given.value))
                    .collect();
                format!("{} | {}", options.join(" "), parsed.operands.join(" "))
            }
            Err(foreign) => format!("{foreign:?}"),
        }
    }

    #[test]
    fn as_getopt_reads_them() {
        for (line, meaning) in [
            ("-H a -p 1", "hostname=a port=1 | "),
            ("-Ha -vp1", "hostname=a verbose= port=1 | "),
            ("--hostname=a --port 1", "hostname=a port=1 | "),
            ("--host a one -v two", "hostname=a verbose= | one two"),
            ("-- -v --x", " | -v --x"),
            ("- -v", "verbose= | -"),
            ("--sni x --sni=y", "sni= sni=y | x"),
            ("-p -v", "port=-v | "),
            ("--po=1", "Unhandled(\"option '--po' may mean several\")"),
            ("-x", "Unhandled(\"option '-x' is not one we know\")"),
            (
                "--nosuch",
                "Unhandled(\"option '--nosuch' is not one we know\")",
            ),
            ("-H", "Usage(\"option requires an argument -- 'H'\")"),
            ("--port", "Usage(\"option '--port' requires an argument\")"),
            (
                "--verbose=1",
                "Usage(\"option '--verbose' doesn't allow an argument\")",
            ),
            ("-vh", "Help"),
            ("-V", "Version"),
        ] {
            assert_eq!(show(line), meaning, "{line}");
        }
        assert!(matches!(read("--extra-opts=a"), Err(Foreign::Unhandled(_))));
    }

    #[test]
    fn in_order_nothing_behind_an_operand_is_an_option() {
        let args = ["-p", "1", "host", "-v"].map(str::to_owned);
        let parsed = parse_in_order(&args, &KNOWN).expect("options");
        assert_eq!(parsed.options.len(), 1);
        assert_eq!(parsed.operands, ["host", "-v"]);
    }
}
