//! The fake control plane's accounts, invitations and links.

use app::control_plane::{Answer, People};
use async_trait::async_trait;
use domain::access::AccountRole;
use domain::view::people::*;

use super::plane::Fake;
use super::story;

fn made(page: &str) -> MadeLink {
    MadeLink {
        id: "link-1".into(),
        link: format!("https://dumont.example/{page}#code-shown-once"),
        code: "code-shown-once".into(),
        expires_at: story::NOW.into(),
    }
}

#[async_trait]
impl People for Fake {
    async fn accounts(&self) -> Answer<Accounts> {
        let account = |name: &str, role| Account {
            id: format!("user-{name}"),
            email: format!("{name}@lab.example"),
            username: name.into(),
            role,
            created_at: story::NOW.into(),
        };
        let accounts =
            vec![account("ana", AccountRole::Administrator), account("bob", AccountRole::Member)];
        Ok(Accounts { count: accounts.len(), accounts })
    }
    async fn invitations(&self) -> Answer<Invitations> {
        let invitation = |state: InvitationState| Invitation {
            id: format!("invitation-{state}"),
            note: Some(format!("note of {state}")),
            state,
            made_by: Some("ana".into()),
            accepted_by: (state == InvitationState::Accepted).then(|| "bob".into()),
            created_at: story::NOW.into(),
            expires_at: story::NOW.into(),
        };
        let invitations: Vec<Invitation> =
            InvitationState::ALL.iter().map(|state| invitation(*state)).collect();
        Ok(Invitations { count: invitations.len(), invitations })
    }
    async fn invite(&self, wanted: NewInvitation) -> Answer<MadeLink> {
        self.act(format!("invite {:?} for {:?} days", wanted.note, wanted.days), made("join"))
    }
    async fn revoke_invitation(&self, id: &str) -> Answer<()> {
        self.act(format!("revoke {id}"), ())
    }
    async fn reset_link(&self, account: &str) -> Answer<MadeLink> {
        self.act(format!("reset link for {account}"), made("reset"))
    }
    async fn join(&self, asked: JoinRequest) -> Answer<()> {
        self.act(format!("join {} {} {:?}", asked.code, asked.username, asked.password), ())
    }
    async fn reset(&self, asked: ResetRequest) -> Answer<()> {
        self.act(format!("reset {} {:?}", asked.code, asked.new_password), ())
    }
}
