//! The state as a signal.

use leptos::prelude::*;

use super::{Effect, Event, Lab, LabEffect, LabEvent, State};

/// Owns the state; views read it, events change it.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    state: RwSignal<State>,
}

impl Store {
    /// Owns this state from now on.
    pub(crate) fn new(state: State) -> Store {
        Store {
            state: RwSignal::new(state),
        }
    }

    /// Takes an event in, which happened `now`, and returns what is to be done because of it.
    pub(crate) fn update(self, event: Event, now: f64) -> Vec<Effect> {
        let take_in = |state: &mut State| {
            let effects = state.update(event);
            state.keep_time(now);
            effects
        };
        self.state.try_update(take_in).unwrap_or_default()
    }

    /// The state, for reading.
    pub(crate) fn read(self) -> ReadSignal<State> {
        self.state.read_only()
    }
}

/// Owns the latency lab, as [`Store`] owns the state.
#[derive(Clone, Copy)]
pub(crate) struct LabStore {
    lab: RwSignal<Lab>,
}

impl LabStore {
    /// Owns this lab from now on.
    pub(crate) fn new(lab: Lab) -> LabStore {
        LabStore {
            lab: RwSignal::new(lab),
        }
    }

    /// Takes an event in, which happened `now`, and returns what is to be done because of it.
    pub(crate) fn update(self, event: LabEvent, now: f64) -> Option<LabEffect> {
        let take_in = |lab: &mut Lab| lab.update(event, now);
        self.lab.try_update(take_in).flatten()
    }

    /// The lab, for reading.
    pub(crate) fn read(self) -> ReadSignal<Lab> {
        self.lab.read_only()
    }
}
