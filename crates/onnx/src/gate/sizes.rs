//! Sizes of values that a node makes out of nothing but a few numbers, where those stand in the file.
//!
//! Twenty bytes can ask for a terabyte: a shape, and a node that fills it. What is computed here is a
//! lower bound, as all of the gate's estimates are.

/// What is known of a value without running anything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// Length of each axis, at least.
    pub(super) shape: Vec<i64>,
    /// Bytes that one number takes, at least.
    pub(super) bytes_per_number: u64,
    /// The numbers themselves, where they are few and constant.
    pub(super) numbers: Option<Vec<f64>>,
}

impl Known {
    fn of_shape(shape: Vec<i64>, bytes_per_number: u64) -> Known {
        Known {
            shape,
            bytes_per_number,
            numbers: None,
        }
    }

    /// The numbers as lengths of axes; what is beyond 64 bits stays at their ends.
    fn lengths(&self) -> Option<Vec<i64>> {
        let numbers = self.numbers.as_ref()?;
        Some(numbers.iter().map(|number| *number as i64).collect())
    }
}

/// How many inputs of a node matter: `Resize` has its sizes in the fourth.
pub(super) const MOST_INPUTS: usize = 4;

/// What is known of the first output of a node by its operator, its first inputs, and the tensor among
/// its attributes. `None` where constants do not say it.
///
/// Where an input is unknown each of its axes counts as 1. The answer may have more axes than is
/// allowed, or lengths out of range: a shape that is asked for and cannot be.
pub(super) fn of_output(
    operator: &str,
    inputs: [Option<&Known>; MOST_INPUTS],
    attribute: Option<Known>,
) -> Option<Known> {
    let [first, second, third, fourth] = inputs;
    let bytes = first.map_or(1, |input| input.bytes_per_number);
    match operator {
        "Constant" => attribute,
        "Identity" => first.cloned(),
        // Without a value it is filled with zeros in f32.
        "ConstantOfShape" => {
            let bytes = attribute.map_or(4, |value| value.bytes_per_number);
            Some(Known::of_shape(first?.lengths()?, bytes))
        }
        "Expand" => {
            let wanted = second?.lengths()?;
            let given = first.map_or(&[][..], |input| input.shape.as_slice());
            Some(Known::of_shape(broadcast(given, &wanted)?, bytes))
        }
        "Tile" => {
            let repeats = second?.lengths()?;
            let shape = match first {
                Some(input) => product(&input.shape, &repeats)?,
                None => repeats,
            };
            Some(Known::of_shape(shape, bytes))
        }
        "Range" => {
            let number = |input: Option<&Known>| match input?.numbers.as_deref() {
                Some([number]) => Some(*number),
                _ => None,
            };
            let (start, limit, delta) = (number(first)?, number(second)?, number(third)?);
            let n = ((limit - start) / delta).ceil().max(0.0);
            Some(Known::of_shape(vec![n as i64], bytes))
        }
        "Resize" | "Upsample" => {
            let scales = if third.is_some() { third } else { second };
            let shape = match fourth {
                Some(sizes) => at_least_zero(sizes.lengths()?)?,
                None => scaled(first, scales?.numbers.as_deref()?)?,
            };
            Some(Known::of_shape(shape, bytes))
        }
        _ => None,
    }
}

/// The shapes of two values laid over each other from the last axis on. `None` where a length is
/// negative, by which some exporters mean the other's.
fn broadcast(one: &[i64], other: &[i64]) -> Option<Vec<i64>> {
    let (long, short) = match one.len() >= other.len() {
        true => (one, other),
        false => (other, one),
    };
    let missing = std::iter::repeat_n(&1, long.len() - short.len());
    let pairs = long.iter().zip(missing.chain(short));
    let shape = pairs.map(|(a, b)| if *a.min(b) == 0 { 0 } else { *a.max(b) });
    at_least_zero(one.iter().chain(other).copied().collect())?;
    Some(shape.collect())
}

fn at_least_zero(lengths: Vec<i64>) -> Option<Vec<i64>> {
    lengths.iter().all(|length| *length >= 0).then_some(lengths)
}

fn product(shape: &[i64], factors: &[i64]) -> Option<Vec<i64>> {
    let products = shape.iter().zip(factors);
    let products = products.map(|(length, factor)| length.saturating_mul(*factor));
    (shape.len() == factors.len()).then(|| products.collect())
}

fn scaled(input: Option<&Known>, scales: &[f64]) -> Option<Vec<i64>> {
    let lengths = match input {
        Some(input) if input.shape.len() == scales.len() => input.shape.clone(),
        // No scales stand where sizes are given, and fewer where only some axes are scaled.
        Some(_) => return None,
        None if scales.is_empty() => return None,
        None => vec![1; scales.len()],
    };
    let scaled = lengths.iter().zip(scales);
    Some(
        scaled
            .map(|(length, scale)| (*length as f64 * scale).max(0.0) as i64)
            .collect(),
    )
}
