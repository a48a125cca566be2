//! Checks the tokens that service accounts sign themselves (RS256).
//!
//! Google's Rust and Python clients send such a token straight to the API; gcloud trades one for an
//! access token first. The audience is not checked: the Rust client sends a scope in place of it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{
    PublicKey,
    pkcs1v15::{Signature, VerifyingKey},
    pkcs8::DecodePublicKey,
    sha2::Sha256,
    signature::Verifier,
};
use serde::Deserialize;

use crate::{account::Account, fault::Fault, world::World};

/// A token may be this long valid, in seconds: an hour and some slack for clocks.
const LONGEST_S: i64 = 3600 + 300;
/// How far the caller's clock may be ahead, in seconds.
const SKEW_S: i64 = 300;

/// Why a token is refused; the caller of the API is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// Not three parts of Base64 with JSON inside.
    #[error("it is not a signed token")]
    Malformed,
    /// Another algorithm than RS256, or a key that the account does not have.
    #[error("it is signed with another key or algorithm")]
    WrongKey,
    /// No account has this issuer.
    #[error("its issuer is unknown")]
    UnknownIssuer,
    /// The signature does not belong to the content.
    #[error("its signature is wrong")]
    BadSignature,
    /// Too old, from the future, or valid for too long.
    #[error("it is not valid now")]
    NotNow,
    /// It says neither what it is for nor to whom.
    #[error("it has neither scope nor audience")]
    NoPurpose,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

/// What a token claims.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// The service account that signed it.
    pub(super) iss: String,
    sub: Option<String>,
    scope: Option<String>,
    aud: Option<serde_json::Value>,
    iat: Option<i64>,
    exp: i64,
}

/// The time as Google sees it while the caller's clock is wrong (the fault `clock_skew`).
pub(super) fn seen_at(world: &World, now_ms: i64) -> i64 {
    let Some(params) = world.faults().hit(Fault::ClockSkew, None) else { return now_ms };
    let ahead_s = params.get("ahead_s").and_then(serde_json::Value::as_i64).unwrap_or(600);
    now_ms.saturating_sub(ahead_s.saturating_mul(1000))
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)
}

/// Checks a token and gives the account that signed it. `find` looks an account up by its service
/// account's address.
pub(super) fn check<A: AsRef<Account>>(
    token: &str,
    now_ms: i64,
    find: impl FnOnce(&str) -> Option<A>,
) -> Result<A, Refused> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    let header: Header = part(header)?;
    let claims: Claims = part(claims)?;
    if header.alg != "RS256" {
        return Err(Refused::WrongKey);
    }
    let account = find(&claims.iss).ok_or(Refused::UnknownIssuer)?;
    let known = account.as_ref();
    if header.kid.is_some_and(|kid| kid != known.sa_key_id) {
        return Err(Refused::WrongKey);
    }
    verify(signed, signature, &known.sa_public_key_pem)?;
    if claims.sub.as_ref().is_some_and(|sub| *sub != claims.iss) {
        return Err(Refused::UnknownIssuer);
    }
    let now = now_ms.div_euclid(1000);
    let issued = claims.iat.unwrap_or(claims.exp - LONGEST_S);
    if claims.exp <= now || issued > now + SKEW_S || claims.exp - issued > LONGEST_S {
        return Err(Refused::NotNow);
    }
    let scoped = claims.scope.as_deref().is_some_and(|scope| !scope.trim().is_empty());
    if !scoped && claims.aud.is_none() {
        return Err(Refused::NoPurpose);
    }
    Ok(account)
}

fn verify(signed: &str, signature: &str, public_pem: &str) -> Result<(), Refused> {
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::Malformed)?;
    let signature = Signature::try_from(signature.as_slice()).map_err(|_| Refused::BadSignature)?;
    let key = PublicKey::from_public_key_pem(public_pem).map_err(|_| Refused::WrongKey)?;
    let key: VerifyingKey<Sha256> = VerifyingKey::new(key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| Refused::BadSignature)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use rsa::{
        PrivateKey,
        pkcs1v15::SigningKey,
        pkcs8::{EncodePublicKey, LineEnding},
        signature::{SignatureEncoding, Signer},
    };
    use serde_json::{Value, json};

    use super::*;

    static KEY: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::new(&mut rand::rng(), 2048).unwrap());

    const NOW_S: i64 = 1_800_000_000;

    fn account() -> Arc<Account> {
        Arc::new(Account {
            id: 1,
            email: "a@b".into(),
            vast_api_key: "v".into(),
            credit_micro: 0,
            gcp_project: "p".into(),
            sa_email: "sa@p".into(),
            sa_key_id: "kid1".into(),
            sa_public_key_pem: KEY.to_public_key().to_public_key_pem(LineEnding::LF).unwrap(),
        })
    }

    fn token(header: Value, claims: Value) -> String {
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let key = SigningKey::<Sha256>::new(KEY.clone());
        let signature = key.sign(signed.as_bytes()).to_vec();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn good_header() -> Value {
        json!({"alg": "RS256", "typ": "JWT", "kid": "kid1"})
    }

    fn good_claims() -> Value {
        json!({"iss": "sa@p", "sub": "sa@p", "iat": NOW_S - 10, "exp": NOW_S + 3590,
               "scope": "https://www.googleapis.com/auth/cloud-platform"})
    }

    fn result(token: &str) -> Result<u64, Refused> {
        let find = |iss: &str| (iss == "sa@p").then(account);
        check(token, NOW_S * 1000, find).map(|account| account.id)
    }

    #[test]
    fn a_token_as_the_rust_client_signs_it_passes() {
        assert_eq!(result(&token(good_header(), good_claims())), Ok(1));
    }

    #[test]
    fn an_audience_does_in_place_of_a_scope() {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove("scope");
        assert_eq!(result(&token(good_header(), claims.clone())), Err(Refused::NoPurpose));
        claims["aud"] = json!("https://compute.googleapis.com/");
        assert_eq!(result(&token(good_header(), claims)), Ok(1));
    }

    #[test]
    fn whatever_is_not_right_is_refused() {
        let changed = |field: &str, value: Value| {
            let mut claims = good_claims();
            claims[field] = value;
            result(&token(good_header(), claims))
        };
        assert_eq!(changed("iss", json!("other@p")), Err(Refused::UnknownIssuer));
        assert_eq!(changed("sub", json!("other@p")), Err(Refused::UnknownIssuer));
        assert_eq!(changed("exp", json!(NOW_S)), Err(Refused::NotNow));
        assert_eq!(changed("exp", json!(NOW_S + 90_000)), Err(Refused::NotNow));
        assert_eq!(changed("iat", json!(NOW_S + 1000)), Err(Refused::NotNow));
        let header = json!({"alg": "RS256", "kid": "kid2"});
        assert_eq!(result(&token(header, good_claims())), Err(Refused::WrongKey));
        let header = json!({"alg": "none"});
        assert_eq!(result(&token(header, good_claims())), Err(Refused::WrongKey));
        assert_eq!(result("ya29.nonsense"), Err(Refused::Malformed));
    }

    #[test]
    fn a_changed_claim_breaks_the_signature() {
        let good = token(good_header(), good_claims());
        let other = token(good_header(), json!({"iss": "sa@p", "exp": NOW_S + 60, "aud": "x"}));
        let parts: Vec<&str> = good.split('.').collect();
        let stolen: Vec<&str> = other.split('.').collect();
        let forged = format!("{}.{}.{}", parts[0], stolen[1], parts[2]);
        assert_eq!(result(&forged), Err(Refused::BadSignature));
    }
}
