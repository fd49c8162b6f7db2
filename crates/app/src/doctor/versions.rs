//! Which versions there are: ours, SQLite's.

use super::finding::{Finding, words};

/// Our own.
pub fn check() -> Vec<Finding> {
    let (ayumi, sqlite) = (env!("CARGO_PKG_VERSION"), rusqlite::version());
    let say = words(
        format!("ayumi {ayumi}, SQLite {sqlite} (3.51.3 or newer is needed)"),
        format!("ayumi {ayumi}、SQLite {sqlite} (3.51.3 以降が必要)"),
    );
    let number = u32::try_from(rusqlite::version_number()).unwrap_or(0);
    vec![match is_good(number) {
        true => Finding::fine("versions", say),
        false => Finding::problem(
            "versions",
            say,
            words(
                "install a released ayumi",
                "配布されている ayumi を入れなおしてください",
            ),
        ),
    }]
}

/// Whether several programs may have a database open with it: SQLite up to 3.51.2 can damage the log then, and 3.52.0
/// was withdrawn; the fix was also put into 3.44.6 and 3.50.7.
pub fn is_good(number: u32) -> bool {
    match number {
        3_052_000 => false,
        3_051_003.. => true,
        3_044_006..3_045_000 | 3_050_007..3_051_000 => true,
        _ => false,
    }
}

/// The version that stands in a library, as number and text.
#[cfg(target_os = "linux")]
pub fn inside(library: &[u8]) -> Option<(u32, String)> {
    let texts = library
        .split(|byte| *byte == 0)
        .filter(|text| (5..=9).contains(&text.len()));
    texts
        .filter_map(|text| std::str::from_utf8(text).ok())
        .find_map(|text| {
            let mut parts = text.split('.').map(|part| part.parse::<u32>());
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(Ok(3)), Some(Ok(minor @ 7..=99)), Some(Ok(patch @ 0..=99)), None) => {
                    Some((3_000_000 + minor * 1_000 + patch, text.to_owned()))
                }
                _ => None,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s11_versions_with_the_race_are_known() {
        for (number, good) in [
            (3_040_001, false),
            (3_044_006, true),
            (3_050_006, false),
            (3_050_007, true),
            (3_051_002, false),
            (3_051_003, true),
            (3_052_000, false),
            (3_054_001, true),
        ] {
            assert_eq!(is_good(number), good, "{number}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn s11_a_library_tells_its_version() {
        let library = b"\x7fELF\0garbage\0x3.1.2\x003.40.1\0more\0";
        assert_eq!(inside(library), Some((3_040_001, "3.40.1".to_owned())));
        assert_eq!(inside(b"nothing\0"), None);
    }
}
