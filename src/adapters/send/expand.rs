//! Stand-in for the macro expander of the domain until it is there.

/// Expands `$NAME$`; `$$` is a dollar sign, unknown names stay as they are.
pub fn expand(template: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('$') {
        text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let Some(end) = after.find('$') else {
            text.push_str(&rest[start..]);
            return text;
        };
        match &after[..end] {
            "" => text.push('$'),
            name => match lookup(name) {
                Some(value) => text.push_str(&value),
                None => text.push_str(&rest[start..start + end + 2]),
            },
        }
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    text
}
