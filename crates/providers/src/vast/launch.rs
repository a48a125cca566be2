//! How an instance was launched, as Vast still knows it. Credentials of an image's registry are not told.

use domain::id::GpuId;
use domain::launch::Launch;
use domain::provider::ProviderError;
use reqwest::Method;
use serde_json::Value;

use super::client::{Call, VastClient};
use super::endpoint::Endpoint;
use super::row::Row;

/// Keys of one instance that are kept.
const MOST_KEYS: usize = 50;

impl VastClient {
    /// How an instance was launched, and which keys it admits; `None` when Vast says that there is none, or
    /// tells another.
    ///
    /// # Errors
    /// Anything but a clear answer about the instance. Keys that can't be read are not known.
    pub async fn launch(&self, id: GpuId) -> Result<Option<Launch>, ProviderError> {
        let Some(body) = self.record(id).await? else { return Ok(None) };
        let Some(row) = body.get("instances").map(Row).filter(|row| row.int("id") == Some(id.0))
        else {
            return Ok(None);
        };
        let path = format!("/api/v0/instances/{id}/ssh/");
        let keys = Call::new("list ssh keys", Endpoint::Keys, Method::GET, path);
        let keys = match self.ask(&keys).await {
            Ok(reply) => Some(admitted(&reply)),
            Err(error) => {
                tracing::debug!(%id, %error, "the keys of an instance are not known");
                None
            }
        };
        Ok(Some(Launch { ssh_keys: keys, ..launch(row) }))
    }
}

fn launch(row: Row<'_>) -> Launch {
    Launch {
        image: row.text("image_uuid"),
        env: pairs(row.get("extra_env")),
        onstart: row.get("onstart").and_then(Value::as_str).map(str::to_owned),
        args: texts(row.get("image_args")),
        runtype: row.text("image_runtype"),
        template: row.text("template_hash_id"),
        ssh_keys: None,
        label: row.text("label"),
    }
}

/// `[["NAME", "value"], …]`, or an object of the same.
fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Some(Value::Array(rows)) => rows
            .iter()
            .filter_map(|row| {
                let pair = row.as_array()?;
                Some((text(pair.first()?)?, text(pair.get(1)?)?))
            })
            .collect(),
        Some(Value::Object(fields)) => {
            fields.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
        }
        _ => Vec::new(),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let rows = value.and_then(Value::as_array);
    rows.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The public keys of a reply: a list, or JSON of one in a text.
fn admitted(reply: &Value) -> Vec<String> {
    let keys = reply.get("ssh_keys").unwrap_or(reply);
    let read: Value;
    let rows = match keys {
        Value::String(text) => {
            read = serde_json::from_str(text).unwrap_or_default();
            read.as_array()
        }
        other => other.as_array(),
    };
    let key = |row: &Value| match row {
        Value::String(text) => Some(text.trim().to_owned()),
        row => Row(row).text("public_key").or_else(|| Row(row).text("ssh_key")),
    };
    let mut found: Vec<String> = Vec::new();
    for line in rows.into_iter().flatten().filter_map(key) {
        if line.contains(' ') && !found.contains(&line) && found.len() < MOST_KEYS {
            found.push(line);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_was_asked_for_is_read() {
        let row = json!({"id": 7, "image_uuid": "pytorch/pytorch:2", "label": "mine",
            "extra_env": [["A", "B c"], ["-p 8080:8080", "1"], ["odd"], [1, null], ["N", 5]],
            "onstart": "line one\nline two\n", "image_args": ["--a", 3, "b"],
            "image_runtype": "jupyter_direc ssh_direc ssh_proxy", "template_hash_id": "abc"});
        let read = launch(Row(&row));
        let env = [("A", "B c"), ("-p 8080:8080", "1"), ("N", "5")];
        assert_eq!(read.env, env.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(read.onstart.as_deref(), Some("line one\nline two\n"), "not trimmed");
        assert_eq!(read.args, ["--a", "b"]);
        assert_eq!(read.runtype.as_deref(), Some("jupyter_direc ssh_direc ssh_proxy"));
        assert_eq!(read.template.as_deref(), Some("abc"));
        assert_eq!(
            (read.image.as_deref(), read.label.as_deref()),
            (Some("pytorch/pytorch:2"), Some("mine"))
        );
    }

    #[test]
    fn nothing_told_is_nothing_asked_for() {
        assert_eq!(
            launch(Row(&json!({"id": 7, "extra_env": null, "onstart": null}))),
            Launch::default()
        );
        let object = json!({"extra_env": {"A": "B"}});
        assert_eq!(launch(Row(&object)).env, [("A".to_owned(), "B".to_owned())]);
    }

    #[test]
    fn keys_are_read_in_each_shape_that_is_sent() {
        let text =
            json!({"success": true, "ssh_keys": "[{\"public_key\": \"ssh-ed25519 AAAA me\\n\"}]"});
        assert_eq!(admitted(&text), ["ssh-ed25519 AAAA me"]);
        let list = json!([{"ssh_key": "ssh-rsa B"}, "ssh-rsa C", "ssh-rsa C", {"id": 1}, "odd"]);
        assert_eq!(admitted(&list), ["ssh-rsa B", "ssh-rsa C"]);
        assert_eq!(admitted(&json!({"ssh_keys": "not JSON"})), [""; 0]);
    }
}
