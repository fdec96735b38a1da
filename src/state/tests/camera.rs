//! The camera's frames.

use super::*;

/// A page whose camera's first frame, number 50, is at the worker.
fn watching() -> State {
    let mut state = set_up();
    let effects = state.update(Event::FrameTaken(id(50)));
    assert_eq!(effects, [classifying(W0, 50)]);
    state
}

fn shown(effects: &[Effect]) -> Option<&Seen> {
    effects.iter().find_map(|effect| match effect {
        Effect::ShowFrame(seen) => Some(seen),
        _ => None,
    })
}

#[test]
fn the_first_frame_starts_the_engine_and_waits_for_it() {
    let mut state = page();
    assert_eq!(
        state.update(Event::FrameTaken(id(50))),
        [Effect::StartEngine(W0), Effect::Download(CLASSIFIER)]
    );
    state.update(Event::EngineReady(W0, Flavour::Simd));
    state.update(Event::Downloaded(CLASSIFIER));
    assert_eq!(
        state.update(Event::ModelReady(W0, CLASSIFIER)),
        [classifying(W0, 50)]
    );
    assert!(state.items.iter().next().is_none(), "frames are no items");
}

#[test]
fn a_frame_is_shown_and_forgotten_and_the_worker_is_free() {
    let mut state = watching();
    let effects = classify(&mut state, 50);
    assert!(effects.contains(&Effect::Forget(vec![id(50)])));
    assert!(matches!(shown(&effects), Some(Seen::Classes(_))));
    assert_eq!(
        state.update(Event::FrameTaken(id(51))),
        [classifying(W0, 51)]
    );
}

#[test]
fn a_frame_comes_before_the_files_that_wait() {
    let mut state = set_up();
    add(&mut state, &[0, 1, 2]);
    state.update(Event::FrameTaken(id(50)));
    let effects = classify(&mut state, 0);
    assert!(effects.contains(&classifying(W0, 50)), "{effects:?}");
    let effects = classify(&mut state, 50);
    assert!(effects.contains(&classifying(W0, 1)), "{effects:?}");
}

#[test]
fn a_frame_that_failed_says_why() {
    let mut state = watching();
    let failure: Failure = EngineError::Overdue { seconds: 60 }.into();
    let effects = state.update(Event::Failed(id(50), failure.clone()));
    assert_eq!(shown(&effects), Some(&Seen::Failed(failure)));
}

#[test]
fn a_worker_that_dies_over_a_frame_costs_that_frame() {
    let mut state = watching();
    let error = EngineError::Crashed {
        detail: "unreachable".to_owned(),
    };
    let effects = state.update(Event::EngineDied(W0, error));
    assert!(
        matches!(shown(&effects), Some(Seen::Failed(_))),
        "{effects:?}"
    );
    assert!(effects.contains(&Effect::StartEngine(W1)), "{effects:?}");
    state.update(Event::EngineReady(W1, Flavour::Simd));
    state.update(Event::ModelReady(W1, CLASSIFIER));
    assert_eq!(
        state.update(Event::FrameTaken(id(51))),
        [classifying(W1, 51)]
    );
}

#[test]
fn cancelling_files_does_not_end_the_camera() {
    let mut state = watching();
    add(&mut state, &[0]);
    let effects = state.update(Event::Cancel);
    assert!(effects.contains(&Effect::StartEngine(W1)), "{effects:?}");
    state.update(Event::EngineReady(W1, Flavour::Simd));
    assert_eq!(
        state.update(Event::ModelReady(W1, CLASSIFIER)),
        [classifying(W1, 50)]
    );
}

#[test]
fn what_comes_after_the_camera_is_off_is_shown_nowhere() {
    let mut state = watching();
    assert_eq!(
        state.update(Event::CameraStopped),
        [Effect::Forget(vec![id(50)])]
    );
    assert_eq!(classify(&mut state, 50), []);
    assert_eq!(
        add(&mut state, &[0]),
        [classifying(W0, 0)],
        "the worker is free"
    );
}
