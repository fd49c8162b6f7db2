//! The promise sheet itself.

use super::{Promise, Said};

const fn said(en: &'static str, ja: &'static str) -> Said {
    Said { en, ja }
}

/// What is promised.
pub const PROMISES: &[Promise] = &[
    Promise {
        id: "G1",
        says: said(
            "The socket comes first. The thread that reads PUSH never waits for the database, REST, the log or the console.",
            "受信が最優先です。DB・REST・ログ・画面がどれだけ遅れても、PUSH を読むスレッドは待ちません。",
        ),
        number: said(
            "disk stopped for 60 s at 5,000 messages/s: unread bytes in the kernel p99 < 64 KB, never > 256 KB; 0 disconnects",
            "毎秒 5,000 通でディスクが 60 秒止まっても、カーネル内の未読は p99 で 64KB 未満、最大 256KB、切断 0",
        ),
        tests: &["g01_", "p09_"],
        trials: &["g01_stall"],
    },
    Promise {
        id: "G2",
        says: said(
            "Nothing disappears uncounted. received = stored + merged + rejected (by reason) + in flight, per symbol and in total, at every heartbeat and at exit.",
            "数えずに消えるものはありません。受信＝保存＋合流＋破棄（理由別）＋処理中が、心拍ごとと終了時に必ず一致します。",
        ),
        number: said("difference 0", "差 0"),
        tests: &["g02_", "d02_", "n06_"],
        trials: &["g03_seeds"],
    },
    Promise {
        id: "G3",
        says: said(
            "Volume is conserved. Per symbol and trading day, the sizes we store plus the volumes in volume_ledger (gap, guard, overflow, decrease) equal the growth of the delivered cumulative volume, under overflow, reconnect and restart.",
            "出来高は保存されます。各行の出来高・欠落区間・ガード破棄分・訂正分の合計は、配信された累計出来高の増分と必ず一致します。",
        ),
        number: said("difference 0 shares", "差 0 株"),
        tests: &["g03_"],
        trials: &["g03_seeds", "g05_kills", "g09_resets"],
    },
    Promise {
        id: "G4",
        says: said(
            "A window is all or nothing over tick_batch, orderbook_snapshot and features_stream.",
            "1つの窓は、3つの表にすべて書かれるか、まったく書かれないかのどちらかです。",
        ),
        number: said("0 partial windows", "部分的な窓 0"),
        tests: &["g04_"],
        trials: &["g05_kills", "g06_power_cut", "g08_failing_disk"],
    },
    Promise {
        id: "G5",
        says: said(
            "Sudden death costs only the open window while the database is healthy: kill, crash, out of memory.",
            "プロセスが突然落ちても、失うのは開いている窓だけです（DB が正常なとき）。",
        ),
        number: said("at most window_ms + one commit", "最大で window_ms + コミット 1 回分"),
        tests: &["g05_"],
        trials: &["g05_kills"],
    },
    Promise {
        id: "G6",
        says: said(
            "A power cut never corrupts, and the most it can cost is printed at start.",
            "停電しても DB は壊れません。失う上限は起動時に表示します。",
        ),
        number: said(
            "full: 0 committed windows; balanced (default): at most 1 s of them; seed: at most 1,000 WAL pages or 30 s",
            "full: 確定した窓 0、balanced (既定): 最大 1 秒分、seed: 最大 WAL 1,000 ページか 30 秒分",
        ),
        tests: &["g06_"],
        trials: &["g06_power_cut"],
    },
    Promise {
        id: "G7",
        says: said(
            "The WAL file stays <= 64 MB. If a stuck reader makes that impossible we say so: warning at 64 MB, error state at 256 MB.",
            "WAL は 64MB 以下に保ちます。止まった読み手のため守れないときは、黙らずに知らせます。",
        ),
        number: said("64 MB / 256 MB", "64MB / 256MB"),
        tests: &["g07_", "s10_"],
        trials: &[],
    },
    Promise {
        id: "G8",
        says: said(
            "Disk full, read-only or locked: we stay up, keep the latest state and continue by ourselves.",
            "ディスク満杯・書込禁止・ロック中でも落ちません。直れば自動で再開します。",
        ),
        number: said(
            "writing again within 1 window + 1 s after the cause is gone",
            "原因がなくなってから 1 窓 + 1 秒以内に書き込みを再開",
        ),
        tests: &["g08_", "s01_", "s02_", "s04_"],
        trials: &["g08_failing_disk"],
    },
    Promise {
        id: "G9",
        says: said(
            "We reconnect within 250 ms when a connection that had delivered data is cut, and we never hammer.",
            "データの来ていた接続が切れたら 250 ミリ秒以内につなぎ直します。連打はしません。",
        ),
        number: said(
            "at most 250 ms; never more than 4 attempts per second; refused connections follow backoff_initial to backoff_max",
            "250 ミリ秒以内、毎秒 4 回まで。断られた接続は backoff_initial から backoff_max まで間隔を延ばします",
        ),
        tests: &["g09_", "n01_", "n02_", "n03_", "n11_"],
        trials: &["g09_resets"],
    },
    Promise {
        id: "G10",
        says: said(
            "Gaps are marked with start, end, reason and the volume inside, and can be repaired from the station's time-and-sales (station 5.44 or newer).",
            "欠けた区間には必ず印が付きます（開始・終了・理由・出来高）。5.44 以降は歩み値で補修できます。",
        ),
        number: said("100 % of gaps have a row", "欠落のすべてに行があります"),
        tests: &["g10_"],
        trials: &["g09_resets"],
    },
    Promise {
        id: "G11",
        says: said(
            "Stopping takes at most 1 s (Ctrl+C, Ctrl+Break, closing the window, SIGTERM), the open window is written first, and starting never needs a clean stop.",
            "停止は 1 秒以内。開いている窓を書いてから終わります。",
        ),
        number: said("p99 < 1 s, 0 lost windows", "p99 で 1 秒未満、失う窓 0"),
        tests: &["g11_", "p01_", "p02_"],
        trials: &[],
    },
    Promise {
        id: "G12",
        says: said(
            "One writer per database. A second one leaves quickly and names the first.",
            "1つの DB に書き手は1つ。2つ目は相手の PID を示してすぐ終わります。",
        ),
        number: said("< 500 ms, exit code 5", "500 ミリ秒未満、終了コード 5"),
        tests: &["g12_", "p03_"],
        trials: &[],
    },
    Promise {
        id: "G13",
        says: said(
            "Passwords and tokens are never written to log, database, screen, dashboard, crash file or command line.",
            "パスワードとトークンを、ログ・DB・画面・異常終了ファイルに書きません。",
        ),
        number: said("0 canary hits", "目印の文字列の出現 0"),
        tests: &["g13_", "sec01_"],
        trials: &[],
    },
    Promise {
        id: "G14",
        says: said("Memory has a stated limit.", "メモリの上限を明示します。"),
        number: said(
            "RSS <= 64 MB at 100 symbols for 24 h; slope < 1 MB/h after the first hour",
            "100 銘柄・24 時間で RSS 64MB 以下。最初の 1 時間の後の増加は毎時 1MB 未満",
        ),
        tests: &[],
        trials: &["g14_memory"],
    },
];

