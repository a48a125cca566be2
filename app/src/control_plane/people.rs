//! What the pages ask of accounts, invitations and reset links.

use async_trait::async_trait;
use domain::view::people::{
    Accounts, Invitations, JoinRequest, MadeLink, NewInvitation, ResetRequest,
};

use super::Answer;

/// Accounts of the install, and the links that let somebody in.
#[async_trait]
pub trait People: Send + Sync {
    /// The accounts of the install; for its administrator.
    async fn accounts(&self) -> Answer<Accounts>;
    /// The invitations; for the administrator.
    async fn invitations(&self) -> Answer<Invitations>;
    /// Makes an invitation.
    async fn invite(&self, wanted: NewInvitation) -> Answer<MadeLink>;
    /// Takes an invitation back.
    async fn revoke_invitation(&self, id: &str) -> Answer<()>;
    /// Makes a link that replaces an account's password.
    async fn reset_link(&self, account: &str) -> Answer<MadeLink>;
    /// Makes the account of an invitation and logs it in.
    async fn join(&self, asked: JoinRequest) -> Answer<()>;
    /// Replaces a password by a reset link; logs nobody in.
    async fn reset(&self, asked: ResetRequest) -> Answer<()>;
}
