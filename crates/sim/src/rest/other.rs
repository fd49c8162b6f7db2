//! Endpoints beside market data, as far as an empty account answers them.
//!
//! Orders are refused: this station has no account, and a simulator that seemed to take orders could be mistaken for
//! one that does. The refusal is the station's own "API not available" (403, 4001008), which no client retries.

use ayumi_engine::Symbol;
use ayumi_engine::market::Profile;
use ayumi_wire::push::encode::Kind;
use ayumi_wire::rest::code;

use super::body::Object;
use super::{Environment, Reply, Station};
use crate::http::Answer;

/// What `/apisoftlimit` says: the values of the vendor's example.
const SOFT_LIMITS: [(&str, u32); 7] = [
    ("Stock", 200),
    ("Margin", 200),
    ("Future", 10),
    ("FutureMini", 100),
    ("FutureMicro", 1_000),
    ("Option", 20),
    ("MiniOption", 200),
];
/// The version whose interface this station has: the first with `/timeandsales`.
const VERSION: &str = "5.44.0.0";
/// 500: rates are not to be had.
const NO_RATES: i64 = 4_005_002;

/// Keys of the wallets.
const CASH: &[&str] = &[
    "StockAccountWallet",
    "AuKCStockAccountWallet",
    "AuJbnStockAccountWallet",
];
const MARGIN: &[&str] = &[
    "MarginAccountWallet",
    "DepositkeepRate",
    "ConsignmentDepositRate",
    "CashOfConsignmentDepositRate",
    "MaximumSellOpenAmountPerSymbol",
    "MaximumBuyOpenAmountPerSymbol",
];
const FUTURE: &[&str] = &["FutureTradeLimit", "MarginRequirement", "MarginRequirementSell"];
const OPTION: &[&str] = &["OptionBuyTradeLimit", "OptionSellTradeLimit", "MarginRequirement"];

/// `/apisoftlimit`. Description and example of the vendor's reference say `KabuSVersion`; its add-in for Excel (and
/// py-kabusapi) look for `kabuSVersion`. The reference is followed.
pub(super) fn soft_limit() -> Reply {
    let limits = SOFT_LIMITS.iter();
    let body = limits.fold(Object::new(), |body, (key, value)| {
        body.raw(key, format_args!("{value}.0"))
    });
    Reply::now(body.text("KabuSVersion", VERSION).answer())
}

/// `/wallet/...`: an account without money, and nothing at all in the verification environment (kabusapi issue 1167).
pub(super) fn wallet(environment: Environment, path: &str) -> Reply {
    let path = path.to_ascii_lowercase();
    let keys = match path.trim_start_matches("/wallet/") {
        p if p.starts_with("margin") => MARGIN,
        p if p.starts_with("future") => FUTURE,
        p if p.starts_with("option") => OPTION,
        _ => CASH,
    };
    // What belongs to a symbol is null without one: all but what can be spent.
    let spendable = |key: &str| key.contains("Wallet") || key.contains("TradeLimit");
    let body = keys.iter().fold(Object::new(), |body, key| {
        let known = environment == Environment::Production && spendable(key);
        body.some(key, known.then_some("0.0"))
    });
    Reply::now(body.answer())
}

/// `/orders` and `/positions`.
pub(super) fn no_orders() -> Reply {
    Reply::now(Answer::json(200, "[]"))
}

/// `/sendorder...` and `/cancelorder`.
pub(super) fn refused() -> Answer {
    Answer::error(403, code::API_DISABLED)
}

/// `/exchange/{pair}`: this market has no rates.
pub(super) fn no_rates() -> Answer {
    Answer::error(500, NO_RATES)
}

impl Station {
    /// `/regulations`: none.
    pub(super) fn regulations(&self, name: &str) -> Result<Reply, Answer> {
        let code = name.split('@').next().unwrap_or_default();
        self.share(code)?;
        let body = Object::new().text("Symbol", code).raw("RegulationsInfo", "[]");
        Ok(Reply::now(body.answer()))
    }

    /// `/margin/marginpremium`: no symbol has one.
    pub(super) fn margin_premium(&self, code: &str) -> Result<Reply, Answer> {
        self.share(code)?;
        let none = || {
            let keys = [
                "MarginPremium",
                "UpperMarginPremium",
                "LowerMarginPremium",
                "TickMarginPremium",
            ];
            let head = Object::new().null("MarginPremiumType");
            keys.iter().fold(head, |body, key| body.null(key)).finish()
        };
        let body = Object::new().text("Symbol", code);
        Ok(Reply::now(
            body.raw("GeneralMargin", none()).raw("DayTrade", none()).answer(),
        ))
    }

    /// Only shares and funds, by their plain code.
    pub(super) fn share(&self, code: &str) -> Result<Symbol, Answer> {
        let symbol = Symbol::tse(code);
        let is_share = self.knows(&symbol) && code.len() <= 5 && Profile::of(&symbol, self.seed).kind == Kind::Stock;
        match is_share {
            true => Ok(symbol),
            false => Err(Answer::error(400, code::UNKNOWN_SYMBOL)),
        }
    }
}
