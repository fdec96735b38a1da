//! What runs here, and how good it is.

use leptos::prelude::*;
use vitrine_protocol::{ModelEntry, Source, Variant};

use crate::language::say;
use crate::state::{Event, Place, State};
use crate::words;

use super::trouble::TroublePanel;

/// Every model of this site: its measured quality, and whether it is on this device.
#[component]
pub(crate) fn ModelsPanel(
    models: Vec<ModelEntry>,
    state: ReadSignal<State>,
    report: fn(Event),
) -> impl IntoView {
    let cards: Vec<_> = models
        .into_iter()
        .enumerate()
        .map(|(at, model)| {
            let keeping = keeping(at, &model, state, report);
            view! {
                <div class="model glass">
                    <ModelCard model />
                    {keeping}
                </div>
            }
        })
        .collect();
    view! {
        <TroublePanel state report />
        <ShelfNote state report />
        <div class="model-list">{cards}</div>
    }
    .into_any()
}

/// What all models take on the disk, and a way to have them off it.
#[component]
fn ShelfNote(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let shelf =
        Memo::new(move |_| state.with(|state| words::shelf(&state.shelf, state.not_kept.as_ref())));
    let kept = Memo::new(move |_| state.with(|state| state.models.on_disk()));
    view! {
        <div class="shelf">
            <p class="figures">{shelf}</p>
            <button
                type="button"
                class="button quiet"
                hidden=move || kept.with(Vec::is_empty)
                on:click=move |_| report(Event::DeleteModels(kept.get_untracked()))
            >
                {words::delete_all()}
            </button>
        </div>
    }
    .into_any()
}

/// Whether a model is on this device, and a way to change that. `at` is its index.
fn keeping(at: usize, model: &ModelEntry, state: ReadSignal<State>, report: fn(Event)) -> AnyView {
    let (title, bytes) = (model.title.clone(), model.served.packed);
    let place = Memo::new(move |_| state.with(|state| state.models.place(at)));
    // One button that changes, so that the focus stays where it is.
    let words = Memo::new(move |_| words::keeping(place.get(), &title));
    let press = move |_| {
        report(match place.get_untracked() {
            Place::OnDisk => Event::DeleteModels(vec![at]),
            Place::Downloading(_) => Event::Cancel,
            _ => Event::Fetch(at),
        });
    };
    let received = move || match place.get() {
        Place::Downloading(transfer) => transfer.received.to_string(),
        _ => "0".to_owned(),
    };
    view! {
        <div class="keeping">
            <p>
                <span class="badge">{move || words::place(place.get())}</span>
                " "
                <span class="figures">{move || words::place_figures(place.get(), bytes)}</span>
            </p>
            <progress
                aria-label=words::downloading(&model.title)
                max=bytes.to_string()
                value=received
                hidden=move || !matches!(place.get(), Place::Downloading(_))
            ></progress>
            <button
                type="button"
                class="button quiet"
                aria-label=move || words.get().1
                hidden=move || place.get() == Place::MemoryOnly
                on:click=press
            >
                {move || words.get().0}
            </button>
        </div>
    }
    .into_any()
}

/// One model; what it does is always in view, the figures when asked for.
#[component]
fn ModelCard(model: ModelEntry) -> impl IntoView {
    let origin = origin(&model.source);
    let weights = words::licence(&origin, &model.licence.spdx, &model.licence.holder);
    let size = words::download_size(&model.served);
    let caption = format!(
        "{} · {}",
        words::task(&model.spec),
        words::size(model.served.packed)
    );
    let measured: Vec<_> = model
        .card
        .iter()
        .map(|card| {
            view! {
                <li>
                    {words::card(card)}
                    <br />
                    <code>{card.command.clone()}</code>
                </li>
            }
        })
        .collect();
    let has_figures = !measured.is_empty();
    let limits = model.limits;
    view! {
        <details>
            <summary>
                <span class="model-title">{model.title}</span>
                " "
                <span class="caption">{caption}</span>
            </summary>
            <p>{model.summary}</p>
            <dl class="facts">
                {has_figures
                    .then(|| {
                        view! {
                            <div>
                                <dt>{say("Measured")}</dt>
                                <dd>
                                    <ul>{measured}</ul>
                                </dd>
                            </div>
                        }
                    })}
                {(!limits.is_empty())
                    .then(|| {
                        view! {
                            <div>
                                <dt>{say("Limits")}</dt>
                                <dd>{limits}</dd>
                            </div>
                        }
                    })} <div>
                    <dt>{say("Weights")}</dt>
                    <dd>{weights}</dd>
                </div> <div>
                    <dt>{say("Download")}</dt>
                    <dd>{size}</dd>
                </div>
            </dl>
            {(!model.variants.is_empty()).then(|| view! { <Variants variants=model.variants /> })}
        </details>
    }
}

fn origin(source: &Source) -> String {
    format!("{} {}", source.package, source.version)
}

/// The same weights in other widths, side by side.
#[component]
fn Variants(variants: Vec<Variant>) -> impl IntoView {
    let rows: Vec<_> = variants
        .into_iter()
        .map(|variant| {
            view! {
                <tr>
                    <th scope="row">{variant.weights.title()}</th>
                    <td>{words::size(variant.bytes)}</td>
                    <td>{format!("{} {}", words::percent(variant.value), variant.metric)}</td>
                    <td>{words::milliseconds(variant.infer_ms)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="table-frame" tabindex="0" role="group" aria-label=say("Weights compared")>
            <table>
                <caption>{say("The same weights in other widths, measured natively")}</caption>
                <thead>
                    <tr>
                        <th scope="col">{say("Weights")}</th>
                        <th scope="col">{say("Size")}</th>
                        <th scope="col">{say("Quality")}</th>
                        <th scope="col">{say("One inference")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
