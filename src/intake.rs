//! Files and intentions, as `boot.js` hands them over.
//!
//! `boot.js` owns dropping, pasting, picking and samples, because it is there before this program;
//! it keeps what comes early and hands it over once it hears `vitrine:listening`.

use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{CustomEvent, File};

use crate::session::{add_files, report};
use crate::state::Event;

/// Takes files and intentions from now on, and says so.
pub(crate) fn listen() {
    on("vitrine:files", |event| {
        let files = js_sys::Array::from(&event.detail());
        add_files(files.iter().filter_map(|file| file.dyn_into::<File>().ok()));
    });
    on("vitrine:intent", |_| report(Event::Intent));
    tell("vitrine:listening");
}

/// Has `boot.js` give up on samples that it is still fetching.
pub(crate) fn drop_coming() {
    tell("vitrine:cancel");
}

fn tell(name: &str) {
    if let Ok(event) = CustomEvent::new(name) {
        // Fails only for an event that is being dispatched already.
        let _ = document().dispatch_event(&event);
    }
}

fn on(name: &str, handle: impl Fn(CustomEvent) + 'static) {
    let handle = Closure::<dyn Fn(CustomEvent)>::new(handle).into_js_value();
    // Fails for what is no function, which this is.
    let _ = document().add_event_listener_with_callback(name, handle.unchecked_ref());
}
