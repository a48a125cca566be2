//! Shells to real hosts: commands, keys, faults of the network.
#![expect(clippy::expect_used, reason = "tests")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::gpu::Endpoint;
use providers::ssh::{Dialer, HostKey, KeyPair, Script, Shell, SshError};
use sandbox::host::{HostKind, HostSpec, Hosts, Net};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// For things that must happen; long, because the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(60);
/// For things that must not happen.
const SHORT: Duration = Duration::from_millis(400);

struct Bench {
    hosts: Hosts,
    key: KeyPair,
    _folder: TempDir,
    _guard: DropGuard,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let token = CancellationToken::new();
        let hosts = Hosts::new(folder.path().join("hosts"), host_program(), 2222, token.clone())
            .expect("hosts");
        Self {
            hosts,
            key: KeyPair::generate().expect("a key"),
            _folder: folder,
            _guard: token.drop_guard(),
        }
    }

    async fn host(&self, id: &str, env: &[(&str, &str)]) -> Endpoint {
        let env =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let keys = vec![self.key.public_line()];
        let spec = HostSpec { keys, env, ..HostSpec::new(id, HostKind::Gpu) };
        self.hosts.create(spec).await.expect("a host");
        let at = self.hosts.boot(id).await.expect("it boots");
        Endpoint { host: at.addr.to_string(), port: at.port }
    }

    async fn dial(
        &self,
        at: &Endpoint,
        key: HostKey,
        deadline: Duration,
    ) -> Result<Shell, SshError> {
        Dialer::new(self.key.clone()).connect(at, "root", key, deadline).await
    }

    async fn shell(&self, at: &Endpoint) -> Shell {
        self.dial(at, HostKey::Learn, DEADLINE).await.expect("a shell")
    }
}

/// The sandbox's binary: the one that is named, or the one that the workspace's tests have built, or
/// one built now.
fn host_program() -> PathBuf {
    if let Some(program) = std::env::var_os("DUMONT_SANDBOX_BIN") {
        return program.into();
    }
    let own = std::env::current_exe().expect("a path");
    let program = own.ancestors().nth(2).expect("target/debug/deps/test").join("dumont-sandbox");
    if !program.is_file() {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "sandbox", "--bin", "dumont-sandbox"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the sandbox can't be built");
    }
    program
}

#[tokio::test]
async fn a_script_gets_its_arguments_and_gives_back_all_of_its_end() {
    let bench = Bench::new();
    let shell = bench.shell(&bench.host("h", &[]).await).await;
    let nasty = ["", "a b", "it's", "-rf", "$(id)", "two\nlines", "ação 🚀", "\\"];
    let script = nasty
        .iter()
        .fold(Script::bash("printf '%s\\0' \"$@\"; echo wrong >&2; exit 7"), Script::arg);
    let output = shell.run(&script, None, DEADLINE).await.expect("it runs");
    let expected: String = nasty.iter().map(|arg| format!("{arg}\0")).collect();
    assert_eq!(output.text(), expected);
    assert_eq!(output.stderr, "wrong");
    assert_eq!(output.exit.status, Some(7));

    let killed = shell.run(&Script::bash("kill -KILL $$"), None, DEADLINE).await.expect("it runs");
    assert_eq!((killed.exit.status, killed.exit.signal.as_deref()), (None, Some("KILL")));
    let echoed =
        shell.run(&Script::bash("cat"), Some("in\n".into()), DEADLINE).await.expect("it runs");
    assert_eq!(echoed.text(), "in\n");
    let none = shell.run(&Script::bash("exit 0"), None, DEADLINE).await.expect("it runs");
    assert!(none.exit.success() && none.stdout.is_empty());
}

#[tokio::test]
async fn what_start_up_files_print_is_not_what_a_script_prints() {
    let bench = Bench::new();
    let at = bench.host("h", &[]).await;
    let noise = bench.hosts.root_folder("h").expect("a folder").join("root/.bashrc");
    std::fs::write(noise, "echo Welcome to your GPU; printf '\\036dum'\n").expect("written");
    let shell = bench.shell(&at).await;
    let output = shell.run(&Script::bash("echo only this"), None, DEADLINE).await.expect("it runs");
    assert_eq!(output.text(), "only this\n");
    let mut process =
        shell.stream(&Script::bash("echo a; printf 'b\\n\\nrest'")).await.expect("it starts");
    for expected in [Some("a"), Some("b"), Some(""), Some("rest"), None] {
        assert_eq!(process.line().await.as_deref(), expected);
    }
}

#[tokio::test]
async fn much_output_is_bounded_and_many_scripts_run_at_once() {
    let bench = Bench::new();
    let shell = bench.shell(&bench.host("h", &[]).await).await;
    let much = Script::bash("head -c 9000000 /dev/zero");
    let output = shell.run(&much, None, DEADLINE).await.expect("it runs");
    assert!(output.truncated && output.stdout.len() == 256 * 1024, "{}", output.stdout.len());
    let each = (0..20).map(|number: u32| {
        let shell = shell.clone();
        async move {
            let script = Script::bash("read -r line; echo \"$1 $line\"").arg(number.to_string());
            let output = shell.run(&script, Some("x\n".into()), DEADLINE).await.expect("it runs");
            assert_eq!(output.text(), format!("{number} x\n"));
        }
    });
    futures::future::join_all(each).await;
}

