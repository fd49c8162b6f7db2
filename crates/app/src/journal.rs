//! The worker's own lines in the journal: what happened to it, in words that `replay` reads back. The payloads that came
//! in stand in lines of their own.

use ayumi_engine::Stamp;
use ayumi_engine::batch::StateRow;
use ayumi_engine::counts::Reason;
use ayumi_engine::settings::EngineSettings;
use ayumi_engine::symbol::SymbolId;
use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use serde_json::{Map, Value, json};

/// What a line of kind E says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A run began.
    Start(Start),
    /// The PUSH line came up.
    Up,
    /// The PUSH line went down.
    Down,
    /// The next line is the answer of `/board` for this ticker.
    Board(String),
    /// A message that was no text: counted, its content not kept.
    Unreadable(Reason),
    /// From here on the open window may take so many ticks (overload).
    Room(u64),
    /// The window that starts at this Unix ms was merged into the one before it (overload).
    Absorbed(i64),
    /// The run ended in order.
    Stop,
    /// So many lines are missing before this one.
    Lost(u64),
    /// Something that does not concern the rows.
    Other,
}

/// What a run began with.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// [`fingerprint`] of the settings.
    pub settings: String,
    /// End of the last window that was stored before, Unix ms.
    pub stored_until_ms: Option<i64>,
    /// What earlier runs knew of the day, by ticker.
    pub states: Vec<(String, StateRow)>,
}

impl Event {
    /// The line's payload.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Start(start) => format!("start {}", start.json()),
            Self::Up => "up".to_owned(),
            Self::Down => "down".to_owned(),
            Self::Board(ticker) => format!("board {ticker}"),
            Self::Unreadable(Reason::Binary) => "unreadable binary".to_owned(),
            Self::Unreadable(_) => "unreadable too_long".to_owned(),
            Self::Room(ticks) => format!("room {ticks}"),
            Self::Absorbed(start_ms) => format!("absorbed {start_ms}"),
            Self::Stop => "stop".to_owned(),
            Self::Lost(lines) => format!("lost {lines}"),
            Self::Other => "other".to_owned(),
        }
    }

    /// Reads a payload back; what is not known does not concern the rows.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Self {
        let text = String::from_utf8_lossy(payload);
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let known = match word {
            "start" => Start::parse(rest).map(Self::Start),
            "up" => Some(Self::Up),
            "down" => Some(Self::Down),
            "board" => Some(Self::Board(rest.to_owned())),
            "unreadable" if rest == "binary" => Some(Self::Unreadable(Reason::Binary)),
            "unreadable" => Some(Self::Unreadable(Reason::TooLong)),
            "room" => rest.parse().ok().map(Self::Room),
            "absorbed" => rest.parse().ok().map(Self::Absorbed),
            "stop" => Some(Self::Stop),
            "lost" => rest.parse().ok().map(Self::Lost),
            _ => None,
        };
        known.unwrap_or(Self::Other)
    }
}

impl Start {
    fn json(&self) -> Value {
        let states: Vec<Value> = self
            .states
            .iter()
            .map(|(ticker, row)| state_json(ticker, row))
            .collect();
        json!({
            "ayumi": env!("CARGO_PKG_VERSION"),
            "settings": self.settings,
            "stored_until_ms": self.stored_until_ms,
            "states": states,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let states = value.get("states")?.as_array()?;
        Some(Self {
            settings: value.get("settings")?.as_str()?.to_owned(),
            stored_until_ms: value.get("stored_until_ms")?.as_i64(),
            states: states.iter().map(state_of).collect::<Option<_>>()?,
        })
    }

    /// The states of the symbols that are watched, with their places in that list.
    #[must_use]
    pub fn states_for(&self, tickers: &[String]) -> Vec<StateRow> {
        let placed = |(ticker, row): &(String, StateRow)| {
            let at = tickers.iter().position(|t| t == ticker)?;
            Some(StateRow {
                symbol: SymbolId(u16::try_from(at).ok()?),
                ..*row
            })
        };
        self.states.iter().filter_map(placed).collect()
    }
}

/// Sixteen hexadecimal digits that differ when settings differ which shape rows.
#[must_use]
pub fn fingerprint(settings: &EngineSettings) -> String {
    // FNV-1a over the debug text: not cryptographic, and good enough to say that a setting has changed.
    let hash = format!("{settings:?}")
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
    format!("{hash:016x}")
}

fn state_json(ticker: &str, row: &StateRow) -> Value {
    json!({
        "ticker": ticker,
        "date": row.trading_date.to_string(),
        "base": row.base.map(|q| q.0),
        "last": row.last.map(|q| q.0),
        "last_at_ns": row.last_at.map(|at| at.0),
        "null_at_ns": row.null_at.map(|at| at.0),
        "last_price_e4": row.last_price.map(|p| p.0),
    })
}

/// The symbol's place is not known here.
fn state_of(value: &Value) -> Option<(String, StateRow)> {
    let object: &Map<String, Value> = value.as_object()?;
    let number = |key: &str| object.get(key).and_then(Value::as_i64);
    let row = StateRow {
        symbol: SymbolId(0),
        trading_date: Date::parse(object.get("date")?.as_str()?)?,
        base: number("base").map(Qty),
        last: number("last").map(Qty),
        last_at: number("last_at_ns").map(Stamp),
        null_at: number("null_at_ns").map(Stamp),
        last_price: number("last_price_e4").map(Price),
    };
    Some((object.get("ticker")?.as_str()?.to_owned(), row))
}

#[cfg(test)]
mod tests {
    use ayumi_engine::Symbol;

    use super::*;

    #[test]
    fn every_event_is_read_back() {
        let row = StateRow {
            symbol: SymbolId(0),
            trading_date: Date::parse("2026-11-20").unwrap(),
            base: Some(Qty(100)),
            last: None,
            last_at: Some(Stamp(1_795_128_600_123_456_789)),
            null_at: None,
            last_price: Some(Price(28_355_000)),
        };
        let start = Start {
            settings: "00ff".into(),
            stored_until_ms: Some(5),
            states: vec![("167060019@23".into(), row)],
        };
        for event in [
            Event::Start(start.clone()),
            Event::Up,
            Event::Down,
            Event::Board("7203".into()),
            Event::Unreadable(Reason::Binary),
            Event::Unreadable(Reason::TooLong),
            Event::Room(19_999),
            Event::Absorbed(1_795_128_600_300),
            Event::Stop,
            Event::Lost(3),
            Event::Other,
        ] {
            let text = event.text();
            assert!(!text.contains('\n'));
            assert_eq!(Event::parse(text.as_bytes()), event, "{text}");
        }
        let tickers = ["7203".to_owned(), "167060019@23".to_owned()];
        assert_eq!(start.states_for(&tickers)[0].symbol, SymbolId(1));
        assert!(start.states_for(&tickers[..1]).is_empty());
        for odd in ["", "start", "start {}", "room x", "continues a", "\u{FFFD}"] {
            assert_eq!(Event::parse(odd.as_bytes()), Event::Other, "{odd}");
        }
    }

    #[test]
    fn the_fingerprint_sees_what_shapes_rows() {
        let settings = EngineSettings::new(vec![Symbol::tse("7203")]);
        let mut other = settings.clone();
        assert_eq!(fingerprint(&settings), fingerprint(&other));
        other.window_ms = 500;
        assert_ne!(fingerprint(&settings), fingerprint(&other));
    }
}
