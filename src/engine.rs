//! What an engine's workers run: a script and a module, fetched once and held to the sums that this build
//! names.
//!
//! The page compiles the module, and workers are started from a copy of the script that the page made
//! itself: so they are under the page's security policy, which those from an address are not, and have
//! nothing to fetch.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Promise, WebAssembly};
use leptos::prelude::window;
use vitrine_protocol::EngineBuild;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortSignal, Blob, BlobPropertyBag, RequestInit, Response, Url};

use crate::web;

/// On a line that takes longer for an engine, nothing else here would be of use either.
const LONGEST_WAIT_MS: u32 = 170_000;

thread_local! {
    /// What was fetched or is on its way, by the script's path.
    static PARTS: RefCell<HashMap<String, Promise>> = RefCell::default();
}

/// What a worker is started with.
pub(crate) struct Parts {
    /// Address of the script, which a worker can be started from as long as the page lives.
    pub(crate) script: String,
    /// The compiled module, to be sent to the worker.
    pub(crate) module: JsValue,
}

/// Script and module of a build, from the site at first and from then on as they are.
///
/// # Errors
/// The browser's error when one of them does not come, is another than this build names, or cannot be
/// compiled; the next call tries again.
pub(crate) async fn parts(build: &EngineBuild) -> Result<Parts, JsValue> {
    let parts = PARTS.with_borrow_mut(|parts| {
        let begin = || future_to_promise(fetch(build.clone()));
        (parts.entry(build.worker.clone()).or_insert_with(begin)).clone()
    });
    match JsFuture::from(parts).await {
        Ok(parts) => {
            let parts: Array = parts.unchecked_into();
            Ok(Parts {
                script: parts.get(0).as_string().unwrap_or_default(),
                module: parts.get(1),
            })
        }
        Err(error) => {
            PARTS.with_borrow_mut(|parts| parts.remove(&build.worker));
            Err(error)
        }
    }
}

async fn fetch(build: EngineBuild) -> Result<JsValue, JsValue> {
    let module = checked(&build.wasm, &build.wasm_sum);
    let script = checked(&build.worker, &build.worker_sum);
    let script: Response = script.await?.unchecked_into();
    let script = JsFuture::from(script.text()?).await?;
    let module = compiled(module).await?;
    // By itself the script does nothing, so that tests can have its parts.
    let content = Array::of2(&script, &JsValue::from("\nstart();\n"));
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let script = Blob::new_with_str_sequence_and_options(&content, &options)?;
    let address = Url::create_object_url_with_blob(&script)?;
    Ok(Array::of2(&address.into(), &module).into())
}

/// Asks for a file that has this sum; the browser refuses any other.
fn checked(path: &str, sum: &str) -> JsFuture {
    let options = RequestInit::new();
    options.set_integrity(sum);
    options.set_signal(Some(&AbortSignal::timeout_with_u32(LONGEST_WAIT_MS)));
    window()
        .fetch_with_str_and_init(&web::at_site(path), &options)
        .into()
}

async fn compiled(answer: JsFuture) -> Result<JsValue, JsValue> {
    let answer: Response = answer.await?.unchecked_into();
    let kind = answer.headers().get("content-type")?.unwrap_or_default();
    // Browsers keep what they compiled for the next visit when they are given the answer itself, which
    // they take under the right type only.
    let module = match kind == "application/wasm" {
        true => WebAssembly::compile_streaming(&Promise::resolve(&JsValue::from(answer))),
        false => {
            let bytes = JsFuture::from(answer.array_buffer()?).await?;
            WebAssembly::compile(&bytes)
        }
    };
    JsFuture::from(module).await
}
