//! The operator's commands, by exit code and message.

use crate::sidecar::{authorize, fresh, order, run};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn token_verify_accepts_a_reply_and_refuses_a_changed_one() {
    let (sidecar, dir) = fresh(&[]);
    let keys = dir.path().join("data/keys.json");
    let verify = |token: &[u8], more: &[&str]| {
        let mut args = vec!["token", "verify", "--keys", keys.to_str().unwrap()];
        args.extend(more);
        run(&args, token)
    };
    let reply = authorize(&mut sidecar.client(), &order("c5", "o-1", 100, "185.50"));
    let whole = verify(&reply.body, &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    let token = reply.json()["decision_token"].to_string();
    assert!(verify(token.as_bytes(), &[]).status.success());

    let changed = verify(token.replace("\"18550\"", "\"18551\"").as_bytes(), &[]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(
        stderr(&changed).starts_with("bad_signature"),
        "{}",
        stderr(&changed)
    );
    let late = verify(token.as_bytes(), &["--at", "2100-01-01T00:00:00Z"]);
    assert_eq!(
        (late.status.code(), stderr(&late).starts_with("expired")),
        (Some(1), true)
    );
    let other = verify(token.as_bytes(), &["--audience", "somebody-else"]);
    assert!(
        stderr(&other).starts_with("wrong_audience"),
        "{}",
        stderr(&other)
    );
    assert!(stderr(&verify(b"{}", &[])).starts_with("malformed"));
}

#[test]
fn a_compact_jws_is_given_on_request() {
    let (sidecar, dir) = fresh(&[]);
    let body = order("c5", "o-1", 100, "185.50");
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/jose"),
    ];
    let reply = sidecar
        .client()
        .send("POST", "/v1/authorize", &headers, body.as_bytes())
        .unwrap();
    let jws = reply.json()["decision_token"].as_str().unwrap().to_owned();
    assert_eq!(jws.split('.').count(), 3);
    let keys = dir.path().join("data/keys.json");
    let output = run(
        &["token", "verify", "--keys", keys.to_str().unwrap()],
        jws.as_bytes(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn the_form_of_the_token_is_what_accept_asks_for() {
    let (by_object, _dir) = fresh(&[]);
    let (by_jws, _other_dir) = fresh(&["--set", "token_form=jws"]);
    for (sidecar, accept, is_compact) in [
        (&by_object, "application/jwt", true),
        (
            &by_object,
            "application/json;q=0.5, Application/JOSE;q=0.8",
            true,
        ),
        (&by_object, "application/json", false),
        (&by_object, "*/*", false),
        (&by_object, "application/json, application/jose;q=0", false),
        (&by_object, "application/jose+json", false),
        (&by_jws, "*/*", true),
        (&by_jws, "application/json, application/jose;q=0", false),
        (&by_jws, "application/jose;q=0, application/jwt", true),
    ] {
        let mut client = sidecar.client();
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let body = order("c5", "o-1", 100, "185.50");
        let reply = client
            .send("POST", "/v1/authorize", &headers, body.as_bytes())
            .unwrap();
        let token = &reply.json()["decision_token"];
        assert_eq!(token.is_string(), is_compact, "{accept}: {token}");
    }
}

/// RFC 9110 §5.2: several lines count as one, joined by commas.
#[test]
fn accept_may_have_several_lines() {
    let (sidecar, _dir) = fresh(&[]);
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("accept", "application/jose"),
    ];
    let body = order("c5", "o-1", 100, "185.50");
    let mut client = sidecar.client();
    let reply = client
        .send("POST", "/v1/authorize", &headers, body.as_bytes())
        .unwrap();
    assert!(reply.json()["decision_token"].is_string());
}

#[test]
fn a_wrong_setting_is_named_and_nothing_starts() {
    for (args, names) in [
        (&["--listen", "nowhere"][..], "`nowhere`"),
        (&["--set", "durabilty=relaxed"][..], "durabilty"),
        (&["--durability", "sometimes"][..], "`sometimes`"),
        (&["--bundle", "no-such-bundle"][..], "no-such-bundle"),
        (&["--config", "no-such.toml"][..], "no-such.toml"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut all = vec!["--data-dir", data.to_str().unwrap()];
        all.extend(args);
        let output = run(&all, b"");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            stderr(&output).contains(names),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn keys_are_made_rotated_and_listed_without_their_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.json");
    let keys = |command: &str| run(&["keys", command, "--keys", file.to_str().unwrap()], b"");
    assert!(keys("generate").status.success());
    assert_eq!(
        keys("generate").status.code(),
        Some(1),
        "an existing file is never overwritten"
    );
    assert!(keys("rotate").status.success());
    let shown = String::from_utf8(keys("show").stdout).unwrap();
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.contains("\tactive\t"))
            .count(),
        1,
        "{shown}"
    );
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.contains("\tverify-only\t"))
            .count(),
        1
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let jwks: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in jwks["keys"].as_array().unwrap() {
        assert!(
            !shown.contains(key["k"].as_str().unwrap()),
            "a secret was printed"
        );
    }
}

#[test]
fn a_staged_key_signs_once_it_is_rotated_to_and_only_one_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.json");
    let keys = |more: &[&str]| {
        let args = [&["keys"], more, &["--keys", file.to_str().unwrap()]].concat();
        let output = run(&args, b"");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    };
    // The lines of `show`: name and state.
    let shown = || {
        let (_, shown) = keys(&["show"]);
        let fields = |line: &str| {
            let mut fields = line.split('\t').map(str::to_owned);
            (fields.next().unwrap(), fields.next().unwrap())
        };
        shown.lines().map(fields).collect::<Vec<_>>()
    };
    assert!(keys(&["generate"]).0);
    let [(first, _)] = &shown()[..] else { panic!() };
    assert!(keys(&["stage"]).0);
    let both = shown();
    let staged = both.iter().find(|(kid, _)| kid != first).unwrap();
    assert_eq!((staged.1.as_str(), both.len()), ("verify-only", 2));

    let (done, said) = keys(&["rotate", "--to", "no-such-key"]);
    assert!(!done && said.contains("no-such-key"), "{said}");
    assert_eq!(shown(), both);
    assert!(keys(&["rotate", "--to", &staged.0]).0);
    let after = shown();
    assert!(
        after.contains(&(staged.0.clone(), "active".to_owned())),
        "{after:?}"
    );
    assert!(
        after.contains(&(first.clone(), "verify-only".to_owned())),
        "{after:?}"
    );
}

#[test]
fn policy_commands_tell_a_failed_test_from_a_bundle_that_does_not_compile() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = crate::sidecar::rego_bundle(dir.path(), "r1", "1000");
    let path = bundle.to_str().unwrap();
    let policy = |command: &str, stdin: &str| run(&["policy", command, path], stdin.as_bytes());
    assert!(policy("check", "").status.success());
    assert!(policy("test", "").status.success());
    let allowed = policy("eval", &order("c1", "o-1", 1, "185.50"));
    assert!(allowed.status.success(), "{}", stderr(&allowed));
    assert!(String::from_utf8_lossy(&allowed.stdout).starts_with("ALLOW"));

    let failing =
        "package gate_test\n\nimport data.gate\n\ntest_never if { gate.decision.allow == false }\n";
    std::fs::write(bundle.join("never_test.rego"), failing).unwrap();
    let failed = policy("test", "");
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    assert!(
        stderr(&failed).contains("test_never"),
        "{}",
        stderr(&failed)
    );

    std::fs::write(bundle.join("policy.rego"), "package gate\n\ndecision := {").unwrap();
    let broken = policy("test", "");
    assert_eq!(broken.status.code(), Some(2), "{}", stderr(&broken));
    assert!(
        stderr(&broken).contains("policy.rego"),
        "{}",
        stderr(&broken)
    );
}

