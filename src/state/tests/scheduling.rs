//! Many files on several workers.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const W2: WorkerId = WorkerId(2);

/// A page that may have so many workers, with one that has answered, and `n` more pictures added,
/// from number 1 on.
fn batch(most: usize, n: u32) -> State {
    let mut state = page();
    state.pool = Pool::new(most);
    add(&mut state, &[0]);
    state.update(Event::EngineReady(W0, Flavour::Simd));
    get_ready(&mut state, &[CLASSIFIER]);
    classify(&mut state, 0);
    let numbers: Vec<u32> = (1..=n).collect();
    add(&mut state, &numbers);
    state
}

/// The same with a second worker that is at work.
fn two_at_work(n: u32) -> State {
    let mut state = batch(2, n);
    state.update(Event::EngineReady(W1, Flavour::Simd));
    let effects = state.update(Event::ModelReady(W1, CLASSIFIER));
    assert_eq!(effects, [classifying(W1, 2)]);
    state
}

fn crash() -> EngineError {
    EngineError::Crashed {
        detail: "unreachable".to_owned(),
    }
}

fn n_failed(state: &State) -> usize {
    state.progress().failed
}

#[test]
fn another_worker_is_started_when_much_waits_and_the_first_has_proved_itself() {
    let mut state = batch(3, 4);
    assert_eq!(
        state.pool.workers.len(),
        1,
        "three that wait are not worth it"
    );
    let effects = add(&mut state, &[5, 6]);
    assert_eq!(effects, [Effect::StartEngine(W1), Effect::Tick]);
    assert_eq!(add(&mut state, &[7, 8, 9, 10, 11, 12]), [], "one at a time");
    assert_eq!(
        state.update(Event::EngineReady(W1, Flavour::Simd)),
        [Effect::LoadModel(W1, CLASSIFIER, WarmUp::Skipped)],
        "from the file that is here"
    );
    assert_eq!(
        state.update(Event::ModelReady(W1, CLASSIFIER)),
        [classifying(W1, 2), Effect::StartEngine(W2)]
    );
}

#[test]
fn one_worker_is_all_where_there_may_be_one() {
    let state = batch(1, 1000);
    assert_eq!(state.pool.workers.len(), 1);
}

#[test]
fn every_item_is_done_once_in_the_order_of_adding_whoever_answers_first() {
    let mut state = two_at_work(1000);
    let mut at_work = BTreeMap::from([(W0.0, 1), (W1.0, 2)]);
    let mut begun = vec![1, 2];
    let mut is_first = true;
    while !at_work.is_empty() {
        // Now one is faster, now the other.
        is_first ^= begun.len() % 3 == 0;
        let worker = match is_first {
            true => at_work.first_key_value(),
            false => at_work.last_key_value(),
        };
        let (worker, item) = worker.map(|(worker, item)| (*worker, *item)).unwrap();
        at_work.remove(&worker);
        for effect in classify(&mut state, item) {
            if let Effect::Work(worker, work) = effect {
                assert_eq!(at_work.insert(worker.0, work.id().0), None, "one at a time");
                begun.push(work.id().0);
            }
        }
        assert_eq!(
            at_work.len(),
            state.n_open().min(2),
            "none rests while something waits"
        );
    }
    assert_eq!(begun, (1..=1000).collect::<Vec<u32>>());
    assert_eq!((state.n_open(), state.phase()), (0, Phase::Ready));
    assert_eq!(state.items.totals()["model"]["tabby cat"], 1001);
}

#[test]
fn a_crash_of_one_worker_costs_its_item_and_the_others_go_on() {
    let mut state = two_at_work(20);
    let effects = state.update(Event::EngineDied(W1, crash()));
    assert_eq!(effects, [Effect::EndEngine(W1), Effect::StartEngine(W2)]);
    assert_eq!(
        picture(&state, 2).classes,
        Some(Step::Failed(crash().into()))
    );
    assert_eq!((n_failed(&state), state.trouble.clone()), (1, None));
    assert_eq!(classify(&mut state, 2), [], "its late answer is dropped");
    assert_eq!(classify(&mut state, 1), [classifying(W0, 3)]);
    state.update(Event::EngineReady(W2, Flavour::Simd));
    let effects = state.update(Event::ModelReady(W2, CLASSIFIER));
    assert_eq!(effects, [classifying(W2, 4)]);
}

