//! Everything that Dumont must remember, on SQLite or Postgres, behind one set of repositories.
//!
//! One schema and one SQL serve both databases. Each aggregate has a repository with plain async
//! methods (`store.associations().get(&user, &id)`), and each guard that keeps two workers from
//! doing the same thing twice is a condition in the SQL, not a check before it. No clock is read
//! here (callers pass the time), no call goes to the outside, and no transaction is open while one
//! does.
//!
//! A method that takes a `&UserId` sees that user's rows only. A method that sees the rows of all
//! users says so in its documentation, is meant for the engine, and must not be reached from a
//! request.

mod account;
mod db;
mod engine;
mod error;
mod journal;
mod machine;
mod migrate;
mod open;
mod row;
mod secret;
mod sqlite;

pub use account::attempt::{Attempts, Bucket, Verdict as Attempt};
pub use account::audit::{Audit, AuditPage, AuditRow};
pub use account::browser::{Browser, Browsers, Visit as BrowserVisit};
pub use account::credential::{
    Credential, CredentialKind, CredentialStatus, Credentials, NewCredential,
};
pub use account::grant::{DOORBELL as GRANT_DOORBELL, Grants, NewGrant};
pub use account::idempotency::{Claim, IdempotencyKeys};
pub use account::link::{AccessLinks, Link, LinkKind, NewLink};
pub use account::notification::{
    DOORBELL as NOTIFICATION_DOORBELL, NotificationPage, Notifications,
};
pub use account::passkey::{ChallengeOf, MOST as MOST_PASSKEYS, NewPasskey, Passkey, Passkeys};
pub use account::second_factor::{Factors, Proved, SecondFactor, SecondFactors};
pub use account::session::{
    SESSION_CONFIRMED, SESSION_IP, SESSION_USER, SESSION_USER_AGENT, SessionRow, Sessions,
};
pub use account::session_store::{DbSessions, session_handle};
pub use account::settings::{SETTINGS_CHANGED, Settings};
pub use account::token::{NewToken, Token, TokenKind, Tokens};
pub use account::user::{Login, NewUser, Stamp, User, Users};
pub use db::install_drivers;
pub use engine::event::{Doorbell, Events};
pub use engine::figures::{Copies, Drills, Figures, Waiting};
pub use engine::lease::{Lease, Leases};
pub use engine::provider_state::{ProviderState, ProviderStates, StateKind};
pub use engine::run::Runs;
pub use error::{KeyError, StoreError};
pub use journal::disposal::{Disposals, PROTECTED};
pub use journal::failover::{FailoverQuery, Failovers};
pub use journal::failover_life::STANDS;
pub use journal::intent::Intents;
pub use journal::intent_limits::Recorded;
pub use journal::step::{Finish, OWNERS_WORD, Steps};
pub use machine::association::Associations;
pub use machine::discard::Discarded;
pub use machine::gpu_stay::GpuStay;
pub use machine::heard::Heard;
pub use machine::placement::Placement;
pub use machine::removal::{GPU_LOST, UNDER_WAY};
pub use machine::rental::{Rental, Rentals};
pub use machine::running::Before;
pub use machine::sync_cycle::{CycleOutcome, CycleSource, SyncCycle, SyncCycles};
pub use machine::verdict::{NewestVerdict, VerdictRow, Verdicts};
pub use open::Store;
pub use secret::keyring::Keyring;
