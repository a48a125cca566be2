//! The API's own description, shown as a page without script or foreign files.

use std::fmt::Write as _;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::Dumont;

const STYLE: &str = include_str!("docs.css");

/// `/docs` and its style.
pub fn routes(api: &OpenApi) -> Router<Dumont> {
    let described = serde_json::to_value(api).unwrap_or_default();
    let page = page(&described);
    let show = move || async move {
        let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], Html(page))
            .into_response()
    };
    let style = || async {
        (
            [
                (header::CONTENT_TYPE, "text/css; charset=utf-8"),
                (header::CACHE_CONTROL, "max-age=3600"),
            ],
            STYLE,
        )
    };
    Router::new().route("/docs", get(show)).route("/docs.css", get(style))
}

fn page(api: &Value) -> String {
    let mut html = String::from(concat!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">",
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Dumont API</title>",
        "<link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main><h1>Dumont API</h1>",
    ));
    let _ = write!(
        html,
        "<p>{}</p><p>Below <code>/api/v1</code>, and the same below <code>/api</code>. Send \
         <code>Authorization: Bearer &lt;token&gt;</code>. The machine-readable description is \
         <a href=\"/api/v1/openapi.json\">openapi.json</a>.</p>",
        escape(text(api, "/info/description")),
    );
    for (path, item) in entries(api.pointer("/paths")) {
        for (method, operation) in entries(Some(item)) {
            html.push_str(&operation_html(path, method, operation));
        }
    }
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in entries(api.pointer("/components/schemas")) {
        html.push_str(&schema_html(name, schema));
    }
    html.push_str("</main></body></html>");
    html
}

fn operation_html(path: &str, method: &str, operation: &Value) -> String {
    let open = operation.get("security").is_none();
    let mut html = format!(
        "<section><h2><b class=\"{method}\">{}</b> <code>{}</code></h2><p>{}{}</p>",
        method.to_uppercase(),
        escape(path),
        escape(text(operation, "/summary")),
        if open { " <em>Open to anyone.</em>" } else { "" },
    );
    let parameters = operation.pointer("/parameters").and_then(Value::as_array);
    let parameters: Vec<&Value> = parameters.into_iter().flatten().collect();
    if !parameters.is_empty() {
        html.push_str("<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
        for one in parameters {
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(text(one, "/name")),
                escape(text(one, "/in")),
                kind(one.get("schema")),
                escape(text(one, "/description")),
            );
        }
        html.push_str("</tbody></table>");
    }
    if let Some(body) = operation.pointer("/requestBody/content/application~1json/schema") {
        let _ = write!(html, "<p>Request: {}</p>", kind(Some(body)));
    }
    for (status, response) in
        entries(operation.get("responses")).filter(|(status, _)| status.starts_with('2'))
    {
        for (media, content) in entries(response.get("content")) {
            let _ = write!(
                html,
                "<p>{status}: {} <small>{}</small></p>",
                kind(content.get("schema")),
                escape(media)
            );
        }
    }
    html.push_str("</section>");
    html
}

fn schema_html(name: &str, schema: &Value) -> String {
    let mut html = format!(
        "<section id=\"{0}\"><h3>{0}</h3><p>{1}</p>",
        escape(name),
        escape(text(schema, "/description"))
    );
    let fields: Vec<(&str, &Value)> = entries(schema.get("properties")).collect();
    if fields.is_empty() {
        let _ = write!(html, "<p>{}</p>", kind(Some(schema)));
    } else {
        html.push_str(
            "<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>",
        );
        for (field, of) in fields {
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(field),
                kind(Some(of)),
                escape(text(of, "/description")),
            );
        }
        html.push_str("</tbody></table>");
    }
    html.push_str("</section>");
    html
}

/// A schema in a few words, with a link where it has a name.
fn kind(schema: Option<&Value>) -> String {
    let Some(schema) = schema else { return String::new() };
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
    {
        let name = escape(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let choices = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    if let Some(choices) = choices {
        return choices.iter().map(|one| kind(Some(one))).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("<code>{}</code>", escape(word)))
            .collect();
        return words.join(" ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    };
    match schema.get("items") {
        Some(items) => format!("list of {}", kind(Some(items))),
        None => escape(&name),
    }
}

fn entries<'a>(value: Option<&'a Value>) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_can_not_become_markup() {
        let api =
            serde_json::json!({"paths": {"/x": {"get": {"summary": "<script>alert(1)</script>"}}}});
        let page = page(&api);
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}
