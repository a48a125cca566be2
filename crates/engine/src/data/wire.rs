//! The lines in which scripts answer, and the asking itself.

use std::collections::HashMap;
use std::time::Duration;

use domain::frozen::{Deletion, LISTED};
use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::{RemoteProcess, Script, Shell};

use super::DataError;
use super::plan::Figures;
use super::progress::Progress;
use crate::ports::time;

/// A fixed script, after what all scripts share.
macro_rules! script {
    ($name:literal) => {
        providers::ssh::Script::named(
            $name,
            concat!(
                include_str!("scripts/common.sh"),
                include_str!(concat!("scripts/", $name, ".sh"))
            ),
        )
    };
    (standby $name:literal) => {
        providers::ssh::Script::named(
            $name,
            concat!(
                include_str!("scripts/common.sh"),
                include_str!("scripts/standby.sh"),
                include_str!(concat!("scripts/", $name, ".sh"))
            ),
        )
    };
}
pub(super) use script;

/// Fields that an answer may have; the longest of ours has a dozen.
const FIELDS: usize = 64;
/// Longest line of an answer that is taken in, bytes.
const LINE: usize = 4 * 1024;
/// Longest words of a host that are passed on, characters.
const WORDS: usize = 600;

/// A workspace that may be written to: one that was stored before the rule was as strict as it is now
/// is refused here, before any host hears of it.
pub(super) fn checked(workspace: &str) -> Result<String, DataError> {
    domain::association::workspace(workspace).map_err(|why| {
        let word = format!("the workspace {workspace:?} {why}; remove the standby and protect the machine with another");
        DataError::Unprepared(word)
    })
}

/// The words of a host, on one line and not too long.
pub(super) fn words(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect()
}

/// What a script answered: `key=value` lines, and the figures of rsync.
#[derive(Debug, Default)]
pub(super) struct Answer {
    fields: HashMap<String, String>,
    pub(super) figures: Figures,
    /// Deletions that it told by name.
    pub(super) held: Vec<Deletion>,
}

impl Answer {
    /// The answer in a text.
    pub(super) fn of(text: &str) -> Self {
        let mut answer = Self::default();
        text.lines().for_each(|line| answer.read(line));
        answer
    }

    /// Takes one line in.
    fn read(&mut self, line: &str) {
        if line.len() > LINE || self.figures.read(line) {
            return;
        }
        if let Some(told) = line.strip_prefix("held=") {
            if self.held.len() < LISTED {
                self.held.extend(held(told));
            }
            return;
        }
        if let Some((key, value)) = line.split_once('=')
            && (self.fields.len() < FIELDS || self.fields.contains_key(key))
        {
            self.fields.insert(key.to_owned(), value.to_owned());
        }
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }

    pub(super) fn some(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub(super) fn number(&self, key: &str, what: &'static str) -> Result<i64, DataError> {
        self.text(key)
            .parse()
            .map_err(|_| DataError::failed(what, format!("the host's answer lacks {key}")))
    }

    /// The answer of a script that ended with the outcome `ok`; else what its outcome means.
    pub(super) fn judged(
        self,
        what: &'static str,
        asked: Epoch,
        errors: &str,
    ) -> Result<Self, DataError> {
        let word = words(self.text("word"));
        match self.text("outcome") {
            "ok" => Ok(self),
            "stale" => {
                let recorded = Epoch(self.number("recorded", what)?);
                Err(DataError::StaleEpoch { asked, recorded })
            }
            "untrusted" => Err(DataError::Untrusted(word)),
            "busy" => Err(DataError::Busy(word)),
            "unprepared" => Err(DataError::Unprepared(word)),
            "unfit" => Err(DataError::Unfit(word)),
            "" => {
                let last = errors.lines().last().unwrap_or("without a word");
                Err(DataError::failed(what, format!("it was cut off: {}", words(last))))
            }
            _ => Err(DataError::failed(what, word)),
        }
    }
}

/// A deletion: its size, where it is a file's, a space, and its path in hexadecimal.
fn held(told: &str) -> Option<Deletion> {
    let (bytes, path) = told.split_once(' ')?;
    let pairs = path.as_bytes().chunks(2).map(|pair| {
        u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()
    });
    let path = String::from_utf8_lossy(&pairs.collect::<Option<Vec<u8>>>()?).into_owned();
    let bytes = bytes.parse().ok().filter(|bytes: &i64| *bytes >= 0);
    (!path.is_empty()).then_some(Deletion { path, bytes })
}

/// A script that is talked with while it runs. Dropping it ends what it started on the host.
pub(super) struct Talk {
    process: RemoteProcess,
    what: &'static str,
    silence: Duration,
    pub(super) answer: Answer,
}

impl Talk {
    /// Starts a script that is given up after `silence` without a line.
    pub(super) async fn start(
        shell: &Shell,
        script: &Script,
        what: &'static str,
        silence: Duration,
    ) -> Result<Self, DataError> {
        let process = shell.stream(script).await?;
        Ok(Self { process, what, silence, answer: Answer::default() })
    }

