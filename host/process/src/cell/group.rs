//! A control group of one command: made by its shim, entered by the command, removed when the tree is gone.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};

use super::Stage;
use super::frame::{FailureDetail, GroupEvent, GroupPlan};
use super::launch::LaunchFailure;
use crate::limits::Limit;

/// Rounds in which the kernel may let go of a group whose last process was reaped, and the pause between them.
const REMOVALS: (u32, Duration) = (20, Duration::from_millis(5));

/// A group. The shim itself stays outside of it, so that it outlives what it holds.
#[derive(Debug)]
pub(crate) struct Group {
    directory: PathBuf,
    events: Vec<GroupEvent>,
    /// Where who enters writes itself down.
    pub(crate) entrance: OwnedFd,
}

impl Group {
    /// Makes it and writes its limits. Nothing is left of it on failure.
    pub(crate) fn make(plan: &GroupPlan) -> Result<Self, LaunchFailure> {
        let directory = PathBuf::from(&plan.directory);
        fs::create_dir(&directory).map_err(|error| failure(directory.as_os_str(), &error))?;
        let made = settle(plan).map(|entrance| Self {
            directory: directory.clone(),
            events: plan.events.clone(),
            entrance,
        });
        if made.is_err() {
            let _ = fs::remove_dir(&directory);
        }
        made
    }

    /// The limits that somebody in it has met.
    pub(crate) fn met(&self) -> impl Iterator<Item = Limit> {
        self.events.iter().filter(|event| self.count(event) > 0).map(|event| event.limit)
    }

    fn count(&self, event: &GroupEvent) -> u64 {
        let text = fs::read_to_string(self.directory.join(&event.file)).unwrap_or_default();
        let mut counters = text.lines().filter_map(|line| line.split_once(' '));
        let count = counters.find(|(name, _)| OsStr::new(name) == event.counter);
        count.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or(0)
    }

    /// Removes it once its tree is gone.
    pub(crate) fn remove(self) {
        for _ in 0..REMOVALS.0 {
            if fs::remove_dir(&self.directory).is_ok() {
                return;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a shim has one thread, and nothing else to do any more"
            )]
            sleep(REMOVALS.1);
        }
    }
}

fn settle(plan: &GroupPlan) -> Result<OwnedFd, LaunchFailure> {
    let directory = PathBuf::from(&plan.directory);
    for setting in &plan.settings {
        let file = directory.join(&setting.file);
        match fs::write(&file, setting.value.as_encoded_bytes()) {
            Err(error) if setting.required => return Err(failure(file.as_os_str(), &error)),
            _ => {}
        }
    }
    let entrance = directory.join("cgroup.procs");
    open(&entrance, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| failure(entrance.as_os_str(), &error.into()))
}

fn failure(at: &OsStr, error: &io::Error) -> LaunchFailure {
    LaunchFailure {
        stage: Stage::Limits,
        errno: error.raw_os_error().unwrap_or_default(),
        detail: FailureDetail::Setting(at.to_owned()),
    }
}
