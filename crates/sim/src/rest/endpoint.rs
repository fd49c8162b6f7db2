//! Which paths exist, how they are called, counted and limited.

use crate::http::Request;

/// The endpoints served; every path behind `/kabusapi` that is none of these is a mistyped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Register,
    Unregister,
    UnregisterAll,
    Board,
    Symbol,
    PrimaryExchange,
    Ranking,
    FutureName,
    OptionName,
    WeeklyOptionName,
    TimeAndSales,
    SoftLimit,
    Regulations,
    MarginPremium,
    FxRate,
    Wallet,
    /// `/orders` and `/positions`: there are none.
    Orders,
    /// `/sendorder` and its kin: refused.
    SendOrder,
    CancelOrder,
}

/// Calls that are counted together (station document, 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// No limit is stated for `/token`.
    Free,
    Info,
    Register,
    Wallet,
    Order,
    TimeAndSales,
}

use Endpoint as E;

/// Path in small letters, name in the counters, endpoint. A path that ends in `/` takes an argument.
const PATHS: [(&str, &str, Endpoint); 29] = [
    ("/token", "/token", E::Token),
    ("/register", "/register", E::Register),
    ("/unregister", "/unregister", E::Unregister),
    ("/unregister/all", "/unregister/all", E::UnregisterAll),
    ("/board/", "/board", E::Board),
    ("/symbol/", "/symbol", E::Symbol),
    ("/primaryexchange/", "/primaryexchange", E::PrimaryExchange),
    ("/ranking", "/ranking", E::Ranking),
    ("/symbolname/future", "/symbolname/future", E::FutureName),
    ("/symbolname/option", "/symbolname/option", E::OptionName),
    (
        "/symbolname/minioptionweekly",
        "/symbolname/minioptionweekly",
        E::WeeklyOptionName,
    ),
    ("/timeandsales/", "/timeandsales", E::TimeAndSales),
    ("/apisoftlimit", "/apisoftlimit", E::SoftLimit),
    ("/regulations/", "/regulations", E::Regulations),
    ("/margin/marginpremium/", "/margin/marginpremium", E::MarginPremium),
    ("/exchange/", "/exchange", E::FxRate),
    ("/wallet/cash", "/wallet", E::Wallet),
    ("/wallet/cash/", "/wallet", E::Wallet),
    ("/wallet/margin", "/wallet", E::Wallet),
    ("/wallet/margin/", "/wallet", E::Wallet),
    ("/wallet/future", "/wallet", E::Wallet),
    ("/wallet/future/", "/wallet", E::Wallet),
    ("/wallet/option", "/wallet", E::Wallet),
    ("/wallet/option/", "/wallet", E::Wallet),
    ("/orders", "/orders", E::Orders),
    ("/positions", "/positions", E::Orders),
    ("/sendorder", "/sendorder", E::SendOrder),
    ("/sendorder/", "/sendorder", E::SendOrder),
    ("/cancelorder", "/cancelorder", E::CancelOrder),
];

impl Endpoint {
    /// The endpoint of a path behind `/kabusapi` (any case), its name, and the argument behind it.
    pub(super) fn of(path: &str) -> Option<(Self, &'static str, &str)> {
        PATHS.iter().find_map(|&(known, name, endpoint)| {
            let head = path.get(..known.len())?;
            let rest = &path[known.len()..];
            let fits = head.eq_ignore_ascii_case(known) && (known.ends_with('/') || rest.is_empty());
            fits.then_some((endpoint, name, rest))
        })
    }

    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Token | Self::SendOrder => "POST",
            Self::Register | Self::Unregister | Self::UnregisterAll | Self::CancelOrder => "PUT",
            _ => "GET",
        }
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::Token => Class::Free,
            Self::Register | Self::Unregister | Self::UnregisterAll => Class::Register,
            Self::Wallet => Class::Wallet,
            Self::SendOrder | Self::CancelOrder => Class::Order,
            Self::TimeAndSales => Class::TimeAndSales,
            _ => Class::Info,
        }
    }

    /// True when a JSON body belongs to the request.
    pub(super) fn has_body(self) -> bool {
        matches!(
            self,
            Self::Token | Self::Register | Self::Unregister | Self::SendOrder | Self::CancelOrder
        )
    }
}

/// How a request is counted: `GET /board`; unknown paths share one name, so that the counters stay bounded.
pub(crate) fn counted_as(request: &Request) -> String {
    let path = request.path();
    let name = api_path(&path)
        .and_then(Endpoint::of)
        .map_or("other", |(_, name, _)| name);
    let method = match request.method.as_str() {
        known @ ("GET" | "PUT" | "POST" | "DELETE" | "HEAD" | "OPTIONS") => known,
        _ => "OTHER",
    };
    format!("{method} {name}")
}

/// The part after `/kabusapi`; `None` = outside of what http.sys gives to the station.
pub(crate) fn api_path(path: &str) -> Option<&str> {
    let prefix = path.get(..9)?;
    let rest = &path[9..];
    (prefix.eq_ignore_ascii_case("/kabusapi") && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// The Host rule of http.sys: `localhost` with or without this port.
pub(crate) fn host_is_local(request: &Request, port: u16) -> bool {
    let host = request.header("host").unwrap_or_default();
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) => (name, given.parse().ok()),
        None => (host, Some(port)),
    };
    name.eq_ignore_ascii_case("localhost") && given == Some(port)
}
