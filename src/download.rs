//! The model's files: fetched in pieces that are checked and kept one by one, put together, unpacked
//! by the browser; weights are used only if they are the expected ones.

mod disk;
mod plan;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use vitrine_protocol::{Chunk, DownloadError, ModelEntry, Vocabulary};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{
    AbortSignal, Blob, ReadableStream, ReadableStreamDefaultReader, ReadableWritablePair,
    RequestCache, RequestInit, Response,
};

use crate::state::{NotKept, Shelf, Transfer};
use crate::web;
use disk::Disk;
pub(crate) use disk::persist;
use plan::{Meter, kept_bytes};

/// How long to wait before a piece that did not come is asked for again, in milliseconds.
const PAUSES_MS: [i32; 2] = [500, 1500];

/// After so many milliseconds without a byte, a download is taken to be dead.
const LONGEST_SILENCE: f64 = 30_000.0;

/// How often that is looked at, in milliseconds.
const LOOK_MS: i32 = 5000;

/// What the worker needs to load a model.
#[derive(Clone)]
pub(crate) struct ModelFiles {
    /// The served file; checked.
    pub(crate) weights: Blob,
    /// Text of the label file or vocabulary; empty where the model has none.
    pub(crate) text: String,
}

/// Takes a model's files from the disk, as far as they are there, and fetches the rest.
/// `on_progress` gets the bytes of the packed model that are here, after any transfer encoding is
/// undone, some times a second. With the files comes why they are in memory only, if they are.
///
/// # Errors
/// [`DownloadError`]; also when `signal` ends the download.
pub(crate) async fn model_files(
    model: &ModelEntry,
    signal: &AbortSignal,
    on_progress: impl Fn(Transfer),
) -> Result<(ModelFiles, Option<NotKept>), DownloadError> {
    if !window().is_secure_context() {
        // Browsers give checksums to pages over https and from this machine only.
        return Err(DownloadError::InsecureAddress);
    }
    let disk = Disk::open().await;
    let kept = kept_bytes(&model.chunks, |chunk| disk.has(chunk));
    let meter = RefCell::new(Meter::new(web::now(), kept));
    on_progress(meter.borrow().progress());
    let add = |bytes: i64| {
        let progress = meter.borrow_mut().add(web::now(), bytes);
        if let Some(progress) = progress {
            on_progress(progress);
        }
    };
    let text = match (model.spec.labels(), &model.vocabulary) {
        (Some(labels), _) => text(&fetch(&format!("labels/{labels}"), signal).await?).await?,
        (None, Some(vocabulary)) => {
            let vocabulary =
                get(&[Piece::of_vocabulary(vocabulary)], &disk, signal, &|_| ()).await?;
            let text = JsFuture::from(joined(vocabulary)?.text()).await;
            text.map_err(network)?.as_string().unwrap_or_default()
        }
        (None, None) => String::new(),
    };
    let pieces: Vec<Piece> = (model.chunks.iter())
        .map(|chunk| Piece::of_model(model, chunk))
        .collect();
    let pieces = get(&pieces, &disk, signal, &add).await?;
    let weights = whole(model, pieces).await;
    if weights.is_err() {
        // Each piece was right when it came, so what was kept has changed since.
        let own = files_of(model);
        disk.retain(|file| !own.iter().any(|own| own == file)).await;
    }
    let files = ModelFiles {
        weights: weights?,
        text,
    };
    Ok((files, disk.not_kept()))
}

/// Removes the models that are not wanted, and what earlier versions of the site kept, and says what
/// is there then.
pub(crate) async fn look(models: &[ModelEntry], is_wanted: impl Fn(usize) -> bool) -> Shelf {
    let disk = Disk::open().await;
    let wanted = models.iter().enumerate().filter(|(at, _)| is_wanted(*at));
    let wanted: Vec<String> = wanted.flat_map(|(_, model)| files_of(model)).collect();
    disk.retain(|file| wanted.iter().any(|wanted| wanted == file))
        .await;
    disk.survey(models).await
}

