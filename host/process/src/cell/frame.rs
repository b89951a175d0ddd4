//! Frames between the host and a shim: a length, a kind, a body, little-endian.
//!
//! Both ends are the same executable, so there is no version in a frame. This module knows bytes only: no sockets,
//! no processes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use super::{Scope, Stage};
use crate::limits::Limit;

/// What the host tells a shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToShim {
    /// The command to run: the first frame, and the only one of its kind.
    Launch(Launch),
    /// Send signal `number` to `scope`.
    Signal { scope: Scope, number: i32 },
    /// SIGTERM to the whole tree, and SIGKILL after `grace` until nothing is left.
    Terminate { grace: Duration },
}

/// A command as the shim executes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) argv: Vec<OsString>,
    pub(crate) cwd: Option<OsString>,
    /// `NAME=value`.
    pub(crate) env: Vec<OsString>,
    /// Whether standard input is a terminal that is to control the command's session.
    pub(crate) terminal: bool,
    /// Set for the command alone, before anything of it runs.
    pub(crate) resources: Vec<ResourceLimit>,
    /// Made for the command, which enters them before anything of it runs.
    pub(crate) groups: Vec<GroupPlan>,
}

/// A limit as `setrlimit` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceLimit {
    /// What it is for.
    pub(crate) limit: Limit,
    pub(crate) resource: i32,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// A control group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupPlan {
    pub(crate) directory: OsString,
    pub(crate) settings: Vec<GroupSetting>,
    pub(crate) events: Vec<GroupEvent>,
}

/// What is to be written into a file of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupSetting {
    pub(crate) file: OsString,
    pub(crate) value: OsString,
    /// The command does not run if it cannot be.
    pub(crate) required: bool,
}

/// Where a group counts how often a limit was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupEvent {
    pub(crate) limit: Limit,
    pub(crate) file: OsString,
    pub(crate) counter: OsString,
}

/// What a shim tells the host. Order: one of `Started` and `Failed`; for a started command `Exited`, then `Empty`,
/// between them replies in the order of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromShim {
    /// The command runs.
    Started { shim: i32, pid: i32 },
    /// The command does not run; `errno` of `stage`, and what else is known.
    Failed { stage: Stage, errno: i32, detail: FailureDetail },
    /// The leader has ended.
    Exited(LeaderExit),
    /// Answer to `Signal`: how many processes got it, and the last error otherwise.
    Signalled { delivered: u32, errno: i32 },
    /// Processes of the tree that are still there long after SIGKILL. The shim goes on trying.
    Survivors(Vec<i32>),
    /// The tree is gone; the shim ends.
    Empty,
}

/// What a failed exec found out beyond its errno.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureDetail {
    /// Nothing more is known.
    None,
    /// The program has no slash and no directory of the child's `PATH` (given) holds it.
    NotInPath(OsString),
    /// The file is there; the interpreter that its first line names is not.
    NoInterpreter(OsString),
    /// The file is a directory.
    IsDirectory,
    /// A limit could not be set: the file that does not take it.
    Setting(OsString),
    /// A limit could not be set: this one.
    Limit(Limit),
}

/// How the leader ended and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaderExit {
    /// As `wait` gives it.
    pub(crate) wait_status: i32,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) max_rss_bytes: u64,
    pub(crate) elapsed: Duration,
    /// The limits that somebody of the tree has met, as far as groups tell.
    pub(crate) met: LimitSet,
}

/// Some limits, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LimitSet(u8);

impl LimitSet {
    pub(crate) fn contains(self, limit: Limit) -> bool {
        self.0 & 1 << limit as u8 != 0
    }
}

impl FromIterator<Limit> for LimitSet {
    fn from_iter<T: IntoIterator<Item = Limit>>(limits: T) -> Self {
        Self(limits.into_iter().fold(0, |set, limit| set | 1 << limit as u8))
    }
}

/// A frame that cannot be what the other end sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("malformed frame of kind {kind}")]
pub(crate) struct MalformedFrame {
    kind: u8,
}

/// Bytes before a frame's body: length of the rest (u32) and kind (u8).
const HEADER: usize = 5;
/// The first tag of a failure's detail that names a limit.
const LIMIT_DETAILS: u8 = 16;

impl ToShim {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Launch(launch) => {
                let mut body = Body::new(1);
                body.text(&launch.program);
                body.texts(&launch.argv);
                body.texts(launch.cwd.as_slice());
                body.texts(&launch.env);
                body.u8(launch.terminal.into());
                body.each(&launch.resources, Body::resource);
                body.each(&launch.groups, Body::group);
                body.done()
            }
            Self::Signal { scope, number } => {
                let mut body = Body::new(2);
                body.u8(*scope as u8);
                body.i32(*number);
                body.done()
            }
            Self::Terminate { grace } => {
                let mut body = Body::new(3);
                body.duration(*grace);
                body.done()
            }
        }
    }

    fn decode(kind: u8, body: &mut Cursor<'_>) -> Option<Self> {
        Some(match kind {
            1 => Self::Launch(Launch {
                program: body.text()?,
                argv: body.texts()?,
                cwd: body.texts()?.pop(),
                env: body.texts()?,
                terminal: body.u8()? != 0,
                resources: body.each(Cursor::resource)?,
                groups: body.each(Cursor::group)?,
            }),
            2 => Self::Signal { scope: Scope::from_byte(body.u8()?)?, number: body.i32()? },
            3 => Self::Terminate { grace: body.duration()? },
            _ => return None,
        })
    }
}

