//! The report for programs: one object, ASCII only, so that it survives every pipe of every console.

use serde_json::{Value, json};

use super::grade::{Day, Grade};
use super::{FileReport, Report};

/// The report as one line of JSON.
pub fn to_json(report: &Report) -> String {
    let counts = Grade::ALL.map(|grade| (grade.to_string(), Value::from(report.count(grade))));
    let whole = json!({
        "well": report.is_well(),
        "grades": Value::Object(counts.into_iter().collect()),
        "files": report.files.iter().map(file).collect::<Vec<_>>(),
    });
    ascii(&whole.to_string())
}

fn file(file: &FileReport) -> Value {
    json!({
        "path": file.path.display().to_string(),
        "windows": file.windows,
        "rows": file.rows,
        "rows_of_scripts": file.of_scripts,
        "problems": file.problems,
        "notes": file.notes,
        "days": file.days.iter().map(day).collect::<Vec<_>>(),
    })
}

fn day(day: &Day) -> Value {
    let reasons = day
        .reasons
        .iter()
        .map(|reason| json!({"code": reason.code(), "grade": reason.grade().to_string(), "text": reason.to_string()}));
    json!({
        "date": day.date.to_string(),
        "symbol": day.ticker,
        "grade": day.grade().to_string(),
        "ticks": day.ticks,
        "volume": day.volume,
        "ledger": day.ledger,
        "from_ms": day.first_ms,
        "to_ms": day.last_ms,
        "reasons": reasons.collect::<Vec<_>>(),
    })
}

/// JSON in which every other character is written as `\uXXXX`.
pub fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out += &format!("\\u{unit:04x}");
            }
        }
    }
    out
}
