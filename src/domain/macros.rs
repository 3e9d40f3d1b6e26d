//! Macros: `$HOSTADDRESS$` and kin, expanded before a run; what comes from outside stays text.

use crate::base::text::cut;

/// Longest value on a command line or in the environment, in bytes; the kernel takes 128 KiB for one string.
const MAX_VALUE: usize = 16 * 1024;

/// Where in a command line a macro stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Between quotes of either kind.
    Quoted,
    Bare,
}

/// Replaces each `$NAME$` in `template` by what `lookup` says.
///
/// `lookup` gives the value of a macro, `Some("")` for a known macro that has none here, and None for a name it
/// does not know; an unknown name stays as `$NAME$`. `$$` is one `$`, and a `$` without a partner stays.
/// Dollar signs pair up from the left, exactly as in Nagios: `awk '{print $1}' $HOSTNAME$` takes `$1}' $` for one
/// (unknown) macro, so such a `$` must be written `$$`. Values are not expanded again.
pub fn expand(template: &str, lookup: &mut dyn FnMut(&str, Spot) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let Some((name, next)) = after.split_once('$') else {
            text.push('$');
            rest = after;
            break;
        };
        if name.is_empty() {
            text.push('$');
        } else if let Some(value) = lookup(name, spot(&template[..template.len() - after.len()])) {
            text.push_str(&value);
        } else {
            text.push('$');
            text.push_str(name);
            text.push('$');
        }
        rest = next;
    }
    text.push_str(rest);
    text
}

/// Does a shell stand between quotes after `before`?
fn spot(before: &str) -> Spot {
    let mut open = None;
    let mut rest = before.chars();
    while let Some(c) = rest.next() {
        match (open, c) {
            (None, '\'' | '"') => open = Some(c),
            (Some(quote), c) if quote == c => open = None,
            (None | Some('"'), '\\') => {
                rest.next();
            }
            _ => {}
        }
    }
    if open.is_some() {
        Spot::Quoted
    } else {
        Spot::Bare
    }
}

/// Macros whose text plugins, people or pipelines write. Nagios cleans only some of them; the others reach a shell
/// uncleaned there, which is a hole.
pub fn is_from_outside(name: &str) -> bool {
    // On demand: `$SERVICEOUTPUT:web1:http$`.
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let bare = name.strip_prefix("LONG").unwrap_or(name);
    let rest = bare
        .strip_prefix("SERVICE")
        .or_else(|| bare.strip_prefix("HOST"))
        .unwrap_or(bare);
    matches!(
        rest,
        "OUTPUT" | "PERFDATA" | "ACKAUTHOR" | "ACKCOMMENT" | "ACKAUTHORNAME" | "ACKAUTHORALIAS"
    ) || name.starts_with("NOTIFICATIONAUTHOR")
        || name == "NOTIFICATIONCOMMENT"
        || name.starts_with("DEPLOY")
}

