//! The committed figures and how new ones compare with them. Pure: what was counted comes in, a verdict comes out.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

/// A section may become this much dearer before the guard fails.
pub(super) const LIMIT: f64 = 1.10;
/// A section that became this much cheaper should be recorded anew, or the next loss hides in the gain.
const STALE: f64 = 0.90;
/// Sections of ours and of the peer begin with these; the rest of the name is the same.
const OURS: &str = "parse-";
const PEER: &str = "serde-";
/// What the engine is compared with where counts of two compilers cannot be compared.
const PEER_OF_OTHERS: &str = "serde-share-trade";

/// Instructions per message of every section, and what they were counted with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// `rustc -V`.
    pub(super) rustc: String,
    /// Architecture and the features that the C library looks at.
    pub(super) machine: String,
    /// Section and count, in the order of the program.
    pub(super) figures: Vec<(String, u64)>,
}

/// How two records are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Same compiler, same kind of machine: the counts themselves.
    Counts,
    /// Otherwise: the share of the peer's count in the same run.
    BesidePeer,
}

/// One section beside its record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) section: String,
    pub(super) now: u64,
    pub(super) was: Option<u64>,
    /// New by old under the rule; 1.1 = a tenth dearer. `None` without a record.
    pub(super) change: Option<f64>,
    /// The peer's count by ours, in this run.
    pub(super) peer: Option<f64>,
}

impl Rule {
    pub(super) fn of(now: &Record, was: &Record) -> Self {
        if now.rustc == was.rustc && now.machine == was.machine {
            Self::Counts
        } else {
            Self::BesidePeer
        }
    }
}

impl Row {
    /// The peer's own cost is no fault of ours.
    pub(super) fn is_dearer(&self) -> bool {
        !self.section.starts_with(PEER) && self.change.is_some_and(|change| change > LIMIT)
    }

    pub(super) fn is_stale(&self) -> bool {
        self.change.is_none_or(|change| change < STALE)
    }
}

impl Record {
    /// The file's text: a small part of TOML.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "# Instructions per message on the hot path. Written by `cargo xtask instructions --write`; the same command\n\
             # without --write fails when one of them is more than a tenth dearer.\n\
             rustc = \"{}\"\nmachine = \"{}\"\n\n[instructions-per-message]\n",
            self.rustc, self.machine
        );
        for (section, count) in &self.figures {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{section} = {count}");
        }
        text
    }

    /// Reads what [`Record::text`] writes.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut record = Self::default();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', '[']) {
                continue;
            }
            let (name, value) = line
                .split_once(" = ")
                .with_context(|| format!("not NAME = VALUE: {line}"))?;
            match name {
                "rustc" => record.rustc = value.trim_matches('"').to_owned(),
                "machine" => record.machine = value.trim_matches('"').to_owned(),
                section => {
                    let count = value.parse().with_context(|| format!("no count: {line}"))?;
                    record.figures.push((section.to_owned(), count));
                }
            }
        }
        if record.figures.iter().any(|(_, count)| *count == 0) {
            bail!("a section that costs nothing cannot be compared");
        }
        Ok(record)
    }

    /// Names that the other record lacks.
    pub(super) fn sections_not_in<'a>(&'a self, other: &Record) -> Vec<&'a str> {
        let names = self.figures.iter().map(|(name, _)| name.as_str());
        names.filter(|name| other.count(name).is_none()).collect()
    }

    fn count(&self, section: &str) -> Option<u64> {
        self.figures
            .iter()
            .find(|(name, _)| name == section)
            .map(|(_, count)| *count)
    }

    fn peer_of(&self, section: &str) -> Option<u64> {
        match section.strip_prefix(OURS) {
            Some(kind) => self.count(&format!("{PEER}{kind}")),
            None => self.count(PEER_OF_OTHERS),
        }
    }
}

