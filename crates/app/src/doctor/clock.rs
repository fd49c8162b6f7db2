//! The PC's clock and its time zone, as far as the station's answers show them.

use ayumi_wire::jst;
use ayumi_wire::push;

use super::Context;
use super::finding::{Finding, words};

/// The exchange's seconds may be ahead by the way of a rounding.
const AHEAD_S: i64 = 5;
/// Of twenty messages in a session one is a fresh trade.
const LATE_S: i64 = 30;
/// 2025-01-01: a PC whose battery is empty begins long before.
const BUILT_S: i64 = 1_735_657_200;

/// What the clock alone shows.
pub fn check(context: &Context) -> Vec<Finding> {
    let now = context.clock.now();
    let shown = jst::iso_s(now.s());
    if now.s() < BUILT_S {
        return vec![Finding::problem(
            "clock",
            words(
                format!("the PC's clock shows {shown} (JST)"),
                format!("PC の時計が {shown} (日本時間) になっています"),
            ),
            fix(),
        )];
    }
    vec![Finding::fine(
        "clock",
        words(
            format!("the PC's clock: {shown} (JST)"),
            format!("PC の時計: {shown} (日本時間)"),
        ),
    )]
}

/// What an answer of `/board` shows: the zone of the PC, and exchange seconds that lie in the future.
pub fn of_board(context: &Context, body: &[u8]) -> Vec<Finding> {
    let Some(time) = push::decode(body).ok().and_then(|board| board.current_price_time) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if !time.jst_offset {
        found.push(Finding::warning(
            "zone",
            words(
                "the station writes times with another offset than +09:00: the PC's time zone is not Japan's",
                "kabuステーションの時刻が +09:00 ではありません。PC のタイムゾーンが日本ではありません",
            ),
            words(
                "set the PC's time zone to Osaka, Sapporo, Tokyo (UTC+09:00); ayumi itself reads the digits as JST",
                "PC のタイムゾーンを「(UTC+09:00) 大阪、札幌、東京」にしてください。ayumi 自身は時刻を日本時間として読みます",
            ),
        ));
    }
    let ahead = time.unix_s - context.clock.now().s();
    if ahead > AHEAD_S {
        found.push(Finding::warning(
            "clock",
            words(
                format!("the PC's clock is at least {ahead} s behind the exchange"),
                format!("PC の時計が取引所より {ahead} 秒以上遅れています"),
            ),
            fix(),
        ));
    }
    found
}

/// What the youngest of many messages of PUSH shows, by its age in seconds: the other side of the clock.
pub fn of_messages(youngest_s: i64) -> Option<Finding> {
    if youngest_s < -AHEAD_S {
        let behind = -youngest_s;
        return Some(Finding::warning(
            "clock",
            words(
                format!("the PC's clock is at least {behind} s behind the messages of PUSH"),
                format!("PC の時計が PUSH の時刻より {behind} 秒以上遅れています"),
            ),
            fix(),
        ));
    }
    (youngest_s > LATE_S).then(|| {
        Finding::warning(
            "clock",
            words(
                format!("the youngest of the last messages is {youngest_s} s old: the PC's clock is ahead, or they come late"),
                format!("最も新しいメッセージでも {youngest_s} 秒前の時刻です。PC の時計が進んでいるか、配信が遅れています"),
            ),
            fix(),
        )
    })
}

fn fix() -> super::finding::Words {
    words(
        "set the clock by the network (Windows: Settings, Time & language, Sync now), then start the recorder again",
        "時計をインターネット時刻に合わせ(Windows: 設定、時刻と言語、今すぐ同期)、記録を始めなおしてください",
    )
}
