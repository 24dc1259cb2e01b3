//! Two drivers on one directory: the one that was taken for dead writes nothing any more (I6, D-17, E3 59).

use faultline_tests::system::{Input, Rivals, Shape, SystemPlan, two_drivers};

/// Tries a moment after the other, until the first driver ends before it.
fn each_moment(input: Input, step: u64, judge: impl Fn(u64, &Rivals)) {
    let plan = SystemPlan::calm(5, input, Shape::State);
    let mut replaced = 0;
    for event in (1..).step_by(step as usize) {
        let rivals = two_drivers(&plan, event);
        if rivals.newer.is_none() {
            break;
        }
        assert_eq!(rivals.newer, Some(Ok(())), "the newer one, after event {event}");
        let error = rivals.older.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let told = error.contains("taken over") || error.contains("took over");
        assert!(told || rivals.older.is_ok(), "after event {event}: {error}");
        replaced += u32::from(told);
        assert_eq!(
            rivals.changed, [""; 0],
            "the older one wrote after event {event}, and ended with {:?}",
            rivals.older
        );
        assert_eq!(rivals.gone, [""; 0], "the older one deleted after event {event} what the newer one names");
        assert_eq!(rivals.shown, [0; 0], "the older one showed batches after event {event}");
        judge(event, &rivals);
    }
    assert!(replaced > 20, "the older one was told {replaced} times that it is replaced");
}

/// Without it the descriptions of two drivers would replace each other, and both would show batches.
#[test]
fn a_driver_that_was_replaced_writes_nothing() {
    each_moment(Input::Replay, 3, |_, _| {});
}

/// Without it a record would be acknowledged by a driver to which nobody will ask for it.
#[test]
fn a_driver_that_was_replaced_acknowledges_nothing() {
    each_moment(Input::Numbered, 7, |event, rivals| {
        assert!(rivals.acknowledged.is_empty(), "after event {event}: {:?}", rivals.acknowledged);
    });
}
