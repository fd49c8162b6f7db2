//! From (code, exchange) of a message to the id of a watched symbol.

use std::collections::HashMap;

use crate::symbol::{Symbol, SymbolId};

/// Watched symbols by code; nearly always one exchange each.
pub(super) struct Registry {
    by_code: HashMap<Box<str>, Vec<(u16, SymbolId)>>,
}

impl Registry {
    pub(super) fn new<'a>(symbols: impl Iterator<Item = &'a Symbol>) -> Self {
        let mut by_code: HashMap<Box<str>, Vec<(u16, SymbolId)>> = HashMap::new();
        for (index, symbol) in symbols.enumerate() {
            let id = SymbolId(u16::try_from(index).expect("settings hold at most 65,535 symbols"));
            by_code
                .entry(symbol.code.as_str().into())
                .or_default()
                .push((symbol.exchange, id));
        }
        Self { by_code }
    }

    /// An index carries no exchange: then the code alone decides, if only one exchange of it is watched.
    #[inline]
    pub(super) fn find(&self, code: &str, exchange: Option<u16>) -> Option<SymbolId> {
        let entries = self.by_code.get(code)?;
        match exchange {
            Some(exchange) => entries.iter().find(|(e, _)| *e == exchange).map(|(_, id)| *id),
            None if entries.len() == 1 => Some(entries[0].1),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d04_the_key_is_code_and_exchange() {
        let symbols: Vec<Symbol> = ["7203", "167060019@2", "167060019@23", "101"]
            .iter()
            .map(|s| s.parse().expect("valid"))
            .collect();
        let registry = Registry::new(symbols.iter());
        assert_eq!(registry.find("7203", Some(1)), Some(SymbolId(0)));
        assert_eq!(registry.find("7203", Some(3)), None);
        assert_eq!(registry.find("167060019", Some(23)), Some(SymbolId(2)));
        assert_eq!(registry.find("167060019", None), None);
        assert_eq!(registry.find("101", None), Some(SymbolId(3)));
    }
}
