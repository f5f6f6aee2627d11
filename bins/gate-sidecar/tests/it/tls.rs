//! TLS of the address for orders: the server's certificate, clients' certificates, and their
//! renewal by reload.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, Reply, connected};
use crate::sidecar::{Sidecar, authorize, gate_sidecar, order};

/// The name on the sidecar's certificate.
const NAME: &str = "gate.test";

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in files.
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self, dir: &Path) -> PathBuf {
        let path = dir.join("authority.pem");
        fs::write(&path, self.0.pem()).unwrap();
        path
    }

    /// Issues a certificate for `name`, in the files `stem.pem` and `stem.key`.
    fn vouch(&self, name: &str, dir: &Path, stem: &str) -> Files {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        let files = Files {
            cert: dir.join(format!("{stem}.pem")),
            key: dir.join(format!("{stem}.key")),
        };
        fs::write(&files.cert, cert.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }

    /// A caller that trusts this authority, and presents `identity` when asked.
    fn caller(&self, identity: Option<&Files>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some(files) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(&files.cert).unwrap()],
                    PrivateKeyDer::from_pem_file(&files.key).unwrap(),
                )
                .unwrap(),
        })
    }
}

impl Files {
    fn flags(&self) -> Vec<&str> {
        vec![
            "--tls-cert",
            self.cert.to_str().unwrap(),
            "--tls-key",
            self.key.to_str().unwrap(),
        ]
    }
}

/// A new connection; the handshake is made with the first request.
fn connect(sidecar: &Sidecar, caller: &Arc<ClientConfig>) -> Client {
    let name = ServerName::try_from(NAME).unwrap();
    let connection = ClientConnection::new(Arc::clone(caller), name).unwrap();
    Client::over(StreamOwned::new(connection, connected(sidecar.public())))
}

fn health(sidecar: &Sidecar, caller: &Arc<ClientConfig>) -> io::Result<Reply> {
    connect(sidecar, caller).send("GET", "/health", &[], b"")
}

#[test]
fn orders_come_over_tls_and_not_without() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let files = authority.vouch(NAME, dir.path(), "gate");
    let sidecar = Sidecar::start_with_tls(&dir.path().join("data"), &files.flags());

    let mut client = connect(&sidecar, &authority.caller(None));
    for id in ["o-1", "o-2"] {
        let reply = authorize(&mut client, &order("c1", id, 10, "185.00"));
        assert_eq!(reply.json()["status"], "AUTHORIZED", "{reply:?}");
    }
    // rcgen's certificates are good until the year 4096.
    let metrics = sidecar.metrics();
    let ends = "\ngate_tls_certificate_expires_timestamp_seconds{of=\"server\"} 67090118400\n";
    assert!(metrics.contains(ends), "{metrics}");
    // A body in TLS records of its own, after those of its head.
    let body = order("c1", "o-3", 10, "185.00");
    let head = format!(
        "POST /v1/authorize HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    client.write(head.as_bytes());
    body.as_bytes()
        .chunks(40)
        .for_each(|part| client.write(part));
    assert_eq!(client.read_reply().unwrap().json()["status"], "AUTHORIZED");
    let exposure = client.get("/v1/exposure/c1").json();
    assert_eq!(exposure["open_orders"], 3, "{exposure}");

    // HTTP/1.1 is negotiated, whatever the client offers.
    let mut caller = (*authority.caller(None)).clone();
    caller.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(NAME).unwrap();
    let mut connection = ClientConnection::new(Arc::new(caller), name).unwrap();
    connection
        .complete_io(&mut connected(sidecar.public()))
        .unwrap();
    assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));

    let plain = Client::connect(sidecar.public()).send("GET", "/health", &[], b"");
    assert!(plain.is_err(), "{plain:?}");
    let stranger = Authority::new().caller(None);
    assert!(health(&sidecar, &stranger).is_err());
}

