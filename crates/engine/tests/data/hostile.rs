//! A GPU that means harm: what it sends reaches the workspace's copy on the standby and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use engine::data::{self, CycleOutcome, DataError};

use super::rig::{EPOCH, Entry, Host, Rig, START_UP, chmod};

/// rsync 3.2.7, which Ubuntu 22.04 and Debian 12 shipped; fetched by `scripts/setup --tests`.
fn old_rsync() -> PathBuf {
    let named = std::env::var_os("DUMONT_TEST_OLD_RSYNC").map(PathBuf::from);
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/rsync-3.2.7/usr/bin/rsync");
    let program = named.unwrap_or_else(|| ours.into());
    assert!(program.is_file(), "{} is missing: run scripts/setup --tests", program.display());
    program
}

/// Puts a program before the system's on a host.
fn install(host: &Host, name: &str, content: impl AsRef<[u8]>) {
    let path = format!("/opt/bin/{name}");
    host.write(&path, content);
    chmod(&host.path(&path), 0o755);
    host.write(START_UP, "PATH=/opt/bin:$PATH\n");
}

/// All on the standby but the copy, and what our own scripts write as they run.
fn outside(rig: &Rig) -> BTreeMap<Vec<u8>, Entry> {
    let ours = [
        "work",
        "versions",
        "incoming",
        "cycle.pid",
        "partial",
        "interrupted",
        "last",
        "lock",
        "held",
        "accepted",
    ];
    let mut tree = rig.standby.tree("/");
    tree.retain(|path, _| {
        let path = String::from_utf8_lossy(path);
        let state = path.strip_prefix("var/lib/dumont/");
        let live = ["workspace", "proc", "dev"].iter().any(|folder| path.starts_with(folder));
        let written = state.is_some_and(|name| ours.iter().any(|own| name.starts_with(own)));
        !live && !written
    });
    tree
}

fn assert_unchanged(before: &BTreeMap<Vec<u8>, Entry>, rig: &Rig) {
    super::rig::assert_same(before, &outside(rig));
}

/// Names that rsync or our scripts could use in a workspace, as links to where a login is decided.
async fn lay_links(rig: &Rig, names: &[&str]) {
    let victim = rig.standby.path("/root/.ssh");
    fs::create_dir_all(&victim).expect("made");
    fs::write(victim.join("authorized_keys"), "the owner's").expect("written");
    rig.gpu.write("/workspace/authorized_keys", "the attacker's");
    rig.gpu.write("/workspace/deep/authorized_keys", "the attacker's");
    for name in names {
        symlink("/root/.ssh", rig.gpu.path(format!("/workspace/{name}"))).expect("linked");
        symlink("../../root/.ssh", rig.gpu.path(format!("/workspace/deep/{name}")))
            .expect("linked");
    }
}

#[tokio::test]
async fn a_link_in_place_of_a_folder_of_rsyncs_reaches_nothing() {
    let rig = Rig::new().await;
    install(&rig.standby, "rsync", fs::read(old_rsync()).expect("read"));
    assert!(rig.standby.run("rsync --version").await.contains("3.2.7"), "the one with the hole");
    lay_links(&rig, &[".dumont-partial", ".rsync-partial", ".~tmp~", "incoming", "versions"]).await;
    let before = outside(&rig);
    for cycle in ["1", "2", "3"] {
        rig.gpu.write("/workspace/authorized_keys", format!("the attacker's {cycle}"));
        rig.gpu.write("/workspace/deep/authorized_keys", format!("the attacker's {cycle}"));
        rig.synced(cycle).await;
        assert_unchanged(&before, &rig);
        rig.assert_same();
    }
    // A folder becomes a link to where the files in it would go.
    rig.gpu.run("cd /workspace && mv deep was && ln -s /root/.ssh deep").await;
    rig.synced("4").await;
    rig.gpu.run("cd /workspace && rm deep && mv was deep && echo x >deep/authorized_keys").await;
    rig.synced("5").await;
    assert_unchanged(&before, &rig);
    rig.assert_same();

    // And on a new GPU the restored links are links.
    let gpu = rig.new_gpu("new").await;
    gpu.write("/root/.ssh/theirs", "x");
    let before = gpu.tree("/root/.ssh");
    rig.restore(&rig.workspace, &gpu).await;
    super::rig::assert_same(&before, &gpu.tree("/root/.ssh"));
    super::rig::assert_same(&rig.gpu.tree("/workspace"), &gpu.tree("/workspace"));
}

