//! The page's end of the worker boundary.

use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use vitrine_protocol::{Reply, Request, pack, unpack};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::web;

/// A running worker; dropping it ends the worker in the middle of whatever it does.
pub(crate) struct Bridge {
    worker: Worker,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

impl Bridge {
    /// Starts the worker of an engine build.
    ///
    /// `on_reply` gets each reply with the bytes that came beside it, which stay the browser's,
    /// `on_death` the browser's words when the worker fails by itself.
    ///
    /// # Errors
    /// The browser's words when it refuses to start a worker at all.
    pub(crate) fn start(
        script: &str,
        on_reply: impl Fn(Reply, Uint8Array) + 'static,
        on_death: impl Fn(String) + Clone + 'static,
    ) -> Result<Bridge, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker =
            Worker::new_with_options(script, &options).map_err(|error| web::words(&error))?;
        let on_bad_reply = on_death.clone();
        let on_message =
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                match open(&event.data()) {
                    Ok((reply, attachment)) => on_reply(reply, attachment),
                    Err(words) => on_bad_reply(words),
                }
            });
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            // A script that does not load gives a plain event without a message.
            on_death(match event.dyn_ref::<ErrorEvent>() {
                Some(error) => error.message(),
                None => "its script could not be loaded".into(),
            });
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Bridge {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
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
            self.worker.post_message(&envelope)
        };
        post().map_err(|error| web::words(&error))
    }
}

impl Drop for Bridge {
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
