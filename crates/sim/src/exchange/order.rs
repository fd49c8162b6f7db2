//! Who is next: a binary heap of due times, one per symbol.

/// (due time, symbol). Equal times go by the symbol's position, so that the order is always the same.
type Due = (i64, u32);

/// The heap; the earliest is on top.
#[derive(Clone, Debug, Default)]
pub(super) struct Order(Vec<Due>);

impl Order {
    /// From the due times of all symbols, in their order.
    pub(super) fn new(times: impl Iterator<Item = i64>) -> Self {
        let mut order = Self(times.zip(0..).collect());
        // A sorted list is a heap.
        order.0.sort_unstable();
        order
    }

    /// The earliest.
    pub(super) fn top(&self) -> Option<(i64, usize)> {
        self.0.first().map(|&(at, index)| (at, index as usize))
    }

    /// The earliest has another due time now.
    pub(super) fn retime_top(&mut self, at: i64) {
        let Some(top) = self.0.first_mut() else { return };
        top.0 = at;
        let mut here = 0;
        loop {
            let left = 2 * here + 1;
            let Some(&first) = self.0.get(left) else { return };
            let child = match self.0.get(left + 1) {
                Some(&second) if second < first => left + 1,
                _ => left,
            };
            if self.0[here] <= self.0[child] {
                return;
            }
            self.0.swap(here, child);
            here = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_by_time_then_by_symbol() {
        let mut times = [50, 10, 30, 10, 20];
        let mut order = Order::new(times.iter().copied());
        let mut seen = Vec::new();
        for n in 0..200 {
            let (at, index) = order.top().unwrap();
            let expected = times.iter().zip(0..).map(|(&t, i)| (t, i)).min().unwrap();
            assert_eq!((at, index), expected);
            seen.push(index);
            times[index] = at + 7 + (n * 13) % 29;
            order.retime_top(times[index]);
        }
        assert!((0..5).all(|i| seen.contains(&i)));
        assert_eq!(Order::default().top(), None);
        Order::default().retime_top(3);
    }
}
