//! Logging in and out, tokens, sessions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::audit::Credential;
use domain::id::TokenId;
use domain::view::Done;
use domain::view::account::{
    ChangePassword, Confirm, Confirmed, CreatedToken, Features, LoginAnswer, LoginRequest, Me,
    NewToken, SdkConfig, Sessions, Tokens,
};
use secrecy::ExposeSecret as _;
use tower_sessions::Session;

use crate::http::client::Client;
use crate::http::extract::{Body, Segments};
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner, Via};
use crate::http::session;
use crate::service::{account, auth, confirm};
use crate::{Dumont, Fault};

/// Logs a program in by e-mail or user name. The token of the answer is this login's one credential:
/// it is listed among the sessions, and a logout with it ends it.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest, responses((status = 200, body = LoginAnswer)))]
pub async fn login(
    State(dumont): State<Dumont>,
    client: Client,
    Body(asked): Body<LoginRequest>,
) -> Result<Json<LoginAnswer>, Fault> {
    let user = auth::login(&dumont, asked, &client, Credential::Login).await?;
    let token = auth::login_token(&dumont, &user.id, &client).await?;
    let token = token.expose_secret().to_owned();
    Ok(Json(LoginAnswer { success: true, user: account::view(&user), token }))
}

/// Ends the session, or revokes the token, that the request came with.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", responses((status = 200, body = Done)))]
pub async fn logout(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    browser: Session,
) -> Result<Json<Done>, Fault> {
    match who.via {
        Via::Session(_) => {
            session::end(&browser).await?;
            auth::ended(&dumont, &who.user).await;
        }
        Via::Token(id, _) => auth::revoke_token(&dumont, &who.user, &id).await?,
    }
    Ok(Json(Done::new("logged out")))
}

/// Who asks.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = Me)))]
pub async fn me(State(dumont): State<Dumont>, Owner(user): Owner) -> Result<Json<Me>, Fault> {
    let user = dumont.store.users().get(&user).await?;
    Ok(Json(Me { authenticated: true, user: account::view(&user) }))
}

/// What a client needs to begin; holds no secret.
#[utoipa::path(get, path = "/auth/sdk/config", tag = "auth", responses((status = 200, body = SdkConfig)))]
pub async fn sdk_config(
    State(dumont): State<Dumont>,
    headers: axum::http::HeaderMap,
) -> Json<SdkConfig> {
    let site = dumont.site.address(&headers);
    let features = Features {
        standby: true,
        drills: true,
        events: true,
        snapshots: false,
        sandbox: dumont.site.sandbox,
    };
    Json(SdkConfig { base_url: format!("{site}/api/v1"), features })
}

/// The account's API tokens, without the tokens themselves.
#[utoipa::path(get, path = "/auth/tokens", tag = "auth", responses((status = 200, body = Tokens)))]
pub async fn tokens(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Tokens>, Fault> {
    Ok(Json(auth::tokens(&dumont, &user).await?))
}

/// Confirms that it is the account's owner who holds this session or token. For ten minutes it may
/// then make tokens and replace provider keys; a login counts as a confirmation.
#[utoipa::path(post, path = "/auth/confirm", tag = "auth", request_body = Confirm, responses((status = 200, body = Confirmed)))]
pub async fn confirm(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    browser: Session,
    Body(asked): Body<Confirm>,
) -> Result<Json<Confirmed>, Fault> {
    let at = confirm::confirm(&dumont, &who, asked, &client).await?;
    if matches!(who.via, Via::Session(_)) {
        session::confirm(&browser, at).await?;
    }
    Ok(Json(Confirmed { success: true, until: at.plus(confirm::GOOD_FOR_MS).into() }))
}

/// Makes an API token; only this answer ever holds it. Needs a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/auth/tokens", tag = "auth", request_body = NewToken, responses((status = 201, body = CreatedToken)))]
pub async fn create_token(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<NewToken>,
) -> Result<(StatusCode, Extension<Subject>, Json<CreatedToken>), Fault> {
    let made = auth::mint(&dumont, &who, asked).await?;
    Ok((StatusCode::CREATED, Extension(Subject(made.info.id.clone())), Json(made)))
}

/// Revokes an API token.
#[utoipa::path(delete, path = "/auth/tokens/{token_id}", tag = "auth", params(("token_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn revoke_token(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<TokenId>,
) -> Result<Json<Done>, Fault> {
    auth::revoke_token(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the token is revoked")))
}

/// The logins: browsers, and programs that logged in over the API.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", responses((status = 200, body = Sessions)))]
pub async fn sessions(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
) -> Result<Json<Sessions>, Fault> {
    Ok(Json(auth::sessions(&dumont, &who.user, &who.via).await?))
}

/// Ends a login.
#[utoipa::path(delete, path = "/auth/sessions/{session_id}", tag = "auth", params(("session_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn revoke_session(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<String>,
) -> Result<Json<Done>, Fault> {
    auth::revoke_session(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the session is ended")))
}

/// Changes the password and ends every other login, and every API token that another login made.
#[utoipa::path(post, path = "/auth/password", tag = "auth", request_body = ChangePassword, responses((status = 200, body = Done)))]
pub async fn change_password(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Body(asked): Body<ChangePassword>,
) -> Result<Json<Done>, Fault> {
    auth::change_password(&dumont, &who, asked, &client).await?;
    Ok(Json(Done::new(
        "the password is changed; other logins are ended, and the API tokens that they made",
    )))
}
