//! The wasm boundary: messages in, engine calls, messages out. No logic lives here.

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt as _;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use vitrine_engine::{Classified, Classifier, TractModel};
use vitrine_protocol::{EngineError, Failure, Flavour, ModelEntry, Reply, Request};
use vitrine_tasks::picture::Limits;
use vitrine_tasks::{Tensor, labels};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

/// The flavour this module was compiled as.
const FLAVOUR: Flavour = if cfg!(target_feature = "relaxed-simd") {
    Flavour::Relaxed
} else {
    Flavour::Simd
};

/// Starts answering the page's messages, one after another, and says that the engine is ready.
#[wasm_bindgen]
pub fn listen() -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    let (sender, inbox) = unbounded();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        // The receiver lives as long as the worker, so sending cannot fail.
        let _ = sender.unbounded_send(event.data());
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    spawn_local(answer(scope.clone(), inbox));
    let ready = Reply::EngineReady {
        flavour: FLAVOUR,
        own_kernels: vitrine_engine::register_kernels(),
    };
    post(&scope, &ready, None)
}

async fn answer(scope: DedicatedWorkerGlobalScope, mut inbox: UnboundedReceiver<JsValue>) {
    let mut classifier = None;
    while let Some(data) = inbox.next().await {
        if let Err(error) = answer_one(&scope, &mut classifier, data).await {
            // Not a message of ours: the page and the engine come from different builds.
            wasm_bindgen::throw_val(error);
        }
    }
}

async fn answer_one(
    scope: &DedicatedWorkerGlobalScope,
    classifier: &mut Option<Classifier<TractModel>>,
    data: JsValue,
) -> Result<(), JsValue> {
    let request: Request = serde_wasm_bindgen::from_value(Reflect::get(&data, &"message".into())?)?;
    let attachment: Blob = Reflect::get(&data, &"attachment".into())?.dyn_into()?;
    if let Request::Classify { id, .. } = request {
        // A file over the limit must not be read into memory to find that out.
        if let Err(error) = Limits::default().check_bytes(attachment.size() as u64) {
            let failure = error.into();
            return post(scope, &Reply::Failed { id, failure }, None);
        }
    }
    let bytes = match read(&attachment).await {
        Ok(bytes) => bytes,
        Err(error) => return post(scope, &unreadable(request, &error), None),
    };
    match request {
        Request::LoadModel { model, labels } => {
            let id = model.id.clone();
            *classifier = None;
            let loaded = class_names(&labels).and_then(|names| load(*model, names, bytes));
            let reply = match loaded {
                Ok((loaded, times)) => {
                    *classifier = Some(loaded);
                    Reply::ModelReady { model: id, times }
                }
                Err(error) => Reply::ModelFailed {
                    model: id,
                    failure: error.into(),
                },
            };
            post(scope, &reply, None)
        }
        Request::Classify { id, top_k } => {
            let outcome = match classifier {
                Some(classifier) => classifier.classify(&bytes, top_k, now),
                None => Err(EngineError::NoModel.into()),
            };
            match outcome {
                Ok(Classified {
                    classification,
                    thumbnail,
                }) => {
                    let rgba = Uint8Array::from(thumbnail.rgba.as_slice()).buffer();
                    post(scope, &Reply::Classified { id, classification }, Some(rgba))
                }
                Err(failure) => post(scope, &Reply::Failed { id, failure }, None),
            }
        }
    }
}

/// A file that changed or vanished after it was chosen cannot be read any more.
fn unreadable(request: Request, error: &JsValue) -> Reply {
    let detail = error.dyn_ref::<js_sys::Error>().map_or_else(
        || "no reason given".into(),
        |error| String::from(error.message()),
    );
    match request {
        Request::LoadModel { model, .. } => Reply::ModelFailed {
            model: model.id,
            failure: EngineError::Parse { detail }.into(),
        },
        Request::Classify { id, .. } => Reply::Failed {
            id,
            failure: Failure::from(vitrine_protocol::PictureError::Unreadable { detail }),
        },
    }
}

fn class_names(text: &str) -> Result<Vec<String>, EngineError> {
    match labels::parse(text) {
        Ok(labels) => Ok(labels.into_iter().map(|label| label.name).collect()),
        Err(error) => Err(EngineError::Parse {
            detail: error.to_string(),
        }),
    }
}

fn load(
    entry: ModelEntry,
    labels: Vec<String>,
    weights: Vec<u8>,
) -> Result<(Classifier<TractModel>, vitrine_protocol::LoadTimes), EngineError> {
    let shape = Classifier::<TractModel>::input_shape(&entry);
    let (model, times) = TractModel::load(weights, &shape, now)?;
    Ok((Classifier::new(entry, labels, model), times))
}

async fn read(blob: &Blob) -> Result<Vec<u8>, JsValue> {
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn post(
    scope: &DedicatedWorkerGlobalScope,
    reply: &Reply,
    attachment: Option<ArrayBuffer>,
) -> Result<(), JsValue> {
    let envelope = Object::new();
    Reflect::set(
        &envelope,
        &"message".into(),
        &serde_wasm_bindgen::to_value(reply)?,
    )?;
    match attachment {
        Some(buffer) => {
            Reflect::set(&envelope, &"attachment".into(), &buffer)?;
            scope.post_message_with_transfer(&envelope, &Array::of1(&buffer))
        }
        None => scope.post_message(&envelope),
    }
}

/// Milliseconds on the worker's own clock.
fn now() -> f64 {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
    }
    performance_now()
}

/// A model without the message loop, for measuring and comparing in one page.
#[wasm_bindgen]
pub struct Session {
    classifier: Classifier<TractModel>,
    input_shape: Vec<usize>,
}

#[wasm_bindgen]
impl Session {
    /// Loads, optimises and warms up the model of a registry entry, given as the page has it.
    #[wasm_bindgen(constructor)]
    pub fn new(entry: JsValue, labels: JsValue, weights: Vec<u8>) -> Result<Session, JsError> {
        console_error_panic_hook::set_once();
        let entry: ModelEntry = serde_wasm_bindgen::from_value(entry)?;
        let labels: Vec<String> = serde_wasm_bindgen::from_value(labels)?;
        let input_shape = Classifier::<TractModel>::input_shape(&entry).to_vec();
        let (classifier, _) = load(entry, labels, weights)?;
        Ok(Session {
            classifier,
            input_shape,
        })
    }

    /// Runs the model on prepared values in the order of its input shape.
    pub fn run(&mut self, values: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let input = Tensor {
            shape: self.input_shape.clone(),
            values,
        };
        Ok(self.classifier.infer(input)?.values)
    }

    /// The flavour of this module: `simd` or `relaxed`.
    pub fn flavour() -> String {
        FLAVOUR.key().into()
    }
}
