//! Every decoder, given valid messages with bytes changed, lost and doubled: an answer or a refusal, never
//! a panic, never more memory than the bytes allow. `DUMONT_MUTATIONS` says how many of each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use agent::clock::Nanos;
use agent::entry::{Body, Content, Entry, Identity, Listed, Meta, Unprotected, Xattr};
use agent::frame::{FRAME_MAX, Frame, decode, read_frame, skip_noise, write_data, write_message};
use agent::hash::{Blocks, Hash};
use agent::message::{Answer, Request};
use agent::order::{
    Amount, CutOff, CycleDone, CycleEnd, CycleOrder, Done, Drift, Frames, Gap, Gaps, HeldTold,
    Order, Refusal, RestoreOrder, TakenDone, Told, Why, order_of,
};
use agent::path::RelPath;
use agent::source::{Beginning, Changes, Disk, Found, ListEnd, ReadEnd, Sight, Want};
use agent::target::Placed;

fn listed() -> Listed {
    let identity = Identity {
        dev: 1,
        ino: 2,
        size: 3,
        mtime: Nanos(-4),
        ctime: Nanos(1 << 70),
        born: Some(Nanos(6)),
    };
    let xattrs = vec![Xattr { name: b"user.x".to_vec(), value: vec![0; 40] }];
    Listed {
        path: RelPath::new("a/b c/\u{e9}").unwrap(),
        identity,
        meta: Meta { mode: 0o644, uid: 1, gid: 2, mtime: Nanos(5), xattrs },
        body: Body::File { size: 3, allocated: 4096, links: 1 },
        mapped: true,
    }
}

fn requests() -> Vec<Request> {
    let hash = Hash::of(b"x");
    let path = listed().path;
    let want = Want {
        path: path.clone(),
        have: Some(Blocks(vec![hash; 3])),
        hash_only: false,
        was: Some(Beginning { length: 9, hash }),
    };
    let content = Content::File { size: 3, hash, group: Some(7), sparse: true };
    vec![
        Request::Scan,
        Request::Changes,
        Request::Read(vec![want.clone(), want]),
        Request::Wait { most_millis: 1 << 40 },
        Request::Blocks(path.clone()),
        Request::Place(Entry { path: path.clone(), meta: listed().meta, content }),
        Request::Hole(u64::MAX),
        Request::Link { from: path.clone(), to: path.clone() },
        Request::Finish(path, listed().meta),
    ]
}

fn answers() -> Vec<Answer> {
    let (path, hash) = (listed().path, Hash::of(b"x"));
    let unprotected =
        Found::Unprotected { path: path.clone(), why: Unprotected::TooLarge, size: Some(5) };
    let attributes = Found::Attributes { path: path.clone(), names: vec![b"trusted.tag".to_vec()] };
    let end = ListEnd {
        began: Nanos(1),
        root: listed().identity,
        disk: Disk { size: 2, free: 1 },
        sight: Sight::Part,
        unwatched: Some(agent::source::Blind::Network),
    };
    let whole = ReadEnd::Whole { listed: listed(), hash, racy: true, prefix: false };
    vec![
        Answer::Found(vec![Found::Entry(listed()), unprotected, attributes, Found::Gone { path }]),
        Answer::Scanned(end),
        Answer::Changed(Changes::Told(end)),
        Answer::End(3, Box::new(whole)),
        Answer::End(0, Box::new(ReadEnd::Database { listed: listed(), hash })),
        Answer::Blocks(Some(Blocks(vec![hash; 2]))),
        Answer::Placed(Placed::Done { hash: Some(hash), refused: vec!["owner".to_owned()] }),
        Answer::Alive(7),
        Answer::Failed("no".to_owned()),
    ]
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below.max(1)
    }
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 0x7f, 0x80, 0xff][dice.roll(4)],
            2 => bytes.truncate(at),
            3 => {
                let part = bytes[at..].to_vec();
                bytes.extend(part);
            }
            4 if !bytes.is_empty() => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, dice.roll(256) as u8),
        }
    }
}

fn rounds() -> usize {
    std::env::var("DUMONT_MUTATIONS").map_or(3_000, |count| count.parse().unwrap())
}

