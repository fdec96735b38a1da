//! The order in which a person reads the lines of a page.

use vitrine_protocol::Point;

/// A gap between columns is at least this many line heights wide.
const COLUMN_GAP: f32 = 1.0;

/// Text in columns has lines at least this many times as long as they are high; a column of
/// figures beside a list has not, and is read row by row.
const COLUMN_LINE: f32 = 6.0;

/// Lines whose middles are no further apart than this share of their height stand in one row.
const SAME_ROW: f32 = 0.5;

/// A line's place on the page when the page's own slant is taken out.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: usize,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Place {
    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn middle(&self) -> f32 {
        (self.top + self.bottom) / 2.0
    }
}

/// Indices of lines in reading order, given by their corners, clockwise from the top left.
///
/// Pages are cut recursively: at a vertical gap that runs through, its left side is read before
/// its right one; a heading over columns is read first, then each column (after G. Nagy and
/// S. Seth, "Hierarchical representation of optically scanned documents", 1984, with columns
/// before rows). Within a column lines go from top to bottom, and in one row from left to right.
pub fn reading_order(quads: &[[Point; 4]]) -> Vec<usize> {
    let (sin, cos) = slant(quads).sin_cos();
    let places: Vec<Place> = quads
        .iter()
        .enumerate()
        .map(|(index, quad)| {
            let across = quad.map(|point| point.x * cos + point.y * sin);
            let down = quad.map(|point| point.y * cos - point.x * sin);
            let least = |values: &[f32; 4]| values.iter().copied().fold(f32::INFINITY, f32::min);
            let most = |values: &[f32; 4]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            Place {
                index,
                left: least(&across),
                right: most(&across),
                top: least(&down),
                bottom: most(&down),
            }
        })
        .collect();
    let mut order = Vec::with_capacity(places.len());
    read(places, &mut order);
    order
}

/// The page's slant in radians: the median over its lines, modulo half a turn.
fn slant(quads: &[[Point; 4]]) -> f32 {
    let mut angles: Vec<f32> = quads
        .iter()
        .map(|quad| {
            let (dx, dy) = (quad[1].x - quad[0].x, quad[1].y - quad[0].y);
            // A line upside down slants as one upright does.
            let sign = if dx < 0.0 { -1.0 } else { 1.0 };
            (sign * dy).atan2(sign * dx)
        })
        // Lines that run up or down say nothing of the page's slant.
        .filter(|angle| angle.abs() < std::f32::consts::FRAC_PI_4)
        .collect();
    angles.sort_unstable_by(f32::total_cmp);
    angles.get(angles.len() / 2).copied().unwrap_or(0.0)
}

fn read(mut places: Vec<Place>, order: &mut Vec<usize>) {
    if let Some((left, right)) = columns(&places) {
        read(left, order);
        read(right, order);
        return;
    }
    places.sort_unstable_by(|a, b| a.middle().total_cmp(&b.middle()));
    match columns_below(&places) {
        Some((first, last)) => {
            let below = places.split_off(last);
            let middle = places.split_off(first);
            rows(places, order);
            read(middle, order);
            read(below, order);
        }
        None => rows(places, order),
    }
}

/// Cuts at the widest vertical gap that runs through, if it parts columns of text.
fn columns(places: &[Place]) -> Option<(Vec<Place>, Vec<Place>)> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable_by(|a, b| a.left.total_cmp(&b.left));
    let gap_from = median(sorted.iter().map(Place::height))? * COLUMN_GAP;
    let mut reach = sorted.first()?.right;
    let mut widest: Option<(f32, usize)> = None;
    for (at, place) in sorted.iter().enumerate().skip(1) {
        let gap = place.left - reach;
        if gap >= gap_from && widest.is_none_or(|(width, _)| gap > width) {
            widest = Some((gap, at));
        }
        reach = reach.max(place.right);
    }
    let right = sorted.split_off(widest?.1);
    (is_text(&sorted) && is_text(&right)).then_some((sorted, right))
}

/// Whether lines look like a column of running text.
fn is_text(places: &[Place]) -> bool {
    let ratios = places
        .iter()
        .map(|place| (place.right - place.left) / place.height().max(1.0));
    places.len() >= 2 && median(ratios).is_some_and(|ratio| ratio >= COLUMN_LINE)
}

