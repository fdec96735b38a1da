//! The page's end of the worker boundary.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use vitrine_protocol::{EngineBuild, Reply, Request, pack, unpack};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::engine::{self, Parts};
use crate::web;

/// A worker that runs or is about to; dropping this ends it in the middle of whatever it does.
pub(crate) struct Bridge {
    stage: Rc<RefCell<Stage>>,
}

enum Stage {
    /// What it runs is not here yet; these messages wait for it.
    Coming(Vec<Object>),
    Running(Running),
    Over,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

impl Bridge {
    /// Starts a worker of an engine build, as soon as that is here.
    ///
    /// `on_reply` gets each reply with the bytes that came beside it, which stay the browser's,
    /// `on_death` the browser's words when the worker cannot start or fails by itself, or the engine's
    /// where it had any.
    pub(crate) fn start(
        build: &EngineBuild,
        on_reply: impl Fn(Reply, Uint8Array) + 'static,
        on_death: impl Fn(String) + Clone + 'static,
    ) -> Bridge {
        let stage = Rc::new(RefCell::new(Stage::Coming(Vec::new())));
        let (build, coming) = (build.clone(), Rc::clone(&stage));
        spawn_local(async move {
            let parts = engine::parts(&build).await;
            let started = match &*coming.borrow() {
                Stage::Coming(waiting) => parts
                    .and_then(|parts| Running::start(&parts, waiting, on_reply, on_death.clone())),
                _ => return,
            };
            match started {
                Ok(running) => *coming.borrow_mut() = Stage::Running(running),
                Err(error) => on_death(web::words(&error)),
            }
        });
        Bridge { stage }
    }

    /// Sends a request; what goes with it is handed over by reference, without a copy.
    ///
    /// # Errors
    /// The browser's words when the message cannot be posted.
    pub(crate) fn send(&self, request: &Request, attachment: Option<&Blob>) -> Result<(), String> {
        let post = || {
            let envelope = Object::new();
            let message = Uint8Array::from(&pack(request)[..]);
            Reflect::set(&envelope, &"message".into(), &message)?;
            if let Some(attachment) = attachment {
                Reflect::set(&envelope, &"attachment".into(), attachment)?;
            }
            match &mut *self.stage.borrow_mut() {
                Stage::Coming(waiting) => waiting.push(envelope),
                Stage::Running(running) => running.worker.post_message(&envelope)?,
                Stage::Over => {}
            }
            Ok(())
        };
        post().map_err(|error| web::words(&error))
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        *self.stage.borrow_mut() = Stage::Over;
    }
}

impl Running {
    fn start(
        parts: &Parts,
        waiting: &[Object],
        on_reply: impl Fn(Reply, Uint8Array) + 'static,
        on_death: impl Fn(String) + Clone + 'static,
    ) -> Result<Running, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&parts.script, &options)?;
        let last_words = Rc::new(RefCell::new(None));
        let (on_bad_reply, heard) = (on_death.clone(), Rc::clone(&last_words));
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            match open(&event.data()) {
                // The worker's own end follows, as an error event.
                Ok((Reply::Panicked { text }, _)) => *heard.borrow_mut() = Some(text),
                Ok((reply, attachment)) => on_reply(reply, attachment),
                Err(words) => on_bad_reply(words),
            }
        });
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            let last_words = last_words.borrow_mut().take();
            // A script that does not run at all gives a plain event without a message.
            on_death(match (last_words, event.dyn_ref::<ErrorEvent>()) {
                (Some(text), _) => text,
                (None, Some(error)) => error.message(),
                (None, None) => "its script could not be started".into(),
            });
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let running = Running {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        };
        let module = Object::new();
        Reflect::set(&module, &"module".into(), &parts.module)?;
        running.worker.post_message(&module)?;
        for message in waiting {
            running.worker.post_message(message)?;
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A message may be on its way to the page already, and its handler is about to go.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn open(data: &JsValue) -> Result<(Reply, Uint8Array), String> {
    let field = |name: &str| Reflect::get(data, &name.into()).map_err(|error| web::words(&error));
    let message = Uint8Array::new(&field("message")?).to_vec();
    let reply = unpack(&message).map_err(|error| error.to_string())?;
    let attachment = match field("attachment")?.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Uint8Array::new(&buffer),
        Err(_) => Uint8Array::new_with_length(0),
    };
    Ok((reply, attachment))
}
