//! What runs here, and how good it is.

use leptos::prelude::*;
use vitrine_protocol::ModelEntry;

use crate::words;

/// The model with its measured quality.
#[component]
pub(super) fn ModelPanel(model: ModelEntry) -> impl IntoView {
    let ModelEntry {
        title,
        summary,
        licence,
        source,
        served,
        card,
        ..
    } = model;
    let origin = format!("{} {}, {}", source.package, source.version, licence.spdx);
    let size = format!(
        "{} MB, kept in memory until the page is closed",
        words::megabytes(served.bytes)
    );
    let measured: Vec<_> = card
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
    view! {
        <section class="model glass" aria-labelledby="model-title">
            <h2 id="model-title">{format!("The model: {title}")}</h2>
            <p>{summary}</p>
            <dl class="facts">
                <div>
                    <dt>"Measured"</dt>
                    <dd><ul>{measured}</ul></dd>
                </div>
                <div>
                    <dt>"Weights"</dt>
                    <dd>{origin}</dd>
                </div>
                <div>
                    <dt>"Download"</dt>
                    <dd>{size}</dd>
                </div>
            </dl>
        </section>
    }
}
