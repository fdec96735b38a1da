//! The wasm boundary: messages in, engine calls, messages out. No logic lives here.

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt as _;
use image::RgbImage;
use js_sys::{Array, ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use vitrine_engine::{
    Input, InputSpec, Model as _, Part, TractModel, Workbench, check_model, encoder_specs,
    rehearse, timed,
};
use vitrine_protocol::{
    Analysis, Classification, EngineError, Explanation, Failure, Flavour, LoadTimes, PictureError,
    PictureFacts, Reading, ReadingTimes, Reply, Request, RequestId, RowAnalysis, Size, StageTimes,
    TextError, WarmUp, pack, unpack,
};
use vitrine_tasks::picture::{self, Limits, Thumbnail};
use vitrine_tasks::text::{self, DecodedText, Table};
use vitrine_tasks::{IdTensor, Tensor};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: vitrine_allocator::Opaque = vitrine_allocator::Opaque;

/// The flavour this module was compiled as.
const FLAVOUR: Flavour = if cfg!(target_feature = "atomics") {
    Flavour::Threads
} else if cfg!(target_feature = "relaxed-simd") {
    Flavour::Relaxed
} else {
    Flavour::Simd
};

/// Starts answering the page's messages, one after another, and says that the engine is ready.
#[wasm_bindgen]
pub fn listen() -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(tell_panic));
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

/// Sends the page the words of a panic: of the trap that follows it hears only that it was one.
fn tell_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let text = panic.to_string();
    if let Ok(scope) = js_sys::global().dyn_into() {
        // Without a page that hears it there is nobody to tell.
        let _ = post(&scope, &Reply::Panicked { text }, None);
    }
}

/// Helps the engine that shares this memory, for as long as the thread lives: what each of its threads calls
/// beside the one that listens.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen]
pub fn help() {
    vitrine_engine::pool::help()
}

/// Says that a thread ended in the middle of its work, which the engine would wait for without end.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = helperDied)]
pub fn helper_died() {
    vitrine_engine::pool::helper_died()
}

/// The memory that threads share.
#[cfg(target_feature = "atomics")]
#[wasm_bindgen(js_name = sharedMemory)]
pub fn shared_memory() -> JsValue {
    wasm_bindgen::memory()
}

/// What lives as long as the worker.
#[derive(Default)]
struct Desk {
    workbench: Workbench,
    /// The picture that was decoded last: one picture often has several tasks.
    picture: Option<(RequestId, RgbImage)>,
    /// The table that was opened last.
    table: Option<(RequestId, Table)>,
}

async fn answer(scope: DedicatedWorkerGlobalScope, mut inbox: UnboundedReceiver<JsValue>) {
    let mut desk = Desk::default();
    let mut memory = 0.0;
    let mut to_rehearse = &Part::ALL[..];
    while let Some(data) = next_message(&scope, &mut inbox, &mut to_rehearse).await {
        if let Err(error) = answer_one(&scope, &mut desk, data).await {
            // Not a message of ours: the page and the engine come from different builds.
            wasm_bindgen::throw_val(error);
        }
        if !desk.workbench.is_empty() {
            to_rehearse = &[];
        }
        let bytes = memory_bytes();
        if bytes > memory {
            memory = bytes;
            // A page that does not hear of it shows an older figure.
            let _ = post(&scope, &Reply::Memory { bytes }, None);
        }
    }
}

/// The next message; until one is there, the engine rehearses what it has not rehearsed yet.
async fn next_message(
    scope: &DedicatedWorkerGlobalScope,
    inbox: &mut UnboundedReceiver<JsValue>,
    to_rehearse: &mut &[Part],
) -> Option<JsValue> {
    while let Some((part, others)) = to_rehearse.split_first() {
        pause(scope).await;
        if let Ok(message) = inbox.try_recv() {
            return Some(message);
        }
        *to_rehearse = others;
        // What an engine cannot rehearse, the first model of that kind will say.
        let _ = rehearse(*part);
    }
    inbox.next().await
}

