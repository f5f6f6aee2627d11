//! Symbol interning: an order stores a number instead of the text.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

/// Symbol texts by number. The numbers are valid in this process only.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<Arc<str>>);

impl Texts {
    /// The symbol that a number stands for.
    pub(crate) fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.0.get(usize::try_from(number).ok()?)
    }
}

/// All symbols interned so far.
#[derive(Default)]
pub(crate) struct Symbols(RwLock<Known>);

#[derive(Default)]
struct Known {
    numbers: HashMap<Arc<str>, u32>,
    texts: Texts,
}

impl Symbols {
    /// The symbol's number; a new one if it has none.
    pub(crate) fn number(&self, symbol: &str) -> u32 {
        let number = self.number_among(symbol, usize::MAX);
        number.unwrap_or(u32::MAX)
    }

    /// The symbol's number; a new one if it has none and there are fewer than `most`.
    pub(crate) fn number_among(&self, symbol: &str, most: usize) -> Option<u32> {
        if let Some(number) = self.0.read().numbers.get(symbol) {
            return Some(*number);
        }
        let mut known = self.0.write();
        if let Some(number) = known.numbers.get(symbol) {
            return Some(*number);
        }
        if known.texts.0.len() >= most {
            return None;
        }
        let number = u32::try_from(known.texts.0.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = symbol.into();
        known.texts.0.push(Arc::clone(&text));
        known.numbers.insert(text, number);
        Some(number)
    }

    /// The text of a number; empty if there is none.
    pub(crate) fn text(&self, number: u32) -> Arc<str> {
        let known = self.0.read();
        let text = known.texts.get(number).map(Arc::clone);
        text.unwrap_or_else(|| Arc::from(""))
    }

    /// Appends the symbols added since, each at its number.
    pub(crate) fn catch_up(&self, texts: &mut Texts) {
        let known = self.0.read();
        let new = known.texts.0.get(texts.0.len()..).unwrap_or_default();
        texts.0.extend(new.iter().map(Arc::clone));
    }
}
