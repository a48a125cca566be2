//! Completes the API's description with what holds for every operation: how one logs in, how failures
//! look and which there can be, what parts of an address are.
//!
//! The routes say what is their own; what follows from the kind of an operation is said here once, so
//! that a route that is added is described too.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi, OpenApiVersion, Ref, RefOr, Required, Response,
    ResponseBuilder, SecurityRequirement, Server,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::{idempotency, session};
use crate::api::table::{Access, table};

/// What an id in an address looks like.
const ID: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$";
/// Operations whose body may be left out.
const WITHOUT_BODY: &[&str] = &[
    "people_invite",
    "standby_provision",
    "failover_simulate",
    "failover_start",
    "failover_fail_back",
];
/// Parts of the API behind which a provider is asked.
const PROVIDERS: &[&str] = &["settings", "balance", "instances", "standby", "failover"];

/// Adds what holds for every operation.
#[must_use]
pub fn complete(mut api: OpenApi) -> OpenApi {
    api.openapi = OpenApiVersion::Version31;
    api.info.title = "Dumont".into();
    api.info.version = env!("CARGO_PKG_VERSION").into();
    api.info.description = Some("Times are RFC 3339 in UTC, money is in US dollars. A body is a JSON object; a field that it does not know is refused, and one that is absent is unchanged. Every failure is a problem document (RFC 9457) with a request id.".into());
    api.servers = Some(vec![Server::new("/api/v1")]);
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert("Problem".into(), domain::view::problem::Problem::schema());
    let mut more = Vec::new();
    domain::view::problem::Problem::schemas(&mut more);
    components.schemas.extend(more);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token, or the token that a login gave"))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session::COOKIE))),
    );
    let open: Vec<String> = table()
        .iter()
        .filter(|route| route.access == Access::Public)
        .filter_map(|route| route.method_and_path().map(|(_, path)| path))
        .collect();
    for (path, item) in &mut api.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                describe(method, path, open.contains(path), operation);
            }
        }
    }
    api
}

fn describe(method: &str, path: &str, open: bool, operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    // A handler's name is its own only among those of its part.
    let own = operation.operation_id.take().unwrap_or_default();
    let id = format!("{tag}_{own}");
    if let Some(RefOr::T(body)) = operation.request_body.as_mut() {
        let needed = !WITHOUT_BODY.contains(&id.as_str());
        body.required = Some(if needed { Required::True } else { Required::False });
    }
    operation.operation_id = Some(id);
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            complete_parameter(parameter);
        }
    }
    let buys = idempotency::buys(method, path);
    if buys {
        operation.parameters.get_or_insert_default().push(RefOr::T(key_parameter()));
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = success(status).to_owned();
        }
    }
    for status in failures(method, path, open, &tag, operation) {
        operation.responses.responses.insert(status.to_string(), RefOr::T(failure(status)));
    }
    let other = problem("Any other failure");
    operation.responses.responses.insert("default".into(), RefOr::T(other));
    if !open {
        let none: [&str; 0] = [];
        operation.security = Some(vec![
            SecurityRequirement::new("token", none),
            SecurityRequirement::new("session", none),
        ]);
    }
}

/// The failures that an operation of this kind can have.
fn failures(method: &str, path: &str, open: bool, tag: &str, operation: &Operation) -> Vec<u16> {
    let parameters = operation.parameters.iter().flatten().count() > 0;
    let body = operation.request_body.is_some();
    let changes = method != "GET";
    let provider = PROVIDERS.contains(&tag);
    let login = path.starts_with("/auth/login");
    let all = [
        (400, parameters || body),
        (401, !open || login),
        (403, !open || changes),
        (404, path.contains('{')),
        (409, changes),
        (413, body),
        (415, body),
        (422, parameters || body),
        (424, provider),
        (429, true),
        (500, true),
        (502, provider),
        (503, true),
    ];
    all.into_iter().filter(|(_, can)| *can).map(|(status, _)| status).collect()
}

fn success(status: &str) -> &'static str {
    match status {
        "201" => "It is made",
        "202" => "It has begun",
        _ => "The answer",
    }
}

fn failure(status: u16) -> Response {
    let words = match status {
        400 => "The request can't be read",
        401 => "Not logged in, or the token is not good",
        403 => "Not allowed to this login, or sent by another site",
        404 => "No such thing, or not this account's",
        409 => "Not possible in the present state; nothing was changed",
        413 => "The body is too large",
        415 => "The body is not declared as JSON",
        422 => "Fields that can't be accepted; `errors` names them",
        424 => "A provider's credentials are missing or refused; `errors` names the setting",
        429 => "Too often, or not known yet; `Retry-After` says when to ask again",
        502 => "A provider failed",
        503 => "Not available now",
        _ => "A fault of Dumont's own",
    };
    let mut response = problem(words);
    if status == 429 {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let header = HeaderBuilder::new()
            .schema(Some(Schema::from(seconds)))
            .description(Some("Seconds to wait"))
            .build();
        response.headers.insert("Retry-After".into(), RefOr::T(header));
    }
    response
}

fn problem(words: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(words)
        .content(domain::view::problem::MEDIA_TYPE, content)
        .build()
}

fn complete_parameter(parameter: &mut Parameter) {
    if parameter.parameter_in == ParameterIn::Path {
        let (schema, words) = part_of_address(&parameter.name);
        parameter.schema = Some(RefOr::T(schema));
        parameter.description.get_or_insert(words.to_owned());
        return;
    }
    // What may be left out of a query can't be null in it.
    parameter.schema = parameter.schema.take().map(never_null);
}

fn part_of_address(name: &str) -> (Schema, &'static str) {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let number = number.maximum(Some(i64::MAX));
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some(ID));
    match name {
        "gpu_id" => (number.into(), "Number of a GPU instance"),
        "notification_id" => (number.into(), "Number of a notification"),
        "machine_id" => {
            (id.into(), "A machine: its own id, or the number of a GPU that it has or had")
        }
        _ => (id.into(), "Id as the API gave it"),
    }
}

fn never_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &object.schema_type {
                let mut types = types.iter().filter(|one| **one != Type::Null);
                if let (Some(only), None) = (types.next(), types.next()) {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::OneOf(one)) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null));
            let mut rest: Vec<_> =
                one.items.iter().filter(|item| !is_null(item)).cloned().collect();
            match (rest.pop(), rest.is_empty()) {
                (Some(only), true) => only,
                _ => RefOr::T(Schema::OneOf(one)),
            }
        }
        other => other,
    }
}

fn key_parameter() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some("^[!-~]{1,128}$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same key with the same request gets the same answer for 24 hours and is done once; with another request it is refused"))
        .schema(Some(Schema::from(schema)))
        .build()
}
