//! A number for each symbol: an order has no room for its text.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

/// The text of each symbol, by its number. The numbers are this process's own.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<Arc<str>>);

impl Texts {
    /// The symbol that a number stands for.
    pub(crate) fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.0.get(usize::try_from(number).ok()?)
    }
}

/// The symbols that were ever held.
#[derive(Default)]
pub(crate) struct Symbols(RwLock<Known>);

#[derive(Default)]
struct Known {
    numbers: HashMap<Arc<str>, u32>,
    texts: Texts,
}

impl Symbols {
    /// The number that stands for a symbol.
    pub(crate) fn number(&self, symbol: &str) -> u32 {
        if let Some(number) = self.0.read().numbers.get(symbol) {
            return *number;
        }
        let mut known = self.0.write();
        if let Some(number) = known.numbers.get(symbol) {
            return *number;
        }
        let number = u32::try_from(known.texts.0.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = symbol.into();
        known.texts.0.push(Arc::clone(&text));
        known.numbers.insert(text, number);
        number
    }

    /// The symbol that a number stands for.
    pub(crate) fn text(&self, number: u32) -> Arc<str> {
        let known = self.0.read();
        let text = known.texts.get(number).map(Arc::clone);
        text.unwrap_or_else(|| Arc::from(""))
    }

    /// Adds the symbols that came since, so that each stands at its number.
    pub(crate) fn catch_up(&self, texts: &mut Texts) {
        let known = self.0.read();
        let new = known.texts.0.get(texts.0.len()..).unwrap_or_default();
        texts.0.extend(new.iter().map(Arc::clone));
    }
}
