//! A GPU's folder, a standby's, and keepers that are spoken to.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use agent::order::{
    Command, CycleDone, CycleEnd, CycleOrder, Done, Frames, Order, PointTold, ProofDone, Refusal,
    RestoreDone, RestoreOrder, Told, encoded,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dumont-agent");
pub(crate) const EPOCH: u64 = 3;

pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["gpu", "standby", "copy"] {
            std::fs::create_dir(bench.at(name)).unwrap();
        }
        bench.trust("gpu 22");
        bench
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn trust(&self, gpu: &str) {
        std::fs::write(self.at("standby/trusted"), format!("{gpu}\n")).unwrap();
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn session(&self) -> Session {
        Session::start(&self.at("standby"), &self.at("copy"))
    }

    pub(crate) fn serve(&self, name: &str) -> Command {
        ["serve", "--root"]
            .iter()
            .fold(vec![PROGRAM.to_owned()], |mut all, word| {
                all.push((*word).to_owned());
                all
            })
            .into_iter()
            .chain([self.at(name).to_str().unwrap().to_owned()])
            .collect()
    }

    pub(crate) fn order(&self) -> CycleOrder {
        CycleOrder {
            epoch: EPOCH,
            trusted: "gpu 22".into(),
            host: "gpu".into(),
            read: self.serve("gpu"),
            percent: 30,
            window_seconds: 600,
            accepted: None,
        }
    }

    pub(crate) fn restore(&self, point: u64, to: &str) -> Order {
        let mut write = self.serve(to);
        write.push("--write".into());
        let read = self.serve(to);
        Order::Restore(RestoreOrder { point, from: None, first: Vec::new(), read, write })
    }

    pub(crate) fn assert_same(&self, a: &str, b: &str) {
        assert_eq!(tree(&self.at(a)), tree(&self.at(b)), "{a} and {b}");
    }
}

/// All in a folder: rights and content.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            let content = if meta.is_dir() {
                folders.push(path);
                Vec::new()
            } else if meta.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            found.insert(name, (meta.permissions().mode(), content));
        }
    }
    found
}

pub(crate) struct Session {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    frames: Frames,
    /// What was told on the way.
    pub(crate) heard: Vec<Told>,
}

impl Session {
    fn start(base: &Path, copy: &Path) -> Self {
        let mut child = std::process::Command::new(PROGRAM)
            .args(["keep", "--state"])
            .arg(base)
            .arg("--workspace")
            .arg(copy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, input, output, frames: Frames::default(), heard: Vec::new() }
    }

    pub(crate) fn send(&mut self, order: &Order) {
        // One that was ended takes nothing.
        let _ = self.input.as_mut().unwrap().write_all(&encoded(order).unwrap());
    }

    /// What was told next; none where it ended.
    pub(crate) fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.frames.told().unwrap() {
                return Some(told);
            }
            let mut buffer = [0; 4096];
            match self.output.read(&mut buffer).unwrap() {
                0 => return None,
                read => self.frames.take(&buffer[..read]),
            }
        }
    }

    /// The answer; none where it ended without one.
    pub(crate) fn answer(&mut self) -> Option<Result<Done, Refusal>> {
        loop {
            match self.next()? {
                Told::Done(done) => return Some(Ok(*done)),
                Told::Refused(refusal) => return Some(Err(refusal)),
                told => self.heard.push(told),
            }
        }
    }

    pub(crate) fn ask(&mut self, order: &Order) -> Result<Done, Refusal> {
        self.heard.clear();
        self.send(order);
        self.answer().expect("it answers")
    }

    pub(crate) fn cycle(&mut self, order: CycleOrder) -> Result<CycleDone, Refusal> {
        match self.ask(&Order::Cycle(order))? {
            Done::Cycle(cycle) => Ok(cycle),
            other => panic!("{other:?}"),
        }
    }

    /// A cycle that must be whole; the point of now.
    pub(crate) fn point(&mut self, order: CycleOrder) -> PointTold {
        let cycle = self.cycle(order).unwrap();
        assert!(matches!(cycle.end, CycleEnd::Whole { .. }), "{cycle:?}");
        cycle.point.unwrap()
    }

    pub(crate) fn take_over(&mut self, epoch: u64) -> Result<Option<PointTold>, Refusal> {
        match self.ask(&Order::TakeOver { epoch })? {
            Done::Taken(taken) => Ok(taken.point),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn restored(&mut self, order: &Order) -> RestoreDone {
        match self.ask(order).unwrap() {
            Done::Restored(done) => done,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn proof(&mut self, point: u64, read: Command) -> ProofDone {
        match self.ask(&Order::Prove { point, read }).unwrap() {
            Done::Proven(proof) => proof,
            other => panic!("{other:?}"),
        }
    }

    /// Ends the session as who opened it would, and waits until the program has ended.
    pub(crate) fn end(&mut self) {
        self.input = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
