//! Passkeys, for pages.

use app::control_plane::{Answer, WithPasskeys};
use async_trait::async_trait;
use domain::audit::Action;
use domain::view::access::{RemoveSecondFactor, SecondFactor};
use domain::view::passkey::{
    AddedPasskey, AssertionCredential, NewPasskey, Passkeys, RenamePasskey,
};

use super::Plane;
use crate::Fault;
use crate::http::session;
use crate::service::second_factor::Proof;
use crate::service::{auth, passkeys, second_factor};

#[async_trait]
impl WithPasskeys for Plane {
    async fn asked_for(&self) -> Answer<SecondFactor> {
        let look = async {
            let half = session::half_way(&self.session).await?.ok_or(Fault::Unauthorized)?;
            let login = auth::waiting(&self.dumont, &half).await?;
            second_factor::state(&self.dumont, &login.user.id, &self.client).await
        };
        self.tell(look.await)
    }

    async fn log_in_with_passkey(&self, used: AssertionCredential) -> Answer<()> {
        self.tell(self.go_on(Proof::Passkey(Box::new(used))).await)
    }

    async fn passkeys(&self) -> Answer<Passkeys> {
        ask!(self, passkeys::list, &self.client)
    }

    async fn add_passkey(&self, wanted: NewPasskey) -> Answer<AddedPasskey> {
        let outcome = match self.who() {
            Ok(who) => passkeys::add(&self.dumont, who, wanted, &self.client).await,
            Err(fault) => Err(fault),
        };
        let made = outcome.as_ref().ok().map(|made| made.id.clone());
        self.done(Action::AddPasskey, made, outcome).await
    }

    async fn rename_passkey(&self, id: &str, name: String) -> Answer<()> {
        let outcome = match self.who() {
            Ok(who) => passkeys::rename(&self.dumont, who, id, RenamePasskey { name }).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::RenamePasskey, Some(id.to_owned()), outcome).await
    }

    async fn remove_passkey(&self, id: &str, wanted: RemoveSecondFactor) -> Answer<()> {
        let outcome = match self.who() {
            Ok(who) => passkeys::remove(&self.dumont, who, id, wanted, &self.client).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::RemovePasskey, Some(id.to_owned()), outcome).await
    }
}
