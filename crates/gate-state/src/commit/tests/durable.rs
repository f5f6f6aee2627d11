//! Tests of `durable`, apart from it: the schedule tests compile that file alone.

use crate::commit::durable::Durable;
use crate::error::NotDurable;

#[test]
fn a_void_is_never_taken_for_a_commit() {
    let durable = Durable::at(5);
    assert_eq!(durable.state_of(5), Some(Ok(())));
    assert_eq!(durable.state_of(6), None);
    durable.fail();
    assert_eq!(durable.state_of(6), Some(Err(NotDurable)));
    assert_eq!(durable.state_of(5), Some(Ok(())));
    durable.void(7..=9);
    // A repeated recovery finds some of them in the journal.
    durable.void(9..=9);
    durable.recovered(9);
    assert_eq!(durable.state_of(6), Some(Ok(())));
    assert_eq!(durable.state_of(8), Some(Err(NotDurable)));
    assert_eq!(durable.wait(9), Err(NotDurable));
    assert_eq!(durable.state_of(10), None);
}
