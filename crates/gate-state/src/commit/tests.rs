//! Tests of the files beside this one: the schedule tests compile those alone.

mod durable;
mod pace;
mod queue;
