//! Where a line of text is drawn over its picture.

use vitrine_protocol::Point;

/// How a line's outline and text are drawn, in pixels of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    /// Corners for an SVG polygon.
    pub(crate) points: String,
    /// Puts text that begins at the origin onto the line, along its baseline.
    pub(crate) transform: String,
    /// How long the text must be.
    pub(crate) length: f32,
    /// How high the text must be.
    pub(crate) height: f32,
}

/// Share of a line's height that lies below its baseline, in most typefaces.
const DESCENT: f32 = 0.22;

/// Places a line by its corners, clockwise from where its first character has its top left.
pub(crate) fn place(quad: &[Point; 4]) -> Placed {
    let [top_left, top_right, bottom_right, bottom_left] = quad;
    let points = quad.map(|point| format!("{:.1},{:.1}", point.x, point.y));
    let length = (distance(top_left, top_right) + distance(bottom_left, bottom_right)) / 2.0;
    let height = (distance(top_left, bottom_left) + distance(top_right, bottom_right)) / 2.0;
    let angle = (bottom_right.y - bottom_left.y)
        .atan2(bottom_right.x - bottom_left.x)
        .to_degrees();
    let baseline = Point {
        x: bottom_left.x + DESCENT * (top_left.x - bottom_left.x),
        y: bottom_left.y + DESCENT * (top_left.y - bottom_left.y),
    };
    Placed {
        points: points.join(" "),
        transform: format!(
            "translate({:.1} {:.1}) rotate({angle:.2})",
            baseline.x, baseline.y
        ),
        length: length.max(1.0),
        height: (height * (1.0 - DESCENT)).max(1.0),
    }
}

fn distance(a: &Point, b: &Point) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quad(corners: [(f32, f32); 4]) -> [Point; 4] {
        corners.map(|(x, y)| Point { x, y })
    }

    #[test]
    fn an_upright_line_is_not_turned() {
        let placed = place(&quad([
            (10.0, 20.0),
            (110.0, 20.0),
            (110.0, 40.0),
            (10.0, 40.0),
        ]));
        assert_eq!(placed.points, "10.0,20.0 110.0,20.0 110.0,40.0 10.0,40.0");
        assert_eq!(placed.transform, "translate(10.0 35.6) rotate(0.00)");
        assert_eq!(placed.length, 100.0);
        assert!((placed.height - 15.6).abs() < 1e-4);
    }

    #[test]
    fn a_line_upside_down_begins_at_its_own_beginning() {
        let placed = place(&quad([
            (110.0, 40.0),
            (10.0, 40.0),
            (10.0, 20.0),
            (110.0, 20.0),
        ]));
        assert_eq!(placed.transform, "translate(110.0 24.4) rotate(180.00)");
    }

    #[test]
    fn a_line_without_extent_has_a_size_all_the_same() {
        let placed = place(&quad([(5.0, 5.0); 4]));
        assert_eq!((placed.length, placed.height), (1.0, 1.0));
    }
}
