//! Removing and bringing back, comparing, and what is kept on the device.

use super::*;

fn three() -> State {
    let mut state = set_up();
    add(&mut state, &[0, 1, 2]);
    for number in 0..3 {
        classify(&mut state, number);
    }
    state
}

fn chosen(is_on: bool) -> Event {
    Event::History(HistoryEvent::Chosen(is_on))
}

fn keeping(numbers: &[u32]) -> Effect {
    let ids = numbers.iter().map(|number| id(*number)).collect();
    Effect::History(HistoryEffect::Keep(ids))
}

fn forgetting(numbers: &[u32]) -> Effect {
    let ids = numbers.iter().map(|number| id(*number)).collect();
    Effect::History(HistoryEffect::Forget(ids))
}

#[test]
fn what_was_removed_comes_back_in_place_with_its_answer() {
    let mut state = three();
    let before = state.items.clone();
    assert_eq!(
        state.update(Event::Remove(id(1))),
        [Effect::FocusCard(Some(id(2))), Effect::OfferUndo(1)]
    );
    assert_eq!(state.undo.offer(), Some("1.jpg removed."));
    assert_eq!(state.update(Event::Undo), [Effect::FocusCard(Some(id(1)))]);
    assert_eq!((state.undo.offer(), &state.items), (None, &before));
    assert_eq!(state.announcement, "1 result is back.");
    assert_eq!(state.update(Event::Undo), [], "there is one level");
}

#[test]
fn the_last_card_hands_the_focus_to_the_heading() {
    let mut state = three();
    let effects = state.update(Event::Remove(id(2)));
    assert_eq!(effects[0], Effect::FocusCard(None));
}

#[test]
fn files_go_once_nothing_can_be_brought_back() {
    let mut state = three();
    state.update(Event::Remove(id(0)));
    let effects = state.update(Event::Clear);
    assert_eq!(
        effects,
        [
            Effect::FocusResults,
            Effect::Forget(vec![id(0)]),
            Effect::OfferUndo(2)
        ]
    );
    assert_eq!(state.update(Event::UndoOver(1)), [], "that one is over");
    assert_eq!(
        state.update(Event::UndoOver(2)),
        [Effect::Forget(vec![id(1), id(2)])]
    );
    assert_eq!(state.undo.offer(), None);
}

#[test]
fn clearing_takes_nothing_that_is_not_finished_and_gives_it_all_back() {
    let mut state = three();
    add(&mut state, &[3]);
    state.update(Event::Clear);
    check_order(&state, &[3]);
    state.update(Event::Undo);
    check_order(&state, &[3, 0, 1, 2]);
    assert_eq!((state.n_open(), state.n_finished()), (1, 3));
}

#[test]
fn what_was_being_worked_on_is_begun_again() {
    let mut state = set_up();
    add(&mut state, &[0]);
    state.update(Event::Remove(id(0)));
    assert_eq!(state.update(Event::Undo), [Effect::FocusCard(Some(id(0)))]);
    assert_eq!(picture(&state, 0).classes, Some(Step::Waiting));
    state.update(Event::EngineReady(W1, Flavour::Simd));
    let effects = state.update(Event::ModelReady(W1, CLASSIFIER));
    assert_eq!(effects, [classifying(W1, 0)]);
}

#[test]
fn rows_of_a_table_come_back_as_rows() {
    let mut state = set_up();
    let numbers: Vec<u32> = (0..30).collect();
    add(&mut state, &numbers);
    for number in 0..30 {
        classify(&mut state, number);
    }
    state.update(Event::Clear);
    assert!(!state.is_batch());
    state.update(Event::Undo);
    assert!(state.is_batch());
    assert_eq!(state.items.counts().rows, 30);
}

/// A page that has two picture classifiers.
fn two_classifiers() -> State {
    let mut state = set_up();
    let models = [Use::Classify, Use::Classify].map(|used_for| ModelState {
        used_for,
        title: format!("{used_for:?}"),
        bytes: 1000,
        on_disk: 0,
        is_asked_for: false,
        weights: Weights::Absent,
    });
    state.models = Models::of(models.to_vec());
    get_ready(&mut state, &[CLASSIFIER]);
    add(&mut state, &[0]);
    classify(&mut state, 0);
    state
}

const OTHER: usize = 1;

fn answer_of_other(state: &mut State) -> Vec<Effect> {
    let dog = Classification {
        model: "other".to_owned(),
        classes: vec![class("dog")],
        picture: PictureFacts::default(),
        times: StageTimes::default(),
    };
    state.update(Event::Classified(id(0), dog, thumbnail()))
}

