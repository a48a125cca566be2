//! The side that keeps a workspace: on the standby.
//!
//! A cycle lists, asks for what is news, takes it into staging, and judges it; once all of it is on the
//! disk, the steps that turn the copy into the next recovery point are written down and done. From that
//! moment they are always finished, also after a cut, so that whoever looks sees one moment and not a
//! mixture. What is replaced or goes stays by renaming it into a store of contents, as long as a
//! recovery point refers to it.

mod apply;
mod back;
mod beneath;
mod change;
mod cycle;
mod error;
mod gaps;
mod guard;
mod held;
mod history;
mod index;
mod keeper;
mod listing;
mod local;
mod loss;
mod make;
mod need;
mod numbers;
mod own;
mod pieces;
mod pin;
mod plan;
mod point;
mod proof;
mod reading;
mod receive;
mod records;
mod recover;
mod restore;
mod retention;
mod settle;
mod state;
mod status;
mod stepping;
mod steps;
mod thin;

pub use back::{Back, Difference};
pub use cycle::{Cycle, Fetched, Outcome, Request};
pub use error::{KeepError, Result, Unread};
pub use guard::{Counted, Limits, Verdict, verdict};
pub use held::Held;
pub use keeper::{Config, Keeper, Room};
pub use own::{Own, Writers};
pub use point::{Kind, Lacks, Point};
pub use proof::{Differs, Named, Proof};
pub use receive::Progress;
pub use restore::{Restored, Trouble, Wanted};
pub use retention::{Aged, thin};
pub use status::{Durable, InFlux, NotProtected, Status};
pub use steps::{GoOn, Steps};
