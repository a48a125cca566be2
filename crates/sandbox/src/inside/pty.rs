//! Pseudo-terminals.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::net::unix::pipe;

/// A terminal's size in characters and in pixels.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Our end of a terminal, three times: it hangs up when all are dropped.
/// Reading ends with an error when nobody has the other end open.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) reader: pipe::Receiver,
    pub(crate) writer: pipe::Sender,
    pub(crate) control: Control,
}

/// What changes a terminal's size.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

/// Opens a terminal; the second part is the end for the process.
pub(crate) fn open(size: Size) -> io::Result<(Terminal, OwnedFd)> {
    let pair = nix::pty::openpty(None, None)?;
    fcntl(&pair.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&pair.slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
    // Not pipes, but read, written and waited for in the same way.
    let terminal = Terminal {
        reader: pipe::Receiver::from_owned_fd_unchecked(pair.master.try_clone()?)?,
        writer: pipe::Sender::from_owned_fd_unchecked(pair.master.try_clone()?)?,
        control: Control(pair.master),
    };
    terminal.control.resize(size)?;
    Ok((terminal, pair.slave))
}

/// The name of a terminal.
pub(crate) fn name(slave: &OwnedFd) -> Option<PathBuf> {
    nix::unistd::ttyname(slave).ok()
}

impl Control {
    /// Tells the terminal its new size.
    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        let short = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
        let size = Winsize {
            ws_col: short(size.columns),
            ws_row: short(size.rows),
            ws_xpixel: short(size.width),
            ws_ypixel: short(size.height),
        };
        Ok(tcsetwinsize(self.0.as_fd(), size)?)
    }
}
