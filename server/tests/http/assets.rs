//! Files of the built site: hashed names kept for ever, compressed when built, sent as they are;
//! pages compressed as they are drawn, kept by nobody on the way.

use std::io::{Read as _, Write as _};
use std::path::Path;

use reqwest::Response;

use crate::database::Database;
use crate::people::Person;
use crate::world::{Choice, World};

const SCRIPT: &str = "dumont.Ab3dEf.js";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).expect("written");
    writer.finish().expect("packed")
}

fn brotli_of(bytes: &[u8]) -> Vec<u8> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
    writer.write_all(bytes).expect("written");
    writer.into_inner()
}

/// A built site with its compressed files beside them.
fn build(root: &Path) -> Vec<u8> {
    let pkg = root.join("pkg");
    std::fs::create_dir_all(&pkg).expect("made");
    let script = b"export const hydrate = () => {};\n".repeat(200);
    for (name, content) in [
        (SCRIPT, script.as_slice()),
        ("dumont.Ab3dEf.css", b"main { display: grid }"),
        ("dumont.Ab3dEf.wasm", b"\0asm\x01\0\0\0"),
    ] {
        std::fs::write(pkg.join(name), content).expect("written");
        std::fs::write(pkg.join(format!("{name}.br")), brotli_of(content)).expect("written");
        std::fs::write(pkg.join(format!("{name}.gz")), gzip(content)).expect("written");
    }
    std::fs::write(root.join("robots.txt"), "User-agent: *\n").expect("written");
    std::fs::write(root.join(".hidden"), "the key of all").expect("written");
    script
}

async fn start() -> (World, Vec<u8>) {
    let database = Database::sqlite();
    let root = database.folder.path().join("site");
    let script = build(&root);
    let choice = Choice { site: Some(root), ..Choice::default() };
    (World::start_with(database, choice).await, script)
}

async fn get(world: &World, path: &str, encoding: &str) -> Response {
    let asked = world.get(path).header("accept-encoding", encoding);
    asked.send().await.expect("an answer")
}

