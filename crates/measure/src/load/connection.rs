//! One kept connection: a question, its whole answer, the next question.

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) cookie: &'a str,
    pub(super) encoding: &'static str,
}

/// What came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) encoding: Option<String>,
    /// The session that it set.
    pub(super) cookie: Option<String>,
    pub(super) body: Bytes,
}

/// A connection.
pub(super) struct Connection {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(super) async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.context("the server is not reached")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what fails there fails the question too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { host: host.to_owned(), sender })
    }

    /// Asks, and reads the answer to its end; one that breaks off is an error.
    pub(super) async fn ask(&mut self, ask: &Ask<'_>, form: Bytes) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(ask.path)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT_LANGUAGE, "en")
            .header(header::ACCEPT_ENCODING, ask.encoding);
        if !ask.cookie.is_empty() {
            request = request.header(header::COOKIE, ask.cookie);
        }
        if ask.method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin");
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(form))?).await?;
        let (parts, body) = response.into_parts();
        let text = |name: &header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let set = parts.headers.get_all(header::SET_COOKIE).iter();
        let cookie = set
            .filter_map(|value| value.to_str().ok())
            .filter_map(|line| line.split(';').next())
            .find(|pair| pair.starts_with("dumont_session="))
            .map(str::to_owned);
        Ok(Answer {
            status: parts.status,
            encoding: text(&header::CONTENT_ENCODING),
            cookie,
            body: body.collect().await?.to_bytes(),
        })
    }
}
