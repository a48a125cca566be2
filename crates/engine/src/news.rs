//! What the engine tells users that is no part of a failover: credentials, credit, standbys.
//!
//! What is news is decided in `domain::notification`; here it is only noticed.

use domain::association::Association;
use domain::gpu::dearest_rate;
use domain::id::UserId;
use domain::money::MicroUsd;
use domain::notification::{self, Credit, News};
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::standby::Standby;
use domain::time::Millis;
use store::{CredentialKind, CredentialStatus, StoreError};

use crate::context::Context;
use crate::error::EngineError;

/// What there is to tell of a standby that has come to this; `None`: it is gone.
pub(crate) fn standby(context: &Context, of: &Association, now: Option<&Standby>) -> Option<News> {
    let state = now.map(|standby| standby.state);
    notification::standby(of, state, context.now(), context.config.sandbox)
}

/// Tells of a credit that is low, once until it is enough again.
pub(crate) async fn credit(
    context: &Context,
    user: &UserId,
    credit: Option<MicroUsd>,
    at: Millis,
) -> Result<(), StoreError> {
    let need = dearest_rate(&context.live.account(user).view().instances);
    let notifications = context.store.notifications();
    match notification::credit(user, credit, need, at, context.config.sandbox) {
        Credit::Low(news) => {
            // Read every few seconds: nothing is locked for what was told.
            if !notifications.stands(user, &news.fact).await? && notifications.tell(&news).await? {
                tracing::warn!(%user, "the credit is low");
            }
        }
        Credit::Enough(fact) => {
            notifications.end(user, &fact).await?;
        }
        Credit::Unknown => {}
    }
    Ok(())
}

/// Notes whether Vast.ai took the stored key. No answer says nothing about it.
pub(crate) async fn key_was_used<T>(
    context: &Context,
    user: &UserId,
    outcome: &Result<T, EngineError>,
) {
    let kind = CredentialKind::VastApiKey;
    let noted = match outcome {
        Ok(_) => taken(context, user, kind).await,
        Err(EngineError::Provider(error)) => refused(context, user, kind, error).await,
        Err(_) => Ok(()),
    };
    if let Err(error) = noted {
        tracing::warn!(%user, %error, "what the provider said of the key is not recorded");
    }
}

/// Notes that Google refuses the stored service account, where that is what it says. That it is taken
/// again is found out by trying all that it needs: what one call may do says nothing about another.
pub(crate) async fn google_said(
    context: &Context,
    user: &UserId,
    error: &ProviderError,
) -> Result<(), StoreError> {
    refused(context, user, CredentialKind::GcpServiceAccount, error).await
}

async fn taken(context: &Context, user: &UserId, kind: CredentialKind) -> Result<(), StoreError> {
    if status(context, user, kind).await? == Some(CredentialStatus::Refused)
        && context.store.credentials().restore(user, kind, context.now()).await?
    {
        tracing::info!(%user, %kind, "the provider takes the credential again");
        context.doorbell(user, "settings", "credentials").await;
    }
    Ok(())
}

async fn refused(
    context: &Context,
    user: &UserId,
    kind: CredentialKind,
    error: &ProviderError,
) -> Result<(), StoreError> {
    let theirs = error.provider == kind.provider() && error.provider != Provider::Ssh;
    if !theirs
        || error.class != ErrorClass::Auth
        || status(context, user, kind).await? == Some(CredentialStatus::Refused)
    {
        return Ok(());
    }
    let (word, sandbox) = (&error.message, context.config.sandbox);
    if context.store.credentials().refuse(user, kind, word, context.now(), sandbox).await? {
        tracing::warn!(%user, %kind, %error, "the provider refuses the credential");
        context.doorbell(user, "settings", "credentials").await;
    }
    Ok(())
}

async fn status(
    context: &Context,
    user: &UserId,
    kind: CredentialKind,
) -> Result<Option<CredentialStatus>, StoreError> {
    let stored = context.store.credentials().describe(user, kind).await?;
    Ok(stored.map(|credential| credential.status))
}
