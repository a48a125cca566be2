//! The fake control plane's sharing.

use app::control_plane::{Answer, Sharing};
use async_trait::async_trait;
use domain::grant::{GrantLevel, GrantState};
use domain::id::AssociationId;
use domain::view::grant::{GivenGrant, GivenGrants, GrantedMachine, NewGrant, ReceivedGrant};

use super::plane::Fake;
use super::story;

/// Something that was given.
pub(crate) fn given(state: GrantState) -> GivenGrant {
    GivenGrant {
        id: format!("grant-{state}"),
        to: format!("{state}@lab.example"),
        accepted_by: (state == GrantState::Active).then(|| "bob".into()),
        state,
        level: GrantLevel::Operate,
        all_machines: false,
        machines: vec![GrantedMachine {
            machine_id: AssociationId::new("tie-7001"),
            name: "llama-ft".into(),
        }],
        created_at: story::NOW.into(),
        accept_by: None,
        expires_at: None,
    }
}

/// Something that another account gives.
pub(crate) fn received(state: GrantState) -> ReceivedGrant {
    ReceivedGrant {
        id: format!("theirs-{state}"),
        owner: "carla".into(),
        state,
        level: GrantLevel::Read,
        all_machines: false,
        machine_count: 2,
        created_at: story::NOW.into(),
        accept_by: None,
        expires_at: None,
    }
}

#[async_trait]
impl Sharing for Fake {
    async fn given(&self) -> Answer<GivenGrants> {
        Ok(self.given.clone())
    }
    async fn received(&self) -> Answer<Vec<ReceivedGrant>> {
        Ok(self.received.clone())
    }
    async fn give(&self, wanted: NewGrant) -> Answer<GivenGrant> {
        let what = format!(
            "give {} {} all: {} {:?} for {:?}",
            wanted.to, wanted.level, wanted.all_machines, wanted.machines, wanted.days
        );
        self.act(what, given(GrantState::Offered))
    }
    async fn revoke_grant(&self, id: &str) -> Answer<()> {
        self.act(format!("revoke {id}"), ())
    }
    async fn accept_grant(&self, id: &str) -> Answer<()> {
        self.act(format!("accept {id}"), ())
    }
    async fn decline_grant(&self, id: &str) -> Answer<()> {
        self.act(format!("decline {id}"), ())
    }
}
