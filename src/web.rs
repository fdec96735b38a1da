//! The few things asked of the browser that `web-sys` and leptos do not already make short.

use leptos::prelude::{document, window};
use serde::Serialize;
use vitrine_protocol::Flavour;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, FocusOptions, HtmlElement, Url};

use crate::flavour::probe;

/// The query part of the page's address, with its question mark; empty where there is none.
pub(crate) fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Whether this browser accepts a flavour's instructions.
pub(crate) fn supports(flavour: Flavour) -> bool {
    let module = js_sys::Uint8Array::from(probe(flavour));
    js_sys::WebAssembly::validate(&module).unwrap_or(false)
}

/// Sets `data-phase` on the document's element, which style and tests go by.
pub(crate) fn set_phase(phase: &str) {
    if let Some(root) = document().document_element() {
        // Only an invalid attribute name could fail.
        let _ = root.set_attribute("data-phase", phase);
    }
}

/// Hides what `index.html` offers for a task that no model does; `has_model` says which those are.
pub(crate) fn withdraw_unserved(has_model: impl Fn(&str) -> bool) {
    let Ok(offers) = document().query_selector_all("[data-needs]") else {
        return;
    };
    for at in 0..offers.length() {
        let offer = offers
            .get(at)
            .and_then(|node| node.dyn_into::<HtmlElement>().ok());
        if let Some(offer) = offer {
            let task = offer.get_attribute("data-needs").unwrap_or_default();
            offer.set_hidden(!has_model(&task));
        }
    }
}

/// Writes into the one status region, which stands in `index.html` so that it is always there.
pub(crate) fn set_status(text: &str) {
    if let Some(status) = document().get_element_by_id("status") {
        status.set_text_content(Some(text));
    }
}

/// Moves the focus to the results, which stand in `index.html`, without scrolling.
pub(crate) fn focus_results() {
    let results = document().get_element_by_id("workspace");
    if let Some(results) = results.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        // Fails for no element that has a tabindex.
        let _ = results.focus_with_options(&options);
    }
}

/// Puts text on the clipboard; `false` where the browser does not allow it.
pub(crate) async fn copy(text: &str) -> bool {
    // Only pages over https have a clipboard.
    if !window().is_secure_context() {
        return false;
    }
    let clipboard = window().navigator().clipboard();
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Saves text as a file, by the browser's own download.
pub(crate) fn save(name: &str, mime: &str, text: &str) {
    let save = || {
        let options = BlobPropertyBag::new();
        options.set_type(mime);
        let parts = js_sys::Array::of1(&text.into());
        let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
        let address = Url::create_object_url_with_blob(&blob)?;
        let link: HtmlElement = document().create_element("a")?.unchecked_into();
        link.set_attribute("href", &address)?;
        link.set_attribute("download", name)?;
        link.click();
        Url::revoke_object_url(&address)
    };
    let saved: Result<(), JsValue> = save();
    // Nothing here fails for a text; a browser that forbids downloads says so itself.
    let _ = saved;
}

/// Sets a user-timing mark that carries `detail`.
pub(crate) fn mark(name: &str, detail: &impl Serialize) {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(catch, js_namespace = performance, js_name = mark)]
        fn performance_mark(name: &str, options: &JsValue) -> Result<JsValue, JsValue>;
    }

    #[derive(Serialize)]
    struct Options<'a, T> {
        detail: &'a T,
    }

    // A flattened structure would become a JavaScript `Map`, which nobody expects there.
    let plain = serde_wasm_bindgen::Serializer::json_compatible();
    let options = Options { detail }.serialize(&plain).unwrap_or_default();
    // Marks are for measuring; a page without them works the same.
    let _ = performance_mark(name, &options);
}

/// What a thrown value says of itself.
pub(crate) fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => thrown
            .as_string()
            .unwrap_or_else(|| "no reason given".into()),
    }
}