#[test]
fn mutated_messages_are_answered_or_refused() {
    let mut dice = Dice(88_172_645_463_325_252);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..rounds() {
        for message in requests() {
            let mut bytes = postcard::to_stdvec(&message).unwrap();
            assert_eq!(decode::<Request>(&bytes).unwrap(), message);
            mutate(&mut bytes, &mut dice);
            match decode::<Request>(&bytes) {
                // What was taken says the same again.
                Ok(read) => {
                    taken += 1;
                    let again = postcard::to_stdvec(&read).unwrap();
                    assert_eq!(decode::<Request>(&again).unwrap(), read);
                }
                Err(_) => refused += 1,
            }
        }
        for message in answers() {
            let mut bytes = postcard::to_stdvec(&message).unwrap();
            assert_eq!(decode::<Answer>(&bytes).unwrap(), message);
            mutate(&mut bytes, &mut dice);
            match decode::<Answer>(&bytes) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} {refused}");
}

#[test]
fn mutated_streams_give_bounded_frames_or_end() {
    let mut dice = Dice(1_181_783_497_276_652_981);
    let mut stream = Vec::new();
    for request in requests() {
        write_message(&mut stream, &request).unwrap();
        write_data(&mut stream, &[7; 300]).unwrap();
    }
    for _ in 0..rounds() {
        let mut bytes = stream.clone();
        mutate(&mut bytes, &mut dice);
        let mut rest = &bytes[..];
        while let Ok(Some(frame)) = read_frame(&mut rest) {
            let (Frame::Message(bytes) | Frame::Data(bytes)) = frame;
            assert!(bytes.len() <= FRAME_MAX);
        }
        let _ = skip_noise(&mut &bytes[..]);
    }
}

fn orders() -> Vec<Order> {
    let way = vec!["ssh".to_owned(), "gpu".to_owned()];
    let cycle = CycleOrder {
        epoch: 3,
        trusted: "gpu 22".into(),
        host: "gpu".into(),
        read: way.clone(),
        percent: 30,
        window_seconds: 600,
        accepted: Some([7; 32]),
    };
    let first = vec![b"a/b".to_vec()];
    let restore =
        RestoreOrder { point: 1, from: Some(2), first, read: way.clone(), write: way.clone() };
    vec![
        Order::Cycle(cycle),
        Order::TakeOver { epoch: u64::MAX },
        Order::Own { epoch: 1, frozen: true },
        Order::Restore(restore),
        Order::Prove { point: 1, read: way },
        Order::GoBack { epoch: 1, point: 2, path: b"x".to_vec() },
    ]
}

fn told() -> Vec<Told> {
    let held = HeldTold {
        digest: [1; 32],
        files: 2,
        folders: 1,
        bytes: 9,
        named: vec![(b"a".to_vec(), Some(9)), (b"b/".to_vec(), None)],
    };
    let why = Why::Attributes(vec![b"trusted.x".to_vec()]);
    let named = vec![Gap { path: b"a".to_vec(), why, size: Some(1) }];
    let cycle = CycleDone {
        end: CycleEnd::Frozen { lost: 2, of: 3, held: Some(held) },
        point: None,
        fetched: Amount { files: 1, bytes: 2 },
        lost: 2,
        flux: 0,
        unprotected: 1,
        corrupt: 0,
        gaps: Gaps { sight: Some(Sight::Part), named, ..Gaps::default() },
        drift: Drift { point: Some(4), written: 1, removed: 0, unread: 2 },
    };
    let cut_off = CutOff { named: vec![b"a".to_vec()], damaged: 1, ..CutOff::default() };
    vec![
        Told::Alive,
        Told::Done(Box::new(Done::Cycle(cycle))),
        Told::Done(Box::new(Done::Taken(TakenDone { point: None, cut_off: Some(cut_off) }))),
        Told::Refused(Refusal::Unread { files: 1, words: vec!["a: it is written to".into()] }),
    ]
}

#[test]
fn mutated_words_of_and_to_a_keeper_are_taken_or_refused() {
    let mut dice = Dice(2_463_534_242_456_789_123);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..rounds() {
        for order in orders() {
            let mut bytes = postcard::to_stdvec(&order).unwrap();
            assert_eq!(order_of(&Frame::Message(bytes.clone())).unwrap(), order);
            mutate(&mut bytes, &mut dice);
            match order_of(&Frame::Message(bytes)) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
        let mut stream = [b"motd\n", agent::frame::MAGIC, b"\n"].concat();
        for one in told() {
            write_message(&mut stream, &one).unwrap();
        }
        mutate(&mut stream, &mut dice);
        let mut frames = Frames::default();
        for part in stream.chunks(1 + dice.roll(200)) {
            frames.take(part);
            loop {
                match frames.told() {
                    Ok(Some(_)) => taken += 1,
                    Ok(None) => break,
                    Err(_) => {
                        refused += 1;
                        break;
                    }
                }
            }
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} {refused}");
}