#[test]
fn what_an_ended_worker_still_says_changes_nothing() {
    let mut state = two_at_work(20);
    state.update(Event::EngineDied(W1, crash()));
    let before = state.clone();
    assert_eq!(state.update(Event::EngineDied(W1, crash())), []);
    assert_eq!(state.update(Event::Overdue(W1, id(2), 60)), []);
    assert_eq!(state.update(Event::ModelReady(W1, CLASSIFIER)), []);
    assert_eq!(state, before);
}

#[test]
fn a_worker_that_hangs_is_ended_and_its_item_says_so() {
    let mut state = two_at_work(20);
    assert_eq!(classify(&mut state, 1), [classifying(W0, 3)]);
    assert_eq!(
        state.update(Event::Overdue(W0, id(1), 60)),
        [],
        "it has answered for that one"
    );
    assert_eq!(classify(&mut state, 2), [classifying(W1, 4)]);
    let effects = state.update(Event::Overdue(W0, id(3), 60));
    assert_eq!(effects, [Effect::EndEngine(W0), Effect::StartEngine(W2)]);
    let overdue = EngineError::Overdue { seconds: 60 };
    assert_eq!(
        picture(&state, 3).classes,
        Some(Step::Failed(overdue.into()))
    );
    assert_eq!(classify(&mut state, 4), [classifying(W1, 5)]);
}

#[test]
fn cancelling_thousands_ends_every_worker_and_keeps_what_is_done() {
    let mut state = two_at_work(5000);
    classify(&mut state, 1);
    let effects = state.update(Event::Cancel);
    let forgotten: Vec<RequestId> = (2..=5000).map(id).collect();
    assert_eq!(
        effects,
        [
            Effect::FocusResults,
            Effect::DropComing,
            Effect::EndEngine(W0),
            Effect::EndEngine(W1),
            Effect::Forget(forgotten)
        ]
    );
    check_order(&state, &[1, 0]);
    assert_eq!((state.phase(), state.activity()), (Phase::Ready, None));
    assert_eq!(classify(&mut state, 3), []);
}

#[test]
fn a_pause_lets_what_is_begun_finish_and_begins_nothing() {
    let mut state = two_at_work(40);
    assert_eq!(state.update(Event::FlowChosen(Flow::Paused)), []);
    assert_eq!(classify(&mut state, 1), []);
    assert_eq!(classify(&mut state, 2), []);
    assert_eq!(state.activity(), Some(Activity::Paused { n_open: 38 }));
    assert_eq!(
        state.update(Event::FlowChosen(Flow::Running)),
        [classifying(W0, 3), classifying(W1, 4)]
    );
}

#[test]
fn a_typed_text_does_not_wait_behind_a_batch_nor_for_the_end_of_a_pause() {
    let mut state = two_at_work(40);
    get_ready(&mut state, &[ENCODER]);
    let text = |number| Work::Analyse(id(number), Some("so glad".to_owned()));
    state.update(Event::Typed(id(100), "so glad".to_owned()));
    assert_eq!(classify(&mut state, 2), [classifying(W1, 3)]);
    assert_eq!(classify(&mut state, 1), [Effect::Work(W0, text(100))]);
    state.update(Event::FlowChosen(Flow::Paused));
    assert_eq!(analyse(&mut state, 100), []);
    assert_eq!(
        state.update(Event::HandedIn(id(101), "so glad".to_owned())),
        [],
        "it is analysed already"
    );
    assert_eq!(
        state.update(Event::HandedIn(id(102), "so glad".to_owned())),
        [Effect::Work(W0, text(102))]
    );
}

