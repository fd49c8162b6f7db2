//! Well-known symbols. Names, units and tick groups are facts (as far as known); closes, share counts, depth and
//! volatility are invented round figures.

use super::super::ticksize::Group;

/// A share or an ETF.
pub(super) struct Share {
    code: &'static str,
    pub(super) name: &'static str,
    /// `ExchangeName` on the TSE.
    pub(super) section: &'static str,
    pub(super) group: Group,
    pub(super) unit: i64,
    /// Previous close in tenths of a yen.
    pub(super) close_e1: i64,
    /// Usual quantity of a level, in units.
    pub(super) depth: i64,
    /// Per mille of the usual.
    pub(super) volatility: i64,
    /// Issued shares in millions.
    pub(super) shares_m: i64,
}

/// A stock index.
pub(super) struct Index {
    code: &'static str,
    pub(super) name: &'static str,
    /// Previous close in hundredths of a point.
    pub(super) close_e2: i64,
    pub(super) volatility: i64,
}

/// A futures contract.
pub(super) struct Future {
    /// Last four digits of the code.
    product: &'static str,
    name: &'static str,
    pub(super) security_type: i32,
    /// Previous close in points.
    pub(super) close: i64,
    /// Tick in 1/10,000 point.
    pub(super) tick_e4: i64,
    /// Yen per point.
    pub(super) multiplier: i64,
    pub(super) depth: i64,
}

pub(super) fn share(code: &str) -> Option<&'static Share> {
    SHARES.iter().find(|known| known.code == code)
}

pub(super) fn index(code: &str) -> Option<&'static Index> {
    INDICES.iter().find(|known| known.code == code)
}

/// The contract of a code; an unknown one is treated as the mini, the most traded.
pub(super) fn future(code: &str) -> &'static Future {
    FUTURES
        .iter()
        .find(|known| code.ends_with(known.product))
        .unwrap_or(&FUTURES[0])
}

/// `日経225mini 22/06` for 167060019: after the leading 16 come the year's last digit counted from 2015 and the month.
/// A code of another build is its own name.
pub(super) fn future_name(code: &str) -> String {
    let known = FUTURES.iter().find(|known| code.ends_with(known.product));
    let digit = |range| code.get(range).and_then(|text: &str| text.parse::<u32>().ok());
    match (known, digit(2..3), digit(3..5)) {
        (Some(known), Some(year), Some(month @ 1..=12)) if code.len() == 9 => {
            let year = if year >= 5 { 15 + year } else { 25 + year };
            format!("{} {year}/{month:02}", known.name)
        }
        _ => format!("先物{code}"),
    }
}

/// One row of [`SHARES`]: code, name, tenths of a yen, depth, volatility, millions of shares.
const fn large(
    code: &'static str,
    name: &'static str,
    close_e1: i64,
    depth: i64,
    volatility: i64,
    shares_m: i64,
) -> Share {
    Share {
        code,
        name,
        section: "東証プ",
        group: Group::Topix500,
        unit: 100,
        close_e1,
        depth,
        volatility,
        shares_m,
    }
}

const fn small(
    code: &'static str,
    name: &'static str,
    section: &'static str,
    close_e1: i64,
    volatility: i64,
    shares_m: i64,
) -> Share {
    Share {
        code,
        name,
        section,
        group: Group::Share,
        unit: 100,
        close_e1,
        depth: 20,
        volatility,
        shares_m,
    }
}

const fn etf(code: &'static str, name: &'static str, unit: i64, close_e1: i64, depth: i64, volatility: i64) -> Share {
    Share {
        code,
        name,
        section: "東証ETF/ETN",
        group: if unit >= 10 { Group::Topix500 } else { Group::UnitEtf },
        unit,
        close_e1,
        depth,
        volatility,
        shares_m: 20,
    }
}

