//! A picture: its classes, and the text in it.

use std::sync::Arc;

use leptos::html::Canvas;
use leptos::prelude::*;
use vitrine_protocol::{Classification, Line, Reading, RequestId, Size};
use wasm_bindgen::{Clamped, JsCast as _};
use wasm_bindgen_futures::spawn_local;
use web_sys::{CanvasRenderingContext2d, ImageData};

use super::Titles;
use super::compare::{compare_buttons, compared, titled};
use super::parts::{Bars, Pending, figures};
use crate::language::say;
use crate::session::picture_address;
use crate::state::{Answer, Event, Picture, Step, Thumbnail, offers, picture_facts};
use crate::view::trouble::Sentences;
use crate::{export, overlay, poster, web, words};

/// A picture's card.
#[component]
pub(super) fn PictureCard(
    id: RequestId,
    name: String,
    picture: Picture,
    titles: Titles,
    is_past: bool,
    report: fn(Event),
) -> impl IntoView {
    let size = size_of(&picture);
    let caption = size.map(|size| format!("{} × {} px", size.width, size.height));
    let shown = view_of(id, &name, &picture, size);
    let file_name = name.clone();
    // A picture that cannot be decoded says so once, with the file's name in the alert.
    let name_is_told = matches!(picture.classes, Some(Step::Failed(_)))
        || matches!(
            (&picture.classes, &picture.reading),
            (None, Some(Step::Failed(_)))
        );
    let buttons = (picture_facts(&picture).is_some())
        .then(|| buttons_of(id, &name, &picture, &titles, is_past, report));
    let mut answers: Vec<AnyView> = Vec::new();
    if let Some(step) = picture.classes {
        let title = match &step {
            Step::Done(answer) if !picture.others.is_empty() => {
                Some(titles.get(&answer.value.model))
            }
            _ => None,
        };
        let classes = classes_of(step, name.clone(), &titles);
        answers.push(match title {
            Some(title) => titled(title, classes),
            None => classes,
        });
    }
    let others = picture.others.into_iter();
    answers.extend(others.map(|other| compared(other, &titles, &name)));
    let classes = match answers.len() {
        0 | 1 => answers.into_any(),
        _ => view! { <div class="answers compared">{answers}</div> }.into_any(),
    };
    let reading = picture.reading.map(|step| reading_of(step, name, report));
    view! {
        {shown}
        <div class="card-body">
            {(!name_is_told)
                .then(|| view! { <h3 class="file-name"><bdi>{file_name}</bdi></h3> })}
            {caption.map(|caption| view! { <p class="caption">{caption}</p> })} {classes} {reading} {buttons}
        </div>
    }
}

/// What can be done with a picture that has an answer.
fn buttons_of(
    id: RequestId,
    name: &str,
    picture: &Picture,
    titles: &Titles,
    is_past: bool,
    report: fn(Event),
) -> AnyView {
    let compare = match is_past {
        // Its file is not here.
        true => Vec::new(),
        false => compare_buttons(id, offers(picture, titles.classifiers()), titles, report),
    };
    let (picture, name, titles) = (picture.clone(), name.to_owned(), titles.clone());
    let save = move |_| poster::save(id, &name, &picture, |model| titles.get(model));
    view! {
        <div class="buttons">
            {compare}
            <button type="button" class="button quiet" on:click=save>
                {say("Save as picture")}
            </button>
        </div>
    }
    .into_any()
}

/// The size of a picture that was decoded.
pub(in crate::view) fn size_of(picture: &Picture) -> Option<Size> {
    picture_facts(picture).map(|facts| facts.size)
}

/// The picture as it is shown: with its text over it where that was read, else small.
fn view_of(id: RequestId, name: &str, picture: &Picture, size: Option<Size>) -> Option<AnyView> {
    let description = description(name, picture);
    if let (Some(Step::Done(answer)), Some(size)) = (&picture.reading, size)
        && !answer.value.lines.is_empty()
        && let Some(address) = picture_address(id)
    {
        let lines = answer.value.lines.clone();
        return Some(view! { <PictureWithText address description lines size /> }.into_any());
    }
    let thumbnail = picture.thumbnail.clone();
    let shown = match (thumbnail.as_deref(), size) {
        (Some(Thumbnail::Pixels { .. }), _) => view! { <Small thumbnail description /> }.into_any(),
        // What is kept of a picture in a batch is too small for a card, and all there is of one whose file is not
        // here.
        (small, Some(size)) => {
            let small = small.and_then(|small| match small {
                Thumbnail::Address(address) => Some(address.clone()),
                Thumbnail::Pixels { .. } => None,
            });
            let address = picture_address(id).or(small)?;
            view! { <Whole address description size /> }.into_any()
        }
        _ => return None,
    };
    Some(view! { <div class="card-picture">{shown}</div> }.into_any())
}

fn description(name: &str, picture: &Picture) -> String {
    let best = match &picture.classes {
        Some(Step::Done(answer)) => answer.value.classes.first(),
        _ => None,
    };
    match best {
        Some(class) => format!("{name}, seen as {}", class.label),
        None => name.to_owned(),
    }
}

fn classes_of(step: Step<Classification>, name: String, titles: &Titles) -> AnyView {
    match step {
        Step::Waiting => view! { <Pending words=say("Waiting") /> }.into_any(),
        Step::Working => view! { <Pending words=say("Looking at it") /> }.into_any(),
        Step::Failed(failure) => view! { <Sentences failure about=name /> }.into_any(),
        Step::Done(answer) => {
            let Answer { value, flavour } = &*answer;
            let title = titles.get(&value.model);
            view! {
                <Bars title classes=value.classes.clone() n_holding=1 />
                {figures(&value.times, *flavour)}
            }
            .into_any()
        }
    }
}