/// A row per section counted now.
pub(super) fn compare(now: &Record, was: &Record) -> Vec<Row> {
    let rule = Rule::of(now, was);
    let row = |(section, count): &(String, u64)| {
        let old = was.count(section);
        let absolute = old.map(|old| *count as f64 / old as f64);
        let peer = now.peer_of(section).map(|peer| peer as f64 / *count as f64);
        let old_peer = was
            .peer_of(section)
            .zip(old)
            .map(|(peer, old)| peer as f64 / old as f64);
        let ours = !section.starts_with(PEER);
        Row {
            section: section.clone(),
            now: *count,
            was: old,
            change: match rule {
                Rule::BesidePeer if ours => old_peer.zip(peer).map(|(was, now)| was / now),
                _ => absolute,
            },
            peer: peer.filter(|_| section.starts_with(OURS)),
        }
    };
    now.figures.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rustc: &str, figures: &[(&str, u64)]) -> Record {
        Record {
            rustc: rustc.to_owned(),
            machine: "x86_64 avx2".to_owned(),
            figures: figures
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    fn dearer(now: &Record, was: &Record) -> Vec<String> {
        let rows = compare(now, was).into_iter().filter(Row::is_dearer);
        rows.map(|row| row.section).collect()
    }

    const WAS: [(&str, u64); 4] = [
        ("parse-future", 10_000),
        ("serde-future", 40_000),
        ("engine", 20_000),
        ("serde-share-trade", 50_000),
    ];

    #[test]
    fn a_record_comes_back_from_its_text() {
        let was = record("rustc 1.95.0 (59807616e 2026-04-14)", &WAS);
        assert_eq!(Record::parse(&was.text()).unwrap(), was);
        for odd in ["engine", "engine = many", "engine = 0", "engine = -3"] {
            assert!(Record::parse(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn with_the_same_compiler_a_tenth_is_the_limit() {
        let was = record("a", &WAS);
        let mut now = was.clone();
        assert_eq!(dearer(&now, &was), [""; 0]);
        now.figures[0].1 = 11_000;
        assert_eq!(dearer(&now, &was), [""; 0]);
        now.figures[0].1 = 11_001;
        assert_eq!(dearer(&now, &was), ["parse-future"]);
        now.figures[2].1 = 22_001;
        assert_eq!(dearer(&now, &was), ["parse-future", "engine"]);
    }

    #[test]
    fn the_peer_is_never_at_fault_and_no_excuse() {
        let was = record("a", &WAS);
        let mut now = was.clone();
        now.figures[1].1 = 80_000;
        assert_eq!(dearer(&now, &was), [""; 0]);
        now.figures[0].1 = 12_000;
        assert_eq!(dearer(&now, &was), ["parse-future"]);
    }

    #[test]
    fn with_another_compiler_the_share_of_the_peer_counts() {
        let was = record("a", &WAS);
        // Everything costs a half more: the compiler's doing.
        let all = WAS.map(|(name, count)| (name, count * 3 / 2));
        assert_eq!(Rule::of(&record("b", &all), &was), Rule::BesidePeer);
        assert_eq!(dearer(&record("b", &all), &was), [""; 0]);
        // Ours alone does: our doing, although the compiler is another.
        let mut ours = record("b", &WAS);
        ours.figures[0].1 = 11_200;
        ours.figures[2].1 = 22_400;
        assert_eq!(dearer(&ours, &was), ["parse-future", "engine"]);
        // Ours stays while the peer became cheaper.
        let mut peer = record("b", &WAS);
        peer.figures[1].1 = 30_000;
        assert_eq!(dearer(&peer, &was), ["parse-future"]);
    }

    #[test]
    fn another_machine_is_like_another_compiler() {
        let was = record("a", &WAS);
        let mut now = was.clone();
        now.machine = "x86_64".to_owned();
        assert_eq!(Rule::of(&now, &was), Rule::BesidePeer);
    }

    #[test]
    fn what_is_new_or_gone_or_much_cheaper_is_told() {
        let was = record("a", &WAS);
        let now = record(
            "a",
            &[("parse-bond", 5), ("engine", 17_000), ("serde-share-trade", 50_000)],
        );
        assert_eq!(was.sections_not_in(&now), ["parse-future", "serde-future"]);
        let rows = compare(&now, &was);
        assert_eq!(rows.iter().map(Row::is_stale).collect::<Vec<_>>(), [true, true, false]);
        assert!(!rows.iter().any(Row::is_dearer));
        assert_eq!((rows[0].was, rows[0].change, rows[0].peer), (None, None, None));
    }
}
