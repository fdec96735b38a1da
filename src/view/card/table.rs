//! A table of texts: which column, how far, what came of it.

use leptos::html::Select;
use leptos::prelude::*;
use vitrine_protocol::{RequestId, RowAnalysis, TableFacts};

use super::Titles;
use super::parts::{Pending, bar, totals};
use crate::language::say;
use crate::state::{Content, Event, State, Table, TableStage};
use crate::view::markup::options;
use crate::view::trouble::Sentences;
use crate::{export, web, words};

/// Rows that are shown; the file that can be downloaded has all of them.
const ROWS_SHOWN: usize = 100;

/// Classes that are counted in view, per classifier.
const TOTALS_SHOWN: usize = 5;

/// A table's card. It is built anew when the table's stage changes; figures change by themselves.
#[component]
pub(super) fn TableCard(
    id: RequestId,
    name: String,
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
) -> impl IntoView {
    let stage = state.with_untracked(|state| table_in(state, id).map(|table| table.stage.clone()));
    let content = match stage {
        None | Some(TableStage::Opening { .. }) => {
            view! { <Pending words=say("Opening the table") /> }.into_any()
        }
        Some(TableStage::Failed(failure)) => {
            return view! {
                <div class="card-body">
                    <Sentences failure about=name />
                </div>
            }
            .into_any();
        }
        Some(TableStage::Choosing(facts)) => {
            let column = facts.likely_column;
            view! { <ColumnChoice id facts=(*facts).clone() column report /> }.into_any()
        }
        Some(TableStage::Analysing { facts, .. }) => {
            view! { <RowsSoFar id state titles n_rows=facts.n_rows /> }.into_any()
        }
        Some(TableStage::Done { facts, column }) => {
            let n_rows = facts.n_rows;
            view! {
                <ColumnChoice id facts=(*facts).clone() column report />
                <RowsSoFar id state titles n_rows />
                <Rows id name=name.clone() state />
            }
            .into_any()
        }
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

fn table_in(state: &State, id: RequestId) -> Option<&Table> {
    match &state.item(id)?.content {
        Content::Table(table) => Some(table),
        _ => None,
    }
}

/// Asks which column holds the texts.
#[component]
fn ColumnChoice(
    id: RequestId,
    facts: TableFacts,
    column: usize,
    report: fn(Event),
) -> impl IntoView {
    let select = NodeRef::<Select>::new();
    let start = move |_| {
        let chosen = select
            .get_untracked()
            .and_then(|select| select.value().parse().ok());
        report(Event::ColumnChosen(id, chosen.unwrap_or(column)));
    };
    let columns = options(&facts.columns, column);
    let examples: Vec<_> = facts
        .preview
        .iter()
        .filter_map(|row| row.get(column))
        .map(|cell| view! { <li dir="auto">{words::first_words(cell)}</li> })
        .collect();
    let caption = words::rows(facts.n_rows);
    view! {
        <p class="caption">{caption}</p>
        {words::replaced(facts.n_replaced).map(|note| view! { <p class="note">{note}</p> })}
        <div class="column-choice">
            <label class="choice">
                <span>{say("Column with the texts")}</span>
                <select node_ref=select inner_html=columns></select>
            </label>
            <button type="button" class="button" on:click=start>
                {words::analyse_rows(facts.n_rows)}
            </button>
        </div>
        <ul class="examples" aria-label=say("First cells")>
            {examples}
        </ul>
    }
}

/// How many rows are done, and how often each class held in them.
#[component]
fn RowsSoFar(
    id: RequestId,
    state: ReadSignal<State>,
    titles: Titles,
    n_rows: usize,
) -> impl IntoView {
    let progress = Memo::new(move |_| {
        state.with(|state| table_in(state, id).map(|table| (table.rows.len(), table.time)))
    });
    let done = move || progress.get().map_or(0, |(done, _)| done);
    let figures = move || {
        let (done, time) = progress.get().unwrap_or_default();
        let per_row = if done == 0 { 0.0 } else { time / done as f64 };
        words::rows_done(done, n_rows, per_row)
    };
    let lists = move || {
        progress.track();
        state.with_untracked(|state| {
            let table = table_in(state, id)?;
            let lists: Vec<_> = table
                .totals
                .iter()
                .map(|(model, counts)| {
                    let mut counts: Vec<(&String, &usize)> = counts.iter().collect();
                    counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
                    let bars = counts.into_iter().take(TOTALS_SHOWN).map(|(label, n)| {
                        let share = *n as f64 / table.rows.len().max(1) as f64;
                        bar(label.clone(), words::rows(*n), share, false)
                    });
                    let title = titles.get(model);
                    let heading = view! { <h4>{title.clone()}</h4> }.into_any();
                    totals(heading, &title, bars.collect())
                })
                .collect();
            Some(lists)
        })
    };
    view! {
        <div class="download">
            <progress
                aria-label=say("Rows analysed")
                max=n_rows.to_string()
                value=move || done().to_string()
            ></progress>
            <p class="figures">{figures}</p>
        </div>
        <div class="answers">{lists}</div>
    }
}

/// The first rows with what held in them, and all of them as a file.
#[component]
fn Rows(id: RequestId, name: String, state: ReadSignal<State>) -> impl IntoView {
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem)
        .to_owned();
    let save = move |_| {
        let csv = state.with_untracked(|state| table_in(state, id).map(export::table_csv));
        if let Some(csv) = csv {
            web::save(
                &format!("{stem}-analysed.csv"),
                "text/csv;charset=utf-8",
                &csv,
            );
        }
    };
    let rows: Vec<_> = state.with_untracked(|state| {
        let rows = table_in(state, id).map(|table| table.rows.iter().take(ROWS_SHOWN));
        rows.into_iter().flatten().map(row_view).collect()
    });
    let n_shown = rows.len();
    view! {
        <div class="buttons">
            <button type="button" class="button quiet" on:click=save>
                {say("Download as CSV")}
            </button>
        </div>
        <div class="table-frame" tabindex="0" role="group" aria-label=say("Analysed rows")>
            <table>
                <caption>{words::first_rows(n_shown)}</caption>
                <thead>
                    <tr>
                        <th scope="col">{say("Row")}</th>
                        <th scope="col">{say("Text")}</th>
                        <th scope="col">{say("Found")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn row_view(row: &RowAnalysis) -> impl IntoView + use<> {
    let found: Vec<&str> = row
        .answers
        .iter()
        .flat_map(|answer| answer.classes.iter().take(answer.n_holding))
        .map(|class| &*class.label)
        .collect();
    view! {
        <tr>
            <th scope="row">{(row.row + 1).to_string()}</th>
            <td dir="auto">{row.excerpt.clone()}</td>
            <td>{found.join(", ")}</td>
        </tr>
    }
}
