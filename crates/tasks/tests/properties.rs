//! What holds for every input, on inputs that are drawn at random and made small when one fails.

use image::RgbImage;
use proptest::collection::vec;
use proptest::prelude::*;
use vitrine_protocol::{Channels, DetectionInput, LineInput, PictureInput, Point, ResizeFilter};
use vitrine_tasks::picture::{self, center_crop, resize_bilinear, thumbnail};
use vitrine_tasks::reading::{
    Characters, Rectangle, cut_quad, detector_input, line_tensor, line_width, reading_order,
    shared_widths, squeezed_tensor, turned,
};
use vitrine_tasks::scores::{sigmoid, softmax, top_k};
use vitrine_tasks::text;

fn point(range: f32) -> impl Strategy<Value = Point> {
    (-range..range, -range..range).prop_map(|(x, y)| Point { x, y })
}

/// A picture of at most so many pixels a side.
fn picture(side: u32) -> impl Strategy<Value = RgbImage> {
    (1..=side, 1..=side, any::<u32>()).prop_map(|(width, height, seed)| {
        RgbImage::from_fn(width, height, |x, y| {
            let mixed = (x * 31 + y * 17 + seed % 1000).wrapping_mul(2_654_435_761) ^ seed;
            let [red, green, blue, _] = mixed.to_le_bytes();
            image::Rgb([red, green, blue])
        })
    })
}

/// The least and the most of a channel.
fn range(picture: &RgbImage, channel: usize) -> (u8, u8) {
    let values = picture.pixels().map(|pixel| pixel.0[channel]);
    values.fold((255, 0), |(least, most), value| {
        (least.min(value), most.max(value))
    })
}

