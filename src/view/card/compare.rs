//! What other models say of the same picture.

use leptos::prelude::*;
use vitrine_protocol::RequestId;

use super::Titles;
use super::parts::{Bars, Pending, figures};
use crate::language::say;
use crate::state::{Comparison, Event, Step};
use crate::view::trouble::Sentences;
use crate::words;

/// One more model's classes with the time they took. `model` is its title before it has answered.
pub(super) fn compared(other: Comparison, titles: &Titles, name: &str) -> AnyView {
    let title = match &other.step {
        Step::Done(answer) => titles.get(&answer.value.model),
        _ => titles.classifier(other.model),
    };
    let content = match other.step {
        Step::Waiting | Step::Working => {
            view! { <Pending words=say("Looking at it") /> }.into_any()
        }
        Step::Failed(failure) => view! { <Sentences failure about=name.to_owned() /> }.into_any(),
        Step::Done(answer) => view! {
            <Bars title=title.clone() classes=answer.value.classes.clone() n_holding=1 />
            {figures(&answer.value.times, answer.flavour)}
        }
        .into_any(),
    };
    titled(title, content)
}

/// One of several answers, under its model's name.
pub(super) fn titled(title: String, content: AnyView) -> AnyView {
    view! {
        <div class="answer">
            <h4>{title}</h4>
            {content}
        </div>
    }
    .into_any()
}

/// A button for each model that can be asked as well.
pub(super) fn compare_buttons(
    id: RequestId,
    offers: Vec<usize>,
    titles: &Titles,
    report: fn(Event),
) -> Vec<AnyView> {
    let button = |model: usize| {
        let words = words::compare_with(&titles.classifier(model));
        view! {
            <button
                type="button"
                class="button quiet"
                on:click=move |_| report(Event::Compare(id, model))
            >
                {words}
            </button>
        }
        .into_any()
    };
    offers.into_iter().map(button).collect()
}
