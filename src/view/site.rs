//! The site itself: without a network, or with a newer version waiting.

use leptos::prelude::*;

use crate::state::{Connection, Event, Site, State, Version};
use crate::words;

/// Says so while there is no network, and offers a newer version once it is here.
#[component]
pub(crate) fn SiteNotes(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let site = Memo::new(move |_| state.with(|state| (state.site, state.history.is_on())));
    move || {
        let (site, keeps_results) = site.get();
        let Site {
            connection,
            version,
        } = site;
        let offline = (connection == Connection::Offline)
            .then(|| view! { <p class="note offline">{words::offline()}</p> });
        let update = (version == Version::NewerReady).then(|| {
            view! {
                <section class="update glass" aria-label=words::new_version()>
                    <p>
                        <strong>{words::new_version()}</strong>
                        " "
                        {words::new_version_costs(keeps_results)}
                    </p>
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| report(Event::Update)
                    >
                        {words::update()}
                    </button>
                </section>
            }
        });
        (offline, update).into_any()
    }
}
