//! Control groups: where on this machine they can be made, and what is to be written into them.
//!
//! Version 2 as far as its controllers reach; where a controller is still one of version 1, there. The groups
//! themselves are made, entered and removed by the shims (`cell/group.rs`), which outlive the host.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use crate::cell::frame::{GroupEvent, GroupPlan, GroupSetting};
use crate::cell::tree;
use crate::limits::Limit;

/// How groups of this program are called: this, the host's pid, when it was first asked, a number.
const PREFIX: &str = "weir-";
/// Over all hosts of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Tells groups apart that a process of the same pid has left behind.
static SINCE: LazyLock<u128> = LazyLock::new(|| UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros()));

/// What a group can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Memory,
    Pids,
}

/// The places where groups can be made.
#[derive(Debug, Default)]
pub(crate) struct Cgroups {
    memory: Option<Place>,
    pids: Option<Place>,
}

/// A directory in which groups with some controller can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    version: Version,
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Cgroups {
    /// Looks for places, by trying. Removes what hosts that are gone have left there. Blocks, for milliseconds.
    pub(crate) fn find() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let place = |controller: Controller| {
            let two = own_directory(&mounts, &own, None).and_then(|own| place_in_two(&own, controller));
            two.or_else(|| {
                let directory = own_directory(&mounts, &own, Some(controller.name()))?;
                Some(Place { version: Version::One, directory }).filter(Place::works)
            })
        };
        let (memory, pids) = (place(Controller::Memory), place(Controller::Pids));
        for place in memory.iter().chain(&pids) {
            place.sweep();
        }
        Self { memory, pids }
    }

    /// No place at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn has(&self, controller: Controller) -> bool {
        self.place(controller).is_some()
    }

    /// Where groups with this controller are made, for people.
    pub(crate) fn describe(&self, controller: Controller) -> Option<String> {
        let Place { version, directory } = self.place(controller)?;
        let version = match version {
            Version::One => "version 1",
            Version::Two => "version 2",
        };
        Some(format!("cgroup {version} below {}", directory.display()))
    }

    /// The groups for one command: one for each place.
    pub(crate) fn plan(&self, limits: &[(Limit, u64)]) -> Vec<GroupPlan> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{:x}-{number}", std::process::id(), *SINCE);
        let mut plans: Vec<GroupPlan> = Vec::new();
        for (limit, value) in limits {
            let controller = if *limit == Limit::Memory { Controller::Memory } else { Controller::Pids };
            let Some(place) = self.place(controller) else { continue };
            let directory = place.directory.join(&name).into_os_string();
            let at = plans.iter().position(|plan| plan.directory == directory).unwrap_or_else(|| {
                plans.push(GroupPlan { directory, settings: Vec::new(), events: Vec::new() });
                plans.len() - 1
            });
            let (settings, event) = place.version.orders(controller, *value);
            plans[at].settings.extend(settings);
            plans[at].events.push(event);
        }
        plans
    }

    fn place(&self, controller: Controller) -> Option<&Place> {
        match controller {
            Controller::Memory => self.memory.as_ref(),
            Controller::Pids => self.pids.as_ref(),
        }
    }
}

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }
}

impl Version {
    /// What is to be written for a limit, and what tells that it was met.
    fn orders(self, controller: Controller, value: u64) -> (Vec<GroupSetting>, GroupEvent) {
        let setting = |file: &str, value: &str, required: bool| GroupSetting {
            file: file.into(),
            value: value.into(),
            required,
        };
        let event = |limit, file: &str, counter: &str| GroupEvent {
            limit,
            file: file.into(),
            counter: counter.into(),
        };
        let number = value.to_string();
        match (self, controller) {
            (Self::Two, Controller::Memory) => (
                vec![
                    setting("memory.max", &number, true),
                    // Memory that goes to a disk is memory all the same. Not where there is no swap.
                    setting("memory.swap.max", "0", false),
                    // Half a tree is of no use to anybody.
                    setting("memory.oom.group", "1", false),
                ],
                event(Limit::Memory, "memory.events", "oom_kill"),
            ),
            (Self::One, Controller::Memory) => (
                vec![
                    setting("memory.limit_in_bytes", &number, true),
                    setting("memory.memsw.limit_in_bytes", &number, false),
                ],
                event(Limit::Memory, "memory.oom_control", "oom_kill"),
            ),
            (_, Controller::Pids) => {
                (vec![setting("pids.max", &number, true)], event(Limit::Processes, "pids.events", "max"))
            }
        }
    }
}

