//! What is watched: (symbol, exchange), and the short ids the rest of the engine uses.

use std::fmt;
use std::str::FromStr;

/// A watched instrument. The key of everything is (code, exchange): one futures code under exchanges 2, 23 and 24 is
/// three streams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// `7203`, `285A`, `167060019`.
    pub code: String,
    /// 1 TSE, 3 Nagoya, 5 Fukuoka, 6 Sapporo, 2 derivatives whole day, 23 day session, 24 night session.
    pub exchange: u16,
}

impl Symbol {
    /// A symbol on the TSE.
    #[must_use]
    pub fn tse(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            exchange: 1,
        }
    }

    /// What the tables show: the code alone for exchange 1, else `code@exchange`.
    #[must_use]
    pub fn ticker(&self) -> String {
        if self.exchange == 1 {
            self.code.clone()
        } else {
            self.to_string()
        }
    }

    /// True for whole-day and night-session derivatives, whose trading date rolls at 16:30.
    #[must_use]
    pub fn rolls_at_1630(&self) -> bool {
        matches!(self.exchange, 2 | 24)
    }

    /// True for shares on a Japanese stock exchange: they have a pre-open phase.
    #[must_use]
    pub fn is_equity(&self) -> bool {
        matches!(self.exchange, 1 | 3 | 5 | 6)
    }
}

impl fmt::Display for Symbol {
    /// `7203@1`, as the station writes it in URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.code, self.exchange)
    }
}

/// Why a text is no symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// Nothing but blanks.
    #[error("a symbol must not be empty")]
    Empty,
    /// Something else than letters and digits, or more than 12 of them.
    #[error("\"{0}\" is no symbol: use 1 to 12 letters or digits, for example \"7203\", \"285A\" or \"7203@1\"")]
    Code(String),
    /// An exchange that the station does not stream.
    #[error("\"{0}\": the exchange after @ must be one of 1, 2, 3, 5, 6, 23, 24")]
    Exchange(String),
}

impl FromStr for Symbol {
    type Err = SymbolError;

    /// Reads `7203` or `7203@1`. Blanks around it are dropped, full-width letters and digits become ASCII, small
    /// letters capital.
    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let plain: String = text.trim().chars().map(half_width).collect();
        let (code, exchange) = plain.split_once('@').unwrap_or((&plain, "1"));
        let code = code.trim().to_ascii_uppercase();
        if code.is_empty() {
            return Err(SymbolError::Empty);
        }
        if code.len() > 12 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(SymbolError::Code(text.trim().to_owned()));
        }
        match exchange.trim().parse::<u16>() {
            Ok(exchange @ (1 | 2 | 3 | 5 | 6 | 23 | 24)) => Ok(Self { code, exchange }),
            _ => Err(SymbolError::Exchange(text.trim().to_owned())),
        }
    }
}

fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// Position of a symbol in the settings' list; all engine state is indexed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u16);

impl SymbolId {
    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_spelling() {
        for (text, code, exchange) in [
            ("7203", "7203", 1),
            (" 285a ", "285A", 1),
            ("7203@3", "7203", 3),
            ("７２０３＠１", "7203", 1),
            ("167060019@23", "167060019", 23),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Symbol {
                    code: code.into(),
                    exchange
                })
            );
        }
        assert_eq!(
            "167060019@23".parse::<Symbol>().map(|s| s.ticker()),
            Ok("167060019@23".into())
        );
        assert_eq!("7203@1".parse::<Symbol>().map(|s| s.ticker()), Ok("7203".into()));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "  ",
            "72 03",
            "7203@9",
            "7203@",
            "7203@1@1",
            "ABCDEFGHIJKLM",
            "7203;",
            "日経",
        ] {
            assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        }
    }
}
