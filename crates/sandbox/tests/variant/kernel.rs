//! Kernels that lack the newer calls, or forbid them.

use super::{host, says};
use crate::rig::rig;

/// Tries the calls by number, from the machine's own Python.
const TRY: &str = r#"python3 -c '
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number, args in [
    ("openat2", 437, (-100, b"/", b"\0" * 24, 24)),
    ("landlock_create_ruleset", 444, (None, 0, 1)),
    ("landlock_add_rule", 445, (-1, 1, None, 0)),
    ("landlock_restrict_self", 446, (-1, 0)),
    ("statx", 332, (-100, b"/", 0, 0, ctypes.create_string_buffer(256))),
    ("getpid", 39, ()),
]:
    ctypes.set_errno(0)
    done = libc.syscall(number, *args)
    print(name, errno.errorcode.get(ctypes.get_errno(), "ok") if done < 0 else "ok")
'"#;

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn an_old_kernel_has_none_of_the_newer_calls() {
    let rig = rig();
    for (id, word, answer) in [("gpu-1", "enosys", "ENOSYS"), ("gpu-2", "eperm", "EPERM")] {
        let at = host(&rig, id, &format!("dumont-sandbox/host:{word}")).await;
        std::fs::remove_file(rig.folder.join("known_hosts")).ok();
        let expected = format!(
            "openat2 {answer}\nlandlock_create_ruleset {answer}\nlandlock_add_rule {answer}\nlandlock_restrict_self {answer}\nstatx {answer}\ngetpid ok\n"
        );
        assert_eq!(rig.run(at, TRY).await, expected);
        // Every process, also one that was started long after.
        assert_eq!(
            rig.run(at, "setsid sh -c 'grep ^Seccomp: /proc/self/status'").await,
            "Seccomp:\t2\n"
        );
        assert_eq!(
            rig.run(at, "echo x >/workspace/f && cat /workspace/f && rm /workspace/f").await,
            "x\n"
        );
    }
    let plain = host(&rig, "gpu-3", "ubuntu:22.04").await;
    std::fs::remove_file(rig.folder.join("known_hosts")).unwrap();
    let said = says(&rig, plain, TRY).await;
    assert!(!said.contains("ENOSYS") && !said.contains("statx EPERM"), "{said}");
}

#[tokio::test]
async fn the_smallest_image_runs_on_an_old_kernel_too() {
    let rig = rig();
    let at = host(&rig, "gpu-1", "dumont-sandbox/busybox:eperm.no-tmp").await;
    assert_eq!(rig.run(at, "echo x >/dev/shm/f && cat /dev/shm/f").await, "x\n");
}
