//! What is said of a file.

use vitrine_onnx::GateLimits;
use vitrine_protocol::Failure;
use vitrine_tasks::{picture, text};

use crate::{Case, Kind, Stage};

/// The answer to a file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// It is read, and this is what is in it.
    Read {
        /// A line for people.
        facts: String,
    },
    /// It is refused, in English words.
    Refused {
        /// What happened.
        what: String,
        /// Why.
        why: String,
        /// What to do.
        next: String,
    },
    /// It passes the gate, and the engine has to answer.
    LeftToEngine,
}

/// Gives a file to the functions that the worker calls, in the worker's order: the number of bytes
/// is asked before any is read. What is read is told in a line for people.
///
/// # Errors
/// The [`Failure`] that the worker would send to the page.
pub fn read(case: &Case) -> Result<String, Failure> {
    match case.kind {
        Kind::Model => of_model(case),
        Kind::Picture => of_picture(case),
        Kind::Text => of_text(case),
        Kind::Table => of_table(case),
    }
}

/// What is said of a file, in English; see [`read`].
pub fn answer(case: &Case) -> Answer {
    match (read(case), case.stage) {
        (Ok(_), Stage::Engine) => Answer::LeftToEngine,
        (Ok(facts), Stage::Door) => Answer::Read { facts },
        (Err(failure), _) => {
            let words = failure.explain();
            Answer::Refused {
                what: words.what,
                why: words.why,
                next: words.next,
            }
        }
    }
}

fn of_model(case: &Case) -> Result<String, Failure> {
    let limits = GateLimits::default();
    limits.check_bytes(case.content.n_bytes())?;
    let met = vitrine_onnx::check(&case.content.bytes(), &limits)?;
    Ok(format!(
        "{} nodes, {} tensors of {} numbers in {} bytes, {} NaN, {} infinite, depth {}, largest value {} bytes",
        met.n_nodes,
        met.n_tensors,
        met.n_values,
        met.weight_bytes,
        met.n_nan,
        met.n_infinite,
        met.depth,
        met.largest_value_bytes,
    ))
}

fn of_picture(case: &Case) -> Result<String, Failure> {
    let limits = picture::Limits::default();
    limits.check_bytes(case.content.n_bytes())?;
    let pixels = picture::decode(&case.content.bytes(), &limits)?;
    // The worker makes a thumbnail of every picture, odd sizes included.
    let small = picture::thumbnail(&pixels);
    let (width, height) = pixels.dimensions();
    let colour = |x: u32, y: u32| {
        let [red, green, blue] = pixels.get_pixel(x, y).0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    };
    let (right, bottom) = (width - 1, height - 1);
    Ok(format!(
        "{width} × {height} pixels, corners {} {} {} {}, thumbnail {} × {}",
        colour(0, 0),
        colour(right, 0),
        colour(0, bottom),
        colour(right, bottom),
        small.size.width,
        small.size.height,
    ))
}

fn of_text(case: &Case) -> Result<String, Failure> {
    text::Limits::default().check_text_bytes(case.content.n_bytes())?;
    let decoded = text::decode(case.content.bytes())?;
    Ok(format!(
        "{} characters, {} bytes replaced, begins {:?}",
        decoded.text.chars().count(),
        decoded.n_replaced,
        text::excerpt(&decoded.text),
    ))
}

fn of_table(case: &Case) -> Result<String, Failure> {
    let limits = text::Limits::default();
    limits.check_table_bytes(case.content.n_bytes())?;
    let table = text::Table::open(case.content.bytes(), &limits)?;
    let facts = table.facts();
    let column = facts.likely_column;
    let texts = table.texts(column, 0, usize::MAX)?;
    let n_characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let names: Vec<String> = facts
        .columns
        .iter()
        .take(4)
        .map(|name| text::excerpt(name))
        .collect();
    Ok(format!(
        "{} columns {names:?}, {} rows, {} bytes replaced, {n_characters} characters in column {}",
        facts.columns.len(),
        facts.n_rows,
        facts.n_replaced,
        column + 1,
    ))
}
