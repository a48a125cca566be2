//! Public SSH keys: of the account (installed on instances made afterwards) and of one instance.

use domain::id::GpuId;
use domain::provider::{ErrorClass, ProviderError};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Call, VastClient};
use super::endpoint::Endpoint;
use super::row::Row;

const ACCOUNT: &str = "/api/v0/ssh/";

impl VastClient {
    /// Lets the holder of a key into one instance.
    ///
    /// # Errors
    /// `NotFound` when there is no such instance. A key that is already there is a success.
    pub async fn attach_key(&self, id: GpuId, public_key: &str) -> Result<(), ProviderError> {
        let path = format!("/api/v0/instances/{id}/ssh/");
        let call = Call::new("attach ssh key", Endpoint::Keys, Method::POST, path)
            .body(json!({"ssh_key": public_key.trim()}));
        present(self.ask(&call).await)
    }

    /// Adds a key to the account unless it has it, so that new instances admit it from the start.
    ///
    /// # Errors
    /// `Invalid` for text that Vast does not take as a public key.
    pub async fn ensure_account_key(&self, public_key: &str) -> Result<(), ProviderError> {
        let list = Call::new("list ssh keys", Endpoint::Keys, Method::GET, ACCOUNT);
        let known = match self.ask(&list).await {
            // An account without keys is answered with 404.
            Err(error) if error.class == ErrorClass::NotFound => Value::Null,
            reply => reply?,
        };
        if holds(&known, public_key) {
            return Ok(());
        }
        let add = Call::new("add ssh key", Endpoint::Keys, Method::POST, ACCOUNT)
            .body(json!({"ssh_key": public_key.trim()}));
        present(self.ask(&add).await)
    }
}

/// A refusal because the key is there already is what was wanted.
fn present(reply: Result<Value, ProviderError>) -> Result<(), ProviderError> {
    match reply {
        Err(error)
            if matches!(
                error.class,
                ErrorClass::Invalid | ErrorClass::Conflict | ErrorClass::Unexpected
            ) && error.message.to_lowercase().contains("already") =>
        {
            Ok(())
        }
        reply => reply.map(drop),
    }
}

/// Whether a list of keys, bare or in an object, holds this one. Comments do not count.
fn holds(list: &Value, public_key: &str) -> bool {
    let rows = list.as_array().or_else(|| {
        ["keys", "ssh_keys"].iter().find_map(|name| list.get(name)).and_then(Value::as_array)
    });
    let wanted = body(public_key);
    wanted.is_some()
        && rows.into_iter().flatten().any(|row| {
            ["public_key", "ssh_key"]
                .iter()
                .any(|name| Row(row).text(name).as_deref().and_then(body) == wanted)
        })
}

/// Kind and material of an OpenSSH public key line.
fn body(line: &str) -> Option<(&str, &str)> {
    let mut parts = line.split_whitespace();
    Some((parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_whatever_its_comment_and_the_lists_shape() {
        let key = "ssh-ed25519 AAAA dumont";
        assert!(holds(&json!([{"id": 1, "public_key": "ssh-ed25519 AAAA other@host\n"}]), key));
        assert!(holds(&json!({"ssh_keys": [{"ssh_key": "ssh-ed25519 AAAA"}]}), key));
        assert!(!holds(&json!([{"public_key": "ssh-ed25519 AAAB"}]), key));
        assert!(!holds(&Value::Null, key));
        assert!(!holds(&json!([{"public_key": ""}]), ""));
    }
}
