//! What there is: every symbol that the source has shown, for people at the control port.

use ayumi_engine::market::Profile;
use ayumi_wire::push::encode::Kind;
use serde_json::{Value, json};

use super::Station;

impl Station {
    /// Symbol, name, kind, last price and whether it is registered, in the order in which they came.
    pub(crate) fn listed(&self) -> Value {
        let one = |(_, board): (usize, &super::boards::Board)| {
            let message: Value = serde_json::from_str(board.text()).unwrap_or_default();
            let kind = match Profile::of(&board.symbol, self.seed).kind {
                Kind::Stock => "stock",
                Kind::Future => "future",
                Kind::Index => "index",
            };
            json!({
                "symbol": board.symbol.to_string(),
                "ticker": board.ticker,
                "name": message.get("SymbolName").cloned().unwrap_or_default(),
                "kind": kind,
                "last_price": message.get("CurrentPrice").cloned().unwrap_or_default(),
                "registered": self.registry.has_push(&board.symbol),
            })
        };
        Value::Array(self.boards.iter().map(one).collect())
    }
}