#[test]
fn a_worker_beyond_the_first_that_does_not_start_is_done_without() {
    let mut state = batch(2, 40);
    let effects = state.update(Event::EngineDied(W1, crash()));
    assert_eq!(effects, [Effect::EndEngine(W1)]);
    assert_eq!((n_failed(&state), state.trouble.clone()), (0, None));
    assert_eq!(
        classify(&mut state, 1),
        [classifying(W0, 2)],
        "nor tried again"
    );
}

#[test]
fn workers_that_die_over_each_item_are_not_started_for_ever() {
    let mut state = two_at_work(40);
    state.update(Event::EngineDied(W0, crash()));
    let mut n_started = 0;
    for worker in [W1, W2, WorkerId(3), WorkerId(4), WorkerId(5)] {
        state.update(Event::EngineReady(worker, Flavour::Simd));
        state.update(Event::ModelReady(worker, CLASSIFIER));
        let effects = state.update(Event::EngineDied(worker, crash()));
        let started = effects
            .iter()
            .filter(|at| matches!(at, Effect::StartEngine(_)));
        n_started += started.count();
    }
    assert_eq!(state.phase(), Phase::Failed);
    assert!(n_started <= 2, "{n_started}");
    let effects = state.update(Event::Retry);
    assert!(matches!(
        effects[..],
        [Effect::FocusResults, Effect::StartEngine(_)]
    ));
}

#[test]
fn a_model_that_one_worker_cannot_load_is_not_fetched_anew_while_another_runs_it() {
    let mut state = batch(2, 40);
    state.update(Event::EngineReady(W1, Flavour::Simd));
    let error = EngineError::Parse {
        detail: "out of memory".to_owned(),
    };
    let effects = state.update(Event::ModelFailed(W1, CLASSIFIER, error.into()));
    assert_eq!(effects, [Effect::EndEngine(W1)]);
    assert_eq!((state.trouble.clone(), n_failed(&state)), (None, 0));
    assert_eq!(classify(&mut state, 1), [classifying(W0, 2)]);
}

#[test]
fn the_rows_of_a_table_stay_with_the_worker_that_opened_it() {
    let mut state = two_at_work(40);
    get_ready(&mut state, &[ENCODER]);
    add_kind(&mut state, &[200], FileKind::Table);
    state.update(Event::FlowChosen(Flow::Paused));
    classify(&mut state, 1);
    classify(&mut state, 2);
    let effects = state.update(Event::FlowChosen(Flow::Running));
    assert_eq!(effects, [classifying(W0, 3), classifying(W1, 4)]);
    for number in 3..40 {
        classify(&mut state, number);
    }
    let opening = classify(&mut state, 40);
    assert_eq!(opening, [], "the other has it");
    state.update(Event::TableOpened(id(200), facts(40)));
    let opener = state
        .pool
        .workers
        .iter()
        .find(|worker| worker.open_table.is_some());
    let opener = opener.map(|worker| worker.id).unwrap();
    let mut at = BTreeSet::new();
    let mut effects = state.update(Event::ColumnChosen(id(200), 0));
    for from in [0, 16, 32] {
        for effect in &effects {
            if let Effect::Work(worker, work) = effect {
                assert!(matches!(work, Work::AnalyseRows { from: met, .. } if *met == from));
                at.insert(worker.0);
            }
        }
        effects = state.update(Event::RowsAnalysed(
            id(200),
            rows(from, (from + 16).min(40)),
            1.0,
        ));
    }
    assert_eq!(at, BTreeSet::from([opener.0]));
    assert_eq!(state.phase(), Phase::Ready);
}

#[test]
fn workers_beyond_the_first_load_what_many_wait_for_and_nothing_else() {
    let mut state = two_at_work(40);
    state.update(Event::Downloaded(ENCODER));
    let effects = state.update(Event::Typed(id(100), "a".to_owned()));
    assert_eq!(effects, [Effect::LoadModel(W0, ENCODER, WarmUp::Skipped)]);
}

