//! Binds the sockets for orders, and fits the number of connections to the file descriptor limit.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that the admin listener holds open.
pub(crate) const ADMIN_CONNECTIONS: usize = 128;
/// File descriptors reserved for everything else: the journal and its readers, bundles, keys, event
/// queues.
const OTHER_FILES: u64 = 128;
/// Connections per worker that are enough for nearly everybody: a limit below is worth a warning.
const PLENTY: usize = 1_000;
/// Connections the kernel may queue before they are accepted.
const BACKLOG: i32 = 4_096;
/// How long a client may leave answers unread. Without a limit, one whose receive window stays
/// closed keeps its connection and buffers, and a worker busy, for as long as it likes.
pub(crate) const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Binds a listener whose connections are dropped when a client leaves answers unread for
/// [`UNREAD_TIMEOUT`] (Linux only).
pub(crate) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    // Accepted sockets inherit it (tcp(7), `TCP_USER_TIMEOUT`).
    #[cfg(target_os = "linux")]
    {
        let millis = u32::try_from(UNREAD_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(&listener, millis)?;
    }
    Ok(listener)
}

/// Raises the limit of open files as far as allowed. Returns the connections each worker may hold
/// open: `wanted`, or as many as file descriptors allow.
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

/// Connections per worker out of `files` descriptors, at least one. The reserve lets operators
/// connect and the journal be read when all are open.
fn connections(files: u64, workers: usize) -> usize {
    let reserved = OTHER_FILES.saturating_add(u64::try_from(ADMIN_CONNECTIONS).unwrap_or(u64::MAX));
    let left = usize::try_from(files.saturating_sub(reserved)).unwrap_or(usize::MAX);
    (left / workers.max(1)).max(1)
}

/// Removes a socket that a dead process left behind. Fails when another process has it, of whatever
/// type and however busy, or when the path is not a socket.
pub(crate) fn remove_stale(path: &Path) -> Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let shown = path.display();
    if !found.file_type().is_socket() {
        anyhow::bail!("`{shown}` exists and is no socket");
    }
    match knock(path) {
        // Nobody has it.
        Err(Errno::CONNREFUSED) => {}
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => {
            anyhow::bail!("another process listens on `{shown}`")
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot tell who has the socket `{shown}`"));
        }
    }
    std::fs::remove_file(path).with_context(|| format!("cannot remove the stale `{shown}`"))
}

/// Connects, without waiting for a process that does not accept.
fn knock(path: &Path) -> Result<(), Errno> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
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

    /// A log daemon's, for one, answers no stream, and a busy process no further one.
    #[test]
    fn a_socket_that_somebody_has_is_left_alone_whatever_it_is() {
        use std::os::unix::net::{UnixDatagram, UnixListener};
        let dir = tempfile::tempdir().unwrap();
        let [stream, datagram, busy, stale] =
            ["stream", "datagram", "busy", "stale"].map(|name| dir.path().join(name));
        let _stream = UnixListener::bind(&stream).unwrap();
        let _datagram = UnixDatagram::bind(&datagram).unwrap();
        let full = UnixListener::bind(&busy).unwrap();
        rustix::net::listen(&full, 0).unwrap();
        let _waiting = std::os::unix::net::UnixStream::connect(&busy).unwrap();
        drop(UnixListener::bind(&stale).unwrap());
        for taken in [&stream, &datagram, &busy] {
            let refused = remove_stale(taken).unwrap_err().to_string();
            assert!(refused.contains("another process listens"), "{refused}");
            assert!(taken.exists());
        }
        remove_stale(&stale).unwrap();
        assert!(!stale.exists());
    }

    #[test]
    fn operators_and_the_journal_have_room_beside_all_connections() {
        assert_eq!(connections(1_024, 2), 384);
        assert_eq!(connections(1_048_576, 2), 524_160);
        // Too few descriptors: one connection is allowed all the same.
        assert_eq!(connections(100, 2), 1);
    }
}