/// Lets messages come in.
async fn pause(scope: &DedicatedWorkerGlobalScope) {
    let next_turn = Promise::new(&mut |resolve, _| {
        // Where there are no timers, messages wait a little longer.
        if scope.set_timeout_with_callback(&resolve).is_err() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    let _ = JsFuture::from(next_turn).await;
}

async fn answer_one(
    scope: &DedicatedWorkerGlobalScope,
    desk: &mut Desk,
    data: JsValue,
) -> Result<(), JsValue> {
    let message = Uint8Array::new(&Reflect::get(&data, &"message".into())?).to_vec();
    let request: Request = unpack(&message).map_err(JsError::from)?;
    let attachment: Option<Blob> = Reflect::get(&data, &"attachment".into())?.dyn_into().ok();
    match request {
        Request::LoadModel {
            model,
            text,
            warm_up,
        } => {
            let id = model.id.clone();
            let loaded = match read(attachment.as_ref()).await {
                Ok(weights) => desk.workbench.load(*model, &text, weights, warm_up, now),
                Err(detail) => Err(EngineError::Parse { detail }.into()),
            };
            let reply = match loaded {
                Ok(times) => Reply::ModelReady { model: id, times },
                Err(failure) => Reply::ModelFailed { model: id, failure },
            };
            post(scope, &reply, None)
        }
        Request::Classify { id, model, top_k } => {
            let reply = desk.classify(id, model, top_k, attachment.as_ref()).await;
            post_picture(scope, id, reply)
        }
        Request::ReadText { id } => {
            let reply = desk.read_text(id, attachment.as_ref()).await;
            post_picture(scope, id, reply)
        }
        Request::AnalyseText { id, text } => {
            let reply = desk.analyse_text(id, text, attachment.as_ref()).await;
            post(scope, &or_failed(id, reply), None)
        }
        Request::OpenTable { id } => {
            let reply = desk.open_table(id, attachment.as_ref()).await;
            post(scope, &or_failed(id, reply), None)
        }
        Request::AnalyseRows {
            id,
            column,
            from,
            count,
        } => {
            let reply = desk.analyse_rows(id, column, from, count);
            post(scope, &or_failed(id, reply), None)
        }
        Request::ShareWork(is_shared) => {
            vitrine_engine::pool::share_work(is_shared);
            Ok(())
        }
        Request::Profile { model } => {
            let reply = match desk.workbench.profile(&model, now) {
                Ok(operators) => Reply::Profiled { model, operators },
                Err(error) => Reply::ModelFailed {
                    model,
                    failure: error.into(),
                },
            };
            post(scope, &reply, None)
        }
        Request::Measure { model, rounds } => {
            let reply = match desk.workbench.measure(&model, rounds, now) {
                Ok((shape, times)) => Reply::Measured {
                    model,
                    shape,
                    times,
                    memory: memory_bytes(),
                },
                Err(error) => Reply::ModelFailed {
                    model,
                    failure: error.into(),
                },
            };
            post(scope, &reply, None)
        }
    }
}

fn or_failed(id: RequestId, reply: Result<Reply, Failure>) -> Reply {
    reply.unwrap_or_else(|failure| Reply::Failed { id, failure })
}

/// A reply about a picture, and the picture's thumbnail.
type PictureReply = Result<(Reply, Thumbnail), Failure>;

impl Desk {
    async fn classify(
        &mut self,
        id: RequestId,
        model: String,
        top_k: usize,
        file: Option<&Blob>,
    ) -> PictureReply {
        let decode = self.open(id, file).await?;
        let Some((_, pixels)) = &self.picture else {
            return Err(EngineError::NoModel.into());
        };
        let (classes, times) = self.workbench.classify(&model, pixels, top_k, now)?;
        let (picture, thumbnail) = facts(pixels);
        let classification = Classification {
            model,
            classes,
            picture,
            times: StageTimes { decode, ..times },
        };
        Ok((Reply::Classified { id, classification }, thumbnail))
    }

    async fn read_text(&mut self, id: RequestId, file: Option<&Blob>) -> PictureReply {
        let decode = self.open(id, file).await?;
        let Some((_, pixels)) = &self.picture else {
            return Err(EngineError::NoModel.into());
        };
        let (lines, times) = self.workbench.read(pixels, now)?;
        let (picture, thumbnail) = facts(pixels);
        let reading = Reading {
            lines,
            picture,
            times: ReadingTimes { decode, ..times },
        };
        Ok((Reply::TextRead { id, reading }, thumbnail))
    }

    async fn analyse_text(
        &mut self,
        id: RequestId,
        text: Option<String>,
        file: Option<&Blob>,
    ) -> Result<Reply, Failure> {
        let DecodedText { text, n_replaced } = match text {
            Some(text) => DecodedText {
                text,
                n_replaced: 0,
            },
            None => {
                if let Some(file) = file {
                    text::Limits::default().check_text_bytes(file.size() as u64)?;
                }
                let bytes = read(file)
                    .await
                    .map_err(|detail| TextError::Unreadable { detail })?;
                text::decode(bytes)?
            }
        };
        let (answers, encoded, times) = self.workbench.analyse(&text, now)?;
        let analysis = Analysis {
            excerpt: text::opening(&text),
            answers,
            n_tokens: encoded.n_tokens,
            n_read: encoded.n_read(),
            n_replaced,
            times,
        };
        Ok(Reply::Analysed { id, analysis })
    }

    async fn open_table(&mut self, id: RequestId, file: Option<&Blob>) -> Result<Reply, Failure> {
        self.table = None;
        let limits = text::Limits::default();
        if let Some(file) = file {
            limits.check_table_bytes(file.size() as u64)?;
        }
        let bytes = read(file)
            .await
            .map_err(|detail| TextError::Unreadable { detail })?;
        let opened = Table::open(bytes, &limits)?;
        let table = opened.facts().clone();
        self.table = Some((id, opened));
        Ok(Reply::TableOpened { id, table })
    }

    fn analyse_rows(
        &mut self,
        id: RequestId,
        column: usize,
        from: usize,
        count: usize,
    ) -> Result<Reply, Failure> {
        let texts = match &self.table {
            Some((known, table)) if *known == id => table.texts(column, from, count)?,
            _ => return Err(TextError::NoSuchRows.into()),
        };
        let start = now();
        let rows = texts
            .into_iter()
            .enumerate()
            .map(|(at, text)| self.row(from + at, &text))
            .collect::<Result<_, _>>()?;
        let time = now() - start;
        Ok(Reply::RowsAnalysed { id, rows, time })
    }

    /// A cell without text has no answers; of the others only what holds, or the best, is kept.
    fn row(&mut self, row: usize, text: &str) -> Result<RowAnalysis, Failure> {
        let mut answers = Vec::new();
        if !text.trim().is_empty() {
            (answers, ..) = self.workbench.analyse(text, now)?;
            for answer in &mut answers {
                answer.classes.truncate(answer.n_holding.max(1));
            }
        }
        Ok(RowAnalysis {
            row,
            excerpt: text::excerpt(text),
            answers,
        })
    }

    /// Makes the file's picture the current one and returns the milliseconds that decoding took,
    /// 0 where it is current already.
    async fn open(&mut self, id: RequestId, file: Option<&Blob>) -> Result<f64, Failure> {
        if self.picture.as_ref().is_some_and(|(known, _)| *known == id) {
            return Ok(0.0);
        }
        self.picture = None;
        if let Some(file) = file {
            // A file over the limit must not be read into memory to find that out.
            Limits::default().check_bytes(file.size() as u64)?;
        }
        let bytes = read(file)
            .await
            .map_err(|detail| PictureError::Unreadable { detail })?;
        let (pixels, decode) = timed(now, || picture::decode(&bytes, &Limits::default()));
        self.picture = Some((id, pixels?));
        Ok(decode)
    }
}

fn facts(pixels: &RgbImage) -> (PictureFacts, Thumbnail) {
    let thumbnail = picture::thumbnail(pixels);
    let facts = PictureFacts {
        size: Size {
            width: pixels.width(),
            height: pixels.height(),
        },
        thumbnail: thumbnail.size,
    };
    (facts, thumbnail)
}

fn post_picture(
    scope: &DedicatedWorkerGlobalScope,
    id: RequestId,
    reply: PictureReply,
) -> Result<(), JsValue> {
    match reply {
        Ok((reply, thumbnail)) => {
            let rgba = Uint8Array::from(thumbnail.rgba.as_slice()).buffer();
            post(scope, &reply, Some(rgba))
        }
        Err(failure) => post(scope, &Reply::Failed { id, failure }, None),
    }
}

/// The bytes of a file, or the browser's words: it may have changed or vanished since it was chosen.
async fn read(file: Option<&Blob>) -> Result<Vec<u8>, String> {
    let file = file.ok_or("nothing came with the request")?;
    match JsFuture::from(file.array_buffer()).await {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(error) => Err(error.dyn_ref::<js_sys::Error>().map_or_else(
            || "no reason given".into(),
            |error| String::from(error.message()),
        )),
    }
}

fn post(
    scope: &DedicatedWorkerGlobalScope,
    reply: &Reply,
    attachment: Option<ArrayBuffer>,
) -> Result<(), JsValue> {
    let envelope = Object::new();
    let message = Uint8Array::from(&pack(reply)[..]);
    Reflect::set(&envelope, &"message".into(), &message)?;
    let moved = Array::of1(&message.buffer());
    if let Some(buffer) = attachment {
        Reflect::set(&envelope, &"attachment".into(), &buffer)?;
        moved.push(&buffer);
    }
    scope.post_message_with_transfer(&envelope, &moved)
}

/// Bytes of this module's memory. A number of JavaScript, exact far beyond what a module may have.
fn memory_bytes() -> f64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: ArrayBuffer = memory.buffer().unchecked_into();
    f64::from(buffer.byte_length())
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

/// Rehearses everything, as a worker does while nothing is asked of it. What cannot be rehearsed is an error
/// in the page's English words.
#[wasm_bindgen(js_name = rehearse)]
pub fn rehearse_all() -> Result<(), JsError> {
    for part in Part::ALL {
        rehearse(part).map_err(|failure| in_words(&failure))?;
    }
    Ok(())
}

fn in_words(failure: &Failure) -> JsError {
    let Explanation { what, why, next } = failure.explain();
    JsError::new(&format!("{what} {why} {next}"))
}

/// A model by itself, with inputs of one shape, for measuring and comparing in one page.
#[wasm_bindgen]
pub struct BareModel {
    model: TractModel,
    shape: Vec<usize>,
    reads_ids: bool,
    load: LoadTimes,
}

#[wasm_bindgen]
impl BareModel {
    /// Loads a model whose one input of f32 has this shape; or, with `reads_ids`, an encoder whose
    /// three inputs of token ids, mask and types have it. It is not run yet. What the gate refuses is an error in the
    /// page's English words.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: Vec<u8>, shape: Vec<usize>, reads_ids: bool) -> Result<BareModel, JsError> {
        console_error_panic_hook::set_once();
        check_model(&weights).map_err(|failure| in_words(&failure))?;
        let inputs = match reads_ids {
            true => encoder_specs(),
            false => vec![InputSpec::fixed(&shape)],
        };
        let (model, load) = TractModel::load(weights, &inputs, &[], WarmUp::Skipped, now)?;
        Ok(BareModel {
            model,
            shape,
            reads_ids,
            load,
        })
    }

    /// Milliseconds of what loading did: reading the file, and optimising.
    #[wasm_bindgen(js_name = loadTimes)]
    pub fn load_times(&self) -> Vec<f64> {
        let LoadTimes {
            parse, optimise, ..
        } = self.load;
        vec![parse, optimise]
    }

    /// Runs the model; token ids are given as numbers too. The first output comes back.
    pub fn run(&mut self, values: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let inputs = self.inputs(values);
        let outputs = self.model.run(inputs)?;
        let first = outputs.into_iter().next();
        Ok(first.map(|output| output.values).unwrap_or_default())
    }

    /// Runs the model once and gives `[name, operator, details, shapes, milliseconds]` of each of
    /// its operators.
    pub fn profile(&mut self, values: Vec<f32>) -> Result<Array, JsError> {
        let inputs = self.inputs(values);
        let operators = self.model.profile(inputs, now)?;
        Ok(operators
            .into_iter()
            .map(|row| {
                Array::of5(
                    &row.name.into(),
                    &row.operator.into(),
                    &row.details.into(),
                    &format!("{:?}", row.inputs).into(),
                    &row.time.into(),
                )
            })
            .collect())
    }

    fn inputs(&self, values: Vec<f32>) -> Vec<Input> {
        let shape = self.shape.clone();
        if !self.reads_ids {
            return vec![Input::F32(Tensor { shape, values })];
        }
        let of = |values: Vec<i64>| {
            Input::I64(IdTensor {
                shape: shape.clone(),
                values,
            })
        };
        let ids: Vec<i64> = values.iter().map(|value| *value as i64).collect();
        let n = ids.len();
        vec![of(ids), of(vec![1; n]), of(vec![0; n])]
    }
}
