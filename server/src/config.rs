//! What the program is told by flags and the environment.
//!
//! Every setting has a flag and a variable; there is none that makes the product pretend. Where a
//! provider's address is not the real one, all that comes of it is marked "sandbox".

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use engine::EngineConfig;
use engine::config::VAST_URL;
use engine::data::Program;
use secrecy::{ExposeSecret, SecretString};
use store::Keyring;

/// Google Compute's own address.
const GCP_URL: &str = "https://compute.googleapis.com";

/// Where data is kept and who the providers are; the same for every subcommand.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder for the database and the master key, where these are not set [default: a folder of the user's]
    #[arg(long, env = "DUMONT_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// `sqlite:<path>` or `postgres://…` [default: dumont.db in the data folder]
    #[arg(long, env = "DUMONT_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Master key: 32 bytes in base64; several, newest first, separated by commas
    #[arg(long, env = "DUMONT_MASTER_KEY", global = true, hide_env_values = true)]
    pub master_key: Option<SecretString>,
    /// File of the master key, mode 0600; made at first start [default: master.key in the data folder]
    #[arg(long, env = "DUMONT_MASTER_KEY_FILE", global = true)]
    pub master_key_file: Option<PathBuf>,
    /// Address of Vast.ai
    #[arg(long, env = "DUMONT_VAST_URL", global = true, default_value = VAST_URL)]
    pub vast_url: String,
    /// Keep to the rate limits that Vast.ai publishes; `false` only for a provider that has none
    #[arg(long, env = "DUMONT_VAST_LIMITS", global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub vast_limits: bool,
    /// Address of Google Compute, where it is not Google's own
    #[arg(long, env = "DUMONT_GCP_ENDPOINT", global = true)]
    pub gcp_endpoint: Option<String>,
    /// Port on which standbys answer SSH
    #[arg(long, env = "DUMONT_STANDBY_SSH_PORT", global = true, default_value_t = 22)]
    pub standby_ssh_port: u16,
    /// By which means standbys follow: `rsync`, or `agent` (not finished: see docs/OPERATIONS.md)
    #[arg(long, env = "DUMONT_FOLLOW_BY", global = true, value_enum, default_value_t = Following::Rsync)]
    pub follow_by: Following,
    /// File of another `dumont-agent` than the one that is built in
    #[arg(long, env = "DUMONT_AGENT_PROGRAM", global = true)]
    pub agent_program: Option<PathBuf>,
}

/// By which means standbys follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Following {
    /// rsync and scripts.
    Rsync,
    /// `dumont-agent`, and rsync where a host can't run it.
    Agent,
}

/// `dumont-agent` as it was built beside this program; empty where it was not.
const AGENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dumont-agent"));

/// How the server listens and what it serves.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, env = "DUMONT_LISTEN", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Address for /metrics; none: no metrics are served
    #[arg(long, env = "DUMONT_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,
    /// Address under which people reach it, for example <https://dumont.example.org>
    #[arg(long, env = "DUMONT_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Further names under which it may be asked, separated by commas; addresses and localhost are always good
    #[arg(long, env = "DUMONT_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Folder of the built site
    #[arg(long, env = "DUMONT_SITE_ROOT")]
    pub site_root: Option<PathBuf>,
    /// Believe the last address in `X-Forwarded-For`; only behind a proxy that sets it
    #[arg(long, env = "DUMONT_TRUST_PROXY")]
    pub trust_proxy: bool,
    /// Vast.ai key of a single-user install
    #[arg(long, env = "VAST_API_KEY", hide_env_values = true, hide = true)]
    pub vast_api_key: Option<SecretString>,
    /// Service-account file of a single-user install
    #[arg(long, env = "GOOGLE_APPLICATION_CREDENTIALS", hide = true)]
    pub gcp_file: Option<PathBuf>,
}

