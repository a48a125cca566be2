//! What the browser says that it was asked for, and by which page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::refusal::Refusal;
use crate::{CLIENT_DATA, Expected, bounded};

/// `CollectedClientData`; what else is in it is for later versions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<serde_json::Value>,
}

/// Which of the two ceremonies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// The challenge that some client data answers, to be looked up. It is trusted for nothing else.
///
/// # Errors
/// It can't be read.
pub fn challenge(client_data: &[u8]) -> Result<Vec<u8>, Refusal> {
    decoded(&read(client_data)?)
}

/// Checks it.
pub(crate) fn check(
    client_data: &[u8],
    ceremony: Ceremony,
    expected: &Expected<'_>,
) -> Result<(), Refusal> {
    let read = read(client_data)?;
    if read.kind != ceremony.name() {
        return Err(Refusal::Ceremony);
    }
    if expected.challenge.is_empty() || decoded(&read)? != expected.challenge {
        return Err(Refusal::Challenge);
    }
    if read.origin != expected.origin {
        return Err(Refusal::Origin);
    }
    if read.cross_origin == Some(true) || read.top_origin.is_some() {
        return Err(Refusal::Framed);
    }
    Ok(())
}

fn read(client_data: &[u8]) -> Result<ClientData, Refusal> {
    serde_json::from_slice(bounded(client_data, CLIENT_DATA)?).map_err(|_| Refusal::ClientData)
}

fn decoded(read: &ClientData) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(&read.challenge).map_err(|_| Refusal::ClientData)
}
