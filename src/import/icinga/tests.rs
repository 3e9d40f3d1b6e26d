//! Tests of the stages together: whatever stands in a file, an import ends with a site or with faults.

use super::{Input, icinga, parser};
use crate::import::{Faults, Source, source::Place};

fn import(text: &str) -> Result<String, String> {
    let (items, wrong) = parser::items(text, 0);
    let mut faults = Faults::default();
    if let Some((line, message, help)) = wrong {
        faults.push(Place { file: 0, line }, message, help);
    }
    let input = Input {
        sources: vec![Source::new("a.conf", text.into())],
        items,
    };
    icinga(&input, faults).map(|site| site.files.into_iter().map(|(_, text)| text).collect())
}

const SHOP: &str = concat!(
    include_str!("../../../tests/import_icinga/shop/conf.d/hosts.conf"),
    include_str!("../../../tests/import_icinga/shop/conf.d/services.conf"),
    include_str!("../../../tests/import_icinga/shop/conf.d/people.conf"),
);

#[test]
fn a_file_that_ends_anywhere_is_read() {
    assert!(import(SHOP).is_ok());
    for end in (0..SHOP.len()).step_by(23) {
        let _ = import(&SHOP[..end]);
    }
}

#[test]
fn strange_values_do_no_harm() {
    for text in [
        "object Host 1 { vars = 3; groups = 5 }",
        "object Host \"a\" { vars.x = vars; vars.y.z = 1; vars.x.y.z.a += [ 1 ] }",
        "object Host \"a\" { check_interval = -1; max_check_attempts = \"x\"; check_command = [ 1 ] }",
        "template Host \"a\" { import \"b\" }\ntemplate Host \"b\" { import \"a\" }\nobject Host \"c\" { import \"a\" }",
        "object HostGroup \"a\" { groups = [ \"b\" ] }\nobject HostGroup \"b\" { groups = [ \"a\" ] }",
        "object CheckCommand \"a\" { command = [ \"$x$\" ]; vars.x = \"$y$\"; vars.y = \"$x$\" }\n\
         object Host \"h\" { check_command = \"a\" }",
        "object TimePeriod \"p\" { ranges = 5; excludes = \"p\" }",
        "object Host \"h\" { check_command = \"hostalive\" }\n\
         apply Notification \"n\" to Host { times.begin = 5m; times.end = 1m; interval = 0; assign where true }",
        "const a = a\nobject Host a { }",
        "apply Service for (x in host.vars) { }\nobject Host \"h\" { vars = [ 1 ] }",
        "object Host \"a\" { vars.l = [ 1 ]; vars.m = vars.l[99999999999999] + vars.l[-1] }",
    ] {
        let _ = import(text);
    }
}

#[test]
fn a_command_that_nobody_defines_is_named_and_told_of() {
    let text = "object Host \"h\" {\n check_command = \"hostaliv\"\n}\n\
                object Service \"s\" {\n host_name = \"h\"\n check_command = \"ups\"\n vars.ups_name = \"u\"\n}\n";
    let (items, _) = parser::items(text, 0);
    let input = Input {
        sources: vec![Source::new("a.conf", text.into())],
        items,
    };
    let site = icinga(&input, Faults::default()).expect("a site");
    for (line, name, kind) in [(1, "hostaliv", "host"), (4, "ups", "check")] {
        let told = format!(
            "a.conf:{line}: the command `{name}` is not known: define it as CheckCommand in the files given, or write \
             [[command]] of that name"
        );
        assert!(site.summary.contains(&told), "{kind}: {}", site.summary);
    }
    let files: String = site.files.into_iter().map(|(_, text)| text).collect();
    for part in [
        "check = \"hostaliv\"",
        "command = \"ups\"\nnotify = false\nvars = { ups_name = \"u\" }",
    ] {
        assert!(files.contains(part), "{part} is not in\n{files}");
    }
}
