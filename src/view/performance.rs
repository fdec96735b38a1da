//! The Performance page: a lab that measures one model on this device.

use leptos::prelude::*;
use vitrine_protocol::{EngineBuild, Flavour, ModelEntry};
use wasm_bindgen_futures::spawn_local;

use super::charts::{ChartFigure, histogram_chart, table};
use super::metrics::facts;
use super::requests::RequestCount;
use super::trouble::Sentences;
use crate::lab::{self, Device, Report, markdown, rows};
use crate::requests::Tally;
use crate::state::{Lab, LabChoice, LabEvent, LabStep, ROUNDS, Run};
use crate::{web, words};

/// Measures models on this device and compares what was measured.
#[component]
pub(crate) fn PerformancePage(
    lab: ReadSignal<Lab>,
    tally: ReadSignal<Tally>,
    models: Vec<ModelEntry>,
    engines: Vec<EngineBuild>,
    report: fn(LabEvent),
) -> AnyView {
    let device = lab::device();
    let flavours: Vec<Flavour> = engines.iter().map(|engine| engine.flavour).collect();
    let about = about_device(&device, &flavours);
    let trouble = Memo::new(move |_| lab.with(|lab| lab.trouble.clone()));
    view! {
        <section class="metrics" aria-labelledby="lab-title">
            <h2 id="lab-title">{words::lab()}</h2>
            <p>{words::lab_what()}</p>
            <LabForm lab models=models.clone() flavours report />
            {move || trouble.get().map(|failure| view! { <Sentences failure /> })}
            <LabProgress lab report />
            <LabResults lab models device report />
            {about}
            <RequestCount tally />
        </section>
    }
    .into_any()
}

/// What this device has, and why a fast path is off.
fn about_device(device: &Device, flavours: &[Flavour]) -> AnyView {
    let notes: Vec<AnyView> = words::fast_paths(device, flavours)
        .into_iter()
        .map(|note| view! { <li>{note}</li> }.into_any())
        .collect();
    view! {
        <section class="glass measured" aria-labelledby="device-title">
            <h3 id="device-title">{words::this_device()}</h3>
            {facts(words::device(device))}
            <ul>{notes}</ul>
        </section>
    }
    .into_any()
}

/// What is measured, how often, and the button that begins it.
#[component]
fn LabForm(
    lab: ReadSignal<Lab>,
    models: Vec<ModelEntry>,
    flavours: Vec<Flavour>,
    report: fn(LabEvent),
) -> AnyView {
    let choice = Memo::new(move |_| lab.with(|lab| lab.choice));
    let is_running = Memo::new(move |_| lab.with(|lab| lab.current.is_some()));
    let models = models.into_iter().map(|model| model.title).collect();
    let titles = flavours.iter().map(|flavour| flavour.title().to_owned());
    let titles: Vec<String> = titles.collect();
    let engine_at = {
        let flavours = flavours.clone();
        move || {
            flavours
                .iter()
                .position(|flavour| *flavour == choice.get().flavour)
        }
    };
    let choose_flavour = move |at: usize| {
        let choice = choice.get_untracked();
        let flavour = flavours.get(at).copied().unwrap_or(choice.flavour);
        report(LabEvent::Chosen(LabChoice { flavour, ..choice }));
    };
    let choose_model = move |model| {
        let choice = choice.get_untracked();
        report(LabEvent::Chosen(LabChoice { model, ..choice }));
    };
    let choose_rounds = move |at: usize| {
        let choice = choice.get_untracked();
        let rounds = ROUNDS.get(at).copied().unwrap_or(choice.rounds);
        report(LabEvent::Chosen(LabChoice { rounds, ..choice }));
    };
    let rounds_at = move || {
        ROUNDS
            .iter()
            .position(|rounds| *rounds == choice.get().rounds)
    };
    let model_at = move || Some(choice.get().model);
    let select =
        |label, options: Vec<String>, at: Signal<Option<usize>>, choose: Callback<usize>| {
            view! { <Select label options at choose disabled=is_running /> }
        };
    let [model_label, engine_label, runs_label] = words::lab_lists();
    let rounds = ROUNDS.map(|rounds| rounds.to_string()).to_vec();
    view! {
        <form
            class="lab-form glass"
            on:submit=move |event| {
                event.prevent_default();
                lab::measure();
            }
        >
            {select(
                model_label,
                models,
                Signal::derive(model_at),
                Callback::new(choose_model),
            )}
            {select(
                engine_label,
                titles,
                Signal::derive(engine_at),
                Callback::new(choose_flavour),
            )}
            {select(runs_label, rounds, Signal::derive(rounds_at), Callback::new(choose_rounds))}
            <button type="submit" class="button" disabled=move || is_running.get()>
                {words::run()}
            </button>
        </form>
    }
    .into_any()
}

