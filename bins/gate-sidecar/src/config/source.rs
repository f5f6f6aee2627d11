//! Reads the settings from file, variables and flags; a later source overrides an earlier one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::table::{Kind, Setting};
use super::{Config, SetError};

/// Prefixes of the variables that Kubernetes sets for a service named `gate`; they are not
/// settings.
const FOREIGN_PREFIXES: [&str; 2] = ["GATE_SERVICE_", "GATE_PORT"];

/// The settings from the file, then `variables` (name, text), then `flags` (key, text); the later
/// wins. Unknown keys, wrong values, and settings that do not fit together are errors.
pub(crate) fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: impl IntoIterator<Item = (String, String)>,
    cores: usize,
) -> Result<Config> {
    let mut config = Config::defaults(cores);
    let (file_variable, variables) = own_variables(variables);
    let file = file.map(Path::to_path_buf).or(file_variable);
    if let Some(file) = file {
        read_file(&mut config, &file)?;
    }
    for (variable, key, text) in variables {
        config
            .set(&key, &text)
            .with_context(|| format!("the variable `{variable}`"))?;
    }
    for (key, text) in flags {
        config
            .set(&key, &text)
            .with_context(|| format!("the flag for `{key}`"))?;
    }
    check(&config)?;
    Ok(config)
}

/// Checks settings that depend on one another.
fn check(config: &Config) -> Result<()> {
    check_signature(config)?;
    check_tls(config)
}

/// Without a key no signature is verified; its id, algorithm or scope alone would suggest
/// otherwise.
fn check_signature(config: &Config) -> Result<()> {
    let about_the_key = [
        ("bundle_key_id", config.bundle_key_id.is_some()),
        ("bundle_key_alg", config.bundle_key_alg.is_some()),
        ("bundle_scope", config.bundle_scope.is_some()),
    ];
    if config.bundle_key.is_none()
        && let Some((key, _)) = about_the_key.iter().find(|(_, is_set)| *is_set)
    {
        bail!("`{key}` is set, and `bundle_key` is not: no signature would be verified");
    }
    Ok(())
}

/// Without a certificate `listen` does not speak TLS; a key or client CA alone would suggest
/// otherwise.
fn check_tls(config: &Config) -> Result<()> {
    let Config {
        tls_cert,
        tls_key,
        tls_client_ca,
        ..
    } = config;
    match (tls_cert, tls_key, tls_client_ca) {
        (Some(_), None, _) => bail!("`tls_cert` is set, and `tls_key` is not"),
        (None, Some(_), _) => bail!("`tls_key` is set, and `tls_cert` is not"),
        (None, None, Some(_)) => {
            bail!("`tls_client_ca` is set, and `tls_cert` is not: no client would be asked")
        }
        _ => Ok(()),
    }
}

/// The environment variables of this process. Of others' those that are not UTF-8 are left out; of
/// ours they are errors.
pub(crate) fn variables() -> Result<Vec<(String, String)>> {
    texts(std::env::vars_os())
}

fn texts(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for (name, text) in variables {
        let is_ours = name.as_encoded_bytes().starts_with(b"GATE_");
        match (name.into_string(), text.into_string()) {
            (Ok(name), Ok(text)) => texts.push((name, text)),
            (Ok(name), Err(_)) if is_ours => bail!("the variable `{name}` is not UTF-8"),
            (Err(name), _) if is_ours => {
                bail!("the variable `{}` is not UTF-8", name.to_string_lossy())
            }
            _ => {}
        }
    }
    Ok(texts)
}

type Variable = (String, String, String);

/// The `GATE_*` variables as (name, key, text), and the file that `GATE_CONFIG` names.
fn own_variables(
    variables: impl IntoIterator<Item = (String, String)>,
) -> (Option<PathBuf>, Vec<Variable>) {
    let mut file = None;
    let mut own = Vec::new();
    for (name, text) in variables {
        let foreign = FOREIGN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
        match name.strip_prefix("GATE_") {
            Some("CONFIG") => file = Some(PathBuf::from(text)),
            Some(key) if !foreign => {
                let key = key.to_ascii_lowercase();
                own.push((name, key, text));
            }
            _ => {}
        }
    }
    (file, own)
}

fn read_file(config: &mut Config, file: &Path) -> Result<()> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    // The parser's own text quotes the line: where the file is a wrong one, a secret perhaps.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        anyhow!(
            "`{shown}` is not a TOML file: line {line}: {}",
            error.message()
        )
    })?;
    for (key, value) in table {
        let text = as_text(&key, value).and_then(|text| config.set(&key, &text));
        text.with_context(|| format!("`{key}` in `{shown}`"))?;
    }
    Ok(())
}

