//! A workspace on another host that is brought back to.

use std::time::Duration;

use crate::connection::Connection;
use crate::hash::Blocks;
use crate::message::{Answer, Request, STEPS_AHEAD};
use crate::path::RelPath;
use crate::source::{Disk, SourceError};
use crate::target::{Piece, Placed, Step, Target};

/// Asks a serving side that may write.
pub struct RemoteTarget {
    connection: Connection,
}

impl RemoteTarget {
    /// Over a connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    fn send(&mut self, step: Step<'_>) -> Result<(), SourceError> {
        let (entry, pieces) = match step {
            Step::Place { entry, pieces } => (entry, pieces),
            Step::Link { from, to } => return self.connection.send(&Request::Link { from, to }),
            Step::Remove { path } => return self.connection.send(&Request::Remove(path)),
            Step::Finish { path, meta } => {
                return self.connection.send(&Request::Finish(path, meta));
            }
        };
        self.connection.send(&Request::Place(entry))?;
        for piece in pieces {
            match piece? {
                Piece::Data(bytes) => self.connection.send_data(&bytes)?,
                Piece::Same(length) => self.connection.send(&Request::Same(length))?,
                Piece::Hole(length) => self.connection.send(&Request::Hole(length))?,
            }
        }
        self.connection.send(&Request::PiecesEnd)
    }

    fn placed(&mut self) -> Result<Placed, SourceError> {
        match self.connection.answer(Duration::ZERO)? {
            Answer::Placed(placed) => Ok(placed),
            _ => Err(self.connection.breach("a step that ends otherwise")),
        }
    }

    fn apply_all<'a>(
        &mut self,
        steps: &mut (dyn Iterator<Item = Step<'a>> + 'a),
        told: &mut dyn FnMut(usize, Placed) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let (mut sent, mut done) = (0, 0);
        for step in steps {
            self.send(step)?;
            sent += 1;
            while sent > done && (sent - done >= STEPS_AHEAD || self.connection.is_ready()) {
                let placed = self.placed()?;
                told(done, placed)?;
                done += 1;
            }
        }
        while done < sent {
            let placed = self.placed()?;
            told(done, placed)?;
            done += 1;
        }
        Ok(())
    }
}

impl Target for RemoteTarget {
    fn disk(&mut self) -> Result<Disk, SourceError> {
        self.connection.send(&Request::Disk)?;
        match self.connection.answer(Duration::ZERO)? {
            Answer::Disk(disk) => Ok(disk),
            _ => Err(self.connection.breach("a disk that is none")),
        }
    }

    fn blocks(&mut self, path: &RelPath) -> Result<Option<Blocks>, SourceError> {
        self.connection.send(&Request::Blocks(path.clone()))?;
        match self.connection.answer(Duration::ZERO)? {
            Answer::Blocks(blocks) => Ok(blocks),
            _ => Err(self.connection.breach("blocks that are none")),
        }
    }

    fn apply<'a>(
        &mut self,
        steps: &mut (dyn Iterator<Item = Step<'a>> + 'a),
        told: &mut dyn FnMut(usize, Placed) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        // What is under way when it ends early would be taken for the answer to something else.
        self.apply_all(steps, told).inspect_err(|_| self.connection.abandon())
    }

    fn sync(&mut self) -> Result<(), SourceError> {
        self.connection.send(&Request::Sync)?;
        match self.connection.answer(Duration::ZERO)? {
            Answer::Synced => Ok(()),
            _ => Err(self.connection.breach("a sync that ends otherwise")),
        }
    }
}
