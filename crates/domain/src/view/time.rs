//! A point in time as the API writes it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Millis;

/// RFC 3339 in UTC in JSON, milliseconds inside, so that pages can reckon with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct Time(pub Millis);

impl From<Millis> for Time {
    fn from(at: Millis) -> Self {
        Self(at)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.rfc3339())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Millis::parse_rfc3339(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_text_in_json_and_survives_it() {
        let at = Time(Millis(1_790_000_123_456));
        let json = serde_json::to_string(&at).expect("text");
        assert_eq!(json, "\"2026-09-21T14:15:23.456Z\"");
        assert_eq!(serde_json::from_str::<Time>(&json).expect("a time"), at);
        assert!(serde_json::from_str::<Time>("\"noon\"").is_err());
    }
}
