//! An authenticator as browsers have it, of keys in memory, whose every word can be changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Somebody was there.
pub(crate) const PRESENT: u8 = 1;
/// A credential was made.
pub(crate) const MADE: u8 = 1 << 6;

/// One passkey.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    pub(crate) id: Vec<u8>,
}

/// What it and its browser say, before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) kind: String,
    pub(crate) challenge: String,
    pub(crate) origin: String,
    pub(crate) cross_origin: bool,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) user_handle: Option<String>,
    /// Changed after it was signed.
    pub(crate) spoilt: bool,
    /// Bytes behind the authenticator data.
    pub(crate) more: Vec<u8>,
    /// Of the attestation.
    pub(crate) format: String,
    /// Of the key.
    pub(crate) algorithm: u8,
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    pub(crate) fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("random");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).expect("a key");
        Self { key, id: Sha256::digest(name.as_bytes()).to_vec() }
    }

    /// What it would say in truth to `options`.
    pub(crate) fn says(&self, options: &Value, origin: &str, counter: u32) -> Said {
        let make = options.get("rp").is_some();
        let rp_id = if make { &options["rp"]["id"] } else { &options["rpId"] };
        Said {
            kind: if make { "webauthn.create" } else { "webauthn.get" }.into(),
            challenge: options["challenge"].as_str().expect("a challenge").into(),
            origin: origin.into(),
            cross_origin: false,
            rp_id: rp_id.as_str().expect("a name").into(),
            flags: if make { PRESENT | MADE } else { PRESENT },
            counter,
            user_handle: None,
            spoilt: false,
            more: Vec::new(),
            format: "none".into(),
            algorithm: 0x26,
        }
    }

    /// The credential that was made.
    pub(crate) fn make(&self, said: &Said) -> Value {
        let data = self.data(said);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x60 + u8::try_from(said.format.len()).expect("short"));
        object.extend(said.format.as_bytes());
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).expect("short")]);
        object.extend(data);
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key",
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": base64url(&client_data(said)),
                "attestationObject": base64url(&object),
                "transports": ["internal"],
            },
        })
    }

    /// The credential that was used.
    pub(crate) fn used(&self, said: &Said) -> Value {
        let (data, client_data) = (self.data(said), client_data(said));
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signed");
        let mut signature = signature.as_ref().to_vec();
        if said.spoilt {
            *signature.last_mut().expect("bytes") ^= 1;
        }
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&client_data),
                "authenticatorData": base64url(&data),
                "signature": base64url(&signature),
                "userHandle": said.user_handle,
            },
        })
    }

    fn data(&self, said: &Said) -> Vec<u8> {
        let mut data = Sha256::digest(said.rp_id.as_bytes()).to_vec();
        data.push(said.flags);
        data.extend(said.counter.to_be_bytes());
        if said.flags & MADE != 0 {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
            data.extend(&self.id);
            let point = self.key.public_key().as_ref();
            data.extend([0xa5, 0x01, 0x02, 0x03, said.algorithm, 0x20, 0x01, 0x21, 0x58, 0x20]);
            data.extend(&point[1..33]);
            data.extend([0x22, 0x58, 0x20]);
            data.extend(&point[33..]);
        }
        data.extend(&said.more);
        data
    }
}

fn client_data(said: &Said) -> Vec<u8> {
    let told = json!({
        "type": said.kind, "challenge": said.challenge, "origin": said.origin,
        "crossOrigin": said.cross_origin,
    });
    told.to_string().into_bytes()
}
