//! Files, texts and intentions, as `shell/intake.js` hands them over.
//!
//! That script owns dropping, pasting, picking, typing and samples, because it is there before this program;
//! it keeps what comes early and hands it over once it hears `vitrine:listening`.

use js_sys::Reflect;
use leptos::prelude::document;
use serde::Serialize;
use vitrine_protocol::Stages as _;
use wasm_bindgen::prelude::*;
use web_sys::{CustomEvent, CustomEventInit, File};

use crate::language::explain;
use crate::session::{add_files, add_frame, add_text, report};
use crate::state::{Event, Seen, Tools};
use crate::{web, words};

/// Takes files, texts and intentions from now on, and says so.
pub(crate) fn listen() {
    on("vitrine:files", |event| {
        let files = js_sys::Array::from(&event.detail());
        add_files(files.iter().filter_map(|file| file.dyn_into::<File>().ok()));
    });
    on("vitrine:text", |event| {
        let detail = event.detail();
        let field = |name: &str| Reflect::get(&detail, &name.into()).unwrap_or_default();
        let text = field("text").as_string().unwrap_or_default();
        add_text(text, field("handedIn").is_truthy());
    });
    on("vitrine:tools", |event| {
        let detail = event.detail();
        let is_on =
            |name: &str| Reflect::get(&detail, &name.into()).is_ok_and(|value| value.is_truthy());
        report(Event::ToolsChosen(Tools {
            classify: is_on("classify"),
            read: is_on("read"),
        }));
    });
    on("vitrine:intent", |_| report(Event::Intent));
    on("vitrine:frame", |event| {
        if let Ok(frame) = event.detail().dyn_into() {
            add_frame(frame);
        }
    });
    on("vitrine:camera-off", |_| report(Event::CameraStopped));
    tell("vitrine:listening");
}

/// Has the shell give up on samples that it is still fetching.
pub(crate) fn drop_coming() {
    tell("vitrine:cancel");
}

/// Has the camera show what came of its frame, and take the next one.
pub(crate) fn show_frame(seen: &Seen) {
    #[derive(Serialize)]
    struct Shown<'a> {
        classes: Vec<ShownClass<'a>>,
        /// Milliseconds from the file to the classes.
        time: f64,
        /// Why there are none.
        failed: Option<String>,
    }
    #[derive(Serialize)]
    struct ShownClass<'a> {
        label: &'a str,
        share: f64,
        words: String,
    }

    tell_with(
        "vitrine:frame-done",
        &match seen {
            Seen::Classes(classification) => Shown {
                classes: (classification.classes.iter())
                    .map(|class| ShownClass {
                        label: &class.label,
                        share: class.probability.into(),
                        words: words::percent(class.probability.into()),
                    })
                    .collect(),
                time: classification.times.total(),
                failed: None,
            },
            Seen::Failed(failure) => Shown {
                classes: Vec::new(),
                time: 0.0,
                failed: Some(explain(failure).what),
            },
        },
    );
}

/// Tells the page's scripts something.
pub(crate) fn tell(name: &str) {
    tell_with(name, &());
}

/// Tells them something with what goes with it.
pub(crate) fn tell_with(name: &str, detail: &impl Serialize) {
    tell_value(name, &web::plain(detail));
}

/// The same, where that is the browser's own already.
pub(crate) fn tell_value(name: &str, detail: &JsValue) {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &init) {
        // Fails only for an event that is being dispatched already.
        let _ = document().dispatch_event(&event);
    }
}

/// Hears what the page's scripts tell, under one name.
pub(crate) fn on(name: &str, handle: impl Fn(CustomEvent) + 'static) {
    let handle = Closure::<dyn Fn(CustomEvent)>::new(handle).into_js_value();
    // Fails for what is no function, which this is.
    let _ = document().add_event_listener_with_callback(name, handle.unchecked_ref());
}
