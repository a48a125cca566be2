//! The life of one instance as a pure state machine.
//!
//! Every function takes the time and says nothing to the outside: the driver
//! reads from a [`Life`] what host and what rate it calls for. The words that
//! customers see follow Vast's own: three fields for what is wanted and
//! granted (`intended_status`, `next_state`, `cur_state`) and one that lags
//! behind them (`actual_status`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use super::status::{Bill, Contract, Outbid, Pace, Silence, Stage, Stuck, Want};

/// A step that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    at_ms: i64,
    to: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Null → created, with the times of the steps after it.
    Created { loading_ms: i64, running_ms: i64 },
    /// Created → loading.
    Loading { running_ms: i64 },
    /// Loading → the host is to be booted.
    Boot,
    /// Running → exited, after a stop.
    Stop,
    /// The container has ended, after an outbid.
    Exit,
    /// The instance is to be erased.
    Erase,
}

/// The state of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    /// How far the container has come.
    pub stage: Stage,
    /// `intended_status`.
    pub intended: Contract,
    /// `next_state`.
    pub next: Contract,
    /// `cur_state`.
    pub cur: Contract,
    /// Rises with each boot that is called for, so that a reboot is seen.
    pub boots: u32,
    /// Outbid, and what brings it back.
    pub outbid: Option<Outbid>,
    /// A start that waits for GPUs to come free.
    pub queued: bool,
    /// What Vast says instead of the stage.
    pub silence: Option<Silence>,
    /// Does not get past this.
    pub stuck: Option<Stuck>,
    /// When the present stage began.
    pub since_ms: i64,
    /// The host gets a new port before its next boot.
    pub remap: bool,
    due: Option<Due>,
    booting: bool,
    silent_at: Option<(i64, Silence)>,
    open_at_ms: i64,
    ssh_ms: i64,
    erased: bool,
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Life {
    /// A new contract that is to run.
    pub(crate) fn begin(now_ms: i64, pace: &Pace) -> Self {
        let created = now_ms + ms(pace.created);
        let running_ms = created + ms(pace.loading);
        let loading_ms = created + ms(pace.loading) / 20;
        let mut life = Self::blank(now_ms, Contract::Running);
        life.ssh_ms = ms(pace.ssh);
        life.due = Some(Due { at_ms: created, to: Step::Created { loading_ms, running_ms } });
        life
    }

    /// A contract whose bid is too low: it exists and does not run.
    pub(crate) fn begin_outbid(now_ms: i64) -> Self {
        let mut life = Self::blank(now_ms, Contract::Stopped);
        life.stage = Stage::Created;
        life.outbid = Some(Outbid { resume_at_ms: None, until_cleared: None });
        life
    }

    /// A contract that the customer wants stopped from the outset.
    pub(crate) fn begin_stopped(now_ms: i64) -> Self {
        let mut life = Self::blank(now_ms, Contract::Stopped);
        life.stage = Stage::Created;
        life
    }

    /// A contract whose GPUs someone else has: its start is queued.
    pub(crate) fn begin_queued(now_ms: i64) -> Self {
        let mut life = Self::blank(now_ms, Contract::Stopped);
        life.stage = Stage::Created;
        life.queued = true;
        life
    }

    fn blank(now_ms: i64, contract: Contract) -> Self {
        Self {
            stage: Stage::Null,
            intended: contract,
            next: contract,
            cur: contract,
            boots: 0,
            outbid: None,
            queued: false,
            silence: None,
            stuck: None,
            since_ms: now_ms,
            remap: false,
            due: None,
            booting: false,
            silent_at: None,
            open_at_ms: now_ms,
            ssh_ms: 0,
            erased: false,
        }
    }

    fn contract(&mut self, contract: Contract) {
        self.intended = contract;
        self.next = contract;
        self.cur = contract;
    }

    fn enter(&mut self, stage: Stage, at_ms: i64) {
        self.stage = stage;
        self.since_ms = at_ms;
    }

    /// The customer starts it; `free` says whether nobody else has the GPUs. False if they are not to
    /// be had: the start is queued.
    pub(crate) fn start(&mut self, now_ms: i64, pace: &Pace, free: bool) -> bool {
        if self.cur == Contract::Unloaded {
            return false;
        }
        if self.outbid.is_some() || self.silence.is_some() || !free {
            self.queued = true;
            return false;
        }
        if self.cur != Contract::Running || self.intended != Contract::Running {
            self.resume(now_ms, pace);
        }
        true
    }

    /// It gets its GPUs back: by a start, or because the bid wins again.
    pub(crate) fn resume(&mut self, now_ms: i64, pace: &Pace) {
        if self.cur == Contract::Unloaded {
            return;
        }
        let resume = ms(pace.resume);
        self.outbid = None;
        self.queued = false;
        self.stuck = None;
        self.contract(Contract::Running);
        self.booting = false;
        if self.boots == 0 {
            // Never ran: the image has to be fetched first.
            let running_ms = now_ms + ms(pace.loading);
            self.ssh_ms = ms(pace.ssh);
            self.due = Some(Due { at_ms: now_ms, to: Step::Loading { running_ms } });
            self.tick(now_ms);
            return;
        }
        self.remap = true;
        self.ssh_ms = resume - resume * 6 / 10;
        self.due = Some(Due { at_ms: now_ms + resume * 6 / 10, to: Step::Boot });
        self.enter(Stage::Loading, now_ms);
    }

    /// The customer stops it: no bid brings it back.
    pub(crate) fn stop(&mut self, now_ms: i64, pace: &Pace) {
        if self.cur == Contract::Unloaded {
            return;
        }
        self.outbid = None;
        self.queued = false;
        self.intended = Contract::Stopped;
        self.next = Contract::Stopped;
        if self.cur == Contract::Running {
            self.due = Some(Due { at_ms: now_ms + ms(pace.stop), to: Step::Stop });
        }
    }

    /// Someone bids more, or the credit is used up (`why` is none): the GPUs
    /// are gone at once, `actual_status` lags.
    pub(crate) fn evict(&mut self, now_ms: i64, pace: &Pace, why: Option<Outbid>) {
        if self.cur == Contract::Unloaded {
            return;
        }
        self.outbid = why;
        self.queued = false;
        self.contract(Contract::Stopped);
        self.booting = false;
        self.due = Some(Due { at_ms: now_ms + ms(pace.lag), to: Step::Exit });
    }

    /// The container is started again on the same GPUs.
    pub(crate) fn reboot(&mut self, now_ms: i64) {
        if self.stage == Stage::Running && self.cur == Contract::Running {
            self.enter(Stage::Loading, now_ms);
            self.ssh_ms = 0;
            self.booting = false;
            self.due = Some(Due { at_ms: now_ms, to: Step::Boot });
        }
    }

    /// The machine has died; Vast says so at `at_ms`.
    pub(crate) fn fall_silent(&mut self, at_ms: i64, silence: Silence) {
        self.silent_at = Some((at_ms, silence));
    }

    /// The machine is in touch again.
    pub(crate) fn speak(&mut self) {
        self.silent_at = None;
        self.silence = None;
    }

    /// The customer destroys it; it is erased at `at_ms`.
    pub(crate) fn unload(&mut self, at_ms: i64) {
        if self.cur == Contract::Unloaded {
            return;
        }
        self.contract(Contract::Unloaded);
        self.intended = Contract::Stopped;
        self.outbid = None;
        self.queued = false;
        self.booting = false;
        self.due = Some(Due { at_ms, to: Step::Erase });
    }

    /// The host that was called for is up.
    pub(crate) fn booted(&mut self, now_ms: i64) {
        if self.booting && self.cur == Contract::Running {
            self.booting = false;
            self.enter(Stage::Running, now_ms);
        }
    }

    /// The host that was called for does not come up; Vast leaves such an
    /// instance in `created` with the container runtime's complaint.
    pub(crate) fn failed(&mut self, now_ms: i64, why: String) {
        if self.booting {
            self.booting = false;
            self.due = None;
            self.stuck = Some(Stuck { stage: Stage::Created, msg: Some(why), until_cleared: None });
            self.enter(Stage::Created, now_ms);
        }
    }

    /// The time of the last boot is over: SSH opens at once, after a heal.
    pub(crate) fn open(&mut self, now_ms: i64) {
        self.open_at_ms = self.open_at_ms.min(now_ms);
    }

    /// Takes every step that is due; true if there was one.
    pub(crate) fn tick(&mut self, now_ms: i64) -> bool {
        let mut moved = false;
        if let Some((_, silence)) = self.silent_at.take_if(|(at_ms, _)| *at_ms <= now_ms) {
            self.silence = Some(silence);
            moved = true;
        }
        while let Some(due) = self.due {
            if due.at_ms > now_ms || self.held(due.to) {
                break;
            }
            self.take(due);
            moved = true;
        }
        moved
    }

    fn held(&self, step: Step) -> bool {
        let Some(stuck) = &self.stuck else { return false };
        let reaches = match step {
            Step::Created { .. } => Stage::Created,
            Step::Loading { .. } => Stage::Loading,
            Step::Boot => Stage::Running,
            Step::Stop | Step::Exit | Step::Erase => return false,
        };
        reaches > stuck.stage
    }

    fn take(&mut self, due: Due) {
        self.due = match due.to {
            Step::Created { loading_ms, running_ms } => {
                self.enter(Stage::Created, due.at_ms);
                Some(Due { at_ms: loading_ms, to: Step::Loading { running_ms } })
            }
            Step::Loading { running_ms } => {
                self.enter(Stage::Loading, due.at_ms);
                Some(Due { at_ms: running_ms, to: Step::Boot })
            }
            Step::Boot => {
                self.booting = true;
                self.boots += 1;
                self.open_at_ms = due.at_ms + self.ssh_ms;
                None
            }
            Step::Stop | Step::Exit => {
                if due.to == Step::Stop {
                    self.contract(Contract::Stopped);
                }
                self.booting = false;
                if self.boots > 0 || self.stage == Stage::Loading {
                    self.enter(Stage::Exited, due.at_ms);
                }
                None
            }
            Step::Erase => {
                self.erased = true;
                None
            }
        };
    }

    /// When something that has not happened yet is due, if anything is.
    pub(crate) fn next_due_ms(&self, now_ms: i64) -> Option<i64> {
        let step = self.due.filter(|due| !self.held(due.to)).map(|due| due.at_ms);
        let silence = self.silent_at.map(|(at_ms, _)| at_ms);
        let open = (self.stage == Stage::Running).then_some(self.open_at_ms);
        let resume = self.outbid.as_ref().and_then(|outbid| outbid.resume_at_ms);
        [step, silence, open, resume].into_iter().flatten().filter(|at_ms| *at_ms > now_ms).min()
    }

    /// The host that this calls for.
    pub(crate) fn wants(&self, now_ms: i64) -> Want {
        if self.erased {
            return Want::Nothing;
        }
        if self.cur == Contract::Running && (self.booting || self.stage == Stage::Running) {
            return Want::Booted { open: now_ms >= self.open_at_ms };
        }
        Want::Halted
    }

    /// The rate that applies; `silence` is what Vast says, faults included.
    pub(crate) fn bill(&self, silence: Option<Silence>) -> Bill {
        if silence == Some(Silence::Offline) {
            Bill::Nothing
        } else if self.cur == Contract::Running && self.stage == Stage::Running {
            Bill::Everything
        } else {
            Bill::Disk
        }
    }

    /// Runs, and can be reached at ports.
    pub(crate) fn has_ports(&self) -> bool {
        self.cur == Contract::Running && self.stage == Stage::Running
    }

    /// `actual_status`; none is the wire's null.
    pub(crate) fn actual_status(&self, silence: Option<Silence>) -> Option<&'static str> {
        match silence {
            Some(Silence::Offline) => return Some("offline"),
            Some(Silence::Unknown) => return Some("unknown"),
            None => {}
        }
        Some(match self.stage {
            Stage::Null => return None,
            Stage::Created => "created",
            Stage::Loading => "loading",
            Stage::Running => "running",
            Stage::Exited => "exited",
        })
    }

    /// `intended_status`; a queued start is intended to run.
    pub(crate) fn intended_status(&self) -> &'static str {
        if self.queued { Contract::Running.word() } else { self.intended.word() }
    }

    /// `next_state`; a queued start is scheduled to run.
    pub(crate) fn next_state(&self) -> &'static str {
        if self.queued { Contract::Running.word() } else { self.next.word() }
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
