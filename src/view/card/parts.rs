//! What cards of every kind are made of.

use leptos::prelude::*;
use vitrine_protocol::{Class, Flavour, Stages};

use crate::view::markup::facts;
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
        .map(|(at, class)| {
            let share = f64::from(class.probability);
            bar(
                class.label.to_string(),
                words::percent(share),
                share,
                at < n_holding,
            )
        })
        .collect();
    view! {
        <ol class="classes" aria-label=title>
            {bars}
        </ol>
    }
}

/// A class, what is said of how often or how surely it was found, and that as a share of 1.
pub(in crate::view) fn bar(label: String, figure: String, share: f64, holds: bool) -> AnyView {
    view! {
        <li style:--share=share.to_string() class:holds=holds>
            <span class="class-name">{label}</span>
            " "
            <span class="class-share">{figure}</span>
        </li>
    }
    .into_any()
}

/// Bars under a heading, in a list named after the `title` of their model.
pub(in crate::view) fn totals(heading: AnyView, title: &str, bars: Vec<AnyView>) -> AnyView {
    let name = words::class_totals(title);
    view! {
        <div class="answer">
            {heading}
            <ol class="classes" aria-label=name>
                {bars}
            </ol>
        </div>
    }
    .into_any()
}

/// How long each stage took, and which engine ran.
pub(super) fn figures(times: &dyn Stages, flavour: Flavour) -> AnyView {
    let stages = times.stages().into_iter();
    let mut figures: Vec<(String, String)> = stages
        .map(|(stage, time)| (words::stage(stage), words::milliseconds(time)))
        .collect();
    figures.push((words::total(), words::milliseconds(times.total())));
    figures.push((words::engine(), flavour.title().to_owned()));
    view! { <div inner_html=facts(&figures)></div> }.into_any()
}