impl FromShim {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Started { shim, pid } => {
                let mut body = Body::new(1);
                body.i32(*shim);
                body.i32(*pid);
                body.done()
            }
            Self::Failed { stage, errno, detail } => {
                let mut body = Body::new(2);
                body.u8(*stage as u8);
                body.i32(*errno);
                let (tag, text) = match detail {
                    FailureDetail::None => (0, OsStr::new("")),
                    FailureDetail::NotInPath(path) => (1, path.as_os_str()),
                    FailureDetail::NoInterpreter(path) => (2, path.as_os_str()),
                    FailureDetail::IsDirectory => (3, OsStr::new("")),
                    FailureDetail::Setting(file) => (4, file.as_os_str()),
                    FailureDetail::Limit(limit) => (LIMIT_DETAILS + *limit as u8, OsStr::new("")),
                };
                body.u8(tag);
                body.text(text);
                body.done()
            }
            Self::Exited(exit) => {
                let mut body = Body::new(3);
                body.i32(exit.wait_status);
                body.duration(exit.user);
                body.duration(exit.system);
                body.u64(exit.max_rss_bytes);
                body.duration(exit.elapsed);
                body.u8(exit.met.0);
                body.done()
            }
            Self::Signalled { delivered, errno } => {
                let mut body = Body::new(4);
                body.u32(*delivered);
                body.i32(*errno);
                body.done()
            }
            Self::Survivors(pids) => {
                let mut body = Body::new(5);
                body.u32(pids.len() as u32);
                pids.iter().for_each(|pid| body.i32(*pid));
                body.done()
            }
            Self::Empty => Body::new(6).done(),
        }
    }

    fn decode(kind: u8, body: &mut Cursor<'_>) -> Option<Self> {
        Some(match kind {
            1 => Self::Started { shim: body.i32()?, pid: body.i32()? },
            2 => Self::Failed {
                stage: Stage::from_byte(body.u8()?)?,
                errno: body.i32()?,
                detail: match (body.u8()?, body.text()?) {
                    (0, _) => FailureDetail::None,
                    (1, path) => FailureDetail::NotInPath(path),
                    (2, path) => FailureDetail::NoInterpreter(path),
                    (3, _) => FailureDetail::IsDirectory,
                    (4, file) => FailureDetail::Setting(file),
                    (tag, _) => FailureDetail::Limit(Limit::from_byte(tag.checked_sub(LIMIT_DETAILS)?)?),
                },
            },
            3 => Self::Exited(LeaderExit {
                wait_status: body.i32()?,
                user: body.duration()?,
                system: body.duration()?,
                max_rss_bytes: body.u64()?,
                elapsed: body.duration()?,
                met: LimitSet(body.u8()?),
            }),
            4 => Self::Signalled { delivered: body.u32()?, errno: body.i32()? },
            5 => {
                let count = body.u32()?;
                Self::Survivors((0..count).map(|_| body.i32()).collect::<Option<_>>()?)
            }
            6 => Self::Empty,
            _ => return None,
        })
    }
}

/// A frame type of one direction.
pub(crate) trait Frame: Sized {
    /// Takes the first whole frame off `buffer`, or leaves it as it is while the frame is not whole.
    fn take(buffer: &mut Vec<u8>) -> Result<Option<Self>, MalformedFrame>;
}

impl Frame for ToShim {
    fn take(buffer: &mut Vec<u8>) -> Result<Option<Self>, MalformedFrame> {
        take(buffer, Self::decode)
    }
}

impl Frame for FromShim {
    fn take(buffer: &mut Vec<u8>) -> Result<Option<Self>, MalformedFrame> {
        take(buffer, Self::decode)
    }
}

fn take<T>(
    buffer: &mut Vec<u8>,
    decode: impl Fn(u8, &mut Cursor<'_>) -> Option<T>,
) -> Result<Option<T>, MalformedFrame> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let kind = header[4];
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let frame = decode(kind, &mut Cursor(body)).ok_or(MalformedFrame { kind })?;
    buffer.drain(..HEADER + length);
    Ok(Some(frame))
}

/// Writes a frame's body.
struct Body(Vec<u8>);

