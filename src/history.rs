//! Writes results to this device and reads what earlier visits left.
//!
//! What a record holds is decided here; `shell/history.js` has the database, in a module that is
//! fetched when the first record is written or read, and answers by events.

use std::cell::RefCell;
use std::sync::Arc;

use js_sys::{Array, Object, Reflect, Uint8Array};
use leptos::ev::Custom;
use leptos::prelude::{WithUntracked as _, document, window_event_listener};
use serde::{Deserialize, Serialize};
use vitrine_protocol::{
    Analysis, Classification, ModelEntry, Reading, RequestId, Spec, pack, unpack,
};
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

/// Which [`Record`] a version of this page writes. It changes with whatever a record holds, because
/// packed bytes do not tell what is in them.
const FORM: u32 = 1;

/// One result as it is kept: what the page shows of it, and never the file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
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
        let kept = Array::from(&event.detail());
        let past = kept.iter().filter_map(|kept| {
            let (key, record) = open(&kept)?;
            let id = new_id()?;
            KEYS.with_borrow_mut(|keys| keys.push((id, key)));
            Some(to_past(record, id, &models))
        });
        tell_state(HistoryEvent::Recalled(past.collect()));
    });
    // The last that a page is sure to hear. The listener stays for as long as the page does.
    window_event_listener(Custom::<web_sys::Event>::new("visibilitychange"), |_| {
        if document().hidden() {
            tell_state(HistoryEvent::Hidden);
        }
    });
}

fn tell_state(event: HistoryEvent) {
    report(Event::History(event));
}

/// Has `shell/history.js` do what the state asks for: what to do, to what, and how many are kept.
pub(crate) fn run(effect: HistoryEffect, store: Store, models: &[ModelEntry]) {
    let (what, list) = match effect {
        HistoryEffect::Recall => ("recall", Array::new()),
        HistoryEffect::ForgetAll => ("forget all", Array::new()),
        HistoryEffect::Forget(ids) => {
            let keys = ids.into_iter().map(|id| JsValue::from(key(id)));
            ("forget", keys.collect())
        }
        HistoryEffect::Keep(ids) => store.read().with_untracked(|state| {
            let record = |id| Some((key(id), to_record(state, id, models)?));
            let records = ids.into_iter().filter_map(record);
            (
                "keep",
                records.map(|(key, record)| close(&key, &record)).collect(),
            )
        }),
    };
    let task = Array::of3(&what.into(), &list, &JsValue::from(MOST_KEPT as u32));
    tell_value("vitrine:history", &task);
}

/// A record as the database has it.
fn close(key: &str, record: &Record) -> JsValue {
    let kept = Object::new();
    let fields = [
        ("key", JsValue::from(key)),
        ("form", JsValue::from(FORM)),
        ("packed", Uint8Array::from(&pack(record)[..]).into()),
    ];
    for (name, value) in fields {
        // Setting a field of a plain object does not fail.
        let _ = Reflect::set(&kept, &name.into(), &value);
    }
    kept.into()
}

/// A record with its key; `None` where another version of this page wrote it in another form.
fn open(kept: &JsValue) -> Option<(String, Record)> {
    let field = |name: &str| Reflect::get(kept, &name.into()).ok();
    let form = field("form")?.as_f64()?;
    if form != f64::from(FORM) {
        return None;
    }
    let packed = Uint8Array::new(&field("packed")?).to_vec();
    Some((field("key")?.as_string()?, unpack(&packed).ok()?))
}

/// Rises with the time of the visit and, in it, with the order of adding.
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
        made,
        name: item.name.clone(),
        models: versions(&found, models),
        found,
    })
}

/// A thumbnail as a small picture in a `data:` address.
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
    use vitrine_protocol::{
        AnalysisTimes, Class, Flavour, Line, PictureFacts, Point, ReadingTimes, Registry, Size,
        StageTimes, TextAnswer,
    };

    use super::*;

    fn classification(model: &str) -> Answer<Classification> {
        Answer {
            value: Classification {
                model: model.to_owned(),
                classes: vec![Class {
                    index: 281,
                    label: "tabby cat".into(),
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
        let read: Record = unpack(&pack(&record())).unwrap();
        assert_eq!(read, record());
        let past = to_past(read, RequestId(9), &models());
        let mut expected = item();
        expected.id = RequestId(9);
        if let Content::Picture(picture) = &mut expected.content {
            picture.thumbnail = Some(Arc::new(Thumbnail::Address("data:,".to_owned())));
        }
        assert_eq!((past.item, past.made), (expected, 5.0));
    }

    /// A reading, as [`record`] has classes.
    fn read_record() -> Record {
        let corner = |x, y| Point { x, y };
        let line = Line {
            quad: [
                corner(1.0, 2.0),
                corner(3.0, 4.0),
                corner(5.0, 6.0),
                corner(7.0, 8.0),
            ],
            text: "page".to_owned(),
            confidence: 0.75,
        };
        let size = |width, height| Size { width, height };
        let value = Reading {
            lines: vec![line],
            picture: PictureFacts {
                size: size(640, 480),
                thumbnail: size(64, 48),
            },
            times: ReadingTimes {
                decode: 1.0,
                detect: 2.0,
                direct: 3.0,
                recognise: 4.0,
            },
        };
        Record {
            found: Found::Picture {
                classes: None,
                reading: Some(Answer {
                    value,
                    flavour: Flavour::Relaxed,
                }),
                others: Vec::new(),
                thumbnail: None,
            },
            ..record()
        }
    }

    fn text_record() -> Record {
        let value = Analysis {
            excerpt: "glad".to_owned(),
            answers: vec![TextAnswer {
                model: "emotion".to_owned(),
                classes: Vec::new(),
                n_holding: 1,
            }],
            n_tokens: 5,
            n_read: 4,
            n_replaced: 3,
            times: AnalysisTimes {
                tokenise: 1.0,
                encode: 2.0,
                classify: 3.0,
            },
        };
        Record {
            found: Found::Text(Answer {
                value,
                flavour: Flavour::Simd,
            }),
            ..record()
        }
    }

    #[test]
    fn another_form_of_record_has_another_number() {
        let packed = [record(), read_record(), text_record()].map(|record| pack(&record));
        let hexadecimal = packed.map(|bytes| {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            digits.collect::<String>()
        });
        let of_form_1 = [
            "0000000000001440076361742e6a70670212656666696369656e746e65742d6c6974653005302e31\
             2e3012656666696369656e746e65742d6c6974653105302e312e30000112656666696369656e746e\
             65742d6c6974653001990209746162627920636174000010417b835f3f0000000000000000000000\
             0000000000000000000000000000000000000000000000000000000112656666696369656e746e65\
             742d6c6974653101990209746162627920636174000010417b835f3f000000000000000000000000\
             000000000000000000000000000000000000000000000000000106646174613a2c",
            "0000000000001440076361742e6a70670212656666696369656e746e65742d6c6974653005302e31\
             2e3012656666696369656e746e65742d6c6974653105302e312e30000001010000803f0000004000\
             004040000080400000a0400000c0400000e0400000004104706167650000403f8005e00340300000\
             00000000f03f000000000000004000000000000008400000000000001040010000",
            "0000000000001440076361742e6a70670212656666696369656e746e65742d6c6974653005302e31\
             2e3012656666696369656e746e65742d6c6974653105302e312e300104676c61640107656d6f7469\
             6f6e0001050403000000000000f03f0000000000000040000000000000084000",
        ];
        assert_eq!(
            hexadecimal, of_form_1,
            "records have changed: give them a new FORM, then write their bytes here"
        );
        assert_eq!(FORM, 1);
    }
}