/// The longest stretch of lines, sorted from top to bottom, that stands in columns while the whole
/// does not: index of its first line and of the one behind its last.
fn columns_below(places: &[Place]) -> Option<(usize, usize)> {
    // A stretch begins and ends where a row does; a heading or a footer is a few rows.
    const MOST_ROWS: usize = 12;
    let starts = row_starts(places);
    let mut best: Option<(usize, usize)> = None;
    for first in starts.iter().take(MOST_ROWS) {
        let ends = starts.iter().copied().chain([places.len()]);
        for last in ends.rev().take(MOST_ROWS) {
            let is_longer = best.is_none_or(|(a, b)| last.saturating_sub(*first) > b - a);
            let is_whole = *first == 0 && last == places.len();
            if last > *first && is_longer && !is_whole && columns(&places[*first..last]).is_some() {
                best = Some((*first, last));
            }
        }
    }
    best
}

/// Indices at which a new row begins, in lines sorted from top to bottom.
fn row_starts(places: &[Place]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut row: Option<Place> = None;
    for (at, place) in places.iter().enumerate() {
        let is_same = row.is_some_and(|first| in_one_row(&first, place));
        if !is_same {
            starts.push(at);
            row = Some(*place);
        }
    }
    starts
}

fn in_one_row(a: &Place, b: &Place) -> bool {
    let height = a.height().min(b.height());
    (a.middle() - b.middle()).abs() < SAME_ROW * height
}

/// Row by row, and in a row from left to right. Lines are sorted from top to bottom.
fn rows(mut places: Vec<Place>, order: &mut Vec<usize>) {
    let mut starts = row_starts(&places);
    starts.push(places.len());
    for pair in starts.windows(2) {
        let row = &mut places[pair[0]..pair[1]];
        row.sort_unstable_by(|a, b| a.left.total_cmp(&b.left));
        order.extend(row.iter().map(|place| place.index));
    }
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut sorted: Vec<f32> = values.collect();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level line of height 20.
    fn line(left: f32, top: f32, width: f32) -> [Point; 4] {
        let corner = |x: f32, y: f32| Point { x, y };
        [
            corner(left, top),
            corner(left + width, top),
            corner(left + width, top + 20.0),
            corner(left, top + 20.0),
        ]
    }

    fn turned(quads: &[[Point; 4]], degrees: f32) -> Vec<[Point; 4]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turn = |point: Point| Point {
            x: point.x * cos - point.y * sin,
            y: point.x * sin + point.y * cos,
        };
        quads.iter().map(|quad| quad.map(turn)).collect()
    }

    #[track_caller]
    fn check(quads: &[[Point; 4]], expected: &[usize]) {
        for degrees in [0.0, 4.0, -12.0] {
            assert_eq!(
                reading_order(&turned(quads, degrees)),
                expected,
                "{degrees}°"
            );
        }
    }

    #[test]
    fn one_column_goes_from_top_to_bottom() {
        check(
            &[
                line(0.0, 60.0, 300.0),
                line(0.0, 0.0, 280.0),
                line(4.0, 30.0, 90.0),
            ],
            &[1, 2, 0],
        );
    }

    #[test]
    fn pieces_of_one_row_go_from_left_to_right() {
        check(
            &[
                line(200.0, 2.0, 80.0),
                line(0.0, 0.0, 150.0),
                line(0.0, 30.0, 60.0),
            ],
            &[1, 0, 2],
        );
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let quads: Vec<_> = (0..4)
            .flat_map(|row| {
                let top = 30.0 * row as f32;
                [line(0.0, top, 200.0), line(240.0, top + 3.0, 200.0)]
            })
            .collect();
        check(&quads, &[0, 2, 4, 6, 1, 3, 5, 7]);
    }

    #[test]
    fn a_heading_comes_before_its_columns_and_a_footer_after() {
        let quads = [
            line(0.0, 40.0, 200.0),
            line(240.0, 40.0, 200.0),
            line(0.0, 0.0, 420.0),
            line(0.0, 70.0, 200.0),
            line(240.0, 70.0, 200.0),
            line(100.0, 110.0, 300.0),
        ];
        check(&quads, &[2, 0, 3, 1, 4, 5]);
    }

    #[test]
    fn figures_beside_a_list_stay_in_their_rows() {
        let quads: Vec<_> = (0..3)
            .flat_map(|row| {
                let top = 30.0 * row as f32;
                [line(0.0, top, 200.0), line(300.0, top, 50.0)]
            })
            .collect();
        check(&quads, &[0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn nothing_and_one_line_have_their_order() {
        check(&[], &[]);
        check(&[line(0.0, 0.0, 10.0)], &[0]);
    }
}
