//! The last state of every symbol, as `/board` shows it, and whether PUSH wants it.

use std::collections::HashMap;

use ayumi_engine::Symbol;
use ayumi_engine::market::Profile;
use ayumi_wire::num::Price;
use ayumi_wire::push::encode::{Message, change, sign};

use super::registry::Registry;

/// One slot per symbol that the source has shown.
pub(crate) struct Boards {
    index: HashMap<Symbol, usize>,
    slots: Vec<Board>,
    require_registration: bool,
}

/// The state of one symbol.
pub(crate) struct Board {
    pub symbol: Symbol,
    /// The name in the counters.
    pub ticker: String,
    /// True when PUSH may send it.
    pub wanted: bool,
    /// The day's lowest and highest price, when the source knows them.
    pub limits: Option<(Price, Price)>,
    text: Vec<u8>,
}

impl Board {
    /// The last message; empty when nothing has come yet, or when it is no UTF-8.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }
}

impl Boards {
    pub(super) fn new(require_registration: bool) -> Self {
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            require_registration,
        }
    }

    /// The slot of a symbol that was shown before.
    pub(super) fn slot(&self, symbol: &Symbol) -> Option<usize> {
        self.index.get(symbol).copied()
    }

    /// A slot for a new symbol; `registered` tells whether it is on the list.
    pub(super) fn insert(&mut self, symbol: &Symbol, registered: bool) -> usize {
        let at = self.slots.len();
        self.index.insert(symbol.clone(), at);
        self.slots.push(Board {
            symbol: symbol.clone(),
            ticker: symbol.ticker(),
            wanted: registered || !self.require_registration,
            limits: None,
            text: Vec::new(),
        });
        at
    }

    /// The day's price limits, as the market keeps them.
    pub(crate) fn set_limits(&mut self, slot: usize, lowest_and_highest: (Price, Price)) {
        if let Some(board) = self.slots.get_mut(slot) {
            board.limits = Some(lowest_and_highest);
        }
    }

    /// All symbols shown, each with its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Board)> {
        self.slots.iter().enumerate()
    }

    /// The names of all symbols shown in the counters.
    pub(crate) fn tickers(&self) -> impl Iterator<Item = String> + use<> {
        let all: Vec<String> = self.slots.iter().map(|board| board.ticker.clone()).collect();
        all.into_iter()
    }

    /// The board of a symbol that was shown.
    pub(super) fn of(&self, symbol: &Symbol) -> Option<&Board> {
        self.get(self.slot(symbol)?)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Board> {
        self.slots.get(slot)
    }

    /// True when PUSH may send at least one of the symbols shown.
    pub(crate) fn any_wanted(&self) -> bool {
        self.slots.iter().any(|b| b.wanted)
    }

    /// Remembers the newest message of a symbol.
    pub(crate) fn update(&mut self, slot: usize, text: &[u8]) {
        if let Some(board) = self.slots.get_mut(slot) {
            board.text.clear();
            board.text.extend_from_slice(text);
        }
    }

    /// The registration list has changed.
    pub(super) fn registered(&mut self, registry: &Registry) {
        for board in &mut self.slots {
            board.wanted = !self.require_registration || registry.has_push(&board.symbol);
        }
    }

    /// The body of `/board`: the last message, or all keys null for a symbol of which nothing has come yet. Inventing
    /// a price or volume here would contradict the PUSH messages that follow.
    pub(super) fn text(&self, symbol: &Symbol) -> Vec<u8> {
        match self.of(symbol) {
            Some(board) if !board.text.is_empty() => board.text.clone(),
            _ => null_block(symbol),
        }
    }
}

/// What the station answers in the early morning, or at the first touch (kabusapi issue 162), in the shape of the
/// symbol's kind: an index has neither exchange nor quotes, a future no market orders.
pub(super) fn null_block(symbol: &Symbol) -> Vec<u8> {
    // Kind and security type are the code's: no seed changes them.
    let profile = Profile::of(symbol, 0);
    let mut message = Message::new(profile.kind, &symbol.code);
    message.exchange = Some(symbol.exchange);
    for side in [
        &mut message.bid_sign,
        &mut message.ask_sign,
        &mut message.sell1_sign,
        &mut message.buy1_sign,
    ] {
        *side = Some(sign::NONE);
    }
    message.current_price_change_status = Some(change::EMPTY);
    message.security_type = Some(profile.security_type);
    let mut out = Vec::with_capacity(2048);
    message.write(&mut out);
    out
}
