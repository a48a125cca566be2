//! A passkey that was made.

use ring::digest::{SHA256, digest};

use crate::authenticator::Data;
use crate::cbor::{Malformed, Reader};
use crate::client::{Ceremony, check};
use crate::key::PublicKey;
use crate::refusal::Refusal;
use crate::{DATA, Expected, bounded};

/// What a browser sends of a passkey that was made.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'r> {
    /// The identifier of the credential.
    pub id: &'r [u8],
    /// `clientDataJSON`.
    pub client_data: &'r [u8],
    /// `attestationObject`.
    pub attestation: &'r [u8],
}

/// What is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The identifier of the credential.
    pub id: Vec<u8>,
    /// The public key as the authenticator wrote it; [`PublicKey::read`] reads it again.
    pub cose: Vec<u8>,
    /// How often it says to have been used.
    pub counter: u32,
    /// Whether the authenticator has verified who was there.
    pub verified: bool,
}

/// The attestation object.
struct Object<'b> {
    statement: Statement<'b>,
    data: &'b [u8],
}

/// The attestation statement.
enum Statement<'b> {
    /// There is none.
    None,
    /// By the credential's own key; a browser leaves it as it is.
    Own { algorithm: i64, signature: &'b [u8] },
}

impl Registration<'_> {
    /// Checks it.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn check(&self, expected: &Expected<'_>) -> Result<Registered, Refusal> {
        check(self.client_data, Ceremony::Create, expected)?;
        let object = object(bounded(self.attestation, DATA)?)?;
        let data = Data::read(object.data)?;
        data.check(expected)?;
        let made = data.credential.as_ref().ok_or(Refusal::Data)?;
        if made.id != self.id {
            return Err(Refusal::Credential);
        }
        if let Statement::Own { algorithm, signature } = object.statement {
            own(&made.key, algorithm, object.data, self.client_data, signature)?;
        }
        Ok(Registered {
            id: made.id.to_vec(),
            cose: made.cose.to_vec(),
            counter: data.counter,
            verified: data.verified(),
        })
    }
}

fn own(
    key: &PublicKey,
    algorithm: i64,
    data: &[u8],
    client_data: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    if algorithm != key.algorithm() {
        return Err(Refusal::Attestation);
    }
    let signed = [data, digest(&SHA256, client_data).as_ref()].concat();
    key.verify(&signed, signature).map_err(|_| Refusal::Attestation)
}

fn object(bytes: &[u8]) -> Result<Object<'_>, Refusal> {
    let malformed = |_: Malformed| Refusal::Attestation;
    let mut reader = Reader::new(bytes);
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..reader.map(3).map_err(malformed)? {
        let again = match reader.text().map_err(malformed)? {
            "fmt" => format.replace(reader.text().map_err(malformed)?).is_some(),
            "attStmt" => {
                let begins = reader;
                reader.pass_map().map_err(malformed)?;
                statement.replace(begins).is_some()
            }
            "authData" => data.replace(reader.bytes().map_err(malformed)?).is_some(),
            _ => true,
        };
        if again {
            return Err(Refusal::Attestation);
        }
    }
    reader.end().map_err(malformed)?;
    let (Some(format), Some(begins), Some(data)) = (format, statement, data) else {
        return Err(Refusal::Attestation);
    };
    let statement = match format {
        "none" => none(begins),
        "packed" => packed(begins),
        _ => Err(Malformed),
    };
    Ok(Object { statement: statement.map_err(malformed)?, data })
}

fn none(mut reader: Reader<'_>) -> Result<Statement<'_>, Malformed> {
    reader.map(0)?;
    Ok(Statement::None)
}

/// A packed statement of the credential's own key: an algorithm and a signature, and no certificates.
fn packed(mut reader: Reader<'_>) -> Result<Statement<'_>, Malformed> {
    let (mut algorithm, mut signature) = (None, None);
    for _ in 0..reader.map(2)? {
        match reader.text()? {
            "alg" => algorithm = Some(reader.int()?),
            "sig" => signature = Some(reader.bytes()?),
            _ => return Err(Malformed),
        }
    }
    let (algorithm, signature) = algorithm.zip(signature).ok_or(Malformed)?;
    Ok(Statement::Own { algorithm, signature })
}
