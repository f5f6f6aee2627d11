//! A number for each symbol: an order has no room for its text.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

/// The text of each symbol, by its number: the numbers are this process's own.
pub(crate) type Texts = Vec<Arc<str>>;

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
        let number = u32::try_from(known.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = symbol.into();
        known.texts.push(Arc::clone(&text));
        known.numbers.insert(text, number);
        number
    }

    /// The symbol that a number stands for.
    pub(crate) fn text(&self, number: u32) -> Arc<str> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let known = self.0.read();
        let text = known.texts.get(index).map(Arc::clone);
        text.unwrap_or_else(|| Arc::from(""))
    }

    /// Adds the symbols that came since, so that each stands at its number.
    pub(crate) fn catch_up(&self, texts: &mut Texts) {
        let known = self.0.read();
        let new = known.texts.get(texts.len()..).unwrap_or_default();
        texts.extend(new.iter().map(Arc::clone));
    }
}
