//! Writes results to this device and reads what earlier visits left.
//!
//! What a record holds is decided here; `shell/history.js` has the database, in a module that is
//! fetched when the first record is written or read, and answers by events.

use std::cell::RefCell;
use std::sync::Arc;

use js_sys::{Array, Uint8Array};
use leptos::prelude::WithUntracked as _;
use serde::{Deserialize, Serialize};
use vitrine_protocol::{Analysis, Classification, ModelEntry, Reading, RequestId, Spec};
use wasm_bindgen::JsValue;

use crate::intake::{on, tell_value};
use crate::session::{new_id, report};
use crate::state::{
    Answer, Comparison, Content, Event, HistoryEffect, HistoryEvent, Item, MOST_KEPT, Past,
    Picture, State, Step, Store, Text, Thumbnail,
};
use crate::web;

/// Longest side of a picture that is kept, in pixels.
const KEPT_SIDE: f64 = 192.0;

/// One result as it is kept: what the page shows of it, and never the file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    /// Rises with the time of the visit and, in it, with the order of adding.
    key: String,
    made: f64,
    name: String,
    models: Vec<(String, String)>,
    found: Found,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Found {
    Picture {
        classes: Option<Answer<Classification>>,
        reading: Option<Answer<Reading>>,
        others: Vec<Answer<Classification>>,
        /// A `data:` address.
        thumbnail: Option<String>,
    },
    Text(Answer<Analysis>),
}

/// What is asked of `shell/history.js`.
#[derive(Serialize)]
enum Task {
    Recall,
    Keep(Vec<Record>),
    Forget(Vec<String>),
    ForgetAll,
}

thread_local! {
    /// Keys of the results of earlier visits.
    static KEYS: RefCell<Vec<(RequestId, String)>> = RefCell::default();
    /// When this visit began, which its keys begin with.
    static VISIT: f64 = js_sys::Date::now();
}

/// Hears from the shell what is wanted and what came of it.
pub(crate) fn listen(models: Vec<ModelEntry>) {
    on("vitrine:keep", |event| {
        let is_on = event.detail().is_truthy();
        tell_state(HistoryEvent::Chosen(is_on));
    });
    on("vitrine:clear-history", |_| {
        tell_state(HistoryEvent::Cleared)
    });
    on("vitrine:history-failed", |event| {
        let reason = event.detail().as_string().unwrap_or_default();
        tell_state(HistoryEvent::Failed(reason));
    });
    on("vitrine:recalled", move |event| {
        let records = Array::from(&event.detail());
        let records = records.iter().filter_map(|record| {
            // One that another version of this page wrote may hold something else.
            serde_wasm_bindgen::from_value::<Record>(record).ok()
        });
        let past = records.filter_map(|record| {
            let id = new_id()?;
            KEYS.with_borrow_mut(|keys| keys.push((id, record.key.clone())));
            Some(to_past(record, id, &models))
        });
        tell_state(HistoryEvent::Recalled(past.collect()));
    });
}

fn tell_state(event: HistoryEvent) {
    report(Event::History(event));
}

/// Does what the state asks for.
pub(crate) fn run(effect: HistoryEffect, store: Store, models: &[ModelEntry]) {
    let keys = |ids: Vec<RequestId>| ids.into_iter().map(key).collect();
    let task = match effect {
        HistoryEffect::Recall => Task::Recall,
        HistoryEffect::Forget(ids) => Task::Forget(keys(ids)),
        HistoryEffect::ForgetAll => Task::ForgetAll,
        HistoryEffect::Keep(ids) => Task::Keep(store.read().with_untracked(|state| {
            let records = ids
                .into_iter()
                .filter_map(|id| to_record(state, id, models));
            records.collect()
        })),
    };
    let mut detail = web::plain(&task);
    if let Task::Keep(_) = task {
        // As many as are kept at most: only the state knows that figure.
        detail = Array::of2(&detail, &JsValue::from(MOST_KEPT as u32)).into();
    }
    tell_value("vitrine:history", &detail);
}

fn key(id: RequestId) -> String {
    let of_past = KEYS.with_borrow(|keys| {
        let mut keys = keys.iter();
        keys.find(|(at, _)| *at == id).map(|(_, key)| key.clone())
    });
    of_past.unwrap_or_else(|| VISIT.with(|visit| format!("{visit:015}-{:010}", id.0)))
}

fn to_record(state: &State, id: RequestId, models: &[ModelEntry]) -> Option<Record> {
    let past = || state.history.past().iter().find(|past| past.item.id == id);
    let (item, made) = match state.item(id) {
        Some(item) => (item, js_sys::Date::now()),
        None => past().map(|past| (&past.item, past.made))?,
    };
    let found = found(item, small)?;
    Some(Record {
        key: key(id),
        made,
        name: item.name.clone(),
        models: versions(&found, models),
        found,
    })
}

/// A thumbnail as a small JPEG.
fn small(thumbnail: &Thumbnail) -> Option<String> {
    match thumbnail {
        Thumbnail::Pixels { size, rgba } => {
            web::compress(*size, &Uint8Array::from(&rgba[..]), KEPT_SIDE)
        }
        Thumbnail::Address(address) => Some(address.clone()),
    }
}

