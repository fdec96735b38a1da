//! One item: its picture, its classes, its times.

use std::sync::Arc;

use leptos::html::Canvas;
use leptos::prelude::*;
use vitrine_protocol::Class;
use wasm_bindgen::{Clamped, JsCast as _};
use web_sys::{CanvasRenderingContext2d, ImageData};

use super::trouble::Sentences;
use crate::state::{Answer, Item, Progress, Thumbnail};
use crate::words;

/// A card named after its file. `title` is the model's.
#[component]
pub(super) fn ResultCard(item: Item, title: String) -> impl IntoView {
    let Item { name, progress, .. } = item;
    let content = match progress {
        Progress::Waiting => view! { <Pending name=name.clone() words="Waiting" /> }.into_any(),
        Progress::Working => {
            view! { <Pending name=name.clone() words="Looking at it" /> }.into_any()
        }
        Progress::Classified(answer) => {
            view! { <Classes name=name.clone() answer title /> }.into_any()
        }
        Progress::Failed(failure) => view! { <Sentences failure about=name.clone() /> }.into_any(),
    };
    view! { <article class="card glass" aria-label=name>{content}</article> }
}

#[component]
fn Pending(name: String, words: &'static str) -> impl IntoView {
    view! {
        <h3 class="file-name"><bdi>{name}</bdi></h3>
        <p class="pending">{words}</p>
    }
}

#[component]
fn Classes(name: String, answer: Arc<Answer>, title: String) -> impl IntoView {
    let classification = &answer.classification;
    let size = classification.size;
    let bars: Vec<_> = classification
        .classes
        .iter()
        .map(|class| view! { <Bar class=class.clone() /> })
        .collect();
    let times: Vec<_> = classification
        .times
        .stages()
        .into_iter()
        .map(|(stage, time)| view! { <Figure name=stage value=words::milliseconds(time) /> })
        .collect();
    let caption = format!("{} × {} px", size.width, size.height);
    let total = words::milliseconds(classification.times.total());
    let flavour = answer.flavour.title();
    let best = classification
        .classes
        .first()
        .map(|class| class.label.clone())
        .unwrap_or_default();
    let description = format!("{name}, seen as {best}");
    view! {
        <div class="card-picture">
            <Picture answer=answer.clone() description />
        </div>
        <div class="card-body">
            <h3 class="file-name"><bdi>{name}</bdi></h3>
            <p class="caption">{caption}</p>
            <ol class="classes" aria-label=title>{bars}</ol>
            <dl class="figures">
                {times}
                <Figure name="Total" value=total />
                <Figure name="Engine" value=flavour.to_owned() />
            </dl>
        </div>
    }
}

#[component]
fn Bar(class: Class) -> impl IntoView {
    let share = f64::from(class.probability);
    view! {
        <li style:--share=share.to_string()>
            <span class="class-name">{class.label}</span>
            " "
            <span class="class-share">{words::percent(share)}</span>
        </li>
    }
}

#[component]
fn Figure(name: &'static str, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}

#[component]
fn Picture(answer: Arc<Answer>, description: String) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let size = answer.thumbnail.size;
    Effect::new(move || {
        if let Some(canvas) = canvas.get() {
            draw(&canvas, &answer.thumbnail);
        }
    });
    view! {
        <canvas
            node_ref=canvas
            role="img"
            aria-label=description
            width=size.width.to_string()
            height=size.height.to_string()
        ></canvas>
    }
}

fn draw(canvas: &web_sys::HtmlCanvasElement, thumbnail: &Thumbnail) {
    let pixels = Clamped(thumbnail.rgba.as_slice());
    let Ok(image) = ImageData::new_with_u8_clamped_array(pixels, thumbnail.size.width) else {
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
