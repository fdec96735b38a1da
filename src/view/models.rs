//! What runs here, and how good it is.

use leptos::prelude::*;
use vitrine_protocol::{ModelEntry, Source, Variant};

use crate::language::say;
use crate::words;

/// Every model of this site with its measured quality.
#[component]
pub(crate) fn ModelsPanel(models: Vec<ModelEntry>) -> impl IntoView {
    let cards: Vec<_> = models
        .into_iter()
        .map(|model| view! { <ModelCard model /> })
        .collect();
    view! {
        <div class="model-list">{cards}</div>
    }
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
        <details class="model glass">
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
