//! Benchmarks, every figure beside its limit or a peer in the same run: `cargo xtask bench`.
//!
//! Nothing here is a pass or fail: the figures of a busy machine prove nothing alone. Candidates take turns, ratios
//! are of the same run, and the spread is shown.

mod cpu;
mod engine;
mod flood;
mod growth;
mod machine;
mod memory;
mod paced;
mod parse;
mod plan;
mod programs;
mod receive;
mod replay;
mod report;
mod rounds;
mod sender;
mod simulate;
mod store;
mod symbols;
mod table;
mod worker;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use plan::Plan;
use table::Section;

const HELP: &str = "\
cargo xtask bench [--quick | --long | --memory [MINUTES]] [--only STAGES]

  (nothing)       about six minutes; writes docs/performance.md
  --quick         about a minute: shows that everything runs; writes nothing
  --long          some twelve minutes and 9 GB of temporary files; writes docs/performance.md
  --memory [N]    50 symbols at 500 messages/s for N (10) minutes; writes that part of docs/performance.md
  --only a,b      some of: parse, engine, receive, store, growth, symbols, flood, paced, simulate,
                  replay; writes nothing

AYUMI_PEER=path/to/python_worker.py runs the Python worker beside ayumi (packages websocket-client, wsaccel);
AYUMI_PEER_PYTHON names its interpreter.";

/// The stages in their order.
const STAGES: [&str; 10] = [
    "parse", "engine", "receive", "store", "growth", "symbols", "flood", "paced", "simulate", "replay",
];

/// What was asked for.
struct Asked {
    plan: Plan,
    command: String,
    write: bool,
    stages: Vec<String>,
    /// Minutes of the memory run, instead of all stages.
    memory: Option<u64>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match asked(&args).and_then(|asked| run(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a benchmark talks to the terminal")]
            {
                eprintln!("bench: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn asked(args: &[String]) -> Result<Asked> {
    let mut asked = Asked {
        plan: Plan::USUAL,
        command: ["cargo xtask bench"]
            .into_iter()
            .chain(args.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" "),
        write: true,
        stages: STAGES.map(str::to_owned).to_vec(),
        memory: None,
    };
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => (asked.plan, asked.write) = (Plan::QUICK, false),
            "--long" => asked.plan = Plan::LONG,
            "--memory" => {
                let minutes = args.next_if(|next| !next.starts_with('-'));
                let minutes = minutes.map_or(Ok(10), |text| text.parse());
                asked.memory = Some(minutes.context("--memory takes whole minutes")?);
            }
            "--only" => {
                asked.stages = args.next().context(HELP)?.split(',').map(str::to_owned).collect();
                asked.write = false;
            }
            _ => bail!("{HELP}"),
        }
    }
    match asked.stages.iter().find(|stage| !STAGES.contains(&stage.as_str())) {
        Some(unknown) => bail!("no stage {unknown}\n\n{HELP}"),
        None => Ok(asked),
    }
}

fn run(asked: &Asked) -> Result<()> {
    let load = machine::load();
    let programs = programs::find()?;
    if let Some(minutes) = asked.memory {
        say(&format!(
            "load average {load}; minute  RSS  peak RSS  CPU  messages  database"
        ));
        let section = memory::run(minutes, &programs, say)?;
        say(&section.markdown());
        let path = report::write_memory(&section, &load)?;
        say(&format!("written: {path}"));
        return Ok(());
    }
    say(&format!("load average {load}"));
    let sections = stages(asked, &programs)?;
    if asked.write {
        let path = report::write_run(&asked.plan, &asked.command, &sections, &load)?;
        say(&format!("written: {path}"));
    }
    Ok(())
}

/// Every stage asked for, said as soon as it is measured.
fn stages(asked: &Asked, programs: &programs::Programs) -> Result<Vec<Section>> {
    let plan = &asked.plan;
    let mut sections = Vec::new();
    let mut add = |section: Section| {
        say(&section.markdown());
        sections.push(section);
    };
    let wanted = |stage: &str| asked.stages.iter().any(|s| s == stage);
    if wanted("parse") {
        add(parse::run(plan)?);
    }
    if wanted("engine") {
        add(engine::run(plan)?);
    }
    if wanted("receive") {
        add(receive::run(plan)?);
    }
    if wanted("store") {
        add(store::run(plan)?);
    }
    if wanted("growth") {
        add(growth::run(plan, say)?);
    }
    if wanted("symbols") {
        add(symbols::run(plan)?);
    }
    if wanted("flood") {
        add(flood::run(plan, programs)?);
    }
    if wanted("paced") {
        add(paced::run(plan, programs)?);
    }
    if wanted("simulate") {
        add(simulate::run(plan)?);
    }
    if wanted("replay") {
        add(replay::run(plan, programs)?);
    }
    Ok(sections)
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "a benchmark talks to the terminal")]
    {
        println!("{line}");
    }
}
