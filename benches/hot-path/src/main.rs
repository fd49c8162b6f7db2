//! `hot-path list`, or `hot-path SECTION half|whole`: started under an instruction counter by `cargo xtask
//! instructions`.

use anyhow::{Result, bail};
use ayumi_hot_path::sections::{self, Part};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["list"] => {
            for (section, messages) in sections::list()? {
                #[expect(clippy::print_stdout, reason = "the list is what was asked for")]
                {
                    println!("{section} {messages}");
                }
            }
            Ok(())
        }
        [section, "half"] => sections::run(section, Part::Half),
        [section, "whole"] => sections::run(section, Part::Whole),
        _ => bail!("hot-path list | SECTION half|whole"),
    }
}
