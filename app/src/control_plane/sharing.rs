//! What the pages ask of machines that accounts share.

use async_trait::async_trait;
use domain::view::grant::{GivenGrant, GivenGrants, NewGrant, ReceivedGrant};

use super::Answer;

/// What an account lets others do with its machines, and what others let it do.
#[async_trait]
pub trait Sharing: Send + Sync {
    /// What it lets others do.
    async fn given(&self) -> Answer<GivenGrants>;
    /// What others offer and let it do.
    async fn received(&self) -> Answer<Vec<ReceivedGrant>>;
    /// Offers a grant.
    async fn give(&self, wanted: NewGrant) -> Answer<GivenGrant>;
    /// Takes one back.
    async fn revoke_grant(&self, id: &str) -> Answer<()>;
    /// Accepts what was offered.
    async fn accept_grant(&self, id: &str) -> Answer<()>;
    /// Refuses it, or gives it up.
    async fn decline_grant(&self, id: &str) -> Answer<()>;
}
