//! The verification environment: the second port, for tests of a connection.
//!
//! Known (kabusapi issue 1167): wallet and symbol values are null, `/register` answers an empty list, no live PUSH. It
//! has a password and a token of its own; login, rate limits and faults are those of the one application. Decided
//! here: `/board` is the null block, `/ranking` and `/timeandsales` are empty, names are as in production.

use ayumi_wire::rest::{RegisterAnswer, code};

use super::boards::null_block;
use super::body::Object;
use super::endpoint::Endpoint;
use super::members::replaced;
use super::session::Session;
use super::{Call, Reply, Station, ranking, to_json};
use crate::http::Answer;

/// What the second environment has of its own.
pub(super) struct Verification {
    pub(super) session: Session,
    /// Logouts when its token was issued: the next one kills it.
    pub(super) issued_at: u64,
}

impl Verification {
    pub(super) fn new(password: Option<String>) -> Self {
        Self {
            session: Session::new(None, password),
            issued_at: 0,
        }
    }
}

impl Station {
    /// Answers a call that has passed the checks; `None` = as production does.
    pub(super) fn verify(&self, call: &Call<'_>) -> Option<Result<Reply, Answer>> {
        Some(match call.endpoint {
            Endpoint::Register => self
                .sorted_out(&call.request.body)
                .and_then(|(good, bad)| match bad > 0 {
                    true if good.is_empty() => Err(Answer::error(400, code::NONE_REGISTERED)),
                    true => Err(Answer::error(400, code::SOME_REGISTERED)),
                    false => Ok(empty_list()),
                }),
            Endpoint::Unregister => self.sorted_out(&call.request.body).map(|_| empty_list()),
            Endpoint::UnregisterAll => Ok(empty_list()),
            Endpoint::Board => self
                .named(call.argument)
                .map(|symbol| Reply::now(Answer::json(200, null_block(&symbol)))),
            Endpoint::Symbol => self.named(call.argument).map(|symbol| {
                let body = self.symbol_body(&symbol, false).finish();
                let nulls = replaced(&body, |key, _| (key != "Symbol").then(|| "null".to_owned()));
                Reply::now(Answer::json(200, nulls))
            }),
            Endpoint::Ranking => ranking::empty(call.request),
            Endpoint::TimeAndSales => self.named(call.argument).map(|symbol| {
                let body = Object::new()
                    .text("Symbol", &symbol.code)
                    .raw("Exchange", symbol.exchange);
                Reply::now(body.raw("TradingPriceCount", 0).raw("TradingPrice", "[]").answer())
            }),
            _ => return None,
        })
    }
}

fn empty_list() -> Reply {
    Reply::now(to_json(&RegisterAnswer::default()))
}