#[test]
fn workers_beyond_the_first_end_when_nothing_was_done_for_a_while() {
    let mut state = two_at_work(30);
    for number in 1..=30 {
        classify(&mut state, number);
    }
    assert_eq!(state.update(Event::Tick(1_000.0)), [Effect::Tick]);
    assert_eq!(
        state.update(Event::Tick(12_000.0)),
        [Effect::EndEngine(W1)],
        "and with it the clock"
    );
    assert_eq!(state.pool.workers.len(), 1);
}

#[test]
fn many_files_are_rows_in_pages_and_what_asks_for_more_stays_a_card() {
    let mut state = batch(1, 119);
    add_kind(&mut state, &[200], FileKind::Table);
    assert!(state.is_batch());
    let cards: Vec<u32> = state.cards().map(|item| item.id.0).collect();
    assert_eq!(cards, [200]);
    state.update(Event::PageTurned(1));
    let shown: Vec<u32> = state.rows().map(|item| item.id.0).collect();
    assert_eq!(shown, (51..=100).collect::<Vec<u32>>());
    state.update(Event::PageTurned(99));
    assert_eq!((state.page(), state.rows().count()), ((2, 3), 20));
    state.update(Event::Failed(id(1), PictureError::Svg.into()));
    state.update(Event::FilterChosen(Filter::Failed));
    let shown: Vec<u32> = state.rows().map(|item| item.id.0).collect();
    assert_eq!((shown, state.page()), (vec![1], (0, 1)));
}

#[test]
fn a_row_that_is_removed_is_no_longer_open() {
    let mut state = batch(1, 30);
    state.update(Event::Opened(Some(id(7))));
    state.update(Event::Remove(id(7)));
    assert_eq!(state.batch.opened, None);
}

/// How many of the classifier's answers came first after a start.
fn n_first_answers(state: &State) -> usize {
    let group = Group::Classifier("model".to_owned());
    state.metrics.summary(&group).unwrap().cold.len()
}

#[test]
fn an_answer_is_a_first_one_again_however_the_last_worker_ended() {
    let mut state = batch(1, 2);
    assert_eq!(n_first_answers(&state), 1);
    // What is being worked on is removed, and with it the only worker.
    state.update(Event::Remove(id(1)));
    assert_eq!(state.pool.workers.len(), 1, "another one starts");
    state.update(Event::EngineReady(W1, Flavour::Simd));
    state.update(Event::ModelReady(W1, CLASSIFIER));
    classify(&mut state, 2);
    assert_eq!(n_first_answers(&state), 2);
}

#[test]
fn answers_stay_warm_while_another_worker_goes_on() {
    let mut state = two_at_work(20);
    state.update(Event::EngineDied(W1, crash()));
    classify(&mut state, 1);
    assert_eq!(n_first_answers(&state), 1);
}

#[test]
fn a_table_stays_one_until_its_last_file_is_gone() {
    let mut state = batch(1, 100);
    assert!(state.is_batch());
    state.update(Event::Cancel);
    assert!(state.items.counts().rows <= 24 && state.is_batch());
    state.update(Event::Clear);
    assert!(!state.is_batch());
    add(&mut state, &[200]);
    assert!(!state.is_batch(), "few files are cards again");
}

#[test]
fn measured_figures_are_drawn_once_a_second_while_a_batch_runs() {
    let mut state = batch(1, 30);
    let before = state.measured_beat();
    classify(&mut state, 1);
    assert_eq!(state.measured_beat(), before, "not with every answer");
    state.update(Event::Tick(1000.0));
    assert_ne!(state.measured_beat(), before);
    for number in 2..=30 {
        classify(&mut state, number);
    }
    let done = state.measured_beat();
    assert_eq!(done, (false, state.metrics.version()), "the last is drawn");
}
