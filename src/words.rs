//! Figures and sentences as the page writes them.

use vitrine_protocol::Card;

use crate::state::{Activity, Item, Progress};

/// Said when results were removed.
pub(crate) const CLEARED: &str = "Results cleared.";

/// In batches, how many outcomes pass between two announcements.
const OUTCOMES_PER_ANNOUNCEMENT: usize = 10;

/// A share of 1 as `87.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Milliseconds as `1.8 ms`; from 100 on without decimals, which would only be noise.
pub(crate) fn milliseconds(time: f64) -> String {
    if time < 99.95 {
        format!("{time:.1} ms")
    } else {
        format!("{time:.0} ms")
    }
}

/// Bytes as `9.3` of a million.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// How far a download is: `3.1 of 9.3 MB`.
pub(crate) fn received(bytes: u64, total: u64) -> String {
    format!("{} of {} MB", megabytes(bytes.min(total)), megabytes(total))
}

/// What is going on, as a heading. `title` is the model's.
pub(crate) fn activity(activity: Option<Activity>, title: &str) -> String {
    match activity {
        Some(Activity::Downloading { .. }) => format!("Downloading {title}"),
        Some(Activity::StartingEngine) => "Starting the engine".to_owned(),
        Some(Activity::PreparingModel) => format!("Preparing {title}"),
        Some(Activity::Classifying { n_open }) => working(n_open),
        None => String::new(),
    }
}

/// Said when files were added.
pub(crate) fn working(n_open: usize) -> String {
    match n_open {
        1 => "Working on 1 picture.".to_owned(),
        n => format!("Working on {n} pictures."),
    }
}

/// Said when open items were dropped.
pub(crate) fn cancelled(n_dropped: usize) -> String {
    match n_dropped {
        0 => "Cancelled.".to_owned(),
        1 => "Cancelled, 1 picture dropped.".to_owned(),
        n => format!("Cancelled, {n} pictures dropped."),
    }
}

/// Said when an item has its outcome; in a batch only now and then, so that what is said can be
/// followed. A failure is read out by its own alert.
pub(crate) fn outcome(item: &Item, n_open: usize) -> Option<String> {
    if n_open > 0 {
        return n_open
            .is_multiple_of(OUTCOMES_PER_ANNOUNCEMENT)
            .then(|| format!("{n_open} pictures left."));
    }
    match &item.progress {
        Progress::Classified(answer) => {
            let best = answer.classification.classes.first()?;
            let share = percent(f64::from(best.probability));
            Some(format!("{}: {} {share}", item.name, best.label))
        }
        Progress::Failed(_) => Some("Done, with errors.".to_owned()),
        Progress::Waiting | Progress::Working => None,
    }
}

/// A measured figure with all it needs to be believed: `89.0 % top-1 accuracy (95 % interval
/// 86.0–91.5 %) on 500 pictures: ImageNet samples; 2026-11-24`.
pub(crate) fn card(card: &Card) -> String {
    let Card {
        dataset,
        metric,
        value,
        interval: [low, high],
        n,
        date,
        ..
    } = card;
    format!(
        "{} {metric} (95 % interval {:.1}–{}) on {n} pictures: {dataset}; {date}",
        percent(*value),
        100.0 * low,
        percent(*high),
    )
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::{Failure, PictureError, RequestId};

    use super::*;

    #[test]
    fn figures_have_one_decimal_where_it_says_something() {
        assert_eq!(percent(0.8731), "87.3 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(milliseconds(1.84), "1.8 ms");
        assert_eq!(milliseconds(99.96), "100 ms");
        assert_eq!(milliseconds(1234.5), "1234 ms");
    }

    #[test]
    fn a_download_never_shows_more_than_there_is() {
        assert_eq!(received(3_140_000, 9_332_381), "3.1 of 9.3 MB");
        assert_eq!(received(10_000_000, 9_332_381), "9.3 of 9.3 MB");
    }

    #[test]
    fn batches_are_announced_now_and_then() {
        let item = Item {
            id: RequestId(0),
            name: "a.jpg".to_owned(),
            progress: Progress::Failed(Failure::Picture(PictureError::Svg)),
        };
        assert_eq!(outcome(&item, 20).as_deref(), Some("20 pictures left."));
        assert_eq!(outcome(&item, 19), None);
        assert_eq!(outcome(&item, 0).as_deref(), Some("Done, with errors."));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(working(1), "Working on 1 picture.");
        assert_eq!(working(2), "Working on 2 pictures.");
        assert_eq!(cancelled(1), "Cancelled, 1 picture dropped.");
        assert_eq!(cancelled(0), "Cancelled.");
    }

    #[test]
    fn a_figure_says_on_what_how_often_and_when() {
        let measured = Card {
            dataset: "ImageNet samples".to_owned(),
            metric: "top-1 accuracy".to_owned(),
            value: 0.89,
            interval: [0.8595, 0.9145],
            n: 500,
            date: "2026-11-24".to_owned(),
            command: "vitrine evaluate".to_owned(),
        };
        assert_eq!(
            card(&measured),
            "89.0 % top-1 accuracy (95 % interval 86.0–91.5 %) on 500 pictures: ImageNet samples; 2026-11-24"
        );
    }
}
