//! What cards of every kind are made of.

use leptos::prelude::*;
use vitrine_protocol::{Class, Flavour, Stages};

use crate::words;

/// The card's name, before there is anything else to show.
#[component]
pub(super) fn Pending(words: String) -> impl IntoView {
    view! { <p class="pending">{words}</p> }
}

/// Classes as bars, best first. `title` names the list; `n_holding` of them hold.
#[component]
pub(super) fn Bars(title: String, classes: Vec<Class>, n_holding: usize) -> impl IntoView {
    let bars: Vec<_> = classes
        .into_iter()
        .enumerate()
        .map(|(at, class)| view! { <Bar class holds=at < n_holding /> })
        .collect();
    view! {
        <ol class="classes" aria-label=title>
            {bars}
        </ol>
    }
}

#[component]
fn Bar(class: Class, holds: bool) -> impl IntoView {
    let share = f64::from(class.probability);
    view! {
        <li style:--share=share.to_string() class:holds=holds>
            <span class="class-name">{class.label}</span>
            " "
            <span class="class-share">{words::percent(share)}</span>
        </li>
    }
}

/// How long each stage took, and which engine ran.
pub(super) fn figures(times: &dyn Stages, flavour: Flavour) -> impl IntoView + use<> {
    let stages: Vec<_> = times
        .stages()
        .into_iter()
        .map(|(stage, time)| view! { <Figure name=words::stage(stage) value=words::milliseconds(time) /> })
        .collect();
    let total = words::milliseconds(times.total());
    view! {
        <dl class="figures">
            {stages} <Figure name=words::total() value=total />
            <Figure name=words::engine() value=flavour.title().to_owned() />
        </dl>
    }
}

#[component]
fn Figure(name: String, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}