fn said<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_built_file_is_sent_as_it_was_compressed_and_kept_for_ever() {
    let (world, script) = start().await;
    let path = format!("/pkg/{SCRIPT}");
    for (accepted, sent, expected) in [
        ("gzip, deflate, br, zstd", "br", brotli_of(&script)),
        ("gzip", "gzip", gzip(&script)),
        ("identity", "", script.clone()),
    ] {
        let answer = get(&world, &path, accepted).await;
        assert_eq!((answer.status().as_u16(), said(&answer, "content-encoding")), (200, sent));
        assert_eq!(said(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(said(&answer, "vary"), "accept-encoding");
        assert_eq!(said(&answer, "x-content-type-options"), "nosniff");
        assert!(said(&answer, "content-type").contains("javascript"));
        assert_eq!(answer.bytes().await.expect("a body"), expected, "{accepted}");
    }
    let wasm = get(&world, "/pkg/dumont.Ab3dEf.wasm", "br").await;
    assert_eq!(said(&wasm, "content-type"), "application/wasm");
    // A name without a hash may mean another file tomorrow.
    let plain = get(&world, "/robots.txt", "identity").await;
    assert_eq!(said(&plain, "cache-control"), "public, max-age=3600");
    let gone = get(&world, "/pkg/dumont.0lder.js", "br").await;
    assert_eq!(gone.status(), 404);
    assert!(!said(&gone, "cache-control").contains("public"), "{:?}", gone.headers());
    world.end().await;
}

/// The answer to a path that is sent as it stands: clients tidy theirs.
async fn raw(world: &World, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = world.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beside_the_built_site_is_served_however_it_is_asked_for() {
    let (world, _) = start().await;
    let folder = world.database.folder.path();
    std::fs::write(folder.join("master.key"), "the key of all").expect("written");
    let whole = folder.join("master.key").display().to_string();
    let paths = [
        "/pkg/../master.key",
        "/pkg/../../master.key",
        "/pkg/..%2f..%2fmaster.key",
        "/pkg/%2e%2e/%2e%2e/master.key",
        "/pkg/%2e%2e%2f%2e%2e%2fmaster.key",
        "/pkg/..%5c..%5cmaster.key",
        "/pkg/....//....//master.key",
        "/pkg/%252e%252e/%252e%252e/master.key",
        "/..%2fmaster.key",
        "/../master.key",
        "//../master.key",
        "/robots.txt/../../master.key",
        "/pkg/..%00/master.key",
        "/.hidden",
        &format!("/pkg/{whole}"),
        &format!("/pkg//{whole}"),
        &format!("/pkg/{}", whole.replace('/', "%2f")),
        &whole,
    ];
    for path in paths {
        let answer = raw(&world, path).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.contains("the key of all"), "{path}: {answer}");
    }
    // The same way in does serve what is to be served.
    let served = raw(&world, &format!("/pkg/{SCRIPT}")).await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_names_the_hashed_files_and_carries_the_script_of_its_policy() {
    let (world, _) = start().await;
    Person::join(&world, "ana").await;
    let html = get(&world, "/login", "identity").await.text().await.expect("a page");
    for name in ["dumont.Ab3dEf.css", "dumont.Ab3dEf.js", "dumont.Ab3dEf.wasm"] {
        assert!(html.contains(&format!("\"/pkg/{name}\"")), "{name}");
    }
    let script = html.split_once("<script").expect("a script").1;
    let script = script.split_once('>').expect("its content").1;
    assert_eq!(script.split_once("</script>").expect("its end").0, app::site::SCRIPT);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_compressed_and_kept_by_nobody_on_the_way() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let session = world.session(&ana.email).await;
    let pages = [
        "/login",
        "/app",
        "/app/failovers",
        "/app/failovers?days=90&page=2",
        "/app/settings",
        "/app/settings/credentials",
        "/app/settings/account",
        "/app/machines/1",
    ];
    for path in pages {
        let ask = |encoding: &'static str| {
            let asked = world.get(path).header("accept-encoding", encoding);
            asked.header("cookie", session.clone()).send()
        };
        for (accepted, sent) in [("gzip, br", "br"), ("gzip", "gzip"), ("identity", "")] {
            let answer = ask(accepted).await.expect("an answer");
            assert_eq!(said(&answer, "cache-control"), "no-store", "{path}");
            assert_eq!(said(&answer, "etag"), "", "{path}");
            if answer.status() == 200 {
                assert_eq!(said(&answer, "content-encoding"), sent, "{path}");
                assert_eq!(said(&answer, "vary"), "accept-encoding", "{path}");
                let bytes = answer.bytes().await.expect("a body");
                let mut text = String::new();
                match sent {
                    "br" => brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut text),
                    "gzip" => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text),
                    _ => (&bytes[..]).read_to_string(&mut text),
                }
                .expect("whole");
                assert!(text.ends_with("</html>"), "{path}: {text}");
            }
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_answers_is_compressed_and_its_stream_is_not() {
    let world = World::start(Database::sqlite()).await;
    let ana = Person::join(&world, "ana").await;
    let ask =
        |path: &'static str| ana.signs(world.get(path)).header("accept-encoding", "gzip").send();
    let report = ask("/api/v1/standby/failover/report").await.expect("an answer");
    assert_eq!((report.status().as_u16(), said(&report, "content-encoding")), (200, "gzip"));
    let bytes = report.bytes().await.expect("a body");
    let told: serde_json::Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(&bytes[..])).expect("JSON");
    assert_eq!(told["total_failovers"], 0);
    let stream = ask("/api/v1/events").await.expect("an answer");
    assert_eq!((stream.status().as_u16(), said(&stream, "content-encoding")), (200, ""));
    let missing = ask("/api/v1/standby/failover/status/none").await.expect("an answer");
    assert_eq!(missing.status(), 404);
    let told: serde_json::Value = missing.json().await.expect("a problem that can be read");
    assert_eq!(told["code"], "not_found");
    world.end().await;
}
