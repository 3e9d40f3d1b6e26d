//! How reports are written.

use std::path::PathBuf;

use expect_test::expect_file;

use super::*;

fn reports() -> [(&'static str, Report); 3] {
    let on_call = oncall(&on_call_rows(), &week());
    let deploys = deploys(&deploy_rows(), &week());
    [
        ("oncall", Report::OnCall(Box::new(on_call))),
        ("deploys", Report::Deploys(Box::new(deploys))),
        ("slo", Report::Slo(Box::new(slo::of_march()))),
    ]
}

#[test]
fn every_form_is_as_it_was() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/domain/report/tests");
    for (name, report) in reports() {
        for (form, end) in [
            (Form::Text, "txt"),
            (Form::Markdown, "md"),
            (Form::Html, "html"),
            // Its lines end as RFC 4180 has them; files of the repository do not.
            (Form::Csv, "csv"),
        ] {
            let text = report.write(form).replace("\r\n", "\n");
            expect_file![root.join(name).with_extension(end)].assert_eq(&text);
        }
        let json = serde_json::to_string_pretty(&report).expect("JSON") + "\n";
        expect_file![root.join(name).with_extension("json")].assert_eq(&json);
    }
}

#[test]
fn json_comes_back_as_it_went() {
    for (_, report) in reports() {
        let json = serde_json::to_value(&report).expect("JSON");
        let again: Report = serde_json::from_value(json).expect("a report");
        assert_eq!(again, report);
    }
}

#[test]
fn a_time_without_anything_is_told_in_every_form() {
    let nothing = [
        Report::OnCall(Box::new(oncall(&OnCallRows::default(), &week()))),
        Report::Deploys(Box::new(deploys(&DeployRows::default(), &week()))),
        Report::Slo(Box::new(super::super::slo(
            &SloRows::default(),
            &[],
            false,
            &week(),
        ))),
    ];
    for report in nothing {
        for form in [Form::Text, Form::Markdown, Form::Html, Form::Csv] {
            let text = report.write(form);
            assert!(text.contains("2026-03-2"), "{text}");
            assert!(!text.contains("NaN"), "{text}");
        }
    }
}

const HOSTILE: &str =
    "=HYPERLINK(\"http://x\")<script>alert('1')</script>|[a](http://x) & `b`\r\n\x1b[31m*c*,d";

fn hostile() -> Report {
    let mut report = oncall(&on_call_rows(), &week());
    report.people[0].name = HOSTILE.to_owned();
    report.checks[0].object = HOSTILE.to_owned();
    report.downtime_expired[0].object = HOSTILE.to_owned();
    report.notes.push(HOSTILE.to_owned());
    report.frame.about = HOSTILE.to_owned();
    Report::OnCall(Box::new(report))
}

#[test]
fn html_takes_no_markup_from_outside_and_needs_nothing_else() {
    let html = hostile().write(Form::Html);
    assert!(html.contains("&lt;script&gt;"));
    for wrong in [
        "<script", "<a", "<img", " src=", " href=", "\x1b", "url(", "@import",
    ] {
        assert!(!html.contains(wrong), "{wrong}");
    }
    // Each tag is one of ours.
    let known = [
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div",
        "table", "tr", "td", "th", "svg", "text", "rect", "ul", "li",
    ];
    for tag in html.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let name = name.split([' ', '>', '/']).next().unwrap_or_default();
        assert!(known.contains(&name), "<{tag}");
    }
    assert!(html.contains("width=device-width"));
}

#[test]
fn text_and_markdown_keep_to_their_lines() {
    let text = hostile().write(Form::Text);
    assert!(!text.contains('\x1b') && !text.contains('\r'));
    let markdown = hostile().write(Form::Markdown);
    assert!(!markdown.contains("<script") && !markdown.contains("[a]("));
    // A cell more would shift all that follow.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for lines in markdown.split("\n\n").filter(|part| part.starts_with('|')) {
        let mut counts = lines.lines().map(cells);
        let first = counts.next();
        assert!(counts.all(|count| Some(count) == first), "{lines}");
    }
}

/// A reader of RFC 4180.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            _ => field.push(letter),
        }
    }
    assert!(field.is_empty() && record.is_empty() && !quoted);
    all
}

#[test]
fn csv_is_one_table_without_formulas() {
    let records = records(&hostile().write(Form::Csv));
    assert!(40 < records.len());
    for record in &records {
        assert_eq!(record.len(), 5, "{record:?}");
        for field in record {
            assert!(
                !field.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{field}"
            );
        }
    }
    let hostile: Vec<_> = records
        .iter()
        .filter(|it| it[1].contains("HYPERLINK"))
        .collect();
    assert!(!hostile.is_empty());
    assert!(hostile.iter().all(|it| it[1].starts_with("'=")));
}
