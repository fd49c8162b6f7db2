//! What can happen to a message on its way to the PUSH client: names, doses, and their form in files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The faults of messages that are switched on.
pub type Messages = BTreeMap<Bend, Dose>;

/// Something that happens to a message. Several may meet in one message: they are applied in the order in which they
/// stand here, values first, then the way they are written, then the bytes, then how often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bend {
    /// Price, volume, best quotes and times null, levels 0.0, signs "0000" (kabusapi issues 162, 1139, 1376).
    NullBlock,
    /// The last price, volume, value and VWAP are those of the symbol's message before; the book is new (394, 699).
    PriceLate,
    /// `TradingValue` is that of the symbol's message before (218).
    ValueLate,
    /// This message waits for the symbol's next one, and the two show each other's `CurrentPrice` (267). A message that
    /// still waits when the source ends is never sent.
    PricesSwapped,
    /// `TradingVolume` is lower by [`Dose::by`] shares [100]; [`How::Lasting`]: that of all later messages too.
    VolumeBack,
    /// `TradingVolume` and its time are null.
    VolumeNull,
    /// `BidPrice` and `AskPrice` change places, on level 1 too: the best buy is above the best sell (534).
    Crossed,
    /// `AskPrice` and its quantity equal those of the other side, on level 1 too (246).
    Locked,
    /// The best quotes are 0.0, level 1 too; price and volume stay.
    ZeroQuotes,
    /// All levels are 0.0 with no sign; the best quotes stay (211).
    ZeroDepth,
    /// The levels are those of the message before, of whatever symbol (148).
    ForeignDepth,
    /// `CurrentPriceTime`, `TradingVolumeTime`, `PreviousCloseTime` carry the day before: those of derivatives from
    /// 00:00:00 to 00:10:39 (537, 869); [`How::Always`]: all symbols at any time.
    Yesterday,
    /// All times are [`Dose::by`] days old [3] (176).
    OldDates,
    /// All times but that of the previous close are [`Dose::by`] seconds behind [30] (1056).
    Lag,
    /// All times but that of the previous close are [`Dose::by`] seconds ahead [30].
    Ahead,
    /// All times carry the offset [`Dose::offset`] [+08:00]; the digits stay (181, 301, 546).
    Offset,
    /// All times carry milliseconds.
    Fractions,
    /// `100.0` is written `100`: whole numbers lose their decimals.
    Integers,
    /// Numbers are written with an exponent: `1.0025E3`.
    Exponents,
    /// Numbers are written as strings: `"1002.5"`.
    NumberStrings,
    /// One number, drawn, is a value nobody can use: negative, `1e400`, `true`, an object, a text, beyond 64 bits.
    OddValues,
    /// Text beyond ASCII is written with `\u` escapes.
    Escapes,
    /// The keys stand in another order, drawn for each message.
    KeyOrder,
    /// This many keys [`Dose::by`] [3] nobody knows, drawn places; texts, numbers, lists, objects.
    UnknownKeys,
    /// The keys [`Dose::keys`] are missing; none named: one, drawn.
    MissingKey,
    /// One unknown key makes the message at least [`Dose::by`] bytes long [2,000,000]; at most 64 MiB.
    Huge,
    /// No JSON any more: [`How::Truncated`], [`How::Quotes`], [`How::Nan`], [`How::Comma`], or one of them, drawn.
    Malformed,
    /// [`Dose::by`] bytes [1] are replaced by others, drawn, over 0x00 to 0x7F: JSON or not, but UTF-8.
    Mutated,
    /// One byte inside of a text is replaced by 0xFF.
    InvalidUtf8,
    /// The symbol's message before is sent again first: a state seen already.
    Repeated,
    /// It is sent [`Dose::by`] times more [1], byte by byte the same (267).
    Duplicated,
}

impl Bend {
    /// Every one.
    pub const ALL: [Self; 31] = [
        Self::NullBlock,
        Self::PriceLate,
        Self::ValueLate,
        Self::PricesSwapped,
        Self::VolumeBack,
        Self::VolumeNull,
        Self::Crossed,
        Self::Locked,
        Self::ZeroQuotes,
        Self::ZeroDepth,
        Self::ForeignDepth,
        Self::Yesterday,
        Self::OldDates,
        Self::Lag,
        Self::Ahead,
        Self::Offset,
        Self::Fractions,
        Self::Integers,
        Self::Exponents,
        Self::NumberStrings,
        Self::OddValues,
        Self::Escapes,
        Self::KeyOrder,
        Self::UnknownKeys,
        Self::MissingKey,
        Self::Huge,
        Self::Malformed,
        Self::Mutated,
        Self::InvalidUtf8,
        Self::Repeated,
        Self::Duplicated,
    ];

