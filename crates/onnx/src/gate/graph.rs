//! Graphs: what is in them, and that every value is made once and before it is read.

use std::collections::HashMap;

use vitrine_protocol::GateError;

use super::sizes::{self, Known, MOST_INPUTS};
use super::wire::{Field, Once};
use super::{Walk, is_standard_domain, shown, tensor, value};

/// The values that nodes may read at a point of the walk.
#[derive(Default)]
pub(super) struct Names<'a> {
    made: HashMap<&'a str, Made>,
    /// What names of the open graphs stood for before, to be restored when each is left.
    before: Vec<(&'a str, Option<Made>)>,
    /// Graphs that are open, from the outermost.
    graphs: Vec<Field<'a>>,
    /// What is known of values, in the order in which they were made.
    known: Vec<Known>,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
struct Made {
    /// How many graphs are around.
    level: usize,
    by: Maker,
    /// Where what is known of it stands in [`Names::known`].
    known: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Input,
    Initialiser,
    /// Until version 3 of the format each initialiser is an input as well.
    InputWithDefault,
    Node,
}

impl<'a> Names<'a> {
    /// Notes that a value is made. Inner graphs may reuse the names of outer ones.
    fn make(&mut self, name: &'a str, by: Maker, known: Option<Known>) -> Result<(), GateError> {
        let level = self.graphs.len();
        let before = self.made.get(name).copied();
        let by = match before.filter(|made| made.level == level) {
            None => by,
            Some(made) => match (made.by, by) {
                (Maker::Input, Maker::Initialiser) | (Maker::Initialiser, Maker::Input) => {
                    Maker::InputWithDefault
                }
                _ => {
                    let value = shown(name);
                    return Err(GateError::MadeTwice { value });
                }
            },
        };
        let known = match (before, known) {
            // What an initialiser holds says more than that the same value is an input.
            (Some(made), _) if by == Maker::InputWithDefault && made.by == Maker::Initialiser => {
                made.known
            }
            (_, known) => known.map(|known| {
                self.known.push(known);
                self.known.len() - 1
            }),
        };
        self.made.insert(name, Made { level, by, known });
        self.before.push((name, before));
        Ok(())
    }

    /// Forgets what was made since `before` had this length.
    fn leave(&mut self, length: usize) {
        for (name, made) in self.before.drain(length..).rev() {
            match made {
                Some(made) => self.made.insert(name, made),
                None => self.made.remove(name),
            };
        }
        self.graphs.pop();
    }

    /// What is known of a value that was made; nothing of an input left out.
    fn known(&self, name: &str) -> Option<&Known> {
        if name.is_empty() {
            return None;
        }
        self.known.get(self.made.get(name)?.known?)
    }

    /// Refuses to read what is not made yet. An empty name is an input left out.
    fn read(&self, name: &str, reader: impl Fn() -> String) -> Result<(), GateError> {
        if name.is_empty() || self.made.contains_key(name) {
            return Ok(());
        }
        let (node, value) = (reader(), shown(name));
        for graph in &self.graphs {
            if is_made_in(graph, name)? {
                return Err(GateError::Order { node, value });
            }
        }
        Err(GateError::UnknownValue { node, value })
    }
}

/// Whether any node of the graph makes the value, those of inner graphs aside.
fn is_made_in(graph: &Field<'_>, name: &str) -> Result<bool, GateError> {
    let mut fields = graph.message()?;
    while let Some(field) = fields.next()? {
        if field.number != NODE {
            continue;
        }
        let mut of_node = field.message()?;
        while let Some(field) = of_node.next()? {
            if field.number == OUTPUT_OF_NODE && field.content()? == name.as_bytes() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Field numbers of `GraphProto` that are read in several passes, and of `NodeProto`.
const NODE: u32 = 1;
const OUTPUT: u32 = 12;
const OUTPUT_OF_NODE: u32 = 2;

/// The operator whose output is its tensor, which was looked at as one.
const CONSTANT: &str = "Constant";

/// Walks a `GraphProto`. Fields may come in any order, so inputs and constants are taken before the
/// nodes that read them, and the graph's outputs last.
pub(super) fn walk<'a>(
    graph: &Field<'a>,
    walk: &mut Walk<'_>,
    names: &mut Names<'a>,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    names.graphs.push(*graph);
    let n_before = names.before.len();
    let mut fields = graph.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            2 => {
                walk.name(&field)?;
            }
            5 => {
                let owner = || "initialiser".to_owned();
                let (name, known) = tensor::walk(&field, walk, &owner, depth + 1)?;
                names.make(name, Maker::Initialiser, Some(known))?;
            }
            10 => walk.text(&field)?,
            11 => {
                let (name, known) = value::walk(&field, walk, depth + 1)?;
                names.make(name, Maker::Input, known)?;
            }
            13 => {
                value::walk(&field, walk, depth + 1)?;
            }
            14 => annotation(&field, walk, depth + 1)?,
            15 => return Err(tensor::sparse()),
            16 => walk.entry(&field, depth + 1)?,
            _ => {}
        }
    }
    let mut fields = graph.message()?;
    while let Some(field) = fields.next()? {
        if field.number == NODE {
            node(&field, walk, names, depth + 1)?;
        }
    }
    let mut fields = graph.message()?;
    while let Some(field) = fields.next()? {
        if field.number == OUTPUT {
            let (name, _) = value::walk(&field, walk, depth + 1)?;
            names.read(name, || "output".to_owned())?;
        }
    }
    names.leave(n_before);
    Ok(())
}

/// `TensorAnnotation`: how a tensor was quantised, for those who look it up.
fn annotation(field: &Field<'_>, walk: &mut Walk<'_>, depth: u32) -> Result<(), GateError> {
    walk.enter(depth)?;
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                walk.name(&field)?;
            }
            2 => walk.entry(&field, depth + 1)?,
            _ => {}
        }
    }
    Ok(())
}