/// Where a point lies from a rectangle's centre, along its sides.
fn in_rectangle(point: Point, rectangle: &Rectangle) -> (f32, f32) {
    let (dx, dy) = (point.x - rectangle.center.x, point.y - rectangle.center.y);
    let Point { x, y } = rectangle.along;
    (dx * x + dy * y, dy * x - dx * y)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_rectangle_holds_its_points_and_is_no_larger_than_a_level_one(
        points in vec(point(1000.0), 1..40),
    ) {
        let met = Rectangle::around(&points).unwrap();
        prop_assert!((met.along.x.hypot(met.along.y) - 1.0).abs() < 1e-4);
        prop_assert!(met.along.x >= met.along.y.abs() - 1e-4, "{met:?} is not level");
        for point in &points {
            let (u, v) = in_rectangle(*point, &met);
            prop_assert!(u.abs() <= met.width / 2.0 + 0.01, "{point:?} is outside of {met:?}");
            prop_assert!(v.abs() <= met.height / 2.0 + 0.01, "{point:?} is outside of {met:?}");
        }
        let side = |of: fn(&Point) -> f32| {
            let values = points.iter().map(of);
            let (least, most) = values.fold((f32::MAX, f32::MIN), |(least, most), value| {
                (least.min(value), most.max(value))
            });
            most - least
        };
        let level = side(|point| point.x) * side(|point| point.y);
        prop_assert!(met.width * met.height <= level * 1.001 + 0.1);
    }

    #[test]
    fn a_rectangle_is_found_again_by_its_corners(
        center in point(500.0), degrees in -44.0_f32..44.0, width in 2.0_f32..300.0,
        height in 2.0_f32..300.0,
    ) {
        let (y, x) = degrees.to_radians().sin_cos();
        let along = Point { x, y };
        let drawn = Rectangle { center, along, width, height };
        let met = Rectangle::around(&drawn.corners()).unwrap();
        prop_assert!((met.center.x - center.x).abs() < 0.01, "{met:?} instead of {drawn:?}");
        prop_assert!((met.center.y - center.y).abs() < 0.01, "{met:?} instead of {drawn:?}");
        prop_assert!((met.width - width).abs() < 0.01, "{met:?} instead of {drawn:?}");
        prop_assert!((met.height - height).abs() < 0.01, "{met:?} instead of {drawn:?}");
        let area = |rectangle: Rectangle| rectangle.width * rectangle.height;
        prop_assert!(area(met.grown(3.0)) > area(met));
    }

    #[test]
    fn any_corners_can_be_cut(
        picture in picture(40), corners in vec(point(200.0), 4),
        without_number in prop::option::of(0..4_usize),
    ) {
        let mut corners = [corners[0], corners[1], corners[2], corners[3]];
        if let Some(at) = without_number {
            corners[at].x = f32::NAN;
        }
        let cut = cut_quad(&picture, corners);
        prop_assert!(!cut.pixels.is_empty());
        prop_assert_eq!(cut.pixels.len(), turned(&cut).pixels.len());
        let twice = turned(&turned(&cut));
        prop_assert_eq!(twice.pixels, cut.pixels);
    }

    #[test]
    fn a_level_cut_is_the_picture_itself(picture in picture(40)) {
        let (width, height) = picture.dimensions();
        // Standing pictures are turned.
        prop_assume!(height < width);
        let (right, bottom) = (width as f32, height as f32);
        let corner = |x: f32, y: f32| Point { x, y };
        let corners = [
            corner(0.0, 0.0),
            corner(right, 0.0),
            corner(right, bottom),
            corner(0.0, bottom),
        ];
        prop_assert_eq!(cut_quad(&picture, corners).pixels, picture);
    }

    #[test]
    fn a_picture_scaled_to_its_own_size_is_itself(picture in picture(40)) {
        prop_assert_eq!(&resize_bilinear(&picture, picture.dimensions()), &picture);
    }

    #[test]
    fn smoothing_makes_no_colour_that_was_not_between(
        picture in picture(30), width in 1..80_u32, height in 1..80_u32,
    ) {
        let scaled = resize_bilinear(&picture, (width, height));
        prop_assert_eq!(scaled.dimensions(), (width, height));
        for channel in 0..3 {
            let (least, most) = range(&picture, channel);
            let (scaled_least, scaled_most) = range(&scaled, channel);
            prop_assert!(least <= scaled_least && scaled_most <= most);
        }
    }

    #[test]
    fn inputs_have_the_shape_that_models_ask_for(picture in picture(60)) {
        let input = PictureInput {
            resize_short_side: 40,
            crop: 32,
            filter: ResizeFilter::Bicubic,
            mean: [127.0; 3],
            std: [128.0; 3],
        };
        prop_assert_eq!(center_crop(&picture, &input).dimensions(), (32, 32));
        let tensor = picture::prepare(&picture, &input);
        prop_assert_eq!(tensor.shape, [1, 3, 32, 32]);
        prop_assert!(tensor.values.iter().all(|value| value.abs() <= 1.0));

        let small = thumbnail(&picture);
        prop_assert_eq!(small.rgba.len() as u32, 4 * small.size.width * small.size.height);

        let detection = DetectionInput {
            min_short_side: 64,
            max_long_side: 200,
            multiple: 32,
            channels: Channels::Bgr,
            mean: 127.5,
            std: 127.5,
        };
        let met = detector_input(&picture, &detection);
        prop_assert!(met.size.width.is_multiple_of(32) && met.size.height.is_multiple_of(32));
        prop_assert!(met.size.width.max(met.size.height) <= 224);
        prop_assert!(met.size.width.min(met.size.height) >= 32);
        let n_values = 3 * met.size.width as usize * met.size.height as usize;
        prop_assert_eq!(met.tensor.values.len(), n_values);

        let line = LineInput {
            height: 16,
            width: 64,
            channels: Channels::Rgb,
            mean: 127.5,
            std: 127.5,
        };
        let width = line_width(&picture, &line);
        prop_assert!(width >= 64 && width.is_multiple_of(64));
        let tensor = line_tensor(&picture, &line, width);
        prop_assert_eq!(tensor.values.len(), 3 * 16 * width as usize);
        prop_assert_eq!(squeezed_tensor(&picture, &line).shape, [1, 3, 16, 64]);
    }

    #[test]
    fn probabilities_are_shares_of_one_in_the_order_of_their_logits(
        logits in vec(-50.0_f32..50.0, 1..50), shift in -20.0_f32..20.0,
    ) {
        let met = softmax(&logits);
        prop_assert!((met.iter().map(|p| f64::from(*p)).sum::<f64>() - 1.0).abs() < 1e-5);
        for (a, p) in logits.iter().zip(&met) {
            for (b, q) in logits.iter().zip(&met) {
                prop_assert!(a < b || p >= q);
            }
        }
        let shifted: Vec<f32> = logits.iter().map(|logit| logit + shift).collect();
        for (p, q) in met.iter().zip(softmax(&shifted)) {
            prop_assert!((p - q).abs() < 1e-4);
        }
    }

    #[test]
    fn probabilities_are_never_out_of_range(logits in vec(any::<f32>(), 0..50)) {
        let met = softmax(&logits);
        prop_assert!(met.iter().all(|p| (0.0..=1.0).contains(p)), "{met:?}");
        let sum: f64 = met.iter().map(|p| f64::from(*p)).sum();
        prop_assert!(sum == 0.0 || (sum - 1.0).abs() < 1e-5, "{sum}");
        for logit in logits {
            let p = sigmoid(logit);
            prop_assert!(logit.is_nan() || (0.0..=1.0).contains(&p));
        }
    }

    #[test]
    fn the_best_are_those_that_sorting_puts_first(
        values in vec(prop_oneof![any::<f32>(), Just(0.5), Just(f32::NAN)], 0..60),
        k in 0..70_usize,
    ) {
        let best = top_k(&values, k);
        prop_assert_eq!(best.len(), k.min(values.len()));
        prop_assert_eq!(&top_k(&values, values.len())[..best.len()], &best[..]);
        for pair in best.windows(2) {
            let (a, b) = (values[pair[0]], values[pair[1]]);
            let in_order = a > b || b.is_nan() && !a.is_nan();
            let is_tie = (a == b || a.is_nan() && b.is_nan()) && pair[0] < pair[1];
            prop_assert!(in_order || is_tie, "{a} before {b}");
        }
    }

    #[test]
    fn decoding_merges_repeats_and_drops_blanks(classes in vec(0..5_usize, 0..60)) {
        // Ideographs, beside which no space is put where none was the best class.
        let list = ["一", "二", "三", "四"];
        let characters = Characters::parse(&list.join("\n")).unwrap();
        let n = characters.n_classes();
        let mut values = vec![0.0; classes.len() * n];
        for (step, class) in classes.iter().enumerate() {
            values[step * n + class] = 0.75;
        }
        let mut merged = classes;
        merged.dedup();
        let kept = merged.into_iter().filter(|class| *class > 0);
        let expected: String = kept.map(|class| list[class - 1]).collect();
        let met = characters.decode(&values);
        let confidence = if expected.is_empty() { 0.0 } else { 0.75 };
        prop_assert_eq!((met.text, met.confidence), (expected, confidence));
    }

    #[test]
    fn any_numbers_can_be_decoded(values in vec(any::<f32>(), 0..300)) {
        let characters = Characters::parse("a\nb\n.\n我\n，").unwrap();
        let n_steps = values.len() / characters.n_classes();
        let met = characters.decode(&values);
        // At most one space for each character.
        prop_assert!(met.text.chars().count() <= 2 * n_steps);
        let shares: Vec<f32> = values.iter().map(|value| sigmoid(*value)).collect();
        prop_assert!((0.0..=1.0).contains(&characters.decode(&shares).confidence));
    }

    #[test]
    fn reading_order_has_every_line_once(quads in vec(vec(point(300.0), 4), 0..30)) {
        let quads: Vec<[Point; 4]> = quads.iter().map(|q| [q[0], q[1], q[2], q[3]]).collect();
        let mut order = reading_order(&quads);
        order.sort_unstable();
        prop_assert_eq!(order, (0..quads.len()).collect::<Vec<_>>());
    }

    #[test]
    fn shared_widths_are_wide_enough(
        widths in vec((1..33_u32).prop_map(|n| 64 * n), 0..40),
        known in vec((1..33_u32).prop_map(|n| 64 * n), 0..4),
    ) {
        let shared = shared_widths(&widths, &known);
        prop_assert_eq!(shared.len(), widths.len());
        for (own, shared) in widths.iter().zip(&shared) {
            prop_assert!(own <= shared);
            prop_assert!(widths.contains(shared) || known.contains(shared));
        }
    }

    #[test]
    fn text_without_nul_is_itself(drawn in "[^\u{0}\u{FEFF}]{1,60}") {
        prop_assume!(!drawn.trim_start().is_empty());
        let met = text::decode(drawn.clone().into_bytes()).unwrap();
        prop_assert_eq!((met.text, met.n_replaced), (drawn, 0));
    }

    #[test]
    fn any_bytes_are_a_text_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(met) = text::decode(bytes.clone()) {
            prop_assert!(!met.text.contains('\0') && met.n_replaced <= bytes.len());
            prop_assert!(text::excerpt(&met.text).chars().count() <= 641);
            prop_assert!(text::opening(&met.text).chars().count() <= 3201);
        }
        let _ = text::Table::open(bytes, &text::Limits::default());
    }

    #[test]
    fn cells_come_back_as_they_were_written(
        rows in vec(("[0-9]{1,4}", "[a-z ,;\"\n\u{e4}\u{1F642}]{1,20}x"), 1..20),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "What was said"]).unwrap();
        for (id, cell) in &rows {
            writer.write_record([id, cell]).unwrap();
        }
        let table = text::Table::open(writer.into_inner().unwrap(), &text::Limits::default());
        let table = table.unwrap();
        let (ids, cells): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        prop_assert_eq!(table.texts(0, 0, usize::MAX).unwrap(), ids);
        prop_assert_eq!(table.texts(1, 0, usize::MAX).unwrap(), cells);
    }

    #[test]
    fn any_bytes_behind_a_signature_are_a_picture_or_refused(
        start in prop::sample::select(vec![
            &b"\xFF\xD8\xFF"[..],
            b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR",
            b"GIF89a",
            b"RIFF\xFF\0\0\0WEBPVP8L",
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
            b"",
        ]),
        rest in vec(any::<u8>(), 0..300),
    ) {
        let limits = picture::Limits { max_pixels: 10_000, ..picture::Limits::default() };
        let _ = picture::decode(&[start, &rest].concat(), &limits);
    }
}