/// Names of all that is kept for a model.
fn files_of(model: &ModelEntry) -> Vec<String> {
    let mut files: Vec<String> = model.chunks.iter().map(Chunk::file).collect();
    if let Some(vocabulary) = &model.vocabulary {
        files.push(Piece::of_vocabulary(vocabulary).chunk.file());
    }
    files
}

/// A file of the site that is kept by what is in it.
struct Piece<'a> {
    /// From the site's root.
    path: String,
    /// The file it is, or is a part of, as people are told.
    name: &'a str,
    chunk: Chunk,
}

impl<'a> Piece<'a> {
    fn of_model(model: &'a ModelEntry, chunk: &Chunk) -> Piece<'a> {
        Piece {
            path: format!("models/{}", chunk.file()),
            name: &model.served.file,
            chunk: chunk.clone(),
        }
    }

    fn of_vocabulary(vocabulary: &'a Vocabulary) -> Piece<'a> {
        let served = &vocabulary.served;
        Piece {
            path: format!("models/{}", served.file),
            name: &served.file,
            chunk: Chunk {
                bytes: served.bytes,
                sha256: served.sha256.clone(),
            },
        }
    }
}

/// Pieces from the disk, or else from the site, from where they go to the disk once they are checked.
/// While one arrives the next is asked for, so that none waits for an answer.
async fn get(
    pieces: &[Piece<'_>],
    disk: &Disk,
    signal: &AbortSignal,
    add: &dyn Fn(i64),
) -> Result<Vec<Blob>, DownloadError> {
    let mut contents = Vec::new();
    let mut begun = None;
    for (at, piece) in pieces.iter().enumerate() {
        if let Some(content) = disk.get(&piece.chunk).await {
            contents.push(content);
            continue;
        }
        let mut pauses = PAUSES_MS.into_iter();
        let content = loop {
            let answer = begun.take().unwrap_or_else(|| begin(&piece.path, signal));
            let answer = answered(answer, &piece.path).await;
            let next = pieces.get(at + 1).filter(|next| !disk.has(&next.chunk));
            if answer.is_ok() {
                begun = next.map(|next| begin(&next.path, signal));
            }
            let content = match answer {
                Ok(answer) => content(&answer, add).await,
                Err(error) => Err(error),
            };
            match content {
                Err(error) if is_passing(&error) && !signal.aborted() => {
                    // It was for the next piece.
                    begun = None;
                    match pauses.next() {
                        Some(pause) => web::pause(pause).await,
                        None => return Err(error),
                    }
                }
                other => break other?,
            }
        };
        check(&content, piece.name, &piece.chunk.sha256).await?;
        disk.put(&piece.chunk, &content).await;
        contents.push(content);
    }
    Ok(contents)
}

/// Whether the next try may well succeed.
fn is_passing(error: &DownloadError) -> bool {
    match error {
        DownloadError::Network { .. } => web::is_online(),
        DownloadError::Status { status, .. } => matches!(status, 429 | 502..=504),
        _ => false,
    }
}

/// The body of an answer; `add` gets the bytes of each step.
async fn content(answer: &Response, add: &dyn Fn(i64)) -> Result<Blob, DownloadError> {
    let mut received = 0;
    let chunks = match answer.body() {
        Some(body) => read(body, &mut received, add).await,
        None => Ok(Array::new()),
    };
    let blob = chunks.and_then(|chunks| Blob::new_with_u8_array_sequence(&chunks));
    blob.map_err(|error| {
        // What came of it does not count, because all of it will come again.
        add(-received);
        network(error)
    })
}

/// A model's file out of its pieces.
async fn whole(model: &ModelEntry, pieces: Vec<Blob>) -> Result<Blob, DownloadError> {
    let file = &model.served.file;
    let weights = unpack(&joined(pieces)?)
        .await
        .map_err(|error| DownloadError::Packed {
            file: file.clone(),
            detail: web::words(&error),
        })?;
    check(&weights, file, &model.served.sha256).await?;
    Ok(weights)
}

fn joined(pieces: Vec<Blob>) -> Result<Blob, DownloadError> {
    let pieces: Array = pieces.into_iter().collect();
    Blob::new_with_blob_sequence(&pieces).map_err(network)
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
    web::blob(&Response::new_with_opt_readable_stream(Some(&stream))?).await
}

async fn fetch(path: &str, signal: &AbortSignal) -> Result<Response, DownloadError> {
    answered(begin(path, signal), path).await
}

/// Asks the site for a file.
fn begin(path: &str, signal: &AbortSignal) -> Promise {
    let options = RequestInit::new();
    options.set_signal(Some(signal));
    // Models are kept by this program, which knows whether they are right; labels have the same
    // address when they change, so the browser's copy is used only if the site says it is current.
    options.set_cache(match path.starts_with("models/") {
        true => RequestCache::NoStore,
        false => RequestCache::NoCache,
    });
    let begun = window().fetch_with_str_and_init(&web::at_site(path), &options);
    // One that nobody waits for any more, because the piece before it failed, is no error of the page.
    drop(JsFuture::from(begun.clone()));
    begun
}

/// Waits for the site's answer.
async fn answered(begun: Promise, path: &str) -> Result<Response, DownloadError> {
    let answer = Silence::begin().unless(&begun).await;
    let response: Response = answer.map_err(network)?.unchecked_into();
    if !response.ok() {
        return Err(DownloadError::Status {
            status: response.status(),
            file: path.to_owned(),
        });
    }
    Ok(response)
}

async fn text(response: &Response) -> Result<String, DownloadError> {
    let text = response.text().map_err(network)?;
    let text = Silence::begin().unless(&text).await;
    Ok(text.map_err(network)?.as_string().unwrap_or_default())
}

/// Reads to the end, and counts.
async fn read(
    body: ReadableStream,
    received: &mut i64,
    add: &dyn Fn(i64),
) -> Result<Array, JsValue> {
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let chunks = Array::new();
    let silence = Silence::begin();
    loop {
        let step = match silence.unless(&reader.read()).await {
            Ok(step) => step,
            Err(error) => {
                // Nobody waits for the rest; how that ends does not matter.
                drop(JsFuture::from(reader.cancel()));
                return Err(error);
            }
        };
        if Reflect::get(&step, &"done".into())?.is_truthy() {
            return Ok(chunks);
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into())?.unchecked_into();
        let bytes = i64::from(chunk.length());
        *received += bytes;
        add(bytes);
        chunks.push(&chunk);
    }
}

/// Ends the wait for a host that says nothing any more: browsers wait for minutes, or without end.
struct Silence {
    /// When something was heard last, in ms since the page began; nothing once nobody waits.
    heard: Rc<Cell<Option<f64>>>,
    /// Fails when that is too long ago.
    too_long: Promise,
}

impl Silence {
    fn begin() -> Silence {
        let heard = Rc::new(Cell::new(Some(web::now())));
        let last = Rc::clone(&heard);
        let too_long = future_to_promise(async move {
            while let Some(last) = last.get() {
                if web::now() - last >= LONGEST_SILENCE {
                    return Err(js_sys::Error::new("no data came for 30 s").into());
                }
                web::pause(LOOK_MS).await;
            }
            Ok(JsValue::UNDEFINED)
        });
        Silence { heard, too_long }
    }

    /// What comes of a promise, unless it is silent for too long.
    async fn unless(&self, promise: &Promise) -> Result<JsValue, JsValue> {
        let first = Promise::race(&Array::of2(promise, &self.too_long));
        let met = JsFuture::from(first).await;
        self.heard.set(Some(web::now()));
        met
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.heard.set(None);
    }
}

/// A host may answer with an error page and status 200, or with the file of another version.
async fn check(content: &Blob, file: &str, expected: &str) -> Result<(), DownloadError> {
    let met = sha256(content).await.map_err(network)?;
    if met == expected {
        return Ok(());
    }
    Err(DownloadError::WrongHash {
        file: file.to_owned(),
        met,
        expected: expected.to_owned(),
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
