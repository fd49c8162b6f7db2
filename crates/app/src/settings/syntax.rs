//! From text to a JSON tree with positions, with one friendly sentence per kind of mistake.
//!
//! Strict JSON only, because the user's other scripts read the same file with Python. To name as many problems at once
//! as possible, a mistake whose meaning is clear (a comment, a comma too many) is noted and then tolerated, so that the
//! values are still checked; the file is refused all the same.

use jsonc_parser::ast::Value;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};

use super::problem::Problem;

/// JSON as Python reads it.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The tree, as far as one can be had, and the mistakes.
pub(super) fn parse(text: &str) -> (Option<Value<'_>>, Vec<Problem>) {
    let mut options = STRICT;
    let mut problems = Vec::new();
    loop {
        match parse_to_ast(text, &CollectOptions::default(), &options) {
            Ok(parsed) => {
                if parsed.value.is_none() {
                    problems.push(whole_file(
                        "the file is empty; write { } and your settings between the braces",
                    ));
                }
                return (parsed.value, problems);
            }
            Err(error) => {
                problems.push(problem(text, &error));
                if !tolerate(&mut options, error.kind()) {
                    return (None, problems);
                }
            }
        }
    }
}

/// The tree of a text that may hold comments but no other mistake; the parser's own words on one quote the file, which
/// may hold a token, so there are none.
pub(super) fn with_comments(text: &str) -> Option<Value<'_>> {
    let options = ParseOptions {
        allow_comments: true,
        ..STRICT
    };
    parse_to_ast(text, &CollectOptions::default(), &options).ok()?.value
}

fn whole_file(what: &str) -> Problem {
    Problem {
        at: None,
        key: String::new(),
        what: what.to_owned(),
    }
}

/// Allows what was just found, so that the next round gets further. False when there is no way on.
fn tolerate(options: &mut ParseOptions, kind: &ParseErrorKind) -> bool {
    let switch = match kind {
        ParseErrorKind::CommentsNotAllowed => &mut options.allow_comments,
        ParseErrorKind::ExpectedStringObjectProperty => &mut options.allow_loose_object_property_names,
        ParseErrorKind::TrailingCommasNotAllowed => &mut options.allow_trailing_commas,
        ParseErrorKind::ExpectedComma => &mut options.allow_missing_commas,
        ParseErrorKind::SingleQuotedStringsNotAllowed => &mut options.allow_single_quoted_strings,
        ParseErrorKind::HexadecimalNumbersNotAllowed => &mut options.allow_hexadecimal_numbers,
        ParseErrorKind::UnaryPlusNumbersNotAllowed => &mut options.allow_unary_plus_numbers,
        ParseErrorKind::BareDecimalPointNumbersNotAllowed => &mut options.allow_bare_decimal_point_numbers,
        ParseErrorKind::NonFiniteNumbersNotAllowed => &mut options.allow_non_finite_numbers,
        ParseErrorKind::String(
            ParseStringErrorKind::InvalidEscape | ParseStringErrorKind::InvalidEscapeInDoubleQuoteString,
        ) => &mut options.allow_extended_string_escapes,
        _ => return false,
    };
    !std::mem::replace(switch, true)
}

fn problem(text: &str, error: &ParseError) -> Problem {
    let range = error.range();
    let start = floor(text, range.start);
    let end = match error.kind() {
        // Their range is the whole rest of the file; the caret belongs under the opening sign.
        ParseErrorKind::UnterminatedObject
        | ParseErrorKind::UnterminatedArray
        | ParseErrorKind::UnterminatedCommentBlock
        | ParseErrorKind::NestingDepthExceeded
        | ParseErrorKind::String(_) => start,
        _ => floor(text, range.end).max(start),
    };
    Problem {
        at: Some(start..end),
        key: String::new(),
        what: sentence(error.kind(), &text[start..]).to_owned(),
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What is wrong and what to write instead. Quotes nothing of the file: it could be a part of the token.
fn sentence(kind: &ParseErrorKind, rest: &str) -> &'static str {
    use ParseErrorKind as Kind;
    match kind {
        Kind::CommentsNotAllowed | Kind::UnterminatedCommentBlock => "comments are not allowed in JSON: remove it",
        Kind::TrailingCommasNotAllowed => "the last entry has no comma after it: remove this comma",
        Kind::ExpectedStringObjectProperty => "a key stands in double quotes, like \"window_ms\"",
        Kind::SingleQuotedStringsNotAllowed => "texts stand in double quotes, not in single ones",
        Kind::ExpectedComma => "a comma is missing here",
        Kind::UnexpectedComma => "a value is missing before this comma, or the comma is one too many",
        Kind::ExpectedColonAfterObjectKey => "a colon is missing after the key (or a quote before it)",
        Kind::ExpectedObjectValue => "the value after the colon is missing",
        Kind::HexadecimalNumbersNotAllowed
        | Kind::UnaryPlusNumbersNotAllowed
        | Kind::BareDecimalPointNumbersNotAllowed
        | Kind::NonFiniteNumbersNotAllowed
        | Kind::ExpectedDigit
        | Kind::ExpectedDigitFollowingNegativeSign
        | Kind::ExpectedPlusMinusOrDigitInNumberLiteral => "this is no JSON number: write it like 5, -5, 0.5 or 1e3",
        Kind::UnterminatedObject => "the } that closes this { is missing",
        Kind::UnterminatedArray => "the ] that closes this [ is missing",
        Kind::UnexpectedCloseBrace => "there is no { that this } could close, or a value is missing before it",
        Kind::UnexpectedCloseBracket => "there is no [ that this ] could close, or a value is missing before it",
        Kind::MultipleRootJsonValues => "the settings end before this; remove the rest, or correct the brackets above",
        Kind::NestingDepthExceeded => "the brackets are nested too deeply",
        Kind::String(kind) => string_sentence(kind),
        _ if ["NaN", "Infinity", "inf", "nan"]
            .iter()
            .any(|word| rest.starts_with(word)) =>
        {
            "this is no JSON number: write it like 5, -5, 0.5 or 1e3"
        }
        _ if rest.starts_with(['“', '”', '‘', '’', '＂', '「']) => "use plain double quotes: \"",
        _ if rest.starts_with(['：', '，', '｛', '｝', '［', '］', '、']) => {
            "this sign is full-width: type it half-width (input method off)"
        }
        _ => "this is not JSON: texts stand in double quotes; true, false and null are written in small letters",
    }
}

fn string_sentence(kind: &ParseStringErrorKind) -> &'static str {
    match kind {
        ParseStringErrorKind::UnterminatedStringLiteral => "the quote that closes this text is missing",
        ParseStringErrorKind::InvalidEscape
        | ParseStringErrorKind::InvalidEscapeInDoubleQuoteString
        | ParseStringErrorKind::InvalidEscapeInSingleQuoteString => {
            "a single backslash is not allowed: in paths write / or \\\\, like \"C:/data/rss.db\""
        }
        _ => "\\u needs four hexadecimal digits; in paths write / or \\\\, like \"C:/users/rss.db\"",
    }
}
