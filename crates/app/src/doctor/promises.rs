//! `ayumi doctor --promises`: G1 to G14 as the README prints them, each with its number and its proof.
//!
//! The sentences are public: whoever changes one changes both READMEs (a test compares them). Figures of real runs stand
//! in docs/reliability.md.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report::{Lang, encodable};
use crate::verify::ascii;

mod sheet;

pub use sheet::{NOT_PROMISED, PROMISES};

/// A sentence in both languages, known when this is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// English.
    pub en: &'static str,
    /// Japanese.
    pub ja: &'static str,
}

/// A promise, and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// `G1` to `G14`.
    pub id: &'static str,
    /// The promise.
    pub says: Said,
    /// When it counts as kept.
    pub number: Said,
    /// How the names of its tests begin: `cargo test --workspace g05`.
    pub tests: &'static [&'static str],
    /// Its trials: `cargo xtask trials`.
    pub trials: &'static [&'static str],
}

impl Promise {
    /// Tests and trials in a line.
    #[must_use]
    pub fn proof(&self, lang: Lang) -> String {
        let named = |names: &[&str]| names.join(", ");
        let (tests, trials) = match lang {
            Lang::En => ("tests", "trial"),
            Lang::Ja => ("テスト", "試験"),
        };
        let mut parts = Vec::new();
        if !self.tests.is_empty() {
            parts.push(format!("{tests} {}", named(self.tests)));
        }
        if !self.trials.is_empty() {
            parts.push(format!("{trials} {}", named(self.trials)));
        }
        parts.join("; ")
    }
}

impl Lang {
    fn of_said(self, said: &Said) -> &'static str {
        match self {
            Self::En => said.en,
            Self::Ja => said.ja,
        }
    }
}

const HEAD: Said = Said {
    en: "What ayumi promises. Figures of real runs: docs/reliability.md",
    ja: "ayumi の約束。実際に測った値は docs/reliability.md にあります",
};

/// The sheet as a page.
#[must_use]
pub fn text(lang: Lang) -> String {
    let (number, proof, not) = match lang {
        Lang::En => ("number", "proof", "What is not promised:"),
        Lang::Ja => ("数値", "証明", "約束しないこと:"),
    };
    let mut out = lang.of_said(&HEAD).to_owned();
    out.push('\n');
    for promise in PROMISES {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n{:<4}{}\n    {number}: {}\n    {proof}: {}\n",
            promise.id,
            lang.of_said(&promise.says),
            lang.of_said(&promise.number),
            promise.proof(lang)
        );
    }
    let _ = write!(out, "\n{not}");
    for item in NOT_PROMISED {
        let _ = write!(out, "\n  - {}", lang.of_said(item));
    }
    encodable(&out)
}

/// The sheet for programs: one line of ASCII.
#[must_use]
pub fn to_json(lang: Lang) -> String {
    let one = |promise: &Promise| {
        json!({
            "id": promise.id,
            "promise": lang.of_said(&promise.says),
            "number": lang.of_said(&promise.number),
            "tests": promise.tests,
            "trials": promise.trials,
        })
    };
    let whole = json!({
        "promises": PROMISES.iter().map(one).collect::<Vec<Value>>(),
        "not_promised": NOT_PROMISED.iter().map(|item| lang.of_said(item)).collect::<Vec<_>>(),
    });
    ascii(&whole.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_promises_each_with_a_proof_and_no_character_that_a_console_lacks() {
        let ids: Vec<String> = (1..=14).map(|n| format!("G{n}")).collect();
        assert_eq!(PROMISES.iter().map(|p| p.id).collect::<Vec<_>>(), ids);
        for lang in [Lang::En, Lang::Ja] {
            let page = text(lang);
            assert!(!page.contains('?'), "{page}");
            assert!(PROMISES.iter().all(|p| !p.proof(lang).is_empty()));
        }
        assert!(to_json(Lang::Ja).is_ascii());
    }
}
