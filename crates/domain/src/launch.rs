//! How a machine's container is launched, so that its replacement is launched alike.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most characters that the provider takes in a script of each start.
const LONGEST_SCRIPT: usize = 4_048;
/// The most of a script and arguments together.
const LONGEST_WITH_ARGS: usize = 4_096;
/// Where a replacement is told that its data is there: `run` to start its user's script, anything else
/// to leave that to the next start of the container.
pub const RESTORED: &str = "/root/.dumont-restored";
/// Holds a script back at the first start of a container. It waits in the background: what starts the
/// container waits for the script.
const HEAD: &str = "(# held by dumont until the data is there
m=/root/.dumont-restored
if [ ! -e $m ]; then
  until [ -e $m ]; do sleep 1; done
  [ \"$(cat $m)\" = run ] || exit 0
fi
cat > /root/.dumont-onstart <<'DUMONT-END-OF-SCRIPT'
";
const FOOT: &str = "
DUMONT-END-OF-SCRIPT
exec bash /root/.dumont-onstart
) </dev/null >>/root/.dumont-onstart.log 2>&1 &
";

crate::text_enum! {
    /// A part of how a container is launched.
    pub enum LaunchPart ("part of a launch") {
        /// The template that it was made from.
        Template = "template",
        /// Its environment.
        Environment = "environment",
        /// Ports that it opened.
        Ports = "ports",
        /// The script of each start.
        StartScript = "start_script",
        /// Arguments of the image's entry point.
        Arguments = "arguments",
        /// How one gets in, such as a notebook, or the image's own entry point in its place.
        Mode = "mode",
        /// How it was launched was never read: what of it is missing is not known.
        Unknown = "unknown",
    }
}

/// A script without what holds it back, however often that was put around it and whatever the provider made of
/// its ends.
fn own_script(script: &str) -> &str {
    let held = |script: &'_ str| -> Option<(usize, usize)> {
        let start = script.len() - script.trim_start().len() + HEAD.len();
        let end = script.trim_end().len().checked_sub(FOOT.trim_end().len())?;
        let around = script.get(..start)?.trim_start() == HEAD
            && script.get(end..)?.trim_end() == FOOT.trim_end();
        (around && start <= end).then_some((start, end))
    };
    let mut own = script;
    while let Some((start, end)) = held(own) {
        own = own.get(start..end).unwrap_or_default();
    }
    own
}

/// What the provider was asked for beside image and disk. The environment and the script may hold their
/// user's secrets: neither is ever logged or shown.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    /// Image, with its tag.
    pub image: Option<String>,
    /// Environment; the provider takes options of the container here too, such as `-p 8080:8080`.
    pub env: Vec<(String, String)>,
    /// Script of each start.
    pub onstart: Option<String>,
    /// Arguments of the image's own entry point, where it is launched with those.
    pub args: Vec<String>,
    /// How one gets in, in the provider's words, such as `ssh_direc ssh_proxy`.
    pub runtype: Option<String>,
    /// Template that it was made from.
    pub template: Option<String>,
    /// SSH keys that let people in; `None` where they are not known.
    pub ssh_keys: Option<Vec<String>>,
    /// What its user calls it at the provider.
    pub label: Option<String>,
}

impl Launch {
    /// The same with ports opened that it does not open yet, such as `8080/tcp`.
    #[must_use]
    pub fn with_ports(mut self, ports: &[String]) -> Self {
        for port in ports {
            let option = published(port);
            let opened = |name: &str| {
                name.strip_prefix("-p ").is_some_and(|rest| {
                    let wanted = option.trim_start_matches("-p ");
                    rest.trim() == wanted || rest.trim() == format!("{wanted}/tcp")
                })
            };
            if !self.env.iter().any(|(name, _)| opened(name)) {
                self.env.push((option, "1".into()));
            }
        }
        self
    }