/// The GPU learns the name of this cycle's folder from rsync itself, and lays a link of that name.
#[tokio::test]
async fn a_name_that_the_gpu_reads_from_the_transfer_reaches_nothing() {
    let rig = Rig::new().await;
    install(&rig.standby, "rsync", fs::read(old_rsync()).expect("read"));
    lay_links(&rig, &[]).await;
    let name = ".dumont-0123456789abcdef0123456789abcdef";
    // The standby's source of chance is what the attacker knows: the worst case.
    install(
        &rig.standby,
        "od",
        "#!/bin/bash\necho ' 01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef'\n",
    );
    let before = outside(&rig);
    for inside in [format!("/workspace/{name}"), format!("/workspace/deep/{name}")] {
        symlink("/root/.ssh", rig.gpu.path(inside)).expect("linked");
    }
    for cycle in ["1", "2"] {
        rig.gpu.write("/workspace/authorized_keys", format!("the attacker's {cycle}"));
        // Whether it is refused or copied without the link is the same to the standby.
        let _ = rig.cycle(cycle).await;
        assert_unchanged(&before, &rig);
        let copy = rig.standby.tree("/workspace");
        let link = copy.keys().any(|path| path.ends_with(name.as_bytes()));
        assert!(!link, "a link of that name is nothing that a copy has");
    }
}

/// What a program that talks with a GPU would do if it were taken over altogether.
const TAKEN_OVER: &str = r#"#!/bin/bash
for root in "" /run/disk /run/disk/proc/1/root /proc/1/root; do
  for file in /root/.ssh/authorized_keys /etc/passwd /etc/cron.d/x /var/lib/dumont/epoch /var/lib/dumont/trusted     /var/lib/dumont/gpu.conf /var/lib/dumont/new /var/new /new /bin/new /home/new /tmp/new /opt/bin/bwrap /workspace.new; do
    echo owned >"$root$file"
    chmod 777 "$root$file"
    ln -s /workspace/x "$root$file.link"
    mv "$root$file" "$root$file.moved"
  done
  mkdir -p "$root/root/.ssh" "$root/srv/new"
  chmod 777 "$root/root" "$root/root/.ssh" "$root/etc"
done 2>/dev/null
for folder in /run/disk/workspace /run/disk/var/lib/dumont/incoming; do
  mknod "$folder/device" b 254 0
  mkfifo "$folder/pipe"
done 2>/dev/null
echo reached >/run/disk/workspace/reached
mount --bind /run/disk/workspace /etc 2>/dev/null && echo mounted >/run/disk/workspace/mounted
kill -KILL -1 2>/dev/null
exit 1
"#;

#[tokio::test]
async fn a_receiver_that_was_taken_over_changes_the_copy_alone() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    rig.synced("1").await;
    fs::create_dir_all(rig.standby.path("/root/.ssh")).expect("made");
    rig.standby.write("/root/.ssh/authorized_keys", "the owner's");
    install(&rig.standby, "rsync", TAKEN_OVER);
    let before = outside(&rig);
    let failed = rig.cycle("2").await;
    assert!(matches!(failed, Err(DataError::Failed { .. })), "{failed:?}");
    assert_unchanged(&before, &rig);
    let copy = rig.standby.tree("/workspace");
    assert!(copy.contains_key(&b"reached"[..]), "it did run, and could write where it may");
    for made in ["device", "pipe", "mounted"] {
        assert!(!copy.contains_key(made.as_bytes()), "{made}");
    }

    // The sender of a restore may write nowhere, not even there.
    fs::remove_file(rig.standby.path("/workspace/reached")).expect("removed");
    let gpu = rig.new_gpu("new").await;
    let copy = rig.standby.tree("/workspace");
    let sent = data::restore(
        &rig.standby.shell,
        &rig.workspace,
        &gpu.at,
        gpu.shell.host_key(),
        &rig.workspace,
    )
    .await;
    assert!(sent.is_err(), "{sent:?}");
    super::rig::assert_same(&copy, &rig.standby.tree("/workspace"));

    // Nor may what fetches from a GPU that was left write anywhere but into its own folder.
    let key = rig.gpu.shell.host_key();
    let late = data::fetch_late(&rig.standby.shell, &rig.workspace, "f-1", &rig.gpu.at, key).await;
    assert!(late.is_err(), "{late:?}");
    super::rig::assert_same(&copy, &rig.standby.tree("/workspace"));
    let key = "/root/.ssh/authorized_keys";
    assert_eq!(fs::read(rig.standby.path(key)).expect("read"), b"the owner's");
}

