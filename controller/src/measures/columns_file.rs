//! A table of a measure as a Parquet file or a stream of Arrow: for notebooks and data warehouses, which read no other format
//! as fast.
//!
//! Each of `columns` has its cells at the same place of `cells`; moments are milliseconds in UTC, and any cell may be missing.

use super::{
    catalogue::{Column, Kind},
    cells::Cell,
};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, Schema};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};
use std::sync::Arc;

/// The bytes of a stream of one record batch.
pub fn arrow(columns: &[Column], cells: &[Vec<Cell>]) -> Result<Vec<u8>, ArrowError> {
    let arrays = columns.iter().zip(cells).map(|(column, cells)| array(column.kind, cells));
    let arrays: Vec<ArrayRef> = arrays.collect();
    let typed = columns.iter().zip(&arrays);
    let fields: Vec<Field> =
        typed.map(|(column, array)| Field::new(column.name, array.data_type().clone(), true)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    stream.write(&batch)?;
    stream.into_inner()
}

fn array(kind: Kind, cells: &[Cell]) -> ArrayRef {
    let cells = cells.iter();
    match kind {
        Kind::Time => {
            Arc::new(cells.map(Cell::whole).collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        }
        Kind::Group | Kind::Channel | Kind::Label => Arc::new(cells.map(Cell::whole).collect::<Int64Array>()),
        Kind::Number => Arc::new(cells.map(Cell::number).collect::<Float64Array>()),
        Kind::Flag => Arc::new(cells.map(Cell::flag).collect::<BooleanArray>()),
        Kind::Device | Kind::Word => Arc::new(cells.map(Cell::word).collect::<StringArray>()),
    }
}

/// The bytes of the file.
pub fn parquet(columns: &[Column], cells: &[Vec<Cell>]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("measure").with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    let mut rows = file.next_row_group()?;
    for (column, cells) in columns.iter().zip(cells) {
        let Some(mut writer) = rows.next_column()? else { break };
        match physical(column.kind) {
            Physical::BOOLEAN => write::<BoolType>(&mut writer, cells, Cell::flag)?,
            Physical::INT64 => write::<Int64Type>(&mut writer, cells, Cell::whole)?,
            Physical::DOUBLE => write::<DoubleType>(&mut writer, cells, Cell::number)?,
            _ => write::<ByteArrayType>(&mut writer, cells, |cell| cell.word().map(ByteArray::from))?,
        }
        writer.close()?;
    }
    rows.close()?;
    file.into_inner()
}

fn physical(kind: Kind) -> Physical {
    match kind {
        Kind::Time | Kind::Group | Kind::Channel | Kind::Label => Physical::INT64,
        Kind::Number => Physical::DOUBLE,
        Kind::Flag => Physical::BOOLEAN,
        Kind::Device | Kind::Word => Physical::BYTE_ARRAY,
    }
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let logical = match column.kind {
        Kind::Time => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
        Kind::Device | Kind::Word => Some(LogicalType::String),
        _ => None,
    };
    let field = Type::primitive_type_builder(column.name, physical(column.kind))
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

/// Writes the cells that are there, and for each whether it is.
fn write<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    cells: &[Cell],
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = cells.iter().map(value).collect();
    let there: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&values, Some(&there), None)?;
    Ok(())
}
