//! The order book of a message, in the usual sense of bid and ask.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::{LEVELS, Level, Push, Quote, Sign};

use crate::batch::{BookSource, BookView};
use crate::stamp::Stamp;

/// One side, best price first: the longest run of valid levels that move strictly away from the touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    levels: [Level; LEVELS],
    len: usize,
    sign: Option<Sign>,
}

impl Ladder {
    /// `better(a, b)`: price a stands nearer to the touch than b.
    fn new(wire: &[Level; LEVELS], best: Quote, sign: Option<Sign>, better: fn(Price, Price) -> bool) -> Self {
        let valid = |level: &Level| level.price.0 > 0 && level.qty.0 > 0;
        let mut ladder = Self {
            levels: [Level::default(); LEVELS],
            len: 0,
            sign: sign.or(best.sign),
        };
        for level in wire {
            if !valid(level) || (ladder.len > 0 && !better(ladder.levels[ladder.len - 1].price, level.price)) {
                break;
            }
            ladder.levels[ladder.len] = *level;
            ladder.len += 1;
        }
        if ladder.len == 0 {
            // Zero depth beside a valid best quote (kabusapi issue 211): the best quote is the ladder.
            let quote = Level {
                price: best.price.unwrap_or_default(),
                qty: best.qty.unwrap_or_default(),
            };
            if valid(&quote) {
                ladder.levels[0] = quote;
                ladder.len = 1;
            }
        }
        ladder
    }

    /// Levels from the touch outwards.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels[..self.len]
    }

    fn best(&self) -> Option<Price> {
        self.levels().first().map(|level| level.price)
    }

    fn top3(&self) -> Qty {
        Qty(self.levels().iter().take(3).map(|level| level.qty.0).sum())
    }

    fn is_normal(&self) -> bool {
        self.sign == Some(Sign::NORMAL)
    }
}

/// Both sides as one message showed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Buyers, highest price first.
    pub buy: Ladder,
    /// Sellers, lowest price first.
    pub sell: Ladder,
}

impl Sides {
    /// The one place where the station's reversed names are turned round: `AskPrice` is the best **buy** quote and
    /// `BidPrice` the best **sell** quote. `None` when no level is valid: such a message leaves the last book in force.
    #[must_use]
    pub fn of(push: &Push<'_>) -> Option<Self> {
        let buy = Ladder::new(&push.buy, push.ask, push.buy_sign, |near, far| near > far);
        let sell = Ladder::new(&push.sell, push.bid, push.sell_sign, |near, far| near < far);
        (buy.len + sell.len > 0).then_some(Self { buy, sell })
    }

    /// What the tables need.
    #[must_use]
    pub fn view(&self, source: BookSource) -> BookView {
        let (bid1, ask1) = (self.buy.best(), self.sell.best());
        let crossed = matches!((bid1, ask1), (Some(bid), Some(ask)) if bid >= ask);
        let normal = |side: &Ladder| side.len == 0 || side.is_normal();
        BookView {
            bid1,
            ask1,
            buy_top3: self.buy.top3(),
            sell_top3: self.sell.top3(),
            ordinary: bid1.is_some() && ask1.is_some() && !crossed && self.buy.is_normal() && self.sell.is_normal(),
            comparable: !crossed && normal(&self.buy) && normal(&self.sell),
            source,
        }
    }
}

/// The book of a symbol: the last one a message or a `/board` answer showed.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    /// Both sides.
    pub sides: Sides,
    /// Where it came from.
    pub source: BookSource,
    /// When.
    pub at: Stamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ayumi_wire::push::decode;

    fn view(text: &str) -> Option<BookView> {
        Sides::of(&decode(text.as_bytes()).expect("valid")).map(|sides| sides.view(BookSource::Push))
    }

    #[test]
    fn d10_bid_is_the_best_sell_in_the_vendors_own_example() {
        let book = view(include_str!("../../../testdata/official_board_5401.json")).expect("a book");
        assert_eq!(
            (book.bid1, book.ask1),
            (Some(Price(24_075_000)), Some(Price(24_085_000)))
        );
        // 100 + 800 + 2100 sellers, 200 + 400 + 1000 buyers.
        assert_eq!((book.sell_top3, book.buy_top3), (Qty(3_000), Qty(1_600)));
        let spread = book.spread_bp().expect("ordinary");
        assert!((spread - 20_000.0 / 4816.0).abs() < 1e-9, "{spread}");
    }

    #[test]
    fn d01_zero_depth_falls_back_to_the_best_quotes() {
        let book = view(
            r#"{"Symbol":"7203","BidPrice":1329.0,"BidQty":1400.0,"BidSign":"0101","Sell1":{"Price":0.0,"Qty":0.0,"Sign":null},
                "AskPrice":1328.0,"AskQty":1700.0,"AskSign":"0101","Buy1":{"Price":0.0,"Qty":0.0,"Sign":null}}"#,
        )
        .expect("a book");
        assert_eq!(
            (book.bid1, book.ask1, book.ordinary),
            (Some(Price::from_yen(1328)), Some(Price::from_yen(1329)), true)
        );
    }

    #[test]
    fn d17_a_message_without_any_level_is_no_book() {
        assert_eq!(
            view(r#"{"Symbol":"7203","BidPrice":0.0,"BidQty":0.0,"AskPrice":null}"#),
            None
        );
    }

    #[test]
    fn f13_special_locked_and_crossed_quotes_have_no_spread() {
        let quote = |bid: &str, bid_sign: &str, ask: &str, ask_sign: &str| {
            view(&format!(
                r#"{{"Symbol":"7203","Buy1":{{"Price":{bid},"Qty":100,"Sign":"{bid_sign}"}},"Sell1":{{"Price":{ask},"Qty":300,"Sign":"{ask_sign}"}}}}"#
            ))
            .expect("a book")
        };
        let ordinary = quote("100", "0101", "101", "0101");
        assert_eq!(
            (ordinary.spread_bp().is_some(), ordinary.depth_imbalance()),
            (true, Some(-0.5))
        );
        for odd in [
            quote("100", "0102", "101", "0101"),
            quote("101", "0101", "101", "0101"),
            quote("102", "0101", "101", "0101"),
            quote("100", "0107", "101", "0107"),
        ] {
            assert_eq!((odd.spread_bp(), odd.depth_imbalance()), (None, None));
            assert_eq!((odd.buy_top3, odd.sell_top3), (Qty(100), Qty(300)));
        }
        let limit_up = quote("100", "0101", "0", "0000");
        assert_eq!(
            (limit_up.spread_bp(), limit_up.depth_imbalance(), limit_up.ask1),
            (None, Some(1.0), None)
        );
    }
}
