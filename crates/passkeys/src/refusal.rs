//! Why a passkey is not accepted.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A part is empty or longer than any browser makes it.
    #[error("a part of it is empty or too long")]
    Size,
    /// The client data is not what a browser writes.
    #[error("the client data can't be read")]
    ClientData,
    /// It was made where it should have been used, or the other way round.
    #[error("it is of another ceremony")]
    Ceremony,
    /// The challenge is another one.
    #[error("the challenge is another one")]
    Challenge,
    /// The page that asked was at another address.
    #[error("the page that asked is at another address")]
    Origin,
    /// The page that asked stood in a frame of another site.
    #[error("the page that asked stands in another site's")]
    Framed,
    /// It belongs to another name.
    #[error("it belongs to another name")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody was there")]
    Absent,
    /// The authenticator data is not as the standard has it.
    #[error("the authenticator data can't be read")]
    Data,
    /// The attestation is of a kind that was not asked for, or is wrong.
    #[error("the attestation is of a kind that was not asked for")]
    Attestation,
    /// The public key is of a kind that was not asked for, or can't be read.
    #[error("the public key is of a kind that was not asked for")]
    Key,
    /// The credential is another one than it says.
    #[error("the credential is another one")]
    Credential,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
}