/// Of every script that talks with a GPU, so that the next one is no exception.
#[test]
fn no_script_talks_with_a_gpu_unconfined() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/data/scripts");
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("read");
        let calls: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("gpu:") && !line.starts_with('#'))
            .collect();
        for call in &calls {
            assert!(call.contains("confined "), "{}: {call}", path.display());
        }
        if !calls.is_empty() {
            seen += 1;
            assert!(text.contains("must_confine"), "{}", path.display());
        }
    }
    assert!(seen >= 4, "cycle, restore, bring_back, late: {seen}");
}

#[tokio::test]
async fn without_confinement_nothing_is_copied() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    install(
        &rig.standby,
        "bwrap",
        "#!/bin/bash\necho bwrap: No permissions to create new namespace >&2\nexit 1\n",
    );
    let refused = rig.cycle("1").await;
    let Err(DataError::Unprepared(word)) = refused else { panic!("{refused:?}") };
    assert!(word.contains("confine") && word.contains("No permissions"), "{word}");
    assert!(rig.standby.tree("/workspace").is_empty());
}

#[tokio::test]
async fn devices_and_pipes_stay_where_they_are() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/file", "x");
    rig.gpu.run("mkfifo /workspace/pipe").await;
    rig.synced("1").await;
    let copy = rig.standby.tree("/workspace");
    assert_eq!(copy.keys().collect::<Vec<_>>(), [b"file"]);
}

/// A transfer that was cut off, then a checkpoint that was rotated away: nothing of it stays.
#[tokio::test]
async fn what_a_cut_transfer_left_does_not_differ_for_ever() {
    let rig = Rig::new().await;
    rig.gpu.write("/workspace/small", "x");
    rig.synced("1").await;
    // Of the version before, and of a cycle of this one that was killed.
    rig.standby.write("/workspace/ckpt/.dumont-partial/step-1", "half");
    fs::remove_file(rig.standby.path("/var/lib/dumont/partial")).expect("removed");
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH).await.expect("taken over");
    assert!(!rig.standby.path("/workspace/ckpt/.dumont-partial").exists());
    let name = ".dumont-00112233445566778899aabbccddeeff";
    rig.standby.write("/var/lib/dumont/partial", name);
    rig.standby.write(format!("/workspace/ckpt/{name}/step-1"), "half");
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH).await.expect("taken over");
    assert!(!rig.standby.path(format!("/workspace/ckpt/{name}")).exists());
    rig.trust(&rig.gpu, EPOCH).await.expect("trusted");
    // A file of the user's may have any name, the one of before included.
    rig.gpu.write("/workspace/.dumont-partial/mine", "x");
    rig.synced("2").await;
    rig.assert_same();
    let gpu = rig.new_gpu("new").await;
    rig.restore(&rig.workspace, &gpu).await;
    let proof = data::verify(&rig.standby.shell, &rig.workspace, &gpu.shell, &rig.workspace)
        .await
        .expect("compared");
    assert_eq!((proof.verified, proof.mismatched_count), (2, 0), "{proof:?}");
}

