//! The shipped bundle: a starting point for brokers, and the default if no other is given.

use crate::bundle::{Bundle, BundleError};
use crate::policy::Engine;

const REGO: [(&str, &str); 5] = [
    (".manifest", include_str!("../bundles/pretrade/.manifest")),
    ("data.json", include_str!("../bundles/pretrade/data.json")),
    (
        "prepared.rego",
        include_str!("../bundles/pretrade/prepared.rego"),
    ),
    (
        "pretrade.rego",
        include_str!("../bundles/pretrade/pretrade.rego"),
    ),
    (
        "pretrade_test.rego",
        include_str!("../bundles/pretrade/pretrade_test.rego"),
    ),
];

const BUILTIN: [(&str, &str); 2] = [
    (
        ".manifest",
        include_str!("../bundles/pretrade-builtin/.manifest"),
    ),
    (
        "data.json",
        include_str!("../bundles/pretrade-builtin/data.json"),
    ),
];

impl Bundle {
    /// The shipped `pretrade` bundle, in the form that `engine` evaluates. Both forms give the
    /// same verdict on every order.
    ///
    /// # Errors
    /// None in a released build: a test ensures that both forms load.
    pub fn sample(engine: Engine) -> Result<Self, BundleError> {
        match engine {
            Engine::Builtin => Self::from_files(BUILTIN),
            Engine::Rego => Self::from_files(REGO),
        }
    }
}
