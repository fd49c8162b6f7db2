//! The flags of `ayumi sim` and their help.

use std::path::PathBuf;

use ayumi_engine::Symbol;
use ayumi_sim::{CloneSymbol, Hours, Speed, Step, Time, parse_clone};
use clap::Args;
use secrecy::SecretString;

use super::{SimArgs, cli, values};

pub(super) const SIM_EXAMPLES: &str = "\
Examples:
  ayumi sim --port 18080 --symbols 7203,9984 --seed 1
  ayumi sim --scenario list
  ayumi sim --scenario opening-rush --speed 2
  ayumi sim --start 08:59:30 --symbols 50 --do \"09:00:05 reset\" --do \"09:01:00 stall 30s\"
  ayumi sim --control 18090      then: http://localhost:18090/
  ayumi sim --play push_20261120.jsonl.gz --speed 20

What --do and the control port understand: http://localhost:<control port>/ and docs/sim.md";

#[derive(Args)]
pub(super) struct Sim {
    /// Take the symbols from this settings file unless --symbols is given
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Port on 127.0.0.1 and ::1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 18080)]
    port: u16,
    /// Also be the verification environment, on this port (kabu Station: 18081); 0 takes a free one
    #[arg(long, value_name = "PORT")]
    verification_port: Option<u16>,
    /// Port for counters, faults and actions from outside; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    control: Option<u16>,
    /// The simulator's own token, valid from the start
    #[arg(long, value_name = "TOKEN", value_parser = values::secret)]
    token: Option<SecretString>,
    /// The simulator's own API password
    #[arg(long, value_name = "PASSWORD", value_parser = values::secret)]
    password: Option<SecretString>,
    /// A scenario file or the name of a ready one; --scenario list shows these. Other options beat the file
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Option<String>,
    /// Do something at a JST time, or so long after the start: "09:00:05 reset", "+30s stall 10s"; may be repeated
    #[arg(long = "do", value_name = "TIME ACTION", value_parser = step, action = clap::ArgAction::Append)]
    steps: Vec<Step>,
    /// Play a recording or a journal (plain, .gz, .zst) instead of generating a market
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "rate", "symbols", "hours", "prices", "truth"])]
    play: Option<PathBuf>,
    /// Play the recording again and again
    #[arg(long = "loop", requires = "play")]
    again: bool,
    /// Further symbols made from recorded ones: 9984=7203,8306=7203+2s
    #[arg(long = "clone", value_name = "LIST", value_parser = Clones::parse, requires = "play")]
    clones: Option<Clones>,
    /// Generate the same market every time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What to generate, like 7203,9984@1, or how many well-known symbols, like 50
    #[arg(long, value_name = "LIST|N", value_parser = Symbols::parse)]
    symbols: Option<Symbols>,
    /// Generated messages per second, all symbols together
    #[arg(long, value_name = "N", value_parser = values::rate)]
    rate: Option<f64>,
    /// When the market trades: session (auctions, lunch, close; usual when a start is given) or always
    #[arg(long, value_name = "session|always", value_parser = hours)]
    hours: Option<Hours>,
    /// Follow these price paths (CSV of date,symbol,time,price; plain or .gz)
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Write every true trade into this file (CSV)
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// So many times real time, rate limits included, or full for no waiting
    #[arg(long, value_name = "X|full", value_parser = values::speed)]
    speed: Option<Speed>,
    /// JST time at which the simulated clock starts, like 08:59:30 (today; the first day of a
    /// recording) or "2026-11-20T08:59:30"
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    start: Option<Time>,
    /// JST time at which the source ends
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    end: Option<Time>,
    /// How many symbols can be registered, up to 10000 (50 unless told otherwise)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: Option<u16>,
}

impl Sim {
    pub(super) fn args(self) -> SimArgs {
        SimArgs {
            config: self.config,
            level: cli::level(self.verbose),
            port: self.port,
            verification_port: self.verification_port,
            control: self.control,
            token: self.token,
            password: self.password,
            scenario: self.scenario,
            steps: self.steps,
            play: self.play,
            again: self.again,
            clones: self.clones.map(|list| list.0).unwrap_or_default(),
            seed: self.seed,
            symbols: self.symbols.map(|list| list.0),
            rate: self.rate,
            hours: self.hours,
            prices: self.prices,
            truth: self.truth,
            speed: self.speed,
            start: self.start,
            end: self.end,
            limit: self.limit,
        }
    }
}

/// One argument that is a list; a bare `Vec` would mean many arguments to clap.
#[derive(Clone, Debug)]
struct Symbols(Vec<Symbol>);

impl Symbols {
    fn parse(written: &str) -> Result<Self, String> {
        values::symbols_or_number(written).map(Self)
    }
}

#[derive(Clone, Debug)]
struct Clones(Vec<CloneSymbol>);

impl Clones {
    fn parse(written: &str) -> Result<Self, String> {
        let items = written.split([',', ' ']).filter(|item| !item.trim().is_empty());
        items.map(parse_clone).collect::<Result<_, _>>().map(Self)
    }
}

fn step(written: &str) -> Result<Step, String> {
    Step::parse(written).map_err(|problems| problems.to_string())
}

fn hours(written: &str) -> Result<Hours, String> {
    match written.trim().to_ascii_lowercase().as_str() {
        "session" => Ok(Hours::Session),
        "always" => Ok(Hours::Always),
        _ => Err("write session or always".to_owned()),
    }
}
