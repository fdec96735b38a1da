//! Results as files: plain functions from what is shown to text.

use std::collections::BTreeSet;

use serde::Serialize;
use vitrine_protocol::{Class, Explanation, Reading, RowAnalysis};

use crate::language::explain;
use crate::state::{Content, Item, Step, Table};
use crate::words;

/// A reading as JSON: the picture's size, and per line its text, confidence and corners in pixels.
pub(crate) fn reading_json(name: &str, reading: &Reading) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        file: &'a str,
        width: u32,
        height: u32,
        lines: Vec<LineOut<'a>>,
    }

    #[derive(Serialize)]
    struct LineOut<'a> {
        text: &'a str,
        confidence: f32,
        quad: [[f32; 2]; 4],
    }

    let lines = reading.lines.iter().map(|line| LineOut {
        text: &line.text,
        confidence: line.confidence,
        quad: line.quad.map(|point| [point.x, point.y]),
    });
    let document = Document {
        file: name,
        width: reading.picture.size.width,
        height: reading.picture.size.height,
        lines: lines.collect(),
    };
    // Numbers, texts and lists: nothing in it can fail to be written.
    serde_json::to_string(&document).unwrap_or_default()
}

/// Analysed rows as CSV: number, beginning of the text, and per classifier what held and how sure
/// its best class is.
pub(crate) fn table_csv(table: &Table) -> String {
    let models: Vec<&str> = table
        .rows
        .iter()
        .find(|row| !row.answers.is_empty())
        .map(|row| row.answers.iter().map(|answer| answer.model.as_str()))
        .into_iter()
        .flatten()
        .collect();
    let mut csv = vec!["row".to_owned(), "text".to_owned()];
    for model in &models {
        csv.push((*model).to_owned());
        csv.push(format!("{model} probability"));
    }
    let mut text = line(&csv);
    for row in &table.rows {
        text += &line(&cells(row, &models));
    }
    text
}

fn cells(row: &RowAnalysis, models: &[&str]) -> Vec<String> {
    let mut cells = vec![(row.row + 1).to_string(), row.excerpt.clone()];
    for model in models {
        let answer = row.answers.iter().find(|answer| answer.model == *model);
        let (labels, best) = match answer {
            Some(answer) => {
                let holding = answer.classes.iter().take(answer.n_holding);
                let labels: Vec<&str> = holding.map(|class| &*class.label).collect();
                let best = answer.classes.first();
                let best = best.map(|class| format!("{:.4}", class.probability));
                (labels.join("; "), best.unwrap_or_default())
            }
            None => Default::default(),
        };
        cells.push(labels);
        cells.push(best);
    }
    cells
}

/// A row of a batch as its exports have it.
#[derive(Serialize)]
struct FileOut<'a> {
    file: &'a str,
    /// `done`, `failed` or `waiting`.
    outcome: &'static str,
    /// Per model its classes, best first.
    answers: Vec<AnswerOut<'a>>,
    /// The text that was read in a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorOut>,
    /// What its answers took.
    milliseconds: f64,
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    model: &'a str,
    classes: Vec<ClassOut<'a>>,
}

#[derive(Serialize)]
struct ClassOut<'a> {
    label: &'a str,
    probability: f32,
}

#[derive(Serialize)]
struct ErrorOut {
    what: String,
    why: String,
    next: String,
}

