//! Ids that callers give: validated once, and opaque otherwise.

use std::borrow::{Borrow, Cow};
use std::fmt;

/// The most bytes an id or symbol may have, in UTF-8.
pub const MAX_ID_BYTES: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// No character at all.
    #[error("must not be empty")]
    Empty,
    /// More than [`MAX_ID_BYTES`] bytes.
    #[error("is longer than {MAX_ID_BYTES} bytes")]
    TooLong,
    /// A control character (Unicode category Cc), which would garble logs and terminals.
    #[error("must not contain a control character")]
    ControlCharacter,
}

/// Declares an id: a checked text that is borrowed on the decision path and owned where kept.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// Checks the text: 1 to [`MAX_ID_BYTES`] bytes, no control character.
            ///
            /// # Errors
            /// [`IdError`].
            pub fn new(text: impl Into<Cow<'a, str>>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same id, borrowed.
            #[must_use]
            pub fn borrowed(&self) -> $name<'_> {
                $name(Cow::Borrowed(&self.0))
            }

            /// The same id, owning its text.
            #[must_use]
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name<'_> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// `Hash` and `Eq` are those of the text, so a map can be asked with a `&str`.
        impl Borrow<str> for $name<'_> {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// The client whose exposure an order counts against.
    ClientId
}
id! {
    /// The client's own name for an order (FIX tag 11, `ClOrdID`), unique per client.
    OrderId
}
id! {
    /// The venue's name for one execution (FIX tag 17, `ExecID`), unique per order.
    ExecId
}
id! {
    /// The instrument (FIX tag 55).
    Symbol
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_printable_text_up_to_the_limit() {
        for text in [
            "o-1",
            "Ω≈ç√",
            "日本",
            "with space",
            &"x".repeat(MAX_ID_BYTES),
        ] {
            assert_eq!(OrderId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_empty_long_and_control() {
        assert_eq!(ClientId::new(""), Err(IdError::Empty));
        assert_eq!(
            ClientId::new("x".repeat(MAX_ID_BYTES + 1)),
            Err(IdError::TooLong)
        );
        for text in ["a\nb", "\u{0}", "tab\t", "del\u{7f}", "c1\u{85}"] {
            assert_eq!(
                ClientId::new(text),
                Err(IdError::ControlCharacter),
                "{text:?}"
            );
        }
    }
}
