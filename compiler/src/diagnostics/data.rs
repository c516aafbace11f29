//! Data that a finding holds for programs, in the shape of JSON.

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Data>),
    /// In the order in which it is written.
    Object(Vec<(String, Data)>),
}