/// A policy that needs many instructions is refused, unless the settings allow them.
#[test]
fn a_large_policy_is_given_what_the_settings_say() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = crate::sidecar::rego_bundle(dir.path(), "large", "1000000");
    let rules: String = (0..200)
        .map(|n| format!("deny contains \"r{n}\" if input.order.qty > 1000 + {n}\n"))
        .collect();
    let rego = format!(
        "package gate\n\ndecision := {{\"allow\": count(deny) == 0, \"reasons\": deny}}\n{rules}"
    );
    std::fs::write(bundle.join("policy.rego"), rego).unwrap();
    let path = bundle.to_str().unwrap();
    let (few, many) = (
        "policy_max_instructions = 1000",
        "policy_max_instructions = 100000",
    );
    for (settings, fits) in [(few, false), (many, true)] {
        let file = dir.path().join("gate.toml");
        std::fs::write(&file, settings).unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let checked = run(&[&["policy", "check", path], &config[..]].concat(), b"");
        let why = stderr(&checked);
        assert_eq!(checked.status.success(), fits, "{why}");
        assert_eq!(why.contains("instruction limit of 1000"), !fits, "{why}");
    }
    let data = dir.path().join("data");
    let flags = ["--bundle", path, "--set", "policy_max_instructions=100000"];
    let sidecar = crate::sidecar::Sidecar::start(&data, &flags);
    let reply = authorize(&mut sidecar.client(), &order("c1", "o-1", 10, "185.00"));
    assert_eq!(reply.json()["status"], "AUTHORIZED", "{reply:?}");
    let metrics = sidecar.metrics();
    assert!(metrics.contains("\ngate_limit{of=\"policy_instructions\"} 100000\n"));
}

