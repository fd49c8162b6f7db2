//! The scenarios that come with the program, so that they can be played by name anywhere.

/// Name and text of each; the files are `config/scenarios/<name>.json`.
pub const READY: [(&str, &str); 17] = [
    ("quiet", include_str!("../../../../config/scenarios/quiet.json")),
    (
        "opening-rush",
        include_str!("../../../../config/scenarios/opening-rush.json"),
    ),
    (
        "special-open",
        include_str!("../../../../config/scenarios/special-open.json"),
    ),
    ("limit-up", include_str!("../../../../config/scenarios/limit-up.json")),
    (
        "limit-down",
        include_str!("../../../../config/scenarios/limit-down.json"),
    ),
    ("halt", include_str!("../../../../config/scenarios/halt.json")),
    ("lunch", include_str!("../../../../config/scenarios/lunch.json")),
    ("closing", include_str!("../../../../config/scenarios/closing.json")),
    ("midnight", include_str!("../../../../config/scenarios/midnight.json")),
    (
        "flaky-line",
        include_str!("../../../../config/scenarios/flaky-line.json"),
    ),
    (
        "silent-death",
        include_str!("../../../../config/scenarios/silent-death.json"),
    ),
    ("takeover", include_str!("../../../../config/scenarios/takeover.json")),
    (
        "morning-logout",
        include_str!("../../../../config/scenarios/morning-logout.json"),
    ),
    ("restart", include_str!("../../../../config/scenarios/restart.json")),
    ("slow-rest", include_str!("../../../../config/scenarios/slow-rest.json")),
    (
        "rate-limit",
        include_str!("../../../../config/scenarios/rate-limit.json"),
    ),
    (
        "dirty-data",
        include_str!("../../../../config/scenarios/dirty-data.json"),
    ),
];
