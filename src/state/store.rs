//! The state as a signal.

use leptos::prelude::*;

use super::{Effect, Event, State};

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

    /// Takes an event in and returns what is to be done because of it.
    pub(crate) fn update(self, event: Event) -> Vec<Effect> {
        self.state
            .try_update(|state| state.update(event))
            .unwrap_or_default()
    }

    /// The state, for reading.
    pub(crate) fn read(self) -> ReadSignal<State> {
        self.state.read_only()
    }
}