impl Common {
    /// The address of the database.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir().join("dumont.db").display()))
    }

    /// The folder for what has no place of its own.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        self.data_dir
            .clone()
            .or_else(|| variable("XDG_DATA_HOME").map(|base| base.join("dumont")))
            .or_else(|| variable("HOME").map(|home| home.join(".local/share/dumont")))
            .unwrap_or_else(|| PathBuf::from("dumont-data"))
    }

    /// The file of the master key, where it is not given by value.
    #[must_use]
    pub fn master_key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data_dir().join("master.key"))
    }

    /// The master keys; the file is made where there is none.
    ///
    /// # Errors
    /// The value or the file is no key, others can read the file, or the folder can't be made.
    pub fn keyring(&self) -> anyhow::Result<Keyring> {
        if let Some(value) = &self.master_key {
            return Ok(Keyring::from_value(value.expose_secret())?);
        }
        let path = self.master_key_file();
        make_parent(&path)?;
        Ok(Keyring::from_file(&path)?)
    }

    /// `dumont-agent`, where there is one.
    ///
    /// # Errors
    /// The file that is named can't be read or is none for hosts, or standbys shall follow by it and there
    /// is none.
    fn agent(&self) -> anyhow::Result<Option<Program>> {
        let bytes = match &self.agent_program {
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| {
                    format!("DUMONT_AGENT_PROGRAM: {} can't be read", path.display())
                })?;
                anyhow::ensure!(
                    bytes.starts_with(b"\x7fELF"),
                    "DUMONT_AGENT_PROGRAM: {} is no program for Linux",
                    path.display()
                );
                bytes
            }
            None => AGENT.to_vec(),
        };
        anyhow::ensure!(
            self.follow_by != Following::Agent || !bytes.is_empty(),
            "DUMONT_FOLLOW_BY is agent, but no dumont-agent is built into this program: build it with scripts/build, or name one with DUMONT_AGENT_PROGRAM"
        );
        Ok(Some(bytes).filter(|bytes| !bytes.is_empty()).map(Program::new))
    }

    /// Whether a provider is not the real one.
    #[must_use]
    pub fn sandbox(&self) -> bool {
        let differs = |given: &str, real: &str| given.trim_end_matches('/') != real;
        differs(&self.vast_url, VAST_URL)
            || self.gcp_endpoint.as_deref().is_some_and(|given| differs(given, GCP_URL))
    }

    /// What the engine is told; `holder` names this process among those that share a database.
    ///
    /// # Errors
    /// `dumont-agent` is asked for and not there.
    pub fn engine(&self, holder: String) -> anyhow::Result<EngineConfig> {
        Ok(EngineConfig {
            agent: self.agent()?,
            follow_by_agent: self.follow_by == Following::Agent,
            vast_url: self.vast_url.clone(),
            gcp_endpoint: self.gcp_endpoint.clone(),
            standby_ssh_port: self.standby_ssh_port,
            sandbox: self.sandbox(),
            published_limits: self.vast_limits,
            holder,
            ..EngineConfig::default()
        })
    }
}

impl Serving {
    /// Whether people reach it over TLS, so that cookies must stay there.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The folder of the built site; the builder's own variable counts too.
    #[must_use]
    pub fn site_root(&self) -> PathBuf {
        self.site_root
            .clone()
            .or_else(|| std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("target/site"))
    }
}

/// Makes the folder that a file shall lie in, for its owner only.
///
/// # Errors
/// The system's.
pub fn make_parent(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(vast: &str, gcp: Option<&str>) -> Common {
        Common {
            data_dir: Some("/data".into()),
            database_url: None,
            master_key: None,
            master_key_file: None,
            vast_url: vast.into(),
            vast_limits: true,
            gcp_endpoint: gcp.map(str::to_owned),
            standby_ssh_port: 22,
            follow_by: Following::Rsync,
            agent_program: None,
        }
    }

    #[test]
    fn any_provider_but_the_real_one_is_a_sandbox() {
        assert!(!common("https://console.vast.ai/", None).sandbox());
        assert!(!common(VAST_URL, Some("https://compute.googleapis.com")).sandbox());
        assert!(common("http://127.0.0.1:8700", None).sandbox());
        assert!(common(VAST_URL, Some("http://127.0.0.1:8700")).sandbox());
    }

    #[test]
    fn what_is_not_given_lies_in_the_data_folder() {
        let told = common(VAST_URL, None);
        assert_eq!(told.database_url(), "sqlite:/data/dumont.db");
        assert_eq!(told.master_key_file(), Path::new("/data/master.key"));
    }

    #[test]
    fn a_program_that_is_asked_for_and_not_there_is_no_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dumont-agent");
        let asked = |file: &Path| Common {
            follow_by: Following::Agent,
            agent_program: Some(file.to_owned()),
            ..common(VAST_URL, None)
        };
        let refused = |of: &Common| of.engine("one".into()).expect_err("refused").to_string();
        assert!(refused(&asked(&file)).contains("can't be read"));
        std::fs::write(&file, "").expect("written");
        assert!(refused(&asked(&file)).contains("no program"));
        std::fs::write(&file, b"\x7fELF and more").expect("written");
        let told = asked(&file).engine("one".into()).expect("it starts");
        assert!(told.agent.is_some() && told.follow_by_agent);
        if AGENT.is_empty() {
            let asked = Common { follow_by: Following::Agent, ..common(VAST_URL, None) };
            assert!(refused(&asked).contains("DUMONT_FOLLOW_BY"));
        }
        // What was kept by it is taken over by it, though rsync follows now.
        let rsync = Common { follow_by: Following::Rsync, ..asked(&file) };
        let told = rsync.engine("one".into()).expect("it starts");
        assert!(told.agent.is_some() && !told.follow_by_agent);
    }
}
