//! The folder of the database: is it there, can it be written, has it room for a day.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Context;
use super::finding::{Finding, words};

/// A day of 50 symbols in windows of 300 ms, when every symbol trades in every window.
const DAY_BYTES: u64 = 1_200 << 20;
/// Less than this is a matter of minutes.
const NEARLY_FULL: u64 = 200 << 20;

/// Looks at the folder.
pub fn check(context: &Context) -> Vec<Finding> {
    let folder = folder(&context.db);
    let Some(existing) = folder.ancestors().find(|folder| folder.is_dir()) else {
        return vec![not_writable(&folder, "it does not exist")];
    };
    // The system alone knows whether a file can be created; the file has no name that anybody looks for.
    if let Err(error) = tempfile::Builder::new().prefix(".ayumi-doctor-").tempfile_in(existing) {
        return vec![not_writable(&folder, &error.to_string())];
    }
    let mut found = vec![Finding::fine(
        "folder",
        words(
            format!("the folder {} can be written", folder.display()),
            format!("フォルダー {} に書き込めます", folder.display()),
        ),
    )];
    found.extend(cloud(&folder));
    found.push(room(context, existing));
    found
}

fn folder(db: &Path) -> PathBuf {
    let absolute = std::path::absolute(db).unwrap_or_else(|_| db.to_owned());
    absolute.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn not_writable(folder: &Path, why: &str) -> Finding {
    let shown = folder.display();
    Finding::problem(
        "folder",
        words(
            format!("the folder {shown} cannot be written: {why}"),
            format!("フォルダー {shown} に書き込めません: {why}"),
        ),
        words(
            "give yourself the right to write there (Properties, Security), or set db_path to a folder of your own",
            "フォルダーのプロパティ(セキュリティ)で書き込みを許可するか、db_path を自分のフォルダーに変えてください",
        ),
    )
}

/// Programs that copy or lock files under the recorder's hands.
fn cloud(folder: &Path) -> Option<Finding> {
    let text = folder.to_string_lossy().to_lowercase();
    let network = text.starts_with(r"\\") && !text.starts_with(r"\\?\") && !text.starts_with(r"\\.\");
    let name = ["onedrive", "dropbox", "google drive"]
        .into_iter()
        .find(|name| text.contains(name));
    let name = name.or(network.then_some("network drive"))?;
    Some(Finding::warning(
        "folder",
        words(
            format!("the database lies in a folder of {name}, which locks files or copies them half written"),
            format!(
                "データベースが {name} のフォルダーにあります。ファイルがロックされたり、書きかけでコピーされたりします"
            ),
        ),
        words(
            "set db_path to a folder on a local disk",
            "db_path をローカル ディスクのフォルダーに変えてください",
        ),
    ))
}

fn room(context: &Context, folder: &Path) -> Finding {
    let Some(free) = free_bytes(folder) else {
        return Finding::skipped(
            "disk",
            words(
                "free space: not checked, this system does not tell",
                "空き容量: この環境では調べられません",
            ),
        );
    };
    let settings = &context.settings;
    let symbols = settings.symbols.len().max(1) as u64;
    let day = DAY_BYTES * symbols / 50 * 300 / u64::from(settings.window_ms.max(1));
    let (free_mb, day_mb) = (free >> 20, (day >> 20).max(1));
    let say = words(
        format!("{free_mb} MB are free, a day takes up to {day_mb} MB"),
        format!("空き {free_mb}MB、1 日に最大 {day_mb}MB 使います"),
    );
    let fix = words(
        "free some space, or set db_path to another disk",
        "不要なファイルを消すか、db_path を別のディスクに変えてください",
    );
    match free {
        ..NEARLY_FULL => Finding::problem("disk", say, fix),
        _ if free < day => Finding::warning("disk", say, fix),
        _ => Finding::fine("disk", say),
    }
}

/// Asks the system's own command: the standard library does not know.
fn free_bytes(folder: &Path) -> Option<u64> {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/d", "/c", "dir", "/-c"]).arg(folder);
        command
    } else {
        let mut command = Command::new("df");
        command.arg("-Pk").arg(folder);
        command
    };
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if cfg!(windows) { of_dir(&text) } else { of_df(&text) }
}

/// The fourth column of the last line, in units of 1,024 bytes.
fn of_df(text: &str) -> Option<u64> {
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    let available = line.split_whitespace().nth(3)?;
    available.parse::<u64>().ok()?.checked_mul(1024)
}

/// The last number of the last line, in whatever language it is.
fn of_dir(text: &str) -> Option<u64> {
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    let mut numbers = line
        .rsplit(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    numbers.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_in_the_systems_words() {
        let df =
            "Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/sda1  1000 400 600 40% /a b\n";
        assert_eq!(of_df(df), Some(600 * 1024));
        assert_eq!(of_df("df: no such file\n"), None);
        for dir in [
            " 2 Dir(s)  123456789 bytes free\r\n",
            " 2 個のディレクトリ  123456789 バイトの空き領域\r\n\r\n",
        ] {
            assert_eq!(of_dir(dir), Some(123_456_789));
        }
        assert_eq!(of_dir(""), None);
    }
}
