//! Stop signals: Ctrl+C, Ctrl+Break, closing the console, SIGTERM, SIGHUP.
//!
//! On Windows the handler of a closing console must not return before we are done: returning ends the process at once.
//! Tokio's handler does not return for these events, so the process lives until it exits by itself or the system's five
//! seconds are over.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::exit::Exit;

/// The names of the signals as they come; must be called inside the runtime.
///
/// # Errors
/// When the system takes no handler.
pub fn listen() -> io::Result<mpsc::Receiver<&'static str>> {
    let (tell, signals) = mpsc::channel(4);
    platform::listen(&tell)?;
    Ok(signals)
}

/// A flag for commands that only look now and then whether they shall stop: raised by the first signal; the second ends
/// the process at once.
///
/// # Errors
/// When the system gives no thread or takes no handler.
pub fn flag() -> io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { listen() })?;
    let raised = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&raised);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            while signals.recv().await.is_some() {
                if theirs.swap(true, Ordering::Relaxed) {
                    Exit::Forced.now();
                }
            }
        });
    })?;
    Ok(raised)
}

/// Passes each occurrence of one signal on.
macro_rules! pass_on {
    ($stream:expr, $name:expr, $tell:expr) => {{
        let (mut stream, tell) = ($stream, $tell.clone());
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                $crate::fault::point("signal");
                if tell.send($name).await.is_err() {
                    break;
                }
            }
        });
    }};
}

#[cfg(unix)]
mod platform {
    use super::{io, mpsc};
    use tokio::signal::unix::{SignalKind, signal};

    pub fn listen(tell: &mpsc::Sender<&'static str>) -> io::Result<()> {
        pass_on!(signal(SignalKind::interrupt())?, "Ctrl+C", tell);
        pass_on!(signal(SignalKind::terminate())?, "SIGTERM", tell);
        pass_on!(signal(SignalKind::hangup())?, "SIGHUP", tell);
        Ok(())
    }
}

#[cfg(windows)]
mod platform {
    use super::{io, mpsc};
    use tokio::signal::windows;

    pub fn listen(tell: &mpsc::Sender<&'static str>) -> io::Result<()> {
        pass_on!(windows::ctrl_c()?, "Ctrl+C", tell);
        pass_on!(windows::ctrl_break()?, "Ctrl+Break", tell);
        pass_on!(windows::ctrl_close()?, "console closed", tell);
        pass_on!(windows::ctrl_logoff()?, "logoff", tell);
        pass_on!(windows::ctrl_shutdown()?, "shutdown", tell);
        Ok(())
    }
}