fn file_out(item: &Item) -> FileOut<'_> {
    let (mut answers, mut text) = (Vec::new(), None);
    match &item.content {
        Content::Picture(picture) => {
            if let Some(Step::Done(classes)) = &picture.classes {
                answers.push(answer_out(&classes.value.model, &classes.value.classes));
            }
            for other in &picture.others {
                if let Step::Done(classes) = &other.step {
                    answers.push(answer_out(&classes.value.model, &classes.value.classes));
                }
            }
            if let Some(Step::Done(reading)) = &picture.reading {
                text = Some(words::all_lines(&reading.value.lines));
            }
        }
        Content::Text(of) => {
            if let Step::Done(analysis) = &of.step {
                let given = analysis.value.answers.iter();
                answers.extend(given.map(|given| answer_out(&given.model, &given.classes)));
            }
        }
        Content::Table(_) => {}
    }
    let error = item.failure().map(|failure| {
        let Explanation { what, why, next } = explain(failure);
        ErrorOut { what, why, next }
    });
    FileOut {
        file: &item.name,
        outcome: match (&error, item.is_open()) {
            (Some(_), _) => "failed",
            (None, true) => "waiting",
            (None, false) => "done",
        },
        answers,
        text,
        error,
        milliseconds: (10.0 * item.time()).round() / 10.0,
    }
}

fn answer_out<'a>(model: &'a str, classes: &'a [Class]) -> AnswerOut<'a> {
    AnswerOut {
        model,
        classes: classes.iter().map(class_out).collect(),
    }
}

fn class_out(class: &Class) -> ClassOut<'_> {
    ClassOut {
        label: &class.label,
        probability: class.probability,
    }
}

/// The rows of a batch as JSON: per file its outcome, classes, text, error and time.
pub(crate) fn batch_json<'a>(rows: impl Iterator<Item = &'a Item>) -> String {
    let files: Vec<FileOut> = rows.map(file_out).collect();
    // Numbers, texts and lists: nothing in it can fail to be written.
    serde_json::to_string(&files).unwrap_or_default()
}

/// The rows of a batch as CSV: per file its outcome, the best class of each model and how sure that
/// is, the text that was read, the error and the time.
pub(crate) fn batch_csv<'a>(rows: impl Iterator<Item = &'a Item>) -> String {
    let files: Vec<FileOut> = rows.map(file_out).collect();
    let answers = files.iter().flat_map(|file| &file.answers);
    let models: BTreeSet<&str> = answers.map(|answer| answer.model).collect();
    let mut head: Vec<String> = ["file", "outcome"].map(str::to_owned).into();
    for model in &models {
        head.push((*model).to_owned());
        head.push(format!("{model} probability"));
    }
    head.extend(["text", "error", "reason", "milliseconds"].map(str::to_owned));
    let mut csv = line(&head);
    for file in files {
        let mut cells = vec![file.file.to_owned(), file.outcome.to_owned()];
        for model in &models {
            let answer = file.answers.iter().find(|answer| answer.model == *model);
            let best = answer.and_then(|answer| answer.classes.first());
            cells.push(best.map_or_else(String::new, |class| class.label.to_owned()));
            cells.push(best.map_or_else(String::new, |class| format!("{:.4}", class.probability)));
        }
        cells.push(file.text.unwrap_or_default());
        let (what, why) = file
            .error
            .map_or_else(Default::default, |error| (error.what, error.why));
        cells.extend([what, why, format!("{:.1}", file.milliseconds)]);
        csv += &line(&cells);
    }
    csv
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\r\n"
}

