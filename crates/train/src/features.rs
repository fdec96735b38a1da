//! What an encoder makes of texts: one row of numbers per text, or one per token.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use ndarray::Array2;

/// Features of texts, in half precision: a text's rows stand one behind the other.
///
/// Half precision keeps three digits, which is more than training needs, and makes the token states
/// of fifty thousand texts fit into 1.5 GB.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    length: usize,
    /// Where the rows of each text begin, and where the last text's end.
    starts: Vec<usize>,
    values: Vec<f16>,
}

/// Rows of some texts in f32.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// `[rows, length]`.
    pub(crate) rows: Array2<f32>,
    /// Where the rows of each text begin, and where the last text's end.
    pub(crate) starts: Vec<usize>,
}

/// First bytes of a file of features; the last says the version of the format.
const MAGIC: &[u8; 8] = b"features";

impl Features {
    /// No text yet; each row will have `length` numbers.
    pub fn new(length: usize) -> Features {
        Features {
            length,
            starts: vec![0],
            values: Vec::new(),
        }
    }

    /// Adds the rows of the next text. Numbers that do not fill a whole row are left out.
    pub fn push(&mut self, rows: &[f32]) {
        let n_rows = rows.len() / self.length.max(1);
        let whole = &rows[..n_rows * self.length];
        self.values
            .extend(whole.iter().map(|value| f16::from_f32(*value)));
        self.starts.push(self.n_rows() + n_rows);
    }

    /// Number of texts.
    pub fn n_texts(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of rows of all texts.
    pub fn n_rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Numbers per row.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The rows of one text, one behind the other.
    pub fn rows(&self, text: usize) -> Vec<f32> {
        self.gather(&[text]).rows.into_iter().collect()
    }

    /// The rows of some texts, in their order.
    pub(crate) fn gather(&self, texts: &[usize]) -> Batch {
        let mut starts = vec![0];
        for text in texts {
            let n_rows = self.starts[text + 1] - self.starts[*text];
            starts.push(starts[starts.len() - 1] + n_rows);
        }
        let n_rows = starts[texts.len()];
        let mut values = vec![0.0; n_rows * self.length];
        for (text, start) in texts.iter().zip(&starts) {
            let from =
                &self.values[self.starts[*text] * self.length..self.starts[text + 1] * self.length];
            let start = start * self.length;
            from.convert_to_f32_slice(&mut values[start..start + from.len()]);
        }
        let mut rows = Array2::zeros((0, self.length));
        if let Ok(filled) = Array2::from_shape_vec((n_rows, self.length), values) {
            rows = filled;
        }
        Batch { rows, starts }
    }

    /// Writes the features into a file.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        out.write_all(MAGIC)?;
        for number in [self.length, self.n_texts()] {
            out.write_all(&(number as u64).to_le_bytes())?;
        }
        for start in &self.starts {
            out.write_all(&(*start as u64).to_le_bytes())?;
        }
        for value in &self.values {
            out.write_all(&value.to_le_bytes())?;
        }
        out.flush()
    }

    /// Reads features that were written with [`Features::write`].
    ///
    /// # Errors
    /// As the system says; `InvalidData` for a file that is none or not whole.
    pub fn read(file: &Path) -> io::Result<Features> {
        let mut input = BufReader::with_capacity(1 << 20, File::open(file)?);
        let mut magic = [0; 8];
        input.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "no file of features",
            ));
        }
        let mut number = || -> io::Result<usize> {
            let mut bytes = [0; 8];
            input.read_exact(&mut bytes)?;
            usize::try_from(u64::from_le_bytes(bytes))
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        let (length, n_texts) = (number()?, number()?);
        let starts = (0..=n_texts)
            .map(|_| number())
            .collect::<io::Result<Vec<usize>>>()?;
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let is_rising = starts.windows(2).all(|pair| pair[0] <= pair[1]);
        let n_rows = starts.last().copied().unwrap_or(0);
        if !is_rising || n_rows.checked_mul(2 * length) != Some(bytes.len()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is not whole",
            ));
        }
        let values = bytes
            .chunks_exact(2)
            .map(|pair| f16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        Ok(Features {
            length,
            starts,
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn features() -> Features {
        let mut features = Features::new(2);
        features.push(&[1.0, 2.0]);
        features.push(&[3.0, 4.0, 5.0, 6.0, 7.0]);
        features.push(&[-0.5, 0.25, 1.5, 2.5, 8.0, 9.0]);
        features
    }

    #[test]
    fn texts_keep_their_rows() {
        let features = features();
        assert_eq!(
            (features.n_texts(), features.n_rows(), features.length()),
            (3, 6, 2)
        );
        let batch = features.gather(&[2, 0]);
        assert_eq!(batch.starts, [0, 3, 4]);
        assert_eq!(
            batch.rows,
            array![[-0.5, 0.25], [1.5, 2.5], [8.0, 9.0], [1.0, 2.0]]
        );
    }

    #[test]
    fn a_file_gives_back_what_was_written() {
        let file = std::env::temp_dir().join(format!("vitrine-features-{}", std::process::id()));
        features().write(&file).unwrap();
        assert_eq!(Features::read(&file).unwrap(), features());
        let whole = std::fs::read(&file).unwrap();
        for broken in [&whole[..whole.len() - 1], &whole[..20], b"something"] {
            std::fs::write(&file, broken).unwrap();
            assert!(Features::read(&file).is_err());
        }
        std::fs::remove_file(&file).unwrap();
    }
}
