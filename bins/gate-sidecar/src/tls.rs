//! TLS of the public listener: the server's certificate, and the verification of clients'. A reload
//! replaces both.

mod files;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};

use crate::clock::SystemClock;
use crate::config::Config;

/// How long a handshake may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// TLS as configured.
pub(crate) struct Tls {
    sources: Sources,
    provider: Arc<CryptoProvider>,
    identity: Arc<Identity>,
    /// `None` when no client certificate is requested.
    clients: Option<Arc<Clients>>,
    ends: ArcSwap<Ends>,
}

/// The earliest expiry of the certificates in each file, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) server: Option<i64>,
    pub(crate) client_ca: Option<i64>,
}

/// The configured files.
struct Sources {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// The content of the files, validated, and not in force yet.
pub(crate) struct Renewal {
    certified: Arc<CertifiedKey>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    ends: Ends,
}

impl Tls {
    /// Reads the configured files; `None` when `listen` speaks plain HTTP.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>> {
        let (Some(cert), Some(key)) = (&config.tls_cert, &config.tls_key) else {
            return Ok(None);
        };
        let sources = Sources {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: config.tls_client_ca.clone(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let Renewal {
            certified,
            verifier,
            ends,
        } = sources.read(&provider)?;
        Ok(Some(Self {
            sources,
            provider,
            identity: Arc::new(Identity(ArcSwap::new(certified))),
            clients: verifier.map(|verifier| Arc::new(Clients::new(verifier))),
            ends: ArcSwap::from_pointee(ends),
        }))
    }

    /// The configuration to start a listener with.
    pub(crate) fn server(&self) -> Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients) as _),
        };
        let mut server = builder.with_cert_resolver(Arc::clone(&self.identity) as _);
        // No session resumption: connections live long, and each new one must be verified against
        // the certificates now in force.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(server)
    }

    /// Reads the files again; nothing is in force yet.
    pub(crate) fn read_again(&self) -> Result<Renewal> {
        self.sources.read(&self.provider)
    }

    /// Puts the renewal in force for new connections.
    pub(crate) fn renew(&self, renewal: Renewal) {
        self.identity.0.store(renewal.certified);
        self.ends.store(Arc::new(renewal.ends));
        if let (Some(clients), Some(verifier)) = (&self.clients, renewal.verifier) {
            clients.verifier.store(Arc::new(verifier));
        }
    }

    /// The expiry of the certificates in force.
    pub(crate) fn ends(&self) -> Ends {
        **self.ends.load()
    }

    /// Warns of certificates that are not valid any more. They are in force all the same.
    pub(crate) fn warn_of_the_end(&self) {
        let now_s = SystemClock::shared().now().unix_seconds();
        let now_s = i64::try_from(now_s).unwrap_or(i64::MAX);
        let Ends { server, client_ca } = self.ends();
        for (of, end) in [("server", server), ("client_ca", client_ca)] {
            if end.is_some_and(|end| end <= now_s) {
                tracing::warn!(of, "a certificate is not valid any more");
            }
        }
    }

    /// Client certificates refused since the start; `None` when none are requested.
    pub(crate) fn refused(&self) -> Option<u64> {
        let clients = self.clients.as_ref()?;
        Some(clients.refused.load(Ordering::Relaxed))
    }
}

impl Sources {
    fn read(&self, provider: &Arc<CryptoProvider>) -> Result<Renewal> {
        let chain = files::certificates(&self.cert)?;
        let server = files::first_end(&chain);
        let certified = CertifiedKey::from_der(chain, files::private_key(&self.key)?, provider)
            .with_context(|| format!("the key `{}`", self.key.display()))
            .with_context(|| format!("the certificate `{}`", self.cert.display()))?;
        let authorities = |path: &PathBuf| {
            let certificates = files::certificates(path)?;
            let end = files::first_end(&certificates);
            let mut roots = RootCertStore::empty();
            for authority in certificates {
                roots.add(authority)?;
            }
            let clients =
                WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
            anyhow::Ok((clients.build()?, end))
        };
        let in_file = |path: &PathBuf| {
            authorities(path).with_context(|| format!("the authorities `{}`", path.display()))
        };
        let clients = self.client_ca.as_ref().map(in_file).transpose()?;
        let (verifier, client_ca) = clients.unzip();
        Ok(Renewal {
            certified: Arc::new(certified),
            verifier,
            ends: Ends {
                server,
                client_ca: client_ca.flatten(),
            },
        })
    }
}

/// The certificate and key presented to every client.
#[derive(Debug)]
struct Identity(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Verifies clients' certificates against the configured CAs.
#[derive(Debug)]
struct Clients {
    verifier: ArcSwap<Arc<dyn ClientCertVerifier>>,
    refused: AtomicU64,
}

impl Clients {
    fn new(verifier: Arc<dyn ClientCertVerifier>) -> Self {
        Self {
            verifier: ArcSwap::from_pointee(verifier),
            refused: AtomicU64::new(0),
        }
    }

    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            // At debug level: strangers must not be able to fill the log.
            tracing::debug!(%error, "refused a client's certificate");
        })
    }
}

impl ClientCertVerifier for Clients {
    /// No hints about which certificate to present: a reload could not change them.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verifier = self.verifier.load();
        self.noted(verifier.verify_client_cert(end_entity, intermediates, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.verifier.load();
        self.noted(verifier.verify_tls12_signature(message, cert, signed))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.verifier.load();
        self.noted(verifier.verify_tls13_signature(message, cert, signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.load().supported_verify_schemes()
    }
}
