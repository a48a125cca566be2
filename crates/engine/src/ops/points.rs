//! Recovery points of a standby's copy, and the way back to one.

use std::time::Duration;

use domain::association::{Association, AssociationState, DataPath, Serving};
use domain::id::{AssociationId, UserId};
use domain::point::{Change, Difference, Points, RecoveryPoint, Return, ReturnState};
use domain::standby::StandbyState;
use providers::ssh::Shell;
use store::StoreError;

use crate::context::Context;
use crate::data::{DataError, Keeper};
use crate::error::EngineError;
use crate::live::Target;
use crate::ports::time;
use crate::worker::dial;

/// So long whoever asks waits for the standby, which may be in the middle of a sync.
const PATIENCE: Duration = Duration::from_secs(12);
/// Points that are told of: as many as are kept by age, and some.
const MOST: u32 = 500;

/// The points of a machine's copy.
pub(crate) async fn points(
    context: &Context,
    user: &UserId,
    id: &AssociationId,
) -> Result<Points, EngineError> {
    let association = context.store.associations().get(user, id).await?;
    let asked = async { Ok(keeper(context, &association).await?.points(MOST).await?) };
    patiently(asked).await
}

/// What going back to a point would change now.
pub(crate) async fn difference(
    context: &Context,
    user: &UserId,
    id: &AssociationId,
    point: i64,
    path: &str,
) -> Result<Difference, EngineError> {
    let association = context.store.associations().get(user, id).await?;
    let asked = async { Ok(keeper(context, &association).await?.difference(point, path).await?) };
    patiently(asked).await
}

/// Records that a machine's user wants its files back as they were at a point; its worker does it.
pub(crate) async fn go_back(
    context: &Context,
    user: &UserId,
    id: &AssociationId,
    point: i64,
    path: &str,
) -> Result<(), EngineError> {
    let association = context.store.associations().get(user, id).await?;
    able(&association)?;
    let asked = async {
        let mut keeper = keeper(context, &association).await?;
        let points = keeper.points(MOST).await?.listed;
        let found = points.into_iter().find(|one| one.id == point);
        Ok((found.ok_or(DataError::NoPoint(point))?, keeper.difference(point, path).await?))
    };
    let (found, difference): (RecoveryPoint, Difference) = patiently(asked).await?;
    if difference.missing > 0 {
        return Err(EngineError::conflict(
            "contents_missing",
            "some contents of that point are not kept any more; nothing was changed",
        ));
    }
    let wanted = Return {
        epoch: association.epoch,
        point,
        point_at: Some(found.at),
        path: path.to_owned(),
        serving: association.serving,
        asked_at: context.now(),
        state: ReturnState::Asked,
        before: None,
        made: None,
        change: None::<Change>,
        tries: 0,
        problem: None,
        ended_at: None,
    };
    match context.store.associations().ask_back(user, id, &wanted).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            return Err(EngineError::conflict(
                "return_under_way",
                "another way back is under way for this machine",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    context.live.machine(id).poke.notify_one();
    context.doorbell(user, "association", id.as_str()).await;
    Ok(())
}

/// Whether its files can be put back now.
fn able(association: &Association) -> Result<(), EngineError> {
    if association.active_failover.is_some() {
        return Err(EngineError::conflict(
            "failover_active",
            "a failover of this machine is under way",
        ));
    }
    match (association.serving, association.state) {
        (Serving::Gpu, AssociationState::Following)
        | (Serving::Standby, AssociationState::OnStandby) => Ok(()),
        (_, AssociationState::Frozen) => Err(EngineError::conflict(
            "copy_frozen",
            "the copy of this machine is frozen: say first what becomes of the deletions",
        )),
        _ => Err(EngineError::conflict(
            "not_following",
            "this machine can go back only while its standby follows it, or while it runs there",
        )),
    }
}

/// The keeper of a machine's copy, asked over a shell of its own where this process has none open.
async fn keeper(context: &Context, association: &Association) -> Result<Keeper, EngineError> {
    if association.sync.path != Some(DataPath::Agent) {
        return Err(EngineError::conflict(
            "no_recovery_points",
            "the copy of this machine follows by rsync, which keeps no recovery points",
        ));
    }
    let Some(program) = &context.config.agent else {
        return Err(EngineError::conflict(
            "no_recovery_points",
            "this install has no dumont-agent",
        ));
    };
    let shell = standby(context, association).await?;
    let path = program.put(&shell).await?;
    Ok(Keeper::start(&shell, &path, &association.workspace).await?)
}

async fn standby(context: &Context, association: &Association) -> Result<Shell, EngineError> {
    let open = context.live.machine(&association.id).standby_shell();
    if let Some(shell) = open.filter(|shell| !shell.is_closed()) {
        return Ok(shell);
    }
    let ready = association.standby.as_ref().filter(|vm| vm.state == StandbyState::Ready);
    let target = ready.and_then(|vm| {
        let (endpoint, host_key) = (vm.endpoint.clone()?, vm.host_key.clone()?);
        Some(Target { endpoint, host_key: Some(host_key) })
    });
    let target = target.ok_or_else(|| unreached("it is not ready"))?;
    dial(context, &association.user, &target).await.map_err(|error| unreached(&error.to_string()))
}

fn unreached(why: &str) -> EngineError {
    EngineError::conflict("standby_unreached", format!("the standby can't be asked now: {why}"))
}

async fn patiently<T>(
    asked: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        Err(EngineError::conflict(
            "standby_busy",
            "the standby is busy with a sync; ask again in a moment",
        ))
    })
}

impl From<DataError> for EngineError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::NoPoint(_) => Self::NotFound("recovery point"),
            other => unreached(&other.to_string()),
        }
    }
}
