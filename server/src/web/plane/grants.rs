//! Machines that accounts share, for pages.

use app::control_plane::{Answer, Sharing};
use async_trait::async_trait;
use domain::audit::Action;
use domain::id::GrantId;
use domain::view::grant::{GivenGrant, GivenGrants, NewGrant, ReceivedGrant};

use super::Plane;
use crate::service::grants;

#[async_trait]
impl Sharing for Plane {
    async fn given(&self) -> Answer<GivenGrants> {
        ask!(self, grants::given)
    }

    async fn received(&self) -> Answer<Vec<ReceivedGrant>> {
        ask!(self, grants::received)
    }

    async fn give(&self, wanted: NewGrant) -> Answer<GivenGrant> {
        let outcome = match self.who() {
            Ok(who) => grants::give(&self.dumont, who, wanted).await,
            Err(fault) => Err(fault),
        };
        let made = outcome.as_ref().ok().map(|made| made.id.clone());
        self.done(Action::GiveGrant, made, outcome).await
    }

    async fn revoke_grant(&self, id: &str) -> Answer<()> {
        act!(self, RevokeGrant Some(id.to_owned()), grants::revoke, &GrantId::new(id))
    }

    async fn accept_grant(&self, id: &str) -> Answer<()> {
        act!(self, AcceptGrant Some(id.to_owned()), grants::accept, &GrantId::new(id))
    }

    async fn decline_grant(&self, id: &str) -> Answer<()> {
        act!(self, DeclineGrant Some(id.to_owned()), grants::decline, &GrantId::new(id))
    }
}
