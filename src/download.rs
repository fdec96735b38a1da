//! The model's files: fetched with progress, unpacked by the browser; weights are used only if they
//! are the expected ones.

use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use leptos::prelude::window;
use vitrine_protocol::{DownloadError, ModelEntry, ServedFile};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Blob, ReadableStream, ReadableStreamDefaultReader, ReadableWritablePair,
    RequestCache, RequestInit, Response,
};

use crate::web;

/// What the worker needs to load a model.
#[derive(Clone)]
pub(crate) struct ModelFiles {
    /// The served file; checked.
    pub(crate) weights: Blob,
    /// Text of the label file or vocabulary; empty where the model has none.
    pub(crate) text: String,
}

/// Fetches a model's files. `on_progress` gets the bytes of the packed model that have come so far,
/// after any transfer encoding is undone.
///
/// # Errors
/// [`DownloadError`]; also when `signal` ends the download.
pub(crate) async fn model_files(
    model: &ModelEntry,
    signal: &AbortSignal,
    on_progress: impl Fn(u64),
) -> Result<ModelFiles, DownloadError> {
    if !window().is_secure_context() {
        // Browsers give checksums to pages over https and from this machine only.
        return Err(DownloadError::InsecureAddress);
    }
    let text = match (model.spec.labels(), &model.vocabulary) {
        (Some(labels), _) => text(&fetch(&format!("labels/{labels}"), signal).await?).await?,
        (None, Some(vocabulary)) => checked_text(&vocabulary.served, signal).await?,
        (None, None) => String::new(),
    };
    let file = format!("models/{}", model.served.packed_file());
    let response = fetch(&file, signal).await?;
    let chunks = match response.body() {
        Some(body) => read(body, on_progress).await.map_err(network)?,
        None => Array::new(),
    };
    let packed = Blob::new_with_u8_array_sequence(&chunks).map_err(network)?;
    let weights = unpack(&packed)
        .await
        .map_err(|error| DownloadError::Packed {
            file,
            detail: web::words(&error),
        })?;
    check(&weights, &model.served).await?;
    Ok(ModelFiles { weights, text })
}

/// Undoes zlib by the browser's own decoder.
async fn unpack(packed: &Blob) -> Result<Blob, JsValue> {
    #[wasm_bindgen]
    extern "C" {
        /// A readable and a writable stream, which `web-sys` does not have under this name.
        #[wasm_bindgen(extends = js_sys::Object)]
        type DecompressionStream;

        #[wasm_bindgen(constructor, catch)]
        fn new(format: &str) -> Result<DecompressionStream, JsValue>;
    }

    let decoder: ReadableWritablePair = DecompressionStream::new("deflate")?.unchecked_into();
    let stream = packed.stream().pipe_through(&decoder);
    let response = Response::new_with_opt_readable_stream(Some(&stream))?;
    Ok(JsFuture::from(response.blob()?).await?.unchecked_into())
}

async fn fetch(path: &str, signal: &AbortSignal) -> Result<Response, DownloadError> {
    let options = RequestInit::new();
    options.set_signal(Some(signal));
    // The addresses stay the same when the files change: a copy that the browser kept is used only
    // if the site says it is still the one, else trying again would meet the same bytes again.
    options.set_cache(RequestCache::NoCache);
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(path, &options))
        .await
        .map_err(network)?
        .unchecked_into();
    if !response.ok() {
        return Err(DownloadError::Status {
            status: response.status(),
            file: path.to_owned(),
        });
    }
    Ok(response)
}

/// A text that is used only if it is the expected one.
async fn checked_text(served: &ServedFile, signal: &AbortSignal) -> Result<String, DownloadError> {
    let response = fetch(&format!("models/{}", served.file), signal).await?;
    let blob: Blob = JsFuture::from(response.blob().map_err(network)?)
        .await
        .map_err(network)?
        .unchecked_into();
    check(&blob, served).await?;
    let text = JsFuture::from(blob.text()).await.map_err(network)?;
    Ok(text.as_string().unwrap_or_default())
}

async fn text(response: &Response) -> Result<String, DownloadError> {
    let text = JsFuture::from(response.text().map_err(network)?).await;
    Ok(text.map_err(network)?.as_string().unwrap_or_default())
}

async fn read(body: ReadableStream, on_progress: impl Fn(u64)) -> Result<Array, JsValue> {
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let chunks = Array::new();
    let mut received = 0;
    loop {
        let step = JsFuture::from(reader.read()).await?;
        if Reflect::get(&step, &"done".into())?.is_truthy() {
            return Ok(chunks);
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into())?.unchecked_into();
        received += u64::from(chunk.length());
        chunks.push(&chunk);
        on_progress(received);
    }
}

/// A host may answer with an error page and status 200, or with the file of another version.
async fn check(weights: &Blob, served: &ServedFile) -> Result<(), DownloadError> {
    let met = sha256(weights).await.map_err(network)?;
    if met == served.sha256 {
        return Ok(());
    }
    Err(DownloadError::WrongHash {
        file: served.file.clone(),
        met,
        expected: served.sha256.clone(),
    })
}

async fn sha256(blob: &Blob) -> Result<String, JsValue> {
    let bytes: ArrayBuffer = JsFuture::from(blob.array_buffer()).await?.unchecked_into();
    let digest = window()
        .crypto()?
        .subtle()
        .digest_with_str_and_buffer_source("SHA-256", &bytes)?;
    let digest = Uint8Array::new(&JsFuture::from(digest).await?).to_vec();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn network(error: JsValue) -> DownloadError {
    DownloadError::Network {
        detail: web::words(&error),
    }
}