/// A cell by RFC 4180. What a spreadsheet would run as a formula gets an apostrophe in front, as
/// OWASP advises against CSV injection.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitrine_protocol::{
        Classification, Flavour, Line, PictureError, PictureFacts, Point, ReadingTimes, RequestId,
        Size, StageTimes, TextAnswer,
    };

    use crate::state::{Answer, Picture};

    use super::*;

    #[track_caller]
    fn check_cell(cell: &str, expected: &str) {
        assert_eq!(quoted(cell), expected);
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        check_cell("plain", "plain");
        check_cell("a, b", "\"a, b\"");
        check_cell("say \"hi\"", "\"say \"\"hi\"\"\"");
        check_cell("two\nlines", "\"two\nlines\"");
    }

    #[test]
    fn nothing_is_a_formula() {
        check_cell("=1+1", "'=1+1");
        check_cell("@SUM(A1)", "'@SUM(A1)");
        check_cell("-2,5", "\"'-2,5\"");
    }

    #[test]
    fn rows_list_what_held() {
        let class = |label: &str, probability| Class {
            index: 0,
            label: label.into(),
            logit: 0.0,
            probability,
        };
        let mut table = Table::new();
        table.rows = vec![
            RowAnalysis {
                row: 0,
                excerpt: "thanks".to_owned(),
                answers: vec![TextAnswer {
                    model: "emotion".to_owned(),
                    classes: vec![class("gratitude", 0.9), class("joy", 0.5)],
                    n_holding: 2,
                }],
            },
            RowAnalysis {
                row: 1,
                excerpt: String::new(),
                answers: Vec::new(),
            },
        ];
        assert_eq!(
            table_csv(&table),
            "row,text,emotion,emotion probability\r\n1,thanks,\"gratitude; joy\",0.9000\r\n2,,,\r\n"
        );
    }

    fn batch() -> [Item; 3] {
        let item = |id, name: &str, classes| Item {
            id: RequestId(id),
            name: name.to_owned(),
            content: Content::Picture(Picture {
                classes: Some(classes),
                ..Picture::default()
            }),
        };
        let cat = Classification {
            model: "net".to_owned(),
            classes: vec![Class {
                index: 281,
                label: "tabby, tabby cat".into(),
                logit: 9.0,
                probability: 0.5,
            }],
            picture: PictureFacts::default(),
            times: StageTimes {
                infer: 12.34,
                ..StageTimes::default()
            },
        };
        let answer = Answer {
            value: cat,
            flavour: Flavour::Simd,
        };
        [
            item(0, "=cat.jpg", Step::Done(Arc::new(answer))),
            item(1, "drawing.svg", Step::Failed(PictureError::Svg.into())),
            item(2, "c.jpg", Step::Waiting),
        ]
    }

    #[test]
    fn a_batch_as_csv_has_a_line_per_file_and_no_formulas() {
        let csv = batch_csv(batch().iter());
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0],
            "file,outcome,net,net probability,text,error,reason,milliseconds"
        );
        assert_eq!(
            lines[1],
            "'=cat.jpg,done,\"tabby, tabby cat\",0.5000,,,,12.3"
        );
        assert!(lines[2].starts_with("drawing.svg,failed,,,,SVG drawings cannot be classified.,"));
        assert_eq!(lines[3], "c.jpg,waiting,,,,,,0.0");
    }

    #[test]
    fn a_batch_as_json_has_every_class_and_error() {
        let json: serde_json::Value = serde_json::from_str(&batch_json(batch().iter())).unwrap();
        assert_eq!(json[0]["file"], "=cat.jpg");
        assert_eq!(
            json[0]["answers"][0]["classes"][0]["label"],
            "tabby, tabby cat"
        );
        assert_eq!(json[0].get("error"), None);
        assert_eq!(json[1]["outcome"], "failed");
        assert_eq!(
            json[1]["error"]["what"],
            "SVG drawings cannot be classified."
        );
        assert_eq!(json[2]["answers"], serde_json::json!([]));
    }

    #[test]
    fn a_reading_is_written_with_its_corners() {
        let reading = Reading {
            lines: vec![Line {
                quad: [Point { x: 1.0, y: 2.0 }; 4],
                text: "Hello".to_owned(),
                confidence: 0.5,
            }],
            picture: PictureFacts {
                size: Size {
                    width: 10,
                    height: 20,
                },
                thumbnail: Size::default(),
            },
            times: ReadingTimes::default(),
        };
        let json: serde_json::Value =
            serde_json::from_str(&reading_json("page.png", &reading)).unwrap();
        assert_eq!(json["file"], "page.png");
        assert_eq!(json["width"], 10);
        assert_eq!(json["lines"][0]["text"], "Hello");
        assert_eq!(json["lines"][0]["quad"][3][1], 2.0);
    }
}
