//! Rows of a look-up table that nothing can ask for, left out of a file.

use prost::Message as _;

use crate::OnnxError;
use crate::format::{Attribute, INT16, INT64, Node, Tensor};
use crate::graph::{Graph, INITIALIZER, NODE};
use crate::narrow::{GRAPH, check};
use crate::wire::{self, put};

/// Field number of `GraphProto` for the types of values in between.
const VALUE_INFO: u32 = 13;

/// Keeps those rows of a table for which `keep` says so, in every table of `keep.len()` rows that
/// `Gather` looks up by an axis-0 index.
///
/// Indices stay as they are: where rows in the middle go, a list in the file says where each kept
/// row stands now, and is looked up first. Where only the last rows go there is no such list, and
/// an index of one of them is an error of whoever runs the file. A row that went is never asked
/// for; if it is, row 0 answers.
///
/// # Errors
/// [`OnnxError::NoTable`] when there is no such table, [`OnnxError::TooManyRows`] for more kept rows
/// than two bytes can number, and those of [`narrow`](crate::narrow).
pub fn keep_rows(file: &[u8], keep: &[bool]) -> Result<Vec<u8>, OnnxError> {
    let model = wire::fields(file)?;
    let content = check(file, &model)?;
    let graph = rewrite(Graph::read(content)?, keep)?;
    let mut shortened = Vec::with_capacity(file.len());
    for field in model {
        match field.tag {
            GRAPH => put(GRAPH, &graph, &mut shortened),
            _ => shortened.extend_from_slice(field.whole),
        }
    }
    Ok(shortened)
}

fn rewrite(mut graph: Graph<'_>, keep: &[bool]) -> Result<Vec<u8>, OnnxError> {
    let tables: Vec<(String, Vec<usize>)> = graph
        .weights()?
        .into_iter()
        .filter(|weight| weight.shape.first() == Some(&keep.len()))
        .filter(|weight| graph.is_only_looked_up(&weight.name))
        .map(|weight| (weight.name, weight.fields))
        .collect();
    if tables.is_empty() {
        return Err(OnnxError::NoTable { rows: keep.len() });
    }
    let mut instead: Vec<Option<Vec<u8>>> = vec![None; graph.fields.len()];
    for at in tables.iter().flat_map(|(_, fields)| fields) {
        let field = graph.fields[*at];
        if field.tag == INITIALIZER {
            let tensor = Tensor::decode(field.content)?;
            instead[*at] = Some(kept(tensor, keep)?.encode_to_vec());
        }
    }
    let mut places = Vec::new();
    if let Some(list) = new_places(keep)? {
        let stored = graph.fresh_name("kept_rows.int16".to_owned());
        let wide = graph.fresh_name("kept_rows".to_owned());
        let bytes = list.iter().flat_map(|place| place.to_le_bytes()).collect();
        let tensor = Tensor::raw(&stored, INT16, &[keep.len()], bytes);
        put(INITIALIZER, &tensor.encode_to_vec(), &mut places);
        let to = vec![Attribute::int("to", i64::from(INT64))];
        let cast = Node::new("Cast", &wide, &[&stored], to);
        put(NODE, &cast.encode_to_vec(), &mut places);
        for (name, _) in &tables {
            for at in graph.reader_positions(name) {
                let mut gather = Node::decode(graph.fields[at].content)?;
                let place = graph.fresh_name(format!("{}.place", gather.output[0]));
                let find = Node::new("Gather", &place, &[&wide, &gather.input[1]], vec![]);
                gather.input[1] = place;
                let mut both = Vec::new();
                put(NODE, &find.encode_to_vec(), &mut both);
                put(NODE, &gather.encode_to_vec(), &mut both);
                instead[at] = Some(both);
            }
        }
    }
    let mut rewritten = places;
    for (field, instead) in graph.fields.iter().zip(instead) {
        match instead {
            // Shapes of values in between, which say how long the tables were; they can be inferred.
            None if field.tag == VALUE_INFO => {}
            None => rewritten.extend_from_slice(field.whole),
            Some(content) if field.tag == INITIALIZER => put(INITIALIZER, &content, &mut rewritten),
            Some(nodes) => rewritten.extend_from_slice(&nodes),
        }
    }
    Ok(rewritten)
}

