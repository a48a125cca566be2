//! Seeing what changes on the GPU, as it changes.

use std::time::Duration;

use providers::ssh::Shell;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::DirtyPaths;
use super::wire::script;
use crate::ports::time;
use crate::ports::watch;

/// Pause before a watch that ended is started again.
const AGAIN: Duration = Duration::from_secs(3);

/// Keeps watching while a shell to the GPU is open, until the token ends: notes each path in `dirty`
/// and rings `changed`.
pub(super) async fn run(
    mut shells: watch::Receiver<Option<Shell>>,
    workspace: String,
    dirty: DirtyPaths,
    changed: std::sync::Arc<Notify>,
    token: CancellationToken,
) {
    loop {
        let shell = shells.borrow_and_update().clone();
        let watching = async {
            match &shell {
                Some(shell) => {
                    look(shell, &workspace, &dirty, &changed).await;
                    dirty.unwatched();
                    time::sleep(AGAIN).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => break,
            moved = shells.changed() => if moved.is_err() { break },
            () = watching => {}
        }
        dirty.unwatched();
    }
    dirty.unwatched();
}

/// Reads one watch to its end.
async fn look(shell: &Shell, workspace: &str, dirty: &DirtyPaths, changed: &Notify) {
    let mut process = match shell.stream(&script!("watch").arg(workspace)).await {
        Ok(process) => process,
        Err(error) => {
            tracing::debug!(%error, "the watch did not start");
            return;
        }
    };
    let root = format!("{}/", workspace.trim_end_matches('/'));
    while let Some(record) = process.record(0).await {
        if process.was_cut() {
            // No path is so long: there was a change, and what it was is not known.
            dirty.changed_unnamed();
            changed.notify_one();
            continue;
        }
        match read(&record, root.as_bytes()) {
            Seen::Ready => {
                tracing::debug!(how = %String::from_utf8_lossy(&record), "watching");
                dirty.watched();
                // What changed before is only found by a scan.
                changed.notify_one();
            }
            Seen::Path(path) => {
                dirty.changed(path);
                changed.notify_one();
            }
            Seen::Nothing => {}
        }
    }
    tracing::debug!(errors = process.errors(), "the watch ended");
}

enum Seen {
    Ready,
    Path(String),
    Nothing,
}

/// What a record says: `READY <how>`, `WORD <words>`, or an event and a path.
fn read(record: &[u8], root: &[u8]) -> Seen {
    let Some(space) = record.iter().position(|byte| *byte == b' ') else { return Seen::Nothing };
    let (event, path) =
        (record.get(..space).unwrap_or_default(), record.get(space + 1..).unwrap_or_default());
    match event {
        b"READY" => Seen::Ready,
        b"WORD" => Seen::Nothing,
        _ => {
            let Some(relative) = path.strip_prefix(root).filter(|path| !path.is_empty()) else {
                return Seen::Nothing;
            };
            let mut name = String::from_utf8_lossy(relative).into_owned();
            let is_folder = event.ends_with(b",ISDIR");
            if is_folder && event.starts_with(b"ATTRIB") {
                return Seen::Nothing;
            }
            if is_folder && !name.ends_with('/') {
                name.push('/');
            }
            Seen::Path(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_apart() {
        let path = |record: &[u8]| match read(record, b"/work space/") {
            Seen::Path(path) => path,
            Seen::Ready => "ready".into(),
            Seen::Nothing => String::new(),
        };
        assert_eq!(path(b"CLOSE_WRITE,CLOSE /work space/a b\nc"), "a b\nc");
        assert_eq!(path(b"CREATE,ISDIR /work space/d"), "d/");
        assert_eq!(path(b"SCAN /work space/\xff"), "\u{fffd}");
        assert_eq!(path(b"READY inotify"), "ready");
        assert_eq!(path(b"WORD Couldn't watch /work space/x"), "");
        assert_eq!(path(b"ATTRIB,ISDIR /work space/"), "");
        assert_eq!(path(b"garbage"), "");
    }
}
