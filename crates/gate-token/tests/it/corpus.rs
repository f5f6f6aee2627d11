//! The fuzz targets' laws over their corpus and over every input of `test-vectors/`.

#[path = "../../fuzz/laws.rs"]
mod laws;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn replay(target: &str, law: impl Fn(&[u8])) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("fuzz/corpus").join(target).with_extension("txt");
    let corpus = std::fs::read_to_string(corpus).unwrap();
    let mut inputs = 0;
    for line in corpus.lines() {
        law(&STANDARD.decode(line).unwrap());
        inputs += 1;
    }
    assert!(
        inputs > 100,
        "the corpus of {target} has only {inputs} inputs"
    );
    for name in ["canonical.json", "keys.json", "orders.json", "tokens.json"] {
        let text = std::fs::read(here.join("../../test-vectors").join(name)).unwrap();
        let vectors: serde_json::Value = serde_json::from_slice(&text).unwrap();
        for row in vectors["rows"].as_array().unwrap() {
            law(row["input"].as_str().unwrap().as_bytes());
        }
    }
}

#[test]
fn no_text_of_the_corpus_breaks_a_law_of_tokens() {
    replay("token", laws::token);
}

#[test]
fn no_text_of_the_corpus_breaks_a_law_of_key_files() {
    replay("keys", laws::keys);
}

#[test]
fn no_text_of_the_corpus_breaks_a_law_of_the_canonical_form() {
    replay("canonical", laws::canonical);
}
