//! The command line. Doc comments here are the `--help` texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Authorizes orders next to the trading servers: checks policy and exposure, and signs each
/// decision.
///
/// Without a command it serves: orders on 127.0.0.1:8080, operators on 127.0.0.1:8081, the journal
/// and a generated key in ./gate-data, the policy of the embedded sample.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve orders (the default command).
    Serve(Serve),
    /// Verify decision tokens.
    #[command(subcommand)]
    Token(Token),
    /// Generate, stage, rotate and list signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Check, evaluate, test and compare policy bundles.
    #[command(subcommand)]
    Policy(Policy),
    /// Verify and export the journal.
    #[command(subcommand)]
    Audit(Audit),
    /// Show the exposure ledger, of a running or stopped sidecar; prune a stopped one's journal.
    #[command(subcommand)]
    Ledger(Ledger),
}

#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    /// Do not serve: check that a start would accept the settings, policy, keys, certificates and
    /// the beginning of the journal. Exit 0: it would, 1: it would not
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings come from flags, then `GATE_*` variables, then the file, then the defaults.
#[derive(Debug, Default, Args)]
pub(crate) struct Settings {
    /// TOML file of settings [env: GATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address for orders [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address for operators and monitoring [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
    /// Unix socket for orders, in addition to the address
    #[arg(long, value_name = "PATH")]
    uds: Option<String>,
    #[command(flatten)]
    tls: Tls,
    /// Directory of the journal and the generated key [default: gate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Policy bundle: a directory or a .tar.gz [default: the embedded sample]
    #[arg(long, value_name = "PATH")]
    bundle: Option<String>,
    #[command(flatten)]
    signature: Signature,
    /// JWK Set with the signing keys [default: keys.json in the data directory]
    #[arg(long, value_name = "FILE")]
    keys: Option<String>,
    /// `strict`: reply after the fsync; `relaxed`: before it [default: strict]
    #[arg(long, value_name = "MODE")]
    durability: Option<String>,
    /// Any other setting, as KEY=VALUE (see docs/operating.md)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    other: Vec<String>,
}

/// TLS of the address for orders.
#[derive(Debug, Default, Args)]
struct Tls {
    /// Certificate chain in PEM; makes the address for orders speak TLS [default: plain HTTP]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// CA certificates in PEM; every client must present a certificate that chains to one of them
    /// [default: no client certificates]
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
}

/// How a bundle's signature is verified.
#[derive(Debug, Default, Args)]
pub(crate) struct Signature {
    /// Key that verifies the bundle's signature: public key in PEM, or the HS256 secret [default:
    /// none; a signed bundle is refused]
    #[arg(long, value_name = "FILE")]
    bundle_key: Option<String>,
    /// Key id that the signature must name [default: any]
    #[arg(long, value_name = "ID")]
    bundle_key_id: Option<String>,
    /// Algorithm of the bundle key: RS256, ES256 or HS256 [default: RS256]
    #[arg(long, value_name = "ALG")]
    bundle_key_alg: Option<String>,
    /// Scope that the signature must have [default: it must have none]
    #[arg(long, value_name = "SCOPE")]
    bundle_scope: Option<String>,
}

impl Signature {
    fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        [
            ("bundle_key", &self.bundle_key),
            ("bundle_key_id", &self.bundle_key_id),
            ("bundle_key_alg", &self.bundle_key_alg),
            ("bundle_scope", &self.bundle_scope),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.as_deref()?)))
    }
}

/// Settings of the `policy` commands, from the same sources as those of `serve`.
#[derive(Debug, Default, Args)]
pub(crate) struct BundleSettings {
    /// TOML file of settings [env: GATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    signature: Signature,
}

impl BundleSettings {
    /// The settings that were given, as (key, text).
    pub(crate) fn given(&self) -> Vec<(String, String)> {
        owned(self.signature.given())
    }
}

fn owned<'a>(given: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    given
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect()
}

