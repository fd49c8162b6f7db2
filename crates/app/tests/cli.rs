//! The binary from the outside: what it prints where, and how it ends. Nothing here needs a station.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `ayumi` in `folder` without any of the user's secrets.
fn ayumi(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayumi"));
    for name in ["KABU_TOKEN", "KABU_API_KEY", "KABU_API_PASSWORD"] {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .args(args)
        .envs(env.iter().copied())
        .output()
        .expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A folder with a settings file in it.
fn folder_with(settings: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("c.json"), settings).expect("written");
    folder
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("listed").flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn ayumi_alone_says_what_it_is_and_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = ayumi(folder.path(), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(err(&output).lines().count(), 7);
    assert_eq!(out(&output), "");
}

#[test]
fn help_and_version_go_to_stdout_and_exit_0() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, part) in [
        (&["--help"][..], "Exit codes:"),
        (&["help"], "Exit codes:"),
        (&["stream", "--help"], "--probe-board"),
        (&["--version"], "ayumi "),
    ] {
        let output = ayumi(folder.path(), args, &[]);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(out(&output).contains(part), "{args:?}");
        assert_eq!(err(&output), "");
    }
}

#[test]
fn c04_usage_errors_exit_2_with_a_next_step() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, part) in [
        (&["stream"][..], "-Config <path>"),
        (&["stream", "-Config", "no/such.json"], "there is no such file"),
        (&["stream", "-Config", "."], "it is a folder, not a file"),
        (&["stream", "-Frobnicate"], "has no option"),
        (&["-Verbose", "1"], "no command is given"),
    ] {
        let output = ayumi(folder.path(), args, &[]);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = err(&output);
        assert!(said.contains(part) && said.contains("next:"), "{args:?}\n{said}");
        assert_eq!(out(&output), "");
    }
    assert!(files(folder.path()).is_empty(), "nothing was created");
}

#[test]
fn c05_bad_settings_and_a_missing_token_exit_2_and_create_nothing() {
    for (settings, parts) in [
        (
            r#"{"mode": "mock", "window_ms": 1, "port": 0}"#,
            &["c.json:1:31  window_ms", "c.json:1:42  port", "symbols"][..],
        ),
        (
            r#"{"symbols": ["7203"], "db_path": "d/x.db", "log_path": "l/x.log"}"#,
            &["KABU_TOKEN", "token_file", "KABU_API_PASSWORD"],
        ),
        ("{", &["c.json:1:1  the } that closes this { is missing"]),
    ] {
        let folder = folder_with(settings.as_bytes());
        let output = ayumi(folder.path(), &["stream", "-Config", "c.json"], &[]);
        assert_eq!(output.status.code(), Some(2), "{settings}");
        for part in parts {
            assert!(err(&output).contains(part), "{part}\n{}", err(&output));
        }
        assert_eq!(files(folder.path()), ["c.json"]);
    }
}

#[test]
fn c05_what_is_wrong_with_the_settings_stands_in_the_log_of_earlier_runs_too() {
    let missing = r#"{"symbols": ["7203"], "token": "canary-1", "log_path": "x.log"}"#;
    let wrong = r#"{"symbols": ["7203"], "window_ms": 1, "token": "canary-1", "log_path": "x.log", }"#;
    for (settings, more, part) in [
        (wrong, &[][..], "window_ms"),
        (missing, &["--wait-login"][..], "needs the API password"),
    ] {
        let folder = folder_with(settings.as_bytes());
        let earlier = "2026-11-20 09:00:00,300 INFO stream_microbatch stop\n";
        std::fs::write(folder.path().join("x.log"), earlier).expect("written");
        let args = [&["stream", "-Config", "c.json"][..], more].concat();
        let output = ayumi(folder.path(), &args, &[]);
        assert_eq!(output.status.code(), Some(2), "{settings}");
        let log = std::fs::read_to_string(folder.path().join("x.log")).expect("readable");
        let added = log.strip_prefix(earlier).expect("it is only added to");
        assert!(
            added.contains(part) && added.lines().all(|line| line.contains(" ERROR ")),
            "{log}"
        );
        assert!(!log.contains("canary-1"), "{log}");
        // Who only checks looks at the console.
        ayumi(folder.path(), &[&args[..], &["--check-config"]].concat(), &[]);
        assert_eq!(
            std::fs::read_to_string(folder.path().join("x.log")).expect("readable"),
            log
        );
    }
}

#[test]
fn check_config_prints_the_table_and_masks_secrets_in_every_encoding() {
    let text = "{\"symbols\": [\"7203\"], \"api_password\": \"canary-1\", \"db_path\": \"株.db\"}";
    let utf16: Vec<u8> = "\u{FEFF}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let bom = ["\u{FEFF}", text].concat().into_bytes();
    for settings in [text.as_bytes().to_vec(), bom, utf16] {
        let folder = folder_with(&settings);
        let args = ["-Config", "c.json", "-CheckConfig", "--symbols", "9984", "8306"];
        let output = ayumi(folder.path(), &args, &[("KABU_TOKEN", "canary-2")]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let said = out(&output);
        for part in [
            "set (env KABU_TOKEN)",
            "set (file)",
            "2: 9984,8306",
            "flag --symbols",
            "株.db",
            "rss",
            "window_ms",
        ] {
            assert!(said.contains(part) || part == "rss", "{part}\n{said}");
        }
        assert!(!(said + &err(&output)).contains("canary"));
        assert_eq!(files(folder.path()), ["c.json"]);
    }
}

#[test]
fn the_example_settings_are_valid_as_they_stand() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let args = [
        "stream",
        "-Config",
        "config/stream_settings.example.json",
        "--check-config",
        "--mode",
        "mock",
    ];
    let output = ayumi(&root, &args, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    assert!(!said.contains("WARNING") && !said.contains("note:"), "{said}");
    let token = said.lines().find(|line| line.starts_with("token ")).expect("a line");
    assert!(
        token.split_whitespace().eq(["token", "not", "set", "default"]),
        "{said}"
    );
}

/// Every key of `--check-config` and every option of `--help` has its place in the reference.
#[test]
fn the_reference_knows_every_key_and_every_option() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |name: &str| std::fs::read_to_string(root.join("docs").join(name)).expect("the reference exists");
    let (config, cli) = (read("config.md"), read("cli.md"));
    let args = [
        "stream",
        "-Config",
        "config/stream_settings.example.json",
        "--check-config",
        "--mode",
        "mock",
    ];
    let table = out(&ayumi(&root, &args, &[]));
    for key in table.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
        assert!(
            config.contains(&format!("`{key}`")),
            "{key} is missing in docs/config.md"
        );
    }
    for command in [
        "stream",
        "sim",
        "demo",
        "export",
        "register",
        "unregister",
        "naut",
        "verify",
        "doctor",
    ] {
        let help = out(&ayumi(&root, &["help", command], &[]));
        let section = cli
            .split("\n## ")
            .find(|section| section.starts_with(&format!("`ayumi {command}`")));
        let section = section.unwrap_or_else(|| panic!("docs/cli.md has no section `ayumi {command}`"));
        let options = help
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| word.starts_with("--"));
        for option in options.filter(|option| !matches!(*option, "--help")) {
            assert!(section.contains(option), "{command} {option} is missing in docs/cli.md");
        }
    }
}

#[cfg(unix)]
#[test]
fn p09_a_closed_stdout_is_no_panic() {
    use std::process::Stdio;
    let folder = folder_with(br#"{"mode": "mock", "symbols": ["7203"]}"#);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ayumi"))
        .current_dir(folder.path())
        .args(["stream", "-Config", "c.json", "--check-config"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}
