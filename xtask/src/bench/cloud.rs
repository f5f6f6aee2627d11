//! Runs the cloud path: the order service, its policy server and a PostgreSQL of its own over a
//! fresh directory, which is removed afterwards.

use std::fs::Permissions;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::Engine;
use super::binaries::Binaries;
use super::environment::file_system;
use super::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);
/// PostgreSQL refuses to run as root; then it runs as this user.
const UNPRIVILEGED: &str = "nobody";

/// The cloud path, up and running; parts end in reverse order.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) service: Server,
    /// The name of the policy server.
    pub(super) policy_server: &'static str,
    /// The file system that PostgreSQL writes to.
    pub(super) file_system: String,
    policy: Policy,
    postgres: Postgres,
}

#[derive(Debug)]
enum Policy {
    Opa(Child),
    /// Our own Data API over the same bundle.
    StandIn(Server),
}

impl Cloud {
    pub(super) fn start(binaries: &Binaries, scratch: &Path, opa: Option<&Path>) -> Result<Self> {
        let postgres = Postgres::start(scratch)?;
        let (policy, url, policy_server) = match find_opa(opa)? {
            Some(program) => {
                let (child, url) = start_opa(binaries, &program)?;
                (Policy::Opa(child), url, "opa")
            }
            None => {
                let dir = scratch.join("stand-in");
                let server = Server::sidecar(binaries, &dir, Engine::Rego, "strict")?;
                let url = server.url.clone();
                (
                    Policy::StandIn(server),
                    url,
                    "stand-in: gate-sidecar's Data API",
                )
            }
        };
        println!("cloud path: policy by {policy_server}");
        let policy_url = format!("{url}/v1/data/gate/decision");
        let service = Server::cloud_service(binaries, &policy_url, &postgres.connection())?;
        Ok(Self {
            service,
            policy_server,
            file_system: file_system(postgres.dir.path()),
            policy,
            postgres,
        })
    }

    /// Makes PostgreSQL do its maintenance now, and not in another server's turn.
    pub(super) fn settle(&self) -> Result<()> {
        self.postgres.clean_up()
    }

