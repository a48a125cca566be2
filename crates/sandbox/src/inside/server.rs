//! One client's connection: login by key, and what it may open.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty};
use tokio::task::AbortHandle;

use super::login::{self, Environment};
use super::startups::Startup;
use super::{forward, keys, session};

/// Who is at the other end: address and port there, address and port here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer([String; 4]);

impl Peer {
    /// Reads the four words of a line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Some(Self(words.try_into().ok()?))
    }

    /// The variables that an SSH server tells a session.
    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        let [from, port, _, here] = &self.0;
        [("SSH_CLIENT", format!("{from} {port} {here}")), ("SSH_CONNECTION", self.0.join(" "))]
    }
}

pub(crate) struct Client {
    seat: PathBuf,
    environment: Arc<Environment>,
    peer: Peer,
    /// Counts as a login under way until it has succeeded.
    startup: Option<Startup>,
    /// Held by each open session too.
    sessions: Arc<()>,
    most_sessions: usize,
    /// Ports that this client has us listen on.
    forwards: HashMap<(String, u32), AbortHandle>,
}

impl Client {
    pub(crate) fn new(
        seat: PathBuf,
        environment: Arc<Environment>,
        peer: Peer,
        startup: Startup,
        most_sessions: usize,
    ) -> Self {
        Self {
            seat,
            environment,
            peer,
            startup: Some(startup),
            sessions: Arc::new(()),
            most_sessions,
            forwards: HashMap::new(),
        }
    }

    fn judge(&self, key: &russh::keys::PublicKey) -> Auth {
        if keys::allows(&self.seat, key) { Auth::Accept } else { Auth::reject() }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for forward in self.forwards.values() {
            forward.abort();
        }
    }
}

/// Requests on a session channel are answered here, in their order, and
/// carried out by the channel's task, which gets the same messages.
impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(offer.public_key))
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(key.public_key))
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        self.startup = None;
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if Arc::strong_count(&self.sessions) > self.most_sessions {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        }
        reply.accept().await;
        let (environment, peer) = (Arc::clone(&self.environment), self.peer.clone());
        let (handle, open) = (session.handle(), Arc::clone(&self.sessions));
        tokio::spawn(async move {
            session::run(channel, handle, environment, &peer).await;
            drop(open);
        });
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let host = host.to_owned();
        tokio::spawn(async move {
            match forward::dial(&host, port).await {
                Ok(stream) => {
                    reply.accept().await;
                    forward::join(channel, stream).await;
                }
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
            }
        });
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        session: &mut Session,
    ) -> Result<bool, Self::Error> {
        let Ok((listener, bound)) = forward::listen(*port).await else { return Ok(false) };
        *port = bound;
        let accepting = forward::accept(listener, session.handle(), address.to_owned(), bound);
        let task = tokio::spawn(accepting).abort_handle();
        self.forwards.insert((address.to_owned(), bound), task);
        Ok(true)
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        let forward = self.forwards.remove(&(address.to_owned(), port));
        if let Some(forward) = &forward {
            forward.abort();
        }
        Ok(forward.is_some())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name == "sftp" && login::sftp_server().is_some() {
            session.channel_success(channel)
        } else {
            session.channel_failure(channel)
        }
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn the_variables_are_those_of_sshd() {
        let peer = Peer::parse("127.0.0.1 40000 127.78.1.2 22").expect("four words");
        assert_eq!(
            peer.variables(),
            [
                ("SSH_CLIENT", "127.0.0.1 40000 22".to_owned()),
                ("SSH_CONNECTION", "127.0.0.1 40000 127.78.1.2 22".to_owned())
            ]
        );
        assert_eq!(Peer::parse("127.0.0.1 1"), None);
    }
}
