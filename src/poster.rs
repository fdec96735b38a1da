//! A picture's card as a picture of its own: what is on it. `shell/poster.js` draws it.

use serde::Serialize;
use vitrine_protocol::{Classification, RequestId, Stages as _};
use wasm_bindgen::JsValue;

use crate::session::picture_file;
use crate::state::{Answer, Picture, Step, Thumbnail, picture_facts};
use crate::{intake, web, words};

/// Lines of recognised text that are written out; the others are only outlined.
const LINES_SHOWN: usize = 12;

/// What is drawn, in words of the page's language.
#[derive(Debug, PartialEq, Serialize)]
struct Poster {
    name: String,
    /// Size of the picture, which outlines are placed by, in pixels.
    width: u32,
    height: u32,
    /// Corners of each line of text, clockwise.
    quads: Vec<[[f32; 2]; 4]>,
    lists: Vec<List>,
    /// A `data:` address of a small picture, for where the file is not here.
    small: Option<String>,
    foot: String,
}

/// What a model says.
#[derive(Debug, PartialEq, Serialize)]
struct List {
    title: String,
    /// What it took, and with which engine.
    time: String,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Row {
    label: String,
    /// Written at the end of the row; empty for lines of text.
    share: String,
    /// How long the row's bar is, of 1.
    bar: f32,
}

/// Saves a picture's card as a PNG. `title` names models by their ids.
pub(crate) fn save(id: RequestId, name: &str, picture: &Picture, title: impl Fn(&str) -> String) {
    let Some(mut poster) = poster(name, picture, title) else {
        return;
    };
    let file = picture_file(id);
    poster.small = picture.thumbnail.as_deref().and_then(small);
    let detail = web::plain(&poster);
    let file = file.map_or(JsValue::NULL, Into::into);
    intake::tell_value("vitrine:poster", &js_sys::Array::of2(&detail, &file));
}

/// Longest side of the small picture, in pixels.
const SMALL_SIDE: f64 = 320.0;

fn small(thumbnail: &Thumbnail) -> Option<String> {
    match thumbnail {
        Thumbnail::Pixels { size, rgba } => {
            web::compress(*size, &js_sys::Uint8Array::from(&rgba[..]), SMALL_SIDE)
        }
        Thumbnail::Address(address) => Some(address.clone()),
    }
}

/// What is on the card; `None` before there is anything.
fn poster(name: &str, picture: &Picture, title: impl Fn(&str) -> String) -> Option<Poster> {
    let size = picture_facts(picture)?.size;
    let others = picture.others.iter().map(|other| &other.step);
    let steps = picture.classes.iter().chain(others);
    let mut lists: Vec<List> = steps
        .filter_map(|step| match step {
            Step::Done(answer) => Some(class_list(answer, title(&answer.value.model))),
            _ => None,
        })
        .collect();
    let mut quads = Vec::new();
    if let Some(Step::Done(answer)) = &picture.reading {
        let lines = &answer.value.lines;
        let corners = |point: vitrine_protocol::Point| [point.x, point.y];
        quads.extend(lines.iter().map(|line| line.quad.map(corners)));
        let row = |label: String| Row {
            label,
            share: String::new(),
            bar: 0.0,
        };
        let shown = lines.iter().take(LINES_SHOWN);
        let mut rows: Vec<Row> = shown.map(|line| row(line.text.clone())).collect();
        match lines.len().saturating_sub(LINES_SHOWN) {
            0 if lines.is_empty() => rows.push(row(words::no_text())),
            0 => {}
            n => rows.push(row(words::more_lines(n))),
        }
        lists.push(List {
            title: words::recognised_text(),
            time: words::time_with(answer.value.times.total(), answer.flavour),
            rows,
        });
    }
    Some(Poster {
        name: name.to_owned(),
        width: size.width,
        height: size.height,
        quads,
        lists,
        small: None,
        foot: words::poster_foot(),
    })
}

fn class_list(answer: &Answer<Classification>, title: String) -> List {
    let row = |class: &vitrine_protocol::Class| Row {
        label: class.label.to_string(),
        share: words::percent(f64::from(class.probability)),
        bar: class.probability,
    };
    List {
        title,
        time: words::time_with(answer.value.times.total(), answer.flavour),
        rows: answer.value.classes.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitrine_protocol::StageTimes;
    use vitrine_protocol::{
        Class, Flavour, Line, PictureFacts, Point, Reading, ReadingTimes, Size,
    };

    use super::*;

    fn facts() -> PictureFacts {
        let (width, height) = (640, 480);
        PictureFacts {
            size: Size { width, height },
            ..PictureFacts::default()
        }
    }

    fn picture(n_lines: usize) -> Picture {
        let class = Class {
            index: 281,
            label: "tabby cat".into(),
            logit: 9.0,
            probability: 0.8731,
        };
        let line = Line {
            quad: [Point { x: 1.0, y: 2.0 }; 4],
            text: "EXIT".to_owned(),
            confidence: 0.9,
        };
        let times = StageTimes {
            infer: 40.0,
            ..StageTimes::default()
        };
        let classes = Answer {
            value: Classification {
                model: "lite0".to_owned(),
                classes: vec![class],
                picture: facts(),
                times,
            },
            flavour: Flavour::Simd,
        };
        let reading = Answer {
            value: Reading {
                lines: vec![line; n_lines],
                picture: facts(),
                times: ReadingTimes::default(),
            },
            flavour: Flavour::Simd,
        };
        Picture {
            classes: Some(Step::Done(Arc::new(classes))),
            reading: Some(Step::Done(Arc::new(reading))),
            ..Picture::default()
        }
    }

    #[test]
    fn a_poster_holds_what_the_card_says() {
        let poster = poster("cat.jpg", &picture(1), str::to_uppercase).unwrap();
        assert_eq!((poster.width, poster.height), (640, 480));
        assert_eq!(poster.quads, [[[1.0, 2.0]; 4]]);
        let titles: Vec<&str> = poster.lists.iter().map(|list| &*list.title).collect();
        assert_eq!(titles, ["LITE0", "Recognised text"]);
        let row = &poster.lists[0].rows[0];
        assert_eq!((&*row.label, &*row.share), ("tabby cat", "87.3 %"));
        assert!(poster.lists[0].time.contains("40.0 ms"));
    }

    #[test]
    fn many_lines_are_cut_and_counted() {
        let poster = poster("page.png", &picture(20), str::to_owned).unwrap();
        assert_eq!(poster.quads.len(), 20);
        assert_eq!(poster.lists[1].rows.len(), LINES_SHOWN + 1);
        assert!(poster.lists[1].rows[LINES_SHOWN].label.contains('8'));
    }

    #[test]
    fn there_is_no_poster_before_there_is_an_answer() {
        assert_eq!(poster("cat.jpg", &Picture::default(), str::to_owned), None);
    }
}