impl Body {
    fn new(kind: u8) -> Self {
        Self(vec![0, 0, 0, 0, kind])
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn i32(&mut self, value: i32) {
        self.0.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn duration(&mut self, value: Duration) {
        self.u64(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
    }

    fn text(&mut self, value: &OsStr) {
        self.u32(value.len() as u32);
        self.0.extend(value.as_bytes());
    }

    fn texts(&mut self, values: &[OsString]) {
        self.u32(values.len() as u32);
        values.iter().for_each(|value| self.text(value));
    }

    fn each<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.u32(items.len() as u32);
        items.iter().for_each(|item| write(self, item));
    }

    fn resource(&mut self, limit: &ResourceLimit) {
        self.u8(limit.limit as u8);
        self.i32(limit.resource);
        self.u64(limit.soft);
        self.u64(limit.hard);
    }

    fn group(&mut self, group: &GroupPlan) {
        self.text(&group.directory);
        self.each(&group.settings, |body, setting| {
            body.text(&setting.file);
            body.text(&setting.value);
            body.u8(setting.required.into());
        });
        self.each(&group.events, |body, event| {
            body.u8(event.limit as u8);
            body.text(&event.file);
            body.text(&event.counter);
        });
    }

    fn done(mut self) -> Vec<u8> {
        let length = (self.0.len() - HEADER) as u32;
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}

/// Reads a frame's body.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn bytes(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn duration(&mut self) -> Option<Duration> {
        self.u64().map(Duration::from_micros)
    }

    fn text(&mut self) -> Option<OsString> {
        let length = self.u32()? as usize;
        self.bytes(length).map(|bytes| OsString::from_vec(bytes.to_vec()))
    }

    fn texts(&mut self) -> Option<Vec<OsString>> {
        self.each(Self::text)
    }

    fn each<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        (0..count).map(|_| read(self)).collect()
    }

    fn limit(&mut self) -> Option<Limit> {
        self.u8().and_then(Limit::from_byte)
    }

    fn resource(&mut self) -> Option<ResourceLimit> {
        Some(ResourceLimit {
            limit: self.limit()?,
            resource: self.i32()?,
            soft: self.u64()?,
            hard: self.u64()?,
        })
    }

    fn group(&mut self) -> Option<GroupPlan> {
        Some(GroupPlan {
            directory: self.text()?,
            settings: self.each(|body| {
                Some(GroupSetting { file: body.text()?, value: body.text()?, required: body.u8()? != 0 })
            })?,
            events: self.each(|body| {
                Some(GroupEvent { limit: body.limit()?, file: body.text()?, counter: body.text()? })
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<FromShim> {
        vec![
            FromShim::Started { shim: 7, pid: 8 },
            FromShim::Failed {
                stage: Stage::Exec,
                errno: 2,
                detail: FailureDetail::NotInPath("/bin:/usr/bin".into()),
            },
            FromShim::Exited(LeaderExit {
                wait_status: 0x0300,
                user: Duration::from_micros(5),
                system: Duration::from_micros(6),
                max_rss_bytes: 4096,
                elapsed: Duration::from_secs(3),
                met: LimitSet::from_iter([Limit::Memory, Limit::Processes]),
            }),
            FromShim::Failed {
                stage: Stage::Limits,
                errno: 1,
                detail: FailureDetail::Limit(Limit::OpenFiles),
            },
            FromShim::Signalled { delivered: 2, errno: 1 },
            FromShim::Survivors(vec![1, 2, 3]),
            FromShim::Empty,
        ]
    }

    #[test]
    fn frames_survive_any_cut() {
        let bytes: Vec<u8> = frames().iter().flat_map(FromShim::encode).collect();
        for step in 1..bytes.len() {
            let mut buffer = Vec::new();
            let mut seen = Vec::new();
            for piece in bytes.chunks(step) {
                buffer.extend(piece);
                while let Some(frame) = FromShim::take(&mut buffer).unwrap() {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, frames());
        }
    }

    #[test]
    fn a_launch_keeps_bytes_that_are_no_utf8() {
        let launch = ToShim::Launch(Launch {
            program: OsString::from_vec(vec![b'/', 0xff]),
            argv: vec!["a".into(), OsString::from_vec(vec![0xfe])],
            cwd: Some("/tmp".into()),
            env: vec!["A=1".into()],
            terminal: true,
            resources: vec![ResourceLimit { limit: Limit::Cpu, resource: 0, soft: 1, hard: u64::MAX }],
            groups: vec![GroupPlan {
                directory: "/sys/fs/cgroup/x".into(),
                settings: vec![GroupSetting { file: "a".into(), value: "1".into(), required: true }],
                events: vec![GroupEvent { limit: Limit::Memory, file: "b".into(), counter: "c".into() }],
            }],
        });
        let mut buffer = launch.encode();
        assert_eq!(ToShim::take(&mut buffer), Ok(Some(launch)));
        assert!(buffer.is_empty());
    }

    #[test]
    fn an_unknown_kind_is_an_error_and_no_panic() {
        let mut buffer = vec![0, 0, 0, 0, 99];
        assert_eq!(FromShim::take(&mut buffer), Err(MalformedFrame { kind: 99 }));
    }
}
