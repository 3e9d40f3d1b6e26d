//! A report for the terminal.

use super::sheet::{Block, Cell, Sheet, heading};

/// The longest bar, in letters.
const LENGTH: u64 = 40;
/// Where long sentences are broken.
const WIDTH: usize = 100;

pub fn write(sheet: &Sheet) -> String {
    let mut lines = vec![sheet.headline()];
    for section in &sheet.sections {
        lines.push(String::new());
        lines.push(heading(section.title));
        for rule in &section.rules {
            lines.extend(
                wrapped(rule, WIDTH)
                    .into_iter()
                    .map(|line| format!("  {line}")),
            );
        }
        match &section.block {
            Block::Figures(figures) => {
                let rows = figures
                    .iter()
                    .map(|(name, cell)| vec![(name.clone(), false), (cell.told(), false)]);
                lines.extend(columns(rows.collect()));
            }
            Block::Bars { bars, .. } => {
                let most = bars
                    .iter()
                    .map(|(_, count)| *count)
                    .max()
                    .unwrap_or(0)
                    .max(1);
                let rows = bars.iter().map(|(name, count)| {
                    // What there is must be seen, however little it is.
                    let length = (LENGTH * count).div_ceil(most);
                    let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
                    vec![
                        (name.clone(), false),
                        (count.to_string(), true),
                        (bar, false),
                    ]
                });
                lines.extend(columns(rows.collect()));
            }
            Block::Table { rows, .. } if rows.is_empty() => lines.push("  none".to_owned()),
            Block::Table { head, rows, .. } => {
                let is_number = |column: usize| {
                    rows.iter()
                        .all(|row| row.get(column).is_none_or(Cell::is_number))
                };
                let head = (0..).zip(head);
                let head = head.map(|(column, name)| ((*name).to_owned(), is_number(column)));
                let mut all = vec![head.collect()];
                all.extend(rows.iter().map(|row| {
                    let cells = (0..).zip(row);
                    cells
                        .map(|(column, cell)| (cell.shown(), is_number(column)))
                        .collect()
                }));
                lines.extend(columns(all));
            }
        }
    }
    if !sheet.notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(sheet.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n") + "\n"
}

/// Lines up cells, each with whether it goes to the right.
fn columns(rows: Vec<Vec<(String, bool)>>) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, (cell, _)) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<(String, bool)>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|((cell, right), width)| match right {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            })
            .collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