/// A list to choose one of; `at` is the index of the one that is chosen.
#[component]
fn Select(
    label: String,
    options: Vec<String>,
    at: Signal<Option<usize>>,
    choose: Callback<usize>,
    disabled: Memo<bool>,
) -> AnyView {
    let options: Vec<AnyView> = options
        .into_iter()
        .enumerate()
        .map(|(value, title)| {
            view! {
                <option value=value.to_string() selected=move || at.get() == Some(value)>
                    {title}
                </option>
            }
            .into_any()
        })
        .collect();
    let change = move |event| {
        if let Ok(at) = event_target_value(&event).parse() {
            choose.run(at);
        }
    };
    view! {
        <label class="choice">
            <span>{label}</span>
            <select on:change=change disabled=move || disabled.get()>
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// How far the current run is, and how to stop it.
#[component]
fn LabProgress(lab: ReadSignal<Lab>, report: fn(LabEvent)) -> AnyView {
    let current = Memo::new(move |_| {
        let step = |run: &Run| (run.step, run.times.len(), run.choice.rounds);
        lab.with(|lab| lab.current.as_ref().map(step))
    });
    let now = move || current.get().unwrap_or((LabStep::Done, 0, 1));
    view! {
        <div class="activity glass" hidden=move || current.get().is_none()>
            <p class="activity-title">{move || words::lab_step(now().0, now().1, now().2)}</p>
            <button
                type="button"
                class="button quiet"
                on:click=move |_| report(LabEvent::Stopped)
            >
                {words::stop()}
            </button>
            <progress
                aria-label=words::measuring()
                max=move || now().2.to_string()
                value=move || now().1.to_string()
            ></progress>
        </div>
    }
    .into_any()
}

/// What was measured: the latest run in detail, and all of them side by side.
#[component]
fn LabResults(
    lab: ReadSignal<Lab>,
    models: Vec<ModelEntry>,
    device: Device,
    report: fn(LabEvent),
) -> AnyView {
    let runs = Memo::new(move |_| lab.with(|lab| lab.runs.clone()));
    let has_runs = Memo::new(move |_| runs.with(|runs| !runs.is_empty()));
    let shown = StoredValue::new((models, device));
    let latest = move || {
        let run = runs.with(|runs| runs.last().cloned())?;
        let title = shown.with_value(|(models, _)| models.get(run.choice.model).map(title))?;
        Some(latest_run(title, run))
    };
    let compared = move || {
        let rows = shown.with_value(|(models, _)| runs.with(|runs| rows(runs, models)));
        let head = words::lab_columns();
        table(&words::compared(), head, rows)
    };
    let download = move |_| {
        let json = shown.with_value(|(models, device)| {
            runs.with(|runs| Report::of(web::date(), device, models, runs).json())
        });
        web::save("vitrine-performance.json", "application/json", &json);
    };
    let copy = move |_| {
        let text =
            shown.with_value(|(models, device)| runs.with(|runs| markdown(device, runs, models)));
        spawn_local(async move {
            let is_done = web::copy(&text).await;
            web::set_status(&if is_done {
                words::copied()
            } else {
                words::not_copied()
            });
        });
    };
    view! {
        <section aria-labelledby="lab-results" hidden=move || !has_runs.get()>
            <h3 id="lab-results">{words::lab_results()}</h3>
            {latest}
            {compared}
            <div class="actions">
                <button type="button" class="button quiet" on:click=download>
                    {words::download_report()}
                </button>
                <button type="button" class="button quiet" on:click=copy>
                    {words::copy_markdown()}
                </button>
                <button
                    type="button"
                    class="button quiet"
                    on:click=move |_| report(LabEvent::Cleared)
                >
                    {words::clear_runs()}
                </button>
            </div>
        </section>
    }
    .into_any()
}

fn title(model: &ModelEntry) -> String {
    model.title.clone()
}

fn latest_run(title: String, run: Run) -> Option<AnyView> {
    let summary = run.summary()?;
    let chart = histogram_chart(words::runs_of(&title), &run.times);
    let warnings: Vec<AnyView> = run
        .warnings()
        .into_iter()
        .map(|warning| view! { <li>{words::warning(warning)}</li> }.into_any())
        .collect();
    let has_warnings = !warnings.is_empty();
    let view = view! {
        <section class="glass measured" aria-label=words::measured(&title)>
            <h4>{words::run_title(&title, &run)}</h4>
            {has_warnings.then(|| view! { <ul class="warnings">{warnings}</ul> })}
            <h5>{words::cold()}</h5>
            {facts(words::cold_facts(&run))}
            <h5>{words::steady()}</h5>
            {facts(words::steady_facts(&run, &summary))}
            <ChartFigure chart=Signal::stored(chart) />
        </section>
    };
    Some(view.into_any())
}
