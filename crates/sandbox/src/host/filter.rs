//! A seccomp program that refuses the newer system calls, as an old kernel or an old container runtime
//! does: `openat2`, `statx` and the three of Landlock.
//!
//! The program is a few classic BPF instructions, written by hand; bubblewrap loads it for every process
//! of a host.

use super::image::Refusal;

const LOAD_WORD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// Where `struct seccomp_data` has the number of the call, and the architecture.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: (u32, u32) = (0xc000_003e, 332);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: (u32, u32) = (0xc000_00b7, 291);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the number of statx on this architecture is missing");

/// `statx` of this architecture, `openat2`, `landlock_create_ruleset`, `landlock_add_rule`,
/// `landlock_restrict_self`.
pub(crate) const REFUSED: [u32; 5] = [ARCHITECTURE.1, 437, 444, 445, 446];

/// The program as bubblewrap reads it.
pub(crate) fn program(refusal: Refusal) -> Vec<u8> {
    let errno = match refusal {
        Refusal::Unknown => ENOSYS,
        Refusal::Forbidden => EPERM,
    };
    let calls = REFUSED.len() as u8;
    let mut code = vec![
        (LOAD_WORD, 0, 0, ARCHITECTURE_AT),
        // Another architecture's numbers mean other calls: those pass.
        (JUMP_IF_EQUAL, 0, calls + 1, ARCHITECTURE.0),
        (LOAD_WORD, 0, 0, NUMBER_AT),
    ];
    for (at, number) in (0..).zip(REFUSED) {
        // To the last instruction, over those that are left and over the one that allows.
        code.push((JUMP_IF_EQUAL, calls - at, 0, number));
    }
    code.push((RETURN, 0, 0, ALLOW));
    code.push((RETURN, 0, 0, ERRNO | errno));
    code.into_iter().flat_map(|(code, yes, no, value)| instruction(code, yes, no, value)).collect()
}

/// `struct sock_filter`.
fn instruction(code: u16, yes: u8, no: u8, value: u32) -> [u8; 8] {
    let ([a, b], [c, d, e, f]) = (code.to_ne_bytes(), value.to_ne_bytes());
    [a, b, yes, no, c, d, e, f]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program answers for a call.
    fn answer(program: &[u8], architecture: u32, number: u32) -> u32 {
        let word = |at: usize| u32::from_ne_bytes(program[at..at + 4].try_into().expect("four"));
        let (mut at, mut held) = (0, 0);
        loop {
            let here = at * 8;
            let code = u16::from_ne_bytes([program[here], program[here + 1]]);
            let value = word(here + 4);
            at += 1;
            match code {
                LOAD_WORD => held = if value == NUMBER_AT { number } else { architecture },
                JUMP_IF_EQUAL => {
                    at += usize::from(program[here + if held == value { 2 } else { 3 }]);
                }
                RETURN => return value,
                other => panic!("{other:#x}"),
            }
        }
    }

    #[test]
    fn only_the_newer_calls_of_this_architecture_are_refused() {
        for (refusal, errno) in [(Refusal::Unknown, ENOSYS), (Refusal::Forbidden, EPERM)] {
            let program = program(refusal);
            for number in REFUSED {
                assert_eq!(answer(&program, ARCHITECTURE.0, number), ERRNO | errno);
                assert_eq!(answer(&program, 0x4000_0003, number), ALLOW);
            }
            for number in [0, 1, 257, 331, 333, 436, 438, 443, 447] {
                assert_eq!(answer(&program, ARCHITECTURE.0, number), ALLOW);
            }
        }
    }
}
