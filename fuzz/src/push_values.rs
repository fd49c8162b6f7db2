//! Values in a message that is well-formed around them: the decoders agree on every one of them.
//!
//! Bytes drawn at random hardly ever are a message, so the fast decoders, which take no other, would see few. Here the
//! input is a list of replacements for values of a real one: which place, and what stands there.
#![no_main]

mod decoders;

use std::cell::RefCell;
use std::ops::Range;

use libfuzzer_sys::fuzz_target;

/// As the station sends them: the straight decoder takes these.
const LONG: [&str; 2] = [
    include_str!("../../testdata/synthetic_push_stock_7203.json"),
    include_str!("../../testdata/synthetic_push_stock_preopen_7203.json"),
];
const INDEX: &str = include_str!("../../testdata/synthetic_push_index_101.json");
/// What the engine reads and little else: short, for the ordered decoder, and most of the executions.
const SHORT: &str = concat!(
    r#"{"Exchange":1,"TradingVolume":5123400.0,"BidQty":100.0,"BidPrice":2847.0,"BidSign":"0101","#,
    r#""Sell1":{"Time":"2026-09-18T10:15:42+09:00","Sign":"0101","Price":2847.0,"Qty":100.0},"#,
    r#""Sell2":{"Price":2847.5,"Qty":800.0},"AskPrice":2846.5,"Buy1":{"Price":2846.5,"Qty":800},"Symbol":"7203","#,
    r#""CurrentPrice":2846.5,"CurrentPriceTime":"2026-09-18T10:15:42+09:00","OpeningPriceTime":null,"New":0}"#,
);
/// What chance writes rarely.
const ODD: [&str; 20] = [
    "null",
    "0",
    "-0",
    "-0.0",
    "1e400",
    "1E+2",
    "9007199254740993",
    "9223372036854775807",
    "922337203685477.5808",
    "0.00005",
    "2846.50000",
    "\"\"",
    "\"7203\"",
    "\" 1 \"",
    "true",
    "{}",
    "[]",
    "\"\\u0031\"",
    "\"2026-02-29T24:60:60+09:00\"",
    "{\"Price\":1,\"Price\":2,\"Qty\":1}",
];

/// A message and where its values stand.
struct Message {
    text: &'static [u8],
    values: Vec<Range<usize>>,
}

impl Message {
    fn new(text: &'static str) -> Self {
        let text = text.trim_end().as_bytes();
        let mut values = Vec::new();
        let (mut at, mut from) = (0, None);
        while at < text.len() {
            match text[at] {
                b'"' => at += 1 + text[at + 1..].iter().position(|&b| b == b'"').expect("a string ends"),
                b':' => from = Some(at + 1),
                // An object is no place: its values are.
                b'{' => from = None,
                b',' | b'}' => values.extend(from.take().map(|from| from..at)),
                _ => {}
            }
            at += 1;
        }
        Self { text, values }
    }

    /// Writes it with these values in these places; of two for one place the first counts.
    fn with<'a>(&self, mut patches: Vec<(usize, &'a [u8])>, out: &mut Vec<u8>) {
        patches.sort_by_key(|&(place, _)| place);
        patches.dedup_by_key(|&mut (place, _)| place);
        out.clear();
        let mut from = 0;
        for (place, value) in patches {
            let range = &self.values[place];
            out.extend_from_slice(&self.text[from..range.start]);
            out.extend_from_slice(value);
            from = range.end;
        }
        out.extend_from_slice(&self.text[from..]);
    }
}

/// What is used again by every execution.
struct Scratch {
    messages: [Message; 4],
    out: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        messages: [SHORT, INDEX, LONG[0], LONG[1]].map(Message::new),
        out: Vec::with_capacity(4096),
    });
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, mut rest)) = bytes.split_first() else {
        return;
    };
    SCRATCH.with_borrow_mut(|scratch| {
        let message = match which % 16 {
            0 => &scratch.messages[2],
            1 => &scratch.messages[3],
            2..=4 => &scratch.messages[1],
            _ => &scratch.messages[0],
        };
        let mut patches = Vec::new();
        while let [place, how, tail @ ..] = rest {
            let place = usize::from(*place) % message.values.len();
            if *how >= 128 {
                patches.push((place, ODD[usize::from(*how) % ODD.len()].as_bytes()));
                rest = tail;
            } else {
                let (value, tail) = tail.split_at((usize::from(*how) % 40).min(tail.len()));
                patches.push((place, value));
                rest = tail;
            }
        }
        message.with(patches, &mut scratch.out);
        decoders::agree(&scratch.out);
    });
});
