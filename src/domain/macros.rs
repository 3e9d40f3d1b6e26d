//! Macros: `$HOSTADDRESS$` and kin, expanded before a run.

/// Replaces each `$NAME$` in `template` by what `lookup` says.
///
/// `lookup` gives the value of a macro, `Some("")` for a known macro that has none here, and None for a name it
/// does not know; an unknown name stays as `$NAME$`. `$$` is one `$`, and a `$` without a partner stays.
/// Dollar signs pair up from the left, exactly as in Nagios: `awk '{print $1}' $HOSTNAME$` takes `$1}' $` for one
/// (unknown) macro, so such a `$` must be written `$$`. Values are not expanded again.
pub fn expand(template: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> String {
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
        } else if let Some(value) = lookup(name) {
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

/// `text` without control characters and without the characters in `illegal` (`illegal_macro_output_chars`): what
/// Nagios does to `$SERVICEOUTPUT$`, `$HOSTPERFDATA$` and the other texts that plugins and people write, because a
/// shell may read the line they end in.
pub fn clean(text: &str, illegal: &str) -> String {
    text.chars()
        .filter(|c| !c.is_ascii_control() && !illegal.contains(*c))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(name: &str) -> Option<String> {
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
    fn cleaning_deletes() {
        assert_eq!(
            clean("a`rm -rf $HOME`\n\x1b[0m|\"é\"", "`~$&|'\"<>"),
            "arm -rf HOME[0mé"
        );
        assert_eq!(clean("a\x7fb\tc", ""), "abc");
    }

    proptest! {
        #[test]
        fn text_without_a_dollar_is_untouched(text in "[^$]*") {
            prop_assert_eq!(expand(&text, &mut |_| None), text);
        }

        #[test]
        fn with_no_macro_known_only_double_dollars_change(text in "\\PC*") {
            let expanded = expand(&text, &mut |_| None);
            prop_assert_eq!(expanded.replace('$', ""), text.replace('$', ""));
        }
    }
}
