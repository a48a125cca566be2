//! Accounts for tests.

use domain::id::UserId;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use server::http::client::Client;
use server::service::{account, auth};

use crate::world::World;

/// Every test person's password.
pub(crate) const PASSWORD: &str = "a long enough password";

/// A person with an account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl Person {
    pub(crate) async fn join(world: &World, name: &str) -> Self {
        let email = format!("{name}@dumont.local");
        let password = SecretString::from(PASSWORD);
        let user = account::create(&world.dumont, &email, name, password, false)
            .await
            .expect("an account");
        let mut person = Self { id: user.id, email, token: String::new() };
        person.token = person.new_token(world).await;
        person
    }

    pub(crate) async fn new_token(&self, world: &World) -> String {
        let client =
            Client { address: None, agent: Some("test".into()), browser: None, host: None };
        let token = auth::login_token(&world.dumont, &self.id, &client).await.expect("a token");
        token.expose_secret().to_owned()
    }

    pub(crate) fn signs(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}
