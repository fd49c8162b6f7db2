//! Who holds what for a while. Several may hold the same thing: the latest counts, and when it ends, what the one before
//! holds counts again. Whoever lets go changes nothing that somebody else has set since.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::action::Leaf;
use crate::push::Client;

/// An action that lasts, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u64);

/// One thing and everybody who holds it.
#[derive(Debug)]
struct Held<T> {
    /// What it was before the first, and is after the last.
    base: T,
    /// From the first to the latest.
    layers: Vec<(Owner, T)>,
}

impl<T: Clone> Held<T> {
    fn new(base: T) -> Self {
        Self {
            base,
            layers: Vec::new(),
        }
    }

    /// From now on it is what `owner` wants. What it is at present comes back later, used up as far as it is.
    fn hold(&mut self, owner: Owner, at_present: T, wanted: T) {
        match self.layers.last_mut() {
            Some((_, value)) => *value = at_present,
            None => self.base = at_present,
        }
        self.layers.push((owner, wanted));
    }

    /// What it is to be now; `None` when the owner did not hold it, or somebody else did after it.
    fn let_go(&mut self, owner: Owner) -> Option<T> {
        let at = self.layers.iter().position(|(held_by, _)| *held_by == owner)?;
        self.layers.remove(at);
        let counted = at == self.layers.len();
        counted.then(|| self.layers.last().map_or(&self.base, |(_, value)| value).clone())
    }

    fn is_held_by(&self, owner: Owner) -> bool {
        self.layers.iter().any(|(held_by, _)| *held_by == owner)
    }
}

/// Everything that is held.
#[derive(Default)]
pub(super) struct Holds {
    owners: u64,
    faults: BTreeMap<Leaf, Held<Value>>,
    /// Logged in or not.
    login: Option<Held<bool>>,
    /// Stalled or not, of one client: another one begins with a line of its own.
    line: Option<(Arc<Client>, Held<bool>)>,
}

impl Holds {
    /// Somebody new.
    pub fn owner(&mut self) -> Owner {
        self.owners += 1;
        Owner(self.owners)
    }

    /// Nobody holds anything any more.
    pub fn clear(&mut self) {
        *self = Self {
            owners: self.owners,
            ..Self::default()
        };
    }

    /// True when there is something to take back.
    pub fn has(&self, owner: Owner) -> bool {
        self.faults.values().any(|held| held.is_held_by(owner))
            || self.login.as_ref().is_some_and(|held| held.is_held_by(owner))
            || self.line.as_ref().is_some_and(|(_, held)| held.is_held_by(owner))
    }

    /// Fields of faults have changed: for a while, or for good when nobody owns the change.
    pub fn faults(&mut self, owner: Option<Owner>, leaves: &[Leaf], before: &Value, after: &Value) {
        for leaf in leaves {
            match owner {
                None => drop(self.faults.remove(leaf)),
                Some(owner) => {
                    let held = self.faults.entry(leaf.clone()).or_insert(Held::new(Value::Null));
                    held.hold(owner, leaf.of(before), leaf.of(after));
                }
            }
        }
    }

    /// The change of faults that takes back what an owner held of them.
    pub fn let_go_of_faults(&mut self, owner: Owner) -> Map<String, Value> {
        let mut back = Map::new();
        self.faults.retain(|leaf, held| {
            if let Some(value) = held.let_go(owner) {
                leaf.put(&mut back, value);
            }
            !held.layers.is_empty()
        });
        back
    }

    /// Somebody logs out (false) or in; `is` tells what was so before.
    pub fn login(&mut self, owner: Option<Owner>, is: bool, wanted: bool) {
        match owner {
            None => self.login = None,
            Some(owner) => self.login.get_or_insert(Held::new(is)).hold(owner, is, wanted),
        }
    }

    /// Whether a person is logged in now that an owner lets go; `None` = as it is.
    pub fn let_go_of_login(&mut self, owner: Owner) -> Option<bool> {
        self.login.as_mut()?.let_go(owner)
    }

    /// A client's line is stalled or not from now on; `is` tells what was so before.
    pub fn line(&mut self, owner: Option<Owner>, client: &Arc<Client>, is: bool, wanted: bool) {
        if self.line.as_ref().is_some_and(|(held, _)| !Arc::ptr_eq(held, client)) {
            self.line = None;
        }
        match owner {
            None => self.line = None,
            Some(owner) => {
                let line = self.line.get_or_insert_with(|| (Arc::clone(client), Held::new(is)));
                line.1.hold(owner, is, wanted);
            }
        }
    }

    /// The client whose line an owner held, and whether it is stalled now; `None` = as it is.
    pub fn let_go_of_line(&mut self, owner: Owner) -> Option<(Arc<Client>, bool)> {
        let (client, held) = self.line.as_mut()?;
        let stalled = held.let_go(owner)?;
        let client = Arc::clone(client);
        if held.layers.is_empty() {
            self.line = None;
        }
        Some((client, stalled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_counts_and_the_one_before_comes_back() {
        let [first, second, third] = [1, 2, 3].map(Owner);
        let mut held = Held::new(0);
        held.hold(first, 0, 10);
        held.hold(second, 10, 20);
        held.hold(third, 19, 30);
        assert_eq!(held.let_go(first), None, "others hold it by now");
        assert_eq!(held.let_go(third), Some(19), "as far as it was used up");
        assert_eq!(held.let_go(third), None, "once");
        assert_eq!(held.let_go(second), Some(0));
    }

    #[test]
    fn what_was_set_for_good_is_not_taken_back() {
        let mut holds = Holds::default();
        let leaves = [Leaf::field("fragment")];
        let faults = |n: u32| serde_json::json!({ "fragment": n });
        let owner = holds.owner();
        holds.faults(Some(owner), &leaves, &faults(1), &faults(3));
        assert!(holds.has(owner));
        holds.faults(None, &leaves, &faults(3), &faults(4));
        assert!(!holds.has(owner));
        assert_eq!(holds.let_go_of_faults(owner), Map::new());
        let owner = holds.owner();
        holds.login(Some(owner), true, false);
        holds.login(None, false, true);
        assert_eq!(holds.let_go_of_login(owner), None);
    }
}