#[test]
fn another_model_is_fetched_and_asked_and_answers_beside_the_first() {
    let mut state = two_classifiers();
    let classifiers = [(0, "model".to_owned()), (1, "other".to_owned())];
    assert_eq!(offers(picture(&state, 0), &classifiers), [OTHER]);
    assert_eq!(
        state.update(Event::Compare(id(0), OTHER)),
        [Effect::Download(OTHER)]
    );
    assert!(offers(picture(&state, 0), &classifiers).is_empty());
    assert_eq!(
        state.update(Event::Downloaded(OTHER)),
        [Effect::LoadModel(W0, OTHER, WarmUp::Skipped)]
    );
    assert_eq!(
        state.update(Event::ModelReady(W0, OTHER)),
        [Effect::Work(W0, Work::Classify(id(0), OTHER))]
    );
    let first = picture(&state, 0).classes.clone();
    answer_of_other(&mut state);
    assert_eq!(state.announcement, "0.jpg: dog 87.3 %");
    assert_eq!(picture(&state, 0).classes, first);
    assert!(matches!(
        &picture(&state, 0).others[..],
        [Comparison {
            model: OTHER,
            step: Step::Done(_)
        }]
    ));
    assert_eq!(state.phase(), Phase::Ready);
}

#[test]
fn a_comparison_that_crashes_leaves_the_first_answer_and_can_be_tried_again() {
    let mut state = two_classifiers();
    state.update(Event::Compare(id(0), OTHER));
    get_ready(&mut state, &[OTHER]);
    let detail = String::new();
    state.update(Event::EngineDied(W0, EngineError::Crashed { detail }));
    assert!(matches!(picture(&state, 0).classes, Some(Step::Done(_))));
    assert!(matches!(picture(&state, 0).others[0].step, Step::Failed(_)));
    let classifiers = [(0, "model".to_owned()), (1, "other".to_owned())];
    assert_eq!(offers(picture(&state, 0), &classifiers), [OTHER]);
    state.update(Event::Compare(id(0), OTHER));
    assert_eq!(picture(&state, 0).others.len(), 1);
}

#[test]
fn a_model_that_was_given_up_for_another_goes_with_its_worker() {
    let mut state = two_classifiers();
    assert_eq!(state.update(Event::ClassifierChosen(CLASSIFIER)), []);
    add(&mut state, &[1]);
    // What is at work ends first.
    state.update(Event::ClassifierChosen(OTHER));
    let effects = classify(&mut state, 1);
    assert!(effects.contains(&Effect::EndEngine(W0)), "{effects:?}");
}

#[test]
fn only_classifiers_are_compared_and_only_with_an_answer() {
    let mut state = set_up();
    add(&mut state, &[0]);
    state.update(Event::Compare(id(0), CLASSIFIER));
    classify(&mut state, 0);
    state.update(Event::Compare(id(0), DETECTOR));
    assert_eq!(picture(&state, 0).others, []);
}

#[test]
fn a_cancelled_comparison_is_gone() {
    let mut state = two_classifiers();
    state.update(Event::Compare(id(0), OTHER));
    state.update(Event::Cancel);
    assert_eq!(picture(&state, 0).others, []);
    assert!(matches!(picture(&state, 0).classes, Some(Step::Done(_))));
}

#[test]
fn what_is_finished_is_written_at_once_when_nothing_is_left_to_do() {
    let mut state = set_up();
    assert_eq!(
        state.update(chosen(true)),
        [Effect::History(HistoryEffect::Recall)]
    );
    add(&mut state, &[0, 1]);
    let effects = classify(&mut state, 0);
    assert_eq!(effects, [classifying(W0, 1), Effect::Tick]);
    assert_eq!(classify(&mut state, 1), [keeping(&[0, 1])]);
}

#[test]
fn of_a_batch_what_is_finished_is_written_every_five_seconds() {
    let mut state = set_up();
    state.update(chosen(true));
    add(&mut state, &(0..9).collect::<Vec<_>>());
    let effects = classify(&mut state, 0);
    assert_eq!(effects, [classifying(W0, 1), Effect::Tick]);
    assert_eq!(state.update(Event::Tick(1_000.0)), [Effect::Tick]);
    classify(&mut state, 1);
    assert_eq!(state.update(Event::Tick(5_999.0)), [Effect::Tick]);
    let effects = state.update(Event::Tick(6_000.0));
    assert!(effects.contains(&keeping(&[0, 1])), "{effects:?}");
    classify(&mut state, 2);
    state.update(Event::Tick(7_000.0));
    let effects = state.update(Event::Tick(11_999.0));
    assert_eq!(effects, [Effect::Tick], "from when it began to wait");
    let effects = state.update(Event::Tick(12_000.0));
    assert!(effects.contains(&keeping(&[2])), "{effects:?}");
}