/// What is kept of an item; `None` where nothing was found.
fn found(item: &Item, small: impl Fn(&Thumbnail) -> Option<String>) -> Option<Found> {
    match &item.content {
        Content::Picture(picture) => {
            let others = picture.others.iter();
            Some(Found::Picture {
                classes: picture.classes.as_ref().and_then(answer),
                reading: picture.reading.as_ref().and_then(answer),
                others: others.filter_map(|other| answer(&other.step)).collect(),
                thumbnail: picture.thumbnail.as_deref().and_then(small),
            })
        }
        Content::Text(text) => answer(&text.step).map(Found::Text),
        Content::Table(_) => None,
    }
}

fn answer<T: Clone>(step: &Step<T>) -> Option<Answer<T>> {
    match step {
        Step::Done(answer) => Some(Answer::clone(answer)),
        _ => None,
    }
}

/// The models that answered, by id, with their versions.
fn versions(found: &Found, models: &[ModelEntry]) -> Vec<(String, String)> {
    let answered = |model: &ModelEntry| match found {
        Found::Picture {
            classes,
            reading,
            others,
            ..
        } => {
            let mut classes = classes.iter().chain(others);
            let reads = matches!(model.spec, Spec::LineRecognition { .. });
            classes.any(|answer| answer.value.model == model.id) || reads && reading.is_some()
        }
        Found::Text(answer) => {
            let mut answers = answer.value.answers.iter();
            answers.any(|answer| answer.model == model.id)
        }
    };
    let models = models.iter().filter(|model| answered(model));
    models
        .map(|model| (model.id.clone(), model.source.version.clone()))
        .collect()
}

/// A record as an item whose file is not here.
fn to_past(record: Record, id: RequestId, models: &[ModelEntry]) -> Past {
    fn done<T>(answer: Answer<T>) -> Step<T> {
        Step::Done(Arc::new(answer))
    }
    let content = match record.found {
        Found::Picture {
            classes,
            reading,
            others,
            thumbnail,
        } => {
            let comparison = |answer: Answer<Classification>| {
                let mut models = models.iter();
                let model = models.position(|model| model.id == answer.value.model);
                Comparison {
                    // One that this site no longer has is no other one either.
                    model: model.unwrap_or(usize::MAX),
                    step: done(answer),
                }
            };
            Content::Picture(Picture {
                classes: classes.map(done),
                reading: reading.map(done),
                others: others.into_iter().map(comparison).collect(),
                thumbnail: thumbnail.map(|address| Arc::new(Thumbnail::Address(address))),
            })
        }
        Found::Text(answer) => Content::Text(Text {
            typed: None,
            step: done(answer),
            earlier: None,
        }),
    };
    Past {
        item: Item {
            id,
            name: record.name,
            content,
        },
        made: record.made,
        models: record.models,
    }
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::{Class, Flavour, PictureFacts, Registry, Size, StageTimes};

    use super::*;

    fn classification(model: &str) -> Answer<Classification> {
        Answer {
            value: Classification {
                model: model.to_owned(),
                classes: vec![Class {
                    index: 281,
                    label: "tabby cat".to_owned(),
                    logit: 9.0,
                    probability: 0.8731,
                }],
                picture: PictureFacts::default(),
                times: StageTimes::default(),
            },
            flavour: Flavour::Simd,
        }
    }

    fn item() -> Item {
        let thumbnail = Thumbnail::Pixels {
            size: Size {
                width: 1,
                height: 1,
            },
            rgba: vec![0; 4],
        };
        let step = |model| Step::Done(Arc::new(classification(model)));
        Item {
            id: RequestId(3),
            name: "cat.jpg".to_owned(),
            content: Content::Picture(Picture {
                classes: Some(step("efficientnet-lite0")),
                reading: None,
                others: vec![Comparison {
                    model: 1,
                    step: step("efficientnet-lite1"),
                }],
                thumbnail: Some(Arc::new(thumbnail)),
            }),
        }
    }

    fn models() -> Vec<ModelEntry> {
        let text = include_str!("../assets/models.toml");
        Registry::parse(text).unwrap().models
    }

    fn record() -> Record {
        let found = found(&item(), |_| Some("data:,".to_owned())).unwrap();
        Record {
            key: "1-3".to_owned(),
            made: 5.0,
            name: item().name,
            models: versions(&found, &models()),
            found,
        }
    }

    #[test]
    fn a_record_says_which_versions_answered() {
        let expected = [
            ("efficientnet-lite0", "0.1.0"),
            ("efficientnet-lite1", "0.1.0"),
        ];
        let expected = expected.map(|(id, version)| (id.to_owned(), version.to_owned()));
        assert_eq!(record().models, expected);
    }

    #[test]
    fn what_was_kept_comes_back_without_its_file() {
        let text = serde_json::to_string(&record()).unwrap();
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(read, record());
        let past = to_past(read, RequestId(9), &models());
        let mut expected = item();
        expected.id = RequestId(9);
        if let Content::Picture(picture) = &mut expected.content {
            picture.thumbnail = Some(Arc::new(Thumbnail::Address("data:,".to_owned())));
        }
        assert_eq!((past.item, past.made), (expected, 5.0));
    }
}
