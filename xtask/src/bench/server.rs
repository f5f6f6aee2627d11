//! A server under test: started on free ports, found by what it prints, stopped by its id.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Engine;
use super::binaries::Binaries;

/// How long a server may take to say where it listens, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    child: Child,
    pub(super) url: String,
    /// Where operators ask; the sidecar's only.
    pub(super) admin: Option<String>,
    pub(super) uds: Option<PathBuf>,
    /// The sidecar's key set.
    pub(super) keys: Option<PathBuf>,
}

impl Server {
    /// A sidecar over `dir`, which must be fresh.
    pub(super) fn sidecar(
        binaries: &Binaries,
        dir: &Path,
        engine: Engine,
        durability: &str,
    ) -> Result<Self> {
        let bundle = binaries.root.join(engine.bundle());
        let name = format!("sidecar ({})", engine.name());
        Self::sidecar_with(binaries, dir, name, &bundle, &["--durability", durability])
    }

    /// The same with another bundle and further flags.
    pub(super) fn sidecar_with(
        binaries: &Binaries,
        dir: &Path,
        name: String,
        bundle: &Path,
        flags: &[&str],
    ) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let uds = dir.join("gate.sock");
        let mut command = Command::new(&binaries.sidecar);
        command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(flags)
            .arg("--uds")
            .arg(&uds)
            .arg("--data-dir")
            .arg(dir)
            .arg("--bundle")
            .arg(bundle)
            .stderr(std::fs::File::create(dir.join("stderr.log"))?);
        let mut server = Self::start(name, command, 3)?;
        server.keys = Some(dir.join("keys.json"));
        server.uds = Some(uds);
        Ok(server)
    }

    /// Bare actix-web answering a body of that size.
    pub(super) fn bare_actix(binaries: &Binaries, dir: &Path, body_bytes: u64) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let uds = dir.join("bare.sock");
        let mut command = Command::new(&binaries.bare_actix);
        command
            .arg("--until-stdin-closes")
            .args(["--body-bytes", &body_bytes.to_string()])
            .arg("--uds")
            .arg(&uds);
        let mut server = Self::start("bare actix-web".to_owned(), command, 1)?;
        server.uds = Some(uds);
        Ok(server)
    }

    /// The order service of the cloud path.
    pub(super) fn cloud_service(
        binaries: &Binaries,
        policy_url: &str,
        postgres: &str,
    ) -> Result<Self> {
        let mut command = Command::new(&binaries.cloud_path);
        command
            .arg("--until-stdin-closes")
            .args(["--policy", policy_url])
            .args(["--postgres", postgres]);
        Self::start("cloud path".to_owned(), command, 1)
    }

    /// Starts it and waits for `lines` lines of output, one of which names the public address.
    fn start(name: String, mut command: Command, lines: usize) -> Result<Self> {
        for (variable, _) in std::env::vars_os() {
            // Only the arguments here decide how it runs. (`RUST_BACKTRACE` makes loading a bundle
            // three times the work.)
            let text = variable.to_string_lossy();
            if ["GATE_", "MIMALLOC_", "RUST_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(variable);
            }
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut server = Self {
            name,
            child,
            url: String::new(),
            admin: None,
            uds: None,
            keys: None,
        };
        let (sender, receiver) = mpsc::channel();
        // Reads on after the address, so that a talkative server never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let began = Instant::now();
        for _ in 0..lines {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let Ok(line) = receiver.recv_timeout(left) else {
                bail!("{} did not say where it listens", server.name);
            };
            if let Some(url) = line.strip_prefix("listening on http://") {
                server.url = format!("http://{url}");
            }
            if let Some(address) = line.strip_prefix("admin listening on http://") {
                server.admin = Some(address.to_owned());
            }
        }
        if server.url.is_empty() {
            bail!("{} named no address", server.name);
        }
        Ok(server)
    }

    /// The id of its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it; what went wrong with that is printed and returned. What was measured before is worth
    /// more than a tidy end.
    pub(super) fn end(self) -> Option<String> {
        let problem = format!("{:#}", self.stop().err()?);
        println!("{problem}");
        Some(problem)
    }

    /// Asks it to stop and waits until it has.
    fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let id = self.child.id().to_string();
        // SIGTERM to this one process, so that it drains as it would in service.
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("{} ended with {status}", self.name);
                }
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{} did not stop", self.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
impl Server {
    /// A shell that says it listens, and ends with that status when it is to stop.
    pub(super) fn example(name: &str, status: u32) -> Self {
        let mut shell = Command::new("sh");
        let script = format!(
            "trap 'exit {status}' TERM; echo listening on http://127.0.0.1:1; read line; exit {status}"
        );
        shell.args(["-c", &script]);
        Self::start(name.to_owned(), shell, 1).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_badly_is_named_and_one_that_ends_well_is_not() {
        assert_eq!(Server::example("good", 0).end(), None);
        let problem = Server::example("bad", 3).end().unwrap();
        assert!(problem.starts_with("bad ended with"), "{problem}");
    }
}
