//! Commands of Icinga as command lines of Nagios: arguments in their order, variables put in, what only a run knows as
//! macros.

use super::{
    macros,
    value::{Map, Value},
    world::Thing,
};

/// A macro that leads to itself goes no deeper than this.
const MAX_DEPTH: u32 = 15;

/// What macros may draw on. Where host or service are not given they are known only at run time.
#[derive(Clone, Copy, Default)]
pub struct Sources<'s> {
    pub notification: Option<&'s Thing>,
    pub service: Option<&'s Thing>,
    pub host: Option<&'s Thing>,
    pub command: Option<&'s Thing>,
    /// Custom variables that hosts, services and users have somewhere.
    pub at_run_time: &'s [(&'static str, Vec<String>)],
}

/// A command line, and what had to be left out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub left_out: Vec<String>,
}

/// The command line of `command`. The error is a sentence: it cannot be run.
pub fn line(command: &Thing, sources: Sources<'_>) -> Result<Line, String> {
    let sources = Sources {
        command: Some(command),
        ..sources
    };
    let mut line = Line::default();
    let arguments = command
        .attrs
        .get("arguments")
        .and_then(Value::map)
        .filter(|map| !map.is_empty());
    let mut words: Vec<String> = environment(command, &sources, &mut line);
    match command.attrs.get("command") {
        Some(Value::Text(text)) if arguments.is_none() => {
            // A shell's own line: values are quoted within it.
            let text = sources
                .insert(text, &mut |value| quoted(&value))
                .map_err(|problem| problem.said(&command.name))?;
            words.push(text);
        }
        Some(program @ (Value::Text(_) | Value::List(_))) => {
            for item in program.items() {
                let item = item.scalar().unwrap_or_default();
                let value = sources
                    .resolve(&item, 0)
                    .map_err(|problem| problem.said(&command.name))?;
                words.extend(value.names().iter().map(|word| quoted(word)));
            }
        }
        Some(Value::Unknown(why)) => return Err(why.clone()),
        _ => {
            return Err(format!(
                "the command `{}` has no `command` that is known",
                command.name
            ));
        }
    }
    for argument in arguments
        .map(|map| sources.arguments(map, &command.name, &mut line))
        .transpose()?
        .into_iter()
        .flatten()
    {
        words.push(quoted(&argument));
    }
    line.text = words.join(" ");
    Ok(line)
}

/// A text that is shown, with macros of Nagios for those of Icinga; as it is where they are not known.
pub fn shown(text: &str, sources: Sources<'_>) -> String {
    let inserted = sources.insert(text, &mut |value| value);
    inserted.unwrap_or_else(|_| text.to_owned())
}

/// Variables of the environment, set by `env`.
fn environment(command: &Thing, sources: &Sources<'_>, line: &mut Line) -> Vec<String> {
    let Some(env) = command
        .attrs
        .get("env")
        .and_then(Value::map)
        .filter(|env| !env.is_empty())
    else {
        return Vec::new();
    };
    let mut words = vec!["/usr/bin/env".to_owned()];
    for (name, value) in env {
        match sources.resolve(&value.scalar().unwrap_or_default(), 0) {
            Ok(value) => words.push(quoted(&format!(
                "{name}={}",
                value.scalar().unwrap_or_default()
            ))),
            Err(Problem::Missing(_)) => {}
            Err(problem) => line
                .left_out
                .push(format!("env {name}: {}", problem.said(&command.name))),
        }
    }
    words
}

/// Why a macro has no value.
#[derive(Clone, Debug)]
enum Problem {
    Missing(String),
    Unknown(String),
}

impl Problem {
    fn said(self, command: &str) -> String {
        match self {
            Self::Missing(name) => {
                format!("the command `{command}` needs `${name}$`, and nothing says what that is")
            }
            Self::Unknown(why) => why,
        }
    }
}

/// One entry of `arguments`.
struct Argument {
    order: f64,
    key: Option<String>,
    separator: Option<String>,
    repeat: bool,
    values: Option<Vec<String>>,
}

