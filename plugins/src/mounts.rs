//! What is mounted, as gnulib reads it from the table that the C library knows.

use std::sync::Arc;

use crate::Foreign;

/// The table that the real plugins read.
const TABLE: &str = "/etc/mtab";
/// A longer table is for the real plugin.
const LONGEST: usize = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub device: String,
    pub dir: String,
    pub kind: String,
    pub is_remote: bool,
}

/// In the table's order.
pub(crate) fn read() -> Result<Vec<Arc<Mount>>, Foreign> {
    let table = std::fs::read_to_string(TABLE)
        .map_err(|error| Foreign::unhandled(format!("{TABLE}: {error}")))?;
    if LONGEST < table.len() {
        return Err(Foreign::unhandled(format!("{TABLE} is very long")));
    }
    Ok(table.lines().filter_map(parse).map(Arc::new).collect())
}

fn parse(line: &str) -> Option<Mount> {
    let mut fields = line
        .split([' ', '\t'])
        .filter(|field| !field.is_empty())
        .map(decoded);
    let device = fields.next()?;
    if device.starts_with('#') {
        return None;
    }
    let (dir, kind) = (fields.next()?, fields.next().unwrap_or_default());
    // The C library leaves them out.
    let options = fields.next().unwrap_or_default();
    if kind == "autofs" && options.split(',').any(|option| option == "ignore") {
        return None;
    }
    let is_remote =
        device.contains(':') || device.starts_with("//") && matches!(&*kind, "smbfs" | "cifs");
    Some(Mount {
        device,
        dir,
        kind,
        is_remote,
    })
}

/// Blanks, tabs, line ends and backslashes are written in octal; nothing else that is, is for the C library.
fn decoded(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (letter, length) = match rest.get(1..4) {
            Some("040") => (' ', 4),
            Some("011") => ('\t', 4),
            Some("012") => ('\n', 4),
            Some("134") => ('\\', 4),
            _ if rest[1..].starts_with('\\') => ('\\', 2),
            _ => ('\\', 1),
        };
        out.push(letter);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_table() {
        let mount = |line: &str| parse(line).expect(line);
        let plain = mount("/dev/sda1 / ext4 rw,relatime 0 0");
        assert_eq!(
            (&*plain.device, &*plain.dir, &*plain.kind),
            ("/dev/sda1", "/", "ext4")
        );
        assert!(!plain.is_remote);
        assert_eq!(
            mount(r"a\040b /c\011d\134\012\\x\043é\04 t").dir,
            "/c\td\\\n\\x\\043é\\04"
        );
        for remote in [
            "server:/x /x nfs",
            "//s/x /x cifs",
            "//s/x /x smbfs",
            "a:b /x tmpfs",
        ] {
            assert!(mount(remote).is_remote, "{remote}");
        }
        for local in ["//s/x /x smb3", "-hosts /x autofs", "none /x nfs"] {
            assert!(!mount(local).is_remote, "{local}");
        }
        for none in ["", "# x y", "alone", "x /y autofs rw,ignore 0 0"] {
            assert_eq!(parse(none), None, "{none}");
        }
        assert_eq!(decoded("\\"), "\\");
    }
}
