//! One item: what it is, what was found in it, how long that took.

mod parts;
mod picture;
mod table;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use vitrine_protocol::ModelEntry;

use crate::state::{Content, Event, Item, State};
use crate::words;
use picture::PictureCard;
pub(super) use picture::Small;
use table::TableCard;
use text::TextCard;

/// Names of models by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Titles(Arc<HashMap<String, String>>);

impl Titles {
    /// The names of these models.
    pub(super) fn of(models: &[ModelEntry]) -> Titles {
        let pairs = models
            .iter()
            .map(|model| (model.id.clone(), model.title.clone()));
        Titles(Arc::new(pairs.collect()))
    }

    /// The name of a model; its id where it has none.
    pub(super) fn get(&self, id: &str) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

/// A card named after its file, or after its text's first words.
#[component]
pub(super) fn ResultCard(
    item: Item,
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
) -> impl IntoView {
    let Item { id, name, content } = item;
    let content = match content {
        Content::Picture(picture) => {
            view! { <PictureCard id name=name.clone() picture titles report /> }.into_any()
        }
        Content::Text(text) => view! { <TextCard name=name.clone() text titles /> }.into_any(),
        Content::Table(_) => {
            view! { <TableCard id name=name.clone() state titles report /> }.into_any()
        }
    };
    let remove = words::remove(&name);
    view! {
        <article class="card glass" aria-label=name>
            {content}
            <button
                type="button"
                class="remove"
                aria-label=remove
                on:click=move |_| report(Event::Remove(id))
            >
                <span aria-hidden="true">"×"</span>
            </button>
        </article>
    }
}
