//! Long rows of numbers in files: as bytes one after another, so that reading them is one copy into memory of just the right
//! size, whatever the file's format does with single numbers.
//!
//! For fields: `#[serde(with = "columns")]`.

use serde::{Deserializer, Serializer, de};
use std::{fmt, marker::PhantomData};

/// What may stand in such a row: a number, or several side by side.
pub(crate) trait Entry: Copy {
    /// How many bytes it takes.
    const BYTES: usize;

    /// Appends it.
    fn write(self, bytes: &mut Vec<u8>);

    /// Takes it from exactly [`Self::BYTES`] bytes.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Entry for $number {
            const BYTES: usize = size_of::<$number>();

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Self {
                let mut number = [0; size_of::<$number>()];
                number.copy_from_slice(bytes);
                Self::from_le_bytes(number)
            }
        }
    )*};
}

numbers!(u8 u16 u32 i32 f32);

impl Entry for bool {
    const BYTES: usize = 1;

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }

    fn read(bytes: &[u8]) -> Self {
        bytes[0] != 0
    }
}

impl<T: Entry, const N: usize> Entry for [T; N] {
    const BYTES: usize = N * T::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        self.into_iter().for_each(|entry| entry.write(bytes));
    }

    fn read(bytes: &[u8]) -> Self {
        std::array::from_fn(|i| T::read(&bytes[i * T::BYTES..(i + 1) * T::BYTES]))
    }
}

impl<A: Entry, B: Entry> Entry for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let (a, b) = bytes.split_at(A::BYTES);
        (A::read(a), B::read(b))
    }
}

pub(crate) fn serialize<T: Entry, S: Serializer>(column: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(column.len() * T::BYTES);
    column.iter().for_each(|entry| entry.write(&mut bytes));
    serializer.serialize_bytes(&bytes)
}

pub(crate) fn deserialize<'de, T: Entry, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_bytes(Column(PhantomData))
}

struct Column<T>(PhantomData<T>);

impl<T: Entry> de::Visitor<'_> for Column<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries of {} bytes", T::BYTES)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
        let entries = bytes.chunks_exact(T::BYTES);
        match entries.remainder() {
            [] => Ok(entries.map(T::read).collect()),
            _ => Err(E::invalid_length(bytes.len(), &self)),
        }
    }
}
