//! Who listens on the station's port: the process, where the system tells it, and the name that the web server gives
//! itself. kabu Station answers through Windows' own server, which calls itself Microsoft-HTTPAPI/2.0.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Context;
use super::finding::{Finding, words};
use super::station::{addresses, is_local};

/// How the station's web server calls itself.
const STATION: &str = "Microsoft-HTTPAPI";
/// On loopback an answer takes a millisecond.
const PATIENCE: Duration = Duration::from_millis(600);
/// Headers are shorter; a foreign program may send for ever.
const HEAD: u64 = 8 << 10;

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What the system calls it; empty when it does not tell.
    pub name: String,
    /// Its id.
    pub pid: u32,
}

/// What came of the question for the server's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// It does not answer in time.
    Silent,
    /// It answers, and this is the header.
    Named(String),
    /// It speaks HTTP and does not say who it is.
    Nameless,
    /// What it says is no HTTP.
    Foreign,
}

/// Asks system and server.
pub fn check(context: &Context) -> Vec<Finding> {
    let settings = &context.settings;
    let process = is_local(settings).then(|| os::listener(settings.port)).flatten();
    let head = addresses(settings).into_iter().find_map(head);
    vec![judge(settings.port, process.as_ref(), &head.unwrap_or(Head::Silent))]
}

/// The root is no part of the API: Windows' server answers it by itself, without the station. `None` = nobody there.
fn head(address: SocketAddr) -> Option<Head> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    let limits = [
        stream.set_read_timeout(Some(PATIENCE)),
        stream.set_write_timeout(Some(PATIENCE)),
    ];
    if limits.iter().any(Result::is_err) {
        return Some(Head::Silent);
    }
    let port = address.port();
    let asked = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    if stream.write_all(asked.as_bytes()).is_err() {
        return Some(Head::Silent);
    }
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while (answer.len() as u64) < HEAD && !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(n) => answer.extend_from_slice(piece.get(..n).unwrap_or_default()),
        }
    }
    Some(of_head(&answer))
}

/// The header `Server` of an answer.
pub fn of_head(answer: &[u8]) -> Head {
    let text = String::from_utf8_lossy(answer);
    if text.is_empty() {
        return Head::Silent;
    }
    if !text.starts_with("HTTP/1.") {
        return Head::Foreign;
    }
    let mut headers = text.split("\r\n\r\n").next().unwrap_or_default().lines();
    let named = headers.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("server").then(|| value.trim().to_owned())
    });
    named.map_or(Head::Nameless, |name| Head::Named(crate::text::cut(&name, 60)))
}

/// What process and name say together.
pub fn judge(port: u16, process: Option<&Process>, head: &Head) -> Finding {
    let (who_en, who_ja) = match process {
        // Windows' own server belongs to the system, whichever program it serves.
        Some(Process { name, pid: 4 }) => (
            format!("{name} (PID 4), as for kabu Station"),
            format!("{name} (PID 4)、正常"),
        ),
        Some(Process { name, pid }) => (format!("{name} (PID {pid})"), format!("{name} (PID {pid})")),
        None => (
            "a process that the system does not name".to_owned(),
            "プロセス名は不明".to_owned(),
        ),
    };
    let (told_en, told_ja) = match head {
        Head::Named(name) => (format!("Server: {name}"), format!("Server: {name}")),
        Head::Nameless => ("no header Server".to_owned(), "Server ヘッダーなし".to_owned()),
        Head::Foreign => ("what it says is no HTTP".to_owned(), "HTTP ではない応答".to_owned()),
        Head::Silent => ("no answer yet".to_owned(), "応答なし".to_owned()),
    };
    let say = words(
        format!("on port {port} listens {who_en}; {told_en}"),
        format!("ポート {port} の待ち受け: {who_ja}、{told_ja}"),
    );
    match head {
        Head::Named(name) if name.starts_with(STATION) => Finding::fine("listener", say),
        // The request for the list says what is to be done about silence.
        Head::Silent => Finding::fine("listener", say),
        _ => Finding::warning(
            "listener",
            say,
            words(
                "this is not how kabu Station answers: close that program, or correct \"host\" and \"port\" (18080 is \
                 production, 18081 verification)",
                "kabuステーションの応答ではありません。そのプログラムを閉じるか、\"host\" と \"port\" を直してください(18080 が本番、18081 が検証)",
            ),
        ),
    }
}

