//! Forwarded ports, both ways. All stay on loopback.

use std::io;
use std::net::Ipv4Addr;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::inlet::Inlet;

/// Connects to where a client wants to go.
pub(crate) async fn dial(host: &str, port: u32) -> io::Result<TcpStream> {
    let port = u16::try_from(port).map_err(io::Error::other)?;
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Listens for a client; port 0 lets the system choose.
pub(crate) async fn listen(port: u32) -> io::Result<(TcpListener, u32)> {
    let port = u16::try_from(port).map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let bound = listener.local_addr()?.port();
    Ok((listener, bound.into()))
}

/// Opens a channel to the client for each connection.
pub(crate) async fn accept(listener: TcpListener, client: Handle, address: String, port: u32) {
    while let Ok((stream, from)) = listener.accept().await {
        let opened = client.channel_open_forwarded_tcpip(
            address.clone(),
            port,
            from.ip().to_string(),
            from.port().into(),
        );
        if let Ok(channel) = opened.await {
            tokio::spawn(join(channel, stream));
        }
    }
}

/// Carries bytes both ways until both have ended or the client closes.
pub(crate) async fn join(channel: Channel<Msg>, stream: TcpStream) {
    let (mut from_client, to_client) = channel.split();
    let (mut from_stream, to_stream) = stream.into_split();
    let mut inlet = Inlet::new(to_stream);
    let outward = async {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(read @ 1..) = from_stream.read(&mut buffer).await {
            let piece = bytes::Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
            if to_client.data_bytes(piece).await.is_err() {
                return;
            }
        }
        let _ = to_client.eof().await;
    };
    let inward = async {
        while !inlet.is_done() {
            let room = inlet.room();
            tokio::select! {
                message = async { room.await; from_client.wait().await } => match message {
                    Some(ChannelMsg::Data { data }) => inlet.push(data),
                    Some(ChannelMsg::Eof) => inlet.finish(),
                    Some(ChannelMsg::Close) | None => {
                        inlet.drain().await;
                        return false;
                    }
                    Some(_) => {}
                },
                () = inlet.write_some() => {}
            }
        }
        true
    };
    tokio::pin!(outward, inward);
    tokio::select! {
        () = &mut outward => { inward.await; }
        still_open = &mut inward => if still_open { outward.await },
    }
    let _ = to_client.close().await;
}
