//! Pieces of models in the browser's Cache Storage, by what is in them.

use std::cell::{OnceCell, RefCell};

use js_sys::{Array, Promise, Reflect};
use vitrine_protocol::{Chunk, ModelEntry};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Response, Url};

use super::plan::kept_bytes;
use crate::state::{NotKept, Shelf};
use crate::web;

#[wasm_bindgen]
extern "C" {
    // `web-sys` has these without `catch`, but where a page may keep nothing they are missing or throw.
    type Cache;

    #[wasm_bindgen(js_namespace = caches, js_name = open, catch)]
    fn open_cache(name: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn keys(this: &Cache) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = match, catch)]
    fn find(this: &Cache, address: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn put(this: &Cache, address: &str, response: Response) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Cache, address: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["navigator", "storage"], js_name = estimate, catch)]
    fn estimate_storage() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "storage"], js_name = persist, catch)]
    fn persist_storage() -> Result<Promise, JsValue>;
}

/// Where pieces are kept; there may be no place for them.
pub(crate) struct Disk {
    cache: Option<Cache>,
    /// Files that are there.
    files: RefCell<Vec<String>>,
    not_kept: OnceCell<NotKept>,
}

impl Disk {
    /// Opens the place and looks what is there.
    pub(crate) async fn open() -> Disk {
        let disk = |cache, files, not_kept| Disk {
            cache,
            files: RefCell::new(files),
            not_kept,
        };
        match open().await {
            Ok((cache, files)) => disk(Some(cache), files, OnceCell::new()),
            Err(error) => disk(None, Vec::new(), OnceCell::from(not_kept(&error))),
        }
    }

    /// Whether this piece is there.
    pub(crate) fn has(&self, chunk: &Chunk) -> bool {
        self.files.borrow().contains(&chunk.file())
    }

    /// Why what came is not there, if it is not.
    pub(crate) fn not_kept(&self) -> Option<NotKept> {
        self.not_kept.get().cloned()
    }

    /// A piece, if it is there.
    pub(crate) async fn get(&self, chunk: &Chunk) -> Option<Blob> {
        let cache = self.cache.as_ref().filter(|_| self.has(chunk))?;
        let found = settle(cache.find(&address(&chunk.file()))).await.ok()?;
        web::blob(&found.dyn_into().ok()?).await.ok()
    }

    /// Keeps a piece, which must have been checked. Once one finds no place, no more are tried.
    pub(crate) async fn put(&self, chunk: &Chunk, piece: &Blob) {
        let Some(cache) = self
            .cache
            .as_ref()
            .filter(|_| self.not_kept.get().is_none())
        else {
            return;
        };
        let file = chunk.file();
        let put = async {
            let response = Response::new_with_opt_blob(Some(piece))?;
            settle(cache.put(&address(&file), response)).await
        };
        match put.await {
            Ok(_) => {
                self.files.borrow_mut().push(file);
            }
            Err(error) => {
                // Several may fail at once, for the same reason.
                let _ = self.not_kept.set(not_kept(&error));
            }
        }
    }

    /// Removes the files that are not wanted.
    pub(crate) async fn retain(&self, is_wanted: impl Fn(&str) -> bool) {
        let Some(cache) = &self.cache else {
            return;
        };
        let unwanted = |file: &&String| !is_wanted(file);
        let files: Vec<String> = self
            .files
            .borrow()
            .iter()
            .filter(unwanted)
            .cloned()
            .collect();
        for file in files {
            // What cannot be removed is found again when the page looks the next time.
            if settle(cache.delete(&address(&file))).await.is_ok() {
                self.files.borrow_mut().retain(|kept| *kept != file);
            }
        }
    }

    /// What is there, by model, and how much room there is.
    pub(crate) async fn survey(&self, models: &[ModelEntry]) -> Shelf {
        let estimate = settle(estimate_storage()).await.unwrap_or_default();
        let figure = |name: &str| {
            let figure = Reflect::get(&estimate, &name.into()).ok()?.as_f64()?;
            Some(figure as u64)
        };
        let bytes = |model: &ModelEntry| kept_bytes(&model.chunks, |chunk| self.has(chunk));
        Shelf {
            on_disk: models.iter().map(bytes).collect(),
            used: figure("usage"),
            quota: figure("quota"),
        }
    }
}

/// Asks the browser not to clear this site's storage by itself; some ask the person first.
pub(crate) async fn persist() {
    // Either answer is fine: without it the browser may clear what it needs room for.
    let _ = settle(persist_storage()).await;
}

async fn open() -> Result<(Cache, Vec<String>), JsValue> {
    // Sites of one origin share its caches, so the path tells them apart.
    let path = Url::new(&web::at_site(""))?.pathname();
    let opened = settle(open_cache(&format!("vitrine-models-{path}"))).await?;
    let cache: Cache = opened.unchecked_into();
    let keys = Array::from(&settle(cache.keys()).await?);
    let file = |request: JsValue| {
        let url = Reflect::get(&request, &"url".into()).ok()?.as_string()?;
        Some(url.rsplit('/').next()?.to_owned())
    };
    let files = keys.iter().filter_map(file).collect();
    Ok((cache, files))
}

/// Waits for what began; what did not even begin has failed.
async fn settle(begun: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(begun?).await
}

fn address(file: &str) -> String {
    web::at_site(&format!("models/{file}"))
}

fn not_kept(error: &JsValue) -> NotKept {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) if error.name() == "QuotaExceededError" => NotKept::Full,
        _ => NotKept::Unavailable {
            detail: web::words(error),
        },
    }
}
