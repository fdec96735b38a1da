//! Results as files: plain functions from what is shown to text.

use serde::Serialize;
use vitrine_protocol::{Reading, RowAnalysis};

use crate::state::Table;

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
    serde_json::to_string_pretty(&document).unwrap_or_default()
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
                let labels: Vec<&str> = holding.map(|class| class.label.as_str()).collect();
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
    use vitrine_protocol::{Class, Line, PictureFacts, Point, ReadingTimes, Size, TextAnswer};

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
            label: label.to_owned(),
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
