//! Identifiers. Their text is drawn elsewhere (UUIDs); here they are only told apart by type.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$meta:meta])* $name:ident,)+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 128))]
        pub struct $name(pub String);
        impl $name {
            /// Wraps an identifier's text.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self { Self(text.into()) }
            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
    )+ };
}

id! {
    /// An account of this install.
    UserId,
    /// A machine's tie to its standby; outlives every GPU that it moves to.
    AssociationId,
    /// One failover, drill or planned move.
    FailoverId,
    /// A purchase about to be made; its text is part of the label at the provider.
    IntentId,
    /// A wish that an instance be gone, kept until the provider's complete list agrees.
    DisposalId,
    /// An API token's row (not the token).
    TokenId,
    /// What an account lets another do with its machines.
    GrantId,
}

/// A GPU instance's number at Vast.ai.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GpuId(pub i64);

impl std::fmt::Display for GpuId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What an address calls a machine: its own id, or the number of a GPU that it runs on or ran on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineRef {
    /// A GPU that it has or had.
    Gpu(GpuId),
    /// Its own id, the same through every failover.
    Association(AssociationId),
}

impl MachineRef {
    /// Reads one; `None` where the text is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_id(text) {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(|number| Self::Gpu(GpuId(number)));
        }
        Some(Self::Association(AssociationId::new(text)))
    }
}

/// Whether a text can be one of our ids: 1 to 128 letters, digits, `-`, `_` and `.`, and no sign in
/// front.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A notification's number; rises with each one, over all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationId(pub i64);

impl std::fmt::Display for NotificationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The fencing number of an association. Every write for the association carries it; an older one
/// changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Epoch(pub i64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_by_its_id_or_by_a_gpus_number() {
        assert_eq!(MachineRef::parse("42"), Some(MachineRef::Gpu(GpuId(42))));
        let id = "0199c1f0-7e1c-7c3f-8000-000000000000";
        assert_eq!(MachineRef::parse(id), Some(MachineRef::Association(AssociationId::new(id))));
        for bad in
            ["", "0", "-1", "+1", "1/2", "99999999999999999999", "a b", "..", "a\0", "é", "%2e"]
        {
            assert_eq!(MachineRef::parse(bad), None, "{bad:?}");
        }
    }
}
