//! A text: what it expresses.

use leptos::prelude::*;
use vitrine_protocol::{Analysis, TextAnswer};

use super::Titles;
use super::parts::{Bars, Pending, figures};
use crate::language::say;
use crate::state::{Answer, Step, Text};
use crate::view::trouble::Sentences;
use crate::words;

/// A text's card.
#[component]
pub(super) fn TextCard(name: String, text: Text, titles: Titles) -> impl IntoView {
    let Text { step, earlier, .. } = text;
    let content = match (step, earlier) {
        (Step::Failed(failure), _) => {
            return view! {
                <div class="card-body">
                    <Sentences failure about=name />
                </div>
            }
            .into_any();
        }
        (Step::Done(answer), _) | (_, Some(answer)) => analysis_view(&answer, &titles),
        (Step::Waiting, None) => view! { <Pending words=say("Waiting") /> }.into_any(),
        (Step::Working, None) => view! { <Pending words=say("Reading it") /> }.into_any(),
    };
    view! {
        <div class="card-body">
            <h3 class="file-name">
                <bdi>{name}</bdi>
            </h3>
            {content}
        </div>
    }
    .into_any()
}

fn analysis_view(answer: &Answer<Analysis>, titles: &Titles) -> AnyView {
    let Answer { value, flavour } = answer;
    let notes: Vec<_> = [words::truncated(value), words::replaced(value.n_replaced)]
        .into_iter()
        .flatten()
        .map(|note| view! { <p class="note">{note}</p> })
        .collect();
    let answers: Vec<_> = value
        .answers
        .iter()
        .map(|answer| answer_view(answer, titles))
        .collect();
    view! {
        <blockquote class="excerpt" dir="auto">
            {value.excerpt.clone()}
        </blockquote>
        {notes}
        <div class="answers">{answers}</div>
        {figures(&value.times, *flavour)}
    }
    .into_any()
}

fn answer_view(answer: &TextAnswer, titles: &Titles) -> impl IntoView + use<> {
    let title = titles.get(&answer.model);
    let nothing_holds = answer.n_holding == 0;
    view! {
        <div class="answer">
            <h4>{title.clone()}</h4>
            {nothing_holds.then(|| view! { <p class="caption">{words::nothing_holds()}</p> })}
            <Bars title classes=answer.classes.clone() n_holding=answer.n_holding />
        </div>
    }
}
