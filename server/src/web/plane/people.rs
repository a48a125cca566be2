//! Accounts, invitations and reset links, for pages.

use app::control_plane::{Answer, People};
use async_trait::async_trait;
use domain::audit::{Action, Credential};
use domain::id::UserId;
use domain::view::people::{
    Accounts, Invitations, JoinRequest, MadeLink, NewInvitation, ResetRequest,
};

use super::Plane;
use crate::Fault;
use crate::service::people;

impl Plane {
    async fn enter_by_invitation(&self, asked: JoinRequest) -> Result<(), Fault> {
        let user = people::join(&self.dumont, asked, &self.client, Credential::Session).await?;
        self.begin(&user.id).await
    }
}

#[async_trait]
impl People for Plane {
    async fn accounts(&self) -> Answer<Accounts> {
        ask!(self, people::accounts)
    }

    async fn invitations(&self) -> Answer<Invitations> {
        ask!(self, people::invitations)
    }

    async fn invite(&self, wanted: NewInvitation) -> Answer<MadeLink> {
        let outcome = match self.who() {
            Ok(who) => people::invite(&self.dumont, who, wanted, &self.site).await,
            Err(fault) => Err(fault),
        };
        let made = outcome.as_ref().ok().map(|made| made.id.clone());
        self.done(Action::Invite, made, outcome).await
    }

    async fn revoke_invitation(&self, id: &str) -> Answer<()> {
        act!(self, RevokeInvitation Some(id.to_owned()), people::revoke, id)
    }

    async fn reset_link(&self, account: &str) -> Answer<MadeLink> {
        let of = UserId::new(account);
        let outcome = match self.who() {
            Ok(who) => people::reset_link(&self.dumont, who, &of, &self.site, &self.client).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::MakeResetLink, Some(account.to_owned()), outcome).await
    }

    async fn join(&self, asked: JoinRequest) -> Answer<()> {
        self.tell(self.enter_by_invitation(asked).await)
    }

    async fn reset(&self, asked: ResetRequest) -> Answer<()> {
        let outcome = people::reset(&self.dumont, asked, &self.client, Credential::Session).await;
        self.tell(outcome)
    }
}
