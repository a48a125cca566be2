//! The way from a standby to a new GPU.

use std::time::Duration;

use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, script, with_endpoint};

const REACH: Duration = Duration::from_secs(30);

/// Tells the standby where a new GPU is and by which key it is known.
///
/// # Errors
/// When the standby can't be talked to.
pub async fn reach(standby: &Shell, gpu: &Endpoint, host_key: &str) -> Result<(), DataError> {
    let script = with_endpoint(script!(standby "reach"), gpu).arg(host_key);
    ask(standby, &script, "telling the standby where the GPU is", Epoch(0), REACH).await?;
    Ok(())
}
