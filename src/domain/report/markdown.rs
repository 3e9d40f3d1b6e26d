//! A report as Markdown: tables only, since not every reader draws more.

use super::sheet::{Block, Cell, Sheet, heading};

pub fn write(sheet: &Sheet) -> String {
    let mut lines = vec![format!("# {}", escaped(&sheet.headline()))];
    for section in &sheet.sections {
        lines.push(format!("\n## {}\n", heading(section.title)));
        for rule in &section.rules {
            lines.push(format!("{}\n", escaped(rule)));
        }
        match &section.block {
            Block::Figures(figures) => {
                let rows = figures
                    .iter()
                    .map(|(name, cell)| vec![name.clone(), cell.told()]);
                lines.extend(table(&[("", false), ("", true)], rows.collect()));
            }
            Block::Bars { unit, bars } => {
                let rows = bars
                    .iter()
                    .map(|(name, count)| vec![name.clone(), count.to_string()]);
                lines.extend(table(&[("", false), (*unit, true)], rows.collect()));
            }
            Block::Table { rows, .. } if rows.is_empty() => lines.push("None.".to_owned()),
            Block::Table { head, rows, .. } => {
                let head: Vec<(&str, bool)> = (0..)
                    .zip(head)
                    .map(|(column, name): (usize, _)| {
                        let mut cells = rows.iter().filter_map(|row| row.get(column));
                        (*name, cells.all(Cell::is_number))
                    })
                    .collect();
                let rows = rows.iter().map(|row| row.iter().map(Cell::shown).collect());
                lines.extend(table(&head, rows.collect()));
            }
        }
    }
    if !sheet.notes.is_empty() {
        lines.push("\n## Notes\n".to_owned());
        lines.extend(
            sheet
                .notes
                .iter()
                .map(|note| format!("- {}", escaped(note))),
        );
    }
    lines.join("\n") + "\n"
}

/// The heads come with whether their column goes to the right.
fn table(head: &[(&str, bool)], rows: Vec<Vec<String>>) -> Vec<String> {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(head.iter().map(|(name, _)| escaped(name)).collect()),
        line(
            head.iter()
                .map(|(_, right)| if *right { "---:" } else { "---" }.to_owned())
                .collect(),
        ),
    ];
    lines.extend(
        rows.into_iter()
            .map(|row| line(row.iter().map(|cell| escaped(cell)).collect())),
    );
    lines
}

/// Text that is text alone: no link, no markup, no end of a cell, no HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // An address would become a link by itself.
    for letter in text.replace("://", ":\u{200b}//").chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '@' => {
                safe.push('\\');
                safe.push(letter);
            }
            _ => safe.push(letter),
        }
    }
    safe
}
