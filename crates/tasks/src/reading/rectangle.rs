//! Rectangles at any angle.

use vitrine_protocol::Point;

/// A rectangle at any angle, in whatever pixels its maker says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// Where the diagonals cross.
    pub center: Point,
    /// Direction of the side that `width` measures: a vector of length 1 that points right, or
    /// straight down.
    pub along: Point,
    /// Length of the sides along `along`.
    pub width: f32,
    /// Length of the other sides.
    pub height: f32,
}

impl Rectangle {
    /// The rectangle of least area around some points, by rotating calipers: one of its sides lies
    /// on a side of the points' convex hull (H. Freeman and R. Shapira, 1975).
    ///
    /// Of the two ways to call its sides, the one is taken whose `along` is nearest to horizontal.
    /// `None` for no points.
    pub fn around(points: &[Point]) -> Option<Rectangle> {
        let hull = convex_hull(points);
        let first = *hull.first()?;
        let mut best: Option<Rectangle> = None;
        for (at, start) in hull.iter().enumerate() {
            let end = hull[(at + 1) % hull.len()];
            let Some(along) = direction(*start, end) else {
                continue;
            };
            let candidate = enclosing(&hull, along);
            let is_smaller = best
                .is_none_or(|best| candidate.width * candidate.height < best.width * best.height);
            if is_smaller {
                best = Some(candidate);
            }
        }
        let dot = Rectangle {
            center: first,
            along: Point { x: 1.0, y: 0.0 },
            width: 0.0,
            height: 0.0,
        };
        Some(best.unwrap_or(dot).level())
    }

    /// The same rectangle with all sides moved outward by a distance.
    ///
    /// Offsetting a rectangle's outline with round joins and taking the rectangle of least area
    /// around the result, as the reference does by polygon clipping, gives the same.
    pub fn grown(self, distance: f32) -> Rectangle {
        Rectangle {
            width: self.width + 2.0 * distance,
            height: self.height + 2.0 * distance,
            ..self
        }
    }

    /// Corners clockwise from the top left, as seen along `along`.
    pub fn corners(&self) -> [Point; 4] {
        let (dx, dy) = (self.along.x, self.along.y);
        let corner = |right: f32, down: f32| {
            let (right, down) = (right * self.width / 2.0, down * self.height / 2.0);
            Point {
                x: self.center.x + right * dx - down * dy,
                y: self.center.y + right * dy + down * dx,
            }
        };
        [
            corner(-1.0, -1.0),
            corner(1.0, -1.0),
            corner(1.0, 1.0),
            corner(-1.0, 1.0),
        ]
    }

    /// Area over perimeter, which is how far text is drawn in by a detector that learnt shrunk
    /// outlines, up to a factor.
    pub fn area_over_perimeter(&self) -> f32 {
        let perimeter = 2.0 * (self.width + self.height);
        if perimeter > 0.0 {
            self.width * self.height / perimeter
        } else {
            0.0
        }
    }

    /// Calls the sides so that `along` is within 45° of pointing right.
    fn level(self) -> Rectangle {
        let Rectangle {
            along: Point { x, y },
            ..
        } = self;
        if x.abs() >= y.abs() {
            let sign = if x < 0.0 { -1.0 } else { 1.0 };
            let along = Point {
                x: sign * x,
                y: sign * y,
            };
            return Rectangle { along, ..self };
        }
        let sign = if y < 0.0 { -1.0 } else { 1.0 };
        Rectangle {
            along: Point {
                x: sign * y,
                y: -sign * x,
            },
            width: self.height,
            height: self.width,
            ..self
        }
    }
}

/// The unit vector from one point to another; `None` where they are the same.
fn direction(from: Point, to: Point) -> Option<Point> {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy);
    (length > 0.0).then(|| Point {
        x: dx / length,
        y: dy / length,
    })
}