#[test]
fn in_the_middle_of_a_batch_nothing_finished_is_lost_to_an_update() {
    let mut state = set_up();
    state.update(chosen(true));
    add(&mut state, &[0, 1, 2]);
    classify(&mut state, 0);
    assert_eq!(
        state.update(Event::Update),
        [keeping(&[0]), Effect::Update],
        "written first"
    );
    classify(&mut state, 1);
    let hidden = state.update(Event::History(HistoryEvent::Hidden));
    assert_eq!(hidden, [keeping(&[1])]);
    assert_eq!(classify(&mut state, 2), [keeping(&[2])]);
    assert_eq!(state.update(Event::Update), [Effect::Update]);
}

#[test]
fn nothing_is_kept_unless_it_is_wanted_and_worth_it() {
    let mut state = three();
    assert_eq!(
        state.update(chosen(true)),
        [Effect::History(HistoryEffect::Recall), keeping(&[0, 1, 2])]
    );
    add(&mut state, &[3]);
    let failed = Event::Failed(id(3), PictureError::Svg.into());
    assert_eq!(state.update(failed), []);
    assert_eq!(
        state.update(chosen(false)),
        [Effect::History(HistoryEffect::ForgetAll)]
    );
    add(&mut state, &[4]);
    assert_eq!(classify(&mut state, 4), []);
}

#[test]
fn no_more_is_written_than_is_kept() {
    let mut state = set_up();
    state.update(chosen(true));
    let numbers: Vec<u32> = (0..MOST_KEPT as u32 + 5).collect();
    add(&mut state, &numbers);
    let mut last = Vec::new();
    for number in &numbers {
        last = classify(&mut state, *number);
    }
    assert!(last.contains(&keeping(&numbers[5..])), "{last:?}");
}

#[test]
fn what_is_removed_is_forgotten_and_written_again_when_it_comes_back() {
    let mut state = three();
    state.update(chosen(true));
    let effects = state.update(Event::Remove(id(1)));
    assert!(effects.contains(&forgetting(&[1])), "{effects:?}");
    let effects = state.update(Event::Undo);
    assert!(effects.contains(&keeping(&[1])), "{effects:?}");
}

fn past(number: u32, made: f64) -> Past {
    Past {
        item: typed_item(id(number), format!("text {number}"), None),
        made,
        models: Vec::new(),
    }
}

#[track_caller]
fn check_past(state: &State, expected: &[u32]) {
    let past = state.history.past().iter();
    let met: Vec<u32> = past.map(|past| past.item.id.0).collect();
    assert_eq!(met, expected);
}

#[test]
fn results_of_earlier_visits_are_shown_latest_first_and_removed_with_a_way_back() {
    let mut state = set_up();
    state.update(chosen(true));
    let recalled = vec![past(8, 2.0), past(9, 2.0)];
    state.update(Event::History(HistoryEvent::Recalled(recalled)));
    check_past(&state, &[8, 9]);
    assert_eq!(
        state.update(Event::Remove(id(8)))[..2],
        [Effect::FocusCard(Some(id(9))), forgetting(&[8])]
    );
    state.update(Event::Undo);
    check_past(&state, &[8, 9]);
    let effects = state.update(Event::History(HistoryEvent::Cleared));
    assert!(effects.contains(&Effect::History(HistoryEffect::ForgetAll)));
    check_past(&state, &[]);
    state.update(Event::Undo);
    check_past(&state, &[8, 9]);
}

#[test]
fn storage_that_fails_is_told_and_left_alone() {
    let mut state = set_up();
    state.update(chosen(true));
    state.update(Event::History(HistoryEvent::Failed("no".to_owned())));
    assert_eq!(state.history.trouble(), Some("no"));
    assert_eq!(state.phase(), Phase::Ready);
    add(&mut state, &[0]);
    assert_eq!(classify(&mut state, 0), []);
}

#[test]
fn a_draft_is_kept_once_it_is_handed_in() {
    let mut state = reading_texts();
    state.update(chosen(true));
    state.update(Event::Typed(id(101), "so glad".to_owned()));
    assert_eq!(analyse(&mut state, 101), []);
    let effects = state.update(Event::HandedIn(id(102), "so glad".to_owned()));
    assert_eq!(effects, [keeping(&[101])]);
}
