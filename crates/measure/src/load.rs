//! Pages asked for over kept connections, each answer checked.

mod connection;
mod pace;

use std::io::Read as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use connection::{Answer, Ask, Connection};

/// Of so many answers one is unpacked and read to its end.
const LOOKED_AT: u64 = 64;
/// What a whole page ends with.
const END: &str = "</html>";

/// A page to ask for.
#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    /// What the table calls it.
    pub name: String,
    /// Addresses, asked for in turn.
    pub paths: Vec<String>,
    /// Asked for without a login.
    #[serde(default)]
    pub open: bool,
}

/// How hard it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Pressure {
    /// Connections kept open.
    pub connections: usize,
    /// How long, each way.
    pub span: Duration,
    /// Pages per second where they are asked for at a pace.
    pub rate: f64,
}

/// How fast a page came.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// What the table calls it.
    pub name: String,
    /// Different addresses.
    pub addresses: usize,
    /// The very first answer, ms.
    pub first_ms: f64,
    /// Every connection asks again at once: answers per second.
    pub busy_rate: f64,
    /// Half of them came within, ms.
    pub busy_p50_ms: f64,
    /// 99 of 100 came within, ms.
    pub busy_p99_ms: f64,
    /// Asked for at a pace: answers per second.
    pub paced_rate: f64,
    /// Half came within, ms from when they were due.
    pub paced_p50_ms: f64,
    /// 99 of 100 came within, ms from when they were due.
    pub paced_p99_ms: f64,
    /// Bytes of HTML, the largest of its addresses that was looked at.
    pub raw_bytes: usize,
    /// The same compressed with Brotli.
    pub brotli_bytes: usize,
    /// Answers in all.
    pub answers: u64,
    /// Answers that were not a whole page.
    pub broken: u64,
    /// The first of these, in words.
    pub complaint: Option<String>,
}

/// A file of the built site.
#[derive(Debug, Clone, Serialize)]
pub struct Asset {
    /// Its address.
    pub path: String,
    /// Bytes.
    pub raw_bytes: usize,
    /// Bytes as sent.
    pub brotli_bytes: usize,
}

/// A browser that is logged in.
#[derive(Debug, Clone)]
pub struct Browser {
    host: String,
    cookie: String,
}

#[derive(Deserialize)]
struct Account {
    email: String,
    password: String,
}

impl Browser {
    /// Sends the login's form as a browser does.
    ///
    /// # Errors
    /// The server is not reached, or refuses.
    pub async fn log_in(url: &str, account: &[u8]) -> anyhow::Result<Self> {
        let host = url.strip_prefix("http://").context("the address begins with http://")?;
        let host = host.trim_end_matches('/').to_owned();
        let Account { email, password } = serde_json::from_slice(account)?;
        let form = format!("username={}&password={}", encoded(&email), encoded(&password));
        let mut connection = Connection::open(&host).await?;
        let ask = Ask { method: Method::POST, path: "/login", cookie: "", encoding: "identity" };
        let answer = connection.ask(&ask, Bytes::from(form)).await?;
        ensure!(answer.status == StatusCode::SEE_OTHER, "the login answered {}", answer.status);
        let cookie = answer.cookie.context("the login set no cookie")?;
        Ok(Self { host, cookie })
    }

    async fn get(
        &self,
        connection: &mut Connection,
        path: &str,
        open: bool,
        encoding: &'static str,
    ) -> anyhow::Result<Answer> {
        let cookie = if open { "" } else { &self.cookie };
        let ask = Ask { method: Method::GET, path, cookie, encoding };
        connection.ask(&ask, Bytes::new()).await
    }
}

/// Measures a page: its size, then every connection busy, then at a pace.
///
/// # Errors
/// The server is not reached, or the page can't be had even once.
pub async fn measure(
    browser: &Browser,
    page: &Page,
    pressure: &Pressure,
) -> anyhow::Result<Figures> {
    ensure!(!page.paths.is_empty(), "{} has no address", page.name);
    let mut connection = Connection::open(&browser.host).await?;
    let begun = Instant::now();
    let mut first_ms = None;
    let (mut raw_bytes, mut brotli_bytes) = (0, 0);
    // Some of its addresses, evenly; the largest counts.
    for path in page.paths.iter().step_by(page.paths.len().div_ceil(8)) {
        let plain = browser.get(&mut connection, path, page.open, "identity").await?;
        first_ms.get_or_insert(begun.elapsed().as_secs_f64() * 1e3);
        let text = whole(&plain).with_context(|| format!("{path} is no whole page"))?;
        let packed = browser.get(&mut connection, path, page.open, "br").await?;
        whole(&packed).with_context(|| format!("{path} is no whole page when it is packed"))?;
        raw_bytes = raw_bytes.max(text.len());
        brotli_bytes = brotli_bytes.max(packed.body.len());
    }
    let busy = pace::run(browser, page, pressure, None).await?;
    let paced = pace::run(browser, page, pressure, Some(pressure.rate)).await?;
    Ok(Figures {
        name: page.name.clone(),
        addresses: page.paths.len(),
        first_ms: first_ms.unwrap_or_default(),
        busy_rate: busy.rate,
        busy_p50_ms: busy.at(50),
        busy_p99_ms: busy.at(99),
        paced_rate: paced.rate,
        paced_p50_ms: paced.at(50),
        paced_p99_ms: paced.at(99),
        raw_bytes,
        brotli_bytes,
        answers: busy.answers() + paced.answers(),
        broken: busy.broken + paced.broken,
        complaint: busy.complaint.or(paced.complaint),
    })
}

/// The text of an answer that is a whole page.
fn whole(answer: &Answer) -> anyhow::Result<String> {
    ensure!(answer.status == StatusCode::OK, "it answered {}", answer.status);
    let mut text = String::new();
    match answer.encoding.as_deref() {
        None => text.push_str(std::str::from_utf8(&answer.body)?),
        Some("br") => {
            brotli::Decompressor::new(&answer.body[..], 65_536).read_to_string(&mut text)?;
        }
        Some(other) => bail!("it came as {other}"),
    }
    ensure!(text.trim_end().ends_with(END), "it does not end as a page does");
    Ok(text)
}

/// The files that the settings page loads, with what they weigh.
///
/// # Errors
/// The server is not reached, or a file is not served as it should be.
pub async fn assets(browser: &Browser) -> anyhow::Result<Vec<Asset>> {
    let mut connection = Connection::open(&browser.host).await?;
    let page = browser.get(&mut connection, "/app/settings", false, "identity").await?;
    let text = whole(&page)?;
    let mut paths: Vec<String> =
        text.split('"').filter(|word| word.starts_with("/pkg/")).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    let mut found = Vec::new();
    for path in paths {
        let plain = browser.get(&mut connection, &path, true, "identity").await?;
        let packed = browser.get(&mut connection, &path, true, "br").await?;
        ensure!(plain.status == StatusCode::OK, "{path} answered {}", plain.status);
        ensure!(packed.encoding.as_deref() == Some("br"), "{path} is not compressed");
        let mut unpacked = Vec::new();
        brotli::Decompressor::new(&packed.body[..], 65_536).read_to_end(&mut unpacked)?;
        ensure!(unpacked == plain.body, "{path} differs from what it was compressed from");
        found.push(Asset { path, raw_bytes: plain.body.len(), brotli_bytes: packed.body.len() });
    }
    Ok(found)
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