/// A tensor with the kept rows only; one that is not stored per row, such as a single scale, stays.
fn kept(mut tensor: Tensor, keep: &[bool]) -> Result<Tensor, OnnxError> {
    if tensor.dims.first() != Some(&(keep.len() as i64)) {
        return Ok(tensor);
    }
    if tensor.raw_data.is_empty() || !tensor.raw_data.len().is_multiple_of(keep.len()) {
        return Err(OnnxError::Tensor {
            met: tensor.raw_data.len(),
            shape: tensor.dims,
            name: tensor.name,
        });
    }
    let rows = tensor.raw_data.chunks(tensor.raw_data.len() / keep.len());
    let kept: Vec<&[u8]> = (rows.zip(keep))
        .filter_map(|(row, keep)| keep.then_some(row))
        .collect();
    tensor.dims[0] = kept.len() as i64;
    tensor.raw_data = kept.concat();
    Ok(tensor)
}

/// Where each row stands among the kept ones; `None` where all of them stand where they stood.
fn new_places(keep: &[bool]) -> Result<Option<Vec<i16>>, OnnxError> {
    let first_gone = keep.iter().position(|keep| !keep).unwrap_or(keep.len());
    if keep[first_gone..].iter().all(|keep| !keep) {
        return Ok(None);
    }
    let rows = keep.iter().filter(|keep| **keep).count();
    i16::try_from(rows).map_err(|_| OnnxError::TooManyRows { rows })?;
    let mut next = 0;
    let places = keep.iter().map(|keep| match keep {
        true => {
            next += 1;
            next - 1
        }
        false => 0,
    });
    Ok(Some(places.collect()))
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::Weights;

    use super::*;
    use crate::format::{Graph as GraphMessage, Model, ValueInfo};
    use crate::narrow;

    /// A file with a table of six rows whose first value is ten times the row's number.
    fn file(width: Weights) -> Vec<u8> {
        let values: Vec<f32> = (0..6 * 64)
            .map(|at| (10 * (at / 64) + at % 64 % 7) as f32)
            .collect();
        let file = Model::new(GraphMessage {
            node: vec![Node::new("Gather", "y", &["table", "x"], vec![])],
            name: "g".to_owned(),
            initializer: vec![Tensor::f32("table", &[6, 64], &values)],
            input: vec![ValueInfo::f32("x", &[1])],
            output: vec![ValueInfo::f32("y", &[1, 64])],
        });
        narrow(&file.to_bytes(), width).unwrap()
    }

    fn graph(file: &[u8]) -> GraphMessage {
        Model::decode(file).unwrap().graph.unwrap()
    }

    fn node<'a>(graph: &'a GraphMessage, output: &str) -> &'a Node {
        let mut nodes = graph.node.iter();
        nodes.find(|node| node.output == [output]).unwrap()
    }

    /// The first value of each row of the table.
    fn firsts(file: &[u8]) -> Vec<f32> {
        let wide = graph(&narrow(file, Weights::F32).unwrap());
        let mut tensors = wide.initializer.iter();
        let table = tensors.find(|tensor| tensor.name == "table").unwrap();
        let (values, _) = table.raw_data.as_chunks::<4>();
        let rows = values.chunks(64);
        rows.map(|row| f32::from_le_bytes(row[0]).round()).collect()
    }

    #[track_caller]
    fn check_kept(width: Weights) {
        let shortened = keep_rows(&file(width), &[true, false, false, true, true, false]).unwrap();
        assert_eq!(firsts(&shortened), [0.0, 30.0, 40.0]);
        let graph = graph(&shortened);
        let gather = node(&graph, "y");
        let find = node(&graph, &gather.input[1]);
        assert_eq!(
            (find.op_type.as_str(), find.input[1].as_str()),
            ("Gather", "x")
        );
        let cast = node(&graph, &find.input[0]);
        let mut tensors = graph.initializer.iter();
        let list = tensors.find(|tensor| tensor.name == cast.input[0]).unwrap();
        let (places, _) = list.raw_data.as_chunks::<2>();
        let places: Vec<i16> = places
            .iter()
            .map(|bytes| i16::from_le_bytes(*bytes))
            .collect();
        assert_eq!(places, [0, 0, 0, 1, 2, 0]);
    }

    #[test]
    fn kept_rows_are_found_by_their_old_numbers() {
        check_kept(Weights::F32);
        check_kept(Weights::F16);
        check_kept(Weights::Int8);
    }

    #[test]
    fn a_table_without_its_end_needs_no_list() {
        let keep = [true, true, true, false, false, false];
        let shortened = keep_rows(&file(Weights::Int8), &keep).unwrap();
        assert_eq!(firsts(&shortened), [0.0, 10.0, 20.0]);
        assert_eq!(node(&graph(&shortened), "y").input[1], "x");
    }

    #[test]
    fn a_table_of_another_length_is_missed() {
        let error = keep_rows(&file(Weights::F32), &[true; 5]).unwrap_err();
        assert!(matches!(error, OnnxError::NoTable { rows: 5 }));
    }
}
