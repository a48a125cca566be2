//! What a host's files can be: other owners, attributes, links, holes.

use std::os::unix::fs::MetadataExt;

use super::says;
use crate::rig::rig;

#[tokio::test]
async fn files_belong_to_whom_they_are_given_and_still_do_after_a_boot() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let make = "cd /workspace && touch a && mkdir d && touch d/b && chown 1000:1001 a && chown -R 33:65000 d";
    if !rig.hosts.have_users() {
        let said = says(&rig, at, make).await;
        assert!(said.contains("Invalid argument"), "an unprivileged sandbox has one user: {said}");
        return;
    }
    rig.run(at, make).await;
    let owners = "cd /workspace && stat -c '%u:%g %n' a d d/b";
    let expected = "1000:1001 a\n33:65000 d\n33:65000 d/b\n";
    assert_eq!(rig.run(at, owners).await, expected);
    rig.hosts.halt("gpu-1").await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    assert_eq!(rig.run(at, owners).await, expected);
    let about =
        std::fs::metadata(rig.hosts.root_folder("gpu-1").unwrap().join("workspace/a")).unwrap();
    assert_eq!((about.uid(), about.gid()), (1000, 1001), "as seen from outside");
    // Another user than root is one: it can't read what is root's, nor be root.
    let as_other = "echo secret >/workspace/s; chmod 600 /workspace/s; setpriv --reuid 1000 --regid 1001 --clear-groups sh -c 'id -u; cat /workspace/s || echo refused; touch /workspace/a && echo own'";
    let said = says(&rig, at, as_other).await;
    assert!(said.starts_with("1000\nrefused\nown\n"), "{said}");
    rig.hosts.destroy("gpu-1").await.unwrap();
}

#[tokio::test]
async fn attributes_capabilities_links_and_holes_are_kept() {
    let rig = rig();
    let at = rig.host("gpu-1").await;
    let make = r#"cd /workspace && python3 -c '
import os
open("x", "w").write("x")
os.setxattr("x", "user.tag", b"blue")
os.link("x", "y")
f = open("sparse", "wb"); f.truncate(1 << 30); f.seek(500 << 20); f.write(b"z" * 4096); f.close()
os.mkfifo("fifo")
os.utime("x", ns=(123456789, 1600000000123456789))
open("cap", "w").close()
try:
    os.setxattr("cap", "security.capability", bytes.fromhex("0100000202040000000000000000000000000000"))
except OSError as error:
    print("capability:", error.strerror)
'"#;
    let capability = says(&rig, at, make).await;
    assert_eq!(capability, "", "root of a host gives capabilities");
    rig.hosts.halt("gpu-1").await.unwrap();
    let at = rig.hosts.boot("gpu-1").await.unwrap();
    let look = r#"cd /workspace && python3 -c '
import os, stat
s = os.stat("x"); sparse = os.stat("sparse")
print(os.getxattr("x", "user.tag").decode(), s.st_nlink, s.st_ino == os.stat("y").st_ino, s.st_mtime_ns)
print(sparse.st_size, sparse.st_blocks * 512 < 1 << 20, stat.S_ISFIFO(os.stat("fifo").st_mode))
print("capability" if "security.capability" in os.listxattr("cap") else "none")
'"#;
    let kept = "blue 2 True 1600000000123456789\n1073741824 True True\n";
    assert_eq!(rig.run(at, look).await, format!("{kept}capability\n"));
    let shm = "cd /dev/shm && touch x && setfattr -n user.tag -v blue x 2>/dev/null || python3 -c 'import os; os.setxattr(\"/dev/shm/x\", \"user.tag\", b\"blue\")' && echo kept";
    let said = says(&rig, at, shm).await;
    assert!(said.contains("kept") || said.contains("Operation not supported"), "{said}");
}
