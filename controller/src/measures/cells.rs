//! A row of a measure as cells: what a table in JSON is made of, whatever measure it is of.

use serde::{
    Serialize,
    ser::{Error, Impossible, SerializeStruct, Serializer},
};
use std::fmt::Display;

/// One value of one row. Moments are milliseconds, as in the log.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not told.
    None,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number in 32 bits, and written with no more digits than those need.
    Single(f32),
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl Cell {
    /// As a number; `None` for what is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Whole(number) => Some(*number as f64),
            Cell::Single(number) => Some(f64::from(*number)),
            Cell::Number(number) => Some(*number),
            Cell::None | Cell::Flag(_) | Cell::Word(_) => None,
        }
    }

    /// As a whole number; `None` for what is none.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Cell::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// As yes or no; `None` for what is neither.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Cell::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// As a word; `None` for what is none.
    pub fn word(&self) -> Option<&str> {
        match self {
            Cell::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The cells of a row, in the order of its fields.
pub fn cells<R: Serialize>(row: &R) -> Vec<Cell> {
    // Rows are structs of plain fields, which `each_measure_has_the_cells_of_its_columns` tests for all of them.
    row.serialize(OfRow).unwrap_or_default()
}

/// It was not a struct of plain fields.
#[derive(Debug)]
struct NotPlain;

impl Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a row of plain fields")
    }
}

impl std::error::Error for NotPlain {}

impl Error for NotPlain {
    fn custom<T: Display>(_: T) -> NotPlain {
        NotPlain
    }
}

struct OfRow;

struct Fields(Vec<Cell>);

impl SerializeStruct for Fields {
    type Ok = Vec<Cell>;
    type Error = NotPlain;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), NotPlain> {
        self.0.push(value.serialize(OfField)?);
        Ok(())
    }
    fn end(self) -> Result<Vec<Cell>, NotPlain> {
        Ok(self.0)
    }
}

struct OfField;

/// What neither a row nor a field is.
macro_rules! never {
    ($($name:ident($($kind:ty),*) -> $result:ty;)*) => {$(
        fn $name(self, $(_: $kind),*) -> Result<$result, NotPlain> {
            Err(NotPlain)
        }
    )*};
}

/// Compound things that neither is.
macro_rules! never_compound {
    () => {
        type SerializeSeq = Impossible<Self::Ok, NotPlain>;
        type SerializeTuple = Impossible<Self::Ok, NotPlain>;
        type SerializeTupleStruct = Impossible<Self::Ok, NotPlain>;
        type SerializeTupleVariant = Impossible<Self::Ok, NotPlain>;
        type SerializeMap = Impossible<Self::Ok, NotPlain>;
        type SerializeStructVariant = Impossible<Self::Ok, NotPlain>;
        never! {
            serialize_bytes(&[u8]) -> Self::Ok;
            serialize_unit() -> Self::Ok;
            serialize_unit_struct(&'static str) -> Self::Ok;
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
            serialize_map(Option<usize>) -> Self::SerializeMap;
            serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, NotPlain> {
            Err(NotPlain)
        }
        /// Columns of a file are text; cells are values.
        fn is_human_readable(&self) -> bool {
            false
        }
    };
}

impl Serializer for OfRow {
    type Ok = Vec<Cell>;
    type Error = NotPlain;
    type SerializeStruct = Fields;
    never_compound!();
    never! {
        serialize_bool(bool) -> Vec<Cell>;
        serialize_i8(i8) -> Vec<Cell>;
        serialize_i16(i16) -> Vec<Cell>;
        serialize_i32(i32) -> Vec<Cell>;
        serialize_i64(i64) -> Vec<Cell>;
        serialize_u8(u8) -> Vec<Cell>;
        serialize_u16(u16) -> Vec<Cell>;
        serialize_u32(u32) -> Vec<Cell>;
        serialize_u64(u64) -> Vec<Cell>;
        serialize_f32(f32) -> Vec<Cell>;
        serialize_f64(f64) -> Vec<Cell>;
        serialize_char(char) -> Vec<Cell>;
        serialize_str(&str) -> Vec<Cell>;
        serialize_none() -> Vec<Cell>;
        serialize_unit_variant(&'static str, u32, &'static str) -> Vec<Cell>;
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Vec<Cell>, NotPlain> {
        Err(NotPlain)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<Cell>, NotPlain> {
        Err(NotPlain)
    }
    fn serialize_struct(self, _: &'static str, fields: usize) -> Result<Fields, NotPlain> {
        Ok(Fields(Vec::with_capacity(fields)))
    }
}

/// Fields that are such numbers.
macro_rules! whole {
    ($($name:ident($kind:ty);)*) => {$(
        fn $name(self, number: $kind) -> Result<Cell, NotPlain> {
            Ok(Cell::Whole(number.into()))
        }
    )*};
}

impl Serializer for OfField {
    type Ok = Cell;
    type Error = NotPlain;
    type SerializeStruct = Impossible<Cell, NotPlain>;
    never_compound!();
    never! {
        serialize_u64(u64) -> Cell;
        serialize_struct(&'static str, usize) -> Impossible<Cell, NotPlain>;
    }
    whole! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
    }
    fn serialize_bool(self, flag: bool) -> Result<Cell, NotPlain> {
        Ok(Cell::Flag(flag))
    }
    fn serialize_f32(self, number: f32) -> Result<Cell, NotPlain> {
        Ok(Cell::Single(number))
    }
    fn serialize_f64(self, number: f64) -> Result<Cell, NotPlain> {
        Ok(Cell::Number(number))
    }
    fn serialize_char(self, letter: char) -> Result<Cell, NotPlain> {
        Ok(Cell::Word(letter.into()))
    }
    fn serialize_str(self, word: &str) -> Result<Cell, NotPlain> {
        Ok(Cell::Word(word.to_owned()))
    }
    fn serialize_none(self) -> Result<Cell, NotPlain> {
        Ok(Cell::None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Cell, NotPlain> {
        value.serialize(OfField)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Cell, NotPlain> {
        value.serialize(OfField)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Cell, NotPlain> {
        Ok(Cell::Word(variant.to_owned()))
    }
}