    /// Without what belongs to the one container that it was read from: its identity, and volumes that are
    /// on its host alone.
    #[must_use]
    pub fn to_go(mut self) -> Self {
        const OF_ONE: [&str; 3] = ["CONTAINER_ID", "CONTAINER_API_KEY", "CONTAINER_LABEL"];
        self.env.retain(|(name, _)| !OF_ONE.contains(&name.as_str()) && !name.starts_with("-v"));
        self.onstart = self.onstart.map(|script| own_script(&script).to_owned());
        self
    }

    /// With the keys that were known before, where they are not known now.
    #[must_use]
    pub fn or_keys_of(mut self, before: Option<&Self>) -> Self {
        self.ssh_keys = self.ssh_keys.or_else(|| before?.ssh_keys.clone());
        self
    }

    /// Without all that is not needed to let us in: for a provider that refuses the rest of it.
    #[must_use]
    pub fn bare(&self) -> Self {
        let ports = self.env.iter().filter(|(name, _)| name.starts_with("-p "));
        Self {
            env: ports.cloned().collect(),
            onstart: None,
            args: Vec::new(),
            runtype: None,
            template: None,
            ..self.clone()
        }
    }

    /// What of this launch one is asked for without, that is asked for as `asked` and with this script.
    #[must_use]
    pub fn left_out(&self, asked: &Self, script: Option<&str>) -> Vec<LaunchPart> {
        let lacks = |port: bool| {
            let mut wanted = self.env.iter().filter(|(name, _)| name.starts_with("-p ") == port);
            wanted.any(|one| !asked.env.contains(one))
        };
        let has_script = self.onstart.as_deref().is_some_and(|own| !own.trim().is_empty());
        let given = asked.runtype_with_ssh();
        let mut wanted = self.runtype.as_deref().unwrap_or("").split_whitespace();
        let parts = [
            (LaunchPart::Template, self.template.is_some() && asked.template.is_none()),
            (LaunchPart::Environment, lacks(false)),
            (LaunchPart::Ports, lacks(true)),
            (LaunchPart::StartScript, has_script && script.is_none()),
            (LaunchPart::Arguments, !self.args.is_empty() && asked.args.is_empty()),
            (LaunchPart::Mode, wanted.any(|word| !given.contains(word))),
        ];
        parts.into_iter().filter(|(_, lacks)| *lacks).map(|(part, _)| part).collect()
    }

    /// The script of a replacement: its user's own, held back at the first start until the data is there.
    /// `None` where there is none, or where holding it back would make it longer than the provider takes, by
    /// itself or together with the arguments.
    #[must_use]
    pub fn held_script(&self) -> Option<String> {
        let own = self.onstart.as_deref().filter(|script| !script.trim().is_empty())?;
        let held = format!("{HEAD}{own}{FOOT}");
        let said = held.chars().count();
        let args: usize = self.args.iter().map(String::len).sum();
        let fits = said <= LONGEST_SCRIPT && (args == 0 || said + args <= LONGEST_WITH_ARGS);
        fits.then_some(held)
    }

    /// How it is launched so that we get in too: a launch mode without SSH gets it beside.
    #[must_use]
    pub fn runtype_with_ssh(&self) -> String {
        const SSH: &str = "ssh_direc ssh_proxy";
        match self.runtype.as_deref().map(str::trim) {
            None | Some("") => SSH.into(),
            Some(mode) if mode.contains("ssh") => mode.into(),
            // The image's own entry point runs nothing that lets us in: then there is nothing to restore to.
            Some("args") => SSH.into(),
            Some(mode) => format!("{mode} {SSH}"),
        }
    }
}

