//! Runs sidecars on free ports; makes their requests and bundles.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Reply};

pub(crate) struct Sidecar {
    child: Child,
    public: SocketAddr,
    admin: SocketAddr,
}

/// The binary under test.
pub(crate) fn gate_sidecar() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gate-sidecar"));
    // A developer's own settings must not leak in.
    command.env_clear().env("RUST_BACKTRACE", "1");
    command
}

/// Runs a command of the binary to its end.
pub(crate) fn run(args: &[&str], stdin: &[u8]) -> Output {
    use std::io::Write as _;
    let mut command = gate_sidecar();
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its stdin closes it early.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

impl Sidecar {
    /// Starts over `data_dir` with further flags.
    pub(crate) fn start(data_dir: &Path, flags: &[&str]) -> Self {
        Self::start_listening(data_dir, flags, "http")
    }

    /// Starts with flags that make the address for orders speak TLS.
    pub(crate) fn start_with_tls(data_dir: &Path, flags: &[&str]) -> Self {
        Self::start_listening(data_dir, flags, "https")
    }

    fn start_listening(data_dir: &Path, flags: &[&str], scheme: &str) -> Self {
        Self::of(Self::spawn(data_dir, flags), scheme)
    }

    /// A started process, once it listens.
    pub(crate) fn of(mut child: Child, scheme: &str) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |prefix: &str| {
            let line = lines
                .next()
                .expect("the sidecar stopped before it listened")
                .unwrap();
            let address = line
                .strip_prefix(prefix)
                .unwrap_or_else(|| panic!("`{line}`"));
            address.parse().unwrap()
        };
        let public = address(&format!("listening on {scheme}://"));
        let admin = address("admin listening on http://");
        Self {
            child,
            public,
            admin,
        }
    }

    /// Starts over `data_dir` and waits for nothing.
    pub(crate) fn spawn(data_dir: &Path, flags: &[&str]) -> Child {
        Self::command(data_dir, flags).spawn().unwrap()
    }

    /// The command that starts it.
    pub(crate) fn command(data_dir: &Path, flags: &[&str]) -> Command {
        let mut command = gate_sidecar();
        command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--set", "log=warn"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    /// The address for orders.
    pub(crate) fn public(&self) -> SocketAddr {
        self.public
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.public)
    }

    pub(crate) fn admin(&self) -> Client {
        Client::connect(self.admin)
    }

    pub(crate) fn metrics(&self) -> String {
        String::from_utf8(self.admin().get("/metrics").body).unwrap()
    }

    pub(crate) fn exposure(&self, client_id: &str) -> Value {
        self.client()
            .get(&format!("/v1/exposure/{client_id}"))
            .json()
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(mut self) {
        kill(&mut self.child);
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }
}

/// Kills the process with SIGKILL, and waits until it is gone.
pub(crate) fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // Already gone after `kill` or `wait`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A sidecar over a fresh directory.
pub(crate) fn fresh(flags: &[&str]) -> (Sidecar, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(&dir.path().join("data"), flags);
    (sidecar, dir)
}

/// The body of an authorize call.
pub(crate) fn order(client_id: &str, order_id: &str, qty: u64, price: &str) -> String {
    format!(
        r#"{{"order":{{"client_order_id":"{order_id}","symbol":"AAPL","side":"BUY","qty":{qty},"price":{price}}},"context":{{"client_id":"{client_id}"}}}}"#
    )
}

pub(crate) fn authorize(client: &mut Client, body: &str) -> Reply {
    client.post("/v1/authorize", body)
}

/// Waits until `holds`, for up to a minute: the machine may be busy.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A bundle for the built-in rules, written below `dir`.
pub(crate) fn builtin_bundle(dir: &Path, revision: &str, max_exposure: &str) -> PathBuf {
    let bundle = dir.join(format!("bundle-{revision}"));
    std::fs::create_dir_all(&bundle).unwrap();
    let data = json!({
        "limits": {"default": {"max_exposure": max_exposure}},
        "instruments": {"AAPL": {"reference_price": "185.00"}},
    });
    std::fs::write(bundle.join("data.json"), data.to_string()).unwrap();
    let manifest = json!({"revision": revision, "roots": [""]});
    std::fs::write(bundle.join(".manifest"), manifest.to_string()).unwrap();
    bundle
}

/// A bundle whose Rego names the limit and allows everything else.
pub(crate) fn rego_bundle(dir: &Path, revision: &str, max_exposure: &str) -> PathBuf {
    let bundle = builtin_bundle(dir, revision, max_exposure);
    let rego = format!(
        "package gate\n\ndecision := {{\"allow\": true, \"reasons\": [], \
         \"limits\": {{\"max_exposure\": {max_exposure}}}}}\n"
    );
    std::fs::write(bundle.join("policy.rego"), rego).unwrap();
    bundle
}
