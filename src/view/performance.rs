//! The Performance page: a lab that measures one model on this device.

use std::sync::Arc;

use leptos::prelude::*;
use vitrine_protocol::ModelEntry;
use wasm_bindgen_futures::spawn_local;

use super::charts::{Chart, ChartFigure, histogram_chart};
use super::markup::{element, facts, list, options, table};
use super::requests::RequestCount;
use super::trouble::Sentences;
use crate::lab::{self, Report, markdown, rows};
use crate::requests::Tally;
use crate::state::{Lab, LabEvent, LabStep, ROUNDS};
use crate::{web, words};

/// Measures models on this device and compares what was measured.
#[component]
pub(crate) fn PerformancePage(
    lab: ReadSignal<Lab>,
    tally: ReadSignal<Tally>,
    models: Vec<ModelEntry>,
    report: fn(LabEvent),
) -> AnyView {
    let device = lab::device();
    let notes = lab.with_untracked(|lab| words::fast_paths(&device, &lab.flavours));
    let about = facts(&words::device(&device)) + &list("", &notes);
    let trouble = move || {
        let trouble = lab.with(|lab| lab.trouble.clone());
        trouble.map(|failure| view! { <Sentences failure /> }.into_any())
    };
    let titles = models.iter().map(|model| model.title.clone()).collect();
    view! {
        <section class="metrics" aria-labelledby="lab-title">
            <h2 id="lab-title">{words::lab()}</h2>
            <p>{words::lab_what()}</p>
            <LabForm lab titles report />
            {trouble}
            <LabProgress lab report />
            <LabResults lab models report />
            <section class="glass measured" aria-labelledby="device-title">
                <h3 id="device-title">{words::this_device()}</h3>
                <div inner_html=about></div>
            </section>
            <RequestCount tally />
        </section>
    }
    .into_any()
}

/// What is measured, how often, and the button that begins it.
#[component]
fn LabForm(lab: ReadSignal<Lab>, titles: Vec<String>, report: fn(LabEvent)) -> AnyView {
    let is_running = move || lab.with(|lab| lab.current.is_some());
    let (engines, engine) = lab.with_untracked(|lab| {
        let titles = lab
            .flavours
            .iter()
            .map(|flavour| flavour.title().to_owned());
        (titles.collect::<Vec<_>>(), lab.engine_at())
    });
    let rounds = ROUNDS.map(|rounds| rounds.to_string());
    let [models, flavours, runs] = words::lab_lists();
    view! {
        <form
            class="lab-form glass"
            on:submit=move |event| {
                event.prevent_default();
                lab::measure();
            }
        >
            {choice(models, options(&titles, 0), LabEvent::ModelChosen, report)}
            {choice(flavours, options(&engines, engine), LabEvent::EngineChosen, report)}
            {choice(runs, options(&rounds, 0), LabEvent::RoundsChosen, report)}
            <button type="submit" class="button" disabled=is_running>
                {words::run()}
            </button>
        </form>
    }
    .into_any()
}

/// A list to choose one of; `chosen` makes an event of its index.
fn choice(
    label: String,
    options: String,
    chosen: fn(usize) -> LabEvent,
    report: fn(LabEvent),
) -> AnyView {
    let change = move |event| {
        if let Ok(at) = event_target_value(&event).parse() {
            report(chosen(at));
        }
    };
    view! {
        <label class="choice">
            <span>{label}</span>
            <select on:change=change inner_html=options></select>
        </label>
    }
    .into_any()
}

/// How far the current run is, and how to stop it.
#[component]
fn LabProgress(lab: ReadSignal<Lab>, report: fn(LabEvent)) -> AnyView {
    let now = move || {
        lab.with(|lab| match &lab.current {
            Some(run) => (run.step, run.times.len(), run.choice.rounds),
            None => (LabStep::Done, 0, 1),
        })
    };
    let words = move || {
        let (step, done, rounds) = now();
        words::lab_step(step, done, rounds)
    };
    view! {
        <div class="activity glass" hidden=move || lab.with(|lab| lab.current.is_none())>
            <p class="activity-title">{words}</p>
            {button(words::stop(), move || report(LabEvent::Stopped))}
            <progress
                aria-label=words::measuring()
                max=move || now().2.to_string()
                value=move || now().1.to_string()
            ></progress>
        </div>
    }
    .into_any()
}

