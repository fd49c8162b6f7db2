//! What is wrong with the text of the file, and how it is said.

use super::*;

#[test]
fn c02_misspelt_keys_are_named_with_their_place_and_foreign_ones_are_silent() {
    let s = ok(
        "\n  \"window_mss\": 300, \"WebSocket\": {}, \"websocket\": {\"recv_timout\": 1},\n  \"recv_timeout\": 1, \
                \"price_guard\": {\"7203\": {\"mni\": 5, \"note\": \"x\"}}, \"orders\": {\"window_mss\": 1}, \"メモ\": \"\"",
    );
    let said = notes(&s);
    for part in [
        "c.json:2:3 window_mss: unknown key, ignored; did you mean \"window_ms\"?",
        "WebSocket: unknown key, ignored; did you mean \"websocket\"?",
        "websocket.recv_timout: unknown key, ignored; did you mean \"websocket.recv_timeout\"?",
        "c.json:3:3 recv_timeout: unknown key, ignored; it belongs into the section \"websocket\"",
        "price_guard.7203.mni: unknown key, ignored; did you mean \"price_guard.7203.min\"?",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert_eq!(s.notes.len(), 5, "{said}");
    assert!(s.notes.iter().all(|note| note.warning));
}

#[test]
fn c01_syntax_mistakes_get_a_friendly_sentence_line_and_caret() {
    let table = [
        (
            "{\"mode\": \"mock\", // comment\n \"symbols\": [\"7203\"]}",
            "1:18  comments are not allowed",
        ),
        (
            "{\"mode\": \"mock\", /* c */ \"symbols\": [\"7203\"]}",
            "comments are not allowed",
        ),
        (
            "{\"mode\": \"mock\",\n \"symbols\": [\"7203\"],\n}",
            "2:21  the last entry has no comma",
        ),
        (
            "{\"mode\": \"mock\", \"symbols\": [\"7203\",]}",
            "the last entry has no comma",
        ),
        (
            "{\"mode\": \"mock\"\n \"symbols\": [\"7203\"]}",
            "1:16  a comma is missing here",
        ),
        (
            "{mode: \"mock\", \"symbols\": [\"7203\"]}",
            "a key stands in double quotes",
        ),
        ("{\"mode\": 'mock', \"symbols\": [\"7203\"]}", "not in single ones"),
        (
            "{\"mode\": \"mock\", \"port\": 0x46A0, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": +18080, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": .5, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": NaN, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": 01, \"symbols\": [\"7203\"]}",
            "c.json:1:",
        ),
        ("{\"mode\" \"mock\"}", "a colon is missing"),
        ("{\"mode\": , \"port\": 1}", "a value is missing before this comma"),
        ("{\"mode\": }", "a value is missing before it"),
        ("{\"mode\": \"mock}", "the quote that closes this text is missing"),
        ("{\"mode\": \"mock\"", "1:1  the } that closes this { is missing"),
        ("{\"symbols\": [\"7203\"", "1:13  the ] that closes this [ is missing"),
        ("{\"mode\": \"mock\"}}", "the settings end before this"),
        (
            "{\"db_path\": \"C:\\data\\rss.db\"}",
            "1:16  a single backslash is not allowed",
        ),
        (
            "{\"db_path\": \"C:\\users\\rss.db\"}",
            "\\u needs four hexadecimal digits",
        ),
        ("{\"mode\": True}", "small letters"),
        ("{“mode”: \"mock\"}", "use plain double quotes"),
        ("{\"mode\"： \"mock\"}", "this sign is full-width"),
        ("｛\"mode\": \"mock\"｝", "full-width"),
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ("[]", "allowed: an object"),
        ("\"7203\"", "allowed: an object"),
        ("null", "allowed: an object"),
        ("not json", "this is not JSON"),
        (
            "{\"mode\": \"mock\", \"symbols\": [\"7203\"],\n \"port\": 1, \"port\": 2}",
            "2:13  port  this key stands in line 2 already",
        ),
        (
            "{\"x\": 1, \"x\": 2, \"mode\": \"mock\", \"symbols\": [\"1\"]}",
            "x  this key stands in line 1 already",
        ),
        (
            "{\"websocket\": {\"recv_timeout\": 1, \"recv_timeout\": 2}}",
            "websocket.recv_timeout  this key stands",
        ),
    ];
    for (text, said) in table {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}\n{error}");
        assert!(
            !error.contains("Unexpected") && error.contains("next: correct the file"),
            "{error}"
        );
    }
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    assert!(read(&deep).expect_err("deep").to_string().contains("nested too deeply"));
}

#[test]
fn c01_all_problems_are_reported_at_once_also_after_syntax_mistakes() {
    let text = "{\n  // mine\n  \"mode\": \"moc\",\n  \"port\": 0,\n  \"symbols\": [\"7203\", \"x y\"],\n  \
                \"websocket\": {\"recv_timeout\": \"soon\"},\n  \"price_guard\": {\n    \"7203\": { \"min\": 6000, \"max\": 400 }\n  },\n  \
                \"window_ms\": 5,\n}\n";
    let error = read(text).expect_err("wrong").to_string();
    assert_eq!(
        error,
        r#"error: 8 problems in the settings c.json

c.json:2:3  comments are not allowed in JSON: remove it
  2 |   // mine
    |   ^^^^^^^
c.json:3:11  mode  found "moc"  allowed: one of online, mock
  3 |   "mode": "moc",
    |           ^^^^^
c.json:4:11  port  found 0  allowed: a whole number from 1 to 65535
  4 |   "port": 0,
    |           ^
c.json:5:23  symbols[1]  "x y" is no symbol: use 1 to 12 letters or digits, for example "7203", "285A" or "7203@1"
  5 |   "symbols": ["7203", "x y"],
    |                       ^^^^^
c.json:6:33  websocket.recv_timeout  found "soon"  allowed: a number from 0.5 to 600
  6 |   "websocket": {"recv_timeout": "soon"},
    |                                 ^^^^^^
c.json:8:22  price_guard.7203.min  found 6000  allowed: at most the upper bound, 400.0 (the two may be swapped)
  8 |     "7203": { "min": 6000, "max": 400 }
    |                      ^^^^
c.json:10:16  window_ms  found 5  allowed: a whole number from 10 to 60000
  10 |   "window_ms": 5,
     |                ^
c.json:10:17  the last entry has no comma after it: remove this comma
  10 |   "window_ms": 5,
     |                 ^

  next: correct the file, then check it with: ayumi stream -Config c.json --check-config"#
    );
}

#[test]
fn c02_a_missing_key_that_is_there_misspelt_is_named_beside_the_error() {
    let text = r#"{"mode": "mock", "symbls": ["7203"], "port": 0}"#;
    let error = build::settings("my c.json", text.as_bytes(), &Overrides::default(), &no_env).expect_err("no symbols");
    let error = error.to_string();
    assert!(error.contains("symbols  found no symbol"), "{error}");
    assert!(
        error.contains("WARNING: my c.json:1:18 symbls: unknown key, ignored; did you mean \"symbols\"?"),
        "{error}"
    );
    assert!(error.contains("-Config \"my c.json\" --check-config"), "{error}");
}
