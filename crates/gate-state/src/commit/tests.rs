//! Unit tests, apart from the code: the schedule tests compile those files alone.

mod durable;
mod pace;
mod queue;
