//! Questions to the system's own commands and files, which may hang, lie or not exist: an answer is text or nothing.

use std::process::{Command, Stdio};

/// What a command prints, in whatever encoding the console has; `None` when there is no such command.
#[cfg_attr(not(windows), allow(dead_code, reason = "other systems have files to read"))]
pub fn command(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
    Some(decoded(&command.output().ok()?.stdout))
}

/// UTF-16 (schtasks writes it), UTF-8, or else the console's CP932.
pub fn decoded(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode(bytes).0.into_owned(),
    }
}
