//! The command line, as `--help` shows it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Authorizes orders beside the trading servers: policy, exposure and a signed decision.
///
/// Without a command it serves: orders on 127.0.0.1:8080, operators on 127.0.0.1:8081, the
/// journal and a generated key in ./gate-data, the embedded sample policy.
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
    /// Serve (what happens without a command, too).
    Serve(Serve),
    /// Verify decision tokens.
    #[command(subcommand)]
    Token(Token),
    /// Make, rotate and list signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Check, try and test policy bundles.
    #[command(subcommand)]
    Policy(Policy),
    /// Verify and export the journal.
    #[command(subcommand)]
    Audit(Audit),
    /// Look into the exposure ledger, live or stopped.
    #[command(subcommand)]
    Ledger(Ledger),
}

#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    /// Serve nothing: read settings, policy, keys, certificates and the beginning of the journal as a start would,
    /// and say whether all are fit. Exit 0 they are, 1 they are not
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
    /// Unix socket for orders, beside the address
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
    /// Certificate chain in PEM: the address for orders speaks TLS [default: plain HTTP]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Authorities in PEM, one of which must have signed a client's certificate [default: clients
    /// are asked for none]
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
}

/// What a bundle must be signed with.
#[derive(Debug, Default, Args)]
pub(crate) struct Signature {
    /// Key of the bundle's signature: public key in PEM, or the secret of HS256 [default: none,
    /// and a signed bundle is refused]
    #[arg(long, value_name = "FILE")]
    bundle_key: Option<String>,
    /// Name that the signature must give its key [default: any]
    #[arg(long, value_name = "ID")]
    bundle_key_id: Option<String>,
    /// Algorithm of that key: RS256, ES256 or HS256 [default: RS256]
    #[arg(long, value_name = "ALG")]
    bundle_key_alg: Option<String>,
    /// Scope that the signature must have [default: none]
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

/// Settings of the commands that look at bundles: flags, `GATE_*` variables and file, as of
/// serving.
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
        /// Time to judge by: Unix seconds [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The audience that must be named
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
    /// Add a key that does not sign yet, so that verifiers know it before `rotate --to` it.
    Stage {
        /// The file to change
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
    },
    /// Sign with a new key, or a staged one; the old ones go on verifying.
    Rotate {
        /// The file to change
        #[arg(long, value_name = "FILE", default_value = "gate-data/keys.json")]
        keys: PathBuf,
        /// The staged key to sign with [default: a new one]
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
    /// Does the bundle load, compile and pass its own tests? Exit 0 yes, 1 a test fails, 2 no.
    Check {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Judge one order (`{"order":…,"context":…,"exposure"?:…}` on stdin) and show the verdict:
    /// exit 0 allowed, 1 blocked, 2 neither.
    Eval {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Run the bundle's own tests: exit 0 passed, 1 failed, 2 does not compile.
    Test {
        /// Directory or .tar.gz
        bundle: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
    /// Put recorded decisions to two bundles: which would change, and by how much notional? Exit 0
    /// none, 1 some, 2 cannot be told.
    Diff {
        /// The bundle that decides now
        old: PathBuf,
        /// The bundle that would
        new: PathBuf,
        /// What `audit export` wrote, or orders as `eval` takes them, one a line
        #[arg(long, value_name = "FILE")]
        orders: PathBuf,
        #[command(flatten)]
        settings: BundleSettings,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check the hash chain: exit 0 intact, 1 damaged (the first wrong record is named), 2 cannot be told.
    Verify {
        /// Directory of the journal
        #[arg(long, value_name = "DIR", default_value = "gate-data")]
        data_dir: PathBuf,
        /// A place in the chain noted earlier, as SEQ:HASH: it must still be there, and not pruned
        #[arg(long = "known", value_name = "SEQ:HASH")]
        known: Vec<String>,
        /// JWK Set with the key that signed the anchor of a pruned journal [default: keys.json in
        /// the data directory]
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Write every record as one line of JSON, verified as it is read.
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
    /// Show the exposure of every client, or of one with its orders.
    Show {
        /// The client
        client: Option<String>,
        /// Directory of the journal
        #[arg(long, value_name = "DIR", default_value = "gate-data")]
        data_dir: PathBuf,
        /// Seconds for which ended orders are shown
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        ended_within: u64,
        /// Only the orders in doubt, of all clients: their tokens expired, and nothing was heard of them
        #[arg(long, conflicts_with = "client")]
        in_doubt: bool,
        /// One JSON object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Cut off the beginning of a stopped sidecar's journal, behind a signed anchor: what is older
    /// than asked and needed by no order that is still remembered. Settings are read as for `serve`.
    Prune {
        /// Days to keep [default: the setting `retention_days`]
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u64>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
}
