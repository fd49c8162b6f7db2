//! The exchange's 33 sectors: names, and an index of each made from the symbols at hand.

use ayumi_wire::num::Price;

use super::super::body::{Object, five, four, two};
use super::super::dice::figure;
use super::placed;
use super::row::{Row, Traded};

/// Sector code, name, and the short name behind `IS ` in the sector rankings (those that were not seen by analogy).
/// The codes of the sector indices are 321 and the following, in this order.
const SECTORS: [(&str, &str, &str); 33] = [
    ("0050", "水産・農林業", "水産"),
    ("1050", "鉱業", "鉱業"),
    ("2050", "建設業", "建設"),
    ("3050", "食料品", "食料品"),
    ("3100", "繊維製品", "繊維"),
    ("3150", "パルプ・紙", "紙ﾊﾟﾙﾌﾟ"),
    ("3200", "化学", "化学"),
    ("3250", "医薬品", "医薬品"),
    ("3300", "石油・石炭製品", "石油"),
    ("3350", "ゴム製品", "ｺﾞﾑ"),
    ("3400", "ガラス・土石製品", "ｶﾞﾗｽ"),
    ("3450", "鉄鋼", "鉄鋼"),
    ("3500", "非鉄金属", "非鉄"),
    ("3550", "金属製品", "金属"),
    ("3600", "機械", "機械"),
    ("3650", "電気機器", "電機"),
    ("3700", "輸送用機器", "輸送"),
    ("3750", "精密機器", "精密"),
    ("3800", "その他製品", "他製品"),
    ("4050", "電気・ガス業", "電力・ｶﾞｽ"),
    ("5050", "陸運業", "陸運"),
    ("5100", "海運業", "海運"),
    ("5150", "空運業", "空運"),
    ("5200", "倉庫・運輸関連業", "倉庫"),
    ("5250", "情報・通信業", "情報・通信"),
    ("6050", "卸売業", "卸売"),
    ("6100", "小売業", "小売"),
    ("7050", "銀行業", "銀行"),
    ("7100", "証券、商品先物取引業", "証券"),
    ("7150", "保険業", "保険"),
    ("7200", "その他金融業", "他金融"),
    ("8050", "不動産業", "不動産"),
    ("9050", "サービス業", "ｻｰﾋﾞｽ"),
];

/// `CategoryName` of a sector code.
pub(super) fn name(code: &str) -> &'static str {
    let known = SECTORS.iter().find(|(c, _, _)| *c == code);
    known.map_or("その他", |(_, name, _)| name)
}

/// The sectors that have a traded symbol, the highest change first (`falling`: the lowest): the mean of their symbols'
/// changes, on an invented level.
pub(super) fn ranked(seed: u64, rows: &[Row], falling: bool) -> Vec<String> {
    let indices = SECTORS.iter().enumerate().filter_map(|(at, &(code, _, short))| {
        let members = rows.iter().filter(|r| r.sector == code);
        let traded: Vec<&Traded> = members.filter_map(|r| r.traded.as_ref()).collect();
        let count = i64::try_from(traded.len()).ok().filter(|&n| n > 0)?;
        let percent = traded.iter().map(|t| t.percent).sum::<i64>() / count;
        // 150.00 to 3,999.99, in hundredths.
        let level = 15_000 + figure(seed, &["sector", code], 385_000);
        let time = traded.iter().map(|t| t.time.as_str()).max().unwrap_or_default();
        let body = (321 + at, short, level, percent, time.to_owned());
        Some((if falling { -percent } else { percent }, body))
    });
    placed(indices.collect(), |place, (number, short, level, percent, time)| {
        let change = level * percent / 10_000;
        Object::new()
            .raw("No", place)
            .text("Trend", "0")
            .raw("AverageRanking", "999.0")
            .text("Category", &number.to_string())
            .text("CategoryName", &format!("IS {short}"))
            .raw("CurrentPrice", four(Price((level + change) * 100)))
            .raw("ChangeRatio", five(Price(change * 100)))
            .text("CurrentPriceTime", time)
            .raw("ChangePercentage", two(*percent))
            .finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_have_their_numbers() {
        let number = |code| 321 + SECTORS.iter().position(|(c, _, _)| *c == code).unwrap();
        // As seen in kabusapi issue 478 and in the vendor's example.
        for (code, seen) in [
            ("0050", 321),
            ("3350", 330),
            ("3700", 337),
            ("5100", 342),
            ("5250", 345),
            ("7150", 350),
        ] {
            assert_eq!(number(code), seen);
        }
        assert_eq!((name("3700"), name("9999")), ("輸送用機器", "その他"));
    }
}