/// The value as the text that a flag would have. Of another type than the setting it may only be a
/// text: `uds = true` names no socket.
fn as_text(key: &str, value: toml::Value) -> Result<String, SetError> {
    let setting = Setting::named(key).ok_or(SetError::UnknownKey)?;
    match (setting.kind, value) {
        (_, toml::Value::String(text)) => Ok(text),
        (Kind::Number, toml::Value::Integer(number)) => Ok(number.to_string()),
        (Kind::Switch, toml::Value::Boolean(is_on)) => Ok(is_on.to_string()),
        (kind, other) => Err(SetError::NotOfType(kind.name(), other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn variable(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn the_later_source_wins() {
        let file = file("audience = \"file\"\nissuer = \"file\"\ntoken_ttl_s = 5\n");
        let variables = [
            variable("GATE_AUDIENCE", "env"),
            variable("GATE_ISSUER", "env"),
        ];
        let flags = [variable("issuer", "flag")];
        let config = load(Some(file.path()), variables, flags, 2).unwrap();
        assert_eq!(config.token_ttl_s, 5);
        assert_eq!(config.audience, "env");
        assert_eq!(config.issuer, "flag");
        assert_eq!(config.workers, 2);
    }

    /// Without its bundle the sidecar would go by the sample.
    #[test]
    fn a_variable_of_ours_that_is_no_text_is_an_error_and_names_it() {
        use std::os::unix::ffi::OsStringExt as _;
        let no_text = || OsString::from_vec(b"/srv/p\xff".to_vec());
        let refused = texts([("GATE_BUNDLE".into(), no_text())]).unwrap_err();
        assert!(refused.to_string().contains("`GATE_BUNDLE`"), "{refused}");
        let name = OsString::from_vec(b"GATE_\xff".to_vec());
        texts([(name, "x".into())]).unwrap_err();
        let others = [
            ("HOME".into(), no_text()),
            ("GATE_ISSUER".into(), "i".into()),
        ];
        assert_eq!(texts(others).unwrap(), [variable("GATE_ISSUER", "i")]);
    }

    #[test]
    fn a_file_that_is_no_toml_is_not_quoted() {
        let file = file("audience = \"a\"\n{\"k\":\"c2VjcmV0\"}\n");
        let refused = load(Some(file.path()), [], [], 2).unwrap_err();
        let refused = format!("{refused:#}");
        assert!(refused.contains("line 2"), "{refused}");
        assert!(!refused.contains("c2VjcmV0"), "{refused}");
    }

    #[test]
    fn what_is_said_of_a_signature_needs_a_key() {
        for key in ["bundle_key_id", "bundle_key_alg", "bundle_scope"] {
            let set = [variable(key, "RS256")];
            let error = load(None, [], set.clone(), 2).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
            let with_key = [variable("GATE_BUNDLE_KEY", "key.pem")];
            assert!(load(None, with_key, set, 2).is_ok(), "{key}");
        }
    }

    #[test]
    fn tls_is_set_whole_or_not_at_all() {
        let all = ["tls_cert", "tls_key", "tls_client_ca"];
        for (set, is_whole) in [
            (&all[..], true),
            (&all[..2], true),
            (&all[..1], false),
            (&all[1..2], false),
            (&all[2..], false),
            (&all[1..], false),
        ] {
            let given = set.iter().map(|key| variable(key, "file.pem"));
            assert_eq!(load(None, [], given, 2).is_ok(), is_whole, "{set:?}");
        }
    }

    #[test]
    fn a_variable_can_name_the_file() {
        let file = file("audience = \"file\"\n");
        let variables = [variable("GATE_CONFIG", file.path().to_str().unwrap())];
        assert_eq!(load(None, variables, [], 2).unwrap().audience, "file");
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it_and_its_source() {
        let wrong = file("durabilty = \"relaxed\"\n");
        let error = format!("{:#}", load(Some(wrong.path()), [], [], 2).unwrap_err());
        assert!(
            error.contains("`durabilty` in") && error.contains("not a setting"),
            "{error}"
        );
        let error = load(None, [variable("GATE_DURABILTY", "relaxed")], [], 2).unwrap_err();
        assert!(
            format!("{error:#}").contains("`GATE_DURABILTY`"),
            "{error:#}"
        );
    }

    #[test]
    fn a_value_of_another_type_and_a_missing_file_are_errors() {
        for (text, key, kind) in [
            ("[listen]\nport = 1\n", "`listen`", "type table"),
            ("uds = true", "`uds`", "type boolean"),
            ("issuer = 7", "`issuer`", "type integer"),
            ("workers = 1.0", "`workers`", "type float"),
            ("log_json = 1", "`log_json`", "type integer"),
        ] {
            let file = file(text);
            let error = format!("{:#}", load(Some(file.path()), [], [], 2).unwrap_err());
            assert!(error.contains(key) && error.contains(kind), "{error}");
        }
        let quoted = file("workers = \"1\"\nlog_json = \"true\"\n");
        let config = load(Some(quoted.path()), [], [], 2).unwrap();
        assert!(config.workers == 1 && config.log_json);
        assert!(load(Some(Path::new("no-such-file.toml")), [], [], 2).is_err());
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_named_gate_is_not_ours() {
        let variables = [
            variable("GATE_SERVICE_HOST", "10.0.0.1"),
            variable("GATE_PORT", "tcp://10.0.0.1:8080"),
            variable("GATE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            variable("GATEWAY", "x"),
        ];
        assert_eq!(load(None, variables, [], 2).unwrap(), Config::defaults(2));
    }
}