#[test]
fn only_clients_that_an_authority_vouches_for_are_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let files = authority.vouch(NAME, dir.path(), "gate");
    let trusted = authority.file(dir.path());
    let flags = [
        files.flags(),
        vec!["--tls-client-ca", trusted.to_str().unwrap()],
    ]
    .concat();
    let sidecar = Sidecar::start_with_tls(&dir.path().join("data"), &flags);

    let known = authority.vouch("desk-1", dir.path(), "known");
    let reply = health(&sidecar, &authority.caller(Some(&known))).unwrap();
    assert_eq!(reply.status, 200);
    let unknown = Authority::new().vouch("desk-1", dir.path(), "unknown");
    assert!(health(&sidecar, &authority.caller(Some(&unknown))).is_err());
    assert!(health(&sidecar, &authority.caller(None)).is_err());
    // The listener is unharmed, and the wrong certificate is counted.
    let caller = authority.caller(Some(&known));
    assert!(health(&sidecar, &caller).is_ok());
    let metrics = sidecar.metrics();
    let refused = "\ngate_tls_clients_refused_total 1\n";
    assert!(metrics.contains(refused), "{metrics}");

    // After a reload, each new connection is verified against the new authority.
    let successor = Authority::new();
    successor.file(dir.path());
    assert_eq!(sidecar.admin().post("/v1/reload", "").status, 200);
    assert!(health(&sidecar, &caller).is_err());
    let new = successor.vouch("desk-1", dir.path(), "new");
    assert!(health(&sidecar, &authority.caller(Some(&new))).is_ok());
}

#[test]
fn a_reload_renews_the_certificate_and_a_wrong_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let files = old.vouch(NAME, dir.path(), "gate");
    let sidecar = Sidecar::start_with_tls(&dir.path().join("data"), &files.flags());
    let (by_old, by_new) = (old.caller(None), new.caller(None));
    let mut kept = connect(&sidecar, &by_old);
    assert_eq!(kept.get("/health").status, 200);

    // Half of a renewal: the certificate of another key.
    let renewed = new.vouch(NAME, dir.path(), "renewed");
    fs::rename(&renewed.cert, &files.cert).unwrap();
    let refused = sidecar.admin().post("/v1/reload", "");
    assert_eq!(refused.status, 409);
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("gate.pem"), "{detail}");
    assert!(health(&sidecar, &by_old).is_ok());

    fs::rename(&renewed.key, &files.key).unwrap();
    assert_eq!(sidecar.admin().post("/v1/reload", "").status, 200);
    assert!(health(&sidecar, &by_new).is_ok());
    assert!(health(&sidecar, &by_old).is_err());
    // An open connection stays open.
    assert_eq!(kept.get("/health").status, 200);
}

#[test]
fn files_that_are_wrong_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = authority.vouch(NAME, dir.path(), "good");
    let other = authority.vouch(NAME, dir.path(), "other");
    let open = authority.vouch(NAME, dir.path(), "open");
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&good.cert, fs::Permissions::from_mode(0o600)).unwrap();
    let missing = dir.path().join("missing.pem");
    let [encrypted, as_before] = [
        ("encrypted.key", "ENCRYPTED PRIVATE KEY", ""),
        (
            "before.key",
            "RSA PRIVATE KEY",
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,570F5FC8170EDBF7EF98A27D06267376\n\n",
        ),
    ]
    .map(|(name, label, head)| {
        let path = dir.path().join(name);
        let text = format!("-----BEGIN {label}-----\n{head}MIIBvTBX\n-----END {label}-----\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    });

    for (cert, key, wanted) in [
        (&missing, &good.key, "missing.pem"),
        (&good.cert, &missing, "missing.pem"),
        (&good.key, &good.key, "good.key`: it has no certificate"),
        (&good.cert, &good.cert, "good.pem`: it has no private key"),
        (&good.cert, &other.key, "other.key"),
        (&open.cert, &open.key, "open.key`: it has mode 644"),
        (&good.cert, &encrypted, "encrypted.key`: it is encrypted"),
        (&good.cert, &as_before, "before.key`: it is encrypted"),
    ] {
        let output = gate_sidecar()
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .arg("--tls-cert")
            .arg(cert)
            .arg("--tls-key")
            .arg(key)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(stderr.contains(wanted), "no `{wanted}` in {stderr}");
        assert!(!stderr.contains("PRIVATE"), "{stderr}");
    }
    assert!(!dir.path().join("data").exists(), "something was begun");
}
