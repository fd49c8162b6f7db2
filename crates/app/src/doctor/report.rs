//! The page: worst first, each with what to do. Only characters of CP932, and no secret.

use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::{Value, json};

use super::finding::{Finding, Level, Words};
use crate::text::redact;
use crate::verify::ascii;

/// The language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Japanese.
    Ja,
}

impl FromStr for Lang {
    type Err = String;

    /// Any letter case.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "ja" => Ok(Self::Ja),
            _ => Err("ja or en".to_owned()),
        }
    }
}

impl Lang {
    /// The language of the environment: LC_ALL, then LANG.
    #[must_use]
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        match set("LC_ALL").or_else(|| set("LANG")) {
            Some(locale) if locale.to_ascii_lowercase().starts_with("ja") => Self::Ja,
            _ => Self::En,
        }
    }

    fn pick(self, words: &Words) -> &str {
        match self {
            Self::En => &words.en,
            Self::Ja => &words.ja,
        }
    }
}

/// The page; with `verbose` also what is fine.
pub fn text(findings: &[Finding], lang: Lang, verbose: bool) -> String {
    let mut out = String::new();
    let (shown, fine): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|f| verbose || f.level > Level::Fine);
    for finding in shown {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} {}", finding.level.mark(), plain(lang.pick(&finding.say)));
        if let Some(fix) = &finding.fix {
            let label = if lang == Lang::Ja { "対処" } else { "fix" };
            let _ = writeln!(out, "    {label}: {}", plain(lang.pick(fix)));
        }
    }
    out.push_str(&hidden(&fine, lang));
    out.push_str(verdict(findings, lang));
    encodable(&redact::clean(&out))
}

/// What is fine, and what nobody looked at, in a line.
fn hidden(fine: &[&Finding], lang: Lang) -> String {
    let skipped = fine.iter().filter(|finding| finding.level == Level::Skipped).count();
    let n = fine.len() - skipped;
    match (lang, n, skipped) {
        (_, 0, 0) => String::new(),
        (Lang::En, _, 0) => format!("[ok] {n} checks are fine (-v shows them)\n"),
        (Lang::En, ..) => format!("[ok] {n} checks are fine, {skipped} were not made here (-v shows them)\n"),
        (Lang::Ja, _, 0) => format!("[ok] {n} 項目 問題なし (-v で表示)\n"),
        (Lang::Ja, ..) => format!("[ok] {n} 項目 問題なし、{skipped} 項目は未確認 (-v で表示)\n"),
    }
}

fn verdict(findings: &[Finding], lang: Lang) -> &'static str {
    let worst = findings.iter().map(|f| f.level).max().unwrap_or(Level::Fine);
    match (lang, worst) {
        (Lang::En, Level::Problem) => "next: do what stands behind the first \"fix\", then  ayumi doctor",
        (Lang::En, Level::Warning) => "doctor: it works, but something was found",
        (Lang::En, _) => "doctor: all is well",
        (Lang::Ja, Level::Problem) => "next: 最初の「対処」の後に  ayumi doctor",
        (Lang::Ja, Level::Warning) => "doctor: 使えますが、気になる点があります",
        (Lang::Ja, _) => "doctor: 問題ありません",
    }
}

/// The findings for programs: one line of ASCII.
pub fn to_json(findings: &[Finding], lang: Lang) -> String {
    let one = |finding: &Finding| {
        json!({
            "check": finding.check,
            "level": finding.level.word(),
            "text": lang.pick(&finding.say),
            "fix": finding.fix.as_ref().map(|fix| lang.pick(fix)),
        })
    };
    let well = findings.iter().all(|finding| finding.level < Level::Warning);
    let whole = json!({"well": well, "findings": findings.iter().map(one).collect::<Vec<Value>>()});
    // Before it is escaped: a secret may have characters that are.
    ascii(&redact::clean(&whole.to_string()))
}

/// Line breaks stay, everything else that moves a terminal's cursor does not.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(kept).collect::<String>().replace('\n', "\n    ")
}

/// The text with `?` for what a Japanese console cannot show: an answer, a path or a settings file may hold anything.
pub fn encodable(text: &str) -> String {
    let mut buffer = [0; 4];
    let mut shown = |c: char| {
        let (_, _, failed) = encoding_rs::SHIFT_JIS.encode(c.encode_utf8(&mut buffer));
        // CP932 has no backslash or tilde trouble, but the encoder takes U+00A5 for a backslash, which it is not.
        if failed || matches!(c, '\u{a5}' | '\u{203e}' | '\u{2212}') {
            '?'
        } else {
            c
        }
    };
    text.chars().map(|c| if c.is_ascii() { c } else { shown(c) }).collect()
}
