//! Live metrics: what the answers of this visit took.

use leptos::prelude::*;

use super::card::Titles;
use super::charts::{Chart, ChartFigure, histogram_chart, percentiles_chart};
use super::markup::{facts, table};
use crate::state::{Group, State};
use crate::words;

/// What was measured so far; shown from the first answer on.
#[component]
pub(super) fn LiveMetrics(state: ReadSignal<State>, titles: Titles) -> AnyView {
    let version = Memo::new(move |_| state.with(State::measured_beat));
    let n_groups = Memo::new(move |_| state.with(|state| state.metrics.groups().len() as u64));
    let is_empty = move || n_groups.get() == 0;
    let groups = move || {
        // Built anew only when a group is added, so that tables which were opened stay open.
        n_groups.get();
        let groups = state.with_untracked(|state| state.metrics.groups());
        let view = |group: Group| {
            let name = match &group {
                Group::Classifier(model) => titles.get(model),
                Group::Reading => words::reading_group(),
                Group::Texts => words::texts_group(),
            };
            view! { <GroupMetrics state version group name /> }
        };
        groups.into_iter().map(view).collect::<Vec<_>>()
    };
    let figures = move || {
        version.get();
        state.with_untracked(figures)
    };
    view! {
        <section class="metrics" aria-labelledby="metrics-title" hidden=is_empty>
            <h2 id="metrics-title">{words::live_metrics()}</h2>
            {groups}
            <div class="measured glass" inner_html=figures></div>
            <p class="hint">{words::live_note()}</p>
        </section>
    }
    .into_any()
}

/// What the answers come to, and what loading models took.
fn figures(state: &State) -> String {
    let row = |(model, times): &(usize, vitrine_protocol::LoadTimes)| {
        let (title, _) = state.models.title_and_bytes(*model);
        let times = [times.parse, times.optimise, times.first_run, times.warm_up];
        let mut cells = vec![title];
        cells.extend(times.map(words::load_time));
        cells
    };
    let rows: Vec<Vec<String>> = state.metrics.loads().iter().map(row).collect();
    facts(&words::live_facts(state)) + &table(&words::loads(), &words::load_columns(), &rows)
}

/// The answers of one kind. `version` changes with the figures.
#[component]
fn GroupMetrics(
    state: ReadSignal<State>,
    version: Memo<(bool, u64)>,
    group: Group,
    name: String,
) -> AnyView {
    let (of_line, of_stages, of_totals) = (group.clone(), group.clone(), group);
    let (stages_title, totals_title) = (words::stages_of(&name), words::totals_of(&name));
    let line = move || {
        version.get();
        let summary = state.with_untracked(|state| state.metrics.summary(&of_line));
        summary.map(|summary| words::group(&summary.cold, summary.total.as_ref()))
    };
    let stages = Memo::new(move |_| {
        version.get();
        let summary = state.with_untracked(|state| state.metrics.summary(&of_stages));
        summary.map_or_else(Chart::default, |summary| {
            let stages = summary.stages.iter();
            let mut stages: Vec<_> = stages.map(|(name, of)| (words::stage(name), *of)).collect();
            stages.extend(summary.total.map(|total| (words::total(), total)));
            percentiles_chart(stages_title.clone(), &stages)
        })
    });
    let totals = Memo::new(move |_| {
        version.get();
        let summary = state.with_untracked(|state| state.metrics.summary(&of_totals));
        summary.map_or_else(Chart::default, |summary| {
            histogram_chart(totals_title.clone(), &summary.totals)
        })
    });
    let has_no_warm = move || totals.with(|chart| *chart == Chart::default());
    view! {
        <section class="glass measured" aria-label=words::measured(&name)>
            <h3>{name.clone()}</h3>
            <p>{line}</p>
            <div class="charts" hidden=has_no_warm>
                <ChartFigure chart=stages />
                <ChartFigure chart=totals />
            </div>
        </section>
    }
    .into_any()
}