impl Sources<'_> {
    fn arguments(&self, map: &Map, command: &str, line: &mut Line) -> Result<Vec<String>, String> {
        let mut all: Vec<Argument> = Vec::new();
        for (name, said) in map {
            match self.argument(name, said) {
                Ok(argument) => all.extend(argument),
                Err((true, problem)) => return Err(problem.said(command)),
                Err((false, Problem::Missing(_))) => {}
                Err((false, problem)) => line
                    .left_out
                    .push(format!("{name}: {}", problem.said(command))),
            }
        }
        all.sort_by(|a, b| a.order.total_cmp(&b.order));
        let mut words = Vec::new();
        for argument in all {
            let Some(values) = argument.values else {
                words.extend(argument.key);
                continue;
            };
            for (at, value) in values.into_iter().enumerate() {
                let key = argument.key.as_ref().filter(|_| at == 0 || argument.repeat);
                match (key, &argument.separator) {
                    (Some(key), Some(separator)) => words.push(format!("{key}{separator}{value}")),
                    (key, _) => {
                        words.extend(key.cloned());
                        words.push(value);
                    }
                }
            }
        }
        Ok(words)
    }

    /// The error tells whether the command cannot do without.
    fn argument(&self, name: &str, said: &Value) -> Result<Option<Argument>, (bool, Problem)> {
        let nothing = Map::new();
        let (map, value) = match said {
            Value::Map(map) => (map, map.get("value")),
            Value::Null => return Ok(None),
            said => (&nothing, Some(said)),
        };
        let flag = |key: &str, default: bool| map.get(key).map_or(default, Value::is_true);
        let required = flag("required", false);
        if let Some(condition) = map.get("set_if")
            && !self.holds(condition).map_err(|problem| (false, problem))?
        {
            return Ok(None);
        }
        let key = map
            .get("key")
            .and_then(Value::scalar)
            .unwrap_or_else(|| name.to_owned());
        let values = match value {
            None => None,
            Some(Value::Text(text)) => {
                let value = self
                    .resolve(text, 0)
                    .map_err(|problem| (required, problem))?;
                let values = match &value {
                    Value::Map(_) => {
                        return Err((
                            required,
                            Problem::Unknown("a dictionary is no argument".to_owned()),
                        ));
                    }
                    value => value.names(),
                };
                Some(if flag("joined", false) {
                    vec![values.join(" ")]
                } else {
                    values
                })
            }
            Some(Value::Unknown(why)) => return Err((required, Problem::Unknown(why.clone()))),
            Some(Value::List(items)) => {
                let mut values = Vec::new();
                for item in items {
                    let item = item.scalar().unwrap_or_default();
                    values.extend(
                        self.resolve(&item, 0)
                            .map_err(|problem| (required, problem))?
                            .names(),
                    );
                }
                Some(values)
            }
            Some(other) => other.scalar().map(|value| vec![value]),
        };
        Ok(Some(Argument {
            order: map.get("order").and_then(Value::number).unwrap_or(0.0),
            key: (!flag("skip_key", false)).then_some(key),
            separator: map.get("separator").and_then(Value::scalar),
            repeat: flag("repeat_key", true),
            values,
        }))
    }

    /// Whether `set_if` lets an argument in.
    fn holds(&self, condition: &Value) -> Result<bool, Problem> {
        let text = match condition {
            Value::Text(text) => text,
            Value::Unknown(why) => return Err(Problem::Unknown(why.clone())),
            other => return Ok(other.is_true()),
        };
        Ok(match self.resolve(text, 0) {
            Ok(Value::Text(text)) if text.contains('$') => {
                return Err(Problem::Unknown(
                    "whether it is set is known only when it runs".to_owned(),
                ));
            }
            Ok(Value::Text(text)) => match text.as_str() {
                "" | "false" => false,
                "true" => true,
                text => text.parse::<f64>().ok() != Some(0.0),
            },
            Ok(value) => value.is_true(),
            Err(Problem::Missing(_)) => false,
            Err(problem) => return Err(problem),
        })
    }

    /// A text with its macros: alone a macro keeps its kind. What is left of `$` are macros of Nagios, and `$$`.
    fn resolve(&self, text: &str, depth: u32) -> Result<Value, Problem> {
        if let Some(name) = text
            .strip_prefix('$')
            .and_then(|rest| rest.strip_suffix('$'))
            && !name.is_empty()
            && !name.contains('$')
        {
            return self.lookup(name, depth);
        }
        let text = self.parts(text, depth, &mut |value| value)?;
        Ok(Value::Text(text))
    }

    fn insert(&self, text: &str, put: &mut dyn FnMut(String) -> String) -> Result<String, Problem> {
        self.parts(text, 0, put)
    }

    fn parts(
        &self,
        text: &str,
        depth: u32,
        put: &mut dyn FnMut(String) -> String,
    ) -> Result<String, Problem> {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            done.push_str(before);
            let Some((name, next)) = after.split_once('$') else {
                return Err(Problem::Unknown(format!("a `$` in `{text}` is not closed")));
            };
            if name.is_empty() {
                done.push_str("$$");
            } else {
                let value = self.lookup(name, depth)?;
                let value = match &value {
                    Value::List(_) => value.names().join(" "),
                    value => value.scalar().unwrap_or_default(),
                };
                done.push_str(&put(value));
            }
            rest = next;
        }
        done.push_str(rest);
        Ok(done)
    }

    fn lookup(&self, name: &str, depth: u32) -> Result<Value, Problem> {
        if MAX_DEPTH < depth {
            return Err(Problem::Unknown(format!("`${name}$` leads to itself")));
        }
        let of = |thing: Option<&Thing>, path: &[&str]| -> Option<Value> {
            let mut value = thing?.attrs.get(path[0])?;
            for part in &path[1..] {
                value = value.map()?.get(*part)?;
            }
            (!value.is_null()).then(|| value.clone())
        };
        let path: Vec<&str> = name.split('.').collect();
        let (value, found) = match path[..] {
            [
                object @ ("host" | "service" | "user" | "notification" | "command" | "icinga"),
                ref rest @ ..,
            ] if !rest.is_empty() => {
                if let Some(known) = macros::of(object, &rest.join(".")) {
                    return self.run_time(object, rest[0], known);
                }
                let thing = match object {
                    "host" => self.host,
                    "service" => self.service,
                    "notification" => self.notification,
                    "command" => self.command,
                    _ => None,
                };
                match (of(thing, rest), rest) {
                    (None, ["vars", variable]) if thing.is_none() => {
                        (self.custom(object, variable), false)
                    }
                    (value, _) => (value, true),
                }
            }
            _ => {
                let things = [
                    ("notification", self.notification),
                    ("service", self.service),
                    ("host", self.host),
                ];
                let mut found = None;
                for (object, thing) in things {
                    let mut whole = vec!["vars"];
                    whole.extend(&path);
                    found = of(thing, &whole);
                    if found.is_some() {
                        break;
                    }
                    // A field of the object itself; a notification's own mean nothing to a command.
                    if let Some(known) = macros::of(object, name).filter(|_| {
                        thing.is_some() && object != "notification"
                            || object == "host" && self.host.is_none()
                    }) {
                        return self.run_time(object, name, known);
                    }
                }
                if found.is_none() && self.host.is_none() {
                    let anywhere = ["user", "service", "host"]
                        .iter()
                        .find_map(|object| self.custom(object, name));
                    if let Some(value) = anywhere {
                        return Ok(value);
                    }
                }
                let mut whole = vec!["vars"];
                whole.extend(&path);
                (found.or_else(|| of(self.command, &whole)), true)
            }
        };
        match value {
            Some(value) if found => self.inner(value, depth + 1),
            Some(value) => Ok(value),
            None => Err(Problem::Missing(name.to_owned())),
        }
    }

    /// The macros within a value.
    fn inner(&self, value: Value, depth: u32) -> Result<Value, Problem> {
        match value {
            Value::Text(text) => self.resolve(&text, depth),
            Value::List(items) => {
                let items: Result<Vec<Value>, Problem> = items
                    .into_iter()
                    .map(|item| self.inner(item, depth))
                    .collect();
                items.map(Value::List)
            }
            Value::Unknown(why) => Err(Problem::Unknown(why)),
            value => Ok(value),
        }
    }

    /// A macro of Nagios; an address that is not there is missing.
    fn run_time(&self, object: &str, field: &str, known: &str) -> Result<Value, Problem> {
        if object == "host"
            && field.starts_with("address")
            && let Some(host) = self.host
            && !host.attrs.get(field).is_some_and(Value::is_true)
        {
            return Err(Problem::Missing(field.to_owned()));
        }
        Ok(Value::Text(format!("${known}$")))
    }

    /// The macro of a custom variable, if anything has it.
    fn custom(&self, object: &str, variable: &str) -> Option<Value> {
        let variable = variable.to_ascii_lowercase();
        let has = |(known, names): &&(&'static str, Vec<String>)| {
            *known == object && names.contains(&variable)
        };
        self.at_run_time.iter().find(has)?;
        let object = if object == "user" {
            "CONTACT"
        } else {
            &*object.to_ascii_uppercase()
        };
        Some(Value::Text(format!(
            "$_{object}{}$",
            variable.to_ascii_uppercase()
        )))
    }
}

