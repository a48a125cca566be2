//! The standard's own test vectors.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::HashMap;

use passkeys::{Assertion, Expected, PublicKey, Refusal, Registered, Registration, challenge};

/// The parts of one pair of ceremonies.
type Parts = HashMap<&'static str, Vec<u8>>;

fn vectors() -> HashMap<&'static str, Parts> {
    let mut all: HashMap<&'static str, Parts> = HashMap::new();
    let mut name = "";
    for line in include_str!("w3c.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(inside) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name = inside;
        } else if let Some((part, hex)) = line.split_once('=') {
            all.entry(name).or_default().insert(part, unhex(hex));
        }
    }
    all
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn expected(challenge: &[u8]) -> Expected<'_> {
    Expected { challenge, origin: "https://example.org", rp_id: "example.org" }
}

fn register(parts: &Parts) -> Result<Registered, Refusal> {
    let client_data = &parts["reg.clientDataJSON"];
    let made = Registration {
        id: &parts["reg.credential_id"],
        client_data,
        attestation: &parts["reg.attestationObject"],
    };
    assert_eq!(challenge(client_data).as_ref(), Ok(&parts["reg.challenge"]));
    made.check(&expected(&parts["reg.challenge"]))
}

fn authenticate(parts: &Parts, cose: &[u8]) -> Result<u32, Refusal> {
    let used = Assertion {
        client_data: &parts["auth.clientDataJSON"],
        data: &parts["auth.authenticatorData"],
        signature: &parts["auth.signature"],
    };
    let key = PublicKey::read(cose).expect("a key");
    used.check(&key, &expected(&parts["auth.challenge"])).map(|used| used.counter)
}

#[test]
fn those_without_attestation_are_taken() {
    let all = vectors();
    for name in ["none.ES256", "packed-self.ES256", "none.ES256.long-credential-id"] {
        let made = register(&all[name]).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(made.id, all[name]["reg.credential_id"], "{name}");
        assert_eq!(authenticate(&all[name], &made.cose), Ok(0), "{name}");
        // Another one's key verifies nothing.
        let other = if name == "none.ES256" { "packed-self.ES256" } else { "none.ES256" };
        let other = register(&all[other]).expect("made");
        assert_eq!(authenticate(&all[name], &other.cose), Err(Refusal::Signature), "{name}");
    }
}

#[test]
fn those_of_another_sites_frame_are_not() {
    let all = vectors();
    for name in ["none.ES256.crossOrigin", "none.ES256.topOrigin"] {
        assert_eq!(register(&all[name]), Err(Refusal::Framed), "{name}");
    }
}

/// No browser sends an attestation that was not asked for; what these sign is checked all the same.
#[test]
fn other_kinds_of_keys_verify_and_their_attestations_are_refused() {
    let all = vectors();
    for (name, algorithm) in [("packed.RS256", -257), ("packed.EdDSA", -8)] {
        assert_eq!(register(&all[name]), Err(Refusal::Attestation), "{name}");
        let cose = key_of(&all[name]["reg.attestationObject"], &all[name]["reg.credential_id"]);
        assert_eq!(PublicKey::read(&cose).expect("a key").algorithm(), algorithm, "{name}");
        assert_eq!(authenticate(&all[name], &cose), Ok(0), "{name}");
        let mut tampered = all[name].clone();
        tampered.get_mut("auth.signature").expect("there")[9] ^= 1;
        assert_eq!(authenticate(&tampered, &cose), Err(Refusal::Signature), "{name}");
    }
}

/// The key that stands behind the identifier, to where it can be read.
fn key_of(attestation: &[u8], id: &[u8]) -> Vec<u8> {
    let at = attestation.windows(id.len()).position(|part| part == id).expect("the identifier");
    let rest = &attestation[at + id.len()..];
    let end = (1..=rest.len()).find(|end| PublicKey::read(&rest[..*end]).is_ok());
    rest[..end.expect("a key")].to_vec()
}

/// Each byte changed in turn: nothing changed is taken, and nothing breaks.
#[test]
fn no_changed_byte_passes() {
    let all = vectors();
    let parts = &all["packed-self.ES256"];
    let made = register(parts).expect("made");
    for name in ["reg.clientDataJSON", "reg.attestationObject", "reg.credential_id"] {
        for at in 0..parts[name].len() {
            for mask in [0x01, 0x80] {
                let mut tampered = parts.clone();
                tampered.get_mut(name).expect("there")[at] ^= mask;
                let registered = Registration {
                    id: &tampered["reg.credential_id"],
                    client_data: &tampered["reg.clientDataJSON"],
                    attestation: &tampered["reg.attestationObject"],
                };
                let answer = registered.check(&expected(&parts["reg.challenge"]));
                assert!(answer.is_err(), "{name} at {at}");
            }
        }
    }
    for name in ["auth.clientDataJSON", "auth.authenticatorData", "auth.signature"] {
        for at in 0..parts[name].len() {
            let mut tampered = parts.clone();
            tampered.get_mut(name).expect("there")[at] ^= 1;
            tampered.insert("auth.challenge", parts["auth.challenge"].clone());
            assert!(authenticate(&tampered, &made.cose).is_err(), "{name} at {at}");
        }
    }
    for end in 0..parts["reg.attestationObject"].len() {
        let mut cut = parts.clone();
        cut.get_mut("reg.attestationObject").expect("there").truncate(end);
        assert!(register(&cut).is_err(), "cut at {end}");
    }
}
