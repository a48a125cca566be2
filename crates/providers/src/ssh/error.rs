//! Why a host could not be reached, or a command could not be run.

/// What went wrong, by what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// No SSH server answers there.
    #[error("nothing answers SSH there: {0}")]
    Unreachable(String),
    /// The server shows another key than the one pinned: another machine, or someone in between.
    #[error("the host key changed: expected {expected}, got {got}")]
    HostKeyChanged {
        /// The pinned key.
        expected: String,
        /// The key that was shown.
        got: String,
    },
    /// The server does not let our key in.
    #[error("the server refused our key")]
    AuthRefused,
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
    /// The deadline passed first.
    #[error("no answer in time: {0}")]
    TimedOut(&'static str),
    /// The two sides do not understand each other, or a key or an argument can't be used.
    #[error("{0}")]
    Protocol(String),
}

impl From<russh::Error> for SshError {
    fn from(error: russh::Error) -> Self {
        use russh::Error as E;
        match error {
            E::Disconnect | E::HUP | E::SendError | E::KeepaliveTimeout | E::InactivityTimeout => {
                Self::Closed
            }
            E::IO(error) => Self::Unreachable(error.to_string()),
            E::ConnectionTimeout => Self::TimedOut("connecting"),
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl From<russh::keys::Error> for SshError {
    fn from(error: russh::keys::Error) -> Self {
        Self::Protocol(error.to_string())
    }
}
