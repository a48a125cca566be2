//! Reading rows into domain types, and the small conversions of writing.
//!
//! A value that does not parse is [`StoreError::Corrupt`] with its column's name: it says that the
//! database was changed by something else, never that the caller erred.

use std::str::FromStr;

use domain::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::{Any, AnyRow};
use sqlx::{Decode, Row, Type};

use crate::error::StoreError;

/// Typed reading of a column by name.
pub(crate) trait Read {
    /// Any basic value.
    fn basic<'r, T: Decode<'r, Any> + Type<Any>>(
        &'r self,
        column: &'static str,
    ) -> Result<T, StoreError>;

    /// Text.
    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.basic(column)
    }

    /// Text or nothing.
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.basic(column)
    }

    /// A whole number.
    fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.basic(column)
    }

    /// A whole number or nothing.
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.basic(column)
    }

    /// 0 or 1.
    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A point in time.
    fn at(&self, column: &'static str) -> Result<Millis, StoreError> {
        Ok(Millis(self.int(column)?))
    }

    /// A point in time or nothing.
    fn maybe_at(&self, column: &'static str) -> Result<Option<Millis>, StoreError> {
        Ok(self.maybe_int(column)?.map(Millis))
    }

    /// One of the words of an enum.
    fn word<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        parse(&self.text(column)?, column)
    }

    /// One of the words of an enum, or nothing.
    fn maybe_word<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.maybe_text(column)?.map(|word| parse(&word, column)).transpose()
    }

    /// A structured value.
    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        from_json(&self.text(column)?, column)
    }

    /// A structured value or nothing.
    fn maybe_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?.map(|text| from_json(&text, column)).transpose()
    }

    /// A TCP port or nothing.
    fn maybe_port(&self, column: &'static str) -> Result<Option<u16>, StoreError> {
        self.maybe_int(column)?
            .map(|port| u16::try_from(port).map_err(|why| corrupt(column, &why)))
            .transpose()
    }
}

impl Read for AnyRow {
    fn basic<'r, T: Decode<'r, Any> + Type<Any>>(
        &'r self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.try_get(column).map_err(|why| corrupt(column, &why))
    }
}

/// A structured value from its JSON text.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &str,
    place: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|why| corrupt(place, &why))
}

/// A structured value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T, place: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|why| corrupt(place, &why))
}

/// Reads every row of an answer.
pub(crate) fn each<T>(
    rows: &[AnyRow],
    read: fn(&AnyRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}

fn parse<T>(word: &str, place: &'static str) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    word.parse().map_err(|why: T::Err| corrupt(place, &why))
}

fn corrupt(place: &'static str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { place, why: why.to_string() }
}