    /// The name in files and in [`crate::Counters::faults`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NullBlock => "null_block",
            Self::PriceLate => "price_late",
            Self::ValueLate => "value_late",
            Self::PricesSwapped => "prices_swapped",
            Self::VolumeBack => "volume_back",
            Self::VolumeNull => "volume_null",
            Self::Crossed => "crossed",
            Self::Locked => "locked",
            Self::ZeroQuotes => "zero_quotes",
            Self::ZeroDepth => "zero_depth",
            Self::ForeignDepth => "foreign_depth",
            Self::Yesterday => "yesterday",
            Self::OldDates => "old_dates",
            Self::Lag => "lag",
            Self::Ahead => "ahead",
            Self::Offset => "offset",
            Self::Fractions => "fractions",
            Self::Integers => "integers",
            Self::Exponents => "exponents",
            Self::NumberStrings => "number_strings",
            Self::OddValues => "odd_values",
            Self::Escapes => "escapes",
            Self::KeyOrder => "key_order",
            Self::UnknownKeys => "unknown_keys",
            Self::MissingKey => "missing_key",
            Self::Huge => "huge",
            Self::Malformed => "malformed",
            Self::Mutated => "mutated",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Repeated => "repeated",
            Self::Duplicated => "duplicated",
        }
    }

    /// False when what it makes is not JSON, or need not be.
    #[must_use]
    pub fn keeps_json(self) -> bool {
        !matches!(
            self,
            Self::OddValues | Self::Malformed | Self::Mutated | Self::InvalidUtf8
        )
    }

    fn takes(self, how: How) -> bool {
        match how {
            How::Always => self == Self::Yesterday,
            How::Lasting => self == Self::VolumeBack,
            How::Truncated | How::Quotes | How::Nan | How::Comma => self == Self::Malformed,
        }
    }
}

/// A choice within a [`Bend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// [`Bend::Yesterday`]: at any time.
    Always,
    /// [`Bend::VolumeBack`]: later messages too.
    Lasting,
    /// [`Bend::Malformed`]: cut at a drawn place.
    Truncated,
    /// [`Bend::Malformed`]: one quotation mark is missing.
    Quotes,
    /// [`Bend::Malformed`]: one number is `NaN`.
    Nan,
    /// [`Bend::Malformed`]: a comma before the last brace.
    Comma,
}

/// How much of a [`Bend`], and to whom. In files also `true` (every message), `false` (none) or a number (the chance).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "Long")]
pub struct Dose {
    /// Chance per mille for each message, drawn from [`crate::Faults::seed`], symbol and message number; 1000 = every
    /// message. Fractions are allowed.
    pub chance: f64,
    /// Tickers as in the counters (`7203`, `167060019@23`); none = all.
    pub symbols: BTreeSet<String>,
    /// So many times altogether; `None` = without end.
    pub times: Option<u32>,
    /// The amount; what it counts, and what `None` means, stands at the [`Bend`].
    pub by: Option<u64>,
    /// Which form; `None` = the usual one.
    pub how: Option<How>,
    /// [`Bend::Offset`]: `+08:00`, `-08:00`, `Z`.
    pub offset: Option<String>,
    /// [`Bend::MissingKey`]: which.
    pub keys: Vec<String>,
    used: Used,
}

impl Default for Dose {
    /// Every message of every symbol.
    fn default() -> Self {
        Self {
            chance: 1_000.0,
            symbols: BTreeSet::new(),
            times: None,
            by: None,
            how: None,
            offset: None,
            keys: Vec::new(),
            used: Used::default(),
        }
    }
}

impl Dose {
    /// With this chance per mille.
    #[must_use]
    pub fn chance(per_mille: f64) -> Self {
        Self {
            chance: per_mille,
            ..Self::default()
        }
    }

    /// The next so many messages.
    #[must_use]
    pub fn times(times: u32) -> Self {
        Self {
            times: Some(times),
            ..Self::default()
        }
    }

    /// The same for one symbol more; none named = all.
    #[must_use]
    pub fn on(mut self, ticker: &str) -> Self {
        self.symbols.insert(ticker.to_owned());
        self
    }

    /// The same with an amount.
    #[must_use]
    pub fn by(mut self, amount: u64) -> Self {
        self.by = Some(amount);
        self
    }

    /// The same in another form.
    #[must_use]
    pub fn how(mut self, how: How) -> Self {
        self.how = Some(how);
        self
    }

    /// True when it is meant for a symbol and its times are not used up.
    pub(crate) fn aims_at(&self, ticker: &str) -> bool {
        (self.symbols.is_empty() || self.symbols.contains(ticker))
            && self
                .times
                .is_none_or(|times| self.used.0.load(Ordering::Relaxed) < times)
    }

