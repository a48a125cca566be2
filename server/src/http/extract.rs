//! Reading requests, with every failure told as a problem.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::id::GpuId;
use serde::de::DeserializeOwned;

use crate::Fault;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

/// Parts of the path.
#[derive(Debug)]
pub struct Segments<T>(pub T);

/// The query.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// A GPU instance's number in the path.
#[derive(Debug, Clone, Copy)]
pub struct Gpu(pub GpuId);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let is_json = says_json(request.headers());
        let bytes = read(request, state).await?;
        if !is_json {
            return Err(Fault::Status(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        parse(&bytes).map(Self)
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
        parse(&bytes).map(Self)
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

/// Reads JSON. What is not JSON is malformed; JSON of another shape names the field, and never
/// repeats the value, which could be a secret in the wrong place.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        shape(&path, error.inner())
    })?;
    reader.end().map_err(|_| Fault::Malformed("the body has more than one JSON value".into()))?;
    Ok(value)
}

fn shape(path: &str, error: &serde_json::Error) -> Fault {
    if !error.is_data() {
        let place = format!("line {}, column {}", error.line(), error.column());
        return Fault::Malformed(format!("the body is not JSON ({place})"));
    }
    let text = error.to_string();
    let quoted = text.split('`').nth(1).unwrap_or_default();
    if text.starts_with("missing field") {
        return Fault::field(quoted, "required", "is required");
    }
    if text.starts_with("unknown field") {
        return Fault::field(quoted, "unknown_field", "is not a field of this request");
    }
    let expected = text.rsplit_once("expected ").map(|(_, rest)| rest);
    let expected = expected.and_then(|rest| rest.split(" at line").next());
    let message =
        expected.map_or_else(|| "has the wrong form".to_owned(), |kind| format!("must be {kind}"));
    let field = if path == "." { "body" } else { path };
    Fault::field(field, "wrong_type", message)
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        read.map(|Path(found)| Self(found))
            .map_err(|_| Fault::Malformed("a part of the address has the wrong form".into()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Gpu {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Segments(text) = Segments::<String>::from_request_parts(parts, state).await?;
        let number =
            text.parse().map_err(|_| Fault::Malformed("a GPU instance's id is a number".into()))?;
        Ok(Self(GpuId(number)))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        read.map(|Query(found)| Self(found)).map_err(|error| {
            let text = error.body_text();
            let word = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
            Fault::Malformed(format!("the query can't be read: {word}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::view::account::LoginRequest;
    use domain::view::configure::ConfigureStandby;

    fn problem<T: DeserializeOwned + std::fmt::Debug>(
        text: &str,
    ) -> domain::view::problem::Problem {
        parse::<T>(text.as_bytes()).expect_err("bad").problem("r")
    }

    #[test]
    fn a_body_of_the_wrong_shape_names_its_field_and_not_its_value() {
        let missing = problem::<LoginRequest>(r#"{"email":"a@b.c"}"#);
        assert_eq!(
            (missing.status, missing.errors.expect("named")[0].field.as_str()),
            (422, "password")
        );
        let wrong = problem::<LoginRequest>(r#"{"email":"a@b.c","password":123456}"#);
        assert!(!wrong.detail.contains("123456"), "{}", wrong.detail);
        assert_eq!(wrong.errors.expect("named")[0].field, "password");
        let unknown = problem::<ConfigureStandby>(r#"{"zone":"x"}"#);
        assert_eq!(unknown.errors.expect("named")[0].field, "zone");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        assert_eq!(problem::<LoginRequest>("{").status, 400);
        assert_eq!(problem::<ConfigureStandby>("{} {}").status, 400);
    }
}
