//! PyTorch's legacy checkpoints as named tensors.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// Reads the pickle, because Python's own unpickler knows the format best; see its first lines.
const READER: &str = include_str!("checkpoint.py");

/// A checkpoint's tensors by name, with values in row-major order.
#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Checkpoint {
    /// Whether it holds a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The values of a tensor that must have this shape.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let (met, values) = self
            .tensors
            .get(name)
            .with_context(|| format!("the checkpoint has no tensor {name}"))?;
        if met != shape {
            bail!("{name} has shape {met:?}, expected {shape:?}");
        }
        Ok(values)
    }
}

/// One line of what the reader says about a tensor.
#[derive(Deserialize)]
struct Header {
    name: String,
    shape: Vec<usize>,
}

/// Reads a checkpoint in the format of `torch.save` before PyTorch 1.6.
pub(super) fn read(pickle: &[u8]) -> Result<Checkpoint> {
    let mut reader = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting python3 to read a PyTorch checkpoint")?;
    let mut stdin = reader.stdin.take().context("the reader's input is piped")?;
    // The reader takes all of its input before it writes, so neither side waits for the other.
    let sent = stdin.write_all(pickle);
    drop(stdin);
    let output = reader.wait_with_output().context("reading a checkpoint")?;
    if !output.status.success() {
        bail!("the checkpoint could not be read, see above");
    }
    sent.context("sending the checkpoint to its reader")?;
    parse(&output.stdout)
}

fn parse(dump: &[u8]) -> Result<Checkpoint> {
    let line_end = dump
        .iter()
        .position(|byte| *byte == b'\n')
        .context("the dump of a checkpoint begins with a line of JSON")?;
    let headers: Vec<Header> =
        serde_json::from_slice(&dump[..line_end]).context("the dump's header")?;
    let (values, _) = dump[line_end + 1..].as_chunks::<4>();
    let mut values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let mut tensors = HashMap::new();
    for Header { name, shape } in headers {
        let wanted: usize = shape.iter().product();
        let of_tensor: Vec<f32> = values.by_ref().take(wanted).collect();
        if of_tensor.len() != wanted {
            bail!("the dump ends inside {name}");
        }
        tensors.insert(name, (shape, of_tensor));
    }
    Ok(Checkpoint { tensors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_becomes_tensors() {
        let mut dump = br#"[{"name":"a","shape":[2]},{"name":"b","shape":[]}]"#.to_vec();
        dump.push(b'\n');
        for value in [1.0_f32, 2.0, 3.0] {
            dump.extend(value.to_le_bytes());
        }
        let checkpoint = parse(&dump).unwrap();
        assert_eq!(checkpoint.tensor("a", &[2]).unwrap(), [1.0, 2.0]);
        assert_eq!(checkpoint.tensor("b", &[]).unwrap(), [3.0]);
        assert!(checkpoint.tensor("a", &[1, 2]).is_err());
        assert!(checkpoint.tensor("c", &[]).is_err());
        dump.pop();
        assert!(parse(&dump).is_err());
    }

    #[test]
    fn a_pickle_that_asks_for_code_is_refused() {
        // pickle protocol 0 for os.system("true"), which an ordinary unpickler would run.
        let error = read(b"cos\nsystem\n(S'true'\ntR.").unwrap_err().to_string();
        assert!(error.contains("could not be read"), "{error}");
    }
}