/// Whoever reads the first line would take the sidecar for started.
#[test]
fn a_sidecar_that_cannot_listen_everywhere_says_of_nowhere_that_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let (data, socket) = (dir.path().join("data"), dir.path().join("no/such/socket"));
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--data-dir",
        data.to_str().unwrap(),
        "--uds",
        socket.to_str().unwrap(),
    ];
    let refused = run(&flags, b"");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "");
}

#[test]
fn a_policy_that_can_never_allow_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    for (decision, warned) in [
        ("{\"allow\": true, \"reasons\": []}", false),
        ("{\"allow\": false, \"reasons\": [\"closed\"]}", false),
        ("{\"allow\": true}", true),
        ("true", true),
    ] {
        let rego = format!("package gate\ndecision := {decision}\n");
        std::fs::write(dir.path().join("policy.rego"), rego).unwrap();
        let checked = run(&["policy", "check", dir.path().to_str().unwrap()], b"");
        assert_eq!(checked.status.code(), Some(0));
        let said = stderr(&checked);
        assert_eq!(
            said.contains("`policy_shape`"),
            warned,
            "{decision}: {said}"
        );
    }
}

/// `--check` tells what a start would refuse, while a sidecar serves from the same directory.
#[test]
fn a_start_can_be_tried_without_one() {
    let (sidecar, dir) = fresh(&[]);
    authorize(&mut sidecar.client(), &order("c1", "o-1", 1, "185.50"));
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let check = |more: &[&str]| {
        let checked = run(
            &[&["serve", "--check", "--data-dir", data], more].concat(),
            b"",
        );
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        (checked.status.code(), said)
    };
    assert_eq!(check(&[]), (Some(0), String::new()));
    for (flags, named) in [
        (["--bundle", "no/such"], "no/such"),
        (["--keys", "no/such.json"], "no/such.json"),
        (["--tls-cert", "no/such.pem"], "tls_key"),
        (["--set", "nonsense=1"], "nonsense"),
    ] {
        let (code, said) = check(&flags);
        assert!(code == Some(1) && said.contains(named), "{flags:?}: {said}");
    }
    let empty = dir.path().join("empty");
    let fit = run(&["--check", "--data-dir", empty.to_str().unwrap()], b"");
    assert_eq!(fit.status.code(), Some(0));
    assert!(!empty.exists(), "it was made");
    // As if the journal of an earlier start were lost.
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(empty.join("ledger.lock"), "a store\n").unwrap();
    let lost = run(&["--check", "--data-dir", empty.to_str().unwrap()], b"");
    assert_eq!(lost.status.code(), Some(1));
    assert!(stderr(&lost).contains("ledger.lock"));
    assert_eq!(sidecar.exposure("c1")["open_orders"], 1);
    // A start makes no keys once the journal has records: verifiers know the old ones.
    std::fs::remove_file(dir.path().join("data/keys.json")).unwrap();
    let (code, said) = check(&[]);
    assert!(code == Some(1) && said.contains("keys.json"), "{said}");
}