impl Place {
    /// Whether a group can be made here.
    fn works(&self) -> bool {
        let probe = self.directory.join(format!("{PREFIX}{}-probe", std::process::id()));
        let made = fs::create_dir(&probe).is_ok();
        // An empty group can always be removed.
        made && fs::remove_dir(&probe).is_ok()
    }

    /// Removes groups whose host is gone. One that somebody is in cannot be removed.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let host = name
                .to_str()
                .and_then(|name| name.strip_prefix(PREFIX))
                .and_then(|rest| rest.split_once('-'));
            let host = host.and_then(|(pid, _)| pid.parse().ok());
            if host.is_some_and(|host| tree::stat(host).is_none_or(|stat| stat.state == b'Z')) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// The directory of this process's own group: of version 2, or of a controller of version 1.
fn own_directory(mounts: &str, own: &str, controller: Option<&str>) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_it = match controller {
            None => controllers.is_empty(),
            Some(name) => controllers.split(',').any(|one| one == name),
        };
        is_it.then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut file_system = file_system.split(' ');
        let (kind, options) = (file_system.next()?, file_system.nth(1)?);
        let is_it = match controller {
            None => kind == "cgroup2",
            Some(name) => kind == "cgroup" && options.split(',').any(|one| one == name),
        };
        // A container may see a part of the hierarchy only.
        let below = Path::new(path).strip_prefix(root).ok()?;
        is_it.then(|| Path::new(point).join(below))
    })
}

/// The nearest directory from one's own group upwards whose groups can have the controller. A group with processes in it
/// cannot give its own groups any, unless it is the root; but its parent may have room beside it.
fn place_in_two(own: &Path, controller: Controller) -> Option<Place> {
    for directory in own.ancestors() {
        let listed = |file: &str| {
            let list = fs::read_to_string(directory.join(file)).ok()?;
            Some(list.split_whitespace().any(|one| one == controller.name()))
        };
        if listed("cgroup.controllers") != Some(true) {
            return None;
        }
        let enable =
            || fs::write(directory.join("cgroup.subtree_control"), format!("+{}", controller.name()));
        let place = Place { version: Version::Two, directory: directory.to_owned() };
        if (listed("cgroup.subtree_control") == Some(true) || enable().is_ok()) && place.works() {
            return Some(place);
        }
        // Beside this group its own limits would not hold.
        if is_limited(directory, controller).unwrap_or(true) {
            return None;
        }
    }
    None
}

fn is_limited(group: &Path, controller: Controller) -> io::Result<bool> {
    Ok(fs::read_to_string(group.join(format!("{}.max", controller.name())))?.trim() != "max")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_in_both_versions() {
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      35 31 0:32 /outer /sys/fs/cgroup/memory rw shared:3 - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = "8:pids:/\n4:cpu,memory:/outer/inner\n0::/user.slice\n";
        let found = |controller| own_directory(mounts, own, controller);
        assert_eq!(found(None), Some("/sys/fs/cgroup/unified/user.slice".into()));
        assert_eq!(found(Some("memory")), Some("/sys/fs/cgroup/memory/inner".into()));
        assert_eq!(found(Some("pids")), None, "no such mount");
        assert_eq!(own_directory(mounts, "4:memory:/elsewhere", Some("memory")), None, "out of sight");
    }

    #[test]
    fn limits_of_one_place_share_a_group() {
        let place = |version, directory: &str| Some(Place { version, directory: directory.into() });
        let both = [(Limit::Memory, 1 << 20), (Limit::Processes, 7)];
        let two = Cgroups { memory: place(Version::Two, "/g"), pids: place(Version::Two, "/g") };
        let plan = two.plan(&both);
        assert_eq!(plan.len(), 1);
        let files: Vec<_> = plan[0].settings.iter().map(|setting| setting.file.to_str().unwrap()).collect();
        assert_eq!(files, ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max"]);
        let one = Cgroups { memory: place(Version::One, "/m"), pids: place(Version::One, "/p") };
        assert_eq!(one.plan(&both).len(), 2);
        assert_ne!(one.plan(&both)[0].directory, one.plan(&both)[0].directory, "each has its own");
    }
}
