//! Parquet: typed columns, zstd, row groups of 100,000 rows. Pure but for the file it is given.
//!
//! Uses the low-level writer of the `parquet` crate, column by column, so that arrow stays out of the build. A row group
//! is held in memory until it is full; that bounds what an export needs whatever the length of the day.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use rusqlite::types::ValueRef;

use super::kind::{self, Kind};
use super::{Cells, Column, Misfit, RowSink, SinkError};

/// Rows of a row group: what other writers use, too.
const GROUP_ROWS: usize = 100_000;
/// Bytes of text after which a row group is closed early.
const GROUP_TEXT: usize = 64 << 20;
/// zstd's usual level; the file is read more often than written.
const LEVEL: i32 = 3;
/// Texts that are kept to be shared by rows: tickers, causes.
const MOST_TEXTS: usize = 4_096;
/// Longer ones hardly come twice.
const LONGEST_TEXT: usize = 256;

/// Writes rows group by group.
pub struct Columnar<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Buffer>,
    rows: usize,
    text_bytes: usize,
}

impl<W: Write + Send> Columnar<W> {
    /// Begins the file. `table` is written into it as metadata, under `ayumi.table`.
    ///
    /// # Errors
    /// What the system reports.
    pub fn new(out: W, columns: &[Column], table: &str) -> Result<Self, SinkError> {
        let level = ZstdLevel::try_new(LEVEL)?;
        let about = [("ayumi.table", table), ("ayumi.version", env!("CARGO_PKG_VERSION"))];
        let about = about.map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_key_value_metadata(Some(about.to_vec()))
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(out, schema(columns)?, Arc::new(properties))?,
            columns: columns.iter().map(|column| Buffer::new(column.kind)).collect(),
            rows: 0,
            text_bytes: 0,
        })
    }

    fn close_group(&mut self) -> Result<(), SinkError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let mut writer = group.next_column()?.expect("as many columns as in the schema");
            column.write(&mut writer)?;
            writer.close()?;
            column.clear();
        }
        group.close()?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> RowSink for Columnar<W> {
    fn row(&mut self, cells: &dyn Cells) -> Result<Option<Misfit>, SinkError> {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = cells.cell(at);
            match column.push(value) {
                Some(bytes) => self.text_bytes += bytes,
                None => return Ok(Some(Misfit::new(at, column.kind, value))),
            }
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.text_bytes >= GROUP_TEXT {
            self.close_group()?;
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.rows > 0 {
            self.close_group()?;
        }
        self.writer.finish()?;
        Ok(())
    }
}

/// Every column may hold NULL: SQLite promises nothing.
fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
            Kind::TimeMicros => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
            Kind::Price => (Physical::INT64, Some(LogicalType::decimal(4, 18))),
            Kind::Int => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        let field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        let field = match column.kind {
            Kind::Price => field.with_precision(18).with_scale(4),
            _ => field,
        };
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("schema")
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

/// One column of the open row group; its kind says which of the four lists it uses.
struct Buffer {
    kind: Kind,
    int64: Vec<i64>,
    int32: Vec<i32>,
    double: Vec<f64>,
    bytes: Vec<ByteArray>,
    /// 1 = a value, 0 = NULL: the definition levels of Parquet.
    defined: Vec<i16>,
    /// The last time read: the rows of a window have it in common.
    last_time: (Vec<u8>, i64),
    texts: HashMap<Vec<u8>, ByteArray>,
}

impl Buffer {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            int64: Vec::new(),
            int32: Vec::new(),
            double: Vec::new(),
            bytes: Vec::new(),
            defined: Vec::new(),
            last_time: (Vec::new(), 0),
            texts: HashMap::new(),
        }
    }

    /// Takes a value and tells how many bytes of text it needs; `None` when it is none of this kind.
    fn push(&mut self, value: ValueRef<'_>) -> Option<usize> {
        let timed = matches!(self.kind, Kind::Time | Kind::TimeMicros);
        // A time that is an empty text is no time: the scripts' way to say NULL.
        if matches!(value, ValueRef::Null) || timed && matches!(value, ValueRef::Text([])) {
            self.defined.push(0);
            return Some(0);
        }
        let mut text_bytes = 0;
        match self.kind {
            Kind::Time | Kind::TimeMicros => {
                let time = self.time(value)?;
                self.int64.push(time);
            }
            Kind::Int => self.int64.push(kind::whole(value)?),
            Kind::Price => self.int64.push(kind::price_e4(value)?),
            Kind::Date => self.int32.push(kind::days(value)?),
            Kind::Real => self.double.push(kind::real(value)?),
            Kind::Text => {
                let text = self.text(value);
                text_bytes = text.len();
                self.bytes.push(text);
            }
        }
        self.defined.push(1);
        Some(text_bytes)
    }

    fn time(&mut self, value: ValueRef<'_>) -> Option<i64> {
        let ValueRef::Text(text) = value else { return None };
        if self.last_time.0 != text {
            let micros = kind::micros(text)?;
            let number = match self.kind {
                Kind::TimeMicros => micros,
                _ if micros % 1000 == 0 => micros / 1000,
                _ => return None,
            };
            self.last_time.0.clear();
            self.last_time.0.extend(text);
            self.last_time.1 = number;
        }
        Some(self.last_time.1)
    }

    fn text(&mut self, value: ValueRef<'_>) -> ByteArray {
        let bytes = match value {
            ValueRef::Text(text) if !kind::is_binary(value) => text,
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => return kind::hex(bytes).into_bytes().into(),
            ValueRef::Integer(n) => return n.to_string().into_bytes().into(),
            ValueRef::Real(x) => return format!("{x:?}").into_bytes().into(),
            ValueRef::Null => return ByteArray::from(""),
        };
        if let Some(known) = self.texts.get(bytes) {
            return known.clone();
        }
        let text = ByteArray::from(bytes);
        if self.texts.len() < MOST_TEXTS && bytes.len() <= LONGEST_TEXT {
            self.texts.insert(bytes.to_vec(), text.clone());
        }
        text
    }

    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let defined = Some(self.defined.as_slice());
        match self.kind {
            Kind::Text => writer
                .typed::<ByteArrayType>()
                .write_batch(&self.bytes, defined, None)?,
            Kind::Date => writer.typed::<Int32Type>().write_batch(&self.int32, defined, None)?,
            Kind::Real => writer.typed::<DoubleType>().write_batch(&self.double, defined, None)?,
            Kind::Time | Kind::TimeMicros | Kind::Int | Kind::Price => {
                writer.typed::<Int64Type>().write_batch(&self.int64, defined, None)?
            }
        };
        Ok(())
    }

    fn clear(&mut self) {
        self.defined.clear();
        self.int64.clear();
        self.int32.clear();
        self.double.clear();
        self.bytes.clear();
    }
}
