//! The few things asked of the browser that `web-sys` and leptos do not already make short.

use std::cell::Cell;

use js_sys::{Object, Reflect, Uint8Array, Uint8ClampedArray};
use leptos::prelude::{document, window};
use serde::Serialize;
use vitrine_protocol::{Flavour, Size};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, FocusOptions, HtmlCanvasElement, HtmlElement,
    ImageData, Response, Url,
};

use crate::flavour::probe;
use crate::state::Device;

/// Longest side of a picture in a batch's table, in pixels: 48 on a screen with two per point.
pub(crate) const SMALL_SIDE: f64 = 96.0;

/// How much a compressed picture of that size keeps, of 1.
const SMALL_QUALITY: f64 = 0.7;

/// So many results are marked before their marks go.
const MOST_MARKS: usize = 2000;

/// The query part of the page's address, with its question mark; empty where there is none.
pub(crate) fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// The full address of a file of this site, given its path from the site's root, wherever under that
/// root the page stands.
pub(crate) fn at_site(path: &str) -> String {
    // `<base>` in every document of the site leads to the root.
    let root = document().base_uri().ok().flatten().unwrap_or_default();
    format!("{root}{path}")
}

/// Whether the browser has a network; it may be wrong about a `true`.
pub(crate) fn is_online() -> bool {
    window().navigator().on_line()
}

/// Milliseconds since the page began.
pub(crate) fn now() -> f64 {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
    }
    performance_now()
}

/// The time of day as ISO 8601 writes it.
pub(crate) fn date() -> String {
    js_sys::Date::new_0().to_iso_string().into()
}

/// Whether the page may share memory between threads.
pub(crate) fn is_isolated() -> bool {
    let isolated = js_sys::Reflect::get(&window(), &"crossOriginIsolated".into());
    isolated.is_ok_and(|isolated| isolated.is_truthy())
}

/// Waits so many milliseconds.
pub(crate) async fn pause(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |done, _| {
        let window = window();
        // Fails only for code that is no function.
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&done, milliseconds);
    });
    let _ = JsFuture::from(promise).await;
}

/// The whole body of a response.
pub(crate) async fn blob(response: &Response) -> Result<Blob, JsValue> {
    Ok(JsFuture::from(response.blob()?).await?.unchecked_into())
}

/// Whether this browser accepts a flavour's instructions, and where it has threads, whether the page may
/// share memory with them and there is more than one core for them.
pub(crate) fn supports(flavour: Flavour) -> bool {
    let module = js_sys::Uint8Array::from(probe(flavour));
    let is_accepted = js_sys::WebAssembly::validate(&module).unwrap_or(false);
    let can_share = || is_isolated() && window().navigator().hardware_concurrency() > 1.0;
    is_accepted && (flavour != Flavour::Threads || can_share())
}

/// What the browser says about the device.
pub(crate) fn device() -> Device {
    let navigator = window().navigator();
    let memory = Reflect::get(&navigator, &"deviceMemory".into());
    let handheld = window().match_media("(pointer: coarse) and (max-width: 64rem)");
    Device {
        n_cores: navigator.hardware_concurrency() as usize,
        memory: memory.ok().and_then(|memory| memory.as_f64()),
        is_handheld: handheld.ok().flatten().is_some_and(|query| query.matches()),
    }
}