    /// Stops all of it; returns what went wrong with that.
    pub(super) fn end(self) -> Vec<String> {
        let policy = match self.policy {
            Policy::Opa(mut child) => {
                let ended = child.kill().and_then(|()| child.wait());
                ended.err().map(|error| format!("opa: {error}"))
            }
            Policy::StandIn(server) => server.end(),
        };
        let postgres = self.postgres.stop().err();
        let postgres = postgres.map(|error| format!("postgres: {error:#}"));
        [self.service.end(), policy, postgres]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The `opa` that was named, or the one on PATH.
fn find_opa(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(path) = named {
        ensure!(path.is_file(), "no `{}`", path.display());
        return Ok(Some(path.to_owned()));
    }
    Ok(on_path("opa"))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

fn start_opa(binaries: &Binaries, program: &Path) -> Result<(Child, String)> {
    let port = free_port()?;
    let child = Command::new(program)
        .args(["run", "--server", "--log-level", "error", "--addr"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("--bundle")
        .arg(binaries.root.join(Engine::Rego.bundle()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start opa")?;
    wait_for_port(port, "opa")?;
    Ok((child, format!("http://127.0.0.1:{port}")))
}

/// A PostgreSQL over a fresh directory, with its own defaults: every commit is synchronous.
#[derive(Debug)]
struct Postgres {
    dir: tempfile::TempDir,
    child: Option<Child>,
    port: u16,
    as_other: bool,
}

impl Postgres {
    fn start(scratch: &Path) -> Result<Self> {
        let bin = postgres_bin()?;
        let as_other = own_uid(scratch)? == 0;
        let dir = data_home(scratch, as_other)?;
        let mut postgres = Self {
            port: free_port()?,
            child: None,
            as_other,
            dir,
        };
        let data = postgres.dir.path().join("data");
        let mut initdb = postgres.command(&bin.join("initdb"));
        initdb.args(["--auth=trust", "--username=gate", "--encoding=UTF8"]);
        run(initdb.arg("-D").arg(&data).stdout(Stdio::null()))?;
        let log = std::fs::File::create(postgres.dir.path().join("postgres.log"))?;
        let mut server = postgres.command(&bin.join("postgres"));
        server
            .arg("-D")
            .arg(&data)
            // No Unix socket: its path would be too long for one below some directories.
            .args(["-k", ""])
            .args(["-h", "127.0.0.1", "-p", &postgres.port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        postgres.child = Some(server.spawn().context("cannot start postgres")?);
        wait_for_port(postgres.port, "postgres")?;
        Ok(postgres)
    }

    /// `program`, as the user that PostgreSQL can run as.
    fn command(&self, program: &Path) -> Command {
        let mut command = if self.as_other {
            unprivileged(program)
        } else {
            Command::new(program)
        };
        command.current_dir(self.dir.path());
        command
    }

    fn connection(&self) -> String {
        format!(
            "host=127.0.0.1 port={} user=gate dbname=postgres",
            self.port
        )
    }

    fn clean_up(&self) -> Result<()> {
        let mut psql = Command::new(postgres_bin()?.join("psql"));
        psql.args(["--quiet", "--command", "VACUUM ANALYZE"]);
        psql.args(["--command", "CHECKPOINT"]);
        run(psql.arg("--dbname").arg(self.connection()))
    }

    fn stop(mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            // SIGINT is PostgreSQL's fast shutdown.
            run(Command::new("kill").args(["-INT", &child.id().to_string()]))?;
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = run(Command::new("kill").args(["-INT", &child.id().to_string()]));
            let _ = child.wait();
        }
    }
}

/// The directory of the newest PostgreSQL of this machine, off PATH on Debian.
fn postgres_bin() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("postgres").is_file())
        .collect();
    found.sort();
    found
        .pop()
        .or_else(|| Some(on_path("postgres")?.parent()?.to_owned()))
        .context("no PostgreSQL on this machine: the cloud path needs `initdb` and `postgres`")
}

/// A fresh directory below `scratch`, where the data of the other servers is; in the temporary
/// directory, which may be memory, when PostgreSQL's user cannot come to the other.
fn data_home(scratch: &Path, as_other: bool) -> Result<tempfile::TempDir> {
    let mut named = tempfile::Builder::new();
    let named = named.prefix("gate-cloud-");
    let dir = named.tempdir_in(scratch)?;
    if !as_other {
        return Ok(dir);
    }
    // That user may go through it, and not look around.
    std::fs::set_permissions(scratch, Permissions::from_mode(0o711))?;
    run(Command::new("chown").arg(UNPRIVILEGED).arg(dir.path()))?;
    let mut test = unprivileged(Path::new("test"));
    if test.arg("-w").arg(dir.path()).status()?.success() {
        return Ok(dir);
    }
    let other = named.tempdir()?;
    println!(
        "cloud path: {UNPRIVILEGED} cannot write below {}: PostgreSQL's data is in {}",
        scratch.display(),
        other.path().display()
    );
    run(Command::new("chown").arg(UNPRIVILEGED).arg(other.path()))?;
    Ok(other)
}

fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", UNPRIVILEGED, "--clear-groups"])
        .arg(program);
    command
}

fn own_uid(dir: &Path) -> Result<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata(dir)?.uid())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for_port(port: u16, name: &str) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::io::stdout().flush()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{name} does not listen on port {port}")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether PostgreSQL's user can make a file there.
    fn is_writable(dir: &Path, as_other: bool) -> bool {
        let touch = Path::new("touch");
        let mut touch = if as_other {
            unprivileged(touch)
        } else {
            Command::new(touch)
        };
        touch.arg(dir.join("file")).status().unwrap().success()
    }

    #[test]
    fn the_data_is_beside_that_of_the_other_servers_and_its_user_may_write_there() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::set_permissions(scratch.path(), Permissions::from_mode(0o700)).unwrap();
        let as_other = own_uid(scratch.path()).unwrap() == 0;
        let home = data_home(scratch.path(), as_other).unwrap();
        assert!(home.path().starts_with(scratch.path()), "{home:?}");
        assert!(is_writable(home.path(), as_other));
    }

    #[test]
    fn where_that_user_cannot_come_to_the_data_is_elsewhere() {
        let locked = tempfile::tempdir().unwrap();
        let as_other = own_uid(locked.path()).unwrap() == 0;
        if !as_other {
            return;
        }
        std::fs::set_permissions(locked.path(), Permissions::from_mode(0o700)).unwrap();
        let scratch = locked.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let home = data_home(&scratch, as_other).unwrap();
        assert!(!home.path().starts_with(locked.path()), "{home:?}");
        assert!(is_writable(home.path(), as_other));
    }
}