/// The smallest rectangle with sides along `along` around the points.
fn enclosing(points: &[Point], along: Point) -> Rectangle {
    let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
    let (mut top, mut bottom) = (f32::INFINITY, f32::NEG_INFINITY);
    for point in points {
        let u = point.x * along.x + point.y * along.y;
        let v = point.y * along.x - point.x * along.y;
        (left, right) = (left.min(u), right.max(u));
        (top, bottom) = (top.min(v), bottom.max(v));
    }
    let (u, v) = ((left + right) / 2.0, (top + bottom) / 2.0);
    Rectangle {
        center: Point {
            x: u * along.x - v * along.y,
            y: u * along.y + v * along.x,
        },
        along,
        width: right - left,
        height: bottom - top,
    }
}

/// The corners of the convex hull, by A. M. Andrew's monotone chain, 1979.
fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let mut hull = half_hull(sorted.iter());
    let upper = half_hull(sorted.iter().rev());
    // Each half ends where the other begins.
    hull.pop();
    hull.extend(&upper[..upper.len() - 1]);
    hull
}

fn half_hull<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for point in points {
        while let [.., a, b] = chain[..]
            && (b.x - a.x) * (point.y - a.y) <= (b.y - a.y) * (point.x - a.x)
        {
            chain.pop();
        }
        chain.push(*point);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f32, f32)]) -> Vec<Point> {
        pairs.iter().map(|(x, y)| Point { x: *x, y: *y }).collect()
    }

    #[track_caller]
    fn check(pairs: &[(f32, f32)], center: (f32, f32), size: (f32, f32), degrees: f32) {
        let met = Rectangle::around(&points(pairs)).unwrap();
        let angle = met.along.y.atan2(met.along.x).to_degrees();
        let differences = [
            met.center.x - center.0,
            met.center.y - center.1,
            met.width - size.0,
            met.height - size.1,
            angle - degrees,
        ];
        assert!(
            differences.iter().all(|difference| difference.abs() < 1e-3),
            "{met:?}, {angle}°"
        );
    }

    // Expected values: cv2.minAreaRect of the same points, with its sides called as here.

    #[test]
    fn a_level_rectangle_is_itself() {
        check(
            &[(0.0, 0.0), (10.0, 0.0), (10.0, 4.0), (0.0, 4.0), (5.0, 2.0)],
            (5.0, 2.0),
            (10.0, 4.0),
            0.0,
        );
    }

    #[test]
    fn a_turned_rectangle_is_found() {
        let (s, c) = 20.0_f32.to_radians().sin_cos();
        let corner = |u: f32, v: f32| (50.0 + u * c - v * s, 40.0 + u * s + v * c);
        let corners = [
            corner(-20.0, -5.0),
            corner(20.0, -5.0),
            corner(20.0, 5.0),
            corner(-20.0, 5.0),
        ];
        check(&corners, (50.0, 40.0), (40.0, 10.0), 20.0);
    }

    #[test]
    fn a_standing_rectangle_keeps_its_width_level() {
        check(
            &[(0.0, 0.0), (4.0, 0.0), (4.0, 10.0), (0.0, 10.0)],
            (2.0, 5.0),
            (4.0, 10.0),
            0.0,
        );
    }

    #[test]
    fn points_on_a_line_have_no_height() {
        check(&[(0.0, 0.0), (3.0, 4.0)], (1.5, 2.0), (0.0, 5.0), -36.869_9);
        check(&[(7.0, 7.0); 3], (7.0, 7.0), (0.0, 0.0), 0.0);
        assert!(Rectangle::around(&[]).is_none());
    }

    #[test]
    fn corners_go_clockwise_from_the_top_left() {
        let rectangle =
            Rectangle::around(&points(&[(0.0, 0.0), (10.0, 4.0), (10.0, 0.0), (0.0, 4.0)]))
                .unwrap()
                .grown(1.0);
        let met = rectangle.corners().map(|point| (point.x, point.y));
        assert_eq!(met, [(-1.0, -1.0), (11.0, -1.0), (11.0, 5.0), (-1.0, 5.0)]);
    }
}