    /// Reads until a line begins with `mark`, or the end; whether the mark came.
    pub(super) async fn until(
        &mut self,
        mark: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<bool, DataError> {
        let mut furthest = Progress::default();
        loop {
            let line = time::timeout(self.silence, self.process.line())
                .await
                .map_err(|_| DataError::Silent(self.what))?;
            let Some(line) = line else { return Ok(false) };
            for part in line.split('\r') {
                match Progress::read(part) {
                    Some(now) => {
                        furthest = furthest.or_further(now);
                        progress(furthest);
                    }
                    None => self.answer.read(part),
                }
            }
            if line.starts_with(mark) {
                return Ok(true);
            }
        }
    }

    /// Gives the script a line.
    pub(super) async fn say(&mut self, line: String) -> Result<(), DataError> {
        Ok(self.process.send(line.into_bytes()).await?)
    }

    /// Gives the script bytes.
    pub(super) async fn give(&mut self, bytes: bytes::Bytes) -> Result<(), DataError> {
        Ok(self.process.send(bytes).await?)
    }

    /// There is nothing more to give.
    pub(super) fn end_input(&mut self) {
        self.process.end_input();
    }

    /// Judges the outcome of one that was read to its end.
    pub(super) fn judged(self, asked: Epoch) -> Result<Answer, DataError> {
        let errors = self.process.errors();
        self.answer.judged(self.what, asked, &errors)
    }

    /// Reads to the end and judges the outcome.
    pub(super) async fn end(
        mut self,
        asked: Epoch,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Answer, DataError> {
        self.until("outcome=", progress).await?;
        self.judged(asked)
    }
}

/// Runs a script to its end and judges its outcome.
pub(super) async fn ask(
    shell: &Shell,
    script: &Script,
    what: &'static str,
    asked: Epoch,
    deadline: Duration,
) -> Result<Answer, DataError> {
    let talk =
        async { Talk::start(shell, script, what, deadline).await?.end(asked, &mut |_| {}).await };
    time::timeout(deadline, talk).await.unwrap_or(Err(DataError::Silent(what)))
}

/// Where a script is told a host is.
pub(super) fn with_endpoint(script: Script, endpoint: &Endpoint) -> Script {
    script.arg(&endpoint.host).arg(endpoint.port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_answers_without_end_is_kept_short() {
        let mut answer = Answer::default();
        for number in 0..10_000 {
            answer.read(&format!("key{number}={}", "v".repeat(LINE)));
            answer.read(&format!("key{number}=v"));
        }
        assert_eq!(answer.fields.len(), FIELDS);
        answer.read("key1=again");
        assert_eq!(answer.text("key1"), "again");
        let long = Answer::of(&format!("word={}\x1b[31m\noutcome=failed", "w".repeat(3_000)));
        let words = long.judged("sync", Epoch(0), "").unwrap_err().to_string();
        assert!(words.len() < 700 && !words.contains('\x1b'), "{words}");
        let cut = Answer::of("").judged("sync", Epoch(0), &"e".repeat(60_000)).unwrap_err();
        assert!(cut.to_string().len() < 700);
    }

    #[test]
    fn deletions_are_read_by_name_and_no_more_than_there_is_room_for() {
        let mut answer =
            Answer::of("held=3 612062\nheld= 646972 2f\nheld=-1 0a\nheld=1 6\nheld=x\nheld= ");
        let one = |path: &str, bytes| Deletion { path: path.into(), bytes };
        assert_eq!(answer.held, [one("a b", Some(3)), one("\n", None)]);
        for _ in 0..1_000 {
            answer.read("held= 61");
        }
        assert_eq!(answer.held.len(), LISTED);
        assert_eq!(answer.some("held"), None);
    }

    #[test]
    fn an_outcome_says_what_a_caller_can_do() {
        let stale = Answer::of("recorded=7\nword=x\noutcome=stale").judged("sync", Epoch(3), "");
        assert!(matches!(
            stale,
            Err(DataError::StaleEpoch { asked: Epoch(3), recorded: Epoch(7) })
        ));
        let cut = Answer::of("files=3").judged(
            "sync",
            Epoch(0),
            "bash: line 3: rsync: command not found",
        );
        assert_eq!(
            cut.unwrap_err().to_string(),
            "sync: it was cut off: bash: line 3: rsync: command not found"
        );
        let ok =
            Answer::of("files=3\nlast=\noutcome=ok").judged("sync", Epoch(0), "noise").unwrap();
        assert_eq!(ok.number("files", "sync").unwrap(), 3);
        assert_eq!(ok.some("last"), None);
        assert!(ok.number("bytes", "sync").is_err());
    }
}
