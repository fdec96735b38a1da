//! Results of earlier visits.

use std::sync::Arc;

use leptos::prelude::*;
use vitrine_protocol::Explanation;

use super::card::Titles;
use super::{Key, card_list};
use crate::language::say;
use crate::state::{Event, HistoryEvent, State};
use crate::{web, words};

/// What earlier visits left on this device, or why nothing can be left.
#[component]
pub(super) fn Earlier(
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
) -> impl IntoView {
    let trouble = Memo::new(move |_| {
        state.with(|state| {
            let trouble = state.history.trouble().map(words::history_failed);
            trouble.map_or_else(String::new, |Explanation { what, why, next }| {
                format!("{what} {why} {next}")
            })
        })
    });
    let n = Memo::new(move |_| state.with(|state| state.history.past().len()));
    let cards = Memo::new(move |_| {
        state.with(|state| {
            let past = state.history.shown().iter();
            past.map(|past| (past.item.id.0 as usize, 0))
                .collect::<Vec<Key>>()
        })
    });
    let of_cards = titles.clone();
    let card = move |id| {
        let titles = &of_cards;
        state.with_untracked(|state| {
            let mut past = state.history.past().iter();
            let past = past.find(|past| past.item.id == id)?.clone();
            let models = past.models.iter();
            let models: Vec<String> = models
                .map(|(id, version)| format!("{} {version}", titles.get(id)))
                .collect();
            let made = words::made(&web::local_time(past.made), &models.join(", "));
            Some((past.item, Some(made)))
        })
    };
    let list = card_list(cards, Arc::new(card), state, titles, report);
    view! {
        <p class="note" hidden=move || trouble.with(String::is_empty)>
            {trouble}
        </p>
        <div class="toolbar" hidden=move || n.get() == 0>
            <h2>{say("Earlier results")}</h2>
            <button
                type="button"
                class="button quiet"
                on:click=move |_| report(Event::History(HistoryEvent::Cleared))
            >
                {say("Clear history")}
            </button>
        </div>
        {list}
        <button
            type="button"
            class="button quiet"
            hidden=move || cards.with(Vec::len) == n.get()
            on:click=move |_| report(Event::History(HistoryEvent::AllWanted))
        >
            {move || words::show_all(n.get())}
        </button>
    }
    .into_any()
}