/// One word of a shell. The address of a host needs no quotes.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.replace("$HOSTADDRESS$", "").chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{commands, parser, world::World},
        *,
    };
    use crate::import::source::Faults;

    /// The line of the service `s` on the host `h`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (items, wrong) = parser::items(text, 0);
        assert_eq!(wrong, None, "{text}");
        let known = commands::items();
        let mut faults = Faults::default();
        let world = World::build(&items, &known, &mut faults);
        let service = world.find("Service", "s").expect("a service");
        let name = service.attrs["check_command"].as_text().expect("a name");
        let sources = Sources {
            service: Some(service),
            host: world.find("Host", "h"),
            ..Sources::default()
        };
        let line = line(
            world.find("CheckCommand", name).expect("a command"),
            sources,
        );
        let shown = line.map_or_else(
            |why| format!("ERROR {why}"),
            |line| {
                line.left_out
                    .iter()
                    .fold(line.text, |text, out| format!("{text} LEFT {out}"))
            },
        );
        assert_eq!(shown.replace("/usr/lib/nagios/plugins/", "@"), expected);
    }

    const HOST: &str = "object Host \"h\" { address = \"192.0.2.1\"; vars.port = 8080; vars.list = [ \"a b\", \"c\" ] }\n";

    #[test]
    fn known_commands() {
        for (body, expected) in [
            (
                "check_command = \"ping4\"",
                "@check_ping -4 -H $HOSTADDRESS$ -c 200,15% -w 100,5%",
            ),
            (
                "check_command = \"ssh\"; vars.ssh_port = \"$host.vars.port$\"",
                "@check_ssh -p 8080 $HOSTADDRESS$",
            ),
            (
                "check_command = \"dummy\"; vars.dummy_text = \"it's\"",
                "@check_dummy 0 'it'\\''s'",
            ),
            (
                "check_command = \"nrpe\"; vars.nrpe_command = \"x\"; vars.nrpe_arguments = [ 1, 2 ]",
                "@check_nrpe -H $HOSTADDRESS$ -c x -a 1 2",
            ),
            (
                "check_command = \"swap\"; vars.swap_wfree = 5",
                "@check_swap -c 25% -w 5%",
            ),
            (
                "check_command = \"by_ssh\"; vars.by_ssh_command = [ \"a\", \"b\" ]",
                "@check_by_ssh -C 'a b' -H $HOSTADDRESS$",
            ),
            (
                "check_command = \"ping6\"",
                "@check_ping -6 -c 200,15% -w 100,5%",
            ),
            (
                "check_command = \"udp\"",
                "ERROR the command `udp` needs `$udp_port$`, and nothing says what that is",
            ),
        ] {
            check(
                &format!("{HOST}object Service \"s\" {{ host_name = \"h\"; {body} }}"),
                expected,
            );
        }
    }

    #[test]
    fn arguments_in_all_forms() {
        let command = "object CheckCommand \"c\" {\n command = [ PluginDir + \"/c\", \"$host.name$\" ]\n arguments = {\n\
            \"-l\" = { value = \"$list$\" }\n\"-m\" = { value = \"$list$\"; repeat_key = false }\n\
            \"-z\" = { value = \"$port$\"; order = -1 }\n\"--eq\" = { value = \"$port$\"; separator = \"=\" }\n\
            \"x\" = { value = \"last\"; skip_key = true; order = 9 }\n\"-q\" = { set_if = \"$off$\" }\n\"-o\" = { set_if = \"$on$\" }\n\
            \"-n\" = \"$nothing$\"\n\"-d\" = \"cost$$5\"\n\"-f\" = {{ 1 }}\n }\n vars.off = \"false\"\n vars.on = 1\n}\n";
        check(
            &format!(
                "{HOST}{command}object Service \"s\" {{ host_name = \"h\"; check_command = \"c\" }}"
            ),
            "@c '$HOSTNAME$' -z 8080 --eq=8080 -d 'cost$$5' -l 'a b' -l c -m 'a b' c -o last LEFT -f: a function is run by Icinga only",
        );
    }

    #[test]
    fn a_text_is_a_line_for_a_shell() {
        let command = "object CheckCommand \"c\" {\n command = \"echo $host.vars.list$ | wc\"\n}\n";
        check(
            &format!(
                "{HOST}{command}object Service \"s\" {{ host_name = \"h\"; check_command = \"c\" }}"
            ),
            "echo 'a b c' | wc",
        );
    }
}
