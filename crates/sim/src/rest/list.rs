//! `/token`, `/register`, `/unregister` and `/unregister/all`; and which symbols the station knows.

use ayumi_engine::Symbol;
use ayumi_wire::rest::{Entry, RegisterAnswer, RegisterRequest, TokenAnswer, TokenRequest, code};

use super::registry::Full;
use super::{Environment, Station, read, to_json};
use crate::http::Answer;

/// 400: no symbol, or not every symbol, could be taken off the list.
const NONE_REMOVED: i64 = 4_001_020;
const SOME_REMOVED: i64 = 4_001_021;
/// The exchange of currency pairs in registration bodies.
const FX: u16 = 300;

impl Station {
    /// `/token`: one valid token per environment. A password of the other environment is told from a wrong one.
    pub(super) fn token(&mut self, environment: Environment, body: &[u8]) -> Result<Answer, Answer> {
        let request: TokenRequest = read(body)?;
        let password = &request.api_password;
        let logouts = self.session.logouts();
        let (here, there) = match environment {
            Environment::Production => (&mut self.session, &self.verification.session),
            Environment::Verification => (&mut self.verification.session, &self.session),
        };
        let elsewhere = there.has_password(password) && !here.has_password(password);
        match elsewhere {
            true if self.faults.wrong_environment_401 => return Err(Answer::error(401, code::WRONG_PASSWORD)),
            true => return Err(Answer::error(400, code::BAD_BODY)),
            false => {}
        }
        let token = here.issue(password);
        let token = token.ok_or_else(|| Answer::error(401, code::WRONG_PASSWORD))?;
        if environment == Environment::Verification {
            self.verification.issued_at = logouts;
        }
        Ok(to_json(&TokenAnswer { result_code: 0, token }))
    }

    /// Adds; unknown codes are left out and reported without saying which, as the station does. A request that does
    /// not fit adds nothing.
    pub(super) fn add(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let (good, bad) = self.sorted_out(body)?;
        if bad > 0 && good.is_empty() {
            return Err(Answer::error(400, code::NONE_REGISTERED));
        }
        let added = self.registry.add_push(&good);
        self.boards.registered(&self.registry);
        match added {
            Err(Full) => Err(Answer::error(400, code::LIST_FULL)),
            Ok(()) if bad > 0 => Err(Answer::error(400, code::SOME_REGISTERED)),
            Ok(()) => Ok(self.list()),
        }
    }

    /// Takes symbols off, those touched by REST too; what is not on the list cannot be taken off.
    pub(super) fn remove(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let (good, bad) = self.sorted_out(body)?;
        let mut removed = 0;
        for symbol in &good {
            removed += usize::from(self.registry.remove(symbol));
            self.touched.remove(symbol);
        }
        self.boards.registered(&self.registry);
        match (bad + good.len() - removed, removed) {
            (0, _) => Ok(self.list()),
            (_, 0) => Err(Answer::error(400, NONE_REMOVED)),
            _ => Err(Answer::error(400, SOME_REMOVED)),
        }
    }

    /// Frees every slot, those of REST touches too (kabusapi issue 135 suggests so).
    pub(super) fn remove_all(&mut self) -> Answer {
        self.touched.clear();
        self.lose_list();
        self.list()
    }

    /// The known symbols of a request, and how many unknown ones it named.
    pub(super) fn sorted_out(&self, body: &[u8]) -> Result<(Vec<Symbol>, usize), Answer> {
        let request: RegisterRequest = read(body)?;
        let named = request.symbols.len();
        let good: Vec<Symbol> = request
            .symbols
            .into_iter()
            .map(|e| Symbol {
                code: e.symbol,
                exchange: e.exchange,
            })
            .filter(|s| self.knows(s) || is_currency_pair(s))
            .collect();
        let bad = named - good.len();
        Ok((good, bad))
    }

    /// True for symbols that this station could have; market data come from no order route (9, 27).
    pub(super) fn knows(&self, symbol: &Symbol) -> bool {
        let code = symbol.code.as_str();
        (3..=12).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            && matches!(symbol.exchange, 1 | 2 | 3 | 5 | 6 | 23 | 24)
            && !self.faults.bad_symbols.contains(code)
    }

    /// `7203@1`.
    pub(super) fn named(&self, name: &str) -> Result<Symbol, Answer> {
        let symbol = name.split_once('@').and_then(|(code, exchange)| {
            Some(Symbol {
                code: code.to_owned(),
                exchange: exchange.parse().ok()?,
            })
        });
        symbol
            .filter(|s| self.knows(s))
            .ok_or_else(|| Answer::error(400, code::UNKNOWN_SYMBOL))
    }

    fn list(&self) -> Answer {
        let regist_list = self.registry.push_symbols().map(entry).collect();
        to_json(&RegisterAnswer { regist_list })
    }
}

/// `EUR/USD` under exchange 300. It takes a slot; this market has no rates to push.
fn is_currency_pair(symbol: &Symbol) -> bool {
    let pair = symbol.code.split_once('/');
    let is_currency = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    symbol.exchange == FX && pair.is_some_and(|(a, b)| is_currency(a) && is_currency(b))
}

fn entry(symbol: &Symbol) -> Entry {
    Entry {
        symbol: symbol.code.clone(),
        exchange: symbol.exchange,
    }
}