/// What nobody should expect.
pub const NOT_PROMISED: &[Said] = &[
    said(
        "Trades that the station merged upstream (400 ms thinning) cannot be seen in PUSH; they come back only through time-and-sales. This version marks gaps and their volume; it does not fetch time-and-sales itself yet.",
        "kabuステーションの側でまとめられた約定（約 400 ミリ秒の間引き）は PUSH では見えません。歩み値でのみ補えます。この版は欠落と出来高に印を付けますが、歩み値はまだ自分では取得しません。",
    ),
    said(
        "If the process is killed while the database cannot be written (full, locked), the waiting windows are gone as rows; their volume appears as a marked gap at the next start.",
        "DB に書けない間（満杯・ロック中）にプロセスを強制終了すると、待っていた窓は行としては失われます。その出来高は次の起動時に欠落として記録されます。",
    ),
    said(
        "At Windows logoff or shutdown an interactive program gets no notice at all: G5 and G6 hold there, G11 does not.",
        "Windows のサインアウトやシャットダウンでは、対話型のプログラムに通知がありません。G5 と G6 は成り立ちますが、G11 は成り立ちません。",
    ),
    said(
        "A disk that lies about its flush voids G6. We cannot detect that.",
        "書き込み完了を偽るディスクでは G6 は成り立ちません。検出もできません。",
    ),
    said(
        "We do not log in for the user, do not fight another program for the one WebSocket, and never place orders.",
        "ログインの代行はしません。1 本しかない WebSocket をほかのプログラムと奪い合いません。注文は決して出しません。",
    ),
];
