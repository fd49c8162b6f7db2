//! What a check found, in both languages.

/// A sentence in both languages; neither has a character outside of CP932.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nobody looked: this system does not tell.
    Skipped,
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// Something will go wrong, or has.
    Warning,
    /// It cannot work like this.
    Problem,
}

impl Level {
    /// The mark before the line.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Skipped => "[-]",
            Self::Fine => "[ok]",
            Self::Note => "[i]",
            Self::Warning => "[!]",
            Self::Problem => "[x]",
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the check, for programs.
    pub check: &'static str,
    /// How bad.
    pub level: Level,
    /// What it is.
    pub say: Words,
    /// What to do; always there from a warning on.
    pub fix: Option<Words>,
}

impl Finding {
    /// As it should be.
    pub fn fine(check: &'static str, say: Words) -> Self {
        Self {
            check,
            level: Level::Fine,
            say,
            fix: None,
        }
    }

    /// Not looked at; the sentence says so.
    pub fn skipped(check: &'static str, say: Words) -> Self {
        Self {
            level: Level::Skipped,
            ..Self::fine(check, say)
        }
    }

    /// Worth knowing.
    pub fn note(check: &'static str, say: Words) -> Self {
        Self {
            level: Level::Note,
            ..Self::fine(check, say)
        }
    }

    /// Something will go wrong.
    pub fn warning(check: &'static str, say: Words, fix: Words) -> Self {
        Self {
            level: Level::Warning,
            fix: Some(fix),
            ..Self::fine(check, say)
        }
    }

    /// It cannot work.
    pub fn problem(check: &'static str, say: Words, fix: Words) -> Self {
        Self {
            level: Level::Problem,
            ..Self::warning(check, say, fix)
        }
    }
}

/// A sentence in both languages.
pub fn words(en: impl Into<String>, ja: impl Into<String>) -> Words {
    Words {
        en: en.into(),
        ja: ja.into(),
    }
}

/// What is said of a check that does not end.
pub fn late(check: &'static str) -> Finding {
    Finding::warning(
        check,
        words(
            format!("the check \"{check}\" did not end in time"),
            format!("「{check}」の確認が時間内に終わりませんでした"),
        ),
        words(
            "a disk or a network drive may hang; try again, then restart the PC",
            "ディスクかネットワークドライブが応答していない可能性があります。もう一度実行し、変わらなければ PC を再起動してください",
        ),
    )
}

/// What is said of a check that is dispensable and did not end.
pub fn skipped(check: &'static str) -> Finding {
    Finding::skipped(
        check,
        words(
            format!("{check}: not checked, the system did not answer in time"),
            format!("{check}: 時間内に応答がなく、調べていません"),
        ),
    )
}
