//! Tables that read well on a terminal and as Markdown alike.

use std::fmt::Write as _;

/// A part of the report: what is measured and how, and its tables.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Heading.
    pub title: &'static str,
    /// What is compared, and what to know when reading it. Markdown.
    pub notes: Vec<String>,
    /// The figures.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self {
            head: head.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells);
    }

    /// As Markdown, columns aligned.
    pub fn markdown(&self) -> String {
        let widths: Vec<usize> = (0..self.head.len())
            .map(|at| {
                let cells = std::iter::once(&self.head).chain(&self.rows);
                cells.map(|row| row[at].chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = line(&self.head, &widths);
        let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
        text += &line(&rule, &widths);
        for row in &self.rows {
            text += &line(row, &widths);
        }
        text
    }
}

impl Section {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        for note in &self.notes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{note}\n");
        }
        for table in &self.tables {
            let _ = writeln!(text, "{}", table.markdown());
        }
        text
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::from("|");
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, " {cell:<width$} |");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["stage", "ns"]);
        table.row(["parse".to_owned(), "1,830".to_owned()]);
        table.row(["x".to_owned()]);
        assert_eq!(
            table.markdown(),
            "| stage | ns    |\n| ----- | ----- |\n| parse | 1,830 |\n| x     |       |\n"
        );
    }
}
