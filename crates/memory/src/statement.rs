//! One statement: its values bound by number, its rows read whole.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql};
use sqlx_core::HashMap;
use sqlx_core::any::{
    AnyArguments, AnyColumn, AnyQueryResult, AnyRow, AnyTypeInfo, AnyTypeInfoKind, AnyValue,
    AnyValueKind,
};
use sqlx_core::ext::ustr::UStr;

/// What a statement gave.
#[derive(Default)]
pub(crate) struct Gave {
    pub(crate) rows: Vec<AnyRow>,
    pub(crate) result: AnyQueryResult,
}

/// Runs it. One without arguments may be several.
pub(crate) fn run(
    held: &Connection,
    sql: &str,
    arguments: Option<AnyArguments>,
    most: Option<usize>,
) -> Result<Gave, rusqlite::Error> {
    let Some(arguments) = arguments else {
        held.execute_batch(sql)?;
        return Ok(Gave::default());
    };
    let mut statement = held.prepare_cached(sql)?;
    for at in 1..=statement.parameter_count() {
        let named = statement.parameter_name(at).and_then(|name| name.get(1..)?.parse().ok());
        let number: usize = named.unwrap_or(at);
        let value = number.checked_sub(1).and_then(|index| arguments.values.0.get(index));
        statement.raw_bind_parameter(at, Bound(value))?;
    }
    let reads = statement.readonly();
    let count = statement.column_count();
    let mut names = HashMap::with_capacity(count);
    let mut columns = Vec::with_capacity(count);
    for (ordinal, name) in statement.column_names().into_iter().enumerate() {
        let name = UStr::new(name);
        names.insert(name.clone(), ordinal);
        let type_info = AnyTypeInfo { kind: AnyTypeInfoKind::Null };
        columns.push(AnyColumn { ordinal, name, type_info });
    }
    let names = Arc::new(names);
    let mut gave = Gave::default();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        // One that changes goes through to its end, whatever is wanted of it.
        if reads && most.is_some_and(|most| gave.rows.len() >= most) {
            break;
        }
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            values.push(AnyValue { kind: kind(row.get_ref(index)?) });
        }
        let column_names = Arc::clone(&names);
        gave.rows.push(AnyRow { column_names, columns: columns.clone(), values });
    }
    drop(rows);
    if !reads {
        gave.result.rows_affected = held.changes();
    }
    Ok(gave)
}

fn kind(value: ValueRef<'_>) -> AnyValueKind {
    match value {
        ValueRef::Null => AnyValueKind::Null(AnyTypeInfoKind::Null),
        ValueRef::Integer(number) => AnyValueKind::BigInt(number),
        ValueRef::Real(number) => AnyValueKind::Double(number),
        ValueRef::Text(text) => {
            AnyValueKind::Text(Arc::new(String::from_utf8_lossy(text).into_owned()))
        }
        ValueRef::Blob(bytes) => AnyValueKind::Blob(Arc::new(bytes.to_vec())),
    }
}

struct Bound<'a>(Option<&'a AnyValueKind>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        let Some(value) = self.0 else { return Ok(ToSqlOutput::Owned(Value::Null)) };
        Ok(match value {
            AnyValueKind::Bool(is) => ToSqlOutput::Owned(Value::Integer((*is).into())),
            AnyValueKind::SmallInt(number) => ToSqlOutput::Owned(Value::Integer((*number).into())),
            AnyValueKind::Integer(number) => ToSqlOutput::Owned(Value::Integer((*number).into())),
            AnyValueKind::BigInt(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            AnyValueKind::Real(number) => ToSqlOutput::Owned(Value::Real((*number).into())),
            AnyValueKind::Double(number) => ToSqlOutput::Owned(Value::Real(*number)),
            AnyValueKind::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            AnyValueKind::TextSlice(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            AnyValueKind::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            _ => ToSqlOutput::Owned(Value::Null),
        })
    }
}
