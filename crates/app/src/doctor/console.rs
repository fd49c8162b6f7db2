//! The console: can it show Japanese, and how wide is it. We write UTF-8 to a pipe and let Windows translate on a
//! console; what reads our pipe may not know.

use super::finding::{Finding, words};
use super::report::Lang;

/// What is known of the console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console {
    /// `932`, `65001`, or the encoding of a locale, like `UTF-8`; `None` = unknown.
    pub encoding: Option<String>,
    /// Cells in a line; `None` = no terminal.
    pub width: Option<u16>,
    /// Windows Terminal, or whatever calls itself by TERM.
    pub program: Option<String>,
    /// Somebody looks at it.
    pub terminal: bool,
}

/// Asks the system.
pub fn check(lang: Lang) -> Vec<Finding> {
    vec![judge(&os::console(), lang)]
}

/// Whether Japanese can be shown.
pub fn judge(console: &Console, lang: Lang) -> Finding {
    let or = |value: Option<String>, none: &str| value.unwrap_or_else(|| none.to_owned());
    let encoding = console.encoding.clone();
    let width = console.width.map(|cells| cells.to_string());
    let program = console.program.clone();
    let say = words(
        format!(
            "console: encoding {}, width {}, {}",
            or(encoding.clone(), "unknown"),
            or(width.clone(), "none (no terminal)"),
            or(program.clone(), "program unknown")
        ),
        format!(
            "画面: 文字コード {}、幅 {}、{}",
            or(encoding, "不明"),
            or(width, "なし(端末ではありません)"),
            or(program, "種類不明")
        ),
    );
    match &console.encoding {
        Some(encoding) if lang == Lang::Ja && console.terminal && !shows_japanese(encoding) => Finding {
            fix: Some(words(
                "Japanese may show as garbage: chcp 932 (Windows), LANG=ja_JP.UTF-8 (Linux), or --lang en",
                "日本語が文字化けする場合は、chcp 932 (Windows)、LANG=ja_JP.UTF-8 (Linux)、または --lang en を使ってください",
            )),
            ..Finding::note("console", say)
        },
        _ => Finding::fine("console", say),
    }
}

fn shows_japanese(encoding: &str) -> bool {
    let plain: String = encoding
        .to_ascii_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    ["932", "cp932", "sjis", "shiftjis", "eucjp", "65001", "utf8"].contains(&plain.as_str())
}

/// The encoding of a locale's name: `ja_JP.UTF-8`, `ja_JP.eucJP@x`; `C` and nothing mean ASCII.
#[cfg_attr(windows, allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_locale(locale: &str) -> String {
    match locale.split_once('.') {
        Some((_, encoding)) => encoding.split('@').next().unwrap_or(encoding).to_owned(),
        None => "ASCII".to_owned(),
    }
}

/// The code page in the answer of `chcp`, in whatever language: its only number.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_chcp(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The width in the answer of `mode con`, in whatever language: lines first, then columns.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_mode(text: &str) -> Option<u16> {
    let mut numbers = text
        .lines()
        .filter_map(|line| line.rsplit_once(':')?.1.trim().parse().ok());
    numbers.nth(1)
}

/// The width in the answer of `stty size`: rows, then columns.
#[cfg_attr(windows, allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_stty(text: &str) -> Option<u16> {
    text.split_whitespace().nth(1)?.parse().ok().filter(|cells| *cells > 0)
}

#[cfg(windows)]
mod os {
    use std::io::IsTerminal;
    use std::process::{Command, Stdio};

    use super::super::ask;
    use super::{Console, of_chcp, of_mode};
    use crate::settings::process_env;

    pub fn console() -> Console {
        let terminal = std::io::stdout().is_terminal();
        // Its own console is asked, so it must have it.
        let mut mode = Command::new("cmd");
        mode.args(["/d", "/c", "mode", "con"]).stderr(Stdio::null());
        let width = terminal.then(|| mode.output().ok()).flatten();
        Console {
            encoding: ask::command("cmd", &["/d", "/c", "chcp"]).and_then(|text| of_chcp(&text)),
            width: width.and_then(|output| of_mode(&ask::decoded(&output.stdout))),
            program: process_env("WT_SESSION").map(|_| "Windows Terminal".to_owned()),
            terminal,
        }
    }
}

#[cfg(not(windows))]
mod os {
    use std::io::IsTerminal;
    use std::process::{Command, Stdio};

    use super::super::ask;
    use super::{Console, of_locale, of_stty};
    use crate::settings::process_env;

    pub fn console() -> Console {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| process_env(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
        // It asks its standard input, which is ours.
        let size = std::io::stdin().is_terminal().then(|| {
            let mut stty = Command::new("stty");
            stty.arg("size").stdin(Stdio::inherit()).stderr(Stdio::null());
            stty.output().ok()
        });
        Console {
            encoding: Some(of_locale(&locale.unwrap_or_default())),
            width: size.flatten().and_then(|output| of_stty(&ask::decoded(&output.stdout))),
            program: set("TERM"),
            terminal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn what_the_systems_say_of_a_console() {
        assert_eq!(of_chcp("現在のコード ページ: 932\r\n").as_deref(), Some("932"));
        assert_eq!(of_chcp("Active code page: 65001\r\n").as_deref(), Some("65001"));
        assert_eq!(of_chcp(""), None);
        let mode = "\r\nStatus for device CON:\r\n----------\r\n    Lines:          9001\r\n    Columns:        120\r\n    Keyboard rate:  31\r\n";
        assert_eq!(of_mode(mode), Some(120));
        assert_eq!(of_stty("24 80\n"), Some(80));
        assert_eq!(of_stty(""), None);
        assert_eq!(of_locale("ja_JP.eucJP@x"), "eucJP");
        assert_eq!(of_locale("C"), "ASCII");
    }

    #[test]
    fn japanese_on_a_console_that_cannot_show_it_is_told() {
        let console = |encoding: &str, terminal| Console {
            encoding: Some(encoding.to_owned()),
            terminal,
            ..Console::default()
        };
        for (encoding, terminal, lang, level) in [
            ("437", true, Lang::Ja, Level::Note),
            ("ASCII", true, Lang::Ja, Level::Note),
            ("437", true, Lang::En, Level::Fine),
            ("437", false, Lang::Ja, Level::Fine),
            ("932", true, Lang::Ja, Level::Fine),
            ("UTF-8", true, Lang::Ja, Level::Fine),
            ("eucJP", true, Lang::Ja, Level::Fine),
        ] {
            assert_eq!(
                judge(&console(encoding, terminal), lang).level,
                level,
                "{encoding} {terminal} {lang:?}"
            );
        }
    }
}
