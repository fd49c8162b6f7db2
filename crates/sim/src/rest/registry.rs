//! The registration list: symbols for PUSH, and slots taken by REST touches.

use ayumi_engine::Symbol;

/// The list has no slot left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// In the order of registration.
pub(crate) struct Registry {
    limit: usize,
    slots: Vec<Slot>,
}

struct Slot {
    symbol: Symbol,
    /// False: only touched by REST; takes a slot, gets no PUSH, is not shown (issues 653, 1054).
    push: bool,
}

impl Registry {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            slots: Vec::new(),
        }
    }

    /// Registers for PUSH, all or nothing. A touched symbol keeps its slot.
    pub(super) fn add_push(&mut self, symbols: &[Symbol]) -> Result<(), Full> {
        let mut fresh: Vec<&Symbol> = symbols.iter().filter(|s| self.slot(s).is_none()).collect();
        fresh.sort();
        fresh.dedup();
        if self.slots.len() + fresh.len() > self.limit {
            return Err(Full);
        }
        for symbol in symbols {
            match self.slot(symbol) {
                Some(at) => self.slots[at].push = true,
                None => self.slots.push(Slot {
                    symbol: symbol.clone(),
                    push: true,
                }),
            }
        }
        Ok(())
    }

    /// Takes a slot for REST.
    pub(super) fn touch(&mut self, symbol: &Symbol) -> Result<(), Full> {
        if self.slot(symbol).is_some() {
            return Ok(());
        }
        if self.slots.len() >= self.limit {
            return Err(Full);
        }
        self.slots.push(Slot {
            symbol: symbol.clone(),
            push: false,
        });
        Ok(())
    }

    /// Frees the slot of a symbol; false when it had none.
    pub(super) fn remove(&mut self, symbol: &Symbol) -> bool {
        let before = self.slots.len();
        self.slots.retain(|s| s.symbol != *symbol);
        self.slots.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.push_symbols().next().is_none()
    }

    pub(super) fn push_symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.slots.iter().filter(|s| s.push).map(|s| &s.symbol)
    }

    pub(super) fn has_push(&self, symbol: &Symbol) -> bool {
        self.slot(symbol).is_some_and(|at| self.slots[at].push)
    }

    fn slot(&self, symbol: &Symbol) -> Option<usize> {
        self.slots.iter().position(|s| s.symbol == *symbol)
    }
}
