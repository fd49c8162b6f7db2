//! One run of somebody else's program: its output, a time limit, and an end as soon as it has shown what we wait for.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::Verdict;

/// What must appear in the output, and how long that may take.
pub struct Expectation<'a> {
    pub shows: &'a [&'a str],
    pub limit: Duration,
}

/// Runs `command` until all of it has been shown, or it ends, or the time is up; then ends it.
pub fn run(command: &mut Command, expectation: &Expectation<'_>) -> Verdict {
    // No proxy between a client and this machine; Japanese text in one encoding everywhere.
    command
        .env("NO_PROXY", "localhost,127.0.0.1")
        .env("no_proxy", "localhost,127.0.0.1")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Verdict::Failed(format!("cannot start {:?}: {error}", command.get_program())),
    };
    // An open, silent input: a sample that waits for a key must neither see an end of file nor a key.
    let input = child.stdin.take();
    let (pieces, arriving) = channel();
    forward(child.stdout.take(), pieces.clone());
    forward(child.stderr.take(), pieces);
    let mut output = Vec::new();
    let complete = loop {
        if missing(&text(&output), expectation.shows).is_none() {
            break true;
        }
        match arriving.recv_timeout(expectation.limit.saturating_sub(began.elapsed())) {
            Ok(piece) => output.extend(piece),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break false,
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    drop(input);
    let output = text(&output);
    if complete {
        return Verdict::Ok(format!("{:.1} s", began.elapsed().as_secs_f64()));
    }
    let missing = missing(&output, expectation.shows).unwrap_or_default();
    Verdict::Failed(format!("no {missing:?} in its output: {}", shortened(&output)))
}

fn forward(stream: Option<impl Read + Send + 'static>, pieces: Sender<Vec<u8>>) {
    let Some(mut stream) = stream else { return };
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            if pieces.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// The first of the wanted texts that is not there, each looked for after the one before it.
fn missing<'a>(output: &str, shows: &[&'a str]) -> Option<&'a str> {
    let mut rest = output;
    for &wanted in shows {
        match rest.find(wanted) {
            Some(at) => rest = &rest[at + wanted.len()..],
            None => return Some(wanted),
        }
    }
    None
}

fn shortened(output: &str) -> String {
    let line = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = line.chars().count().saturating_sub(400);
    let tail: String = line.chars().skip(skip).collect();
    if skip > 0 { format!("... {tail}") } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_looked_for_in_their_order() {
        assert_eq!(missing("200 OK {'Symbol': '9433'}", &["200 OK", "'9433'"]), None);
        assert_eq!(missing("'9433' 200 OK", &["200 OK", "'9433'"]), Some("'9433'"));
        assert_eq!(missing("", &["200 OK"]), Some("200 OK"));
    }

    #[test]
    fn long_output_is_shown_from_its_end() {
        assert_eq!(shortened("a\n  b"), "a b");
        let text = shortened(&"x".repeat(1_000));
        assert!(text.starts_with("... x") && text.len() == 404, "{text}");
    }
}
