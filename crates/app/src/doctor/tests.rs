use super::finding::{Finding, Level, words};
use super::report::{Lang, encodable, text, to_json};
use crate::text::redact;

fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    |name| {
        pairs
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn the_language_is_the_environments() {
    for (pairs, lang) in [
        (&[][..], Lang::En),
        (&[("LANG", "ja_JP.UTF-8")][..], Lang::Ja),
        (&[("LANG", "en_US.UTF-8")][..], Lang::En),
        (&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")][..], Lang::En),
        (&[("LC_ALL", ""), ("LANG", "ja")][..], Lang::Ja),
    ] {
        assert_eq!(Lang::of(&env(pairs)), lang, "{pairs:?}");
    }
    assert_eq!("JA".parse(), Ok(Lang::Ja));
    assert!("fr".parse::<Lang>().is_err());
}

#[test]
fn sec01_what_the_page_shows_has_no_secret_and_every_console_can_show_it() {
    redact::forbid("doctor-canary-\u{682a}-1");
    let findings = [
        Finding::problem(
            "a",
            words("told doctor-canary-\u{682a}-1 \u{1f600}\u{1b}[2J", "x"),
            words("do\nthis", "y"),
        ),
        Finding::fine("b", words("fine", "ok")),
    ];
    let page = text(&findings, Lang::En, false);
    assert_eq!(
        page,
        "[x] told *** ? [2J\n    fix: do\n    this\n[ok] 1 checks are fine (-v shows them)\n\
         next: do what stands behind the first \"fix\", then  ayumi doctor"
    );
    assert!(text(&findings, Lang::Ja, true).contains("[ok] ok"));
    let json = to_json(&findings, Lang::En);
    assert!(
        json.is_ascii() && !json.contains("canary") && json.contains("\"well\":false"),
        "{json}"
    );
}

#[test]
fn encodable_keeps_japanese() {
    assert_eq!(encodable("株価 ① \u{2014} \u{a5} é \u{1f600}"), "株価 ① ? ? ? ?");
}

#[test]
fn only_warnings_and_problems_are_something() {
    assert!(Level::Fine < Level::Note && Level::Note < Level::Warning && Level::Warning < Level::Problem);
}