/// A sender of protocol 30 says nothing of deletions.
#[tokio::test]
async fn the_tripwire_counts_by_itself() {
    let rig = Rig::new().await;
    for number in 0..150 {
        rig.gpu.write(format!("/workspace/{number}"), "precious");
    }
    rig.synced("1").await;
    let before = rig.standby.tree("/workspace");
    install(&rig.standby, "rsync", "#!/bin/bash\nexec /usr/bin/rsync --protocol=30 \"$@\"\n");
    for number in 1..150 {
        fs::remove_file(rig.gpu.path(format!("/workspace/{number}"))).expect("removed");
    }
    let report = rig.cycle("2").await.expect("a report");
    assert!(
        matches!(report.outcome, CycleOutcome::Frozen { would_delete: 149, of: 150, .. }),
        "{report:?}"
    );
    assert_eq!(rig.standby.tree("/workspace"), before);
    for number in 1..140 {
        rig.gpu.write(format!("/workspace/{number}"), "precious");
    }
    // The times that protocol 30 carries have no fractions; names are what counts here.
    assert_eq!(rig.synced("3").await.files_deleted, 10);
    let names = |host: &Host| host.tree("/workspace").into_keys().collect::<Vec<_>>();
    assert_eq!(names(&rig.gpu), names(&rig.standby));
}

#[tokio::test]
async fn a_workspace_of_before_the_rule_is_refused_by_name() {
    let rig = Rig::new().await;
    let before = rig.standby.tree("/etc");
    for stored in ["//etc", "//var/lib/dumont", "/root/.ssh"] {
        let request = data::CycleRequest { workspace: stored.into(), ..rig.request("1") };
        let refused = data::cycle(&rig.standby.shell, &request).await;
        assert!(matches!(refused, Err(DataError::Unprepared(_))), "{stored}: {refused:?}");
        let refused = data::takeover(&rig.standby.shell, stored, EPOCH.next()).await;
        assert!(matches!(refused, Err(DataError::Unprepared(_))), "{stored}: {refused:?}");
    }
    assert_eq!(rig.standby.tree("/etc"), before);
}

/// Root's own programs must not come from a GPU: a set-id bit is nothing that a copy keeps.
#[tokio::test]
async fn no_set_id_bit_reaches_the_standby_and_a_restore_is_proven_all_the_same() {
    let rig = Rig::new().await;
    for (name, mode) in [("uid", 0o4755), ("gid", 0o2755), ("both", 0o6711), ("plain", 0o750)] {
        rig.gpu.write(format!("/workspace/{name}"), name);
        chmod(&rig.gpu.path(format!("/workspace/{name}")), mode);
    }
    rig.gpu.run("mkdir /workspace/shared && chmod 2775 /workspace/shared").await;
    let modes = || {
        let tree = rig.standby.tree("/workspace");
        let mode = |name: &[u8]| tree[name].mode & 0o7777;
        [mode(b"uid"), mode(b"gid"), mode(b"both"), mode(b"plain"), mode(b"shared")]
    };
    rig.synced("1").await;
    // A folder's bit only says whose group new files have.
    assert_eq!(modes(), [0o755, 0o755, 0o711, 0o750, 0o2775]);
    // Without a change there is nothing to do: the bit is no difference.
    assert_eq!(rig.synced("2").await.files_sent, 0);
    assert_eq!(rig.synced("2b").await.versions_path, None);
    // Of a standby from before, and of a change of rights alone.
    chmod(&rig.standby.path("/workspace/plain"), 0o6750);
    chmod(&rig.gpu.path("/workspace/uid"), 0o4700);
    rig.synced("3").await;
    assert_eq!(modes(), [0o700, 0o755, 0o711, 0o750, 0o2775]);
    chmod(&rig.standby.path("/workspace/gid"), 0o6755);
    data::takeover(&rig.standby.shell, &rig.workspace, EPOCH).await.expect("taken over");
    assert_eq!(modes(), [0o700, 0o755, 0o711, 0o750, 0o2775]);
    let gpu = rig.new_gpu("new").await;
    rig.restore(&rig.workspace, &gpu).await;
    let proof = data::verify(&rig.standby.shell, &rig.workspace, &gpu.shell, &rig.workspace)
        .await
        .expect("compared");
    assert_eq!((proof.verified, proof.mismatched_count), (4, 0), "{proof:?}");
}
