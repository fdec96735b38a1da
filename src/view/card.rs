//! One item: what it is, what was found in it, how long that took.

mod compare;
mod parts;
mod picture;
mod table;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use vitrine_protocol::{ModelEntry, Spec};

use crate::state::{Content, Event, Item, State};
use crate::words;
pub(super) use parts::{bar, totals};
use picture::PictureCard;
pub(super) use picture::{Small, Whole, size_of};
use table::TableCard;
use text::TextCard;

/// Names of models by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Titles {
    by_id: Arc<HashMap<String, String>>,
    /// Indices and ids of the picture classifiers.
    classifiers: Arc<[(usize, String)]>,
}

impl Titles {
    /// The names of these models.
    pub(super) fn of(models: &[ModelEntry]) -> Titles {
        let pairs = models
            .iter()
            .map(|model| (model.id.clone(), model.title.clone()));
        let classifiers = models.iter().enumerate();
        let classifiers = classifiers
            .filter(|(_, model)| matches!(model.spec, Spec::PictureClassification { .. }))
            .map(|(at, model)| (at, model.id.clone()));
        Titles {
            by_id: Arc::new(pairs.collect()),
            classifiers: classifiers.collect(),
        }
    }

    fn classifiers(&self) -> &[(usize, String)] {
        &self.classifiers
    }

    /// The name of a picture classifier by its index.
    fn classifier(&self, model: usize) -> String {
        let mut classifiers = self.classifiers.iter();
        let id = classifiers.find(|(at, _)| *at == model);
        id.map(|(_, id)| self.get(id)).unwrap_or_default()
    }

    /// The name of a model; its id where it has none.
    pub(super) fn get(&self, id: &str) -> String {
        self.by_id.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

/// A card named after its file, or after its text's first words. `made` says when, for a result of
/// an earlier visit.
#[component]
pub(super) fn ResultCard(
    item: Item,
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
    made: Option<String>,
) -> impl IntoView {
    let is_past = made.is_some();
    let Item { id, name, content } = item;
    let content = match content {
        Content::Picture(picture) => {
            view! { <PictureCard id name=name.clone() picture titles is_past report /> }.into_any()
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
            {made.map(|made| view! { <p class="caption made">{made}</p> })}
            <button
                type="button"
                class="remove"
                data-removes=id.0.to_string()
                aria-label=remove
                on:click=move |_| report(Event::Remove(id))
            >
                <span aria-hidden="true">"×"</span>
            </button>
        </article>
    }
}
