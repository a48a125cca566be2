//! What sqlx asks of a driver's own types, none of which there ever is one of: everything here is spoken
//! to as [`sqlx::Any`].

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use sqlx_core::Either;
use sqlx_core::any::AnyConnectOptions;
use sqlx_core::arguments::Arguments;
use sqlx_core::column::{Column, ColumnIndex};
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::database::Database;
use sqlx_core::encode::Encode;
use sqlx_core::error::{BoxDynError, Error};
use sqlx_core::row::Row;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::statement::Statement;
use sqlx_core::transaction::{Transaction, TransactionManager};
use sqlx_core::type_info::TypeInfo;
use sqlx_core::types::Type;
use sqlx_core::value::{Value, ValueRef};

use crate::MemoryConnection;

/// The database, to sqlx.
#[derive(Debug)]
pub struct Memory;

impl Database for Memory {
    type Connection = MemoryConnection;
    type TransactionManager = Never;
    type Row = Never;
    type QueryResult = Nothing;
    type Column = Never;
    type TypeInfo = Never;
    type Value = Never;
    type ValueRef<'r> = Never;
    type Arguments = Nothing;
    type ArgumentBuffer = ();
    type Statement = Never;
    const NAME: &'static str = "memory";
    const URL_SCHEMES: &'static [&'static str] = &["memory"];
}

fn only_any<T>() -> Result<T, Error> {
    Err(Error::AnyDriverError("only spoken to through Any".into()))
}

/// Nothing at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Never {}

/// No result and no arguments.
#[derive(Debug, Default)]
pub struct Nothing;

impl Extend<Self> for Nothing {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _more: T) {}
}

impl Arguments for Nothing {
    type Database = Memory;

    fn reserve(&mut self, _additional: usize, _size: usize) {}

    fn add<'t, T>(&mut self, _value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Memory> + Type<Memory>,
    {
        Err("only spoken to through Any".into())
    }

    fn len(&self) -> usize {
        0
    }
}

impl Display for Never {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl TypeInfo for Never {
    fn is_null(&self) -> bool {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }
}

impl Column for Never {
    type Database = Memory;

    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Self {
        match *self {}
    }
}

impl Row for Never {
    type Database = Memory;

    fn columns(&self) -> &[Self] {
        match *self {}
    }

    fn try_get_raw<I>(&self, _index: I) -> Result<Self, Error>
    where
        I: ColumnIndex<Self>,
    {
        match *self {}
    }
}

impl ColumnIndex<Never> for usize {
    fn index(&self, container: &Never) -> Result<usize, Error> {
        match *container {}
    }
}

impl Value for Never {
    type Database = Memory;

    fn as_ref(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl<'r> ValueRef<'r> for Never {
    type Database = Memory;

    fn to_owned(&self) -> Self {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

sqlx_core::impl_into_arguments_for_arguments!(Nothing);

impl Statement for Never {
    type Database = Memory;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[Self], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Self] {
        match *self {}
    }

    sqlx_core::impl_statement_query!(Nothing);
}

impl TransactionManager for Never {
    type Database = Memory;

    async fn begin(_of: &mut MemoryConnection, _statement: Option<SqlStr>) -> Result<(), Error> {
        only_any()
    }

    async fn commit(_of: &mut MemoryConnection) -> Result<(), Error> {
        only_any()
    }

    async fn rollback(_of: &mut MemoryConnection) -> Result<(), Error> {
        only_any()
    }

    fn start_rollback(_of: &mut MemoryConnection) {}

    fn get_transaction_depth(_of: &MemoryConnection) -> usize {
        0
    }
}

impl Connection for MemoryConnection {
    type Database = Memory;
    type Options = Address;

    async fn close(self) -> Result<(), Error> {
        Ok(())
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn begin(
        &mut self,
    ) -> impl Future<Output = Result<Transaction<'_, Memory>, Error>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}

    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn should_flush(&self) -> bool {
        false
    }
}

/// Where a database is.
#[derive(Debug, Clone)]
pub struct Address(String);

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<&AnyConnectOptions> for Address {
    type Error = Error;

    fn try_from(options: &AnyConnectOptions) -> Result<Self, Error> {
        Ok(Self(options.database_url.to_string()))
    }
}

impl ConnectOptions for Address {
    type Connection = MemoryConnection;

    fn from_url(url: &sqlx_core::Url) -> Result<Self, Error> {
        Ok(Self(url.to_string()))
    }

    async fn connect(&self) -> Result<MemoryConnection, Error> {
        let found = crate::find(&self.0);
        let missing = || Error::Configuration(format!("there is no {}", self.0).into());
        found.map(MemoryConnection::new).ok_or_else(missing)
    }

    fn log_statements(self, _level: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _level: log::LevelFilter, _duration: Duration) -> Self {
        self
    }
}