/// A port as the provider takes it among the environment: `-p 8080:8080`, `-p 53:53/udp`.
fn published(port: &str) -> String {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    if protocol == "udp" {
        format!("-p {number}:{number}/udp")
    } else {
        format!("-p {number}:{number}")
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("image", &self.image)
            .field("env", &format_args!("{} entries", self.env.len()))
            .field("onstart", &self.onstart.as_ref().map(|_| "a script"))
            .field("args", &format_args!("{} arguments", self.args.len()))
            .field("runtype", &self.runtype)
            .field("template", &self.template)
            .field("ssh_keys", &self.ssh_keys.as_ref().map(Vec::len))
            .field("label", &self.label)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_opened_once_however_it_is_written() {
        let launch = Launch {
            env: vec![("-p 8080:8080".into(), "1".into()), ("-p 9:9/tcp".into(), "1".into())],
            ..Launch::default()
        };
        let ports = ["8080/tcp", "9/tcp", "53/udp", "53"].map(str::to_owned);
        let names: Vec<String> =
            launch.with_ports(&ports).env.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["-p 8080:8080", "-p 9:9/tcp", "-p 53:53/udp", "-p 53:53"]);
    }

    #[test]
    fn a_launch_mode_is_kept_and_always_lets_us_in() {
        let mode = |word: &str| Launch { runtype: Some(word.into()), ..Launch::default() };
        for (asked, given) in [
            ("jupyter_direc ssh_direc ssh_proxy", "jupyter_direc ssh_direc ssh_proxy"),
            ("ssh_proxy", "ssh_proxy"),
            ("args", "ssh_direc ssh_proxy"),
            ("jupyter_proxy", "jupyter_proxy ssh_direc ssh_proxy"),
            (" ", "ssh_direc ssh_proxy"),
        ] {
            assert_eq!(mode(asked).runtype_with_ssh(), given);
        }
        assert_eq!(Launch::default().runtype_with_ssh(), "ssh_direc ssh_proxy");
    }

    #[test]
    fn a_script_is_held_back_once_however_often_its_machine_moves() {
        let own = "cd /workspace\npython train.py --name 'x y' &\n";
        let first = Launch { onstart: Some(own.into()), ..Launch::default() };
        let held = first.held_script().expect("fits");
        assert!(held.contains(RESTORED) && held.contains(own));
        let read = Launch { onstart: Some(held.clone()), ..Launch::default() }.to_go();
        assert_eq!(read.onstart.as_deref(), Some(own));
        assert_eq!(read.held_script(), Some(held));
        let long = Launch { onstart: Some("x".repeat(4_000)), ..Launch::default() };
        assert_eq!(long.held_script(), None, "never started before the data is there");
        assert_eq!(Launch::default().held_script(), None);
    }

    #[test]
    fn a_script_is_freed_of_whatever_the_provider_made_of_its_ends_and_however_often_it_was_held() {
        let own = "cd /workspace\npython train.py";
        let of = |onstart: String| Launch { onstart: Some(onstart), ..Launch::default() };
        let held = of(own.into()).held_script().expect("fits");
        let twice = of(held.clone()).held_script().expect("fits");
        for told in [held.trim().to_owned(), format!("{held}\n\n"), format!("\n{held}"), twice] {
            let read = of(told).to_go();
            assert_eq!(read.onstart.as_deref(), Some(own));
            assert_eq!(read.held_script().as_deref(), Some(held.as_str()), "held once");
        }
        let spaced = of(format!("  {own}\n")).to_go();
        assert_eq!(spaced.onstart, Some(format!("  {own}\n")), "its user's own is left as it is");
    }

    #[test]
    fn what_is_left_out_is_named_and_what_is_not_is_not() {
        let full = Launch {
            env: vec![("-p 1:1".into(), "1".into()), ("HF_TOKEN".into(), "x".into())],
            onstart: Some("run".into()),
            args: vec!["--a".into()],
            runtype: Some("jupyter_direc ssh_direc".into()),
            template: Some("abc".into()),
            ..Launch::default()
        };
        let held = full.held_script();
        assert_eq!(full.left_out(&full, held.as_deref()), []);
        let named = Launch { template: None, ..full.clone() };
        assert_eq!(full.left_out(&named, held.as_deref()), [LaunchPart::Template]);
        assert_eq!(full.left_out(&full, None), [LaunchPart::StartScript], "too long to be held");
        assert_eq!(
            full.left_out(&full.bare(), None),
            [
                LaunchPart::Template,
                LaunchPart::Environment,
                LaunchPart::StartScript,
                LaunchPart::Arguments,
                LaunchPart::Mode,
            ]
        );
        assert_eq!(
            full.left_out(&Launch { env: Vec::new(), ..full.clone() }, held.as_deref()),
            [LaunchPart::Environment, LaunchPart::Ports]
        );
        let own = Launch { runtype: Some("args".into()), ..Launch::default() };
        assert_eq!(own.left_out(&own, None), [LaunchPart::Mode], "its entry point does not run");
        let plain = Launch { onstart: Some(" ".into()), ..Launch::default() };
        assert_eq!(plain.left_out(&plain, None), []);
    }

    #[test]
    fn a_script_is_left_out_where_it_and_the_arguments_are_too_long_together() {
        let with = |args: usize| Launch {
            onstart: Some("x".repeat(3_000)),
            args: vec!["a".repeat(args)],
            ..Launch::default()
        };
        let held = with(0).held_script().expect("fits").chars().count();
        assert!(with(LONGEST_WITH_ARGS - held).held_script().is_some());
        assert_eq!(with(LONGEST_WITH_ARGS - held + 1).held_script(), None);
    }

    #[test]
    fn a_bare_launch_has_its_image_and_ports_alone() {
        let launch = Launch {
            image: Some("pytorch/pytorch:2".into()),
            env: vec![("-p 1:1".into(), "1".into()), ("HF_TOKEN".into(), "x".into())],
            onstart: Some("run".into()),
            args: vec!["--a".into()],
            runtype: Some("jupyter_direc".into()),
            template: Some("abc".into()),
            ssh_keys: Some(vec!["ssh-rsa A me".into()]),
            label: Some("mine".into()),
        };
        let bare = Launch {
            image: launch.image.clone(),
            env: vec![("-p 1:1".into(), "1".into())],
            ssh_keys: launch.ssh_keys.clone(),
            label: launch.label.clone(),
            ..Launch::default()
        };
        assert_eq!(launch.bare(), bare);
        assert_eq!(bare.bare(), bare);
    }

    #[test]
    fn keys_that_are_not_known_now_stay_those_of_before() {
        let keys = |keys: Option<&[&str]>| Launch {
            ssh_keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
            ..Launch::default()
        };
        let before = keys(Some(&["ssh-rsa A me"]));
        assert_eq!(keys(None).or_keys_of(Some(&before)), before);
        assert_eq!(keys(Some(&[])).or_keys_of(Some(&before)), keys(Some(&[])), "told: none");
        assert_eq!(keys(None).or_keys_of(None), keys(None));
        let kept = serde_json::to_string(&before).expect("JSON");
        assert!(kept.contains(r#""ssh_keys":["ssh-rsa A me"]"#), "as it always was: {kept}");
    }

    #[test]
    fn what_is_of_one_container_stays_with_it() {
        let env = ["CONTAINER_ID", "CONTAINER_API_KEY", "-v V.8:/mnt", "HF_TOKEN", "-p 1:1"];
        let launch = Launch {
            env: env.map(|name| (name.to_owned(), "1".to_owned())).into(),
            ..Launch::default()
        };
        let names: Vec<String> = launch.to_go().env.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["HF_TOKEN", "-p 1:1"]);
    }

    #[test]
    fn what_is_logged_has_no_secret_in_it() {
        let launch = Launch {
            env: vec![("HF_TOKEN".into(), "hf_secret".into())],
            onstart: Some("export WANDB=secret".into()),
            args: vec!["--key=secret".into()],
            ..Launch::default()
        };
        assert!(!format!("{launch:?}").contains("secret"));
    }
}
