//! Loading Rego of both versions, and one policy on many threads.

use gate_policy::{Bundle, Engine, activate};
use gate_types::Side;

use crate::support::{Order, SAMPLE, show};

const V0: &str = r#"package gate
deny["big"] { input.order.qty > 5 }
decision = {"allow": count(deny) == 0, "reasons": deny} { true }
"#;

fn load(manifest: &str, rego: &str) -> String {
    let files = [(".manifest", manifest), ("gate.rego", rego)];
    match activate(&Bundle::from_files(files).unwrap()) {
        Ok(policy) => ["5", "6"]
            .map(|qty| show(&Order::new("c", "S", qty, "1").judge(&*policy).unwrap()))
            .join(" "),
        Err(error) => {
            assert!(!error.is_test_failure());
            "refused".to_owned()
        }
    }
}

#[test]
fn the_manifest_says_which_rego_it_is() {
    assert_eq!(load(r#"{"rego_version":0}"#, V0), "allow big");
    assert_eq!(load(r#"{"rego_version":1}"#, V0), "refused");
    assert_eq!(load("{}", V0), "refused");
    let v1 = V0
        .replace("deny[\"big\"] {", "deny contains \"big\" if {")
        .replace("deny} {", "deny} if {");
    assert_eq!(load("{}", &v1), "allow big");
    assert_eq!(load(r#"{"rego_version":0}"#, &v1), "refused");
    let open = "package gate\ndecision = {\"allow\": true, \"reasons\": []} if { 1 > 2 }";
    assert_eq!(load(r#"{"rego_version":0}"#, open), "refused");
    assert_eq!(load("{}", open), "policy_undefined policy_undefined");
    let imported = v1.replace("package gate", "package gate\nimport rego.v1");
    assert_eq!(load(r#"{"rego_version":0}"#, &imported), "allow big");
}

/// A broker's own rules are evaluated for every order, with or without the shortcut of
/// `pretrade.rego`, and wherever in the package they are.
#[test]
fn own_rules_are_added_to_those_of_the_sample() {
    let own = "deny contains \"no_sales\" if input.order.side == \"SELL\"";
    let (mut sale, big) = (
        Order::new("c1", "AAPL", "1", "185"),
        Order::new("c1", "AAPL", "10001", "185"),
    );
    sale.side = Side::Sell;
    let all = |files: &[(&str, &str)]| {
        let policy = activate(&Bundle::from_files(files.iter().copied()).unwrap()).unwrap();
        let mut both = big.clone();
        both.side = Side::Sell;
        [&Order::new("c1", "AAPL", "1", "185"), &sale, &big, &both]
            .map(|order| show(&order.judge(&*policy).unwrap()))
    };
    let [data, prepared, source] = SAMPLE;
    let broken = "max_order_notional max_order_qty";
    assert_eq!(
        all(&SAMPLE),
        ["allow", "allow", broken, broken].map(str::to_owned)
    );
    let with_own = [
        "allow".to_owned(),
        "no_sales".to_owned(),
        broken.to_owned(),
        format!("{broken} no_sales"),
    ];
    let in_the_file = format!("{}\n{own}\n", source.1);
    assert_eq!(all(&[data, prepared, (source.0, &in_the_file)]), with_own);
    let beside = format!("package gate\n{own}\n");
    assert_eq!(
        all(&[data, prepared, source, ("own.rego", &beside)]),
        with_own
    );
}

#[test]
fn threads_share_a_policy_and_each_gets_its_own_answers() {
    for engine in [Engine::Builtin, Engine::Rego] {
        let policy = activate(&Bundle::sample(engine).unwrap()).unwrap();
        std::thread::scope(|scope| {
            for client in ["c5", "c1", "bad1", "c5"] {
                let policy = &policy;
                scope.spawn(move || {
                    let expected = match client {
                        "c5" => "max_order_qty",
                        "c1" => "allow",
                        _ => "client_suspended",
                    };
                    for _ in 0..500 {
                        let order = Order::new(client, "AAPL", "1006", "185");
                        assert_eq!(show(&order.judge(&**policy).unwrap()), expected);
                    }
                });
            }
        });
    }
}
