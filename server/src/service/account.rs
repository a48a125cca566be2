//! Making accounts.

use domain::id::UserId;
use domain::view::account::{User as UserView, UserSettings};
use domain::view::problem::FieldProblem;
use secrecy::SecretString;
use store::{NewUser, StoreError, User};
use uuid::Uuid;

use crate::{Dumont, Fault};

/// Whether this install still waits for its first account.
///
/// # Errors
/// The database.
pub async fn is_empty(dumont: &Dumont) -> Result<bool, Fault> {
    Ok(dumont.store.users().count().await? == 0)
}

/// Makes an account; with `first_only`, only while there is none.
///
/// # Errors
/// Fields that can't be accepted, a taken name, or (with `first_only`) an account that exists.
pub async fn create(
    dumont: &Dumont,
    email: &str,
    username: &str,
    password: SecretString,
    first_only: bool,
) -> Result<User, Fault> {
    let new = prepare(dumont, email, username, password).await?;
    dumont.store.users().create(&new, first_only, dumont.now()).await.map_err(refused)
}

/// An account that can be made, unless a name is taken.
///
/// # Errors
/// Fields that can't be accepted.
pub async fn prepare(
    dumont: &Dumont,
    email: &str,
    username: &str,
    password: SecretString,
) -> Result<NewUser, Fault> {
    let (email, username) = (email.trim().to_lowercase(), username.trim().to_lowercase());
    let mut problems = Vec::new();
    let mut wrong = |field: &str, code: &str, message: &str| {
        problems.push(FieldProblem {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        });
    };
    if !is_email(&email) {
        wrong("email", "not_an_email", "must be an e-mail address");
    }
    if !is_username(&username) {
        wrong("username", "not_a_username", "must have 2 to 32 of the characters a-z 0-9 . _ -");
    }
    let hash = dumont.passwords.hash("password", password, &[&email, &username]).await;
    if let Err(Fault::Invalid(fields)) = &hash {
        problems.extend(fields.iter().cloned());
    }
    if !problems.is_empty() {
        return Err(Fault::Invalid(problems));
    }
    Ok(NewUser {
        id: UserId::new(Uuid::now_v7().to_string()),
        email,
        username,
        password_hash: hash?,
    })
}

/// Why an account was not made.
#[must_use]
pub fn refused(error: StoreError) -> Fault {
    match error {
        StoreError::Conflict(word) if word.starts_with("email") => taken("email"),
        StoreError::Conflict(word) if word.starts_with("username") => taken("username"),
        StoreError::Conflict(_) => {
            Fault::conflict("already_set_up", "this install has an account already; log in with it")
        }
        error => error.into(),
    }
}

fn taken(field: &str) -> Fault {
    Fault::field(field, "taken", "is taken")
}

/// An account as its owner sees it.
#[must_use]
pub fn view(user: &User) -> UserView {
    UserView {
        email: user.email.clone(),
        username: user.username.clone(),
        role: user.role,
        settings: UserSettings { locale: user.locale.clone(), theme: user.theme.clone() },
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@')
    };
    text.len() <= 254 && plain(local) && plain(domain) && ::domain::name::line(text, 254).is_ok()
}

fn is_username(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_never_look_like_addresses() {
        for good in ["ana", "a.b-c_9"] {
            assert!(is_username(good), "{good}");
        }
        for bad in ["a", "Ana", "ana@b", "a b", "", "a\u{301}bc"] {
            assert!(!is_username(bad), "{bad}");
        }
        assert!(is_email("owner@dumont.local"));
        for bad in ["owner", "@b", "a@", "a@b@c", "a b@c", "a\u{202e}@b.c"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
