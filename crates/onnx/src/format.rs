//! As much of the ONNX file format as is written here: field numbers from `onnx.proto`, IR 8.
//!
//! These messages are for building graphs and for looking at parts of one. They leave out fields,
//! so a file from elsewhere is never decoded and encoded as a whole: see [`narrow`](crate::narrow).

use prost::Message as _;

use crate::OnnxError;

/// `ModelProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Model {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Name of the program that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// What is computed.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Versions of the operators that the graph uses.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
}

impl Model {
    /// A file of format version 8 whose graph uses the standard operators of version 13.
    pub fn new(graph: Graph) -> Model {
        Model {
            ir_version: 8,
            producer_name: "vitrine".to_owned(),
            graph: Some(graph),
            opset_import: vec![OperatorSet {
                domain: String::new(),
                version: 13,
            }],
        }
    }

    /// Reads what is known here of a file; see [`check`](crate::check) for files of unknown origin.
    ///
    /// # Errors
    /// [`OnnxError::Decode`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, OnnxError> {
        Ok(Model::decode(bytes)?)
    }

    /// The bytes of the file; the same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

/// `OperatorSetIdProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSet {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version of the set.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Graph {
    /// Steps, each after those whose outputs it reads.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// What is fed in.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Node {
    /// Names of the values that are read; an empty name is an input left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values that are made.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name of the node.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Name of the operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Settings of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

impl Node {
    /// A node with one output, which carries the node's name.
    pub fn new(op_type: &str, name: &str, inputs: &[&str], attribute: Vec<Attribute>) -> Node {
        Node {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            attribute,
        }
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attribute
            .iter()
            .find(|attribute| attribute.name == name)
    }
}

/// `AttributeProto`, for whole numbers, lists of them, and tensors.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// Name of the setting.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value, if it is a whole number.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// The value, if it is a tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    /// The value, if it is a list of whole numbers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// `AttributeType`.
    #[prost(int32, tag = "20")]
    pub kind: i32,
}

impl Attribute {
    /// A whole number; `AttributeType.INT`.
    pub fn int(name: &str, i: i64) -> Attribute {
        Attribute {
            name: name.to_owned(),
            i,
            kind: 2,
            ..Attribute::default()
        }
    }

    /// A list of whole numbers; `AttributeType.INTS`.
    pub fn ints(name: &str, ints: &[usize]) -> Attribute {
        Attribute {
            name: name.to_owned(),
            ints: ints.iter().map(|value| *value as i64).collect(),
            kind: 7,
            ..Attribute::default()
        }
    }
}

/// `TensorProto.DataType` of f32.
pub const FLOAT: i32 = 1;

/// `TensorProto.DataType` of i8.
pub const INT8: i32 = 3;

/// `TensorProto.DataType` of i16.
pub const INT16: i32 = 5;

/// `TensorProto.DataType` of i64.
pub const INT64: i32 = 7;

/// `TensorProto.DataType` of f16.
pub const FLOAT16: i32 = 10;

/// `TensorProto` with its values as little-endian bytes, or in the two lists that short types use.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tensor {
    /// Shape; empty for a single number.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// `TensorProto.DataType`.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Values of an f32 tensor without `raw_data`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of an i8 tensor, or bits of an f16 tensor, without `raw_data`.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Name that nodes read it by.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Values as little-endian bytes in row-major order.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

impl Tensor {
    /// A tensor with values as little-endian bytes.
    pub fn raw(name: &str, data_type: i32, shape: &[usize], raw_data: Vec<u8>) -> Tensor {
        Tensor {
            dims: shape.iter().map(|length| *length as i64).collect(),
            data_type,
            name: name.to_owned(),
            raw_data,
            ..Tensor::default()
        }
    }

    /// An f32 tensor.
    pub fn f32(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Tensor::raw(name, FLOAT, shape, bytes)
    }
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfo {
    /// Name of the value.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type and shape.
    #[prost(message, optional, tag = "2")]
    pub kind: Option<Type>,
}

impl ValueInfo {
    /// An f32 tensor of a fixed shape.
    pub fn f32(name: &str, shape: &[usize]) -> ValueInfo {
        ValueInfo::of_dimensions(name, shape.iter().copied().map(Dimension::fixed).collect())
    }

    /// An f32 matrix of any number of rows.
    pub fn f32_rows(name: &str, columns: usize) -> ValueInfo {
        ValueInfo::of_dimensions(name, vec![Dimension::free("n"), Dimension::fixed(columns)])
    }

    /// An f32 list of any length.
    pub fn f32_list(name: &str) -> ValueInfo {
        ValueInfo::of_dimensions(name, vec![Dimension::free("n")])
    }

    fn of_dimensions(name: &str, dim: Vec<Dimension>) -> ValueInfo {
        ValueInfo {
            name: name.to_owned(),
            kind: Some(Type {
                tensor_type: Some(TensorType {
                    elem_type: FLOAT,
                    shape: Some(Shape { dim }),
                }),
            }),
        }
    }
}

/// `TypeProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Type {
    /// The only kind of type written here.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorType {
    /// `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Lengths of the axes.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shape {
    /// One per axis.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dimension {
    /// Length of the axis, if it is fixed.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// Name of the length, if it is not.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

impl Dimension {
    fn fixed(length: usize) -> Dimension {
        Dimension {
            dim_value: Some(length as i64),
            dim_param: None,
        }
    }

    fn free(name: &str) -> Dimension {
        Dimension {
            dim_value: None,
            dim_param: Some(name.to_owned()),
        }
    }
}