fn reading_of(step: Step<Reading>, name: String, report: fn(Event)) -> AnyView {
    match step {
        Step::Waiting => view! { <Pending words=say("Text: waiting") /> }.into_any(),
        Step::Working => view! { <Pending words=say("Reading the text") /> }.into_any(),
        Step::Failed(failure) => view! { <Sentences failure about=name /> }.into_any(),
        Step::Done(answer) => view! { <RecognisedText answer name report /> }.into_any(),
    }
}

/// The lines of a picture as a list, to copy and to keep.
#[component]
fn RecognisedText(answer: Arc<Answer<Reading>>, name: String, report: fn(Event)) -> impl IntoView {
    let Answer { value, flavour } = &*answer;
    let times = figures(&value.times, *flavour);
    if value.lines.is_empty() {
        return view! {
            <p class="nothing">{words::no_text()}</p>
            {times}
        }
        .into_any();
    }
    let lines: Vec<_> = value.lines.iter().map(line_item).collect();
    let text = words::all_lines(&value.lines);
    let json = export::reading_json(&name, value);
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem)
        .to_owned();
    let (text_name, json_name) = (format!("{stem}.txt"), format!("{stem}.json"));
    let copied = text.clone();
    let copy = move |_| {
        let text = copied.clone();
        spawn_local(async move {
            let is_done = web::copy(&text).await;
            report(Event::Copied { is_done });
        });
    };
    view! {
        <div class="reading">
            <ol class="lines" aria-label=say("Recognised text")>
                {lines}
            </ol>
            <div class="buttons">
                <button type="button" class="button quiet" on:click=copy>
                    {say("Copy text")}
                </button>
                <button
                    type="button"
                    class="button quiet"
                    on:click=move |_| web::save(&text_name, "text/plain;charset=utf-8", &text)
                >
                    {say("Download as text")}
                </button>
                <button
                    type="button"
                    class="button quiet"
                    on:click=move |_| web::save_json(&json_name, &json)
                >
                    {say("Download as JSON")}
                </button>
            </div>
        </div>
        {times}
    }
    .into_any()
}

/// A line; one that was read with little confidence says so.
fn line_item(line: &Line) -> impl IntoView + use<> {
    let is_unsure = line.confidence < words::LOW_CONFIDENCE;
    let title = is_unsure.then(|| words::read_with_confidence(f64::from(line.confidence)));
    view! {
        <li class:unsure=is_unsure title=title dir="auto">
            {line.text.clone()}
        </li>
    }
}

/// The whole picture with each line's outline, and its text to select where it stands.
///
/// The list beside it says the same in words, so this is hidden from assistive technology.
#[component]
fn PictureWithText(
    address: String,
    description: String,
    lines: Vec<Line>,
    size: Size,
) -> impl IntoView {
    let frame = format!("0 0 {} {}", size.width, size.height);
    let shapes: Vec<_> = lines
        .iter()
        .map(|line| {
            let overlay::Placed {
                points,
                transform,
                length,
                height,
            } = overlay::place(&line.quad);
            view! {
                <polygon points=points></polygon>
                <text
                    transform=transform
                    font-size=height.to_string()
                    textLength=length.to_string()
                    lengthAdjust="spacingAndGlyphs"
                >
                    {line.text.clone()}
                </text>
            }
        })
        .collect();
    view! {
        <div class="page-picture">
            <Whole address description size />
            <svg viewBox=frame aria-hidden="true" preserveAspectRatio="none">
                {shapes}
            </svg>
        </div>
    }
}

/// The picture's file, which the browser draws. `address` is of the page and given back with the
/// view.
#[component]
pub(in crate::view) fn Whole(
    address: String,
    #[prop(into)] description: String,
    size: Size,
) -> impl IntoView {
    let revoked = address.clone();
    on_cleanup(move || {
        // Fails for no address that was made here.
        let _ = web_sys::Url::revoke_object_url(&revoked);
    });
    view! {
        <img
            src=address
            alt=description
            loading="lazy"
            width=size.width.to_string()
            height=size.height.to_string()
        />
    }
}

/// The small copy of a picture. Without a description it stands beside words that say the same.
#[component]
pub(in crate::view) fn Small(
    #[prop(into)] thumbnail: Option<Arc<Thumbnail>>,
    #[prop(optional)] description: Option<String>,
) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let size = match thumbnail.as_deref() {
        Some(Thumbnail::Pixels { size, .. }) => *size,
        _ => Size::default(),
    };
    Effect::new(move || {
        if let Some(canvas) = canvas.get()
            && let Some(Thumbnail::Pixels { size, rgba }) = thumbnail.as_deref()
        {
            draw(&canvas, rgba, size.width);
        }
    });
    view! {
        <canvas
            node_ref=canvas
            role=description.as_ref().map(|_| "img")
            aria-hidden=description.is_none().then_some("true")
            aria-label=description
            width=size.width.to_string()
            height=size.height.to_string()
        ></canvas>
    }
}

fn draw(canvas: &web_sys::HtmlCanvasElement, rgba: &[u8], width: u32) {
    let Ok(image) = ImageData::new_with_u8_clamped_array(Clamped(rgba), width) else {
        return;
    };
    let context = canvas.get_context("2d").ok().flatten();
    if let Some(context) =
        context.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
    {
        // Without its picture a card still says everything.
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}