    /// It was applied once more.
    pub(crate) fn use_up(&self) {
        self.used.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Why this dose means nothing for a fault.
    fn check(&self, bend: Bend) -> Result<(), String> {
        let name = bend.name();
        if !(0.0..=1_000.0).contains(&self.chance) {
            return Err(format!(
                "messages.{name}: the chance is per mille, 0 to 1000, not {}",
                self.chance
            ));
        }
        if let Some(how) = self.how.filter(|how| !bend.takes(*how)) {
            return Err(format!("messages.{name}: \"how\" cannot be {how:?} here"));
        }
        if self.offset.is_some() && bend != Bend::Offset {
            return Err(format!("messages.{name}: \"offset\" belongs to the fault offset"));
        }
        if !self.keys.is_empty() && bend != Bend::MissingKey {
            return Err(format!("messages.{name}: \"keys\" belongs to the fault missing_key"));
        }
        match self.offset.as_deref() {
            Some(offset) if !is_offset(offset) => Err(format!(
                "messages.{name}: \"offset\" is written +08:00, -08:00 or Z, not {offset:?}"
            )),
            _ => Ok(()),
        }
    }
}

fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// How often a dose was given. Clones share it, and it makes no difference between doses.
#[derive(Clone, Debug, Default)]
struct Used(Arc<AtomicU32>);

impl PartialEq for Used {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// [`Dose`] in its long form.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Long {
    chance: f64,
    symbols: BTreeSet<String>,
    times: Option<u32>,
    by: Option<u64>,
    how: Option<How>,
    offset: Option<String>,
    keys: Vec<String>,
}

impl Default for Long {
    fn default() -> Self {
        Self {
            chance: 1_000.0,
            symbols: BTreeSet::new(),
            times: None,
            by: None,
            how: None,
            offset: None,
            keys: Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Dose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DoseVisitor)
    }
}

struct DoseVisitor;

impl<'de> Visitor<'de> for DoseVisitor {
    type Value = Dose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "true, false, a chance per mille, or {\"chance\": ..., \"symbols\": [...], \"times\": ..., \"by\": ...}",
        )
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Dose, E> {
        Ok(Dose::chance(if on { 1_000.0 } else { 0.0 }))
    }

    fn visit_u64<E: de::Error>(self, chance: u64) -> Result<Dose, E> {
        Ok(Dose::chance(chance as f64))
    }

    fn visit_i64<E: de::Error>(self, chance: i64) -> Result<Dose, E> {
        Ok(Dose::chance(chance as f64))
    }

    fn visit_f64<E: de::Error>(self, chance: f64) -> Result<Dose, E> {
        Ok(Dose::chance(chance))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Dose, A::Error> {
        Long::deserialize(MapAccessDeserializer::new(map)).map(Dose::from)
    }
}

impl From<Long> for Dose {
    fn from(long: Long) -> Self {
        Self {
            chance: long.chance,
            symbols: long.symbols,
            times: long.times,
            by: long.by,
            how: long.how,
            offset: long.offset,
            keys: long.keys,
            used: Used::default(),
        }
    }
}

impl From<Dose> for Long {
    /// What is left of it: faults that are written out and read back in do not begin anew.
    fn from(dose: Dose) -> Self {
        let used = dose.used.0.load(Ordering::Relaxed);
        Self {
            chance: dose.chance,
            symbols: dose.symbols,
            times: dose.times.map(|times| times.saturating_sub(used)),
            by: dose.by,
            how: dose.how,
            offset: dose.offset,
            keys: dose.keys,
        }
    }
}

/// Reads [`Messages`] and refuses doses that mean nothing.
pub(super) fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Messages, D::Error> {
    let messages = Messages::deserialize(deserializer)?;
    match messages.iter().find_map(|(bend, dose)| dose.check(*bend).err()) {
        Some(problem) => Err(de::Error::custom(problem)),
        None => Ok(messages),
    }
}

/// Reads a chance.
pub(super) fn per_mille<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let chance = f64::deserialize(deserializer)?;
    match (0.0..=1_000.0).contains(&chance) {
        true => Ok(chance),
        false => Err(de::Error::custom(format!(
            "a chance is per mille, 0 to 1000, not {chance}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_files() {
        for (n, bend) in Bend::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(bend).unwrap(), bend.name());
            assert!(n == 0 || Bend::ALL[n - 1] < bend, "in order, each once");
        }
    }

    #[test]
    fn doses_have_short_forms() {
        let dose = |text: &str| serde_json::from_str::<Dose>(text);
        assert_eq!(dose("true").unwrap(), Dose::default());
        assert_eq!(dose("false").unwrap().chance, 0.0);
        assert_eq!(dose("20").unwrap(), Dose::chance(20.0));
        assert_eq!(dose("0.5").unwrap(), Dose::chance(0.5));
        assert_eq!(
            dose(r#"{"times":1,"by":500,"symbols":["7203"],"how":"lasting"}"#).unwrap(),
            Dose::times(1).by(500).on("7203").how(How::Lasting)
        );
        let wrong = dose(r#"{"chanse":1}"#).unwrap_err().to_string();
        assert!(wrong.contains("chanse") && wrong.contains("symbols"), "{wrong}");
        assert!(dose("\"x\"").unwrap_err().to_string().contains("per mille"));
    }

    #[test]
    fn doses_are_used_up() {
        let dose = Dose::times(2).on("7203");
        assert!(dose.aims_at("7203") && !dose.aims_at("9984"));
        let shared = dose.clone();
        dose.use_up();
        dose.use_up();
        assert!(!shared.aims_at("7203"), "a clone is the same dose");
    }
}
