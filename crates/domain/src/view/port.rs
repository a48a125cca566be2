//! A port of a container, as a request names it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A port to open: `8080`, `"8080"`, `"8080/tcp"` or `"53/udp"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// 1 to 65535.
    pub number: u16,
    /// UDP instead of TCP.
    pub udp: bool,
}

impl Port {
    fn parse(text: &str) -> Option<Self> {
        let (number, udp) = match text.split_once('/') {
            None => (text, false),
            Some((number, "tcp")) => (number, false),
            Some((number, "udp")) => (number, true),
            Some(_) => return None,
        };
        let plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|number| plain && *number > 0)?;
        Some(Self { number, udp })
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, if self.udp { "udp" } else { "tcp" })
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("not a port");
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::Number(number) => {
                let number = number.as_u64().and_then(|number| u16::try_from(number).ok());
                let number = number.filter(|number| *number > 0).ok_or_else(wrong)?;
                Ok(Self { number, udp: false })
            }
            serde_json::Value::String(text) => Self::parse(&text).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Port {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let number =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(65_535));
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(
            "^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/(tcp|udp))?$",
        ));
        let either = OneOfBuilder::new()
            .description(Some("A port: a number, or with its protocol as `8080/tcp`."))
            .item(number)
            .item(text);
        utoipa::openapi::RefOr::T(either.into())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Port {
    fn name() -> std::borrow::Cow<'static, str> {
        "Port".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_as_a_number_or_with_its_protocol() {
        let read =
            |text: &str| serde_json::from_str::<Port>(text).ok().map(|port| port.to_string());
        for (text, port) in [("8080", "8080/tcp"), ("\"80\"", "80/tcp"), ("\"53/udp\"", "53/udp")] {
            assert_eq!(read(text).as_deref(), Some(port), "{text}");
        }
        for bad in [
            "0",
            "65536",
            "-1",
            "1.5",
            "\"x\"",
            "\"80/icmp\"",
            "\"+80\"",
            "null",
            "[80]",
            "\"8080:80\"",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
