//! A report as one HTML file that needs nothing else: no script, no other file, readable on a phone.

use super::sheet::{Block, Cell, Sheet, heading};
use crate::base::picture::{COLOURS, Picture};

/// Bars drawn in one picture; what is beyond stands in the table.
const DRAWN: usize = 31;
/// Letters of a bar's name.
const NAME: usize = 22;

const STYLE: &str = "body{font-family:sans-serif;max-width:60em;margin:1em auto;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.3em}h2{font-size:1.1em;margin-top:2em}p{color:#555}\
.wide{overflow-x:auto}table{border-collapse:collapse}\
td,th{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}\
.n{text-align:right;white-space:nowrap}svg{max-width:100%;height:auto}";

pub fn write(sheet: &Sheet) -> String {
    let headline = escaped(&sheet.headline());
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{headline}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{headline}</h1>\n"
    );
    for section in &sheet.sections {
        page.push_str(&format!("<h2>{}</h2>\n", escaped(&heading(section.title))));
        for rule in &section.rules {
            page.push_str(&format!("<p>{}</p>\n", escaped(rule)));
        }
        page.push_str(&match &section.block {
            Block::Figures(figures) => {
                let rows = figures
                    .iter()
                    .map(|(name, cell)| row("td", [(name.clone(), false), (cell.told(), true)]));
                table("", &rows.collect::<String>())
            }
            Block::Bars { unit, bars } => drawn(unit, bars),
            Block::Table { rows, .. } if rows.is_empty() => "<p>None.</p>\n".to_owned(),
            Block::Table { head, rows, drawn } => {
                let picture = drawn.map(|column| picture_of(head, rows, column));
                picture.unwrap_or_default() + &whole_table(head, rows)
            }
        });
    }
    if !sheet.notes.is_empty() {
        page.push_str("<h2>Notes</h2>\n<ul>\n");
        for note in &sheet.notes {
            page.push_str(&format!("<li>{}</li>\n", escaped(note)));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn whole_table(head: &[&str], rows: &[Vec<Cell>]) -> String {
    let is_number = |column: usize| {
        rows.iter()
            .all(|row| row.get(column).is_none_or(Cell::is_number))
    };
    let names = (0..).zip(head);
    let head = row(
        "th",
        names.map(|(column, name)| ((*name).to_owned(), is_number(column))),
    );
    let rows = rows.iter().map(|cells| {
        let cells = (0..).zip(cells);
        row(
            "td",
            cells.map(|(column, cell)| (cell.shown(), is_number(column))),
        )
    });
    table(&head, &rows.collect::<String>())
}

fn table(head: &str, rows: &str) -> String {
    format!("<div class=\"wide\"><table>\n{head}{rows}</table></div>\n")
}

/// Cells come with whether they are numbers.
fn row(kind: &str, cells: impl IntoIterator<Item = (String, bool)>) -> String {
    let cells: String = cells
        .into_iter()
        .map(|(text, number)| {
            let class = if number { " class=\"n\"" } else { "" };
            format!("<{kind}{class}>{}</{kind}>", escaped(&text))
        })
        .collect();
    format!("<tr>{cells}</tr>\n")
}

fn picture_of(head: &[&str], rows: &[Vec<Cell>], column: usize) -> String {
    let bars: Vec<(String, u64)> = rows
        .iter()
        .filter_map(|row| match (row.first()?, row.get(column)?) {
            (name, Cell::Count(count)) => Some((name.shown(), *count)),
            _ => None,
        })
        .collect();
    drawn(head.get(column).copied().unwrap_or_default(), &bars)
}

/// As wide as a phone: wider pictures would shrink until nobody can read them.
fn drawn(unit: &str, bars: &[(String, u64)]) -> String {
    let bars = &bars[..bars.len().min(DRAWN)];
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let longest = bars
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let left = 12.0 + 7.0 * longest.min(NAME) as f64;
    let length = 330.0 - left - 50.0;
    let mut picture = Picture::new(340.0, 34.0 + 18.0 * bars.len() as f64, unit);
    for (at, (name, count)) in bars.iter().enumerate() {
        let y = 30.0 + 18.0 * at as f64;
        let share = *count as f64 / most.max(1) as f64;
        picture.words(left - 6.0, y + 11.0, "end", &short(name));
        picture.bar([left, y, length * share, 14.0], COLOURS[0]);
        picture.words(
            left + length * share + 5.0,
            y + 11.0,
            "start",
            &count.to_string(),
        );
    }
    picture.done()
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).collect::<String>() + "…"
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}
