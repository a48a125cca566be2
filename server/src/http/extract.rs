//! Reading requests, with every failure told as a problem: bodies that are JSON objects, parts of the
//! path that are ids, queries. What is refused is told in words of the contract.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::id::{GpuId, MachineRef, is_id};
use serde::de::DeserializeOwned;

use super::words;
use crate::Fault;

/// A JSON object as body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A JSON object as body that may be left out, which is the same as an empty one.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

/// Parts of the path.
#[derive(Debug)]
pub struct Segments<T>(pub T);

/// The query.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// A machine in the path: its own id, or the number of a GPU that it has or had.
#[derive(Debug, Clone)]
pub struct Machine(pub MachineRef);

/// A machine in the path, and the number of one of its recovery points.
#[derive(Debug, Clone)]
pub struct MachinePoint(pub MachineRef, pub i64);

/// A GPU instance's number in the path.
#[derive(Debug, Clone, Copy)]
pub struct Gpu(pub GpuId);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let is_json = says_json(request.headers());
        let bytes = read(request, state).await?;
        if !is_json && !bytes.is_empty() {
            return Err(Fault::Status(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        words::object(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let is_json = says_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(Fault::Status(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        words::object(&bytes).map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Fault> {
    Bytes::from_request(request, state)
        .await
        .map_err(|error: BytesRejection| Fault::Status(error.status()))
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The parts of the path that stand for something. Each is an id, so that nothing else gets further.
async fn ids<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(), Fault> {
    let read = RawPathParams::from_request_parts(parts, state).await;
    let fits = read.is_ok_and(|all| all.iter().all(|(_, value)| is_id(value)));
    fits.then_some(()).ok_or_else(|| {
        Fault::Malformed("a part of the address is no id: letters, digits, - _ and . only".into())
    })
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        ids(parts, state).await?;
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        read.map(|Path(found)| Self(found))
            .map_err(|_| Fault::Malformed("a part of the address has the wrong form".into()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Gpu {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match Machine::from_request_parts(parts, state).await {
            Ok(Machine(MachineRef::Gpu(id))) => Ok(Self(id)),
            _ => Err(Fault::Malformed(
                "a GPU instance's id in the address is a whole number from 1".into(),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Machine {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = Segments::<String>::from_request_parts(parts, state).await;
        machine_ref(text.as_ref().map_or("", |Segments(text)| text.as_str())).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MachinePoint {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Segments((machine, point)) =
            Segments::<(String, String)>::from_request_parts(parts, state).await?;
        let wrong = "a recovery point in the address is a whole number from 1";
        let point = point.parse().ok().filter(|point| *point > 0);
        Ok(Self(machine_ref(&machine)?, point.ok_or_else(|| Fault::Malformed(wrong.into()))?))
    }
}

/// A machine as an address names it.
///
/// # Errors
/// `Malformed`.
pub fn machine_ref(text: &str) -> Result<MachineRef, Fault> {
    let wrong = "a machine in the address is its id or the number of one of its GPUs";
    MachineRef::parse(text).ok_or_else(|| Fault::Malformed(wrong.into()))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Fault::Malformed("the query holds a NUL character".into()));
        }
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        read.map(|Query(found)| Self(found)).map_err(|error| words::of_query(&error.body_text()))
    }
}