/// `NodeProto`. Its outputs are made after everything in it was read, so that a node which reads
/// itself is found.
fn node<'a>(
    node: &Field<'a>,
    walk: &mut Walk<'_>,
    names: &mut Names<'a>,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    walk.node()?;
    let (mut operator, mut is_standard) = ("", true);
    let (mut inputs, mut n_inputs) = ([""; MOST_INPUTS], 0);
    let mut of_attribute = None;
    let mut fields = node.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                let name = walk.name(&field)?;
                names.read(name, || label(node))?;
                if let Some(input) = inputs.get_mut(n_inputs) {
                    (*input, n_inputs) = (name, n_inputs + 1);
                }
            }
            4 => operator = walk.name(&field)?,
            7 => is_standard = is_standard_domain(walk.name(&field)?),
            3 | 8 => {
                walk.name(&field)?;
            }
            5 => {
                let tensor = attribute(&field, walk, names, node, depth + 1)?;
                of_attribute = tensor.or(of_attribute);
            }
            6 => walk.text(&field)?,
            9 => walk.entry(&field, depth + 1)?,
            _ => {}
        }
    }
    let mut known = match is_standard {
        true => {
            let inputs = inputs.map(|name| names.known(name));
            sizes::of_output(operator, inputs, of_attribute)
        }
        false => None,
    };
    let mut fields = node.message()?;
    while let Some(field) = fields.next()? {
        if field.number == OUTPUT_OF_NODE {
            let name = walk.name(&field)?;
            // Only the first output's size is known.
            let known = known.take();
            if let Some(known) = known.as_ref().filter(|_| operator != CONSTANT) {
                check_size(name, known, walk)?;
            }
            if !name.is_empty() {
                names.make(name, Maker::Node, known)?;
            }
        }
    }
    Ok(())
}

/// Refuses a value that a node would make too large, and counts it as one that nodes pass on.
fn check_size(name: &str, known: &Known, walk: &mut Walk<'_>) -> Result<(), GateError> {
    let name = &|| shown(name);
    let (size, limit) = (known.bytes_per_number, walk.limits.max_tensor_bytes);
    tensor::check_lengths(name, &known.shape, walk)?;
    let n_numbers = tensor::n_numbers(name, &known.shape, size, limit)?;
    walk.passes_on(n_numbers * size);
    Ok(())
}

/// What a node is called in a message: its name, or its operator where it has none.
fn label(node: &Field<'_>) -> String {
    let mut label = [""; 2];
    let mut fields = node.message().ok();
    while let Some(Ok(Some(field))) = fields.as_mut().map(|fields| fields.next()) {
        let text = (field.content().ok()).and_then(|content| std::str::from_utf8(content).ok());
        if let (3 | 4, Some(text)) = (field.number, text) {
            label[field.number as usize - 3] = text;
        }
    }
    let [name, operator] = label;
    shown(if name.is_empty() { operator } else { name })
}

/// `AttributeProto`; answers what is known of its tensor, where it is one.
fn attribute<'a>(
    attribute: &Field<'a>,
    walk: &mut Walk<'_>,
    names: &mut Names<'a>,
    node: &Field<'a>,
    depth: u32,
) -> Result<Option<Known>, GateError> {
    walk.enter(depth)?;
    let mut once = Once::default();
    let mut of_tensor = None;
    let mut fields = attribute.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 | 21 => {
                walk.name(&field)?;
            }
            2 => {
                field.fixed32()?;
            }
            3 | 20 => {
                field.int()?;
            }
            4 => {
                once.see(&field)?;
                walk.blob(&field)?;
            }
            // A decoder would join two tensors or graphs into one.
            5 => {
                once.see(&field)?;
                let (_, known) = tensor::walk(&field, walk, &|| label(node), depth + 1)?;
                of_tensor = Some(known);
            }
            6 => {
                once.see(&field)?;
                self::walk(&field, walk, names, depth + 1)?;
            }
            7 => {
                let n = field.each_fixed32(|_| {})?;
                walk.list_values(n)?;
            }
            8 => {
                let n = field.n_varints()?;
                walk.list_values(n)?;
            }
            9 => walk.blob(&field)?,
            10 => {
                tensor::walk(&field, walk, &|| label(node), depth + 1)?;
            }
            11 => self::walk(&field, walk, names, depth + 1)?,
            13 => walk.text(&field)?,
            14 => {
                once.see(&field)?;
                value::ignore_type(&field, walk, depth + 1)?;
            }
            15 => value::ignore_type(&field, walk, depth + 1)?,
            22 | 23 => return Err(tensor::sparse()),
            _ => {}
        }
    }
    Ok(of_tensor)
}
