//! The fake control plane's passkeys.

use app::control_plane::{Answer, WithPasskeys};
use async_trait::async_trait;
use domain::time::DAY_MS;
use domain::view::access::{RemoveSecondFactor, SecondFactor};
use domain::view::passkey::{AddedPasskey, AssertionCredential, NewPasskey, Passkey, Passkeys};

use super::access;
use super::plane::Fake;
use super::story::ago;

/// None, at an address that has none.
pub(crate) fn none() -> Passkeys {
    Passkeys { passkeys: Vec::new(), count: 0, site: None, origin: None }
}

/// Two of them.
pub(crate) fn two() -> Passkeys {
    let passkey = |id: &str, name: &str, last_used_at| Passkey {
        id: id.into(),
        name: name.into(),
        site: "dumont.example.org".into(),
        created_at: ago(9 * DAY_MS),
        last_used_at,
    };
    Passkeys {
        passkeys: vec![passkey("p1", "laptop", Some(ago(DAY_MS))), passkey("p2", "key ring", None)],
        count: 2,
        site: Some("dumont.example.org".into()),
        origin: Some("https://dumont.example.org".into()),
    }
}

/// With them alone.
pub(crate) fn factor() -> SecondFactor {
    SecondFactor { app_since: None, passkeys: 2, passkey_here: true, ..access::factor() }
}

/// What a browser sends of one that was used.
pub(crate) const USED: &str = r#"{"id":"AQ","rawId":"AQ","type":"public-key","authenticatorAttachment":"platform","clientExtensionResults":{},"response":{"clientDataJSON":"AQ","authenticatorData":"AQ","signature":"AQ","userHandle":null}}"#;
/// What a browser sends of one that was made.
pub(crate) const MADE: &str = r#"{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"AQ","attestationObject":"AQ","transports":["usb"]}}"#;

#[async_trait]
impl WithPasskeys for Fake {
    async fn asked_for(&self) -> Answer<SecondFactor> {
        Ok(self.factor)
    }
    async fn log_in_with_passkey(&self, used: AssertionCredential) -> Answer<()> {
        self.act(format!("log in with passkey {}", used.id), ())
    }
    async fn passkeys(&self) -> Answer<Passkeys> {
        Ok(self.passkeys.clone())
    }
    async fn add_passkey(&self, wanted: NewPasskey) -> Answer<AddedPasskey> {
        let recovery_codes = access::recovery_codes().recovery_codes;
        let what = format!("add passkey {} as {}", wanted.credential.id, wanted.name);
        self.act(what, AddedPasskey { id: "p3".into(), recovery_codes })
    }
    async fn rename_passkey(&self, id: &str, name: String) -> Answer<()> {
        self.act(format!("rename passkey {id} to {name}"), ())
    }
    async fn remove_passkey(&self, id: &str, wanted: RemoveSecondFactor) -> Answer<()> {
        let with = wanted.passkey.map(|used| used.id);
        self.act(format!("remove passkey {id} with {:?} or {with:?}", wanted.code), ())
    }
}
