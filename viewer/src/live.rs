//! A running Rerun viewer as a sink that never holds up the run for good.
//!
//! Rerun's own `GrpcSink` (0.36) waits without end for a viewer that isn't there or has stopped reading, and once more when
//! it is dropped. Here it has a thread of its own; a viewer that takes nothing for [`PATIENCE`] is given up, and the `.rrd`
//! file beside it becomes complete all the same.

use crate::ViewerError;
use crate::viewer::DEFAULT_CONNECT_URL;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rerun::external::re_uri::ProxyUri;
use rerun::log::LogMsg;
use rerun::sink::{GrpcSink, LogSink, SinkFlushError};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A connected viewer may take this long for the next message, and for the last.
const PATIENCE: Duration = Duration::from_secs(10);
/// Somebody must answer within this span when a run begins.
const FIRST_ANSWER: Duration = Duration::from_secs(3);
/// Messages that may wait for the viewer.
const QUEUE: usize = 64;

enum Command {
    Message(Box<LogMsg>),
    Flush(Sender<Result<(), SinkFlushError>>),
}

/// A running viewer.
pub(crate) struct LiveViewer {
    commands: Sender<Command>,
    /// It took nothing for too long: nothing more is sent.
    given_up: AtomicBool,
}

/// Tells when the viewer has been let go of.
pub(crate) struct LiveEnd(Receiver<()>);

impl LiveEnd {
    /// After the sink has been dropped: waits until the connection is closed in good order; whether it was.
    pub(crate) fn wait(&self) -> bool {
        matches!(self.0.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected))
    }
}

/// Makes sure that somebody listens at a viewer's address, and lets go again: to know it before a run begins.
///
/// # Errors
/// [`ViewerError::Connect`]: an address that makes no sense, or nobody there.
pub fn find(url: &str) -> Result<(), ViewerError> {
    reach(url).map(drop)
}

fn reach(url: &str) -> Result<ProxyUri, ViewerError> {
    let failed = |problem: String| ViewerError::Connect { url: url.to_owned(), problem };
    let address: ProxyUri = url
        .parse()
        .map_err(|error| failed(format!("{error}, expected something like {DEFAULT_CONNECT_URL}")))?;
    let host = address.origin.format_host();
    let sockets = (host.trim_matches(['[', ']']), address.origin.port)
        .to_socket_addrs()
        .map_err(|error| failed(error.to_string()))?;
    let mut answer = Err(failed("its host has no address".to_owned()));
    for socket in sockets {
        answer = TcpStream::connect_timeout(&socket, FIRST_ANSWER)
            .map(drop)
            .map_err(|error| failed(error.to_string()));
        if answer.is_ok() {
            break;
        }
    }
    answer.map(|()| address)
}

impl LiveViewer {
    /// Makes sure that somebody listens at the address, and turns to it.
    ///
    /// # Errors
    /// An address that makes no sense, nobody there, or no thread.
    pub(crate) fn connect(url: &str) -> Result<(Self, LiveEnd), ViewerError> {
        let address = reach(url)?;
        let (commands, receiver) = bounded(QUEUE);
        let (alive, ended) = bounded(0);
        // Never joined: it may hang in Rerun's sink, and ends with the process.
        std::thread::Builder::new()
            .name("live-viewer".to_owned())
            .spawn(move || {
                serve(GrpcSink::new(address), &receiver);
                drop(alive);
            })
            .map_err(|error| ViewerError::Thread(error.to_string()))?;
        Ok((Self { commands, given_up: AtomicBool::new(false) }, LiveEnd(ended)))
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    fn give_up(&self) {
        if !self.given_up.swap(true, Ordering::Relaxed) {
            tracing::warn!("the Rerun viewer has taken nothing for {PATIENCE:?}: it gets nothing more");
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "dropping the sink closes the connection")]
fn serve(viewer: GrpcSink, commands: &Receiver<Command>) {
    for command in commands {
        match command {
            Command::Message(message) => viewer.send(*message),
            Command::Flush(done) => {
                let _ = done.send(viewer.flush_blocking(PATIENCE)); // nobody waits any more: no harm
            }
        }
    }
}

impl LogSink for LiveViewer {
    fn send(&self, message: LogMsg) {
        let command = Command::Message(Box::new(message));
        if !self.is_given_up() && self.commands.send_timeout(command, PATIENCE).is_err() {
            self.give_up();
        }
    }

    fn flush_blocking(&self, timeout: Duration) -> Result<(), SinkFlushError> {
        let patience = timeout.min(PATIENCE);
        let (done, answer) = bounded(1);
        if self.is_given_up() || self.commands.send_timeout(Command::Flush(done), patience).is_err() {
            self.give_up();
            return Err(SinkFlushError::failed("it stopped taking data"));
        }
        match answer.recv_timeout(patience) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.give_up();
                Err(SinkFlushError::Timeout)
            }
            Err(RecvTimeoutError::Disconnected) => Err(SinkFlushError::failed("its thread has ended")),
        }
    }
}
