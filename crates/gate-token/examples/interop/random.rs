//! Hostile random claims, orders and spellings, the same for the same seed.

use gate_token::{Claims, Digest, KeyRing, Status, TYP};
use serde_json::Value;

use crate::{AUD, NOW_S};

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn character(&mut self) -> char {
        let (low, high) = match self.below(8) {
            0 => (0, 0x20),
            1 => (0x7f, 0x100),
            2 => (0x2000, 0x2070),
            3 => (0xe000, 0x1_0000),
            4 => (0x1_0000, 0x11_0000),
            5 => (0x300, 0x370),
            _ => (0x20, 0x7f),
        };
        let code = low + u32::try_from(self.below(usize::try_from(high - low).unwrap())).unwrap();
        char::from_u32(code).unwrap_or('"')
    }

    fn text(&mut self) -> String {
        match self.below(12) {
            0 => self.pick(&HOSTILE).to_owned(),
            1 => "c5".into(),
            2 => (0..self.below(200)).map(|_| self.character()).collect(),
            _ => (0..self.below(12)).map(|_| self.character()).collect(),
        }
    }

    fn integer(&mut self) -> u64 {
        match self.below(4) {
            0 => 9_007_199_254_740_991 - self.next() % 3,
            1 => self.next() % 3,
            2 => self.next() >> 11,
            _ => NOW_S - 30 + self.next() % 60,
        }
    }

    pub(crate) fn claims(&mut self, keys: &KeyRing) -> Claims<'static> {
        let kids: Vec<String> = keys.iter().map(|key| key.kid().to_owned()).collect();
        let wrong = |random: &mut Self| random.below(20) == 0;
        Claims {
            kid: kids[self.below(kids.len())].clone().into(),
            iss: self.text().into(),
            aud: if wrong(self) { self.text() } else { AUD.into() }.into(),
            iat: if wrong(self) {
                self.integer()
            } else {
                NOW_S - self.next() % 30
            },
            exp: if wrong(self) {
                self.integer()
            } else {
                NOW_S + 1 + self.next() % 30
            },
            jti: self.text().into(),
            seq: self.integer(),
            status: if wrong(self) {
                Status::Blocked
            } else {
                Status::Authorized
            },
            reasons: (0..self.below(4)).map(|_| self.text().into()).collect(),
            client_id: self.text().into(),
            client_order_id: self.text().into(),
            order_digest: Digest::of(&self.next().to_le_bytes()),
            notional: self.text().into(),
            policy_revision: self.text().into(),
            policy_hash: self.text().into(),
        }
    }

    /// An order of hostile members, its amounts spelt in any way.
    pub(crate) fn order(&mut self) -> String {
        let mut members = vec![
            ("qty".to_owned(), self.amount()),
            ("price".to_owned(), self.amount()),
        ];
        for _ in 0..self.below(5) {
            let name = self.text();
            if members.iter().all(|(other, _)| *other != name) {
                members.push((name, self.value(2)));
            }
        }
        self.write_object(&members)
    }

    fn amount(&mut self) -> String {
        let whole = (self.next() >> (64 - 10 * (1 + self.below(4)))).to_string();
        let mut text = match self.below(3) {
            0 => whole,
            1 => format!("{whole}.{}", self.next() % 1_000_000),
            _ => format!("{whole}.{:03}", self.next() % 1_000),
        };
        if self.below(4) == 0 {
            text += &format!("{}{}", self.pick(&["e", "E", "e+", "E-"]), self.below(9));
        }
        if self.below(2) == 0 {
            format!("\"{text}\"")
        } else {
            text
        }
    }

    /// Any JSON value that has a canonical form, as text.
    fn value(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => self
                .pick(&[
                    "null", "true", "false", "[]", "{}", "0", "-0", "-0.0", "1e-7", "1E21",
                ])
                .into(),
            1 => self.integer().to_string(),
            2 => {
                let float = f64::from_bits(self.next());
                if float.is_finite() {
                    format!("{float:e}")
                } else {
                    "185.55".into()
                }
            }
            3 => {
                let text = self.text();
                self.write_string(&text)
            }
            4 => {
                let values: Vec<String> =
                    (0..self.below(4)).map(|_| self.value(depth - 1)).collect();
                format!("[{}]", values.join(","))
            }
            _ => {
                let mut members: Vec<(String, String)> = Vec::new();
                for _ in 0..self.below(5) {
                    let name = self.text();
                    if members.iter().all(|(other, _)| *other != name) {
                        members.push((name, self.value(depth - 1)));
                    }
                }
                self.write_object(&members)
            }
        }
    }

    /// The same value in another spelling: order, white space, escapes.
    pub(crate) fn respell(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => self.write_string(text),
            Value::Array(values) => {
                let parts: Vec<String> = values.iter().map(|value| self.respell(value)).collect();
                format!("[{}]", parts.join(","))
            }
            Value::Object(members) => {
                let members: Vec<(String, String)> = members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.respell(value)))
                    .collect();
                self.write_object(&members)
            }
            other => other.to_string(),
        }
    }

    fn write_object(&mut self, members: &[(String, String)]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (name, value) in members {
            let (before, after) = (self.space(), self.space());
            let part = format!(
                "{before}{}{after}:{}{value}",
                self.write_string(name),
                self.space()
            );
            parts.insert(self.below(parts.len() + 1), part);
        }
        format!("{{{}{}}}", parts.join(","), self.space())
    }

    fn space(&mut self) -> &'static str {
        self.pick(&["", "", "", "", " ", "\n", "\t\r "])
    }

    fn write_string(&mut self, text: &str) -> String {
        let mut out = String::from("\"");
        for character in text.chars() {
            let must = character < ' ' || character == '"' || character == '\\';
            if must || self.below(10) == 0 {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out += &format!("\\u{unit:04x}");
                }
            } else {
                out.push(character);
            }
        }
        out + "\""
    }

    /// One or two small changes anywhere.
    pub(crate) fn break_text(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(2) {
            let at = self.below(characters.len());
            let other = match self.below(3) {
                0 => self.character(),
                1 => self.pick(&SYNTAX).chars().next().unwrap(),
                _ => characters[self.below(characters.len())],
            };
            match self.below(6) {
                0 => characters.truncate(at.max(1)),
                1 => drop(characters.remove(at)),
                2 => characters.insert(at, other),
                3 => {
                    let with = self.below(characters.len());
                    characters.swap(at, with);
                }
                _ => characters[at] = other,
            }
            if characters.is_empty() {
                characters.push(other);
            }
        }
        characters.into_iter().collect()
    }
}

const SYNTAX: [&str; 16] = [
    "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", ".", "e", "_", "A", " ",
];

const HOSTILE: [&str; 14] = [
    "__proto__",
    "constructor",
    "toJSON",
    "</script><script>",
    "'; DROP TABLE orders; --",
    "\u{feff}",
    "\0",
    "\u{ffff}\u{10ffff}",
    "\\u0041",
    "NaN",
    "{\"payload\":",
    "hasOwnProperty",
    TYP,
    "e\u{301}\u{e9}",
];
