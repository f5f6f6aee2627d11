//! What the real OPA 1.20.2 answers.
