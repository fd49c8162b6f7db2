use std::io::Write;

use super::*;

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

const REDUCED: &str = r#"{"t_recv":1761869097.369169,"msg":{"Symbol":"999A","Exchange":1,"CurrentPrice":2014.0,"CurrentPriceTime":"2025-10-31T09:04:57+09:00","TradingVolume":300.0,"TradingVolumeTime":"2025-10-31T09:04:57+09:00","VWAP":2035.1121,"BidPrice":2015.0,"BidQty":200.0,"AskPrice":2011.0,"AskQty":100.0}}"#;

#[test]
fn plain_and_gzip_read_alike() {
    let text = format!("\u{FEFF}{REDUCED}\r\n\n{REDUCED}\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let plain = read_recording(file_of(text.as_bytes()).path()).unwrap();
    let gzip = read_recording(file_of(&packed.finish().unwrap()).path()).unwrap();
    assert_eq!(plain, gzip);
    assert_eq!(plain.len(), 2);
    assert_eq!(plain[0].at, Stamp(1_761_869_097_369_169_000));
    assert_eq!(plain[0].symbol, "999A");
}

#[test]
fn whole_messages_are_kept_letter_by_letter() {
    let whole = r#"{ "Symbol":"101", "CurrentPrice":1e3,"SecurityType":0}"#;
    let ladder = r#"{"Symbol":"167060019","Exchange":"23","Sell1":{"Price":1.00,"Qty":2}}"#;
    let lines = read_recording(file_of(format!("{whole}\n{{\"msg\":{ladder}}}\n").as_bytes()).path()).unwrap();
    assert_eq!(lines[0].text, whole.as_bytes());
    assert_eq!(lines[1].text, ladder.as_bytes());
    assert_eq!(lines[1].symbol, "167060019@23");
    assert_eq!(lines[1].at.ms_since(lines[0].at), 1);
}

#[test]
fn time_never_steps_back() {
    let early = REDUCED.replace("097.369169", "096.0");
    let lines = read_recording(file_of(format!("{REDUCED}\n{early}").as_bytes()).path()).unwrap();
    assert_eq!(lines[0].at, lines[1].at);
}

#[test]
fn errors_name_file_and_line() {
    let bad = file_of(format!("{REDUCED}\n[1,2]\n").as_bytes());
    let message = read_recording(bad.path()).unwrap_err().to_string();
    assert!(message.contains("line 2") && message.contains("t_recv"), "{message}");
    assert!(matches!(
        read_recording(file_of(b"\n\n").path()),
        Err(SimError::Empty { .. })
    ));
    for line in [
        "\u{0}",
        "{}",
        r#"{"Symbol":7}"#,
        r#"{"Symbol":""}"#,
        r#"{"t_recv":-1,"msg":{"Symbol":"7203"}}"#,
        r#"{"t_recv":1e300,"msg":{"Symbol":"7203"}}"#,
        r#"{"t_recv":9999999999,"msg":{"Symbol":"7203"}}"#,
        r#"{"t_recv":"NaN","msg":{"Symbol":"7203"}}"#,
        r#"{"Symbol":"7203","BidPrice":1e400}"#,
        r#"{"Symbol":"7203","TradingVolume":0.5}"#,
        r#"{"Symbol":"7203","CurrentPrice":true}"#,
    ] {
        let result = read_recording(file_of(line.as_bytes()).path());
        assert!(matches!(result, Err(SimError::Line { line: 1, .. })), "{line}");
    }
}

use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::push::decode;

use crate::config::{CloneSymbol, RecordingConfig, Repeat, Seam};

fn symbol(code: &str) -> Symbol {
    Symbol {
        code: code.into(),
        exchange: 1,
    }
}

/// 2026-11-20 09:00:00 JST.
const NINE: i64 = 1_795_132_800;

/// Two messages, 10 s apart, that begin with a volume of 100 and end with 400.
fn two() -> String {
    let line = |at: i64, volume: i64, value: i64, high: i64| {
        let time = ayumi_wire::jst::iso_s(at);
        format!(
            r#"{{"t_recv":{at}.25,"msg":{{"Symbol":"7203","Exchange":1,"CurrentPrice":{high}.0,"CurrentPriceTime":"{time}","TradingVolume":{volume}.0,"TradingValue":{value}.0,"VWAP":{vwap}.0,"HighPrice":{high}.0,"HighPriceTime":"{time}","PreviousCloseTime":"2026-11-19T00:00:00+09:00","SecurityType":1}}}}"#,
            vwap = value / volume
        )
    };
    format!(
        "{}\n{}\n",
        line(NINE, 100, 100_000, 1_000),
        line(NINE + 10, 400, 430_000, 1_100)
    )
}

fn played(config: &RecordingConfig) -> Vec<Recorded> {
    open(config).unwrap().lines.map(Result::unwrap).collect()
}

fn volumes(lines: &[Recorded]) -> Vec<i64> {
    let volume = |r: &Recorded| decode(&r.text).unwrap().trading_volume.unwrap().0;
    lines.iter().map(volume).collect()
}

#[test]
fn passes_go_on_rising() {
    let file = file_of(two().as_bytes());
    let mut config = RecordingConfig::new(file.path());
    assert_eq!(played(&config), read_recording(file.path()).unwrap(), "once: as it is");
    config.repeat = Repeat::Times(3);
    let lines = played(&config);
    let seconds: Vec<i64> = lines.iter().map(|r| r.at.s() - NINE).collect();
    assert_eq!(seconds, [0, 10, 12, 22, 24, 34]);
    assert!(lines.iter().all(|r| r.at.0 % 1_000_000_000 == 250_000_000));
    assert_eq!(volumes(&lines), [100, 400, 400, 700, 700, 1_000]);
    let text = String::from_utf8(lines[5].text.clone()).unwrap();
    // 1,000 shares for 1,090,000 yen: 430,000 and twice the 330,000 of a pass.
    assert!(text.contains(r#""TradingValue":1090000.0,"VWAP":1090.0,"#), "{text}");
    assert!(
        text.contains(r#""CurrentPriceTime":"2026-11-20T09:00:34+09:00""#),
        "{text}"
    );
    let seam = String::from_utf8(lines[2].text.clone()).unwrap();
    assert!(seam.contains(r#""HighPrice":1100.0,"HighPriceTime":"2026-11-20T09:00:10+09:00""#));
    assert!(seam.contains(r#""PreviousCloseTime":"2026-11-19"#), "{seam}");
}

#[test]
fn passes_can_be_days() {
    let file = file_of(two().as_bytes());
    let config = RecordingConfig {
        repeat: Repeat::Forever,
        seam: Seam::NewDay,
        ..RecordingConfig::new(file.path())
    };
    let lines: Vec<Recorded> = open(&config).unwrap().lines.map(Result::unwrap).take(2_001).collect();
    assert_eq!(volumes(&lines[..4]), [100, 400, 100, 400]);
    assert_eq!(lines[2].at.s(), NINE + 86_400);
    assert_eq!(lines[2_000].at.s(), NINE + 1_000 * 86_400);
    let text = String::from_utf8(lines[2].text.clone()).unwrap();
    assert!(
        text.contains("2026-11-21T09:00:00+09:00") && text.contains("2026-11-20T00:00:00+09:00"),
        "{text}"
    );
    let days = two() + &two().replace(&NINE.to_string(), &(NINE + 86_400).to_string());
    let file = file_of(days.as_bytes());
    let config = RecordingConfig {
        repeat: Repeat::Times(2),
        ..RecordingConfig::new(file.path())
    };
    let lines = played(&config);
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[4].at.s(), NINE + 2 * 86_400, "several days are repeated as days");
    assert_eq!(volumes(&lines)[4], 100);
}

#[test]
fn symbols_can_be_cloned() {
    let file = file_of(two().as_bytes());
    let clone = |to: &str, offset_ms: u64| CloneSymbol {
        from: symbol("7203"),
        to: symbol(to),
        offset: Duration::from_millis(offset_ms),
    };
    let mut config = RecordingConfig::new(file.path());
    config.clones = vec![clone("1001", 0), clone("1002", 3_500), clone("1003", 11_000)];
    let lines = played(&config);
    let order: Vec<(&str, i64)> = lines
        .iter()
        .map(|r| (r.symbol.as_str(), r.at.ms() - NINE * 1_000))
        .collect();
    let expected = [
        ("7203", 250),
        ("1001", 250),
        ("1002", 3_750),
        ("7203", 10_250),
        ("1001", 10_250),
        ("1003", 11_250),
        ("1002", 13_750),
        ("1003", 21_250),
    ];
    assert_eq!(order, expected);
    let text = String::from_utf8(lines[2].text.clone()).unwrap();
    assert!(
        text.starts_with(r#"{"Symbol":"1002","Exchange":1,"CurrentPrice":1000.0,"#),
        "{text}"
    );
    assert!(
        text.contains(r#""CurrentPriceTime":"2026-11-20T09:00:03+09:00""#),
        "{text}"
    );
    config.repeat = Repeat::Times(2);
    let lines = played(&config);
    assert_eq!(lines.len(), 16);
    assert!(lines.is_sorted_by_key(|r| r.at));
    let last = lines.iter().rfind(|r| r.symbol == "1003").unwrap();
    assert_eq!(volumes(std::slice::from_ref(last)), [700], "clones rise on their own");
    for wrong in [vec![clone("7203", 0)], vec![clone("1", 0), clone("1", 5)]] {
        config.clones = wrong;
        assert!(matches!(open(&config), Err(SimError::Setting(_))));
    }
}

fn packed(text: &str) -> Vec<u8> {
    zstd::stream::encode_all(text.as_bytes(), 1).unwrap()
}

fn journal() -> String {
    let board = r#"{"Symbol":"9984","Exchange":1,"TradingVolume":7.0}"#;
    let push = |code: &str, volume: i64| format!(r#"{{ "Symbol":"{code}","Exchange":1,"TradingVolume":{volume}.0 }}"#);
    format!(
        "{t}000000000 E start\n{t}000000001 B {board}\n{t}100000000 P {one}\n{t}200000000 B {late}\n\
         {t}300000000 B {early}\n{t}400000000 X /w==\n{t}500000000 P {two}\n{t}600000000 P {{cut\n{t}700000000 E stop\n",
        t = NINE,
        one = push("7203", 100),
        late = push("7203", 1),
        early = board.replace("7.0", "8.0"),
        two = push("9984", 200),
    )
}

#[test]
fn journals_play_what_was_received() {
    for bytes in [journal().into_bytes(), packed(&journal())] {
        let file = file_of(&bytes);
        let opened = open(&RecordingConfig::new(file.path())).unwrap();
        let boards: Vec<(&str, i64)> = opened
            .boards
            .iter()
            .map(|b| (&*b.symbol, volumes(std::slice::from_ref(b))[0]))
            .collect();
        assert_eq!(boards, [("9984", 8)], "the last one before the symbol's first message");
        let lines: Vec<Recorded> = opened.lines.map(Result::unwrap).collect();
        let texts: Vec<&[u8]> = lines.iter().map(|r| &*r.text).collect();
        assert_eq!(texts[0], br#"{ "Symbol":"7203","Exchange":1,"TradingVolume":100.0 }"#);
        assert_eq!((texts[1], texts[3]), (&b"\xFF"[..], &b"{cut"[..]));
        let symbols: Vec<&str> = lines.iter().map(|r| &*r.symbol).collect();
        assert_eq!(
            symbols,
            ["7203", "7203", "9984", "9984"],
            "broken ones go where the last one went"
        );
        assert_eq!(lines[0].at, Stamp(NINE * 1_000_000_000 + 100_000_000));
    }
}

#[test]
fn j04_a_damaged_tail_ends_a_file_and_not_the_playback() {
    let folder = tempfile::tempdir().unwrap();
    let block = |from: i64| -> String {
        let line = |n: i64| format!("{} P {{\"Symbol\":\"7203\",\"TradingVolume\":{n}}}\n", n * 1_000);
        (from..from + 500).map(line).collect()
    };
    // Two frames, as a journal is written block by block; the second is cut.
    let whole = packed(&block(1));
    let mut cut = [whole.clone(), packed(&block(501))].concat();
    cut.truncate(whole.len() + 60);
    std::fs::write(folder.path().join("ayumi-1.zst"), &cut).unwrap();
    std::fs::write(folder.path().join("ayumi-2.zst"), packed(&block(2_001))).unwrap();
    std::fs::write(folder.path().join(".hidden"), "x").unwrap();
    let lines = played(&RecordingConfig::new(folder.path()));
    let seen = volumes(&lines);
    assert!(seen.is_sorted() && seen.len() >= 1_000, "{}", seen.len());
    assert_eq!((seen[499], *seen.last().unwrap()), (500, 2_500));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(two().as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let file = file_of(&gzip[..gzip.len() - 12]);
    assert!(played(&RecordingConfig::new(file.path())).len() <= 2);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        open(&RecordingConfig::new(empty.path())),
        Err(SimError::Empty { .. })
    ));
    assert!(matches!(
        open(&RecordingConfig::new(empty.path().join("no"))),
        Err(SimError::Read { .. })
    ));
}
