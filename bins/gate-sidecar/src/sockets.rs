//! The sockets that orders come in by, and room for their connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that the admin listener holds open.
pub(crate) const ADMIN_CONNECTIONS: usize = 128;
/// File descriptors for all else: the journal and those who read it, bundles, keys, event queues.
const OTHER_FILES: u64 = 128;
/// Connections of a worker that are enough for nearly everybody.
const PLENTY: usize = 1_000;
/// Pending connections the kernel may hold.
const BACKLOG: i32 = 4_096;
/// How long a client may leave answers unread. One whose receive window stays closed keeps what it was
/// sent, and a worker busy, for as long as it stays.
pub(crate) const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A listener whose connections end when their client does not take what it is sent.
pub(crate) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // Those that it accepts have it from it (tcp(7), `TCP_USER_TIMEOUT`).
    #[cfg(target_os = "linux")]
    {
        let millis = u32::try_from(UNREAD_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(&listener, millis)?;
    }
    Ok(listener)
}

/// How many connections a worker may hold open: those that are wanted, if there are file descriptors for them.
/// Asks for as many of these as the process may have.
pub(crate) fn room_for(wanted: usize, workers: usize) -> usize {
    let may = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: may.maximum,
        maximum: may.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::info!(%error, "the limit of open files stays as it is");
    }
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let room = connections(files, workers);
    if room < wanted.min(PLENTY) {
        tracing::warn!(
            max_connections = wanted,
            in_force = room,
            open_files = files,
            "too few open files are allowed for many connections; raise the limit (`LimitNOFILE`, `ulimit -Hn`)"
        );
    } else if room < wanted {
        tracing::info!(
            max_connections = wanted,
            in_force = room,
            open_files = files,
            "there are as many connections as open files are allowed"
        );
    }
    room.min(wanted)
}

/// Connections of one worker, out of so many file descriptors: an operator can connect, and the journal be
/// read, when all of them are open.
fn connections(files: u64, workers: usize) -> usize {
    let reserved = OTHER_FILES.saturating_add(u64::try_from(ADMIN_CONNECTIONS).unwrap_or(u64::MAX));
    let left = usize::try_from(files.saturating_sub(reserved)).unwrap_or(usize::MAX);
    (left / workers.max(1)).max(1)
}

/// A socket left by a process that is gone is removed; one that answers is not ours to take.
pub(crate) fn remove_stale(path: &Path) -> Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let shown = path.display();
    if !found.file_type().is_socket() {
        anyhow::bail!("`{shown}` exists and is no socket");
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!("another process listens on `{shown}`");
    }
    std::fs::remove_file(path).with_context(|| format!("cannot remove the stale `{shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn who_takes_nothing_does_not_stay_connected() {
        let listener = listener(([127, 0, 0, 1], 0).into()).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let timeout = rustix::net::sockopt::tcp_user_timeout;
        assert_eq!(timeout(&accepted).unwrap(), 30_000);
        assert_eq!(timeout(&client).unwrap(), 0);
    }

    #[test]
    fn operators_and_the_journal_have_room_beside_all_connections() {
        assert_eq!(connections(1_024, 2), 384);
        assert_eq!(connections(1_048_576, 2), 524_160);
        // Too few for anybody: one connection is tried all the same.
        assert_eq!(connections(100, 2), 1);
    }
}
