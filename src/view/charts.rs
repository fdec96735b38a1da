//! Charts: small drawings with a sentence and a table that say the same.
//!
//! What is drawn is worked out by plain functions; one component shows it.

use leptos::prelude::*;
use vitrine_stats::{Histogram, Summary};

use super::markup::{element, escaped, table};
use crate::words;

/// Width of every drawing, in its own units; it is scaled to the room there is.
const WIDTH: f64 = 360.0;
/// Room at both sides, so that labels at the ends stay inside.
const MARGIN: f64 = 14.0;
/// Height of one line of labels.
const LINE: f64 = 15.0;
/// Height of a histogram's bars.
const BARS: f64 = 84.0;
/// Height of one row of percentiles: its labels and its ruler.
const ROW: f64 = 38.0;
/// Half the height of a mark.
const MARK: f64 = 5.0;
const MAX_BINS: usize = 24;
const TICKS: usize = 5;

/// A drawing with its words and its figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chart {
    /// What the drawing is called.
    pub(super) title: String,
    /// What it shows, as a sentence.
    pub(super) caption: String,
    height: f64,
    /// Lines and areas: their class and their path.
    shapes: Vec<(&'static str, String)>,
    labels: Vec<Label>,
    /// Headings of the table's columns.
    head: Vec<String>,
    /// The table's rows; the first cell names the row.
    rows: Vec<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Label {
    x: f64,
    y: f64,
    /// `start`, `middle` or `end`: which part of it stands at `x`.
    anchor: &'static str,
    text: String,
}

/// A drawing with its sentence, and its figures as a table when asked for.
#[component]
pub(super) fn ChartFigure(chart: Memo<Chart>) -> AnyView {
    let caption = move || chart.with(|chart| chart.caption.clone());
    let view_box = move || format!("0 0 {WIDTH} {}", chart.with(|chart| chart.height));
    let drawing = move || chart.with(Chart::drawing);
    let figures = move || chart.with(|chart| table(&chart.title, &chart.head, &chart.rows));
    view! {
        <figure class="chart">
            <figcaption>{caption}</figcaption>
            <svg role="img" viewBox=view_box inner_html=drawing></svg>
            <details>
                <summary>{words::show_as_table()}</summary>
                <div inner_html=figures></div>
            </details>
        </figure>
    }
    .into_any()
}

impl Chart {
    /// What stands inside `<svg>`: name, description, shapes and labels.
    fn drawing(&self) -> String {
        let mut markup = element("title", &self.title) + &element("desc", &self.caption);
        for (class, path) in &self.shapes {
            markup += &format!("<path class=\"{class}\" d=\"{path}\"/>");
        }
        for Label { x, y, anchor, text } in &self.labels {
            let text = escaped(text);
            markup +=
                &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
        }
        markup
    }
}

/// How often which time came, with P50, P95 and P99 marked. `title` names it.
pub(super) fn histogram_chart(title: String, times: &[f64]) -> Chart {
    let (Some(bins), Some(summary)) = (Histogram::of(times, MAX_BINS), Summary::of(times)) else {
        return Chart::default();
    };
    let n_bins = bins.counts.len();
    let scale = Scale {
        from: bins.start,
        to: bins.border(n_bins),
    };
    let floor = 3.0 * LINE + 4.0 + BARS;
    let most = bins.counts.iter().copied().max().unwrap_or(1) as f64;
    let mut bars = String::new();
    let mut rows = Vec::new();
    for (at, count) in bins.counts.iter().enumerate() {
        let (from, to) = (bins.border(at), bins.border(at + 1));
        rows.push(vec![words::time_range(from, to), count.to_string()]);
        if *count > 0 {
            let (left, right) = (scale.x(from) + 0.5, scale.x(to) - 0.5);
            let height = (*count as f64 / most * BARS).max(1.0);
            let up = floor - height;
            bars += &format!("M{left:.1} {floor:.1}V{up:.1}H{right:.1}V{floor:.1}Z");
        }
    }
    let mut shapes = vec![("bars", bars)];
    let mut labels = Vec::new();
    let marks = [
        ("at p50", "P50", summary.p50),
        ("at p95", "P95", summary.p95),
        ("at p99", "P99", summary.p99),
    ];
    for (at, (class, name, value)) in marks.into_iter().enumerate() {
        let (x, y) = (scale.x(value), (at + 1) as f64 * LINE - 3.0);
        shapes.push((class, format!("M{x:.1} {:.1}V{floor:.1}", y - 9.0)));
        let is_right = x > WIDTH * 0.6;
        labels.push(Label {
            x: if is_right { x - 4.0 } else { x + 4.0 },
            y,
            anchor: if is_right { "end" } else { "start" },
            text: format!("{name} {}", words::fine_time(value)),
        });
    }
    scale.draw_axis(floor, &mut shapes, &mut labels);
    Chart {
        caption: words::histogram(&summary),
        title,
        height: floor + LINE + 6.0,
        shapes,
        labels,
        head: words::histogram_columns(),
        rows,
    }
}

/// P50, P95 and P99 of several stages over one scale. `title` names it.
pub(super) fn percentiles_chart(title: String, stages: &[(String, Summary)]) -> Chart {
    let ends = stages.iter().map(|(_, summary)| summary.p99);
    let scale = Scale {
        from: 0.0,
        to: ends.fold(0.0, f64::max).max(1e-3),
    };
    let (mut lines, mut circles, mut diamonds, mut triangles) = Default::default();
    let mut labels = Vec::new();
    for (at, (name, summary)) in stages.iter().enumerate() {
        let top = at as f64 * ROW;
        let y = top + LINE + 11.0;
        let text = |x, anchor, text| Label {
            x,
            y: top + LINE,
            anchor,
            text,
        };
        labels.push(text(MARGIN, "start", name.clone()));
        labels.push(text(WIDTH - MARGIN, "end", words::fine_time(summary.p50)));
        let [min, p50, p95, p99] =
            [summary.min, summary.p50, summary.p95, summary.p99].map(|time| scale.x(time));
        add(&mut lines, format!("M{min:.1} {y:.1}H{p99:.1}"));
        let left = p50 - MARK;
        let d = 2.0 * MARK;
        add(
            &mut circles,
            format!("M{left:.1} {y:.1}a{MARK} {MARK} 0 1 0 {d} 0a{MARK} {MARK} 0 1 0-{d} 0Z"),
        );
        let above = y - MARK;
        add(
            &mut diamonds,
            format!("M{p95:.1} {above:.1}l{MARK} {MARK}-{MARK} {MARK}-{MARK}-{MARK}Z"),
        );
        add(
            &mut triangles,
            format!("M{p99:.1} {above:.1}l{MARK} {d}h-{d}Z"),
        );
    }
    let mut shapes: Vec<(&'static str, String)> = vec![
        ("ruler", lines),
        ("dot p99", triangles),
        ("dot p95", diamonds),
        ("dot p50", circles),
    ];
    let floor = stages.len() as f64 * ROW + 4.0;
    scale.draw_axis(floor, &mut shapes, &mut labels);
    Chart {
        title,
        caption: words::percentiles(),
        height: floor + LINE + 6.0,
        shapes,
        labels,
        head: words::percentile_columns(),
        rows: stages
            .iter()
            .map(|(name, summary)| percentile_cells(name, summary))
            .collect(),
    }
}

/// A row of figures under [`words::percentile_columns`].
fn percentile_cells(name: &str, summary: &Summary) -> Vec<String> {
    let Summary {
        n,
        min,
        p50,
        p95,
        p99,
        max,
        ..
    } = *summary;
    let times = [min, p50, p95, p99, max].map(words::fine_time);
    let mut cells = vec![name.to_owned(), n.to_string()];
    cells.extend(times);
    cells
}

fn add(path: &mut String, more: String) {
    path.push_str(&more);
}

/// Where values stand from left to right.
#[derive(Clone, Copy, Debug)]
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn x(self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        MARGIN + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }

    fn draw_axis(self, y: f64, shapes: &mut Vec<(&'static str, String)>, labels: &mut Vec<Label>) {
        let mut path = format!("M{MARGIN} {y:.1}H{}", WIDTH - MARGIN);
        let ticks = ticks(self.from, self.to, TICKS);
        let last = ticks.len().saturating_sub(1);
        for (at, value) in ticks.into_iter().enumerate() {
            let x = self.x(value);
            path += &format!("M{x:.1} {y:.1}v4");
            let text = match at == last {
                true => format!("{} ms", words::tick(value)),
                false => words::tick(value),
            };
            labels.push(Label {
                x,
                y: y + LINE,
                anchor: if x > WIDTH - 2.0 * MARGIN {
                    "end"
                } else {
                    "middle"
                },
                text,
            });
        }
        shapes.push(("axis", path));
    }
}

/// At most `n` + 1 round values from `from` to `to`, rising, in equal steps.
fn ticks(from: f64, to: f64, n: usize) -> Vec<f64> {
    // Two values far apart have the borders that a histogram of them has.
    let Some(bins) = Histogram::of(&[from, to], n.max(2)) else {
        return Vec::new();
    };
    let room = bins.width * 1e-6;
    (0..=bins.counts.len())
        .map(|at| bins.border(at))
        .filter(|value| (from - room..=to + room).contains(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ticks(from: f64, to: f64, expected: &[f64]) {
        let met = ticks(from, to, TICKS);
        assert_eq!(met.len(), expected.len(), "{met:?}");
        for (met, expected) in met.iter().zip(expected) {
            assert!((met - expected).abs() < 1e-9, "{met} instead of {expected}");
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        check_ticks(0.0, 70.3, &[0.0, 20.0, 40.0, 60.0]);
        check_ticks(60.0, 80.0, &[60.0, 65.0, 70.0, 75.0, 80.0]);
        check_ticks(0.0, 0.07, &[0.0, 0.02, 0.04, 0.06]);
        check_ticks(0.0, f64::NAN, &[]);
    }

    #[test]
    fn a_histogram_draws_a_bar_per_bin_and_lists_every_bin() {
        let times: Vec<f64> = (0..=100).map(|at| 60.0 + f64::from(at) / 10.0).collect();
        let chart = histogram_chart("Times".to_owned(), &times);
        let n_bars = chart.shapes[0].1.matches('M').count();
        assert_eq!(n_bars, chart.rows.len(), "no bin of these is empty");
        let counted: usize = chart
            .rows
            .iter()
            .map(|row| row[1].parse::<usize>().unwrap())
            .sum();
        assert_eq!(counted, times.len());
        assert_eq!(chart.rows[0][0], "60–60.5 ms");
        let marks: Vec<&str> = chart.labels[..3]
            .iter()
            .map(|label| label.text.as_str())
            .collect();
        assert_eq!(marks, ["P50 65.0 ms", "P95 69.5 ms", "P99 69.9 ms"]);
    }

    #[test]
    fn marks_stand_where_their_times_are() {
        let scale = Scale {
            from: 0.0,
            to: 100.0,
        };
        assert_eq!(scale.x(0.0), MARGIN);
        assert_eq!(scale.x(50.0), WIDTH / 2.0);
        assert_eq!(scale.x(250.0), WIDTH - MARGIN, "nothing leaves the drawing");
    }

    #[test]
    fn percentiles_have_a_row_per_stage() {
        let summary = Summary::of(&[10.0, 20.0, 30.0]).unwrap();
        let chart = percentiles_chart(
            "Stages".to_owned(),
            &[
                ("Decode".to_owned(), summary),
                ("Infer".to_owned(), summary),
            ],
        );
        assert_eq!(chart.rows.len(), 2);
        assert_eq!(
            chart.rows[1],
            [
                "Infer", "3", "10.0 ms", "20.0 ms", "29.0 ms", "29.8 ms", "30.0 ms"
            ]
        );
        // One ruler, circle, diamond and triangle per stage.
        for (class, path) in &chart.shapes[..4] {
            assert_eq!(path.matches('M').count(), 2, "{class}");
        }
    }

    #[test]
    fn a_drawing_is_named_and_its_words_are_only_words() {
        let chart = histogram_chart("<b>".to_owned(), &[1.0, 2.0]);
        let drawing = chart.drawing();
        assert!(
            drawing.starts_with("<title>&lt;b&gt;</title><desc>"),
            "{drawing}"
        );
        assert_eq!(drawing.matches("<path").count(), chart.shapes.len());
        assert_eq!(drawing.matches("<text").count(), chart.labels.len());
    }

    #[test]
    fn nothing_measured_draws_nothing() {
        assert_eq!(histogram_chart(String::new(), &[]), Chart::default());
    }
}