static SHARES: [Share; 45] = [
    large("7203", "トヨタ自動車", 28_350, 90, 900, 15_795),
    large("9984", "ソフトバンクグループ", 184_000, 30, 1_700, 1_430),
    large("8306", "三菱ＵＦＪフィナンシャル・グループ", 23_100, 250, 900, 11_870),
    large("6758", "ソニーグループ", 42_450, 60, 1_000, 6_150),
    large("9432", "ＮＴＴ", 1_551, 4_000, 600, 90_550),
    large("7974", "任天堂", 128_500, 25, 1_100, 1_299),
    large("6861", "キーエンス", 562_000, 8, 1_000, 243),
    large("8316", "三井住友フィナンシャルグループ", 41_200, 80, 950, 3_870),
    large("8411", "みずほフィナンシャルグループ", 49_300, 70, 950, 2_510),
    large("8035", "東京エレクトロン", 304_500, 12, 1_500, 471),
    large("6857", "アドバンテスト", 186_000, 25, 1_800, 766),
    large("6146", "ディスコ", 478_000, 6, 1_700, 108),
    large("6920", "レーザーテック", 287_000, 10, 1_900, 94),
    large("9983", "ファーストリテイリング", 548_000, 6, 1_000, 318),
    large("4063", "信越化学工業", 46_800, 40, 900, 1_980),
    large("6501", "日立製作所", 47_600, 60, 1_000, 4_580),
    large("6503", "三菱電機", 41_350, 40, 1_000, 2_110),
    large("6702", "富士通", 39_800, 35, 950, 1_860),
    large("6752", "パナソニック　ホールディングス", 17_350, 70, 950, 2_450),
    large("6902", "デンソー", 21_650, 70, 850, 2_910),
    large("6981", "村田製作所", 29_150, 50, 1_000, 1_960),
    large("6098", "リクルートホールディングス", 81_400, 20, 1_200, 1_500),
    large("6367", "ダイキン工業", 192_000, 10, 950, 293),
    large("6301", "小松製作所", 51_600, 30, 950, 937),
    large("7011", "三菱重工業", 41_900, 90, 1_500, 3_370),
    large("7012", "川崎重工業", 102_000, 15, 1_500, 168),
    large("7013", "ＩＨＩ", 29_800, 60, 1_600, 1_083),
    large("7201", "日産自動車", 3_612, 600, 1_100, 3_710),
    large("7267", "本田技研工業", 15_820, 120, 800, 5_280),
    large("8001", "伊藤忠商事", 89_200, 15, 800, 1_585),
    large("8058", "三菱商事", 36_800, 60, 900, 4_020),
    large("8031", "三井物産", 38_900, 50, 900, 2_900),
    large("8766", "東京海上ホールディングス", 56_300, 30, 900, 1_930),
    large("9433", "ＫＤＤＩ", 25_650, 60, 600, 4_190),
    large("9434", "ソフトバンク", 2_214, 1_500, 500, 47_800),
    large("2914", "ＪＴ", 52_400, 40, 600, 2_000),
    large("3382", "セブン＆アイ・ホールディングス", 19_950, 80, 800, 2_600),
    large("4568", "第一三共", 36_100, 40, 1_100, 1_900),
    large("4502", "武田薬品工業", 43_250, 35, 600, 1_590),
    large("5401", "日本製鉄", 6_184, 200, 900, 5_370),
    small("247A", "Ａｉロボティクス", "東証グ", 17_420, 2_200, 60),
    large("285A", "キオクシアホールディングス", 94_600, 20, 2_500, 540),
    small("3905", "データセクション", "東証グ", 21_300, 2_500, 29),
    etf(
        "1570",
        "ＮＥＸＴ　ＦＵＮＤＳ日経平均レバレッジ・インデックス連動型上場投信",
        1,
        428_200,
        600,
        1_400,
    ),
    etf(
        "1306",
        "ＮＥＸＴ　ＦＵＮＤＳ　ＴＯＰＩＸ連動型上場投信",
        10,
        33_950,
        800,
        700,
    ),
];

static INDICES: [Index; 4] = [
    Index {
        code: "101",
        name: "日経平均",
        close_e2: 4_982_063,
        volatility: 800,
    },
    Index {
        code: "151",
        name: "TOPIX",
        close_e2: 318_745,
        volatility: 700,
    },
    Index {
        code: "154",
        name: "グロース250",
        close_e2: 72_318,
        volatility: 1_000,
    },
    Index {
        code: "145",
        name: "日経VI",
        close_e2: 2_682,
        volatility: 2_000,
    },
];

/// Multipliers of 0018 and 0019 follow from real messages (kabusapi issues 631, 537); the others are the exchange's.
static FUTURES: [Future; 4] = [
    Future {
        product: "0019",
        name: "日経225mini",
        security_type: 901,
        close: 49_850,
        tick_e4: 50_000,
        multiplier: 100,
        depth: 300,
    },
    Future {
        product: "0018",
        name: "日経225先物",
        security_type: 101,
        close: 49_850,
        tick_e4: 100_000,
        multiplier: 1_000,
        depth: 60,
    },
    Future {
        product: "0005",
        name: "TOPIX先物",
        security_type: 107,
        close: 3_190,
        tick_e4: 5_000,
        multiplier: 10_000,
        depth: 80,
    },
    Future {
        product: "0006",
        name: "TOPIXmini",
        security_type: 907,
        close: 3_190,
        tick_e4: 2_500,
        multiplier: 1_000,
        depth: 40,
    },
];

#[cfg(test)]
mod tests {
    use ayumi_wire::num::Price;

    use super::super::super::ticksize;
    use super::*;

    #[test]
    fn every_close_is_a_price() {
        for (at, known) in SHARES.iter().enumerate() {
            assert!(
                ticksize::is_valid(known.group, Price(known.close_e1 * 1_000)),
                "{}",
                known.code
            );
            assert!(
                SHARES[..at].iter().all(|other| other.code != known.code),
                "{} twice",
                known.code
            );
        }
        for known in &FUTURES {
            assert!(ticksize::is_valid(
                Group::Fixed(Price(known.tick_e4)),
                Price::from_yen(known.close)
            ));
        }
    }

    #[test]
    fn names_of_futures() {
        assert_eq!(future_name("165120018"), "日経225先物 20/12");
        assert_eq!(future_name("161120019"), "日経225mini 26/12");
        assert_eq!(future_name("161990019"), "先物161990019");
        assert_eq!(future_name("XYZ"), "先物XYZ");
    }
}
