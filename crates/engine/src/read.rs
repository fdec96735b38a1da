//! Pictures to lines of text: the whole flow in one readable function.

use image::RgbImage;
use vitrine_protocol::{
    DetectionInput, DetectionOutput, DirectionOutput, EngineError, Line, LineInput, ReadingTimes,
    Size,
};
use vitrine_tasks::Tensor;
use vitrine_tasks::reading::{
    Characters, CutLine, ReadLine, cut_line, detector_input, find_boxes, line_tensor, line_width,
    reading_order, shared_widths, squeezed_tensor, turned,
};

use crate::clock::{Clock, timed};
use crate::model::{Axis, InputSpec, Kind, Model, run_one};
use crate::tract_model::MAX_PLANS;

/// Finds where text is.
pub struct Detector<M> {
    /// How a picture becomes the model's input.
    pub input: DetectionInput,
    /// How the model's map becomes boxes.
    pub output: DetectionOutput,
    /// The loaded model.
    pub model: M,
}

/// Tells which lines are upside down.
pub struct Direction<M> {
    /// How a line becomes the model's input.
    pub input: LineInput,
    /// When a line is turned.
    pub output: DirectionOutput,
    /// The loaded model.
    pub model: M,
}

/// Reads the characters of a line.
pub struct Recogniser<M> {
    /// How a line becomes the model's input.
    pub input: LineInput,
    /// Lines read with less confidence are left out.
    pub min_confidence: f32,
    /// What the model's classes stand for.
    pub characters: Characters,
    /// Widths there are plans for.
    pub(crate) widths: Vec<u32>,
    /// The loaded model.
    pub model: M,
}

/// What a detector accepts: `[1, 3, height, width]` of any size.
pub(crate) fn detector_spec() -> InputSpec {
    InputSpec {
        kind: Kind::F32,
        axes: vec![Axis::Fixed(1), Axis::Fixed(3), Axis::Free, Axis::Free],
    }
}

/// What a direction model accepts: `[1, 3, height, width]`.
pub(crate) fn direction_spec(input: &LineInput) -> InputSpec {
    InputSpec::fixed(&[1, 3, input.height as usize, input.width as usize])
}

/// What a recogniser accepts: `[1, 3, height, width]` of any width.
pub(crate) fn recogniser_spec(input: &LineInput) -> InputSpec {
    InputSpec {
        kind: Kind::F32,
        axes: vec![
            Axis::Fixed(1),
            Axis::Fixed(3),
            Axis::Fixed(input.height as usize),
            Axis::Free,
        ],
    }
}

/// Reads the text in an upright picture and gives its lines in reading order, with the time each
/// stage took. `decode` is 0 in it; decoding is not done here.
///
/// # Errors
/// As [`Model::run`], and [`EngineError::Shape`] when a model answers in another shape than its
/// task says.
pub fn read<M: Model>(
    detector: &mut Detector<M>,
    direction: &mut Direction<M>,
    recogniser: &mut Recogniser<M>,
    picture: &RgbImage,
    clock: Clock,
) -> Result<(Vec<Line>, ReadingTimes), EngineError> {
    let (boxes, detect) = timed(clock, || detector.boxes(picture));
    let boxes = boxes?;
    let (lines, direct) = timed(clock, || {
        let cut = boxes.iter().map(|line| cut_line(picture, line));
        cut.map(|line| direction.upright(line))
            .collect::<Result<Vec<CutLine>, _>>()
    });
    let lines = lines?;
    let (read, recognise) = timed(clock, || recogniser.lines(&lines));
    let times = ReadingTimes {
        decode: 0.0,
        detect,
        direct,
        recognise,
    };
    Ok((in_order(read?), times))
}

fn in_order(lines: Vec<Line>) -> Vec<Line> {
    let quads: Vec<_> = lines.iter().map(|line| line.quad).collect();
    let order = reading_order(&quads);
    order.into_iter().map(|at| lines[at].clone()).collect()
}

impl<M: Model> Detector<M> {
    fn boxes(
        &mut self,
        picture: &RgbImage,
    ) -> Result<Vec<vitrine_tasks::reading::Rectangle>, EngineError> {
        let prepared = detector_input(picture, &self.input);
        let map = run_one(&mut self.model, prepared.tensor)?;
        let expected = vec![
            1,
            1,
            prepared.size.height as usize,
            prepared.size.width as usize,
        ];
        check_shape(&map, &expected)?;
        let size = Size {
            width: picture.width(),
            height: picture.height(),
        };
        Ok(find_boxes(&map.values, prepared.size, size, &self.output))
    }
}

impl<M: Model> Direction<M> {
    fn upright(&mut self, line: CutLine) -> Result<CutLine, EngineError> {
        let input = squeezed_tensor(&line.pixels, &self.input);
        let output = run_one(&mut self.model, input)?;
        check_shape(&output, &[1, 2])?;
        let is_upside_down = output.values[1] > self.output.threshold;
        Ok(if is_upside_down { turned(&line) } else { line })
    }
}

impl<M: Model> Recogniser<M> {
    /// The lines that can be read with confidence. They are read by width, so that lines of one
    /// shape, and with it of one plan, follow each other.
    fn lines(&mut self, lines: &[CutLine]) -> Result<Vec<Line>, EngineError> {
        let own: Vec<u32> = lines
            .iter()
            .map(|line| line_width(&line.pixels, &self.input))
            .collect();
        let widths = shared_widths(&own, &self.widths);
        let mut inputs: Vec<(usize, Tensor)> = (lines.iter().zip(&widths))
            .map(|(line, width)| line_tensor(&line.pixels, &self.input, *width))
            .enumerate()
            .collect();
        inputs.sort_by_key(|(_, input)| input.shape[3]);
        self.note(&widths);
        let mut read = Vec::with_capacity(lines.len());
        for (at, input) in inputs {
            let ReadLine { text, confidence } = self.line(input)?;
            if !text.is_empty() && confidence >= self.min_confidence {
                read.push(Line {
                    quad: lines[at].quad,
                    text,
                    confidence,
                });
            }
        }
        Ok(read)
    }

    /// Keeps in mind the widths there are plans for, those used last at the end.
    fn note(&mut self, widths: &[u32]) {
        self.widths.retain(|width| !widths.contains(width));
        let mut used = widths.to_vec();
        used.sort_unstable();
        used.dedup();
        self.widths.extend(used);
        let n_forgotten = self.widths.len().saturating_sub(MAX_PLANS);
        self.widths.drain(..n_forgotten);
    }

    fn line(&mut self, input: Tensor) -> Result<ReadLine, EngineError> {
        let output = run_one(&mut self.model, input)?;
        let n_classes = self.characters.n_classes();
        let steps = output.shape.get(1).copied().unwrap_or_default();
        check_shape(&output, &[1, steps, n_classes])?;
        Ok(self.characters.decode(&output.values))
    }
}

fn check_shape(output: &Tensor, expected: &[usize]) -> Result<(), EngineError> {
    if output.shape == expected {
        return Ok(());
    }
    Err(EngineError::Shape {
        what: "output".into(),
        met: output.shape.clone(),
        expected: expected.to_vec(),
    })
}