/// A value as a command line may hold it: no control characters, and what comes from outside without the characters in
/// `illegal` (`illegal_macro_output_chars`), so that it cannot leave its quotes. Where the line has no quotes around it,
/// what is left of a shell's own characters is escaped: a `;` in long output must not begin a command.
pub fn for_line(name: &str, value: &str, illegal: &str, spot: Spot) -> String {
    let value = plain(value);
    if !is_from_outside(name) {
        return value;
    }
    let kept = value.chars().filter(|c| !illegal.contains(*c));
    match spot {
        // A backslash at the end would escape the quote that follows it.
        Spot::Quoted => {
            let kept: String = kept.collect();
            kept.trim_end_matches('\\').to_owned()
        }
        Spot::Bare => {
            let special = |c: char| c.is_ascii_punctuation() && !"%+,-./:=@_".contains(c);
            let mut escaped = String::new();
            for c in kept {
                if special(c) {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
            escaped
        }
    }
}

/// No control characters (a NUL cannot even be passed on), and not too long.
pub fn plain(value: &str) -> String {
    let text: String = value
        .chars()
        .map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    cut(&text, MAX_VALUE).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(name: &str, _: Spot) -> Option<String> {
        match name {
            "HOSTNAME" => Some("web1".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRAP" => Some("$HOSTNAME$".to_owned()),
            "SERVICESTATE:web1:My Service" => Some("OK".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn macros_expand_as_in_nagios() {
        for (template, expected) in [
            ("-H $HOSTNAME$ -p 80", "-H web1 -p 80"),
            ("$HOSTNAME$$HOSTNAME$", "web1web1"),
            ("cost $$5", "cost $5"),
            ("$UNKNOWN$ $HOSTNAME$", "$UNKNOWN$ web1"),
            ("[$EMPTY$]", "[]"),
            ("lone $", "lone $"),
            ("open $HOSTNAME", "open $HOSTNAME"),
            ("$SERVICESTATE:web1:My Service$", "OK"),
            ("$TRAP$", "$HOSTNAME$"),
            ("'{print $1}' $HOSTNAME$", "'{print $1}' $HOSTNAME$"),
            ("'{print $$1}' $HOSTNAME$", "'{print $1}' web1"),
            ("", ""),
            ("$", "$"),
            ("$$$", "$$"),
        ] {
            assert_eq!(expand(template, &mut known), expected, "{template}");
        }
    }

    #[test]
    fn a_macro_knows_its_quotes() {
        let mut spots = Vec::new();
        expand(
            "echo $A$ \"$B$ it's $C$\" '$D$ \"' $E$ \\\" $F$ \"\\\" $G$\"",
            &mut |_, spot| {
                spots.push(spot == Spot::Quoted);
                None
            },
        );
        assert_eq!(spots, [false, true, true, true, false, false, true]);
    }

    #[test]
    fn text_from_outside_stays_text() {
        let illegal = "`~$&|'\"<>";
        for (value, quoted, bare) in [
            (
                "a`rm -rf $HOME`\n\x1b[0m|\"é\"",
                "arm -rf HOME [0mé",
                "arm -rf HOME \\[0mé",
            ),
            (
                "x; touch y #(z) *",
                "x; touch y #(z) *",
                "x\\; touch y \\#\\(z\\) \\*",
            ),
            ("ends with \\\\", "ends with ", "ends with \\\\\\\\"),
            (
                "50% of 3/4, at a:b=c",
                "50% of 3/4, at a:b=c",
                "50% of 3/4, at a:b=c",
            ),
        ] {
            assert_eq!(
                for_line("LONGSERVICEOUTPUT", value, illegal, Spot::Quoted),
                quoted
            );
            assert_eq!(for_line("DEPLOYVERSION", value, illegal, Spot::Bare), bare);
        }
        assert_eq!(
            for_line("SERVICEOUTPUT:web1:http", "a`b", illegal, Spot::Bare),
            "ab",
            "also on demand"
        );
        assert_eq!(
            for_line("HOSTNAME", "a&b;c", illegal, Spot::Bare),
            "a&b;c",
            "names come from the configuration"
        );
    }

    proptest! {
        #[test]
        fn bare_text_from_outside_never_needs_a_shell(text in "\\PC*") {
            use crate::domain::command::{Parsed, parse};
            let line = format!("echo {}", for_line("SERVICEOUTPUT", &text, "`$&|'\"<>~", Spot::Bare));
            let is_exec = matches!(parse(&line), Parsed::Exec { .. });
            prop_assert!(is_exec, "{}", line);
        }

        #[test]
        fn text_without_a_dollar_is_untouched(text in "[^$]*") {
            prop_assert_eq!(expand(&text, &mut |_, _| None), text);
        }

        #[test]
        fn with_no_macro_known_only_double_dollars_change(text in "\\PC*") {
            let expanded = expand(&text, &mut |_, _| None);
            prop_assert_eq!(expanded.replace('$', ""), text.replace('$', ""));
        }
    }
}
