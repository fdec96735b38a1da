//! Requests that the page has made, as the browser lists them.

use js_sys::{Array, Object, Reflect};
use leptos::prelude::*;
use vitrine_protocol::Chunk;
use wasm_bindgen::prelude::*;

use crate::web;

/// A request that the page made.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    address: String,
    /// Milliseconds since the page began.
    start: f64,
    /// Bytes that came over the network, headers included.
    transferred: f64,
}

/// How many requests went where since the page was ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// To the site that the page is from.
    pub(crate) own: usize,
    /// To anywhere else.
    pub(crate) foreign: usize,
}

/// Counts requests over the network that began after `ready`; `origin` is the page's own.
///
/// Addresses of things in memory, `blob:` and `data:`, are no requests to anyone.
fn tally<'a>(addresses: impl Iterator<Item = &'a str>, origin: &str) -> Tally {
    let mut tally = Tally::default();
    for address in addresses.filter(|address| address.starts_with("http")) {
        let is_own = address
            .strip_prefix(origin)
            .is_some_and(|path| path.is_empty() || path.starts_with('/'));
        if is_own {
            tally.own += 1;
        } else {
            tally.foreign += 1;
        }
    }
    tally
}

/// Counts requests from now on, and keeps counting.
pub(crate) fn watch() -> ReadSignal<Tally> {
    #[wasm_bindgen]
    extern "C" {
        type PerformanceObserver;

        #[wasm_bindgen(constructor, catch)]
        fn new(callback: &js_sys::Function) -> Result<PerformanceObserver, JsValue>;

        #[wasm_bindgen(method, catch)]
        fn observe(this: &PerformanceObserver, options: &Object) -> Result<(), JsValue>;
    }

    let counted = RwSignal::new(Tally::default());
    let ready = web::now();
    // From when on, for whoever counts for themselves.
    web::mark("vitrine:counting", &());
    let origin = window().location().origin().unwrap_or_default();
    let count = Closure::<dyn Fn(JsValue)>::new(move |list: JsValue| {
        let entries = read(&call(&list, "getEntries", &[]));
        let since_ready = entries.iter().filter(|entry| entry.start >= ready);
        let more = tally(since_ready.map(|entry| entry.address.as_str()), &origin);
        if more != Tally::default() {
            counted.update(|tally| {
                tally.own += more.own;
                tally.foreign += more.foreign;
            });
        }
    });
    if let Ok(observer) = PerformanceObserver::new(count.as_ref().unchecked_ref()) {
        let options = Object::new();
        // Neither can fail: the object is new, and every browser with WebAssembly lists resources.
        let _ = Reflect::set(&options, &"type".into(), &"resource".into());
        let _ = observer.observe(&options);
    }
    // Counts for as long as the page is there.
    count.forget();
    counted.read_only()
}

/// Bytes that came over the network for a model since a moment; `None` where the browser lists no
/// request for it.
pub(crate) fn transferred(chunks: &[Chunk], since: f64) -> Option<f64> {
    let performance = Reflect::get(&window(), &"performance".into()).ok()?;
    let entries = read(&call(&performance, "getEntriesByType", &["resource"]));
    let files: Vec<String> = chunks.iter().map(Chunk::file).collect();
    let of_file = |entry: &&Entry| {
        let is_one = |file: &String| entry.address.ends_with(file);
        entry.start >= since && files.iter().any(is_one)
    };
    let bytes: Vec<f64> = entries
        .iter()
        .filter(of_file)
        .map(|entry| entry.transferred)
        .collect();
    (!bytes.is_empty()).then(|| bytes.iter().sum())
}

fn call(object: &JsValue, method: &str, arguments: &[&str]) -> JsValue {
    let arguments: Array = arguments.iter().map(|text| JsValue::from(*text)).collect();
    Reflect::get(object, &method.into())
        .and_then(|method| {
            method
                .unchecked_into::<js_sys::Function>()
                .apply(object, &arguments)
        })
        .unwrap_or_default()
}

fn read(entries: &JsValue) -> Vec<Entry> {
    let Some(entries) = entries.dyn_ref::<Array>() else {
        return Vec::new();
    };
    let field = |entry: &JsValue, name: &str| Reflect::get(entry, &name.into()).unwrap_or_default();
    entries
        .iter()
        .map(|entry| Entry {
            address: field(&entry, "name").as_string().unwrap_or_default(),
            start: field(&entry, "startTime").as_f64().unwrap_or_default(),
            transferred: field(&entry, "transferSize").as_f64().unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_where_they_go() {
        let addresses = [
            "https://a.example/models/m.onnx",
            "https://a.example",
            "https://a.example.org/pixel.gif",
            "http://a.example/models/m.onnx",
            "blob:https://a.example/1",
            "data:image/png;base64,",
        ];
        let met = tally(addresses.into_iter(), "https://a.example");
        assert_eq!(met, Tally { own: 2, foreign: 2 });
    }
}