/// The inode of the socket that listens on a port, of /proc/net/tcp and tcp6.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_proc_net(text: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, hex) = fields.get(1)?.rsplit_once(':')?;
        let listens = u16::from_str_radix(hex, 16) == Ok(port) && fields.get(3) == Some(&LISTEN);
        listens.then(|| fields.get(9)?.parse().ok()).flatten()
    })
}

/// The process that listens on a port, of `netstat -ano`, whose words are English in every language.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_netstat(text: &str, port: u16) -> Option<u32> {
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, written) = fields.get(1)?.rsplit_once(':')?;
        // The state's word may be translated one day: a listener has no peer.
        let listens = written.parse() == Ok(port) && fields.get(2).is_some_and(|peer| peer.ends_with(":0"));
        listens.then(|| fields.last()?.parse().ok()).flatten()
    })
}

/// The name in a line of `tasklist /fo csv /nh`.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_tasklist(text: &str) -> Option<String> {
    let name = text.trim_start().strip_prefix('"')?.split('"').next()?;
    Some(name.to_owned())
}

#[cfg(target_os = "linux")]
mod os {
    use std::fs;

    use super::{Process, of_proc_net};

    /// Only processes whose descriptors we may see have a name.
    pub fn listener(port: u16) -> Option<Process> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let inode = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .find_map(|text| of_proc_net(&text, port))?;
        let socket = format!("socket:[{inode}]");
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let mut descriptors = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
            descriptors
                .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
                .then(|| Process {
                    name: fs::read_to_string(entry.path().join("comm"))
                        .unwrap_or_default()
                        .trim()
                        .to_owned(),
                    pid,
                })
        })
    }
}

#[cfg(windows)]
mod os {
    use super::super::ask;
    use super::{Process, of_netstat, of_tasklist};

    pub fn listener(port: u16) -> Option<Process> {
        let pid = of_netstat(&ask::command("netstat", &["-ano"])?, port)?;
        let row = ask::command("tasklist", &["/fi", &format!("PID eq {pid}"), "/fo", "csv", "/nh"]);
        let name = row.and_then(|row| of_tasklist(&row)).unwrap_or_default();
        Some(Process { name, pid })
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod os {
    pub fn listener(_port: u16) -> Option<super::Process> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn the_systems_tables_name_the_listener() {
        let linux = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:46A0 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 111 1\n\
            1: 0100007F:46A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 222 1\n";
        assert_eq!(of_proc_net(linux, 18_080), Some(222));
        assert_eq!(of_proc_net(linux, 18_081), None);
        let windows = "\r\nActive Connections\r\n\r\n  Proto  Local Address          Foreign Address        State           PID\r\n\
              TCP    127.0.0.1:50012        127.0.0.1:18080        ESTABLISHED     812\r\n\
              TCP    0.0.0.0:18080          0.0.0.0:0              LISTENING       4\r\n\
              TCP    [::]:18081             [::]:0                 LISTENING       77\r\n";
        assert_eq!(of_netstat(windows, 18_080), Some(4));
        assert_eq!(of_netstat(windows, 18_081), Some(77));
        assert_eq!(of_netstat(windows, 50_012), None);
        assert_eq!(
            of_tasklist("\"python.exe\",\"812\",\"Console\",\"1\",\"9 K\"\r\n").as_deref(),
            Some("python.exe")
        );
        assert_eq!(of_tasklist("INFO: No tasks are running\r\n"), None);
    }

    #[test]
    fn only_the_stations_server_is_fine() {
        let station = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nserver: Microsoft-HTTPAPI/2.0\r\n\r\n";
        let system = Process {
            name: "System".to_owned(),
            pid: 4,
        };
        assert_eq!(judge(18_080, Some(&system), &of_head(station)).level, Level::Fine);
        let python = Process {
            name: "python.exe".to_owned(),
            pid: 812,
        };
        for (answer, word) in [
            (
                &b"HTTP/1.0 404 File not found\r\nServer: SimpleHTTP/0.6 Python/3.11\r\n\r\n"[..],
                "SimpleHTTP/0.6",
            ),
            (b"HTTP/1.1 200 OK\r\n\r\nServer: in the body", "no header Server"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP"),
        ] {
            let finding = judge(18_080, Some(&python), &of_head(answer));
            assert_eq!(finding.level, Level::Warning);
            assert!(
                finding.say.en.contains(word) && finding.say.en.contains("python.exe (PID 812)"),
                "{finding:?}"
            );
        }
        assert_eq!(judge(18_080, None, &of_head(b"")).level, Level::Fine);
    }
}