impl Settings {
    /// The settings that were given, as (key, text); `--set` after the named flags.
    pub(crate) fn given(&self) -> Vec<(String, String)> {
        let named = [
            ("listen", &self.listen),
            ("admin_listen", &self.admin_listen),
            ("uds", &self.uds),
            ("tls_cert", &self.tls.tls_cert),
            ("tls_key", &self.tls.tls_key),
            ("tls_client_ca", &self.tls.tls_client_ca),
            ("data_dir", &self.data_dir),
            ("bundle", &self.bundle),
            ("keys", &self.keys),
            ("durability", &self.durability),
        ];
        let named = named
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.as_deref()?)));
        let other = self
            .other
            .iter()
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        owned(named.chain(self.signature.given()).chain(other))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Verify a token (or a whole reply) on stdin: exit 0 when valid, 1 when not.
    Verify {
        /// JWK Set with the keys
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
        /// Verify as of this time: Unix seconds or RFC 3339 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Audience that the token must name
        #[arg(long, default_value = "gate")]
        audience: String,
        /// Seconds by which clocks may differ, at most 300
        #[arg(long, value_name = "SECONDS", default_value_t = 0,
              value_parser = clap::value_parser!(u64).range(..=gate_token::MAX_LEEWAY_S))]
        leeway: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Write a new JWK Set with one active key; refuses to overwrite.
    Generate {
        /// The file to make
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
    },
    /// Add a key that does not sign yet, so that verifiers can learn it before `rotate --to`
    /// activates it.
    Stage {
        /// The file to change
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
    },
    /// Activate a new key, or a staged one; earlier keys verify until they expire.
    Rotate {
        /// The file to change
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
        /// The staged key to activate [default: a new one]
        #[arg(long, value_name = "KID")]
        to: Option<String>,
    },
    /// List the keys, without their secrets.
    Show {
        /// The file to read
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Check that the bundle loads, compiles and passes its own tests. Exit 0: it does, 1: a test
    /// fails, 2: it does not load or compile.
    Check {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Evaluate one order (`{"order":…,"context":…,"exposure"?:…}` on stdin) and show the verdict.
    /// Exit 0: allowed, 1: blocked, 2: no verdict.
    Eval {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Run the bundle's own tests. Exit 0: passed, 1: failed, 2: does not load or compile.
    Test {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Evaluate recorded orders with two bundles; show which decisions differ, and by how much
    /// notional. Exit 0: none differs, 1: some differ, 2: cannot tell.
    Diff {
        /// The bundle in force
        old: PathBuf,
        /// The bundle that would replace it
        new: PathBuf,
        /// Output of `audit export`, or orders as `eval` reads them, one per line; `-` for stdin
        #[arg(long, value_name = "FILE")]
        orders: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Verify the hash chain. Exit 0: intact, 1: damaged (names the first bad record), 2: cannot
    /// tell.
    Verify {
        /// Directory of the journal
        #[arg(long, value_name = "DIR", default_value = "gate-data")]
        data_dir: PathBuf,
        /// Point of the chain noted earlier, as SEQ:HASH; it must still match, and not be pruned
        #[arg(long = "known", value_name = "SEQ:HASH")]
        known: Vec<String>,
        /// JWK Set with the key that signed the anchor of a pruned journal [default: keys.json in
        /// the data directory]
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Write every record as one line of JSON, verified as it is read. Exit 0: written, 1: damaged, 2:
    /// no store, or no such record.
    Export {
        /// Directory of the journal
        #[arg(long, value_name = "DIR", default_value = "gate-data")]
        data_dir: PathBuf,
        /// The first record to write
        #[arg(long, value_name = "SEQ", default_value_t = 1)]
        from: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Show every client's exposure, or one client's exposure, positions and orders. Exit 0: shown, 1:
    /// no such client, 2: the store cannot be read.
    Show {
        /// Show only this client
        client: Option<String>,
        /// Directory of the journal
        #[arg(long, value_name = "DIR", default_value = "gate-data")]
        data_dir: PathBuf,
        /// Show orders that ended less than this many seconds ago
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        ended_within: u64,
        /// Show only orders in doubt, of all clients: the token expired, and neither a fill nor a
        /// release came
        #[arg(long, conflicts_with = "client")]
        in_doubt: bool,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Delete old records from the beginning of a stopped sidecar's journal, behind a signed
    /// anchor. Records that a remembered order needs are kept. Settings are read as for `serve`.
    Prune {
        /// Days to keep [default: the setting `retention_days`]
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u64>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
}
