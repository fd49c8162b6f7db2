use super::*;
use crate::settings::Mode;

fn line(words: &[&str]) -> Result<Command, Message> {
    parse(words.iter().map(OsString::from))
}

fn stream(words: &[&str]) -> StreamArgs {
    match line(words) {
        Ok(Command::Stream(args)) => args,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn refused(words: &[&str]) -> String {
    match line(words) {
        Err(message) if message.exit == Exit::Usage => message.text,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn c04_every_spelling_of_the_settings_file_and_of_verbose() {
    let table: &[&[&str]] = &[
        &["stream", "-Config", "x.json", "-Verbose", "0"],
        &["stream", "-config", "x.json", "-verbose", "0"],
        &["stream", "-CONFIG", "x.json", "-VERBOSE", "0"],
        &["stream", "-Config:x.json", "-Verbose:0"],
        &["stream", "-Config:", "x.json", "-Verbose:", "0"],
        &["stream", "-Config=x.json", "-Verbose=0"],
        &["stream", "-config=x.json", "-verbose:$false"],
        &["stream", "--config", "x.json", "--verbose", "0"],
        &["stream", "--config=x.json", "--verbose=0"],
        &["stream", "--Config", "x.json", "--Verbose", "0"],
        &["stream", "--config:x.json", "--verbose:0"],
        &["stream", "-c", "x.json", "-v", "0"],
        &["stream", "-C", "x.json", "-V", "0"],
        &["stream", "-c=x.json", "-v=0"],
        &["stream", "-c:x.json", "-v:0"],
        &["stream", "-c", "x.json", "-v0"],
        &["stream", "-Verbose", "0", "-Config", "x.json"],
        &["stream", "-Config=x", ".json", "-v0"],
        &["stream", "–Config", "x.json", "—Verbose", "0"],
        &["stream", "－Config", "x.json", "－Verbose", "0"],
        &["stream", "-Verbose", "1", "-Config", "x.json", "-Verbose", "0"],
        &["stream", "-Config", "x.json", "--config", "x.json", "-v", "0"],
        &["Stream", "-Config", "x.json", "-Verbose", "False"],
        &["stream_microbatch", "-Config", "x.json", "-Verbose", "0"],
        &["Stream_MicroBatch", "-Config", "x.json", "-Verbose", "0"],
        &["stream-microbatch", "-Config", "x.json", "-Verbose", "0"],
        &["-Config", "x.json", "-Verbose", "0"],
        &["-config:x.json", "-v0"],
        &["-c", "x.json", "-v", "0"],
        &["--config=x.json", "--verbose=0"],
        &["-Verbose", "0", "-Config", "x.json"],
        &["-Config", "x.json", "stream", "-Verbose", "0"],
        &["-Verbose", "0", "-Config", "x.json", "stream"],
    ];
    for words in table {
        let args = stream(words);
        assert_eq!(args.config, PathBuf::from("x.json"), "{words:?}");
        assert_eq!(args.level, LevelFilter::Warn, "{words:?}");
    }
}

#[test]
fn c04_verbose_alone_or_absent_means_1() {
    for words in [
        &["stream", "-Config", "x"][..],
        &["stream", "-Config", "x", "-Verbose"],
        &["stream", "-Verbose", "-Config", "x"],
        &["stream", "-Config", "x", "-Verbose", "1"],
        &["stream", "-Config", "x", "-v"],
        &["stream", "-Config", "x", "-Verbose:$true"],
    ] {
        assert_eq!(stream(words).level, LevelFilter::Info, "{words:?}");
    }
}

#[test]
fn c04_all_flags_of_stream_in_both_styles() {
    for words in [
        &[
            "stream",
            "-Config",
            "c:/a b/x.json",
            "--mode",
            "mock",
            "--symbols",
            "7203, 9984 ,",
            "--probe-board",
            "--duration",
            "30s",
            "--seed",
            "7",
            "--check-config",
            "--clock",
            "2026-11-20T07:50:00@60",
        ][..],
        &[
            "stream",
            "-Config",
            "c:/a b/x.json",
            "-Mode",
            "Mock",
            "-Symbols",
            "7203",
            "9984",
            "-ProbeBoard",
            "-Duration",
            "30s",
            "-Seed:7",
            "-CheckConfig",
            "-Clock",
            "2026-11-20 07:50:00@60",
        ],
        &[
            "-Config",
            "c:/a b/x.json",
            "-mode=MOCK",
            "-symbols:7203,9984",
            "-probe_board:$true",
            "-duration=30S",
            "-SEED",
            "7",
            "-check-config",
            "--Clock=2026-11-20T07:50:00@60",
        ],
    ] {
        let args = stream(words);
        assert_eq!(args.config, PathBuf::from("c:/a b/x.json"));
        assert_eq!(args.overrides.mode, Some(Mode::Mock));
        assert_eq!(
            args.overrides.symbols,
            Some(vec![Symbol::tse("7203"), Symbol::tse("9984")])
        );
        assert_eq!((args.duration, args.seed), (Some(Duration::from_secs(30)), Some(7)));
        assert!(args.probe_board && args.check_config);
        assert_eq!(args.clock.map(|clock| clock.speed), Some(60.0));
    }
    let plain = stream(&["stream", "-Config", "x", "-ProbeBoard:$false"]);
    assert!(!plain.probe_board && !plain.check_config && plain.duration.is_none() && plain.clock.is_none());
    assert_eq!(plain.overrides, Overrides::default());
}

#[test]
fn a_value_may_look_like_anything_but_an_option() {
    assert_eq!(
        stream(&["stream", "-Config", "-odd name"]).config,
        PathBuf::from("-odd name")
    );
    assert_eq!(stream(&["stream", "-Config", "stream"]).config, PathBuf::from("stream"));
    assert_eq!(stream(&["stream", "-Config=a=b:c"]).config, PathBuf::from("a=b:c"));
    assert_eq!(
        stream(&["stream", "-Config", "C:\\設定\\x.json"]).config,
        PathBuf::from("C:\\設定\\x.json")
    );
    assert_eq!(stream(&["stream", "-Config=a", "./b"][..2]).config, PathBuf::from("a"));
}

#[test]
fn c04_lines_that_cannot_be_understood_say_the_next_step() {
    let table: &[(&[&str], &str)] = &[
        (&["stream"], "-Config <path>"),
        (&["stream", "-Verbose", "1"], "-Config <path>"),
        (&["stream", "-Config", ""], "a value is required"),
        (&["stream", "-Config"], "a value is required"),
        (&["stream", "-Config", "-Verbose", "1"], "a value is required"),
        (
            &["stream", "-Config", "a", "-Config", "b"],
            "two settings files are given: a and b",
        ),
        (&["stream", "-Config", "x", "-Verbose", "2"], "0 shows warnings only"),
        (&["stream", "-Config", "x", "-Verbose", "high"], "unexpected argument"),
        (&["stream", "-Config", "x", "--mode", "live"], "one of online, mock"),
        (&["stream", "-Config", "x", "--symbols", "72 x!"], "is no symbol"),
        (&["stream", "-Config", "x", "--symbols"], "a value is required"),
        (
            &["stream", "-Config", "x", "--duration", "30"],
            "write a time with its unit",
        ),
        (&["stream", "-Config", "x", "--seed", "-1"], "invalid value"),
        (&["stream", "-Config", "x", "--clock", "noon"], "write a JST time"),
        (&["stream", "-Config", "x", "--check-config=5"], "takes no value"),
        (&["stream", "-Config", "x", "-Conf", "y"], "did you mean --config?"),
        (&["stream", "-Config", "x", "-Confg", "y"], "did you mean --config?"),
        (
            &["stream", "-Config", "x", "--probe-bord"],
            "did you mean --probe-board?",
        ),
        (
            &["stream", "-Config", "x", "--frobnicate"],
            "has no option \"frobnicate\"",
        ),
        (&["stream", "-Config", "x", "extra"], "unexpected argument 'extra'"),
        (&["stream", "-Config", "x", "-Token", "abc"], "KABU_TOKEN"),
        (&["-Verbose", "1"], "no command is given"),
        (&["--mode", "mock"], "no command is given"),
        (&["strem", "-Config", "x"], "stream"),
        (&["settings.json"], "unrecognized subcommand"),
        (&["sim", "--scenaro", "x"], "did you mean --scenario?"),
        (&["sim", "--port", "70000"], "invalid value"),
        (&["sim", "--speed", "fast"], "write a factor"),
        (&["sim", "--start", "9"], "write a time in JST"),
        (&["sim", "--limit", "0"], "invalid value"),
        (&["sim", "--play", "x", "--seed", "1"], "cannot be used with"),
        (&["demo", "--config-file", "x"], "has no option"),
    ];
    for (words, said) in table {
        let text = refused(words);
        assert!(text.contains(said), "{words:?}\n{text}");
        assert!(text.contains("help") || text.contains("next:"), "{words:?}\n{text}");
    }
}

#[test]
fn sec01_a_token_on_the_command_line_is_refused_and_not_repeated() {
    for words in [
        &["stream", "-Config", "x", "-Token", "canary"][..],
        &["stream", "-Config", "x", "--token=canary"],
        &["stream", "-Config", "x", "--api-password:canary"],
        &["stream", "-Config", "x", "--tokn=canary"],
    ] {
        assert!(!refused(words).contains("canary"), "{words:?}");
    }
    let Ok(command) = line(&["sim", "--token", "canary", "--password", "canary"]) else {
        panic!("the simulator's own token is no secret of the user")
    };
    assert!(!format!("{command:?}").contains("canary"));
}

#[test]
fn ayumi_alone_prints_seven_lines_and_is_a_usage_error() {
    let text = refused(&[]);
    assert_eq!(text.lines().count(), 7);
    for part in ["ayumi demo", "ayumi stream -Config", "ayumi sim", "ayumi help"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 100));
}

#[test]
fn help_and_version_in_every_spelling() {
    let done = |words: &[&str]| match line(words) {
        Err(message) if message.exit == Exit::Done => message.text,
        other => panic!("{words:?}: {other:?}"),
    };
    for words in [
        &["--help"][..],
        &["-h"],
        &["-Help"],
        &["-?"],
        &["/?"],
        &["help"],
        &["HELP"],
        &["--help", "x"],
    ] {
        let text = done(words);
        for part in [
            "stream",
            "sim",
            "demo",
            "Exit codes:",
            "  75  stopped",
            " 130  forced",
            "ayumi demo",
        ] {
            assert!(text.contains(part), "{words:?} {part}\n{text}");
        }
        assert!(text.is_ascii(), "{text}");
    }
    for words in [
        &["stream", "--help"][..],
        &["stream", "-h"],
        &["stream", "-?"],
        &["help", "stream"],
        &["help", "Stream_MicroBatch"],
        &["stream", "-Config", "x", "-Help"],
    ] {
        let text = done(words);
        assert!(
            text.contains("Examples:") && text.contains("--probe-board"),
            "{words:?}\n{text}"
        );
        assert!(text.is_ascii(), "{text}");
    }
    for command in ["sim", "demo"] {
        assert!(done(&["help", command]).contains(&format!("Examples:\n  ayumi {command}")));
    }
    for words in [&["--version"][..], &["-V"], &["-Version"], &["version"]] {
        assert_eq!(done(words), format!("ayumi {}", env!("CARGO_PKG_VERSION")));
    }
    assert!(done(&["sim", "--help"]).contains("--scenario list"));
}

#[test]
fn sim_and_demo() {
    let Ok(Command::Sim(sim)) = line(&[
        "Sim",
        "-Port",
        "0",
        "-Token",
        "t",
        "-Password:p",
        "-Symbols",
        "7203",
        "9984",
        "-Rate",
        "500",
        "-Speed",
        "x20",
        "-Start",
        "2026-11-20T08:59:00",
        "-Limit",
        "10",
        "-Seed",
        "3",
        "-Verbose",
        "0",
        "-Config",
        "x.json",
    ]) else {
        panic!("sim")
    };
    assert_eq!(
        (sim.port, sim.limit, sim.seed, sim.rate),
        (0, Some(10), Some(3), Some(500.0))
    );
    assert_eq!((sim.speed, sim.level), (Some(Speed::Times(20.0)), LevelFilter::Warn));
    assert!(sim.token.is_some() && sim.password.is_some() && sim.start.is_some() && sim.play.is_none());
    assert_eq!(sim.symbols.map(|symbols| symbols.len()), Some(2));
    let Ok(Command::Sim(sim)) = line(&["sim", "--play", "a.jsonl.gz", "--speed", "full"]) else {
        panic!("sim")
    };
    assert_eq!((sim.port, sim.limit, sim.speed), (18080, None, Some(Speed::Full)));
    assert_eq!(sim.play, Some(PathBuf::from("a.jsonl.gz")));
    let Ok(Command::Demo(demo)) = line(&["demo", "-Duration", "10s", "--db", "d.db", "--symbols", "7203", "-v"]) else {
        panic!("demo")
    };
    assert_eq!(
        (demo.duration, demo.db),
        (Some(Duration::from_secs(10)), Some(PathBuf::from("d.db")))
    );
    assert_eq!(demo.level, LevelFilter::Info);
}

fn sim(words: &[&str]) -> SimArgs {
    match line(words) {
        Ok(Command::Sim(sim)) => sim,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn sim_takes_scenarios_steps_and_ports_in_both_styles() {
    for words in [
        &[
            "sim",
            "--scenario",
            "opening-rush",
            "--do",
            "09:00:05 reset",
            "--do",
            "+1m stall 30s",
            "--control",
            "0",
            "--verification-port",
            "0",
            "--truth",
            "t.csv",
            "--prices",
            "p.csv",
            "--start",
            "08:59:30",
            "--end",
            "09:10",
            "--hours",
            "always",
            "--symbols",
            "50",
        ][..],
        &[
            "sim",
            "-Scenario:opening-rush",
            "-Do:09:00:05 reset",
            "-Do",
            "+1m stall 30s",
            "-Control:0",
            "-VerificationPort",
            "0",
            "-Truth=t",
            ".csv",
            "-Prices",
            "p.csv",
            "-Start:08:59:30",
            "-End",
            "09:10",
            "-Hours",
            "Always",
            "-Symbols",
            "50",
        ],
    ] {
        let sim = sim(words);
        assert_eq!(sim.scenario.as_deref(), Some("opening-rush"));
        let wanted = ["09:00:05 reset", "+1m stall 30s"].map(|step| Step::parse(step).expect("valid"));
        assert_eq!(sim.steps, wanted);
        assert_eq!((sim.control, sim.verification_port), (Some(0), Some(0)));
        assert_eq!((sim.truth, sim.prices), (Some("t.csv".into()), Some("p.csv".into())));
        assert_eq!((sim.start, sim.end), (Time::parse("08:59:30"), Time::parse("09:10")));
        assert_eq!(sim.hours, Some(Hours::Always));
        assert_eq!(sim.symbols.map(|all| all.len()), Some(50));
    }
    let played = sim(&[
        "sim",
        "-Play",
        "a.jsonl",
        "-Loop",
        "-Clone",
        "9984=7203",
        "8306=7203+2s",
    ]);
    assert!(played.again && played.clones.len() == 2 && played.steps.is_empty());
    let index = sim(&["sim", "--symbols", "101"]);
    assert_eq!(index.symbols, Some(vec![Symbol::tse("101")]), "an index, not a number");
    for (words, said) in [
        (&["sim", "--do", "09:00:05 rest"][..], "did you mean \"reset\"?"),
        (&["sim", "--do", "reset"], "found \"reset\""),
        (&["sim", "--start", "9"], "08:59:30"),
        (&["sim", "--hours", "night"], "session"),
        (&["sim", "--clone", "1:2"], "9984=7203"),
        (&["sim", "--loop"], "--play"),
        (&["sim", "--symbols", "0"], "well-known"),
    ] {
        let text = refused(words);
        assert!(text.contains(said), "{words:?}: {text}");
    }
}

#[test]
fn c04_no_line_panics() {
    let words = [
        "-", "--", "-=", "--=x", "-:", "stream", "-Config", "=", "", "-v", "\u{3000}", "help", "–", "-c=", "/?",
    ];
    for a in words {
        for b in words {
            for c in words {
                let _ = line(&[a, b, c]);
            }
        }
    }
}

#[test]
fn export_in_both_styles() {
    let export = |words: &[&str]| match line(words) {
        Ok(Command::Export(args)) => args,
        other => panic!("{words:?}: {other:?}"),
    };
    for words in [
        &[
            "export",
            "-Config",
            "x.json",
            "-Table",
            "tick_batch",
            "-Date",
            "2026-11-20",
            "-To",
            "2026-11-21",
        ][..],
        &[
            "EXPORT",
            "--config=x.json",
            "--table=tick_batch",
            "-date:2026-11-20",
            "--to",
            "２０２６-11-21",
        ],
    ] {
        let rest = [
            "-Symbols",
            "7203",
            "9984",
            "-Out=t",
            ".csv",
            "-Excel",
            "-Force:$true",
            "-Quiet",
        ];
        let args = export(&[words, &rest].concat());
        assert_eq!(args.config, Some(PathBuf::from("x.json")));
        assert_eq!((args.table.as_str(), args.out), ("tick_batch", PathBuf::from("t.csv")));
        assert_eq!(
            (args.from.to_string(), args.to.to_string()),
            ("2026-11-20".into(), "2026-11-21".into())
        );
        assert_eq!(args.symbols, Some(vec![Symbol::tse("7203"), Symbol::tse("9984")]));
        assert!(args.excel && args.force && args.quiet);
    }
    let args = export(&[
        "export",
        "--db",
        "x.db",
        "--table",
        "t",
        "--date",
        "2026-11-20",
        "--out",
        "t.parquet",
    ]);
    assert_eq!(
        (args.from, args.config, args.db),
        (args.to, None, Some(PathBuf::from("x.db")))
    );
    assert!(!args.excel && !args.force && args.level == LevelFilter::Info);
}

#[test]
fn register_in_the_scripts_spelling_and_in_ours() {
    for words in [
        &[
            "register",
            "-Config",
            "c.json",
            "-Input",
            "w.csv",
            "-Max",
            "40",
            "-Exchange",
            "3",
            "-Verbose",
            "0",
            "-DryRun",
            "--write-guard",
        ][..],
        &[
            "register_watchlist",
            "-config:c.json",
            "-input:w.csv",
            "-max:40",
            "-exchange:3",
            "-v0",
            "-dryrun",
            "-WriteGuard",
        ],
        &[
            "Register",
            "-c",
            "c.json",
            "-i",
            "w.csv",
            "-m",
            "40",
            "-e",
            "3",
            "-v",
            "0",
            "--dry-run",
            "--write_guard",
        ],
        &[
            "register-watchlist",
            "-Config=c",
            ".json",
            "-Input=w",
            ".csv",
            "-Max=40",
            "-Exchange=3",
            "-v0",
            "-DryRun:$true",
            "-WriteGuard",
        ],
    ] {
        let Ok(Command::Register(args)) = line(words) else {
            panic!("{words:?}")
        };
        assert_eq!(
            (args.config, args.input),
            (PathBuf::from("c.json"), PathBuf::from("w.csv")),
            "{words:?}"
        );
        assert_eq!((args.max, args.exchange, args.level), (Some(40), 3, LevelFilter::Warn));
        assert!(args.dry_run && args.write_guard);
    }
    let Ok(Command::Register(args)) = line(&["register", "-Config", "c", "-Input", "w"]) else {
        panic!("the least that is needed")
    };
    assert_eq!((args.max, args.exchange, args.level), (None, 1, LevelFilter::Info));
    assert!(!args.dry_run && !args.write_guard);
    for (words, part) in [
        (&["register", "-Input", "w"][..], "needs -Config"),
        (&["register", "-Config", "c"], "needs -Input"),
        (&["register", "-Config", "c", "-Input", "w", "-Max", "0"], "1..=1000"),
        (
            &["register", "-Config", "c", "-Input", "w", "-Exchange", "9"],
            "1 (Tokyo)",
        ),
    ] {
        assert!(refused(words).contains(part), "{words:?}: {}", refused(words));
    }
}

#[test]
fn unregister_needs_to_know_what() {
    let Ok(Command::Unregister(args)) = line(&["unregister", "--all"]) else {
        panic!("everything")
    };
    assert!(args.all && args.config.is_none() && args.input.is_none() && !args.dry_run);
    let Ok(Command::Unregister(args)) = line(&[
        "unregister",
        "-Config",
        "c",
        "-Input",
        "w",
        "-DryRun",
        "-Exchange",
        "23",
    ]) else {
        panic!("a watchlist")
    };
    assert_eq!(
        (args.input, args.exchange, args.dry_run),
        (Some(PathBuf::from("w")), 23, true)
    );
    assert!(refused(&["unregister"]).contains("--all"));
    assert!(refused(&["unregister", "-Config", "c", "-Input", "w", "-All"]).contains("cannot be used with"));
}

#[test]
fn naut_in_both_styles() {
    let naut = |words: &[&str]| match line(words) {
        Ok(Command::Naut(args)) => args,
        other => panic!("{words:?}: {other:?}"),
    };
    for words in [
        &[
            "naut",
            "-Config",
            "x.json",
            "-Verbose",
            "0",
            "-Profile",
            "Demo",
            "-PrintSummary",
            "-Json",
        ][..],
        &[
            "NAUT_RUNNER",
            "--config=x.json",
            "-v0",
            "--profile=demo",
            "--print-summary",
            "--json",
        ],
        &[
            "naut-runner",
            "-config:x.json",
            "-verbose:$false",
            "-profile:DEMO",
            "-print_summary:$true",
            "-json",
        ],
    ] {
        let args = naut(words);
        assert_eq!((args.config, args.level), (PathBuf::from("x.json"), LevelFilter::Warn));
        assert_eq!(args.profile, Some(crate::naut::Profile::Demo));
        assert!(args.print_summary && args.json && !args.check_config && args.clock.is_none());
    }
    let args = naut(&["naut", "-c", "x.json"]);
    assert_eq!(
        (args.level, args.profile, args.after_row),
        (LevelFilter::Info, None, None)
    );
    assert!(!args.print_summary && !args.json);
    for (words, part) in [
        (&["naut"][..], "naut needs -Config <path>"),
        (
            &["naut", "-Config", "x", "-Profile", "fast"],
            "one of prod, prodlite, demo",
        ),
        (&["naut", "-Config", "x", "-Profil", "prod"], "did you mean --profile?"),
    ] {
        assert!(refused(words).contains(part), "{words:?}\n{}", refused(words));
    }
}