/// A picture, small and compressed, in a `data:` address, no side longer than `side` pixels; `rgba` holds
/// its pixels row by row. `None` where the browser cannot draw it.
pub(crate) fn compress(size: Size, rgba: &Uint8Array, side: f64) -> Option<String> {
    let compress = || -> Result<String, JsValue> {
        let pixels = Uint8ClampedArray::new(&rgba.buffer());
        let image = ImageData::new_with_js_u8_clamped_array(&pixels, size.width)?;
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (whole, context) = canvas(width, height)?;
        context.put_image_data(&image, 0.0, 0.0)?;
        let scale = (side / width.max(height)).min(1.0);
        let (width, height) = ((width * scale).max(1.0), (height * scale).max(1.0));
        let (small, context) = canvas(width, height)?;
        context
            .draw_image_with_html_canvas_element_and_dw_and_dh(&whole, 0.0, 0.0, width, height)?;
        let quality = SMALL_QUALITY.into();
        let format = "image/webp";
        let webp = small.to_data_url_with_type_and_encoder_options(format, &quality)?;
        // Half as long as a JPEG; browsers that do not write it give a PNG instead.
        match webp
            .strip_prefix("data:")
            .is_some_and(|rest| rest.starts_with(format))
        {
            true => Ok(webp),
            false => small.to_data_url_with_type_and_encoder_options("image/jpeg", &quality),
        }
    };
    compress().ok()
}

/// A canvas whose pixels are in memory, because they are read again at once.
fn canvas(
    width: f64,
    height: f64,
) -> Result<(HtmlCanvasElement, CanvasRenderingContext2d), JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    let context = context.ok_or(JsValue::NULL)?;
    Ok((canvas, context.unchecked_into()))
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

/// Moves the focus to what removes an item's card; where there is none, to the heading of the
/// results, or to the results.
pub(crate) fn focus_card(id: Option<u32>) {
    let find = |selector: &str| document().query_selector(selector).ok().flatten();
    let card = id.and_then(|id| find(&format!("[data-removes=\"{id}\"]")));
    let heading = || find(".toolbar:not([hidden]) > h2[tabindex]");
    match card
        .or_else(heading)
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    {
        // Fails for no element that can have the focus.
        Some(element) => drop(element.focus()),
        None => focus_results(),
    }
}

/// Whether the focus is inside the first element that a selector finds.
pub(crate) fn has_focus_within(selector: &str) -> bool {
    let selector = format!("{selector}:focus-within");
    matches!(document().query_selector(&selector), Ok(Some(_)))
}

/// A time in milliseconds since 1970 as the page's language writes date and time.
pub(crate) fn local_time(time: f64) -> String {
    let options = Object::new();
    for (part, style) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        // Fails for no plain object.
        let _ = Reflect::set(&options, &part.into(), &style.into());
    }
    let language = document()
        .document_element()
        .and_then(|root| root.get_attribute("lang"));
    let date = js_sys::Date::new(&time.into());
    date.to_locale_string(&language.unwrap_or_default(), &options)
        .into()
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

/// Saves JSON as a file for people to read: indented.
pub(crate) fn save_json(name: &str, json: &str) {
    let indented = js_sys::JSON::parse(json).and_then(|value| {
        js_sys::JSON::stringify_with_replacer_and_space(&value, &JsValue::NULL, &2.into())
    });
    // What cannot be read as JSON would be a mistake of ours, and is saved as it is.
    let indented = indented.map_or_else(|_| json.to_owned(), String::from);
    save(name, "application/json", &indented);
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

    let options = plain(&Options { detail });
    // Marks are for measuring; a page without them works the same.
    let _ = performance_mark(name, &options);
}

/// Sets the mark of a result. Browsers keep every mark, and there may be thousands of results: the earlier ones go.
pub(crate) fn mark_result(detail: &impl Serialize) {
    let name = "vitrine:result";
    thread_local! {
        static N: Cell<usize> = const { Cell::new(0) };
    }
    if N.replace(N.get() + 1) % MOST_MARKS == MOST_MARKS - 1
        && let Some(performance) = window().performance()
    {
        performance.clear_marks_with_mark_name(name);
    }
    mark(name, detail);
}

/// A value as the page's scripts know values.
pub(crate) fn plain(value: &impl Serialize) -> JsValue {
    // Through text, because files are written as JSON anyway: a second way to write every type costs
    // more of the page's size than the browser's parser does time. Nothing here fails to be written.
    let text = serde_json::to_string(value).unwrap_or_default();
    js_sys::JSON::parse(&text).unwrap_or_default()
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