#[tokio::test]
async fn a_stream_gives_lines_as_they_come_and_ends_with_its_reader() {
    let bench = Bench::new();
    let shell = bench.shell(&bench.host("h", &[]).await).await;
    let script = Script::bash("while read -r line; do echo \"got $line\"; done; touch /root/ended");
    let mut process = shell.stream(&script).await.expect("it starts");
    for word in ["one", "two"] {
        process.send(format!("{word}\n")).await.expect("it reads");
        assert_eq!(process.line().await, Some(format!("got {word}")));
    }
    let ended = bench.hosts.root_folder("h").expect("a folder").join("root/ended");
    assert!(!ended.exists());
    drop(process);
    let start = Instant::now();
    while !ended.exists() {
        assert!(start.elapsed() < DEADLINE, "it goes on without a reader");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let mut process =
        shell.stream(&Script::bash("echo bad >&2; cat; exit 4")).await.expect("it starts");
    process.end_input();
    assert_eq!(process.line().await, None);
    assert_eq!(process.errors(), "bad");
    assert_eq!(process.finish(DEADLINE).await.expect("an end").status, Some(4));
}

#[tokio::test]
async fn only_the_pinned_key_is_accepted_and_only_our_key_is_let_in() {
    let bench = Bench::new();
    let at = bench.host("h", &[]).await;
    let other = bench.shell(&bench.host("other", &[]).await).await.host_key().to_owned();
    let learned = bench.shell(&at).await.host_key().to_owned();
    assert!(learned.starts_with("ssh-ed25519 ") && learned.split(' ').count() == 2, "{learned}");
    let pinned =
        bench.dial(&at, HostKey::Pinned(learned.clone()), DEADLINE).await.expect("the same key");
    assert_eq!(pinned.host_key(), learned);
    assert!(pinned.again(DEADLINE).await.is_ok());
    match bench.dial(&at, HostKey::Pinned(other.clone()), DEADLINE).await {
        Err(SshError::HostKeyChanged { expected, got }) => {
            assert_eq!((expected, got), (other, learned))
        }
        result => panic!("{result:?}"),
    }
    bench.hosts.set_keys("h", vec![]).await.expect("keys set");
    let refused = bench.dial(&at, HostKey::Learn, DEADLINE).await;
    assert!(matches!(refused, Err(SshError::AuthRefused)), "{refused:?}");
}

#[tokio::test]
async fn a_ping_is_answered_until_the_host_is_not_there() {
    let bench = Bench::new();
    let at = bench.host("h", &[]).await;
    let shell = bench.shell(&at).await;
    for _ in 0..3 {
        shell.ping(DEADLINE).await.expect("an answer");
    }
    bench.hosts.freeze("h").await.expect("frozen");
    assert!(matches!(shell.ping(SHORT).await, Err(SshError::TimedOut(_))));
    bench.hosts.thaw("h").await.expect("thawed");
    shell.ping(DEADLINE).await.expect("an answer again");

    bench.hosts.net("h", Net::Cut).await.expect("cut");
    assert!(matches!(shell.ping(SHORT).await, Err(SshError::TimedOut(_))));
    let silent = shell.run(&Script::bash("true"), None, SHORT).await;
    assert!(matches!(silent, Err(SshError::TimedOut(_))), "{silent:?}");
    let dialled = bench.dial(&at, HostKey::Learn, SHORT).await;
    assert!(matches!(dialled, Err(SshError::TimedOut(_))), "{dialled:?}");
    assert!(!shell.is_closed());

    bench.hosts.net("h", Net::Refuse).await.expect("refusing");
    let refused = bench.dial(&at, HostKey::Learn, DEADLINE).await;
    assert!(matches!(refused, Err(SshError::Unreachable(_))), "{refused:?}");
    tokio::time::timeout(DEADLINE, shell.closed()).await.expect("the reset ends it");
    assert!(shell.is_closed());
    assert!(matches!(shell.ping(DEADLINE).await, Err(SshError::Closed)));
    assert!(matches!(
        shell.run(&Script::bash("true"), None, DEADLINE).await,
        Err(SshError::Closed)
    ));
}

#[tokio::test]
async fn a_connection_ends_with_its_last_holder() {
    let bench = Bench::new();
    let at = bench.host("h", &[]).await;
    let watching = bench.shell(&at).await;
    // One entry per connection that the host's server has accepted on its socket.
    let open = async || {
        let count = Script::bash("ls -l /proc/*/fd 2>/dev/null | grep -c 'socket:'");
        let output = watching.run(&count, None, DEADLINE).await.expect("it runs");
        output.text().trim().parse::<u32>().expect("a number")
    };
    let before = open().await;
    let shell = bench.shell(&at).await;
    let clone = shell.clone();
    drop(shell);
    clone.ping(DEADLINE).await.expect("a clone keeps it");
    assert!(open().await > before);
    drop(clone);
    let start = Instant::now();
    while open().await > before {
        assert!(start.elapsed() < DEADLINE, "the connection stays open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
