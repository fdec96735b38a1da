//! Live metrics: what the answers of this visit took.

use leptos::prelude::*;

use super::card::Titles;
use super::charts::{Chart, ChartFigure, histogram_chart, percentiles_chart, table};
use crate::state::{Group, State};
use crate::words;

/// What was measured so far; shown from the first answer on.
#[component]
pub(super) fn LiveMetrics(state: ReadSignal<State>, titles: Titles) -> AnyView {
    let version = Memo::new(move |_| state.with(|state| state.metrics.version()));
    let has_items = Memo::new(move |_| state.with(|state| state.metrics.n_items() > 0));
    let groups = Memo::new(move |_| {
        version.track();
        state.with_untracked(|state| state.metrics.groups())
    });
    let facts = move || {
        version.track();
        facts(state.with_untracked(words::live_facts))
    };
    let group_titles = titles.clone();
    let loads = move || {
        version.track();
        let rows = state.with_untracked(load_rows);
        (!rows.is_empty()).then(|| table(&words::loads(), words::load_columns(), rows))
    };
    view! {
        <section class="metrics" aria-labelledby="metrics-title" hidden=move || !has_items.get()>
            <h2 id="metrics-title">{words::live_metrics()}</h2>
            {facts}
            <For each=move || groups.get() key=|group| format!("{group:?}") let:group>
                <GroupMetrics state version group titles=group_titles.clone() />
            </For>
            {loads}
            <p class="hint">{words::live_note()}</p>
        </section>
    }
    .into_any()
}

/// The answers of one kind. `version` changes with the figures.
#[component]
fn GroupMetrics(
    state: ReadSignal<State>,
    version: Memo<u64>,
    group: Group,
    titles: Titles,
) -> AnyView {
    let name = match &group {
        Group::Classifier(model) => titles.get(model),
        Group::Reading => words::reading_group(),
        Group::Texts => words::texts_group(),
    };
    let summary = Memo::new(move |_| {
        version.track();
        state.with_untracked(|state| state.metrics.summary(&group))
    });
    let has_warm = Memo::new(move |_| {
        summary.with(|summary| {
            summary
                .as_ref()
                .is_some_and(|summary| summary.total.is_some())
        })
    });
    let line = move || {
        summary.with(|summary| {
            let summary = summary.as_ref();
            summary.map(|summary| words::group(&summary.cold, summary.total.as_ref()))
        })
    };
    let titled = name.clone();
    let stages = Memo::new(move |_| {
        summary.with(|summary| match summary {
            Some(summary) => {
                let stages = summary.stages.iter();
                let mut stages: Vec<_> =
                    stages.map(|(name, of)| (words::stage(name), *of)).collect();
                stages.extend(summary.total.map(|total| (words::total(), total)));
                percentiles_chart(words::stages_of(&titled), &stages)
            }
            None => Chart::default(),
        })
    });
    let titled = name.clone();
    let totals = Memo::new(move |_| {
        summary.with(|summary| {
            let totals = summary.as_ref().map(|summary| summary.totals.as_slice());
            histogram_chart(words::totals_of(&titled), totals.unwrap_or_default())
        })
    });
    let label = words::measured(&name);
    view! {
        <section class="glass measured" aria-label=label>
            <h3>{name}</h3>
            <p>{line}</p>
            {move || {
                has_warm
                    .get()
                    .then(|| {
                        view! {
                            <div class="charts">
                                <ChartFigure chart=stages />
                                <ChartFigure chart=totals />
                            </div>
                        }
                    })
            }}
        </section>
    }
    .into_any()
}

fn load_rows(state: &State) -> Vec<Vec<String>> {
    let row = |(model, times): &(usize, vitrine_protocol::LoadTimes)| {
        let (title, _) = state.models.title_and_bytes(*model);
        let times = [times.parse, times.optimise, times.first_run, times.warm_up];
        let mut cells = vec![title];
        cells.extend(times.map(words::fine_time));
        cells
    };
    state.metrics.loads().iter().map(row).collect()
}

/// Names with their values.
pub(super) fn facts(facts: Vec<words::Fact>) -> AnyView {
    let facts: Vec<AnyView> = facts
        .into_iter()
        .map(|(name, value)| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
            .into_any()
        })
        .collect();
    view! { <dl class="figures">{facts}</dl> }.into_any()
}