fn button(title: String, press: impl Fn() + Send + 'static) -> AnyView {
    let press: Box<dyn Fn() + Send> = Box::new(press);
    view! {
        <button type="button" class="button quiet" on:click=move |_| press()>
            {title}
        </button>
    }
    .into_any()
}

/// What was measured: the latest run in detail, and all of them side by side.
#[component]
fn LabResults(lab: ReadSignal<Lab>, models: Vec<ModelEntry>, report: fn(LabEvent)) -> AnyView {
    // Built anew only with another run, so that a table which was opened stays open.
    let n_runs = Memo::new(move |_| lab.with(|lab| lab.runs.len() as u64));
    let models: Arc<[ModelEntry]> = models.into();
    let latest = {
        let models = models.clone();
        move || {
            n_runs.get();
            lab.with_untracked(|lab| latest_run(lab, &models))
        }
    };
    let chart = {
        let models = models.clone();
        Memo::new(move |_| {
            n_runs.get();
            lab.with_untracked(|lab| {
                lab.runs.last().map(|run| {
                    histogram_chart(
                        words::runs_of(&title(&models, run.choice.model)),
                        &run.times,
                    )
                })
            })
            .unwrap_or_else(Chart::default)
        })
    };
    let name = {
        let models = models.clone();
        move || {
            n_runs.get();
            let model = lab.with_untracked(|lab| lab.runs.last().map(|run| run.choice.model));
            words::measured(&title(&models, model.unwrap_or_default()))
        }
    };
    let compared = {
        let models = models.clone();
        move || {
            n_runs.get();
            let rows = lab.with_untracked(|lab| rows(&lab.runs, &models));
            table(&words::compared(), &words::lab_columns(), &rows)
        }
    };
    let copied_models = models.clone();
    let download = move || {
        let json = lab.with_untracked(|lab| {
            Report::of(web::date(), &lab::device(), &models, &lab.runs).json()
        });
        web::save_json("vitrine-performance.json", &json);
    };
    let copy = move || {
        let text = lab.with_untracked(|lab| markdown(&lab::device(), &lab.runs, &copied_models));
        spawn_local(async move {
            let said = match web::copy(&text).await {
                true => words::copied(),
                false => words::not_copied(),
            };
            web::set_status(&said);
        });
    };
    view! {
        <section class="metrics" aria-labelledby="lab-results" hidden=move || n_runs.get() == 0>
            <h3 id="lab-results">{words::lab_results()}</h3>
            <section class="glass measured" aria-label=name>
                <div class="measured-run" inner_html=latest></div>
                <ChartFigure chart />
            </section>
            <div inner_html=compared></div>
            <div class="lab-actions">
                {button(words::download_report(), download)}
                {button(words::copy_markdown(), copy)}
                {button(words::clear_runs(), move || report(LabEvent::Cleared))}
            </div>
        </section>
    }
    .into_any()
}

fn title(models: &[ModelEntry], model: usize) -> String {
    models
        .get(model)
        .map(|model| model.title.clone())
        .unwrap_or_default()
}

/// What is known of the latest run, as markup.
fn latest_run(lab: &Lab, models: &[ModelEntry]) -> String {
    let Some((run, summary)) = lab.runs.last().and_then(|run| Some((run, run.summary()?))) else {
        return String::new();
    };
    let warnings: Vec<String> = run.warnings().into_iter().map(words::warning).collect();
    element(
        "h4",
        &words::run_title(&title(models, run.choice.model), run),
    ) + &list("warnings", &warnings)
        + &element("h5", &words::cold())
        + &facts(&words::cold_facts(run))
        + &element("h5", &words::steady())
        + &facts(&words::steady_facts(run, &summary))
        + &match run.operators.as_slice() {
            [] => String::new(),
            operators => table(
                &words::operators(),
                &words::operator_columns(),
                &words::operator_rows(operators),
            ),
        }
}
