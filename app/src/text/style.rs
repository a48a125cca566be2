//! What every text keeps to: one name for each act, and no private or foreign word.

use super::en::EN;
use super::phrasebook;
use super::pt::PT;

/// An act: its name in both languages as stems, and every text that names it, from its button to the
/// sentence that tells that it is over.
const ACTS: &[(&str, [&str; 2], &[&str])] = &[
    (
        "failover",
        ["failover", "failover"],
        &[
            "kind_real",
            "kinds_real",
            "title_real",
            "none_in_real",
            "report_empty_real",
            "note_started",
            "note_recovered",
            "note_stayed",
            "note_failed",
            "cancel_question",
        ],
    ),
    (
        "drill",
        ["drill", "ensai"],
        &[
            "act_drill",
            "ask_drill",
            "do_drill",
            "kind_drill",
            "kinds_drill",
            "title_drill",
            "cause_drill",
            "none_in_drill",
            "some_in_drill",
            "report_empty_drill",
            "stat_rate_drill",
            "sentence_drill_passed",
            "note_drill_passed",
            "note_drill_searched",
            "note_drill_failed",
            "action_drill",
            "cancel_question_drill",
            "col_last_drill",
        ],
    ),
    (
        "move",
        ["move", "muda"],
        &[
            "act_fail_over",
            "act_to_standby",
            "ask_to_standby",
            "do_to_standby",
            "ask_fail_over",
            "do_fail_over",
            "kind_planned",
            "kinds_planned",
            "title_planned",
            "cause_manual",
            "none_in_planned",
            "some_in_planned",
            "report_empty_planned",
            "sentence_moved",
            "note_moved",
            "note_moved_standby",
            "note_move_failed",
            "action_fail_over",
            "cancel_question_planned",
        ],
    ),
    (
        "back to a GPU",
        ["back", "volta"],
        &["act_fail_back", "fail_back_question", "fail_back_do", "action_fail_back"],
    ),
    (
        "pause sync",
        ["paus", "paus"],
        &["act_pause_sync", "ask_pause_sync", "said_sync_paused", "tie_paused", "action_stop_sync"],
    ),
    (
        "resume sync",
        ["resum", "retom"],
        &["act_resume_sync", "ask_resume_sync", "said_sync_resumed", "action_start_sync"],
    ),
    (
        "stop the GPU",
        ["stop", "deslig"],
        &[
            "act_pause",
            "ask_pause",
            "what_pause",
            "said_paused",
            "gpu_stopped",
            "verdict_paused",
            "action_pause",
        ],
    ),
    (
        "start the GPU",
        ["start", "liga"],
        &["act_resume", "ask_resume", "what_resume", "said_resumed", "action_resume"],
    ),
    (
        "enable a standby",
        ["standby", "standby"],
        &["act_protect", "ask_protect", "said_protecting", "action_protect"],
    ),
    (
        "delete a standby",
        ["delete", "exclu"],
        &[
            "act_unprotect",
            "ask_unprotect",
            "do_unprotect",
            "said_unprotecting",
            "action_unprotect",
        ],
    ),
    (
        "destroy the GPU",
        ["destroy", "destru"],
        &[
            "act_destroy",
            "ask_destroy",
            "do_destroy",
            "said_destroying",
            "fate_destroyed",
            "action_destroy",
        ],
    ),
    (
        "accept deletions",
        ["delet", "exclu"],
        &["act_accept", "do_accept", "action_accept_deletions"],
    ),
    ("retry", ["retr", "tenta"], &["act_retry", "retry_question", "said_retrying", "action_retry"]),
    (
        "cancel",
        ["cancel", "cancel"],
        &[
            "act_cancel",
            "cancel_do",
            "cancel_question",
            "said_cancelling",
            "sentence_cancelling",
            "sentence_cancelled",
            "trouble_cancelled",
            "failover_cancelling",
            "failover_cancelled",
            "action_cancel",
        ],
    ),
];

/// Names of the three kinds, none of which may stand in a text of another.
const KINDS: usize = 3;

/// Private words, and ways to speak that nobody does.
const NOT_ENGLISH: &[&str] = &[
    "doorbell",
    "tie",
    "errand",
    "wish",
    "taste",
    "told",
    "shall",
    "rehearsal",
    "whilst",
    "was to be",
    "its word",
    "simulation",
    "planned",
];

/// The same in Portuguese, and English where Portuguese has a word.
const NOT_PORTUGUESE: &[&str] = &[
    "workspace",
    "degradad",
    "parad",
    "tomada",
    "disso",
    "simula",
    "contad",
    "planejad",
    "escrit",
    "preempt",
    "campainha",
    "desejo",
    "backup",
    "snapshot",
];

fn text_of(all: &[(&'static str, &'static str)], key: &str) -> String {
    let found = all.iter().find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("there is no text {key}")).1.to_lowercase()
}

#[test]
fn an_act_has_one_name_in_button_question_title_cause_and_log() {
    let mut wrong = Vec::new();
    for (language, all) in [EN.all(), PT.all()].into_iter().enumerate() {
        for (act, stems, keys) in ACTS {
            for key in *keys {
                let text = text_of(&all, key);
                if !text.contains(stems[language]) {
                    wrong.push(format!("{act}: {key} calls it {text:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_text_of_one_kind_names_no_other_kind() {
    // A drill shows that a failover would work.
    const MAY: &[&str] = &["report_empty_drill"];
    let mut wrong = Vec::new();
    for (language, all) in [EN.all(), PT.all()].into_iter().enumerate() {
        for (act, _, keys) in &ACTS[..KINDS] {
            for key in keys.iter().filter(|key| !MAY.contains(*key)) {
                let text = text_of(&all, key);
                for (other, stems, _) in ACTS[..KINDS].iter().filter(|(other, ..)| other != act) {
                    if text.contains(stems[language]) {
                        wrong.push(format!("{act}: {key} speaks of a {other}: {text:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_text_has_a_word_that_only_we_would_know() {
    let mut wrong = Vec::new();
    for (key, text) in EN.all() {
        wrong.extend(banned_in(key, text, NOT_ENGLISH, |word, banned| word == banned));
    }
    let book = phrasebook::PHRASES.iter().copied();
    for (key, text) in PT.all().into_iter().chain(book) {
        // Stems, since Portuguese words end in many ways.
        wrong.extend(banned_in(key, text, NOT_PORTUGUESE, |word, banned| word.starts_with(banned)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn portuguese_is_not_english_that_was_left() {
    const ENGLISH: &[&str] = &[
        "the", "and", "with", "is", "are", "not", "its", "machine", "failed", "running", "copy",
        "sync", "now", "ago", "new",
    ];
    let mut wrong = Vec::new();
    for (key, text) in PT.all() {
        wrong.extend(banned_in(key, text, ENGLISH, |word, banned| word == banned));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is banned and stands in a text, beside the places for values.
fn banned_in(
    key: &str,
    text: &str,
    banned: &[&str],
    is: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let mut plain = String::new();
    for part in text.split('{') {
        plain.push_str(part.split_once('}').map_or(part, |(_, after)| after));
        plain.push(' ');
    }
    let plain = plain.to_lowercase();
    let words: Vec<&str> = plain
        .split(|letter: char| !letter.is_alphabetic() && letter != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let stands =
        |one: &str| words.windows(one.split(' ').count()).any(|some| is(&some.join(" "), one));
    banned
        .iter()
        .filter(|one| stands(one))
        .map(|one| format!("{key}: {one:?} in {text:?}"))
        .collect()
}
