//! Changing the master key: every sealed value under the new one, or none.
//!
//! Values are written and rotated under the same lock, and whoever seals reads the key file after
//! taking it. So a value is never sealed under a key that a rotation has just dropped, not even by
//! another process.

use domain::id::{AssociationId, UserId};
use sqlx::query;
use tracing::instrument;

use crate::account::second_factor;
use crate::db::lock_install;
use crate::error::{KeyError, StoreError};
use crate::machine::launch;
use crate::open::Store;
use crate::row::Read as _;
use crate::secret::keyring::{self, Keyring};
use crate::secret::vault::{self, Place};

impl Store {
    /// Seals every secret again under the newest key of `ring`, in one transaction, and uses `ring`
    /// from then on. Values are opened with `ring` or with the keys in use so far. Returns how many
    /// values changed.
    ///
    /// # Errors
    /// `Key` when a value opens with neither; then nothing has changed.
    #[instrument(level = "debug", skip_all)]
    pub async fn rotate(&self, ring: Keyring) -> Result<u64, StoreError> {
        let before = self.vault().ring()?;
        let mut tx = self.db().begin().await?;
        lock_install(&mut tx).await?;
        let rows =
            query("SELECT user_id, kind, secret FROM credentials").fetch_all(&mut *tx).await?;
        let mut changed = 0;
        for row in rows {
            let (user, kind, sealed) =
                (row.text("user_id")?, row.text("kind")?, row.text("secret")?);
            let place = Place::new("credentials", "secret", &[&user, &kind]);
            let Some(sealed) = again(&ring, &before, &sealed, &place)? else { continue };
            query("UPDATE credentials SET secret = $3 WHERE user_id = $1 AND kind = $2")
                .bind(&user)
                .bind(&kind)
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            changed += 1;
        }
        let rows = query("SELECT user_id, secret FROM second_factors").fetch_all(&mut *tx).await?;
        for row in rows {
            let (user, sealed) = (UserId(row.text("user_id")?), row.text("secret")?);
            let place = second_factor::place(&user);
            let Some(sealed) = again(&ring, &before, &sealed, &place)? else { continue };
            query("UPDATE second_factors SET secret = $2 WHERE user_id = $1")
                .bind(user.as_str())
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            changed += 1;
        }
        let rows = query("SELECT association_id, sealed FROM launches").fetch_all(&mut *tx).await?;
        for row in rows {
            let (id, sealed) = (AssociationId(row.text("association_id")?), row.text("sealed")?);
            let place = launch::place(&id);
            let Some(sealed) = again(&ring, &before, &sealed, &place)? else { continue };
            query("UPDATE launches SET sealed = $2 WHERE association_id = $1")
                .bind(id.as_str())
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            changed += 1;
        }
        tx.commit().await?;
        self.vault().replace(ring);
        Ok(changed)
    }

    /// Gives an install whose keys are in a file a new key: added to the file, all values sealed
    /// under it, then the old ones dropped. Stopped at any moment, every value can still be opened
    /// and the call can be repeated. Returns how many values changed.
    ///
    /// # Errors
    /// `Key(NotAFile)` when the keys come from elsewhere, `Key(Busy)` while another process rotates;
    /// otherwise as [`Store::rotate`].
    #[instrument(level = "debug", skip_all)]
    pub async fn rotate_key_file(&self) -> Result<u64, StoreError> {
        let path = self.vault().ring()?;
        let path = path.file().ok_or(KeyError::NotAFile)?.to_owned();
        let _alone = keyring::reserve(&path)?;
        let ring = self.vault().ring()?;
        let both = ring.with_new_key().replace_file(&path)?;
        let changed = self.rotate(both.clone()).await?;
        let alone = both.newest_only().replace_file(&path)?;
        self.vault().replace(alone);
        Ok(changed)
    }
}

/// A value sealed under the newest key of a ring; none where it is.
fn again(
    ring: &Keyring,
    before: &Keyring,
    sealed: &str,
    place: &Place,
) -> Result<Option<String>, KeyError> {
    if vault::key_id(sealed) == Some(ring.newest().id()) {
        return Ok(None);
    }
    let plain = match vault::open(ring, sealed, place) {
        Err(KeyError::UnknownKey(_)) => vault::open(before, sealed, place)?,
        opened => opened?,
    };
    vault::seal(ring, &plain, place).map(Some)
}
