//! A host's own directory, and the sweeping of those whose hosts are gone.
//!
//! Below the root, which is of this user's alone, each host has a directory with an unguessable name and a file `lock` in
//! it. The host holds a lock on that file (flock) for as long as it lives, and no child inherits it. Making and sweeping
//! exclude one another through a lock on the root's own file.

use std::fs::{DirBuilder, File};
use std::io::{self, Error, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, fchmod, flock, fstat, mkdirat, openat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use tracing::{debug, warn};

const LOCK: &str = "lock";
const OPEN_DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
const OPEN_LOCK: OFlags = OFlags::RDWR.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// The directory of this host. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Directory {
    root: OwnedFd,
    name: String,
    own: OwnedFd,
    /// Held: this host lives.
    _lock: OwnedFd,
}

impl Directory {
    /// Makes one below `root`, which is made if it is not there.
    pub(super) fn make(root: &Path) -> io::Result<Self> {
        let root = open_root(root, true)?;
        let _making = lock_root(&root)?;
        let name = random_name()?;
        mkdirat(&root, &name, Mode::RWXU)?;
        let own = openat(&root, &name, OPEN_DIRECTORY, Mode::empty())?;
        let lock = openat(&own, LOCK, OPEN_LOCK | OFlags::CREATE | OFlags::EXCL, Mode::RUSR | Mode::WUSR)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { root, name, own, _lock: lock })
    }

    /// A file without a name.
    pub(super) fn open_file(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        match openat(&self.own, ".", flags | OFlags::TMPFILE, mode) {
            Ok(file) => Ok(file.into()),
            // File systems that cannot do that say so in several ways.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let name = random_name()?;
                let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                let file = openat(&self.own, &name, flags, mode)?;
                unlinkat(&self.own, &name, AtFlags::empty())?;
                Ok(file.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        remove(&self.root, &self.name, &self.own);
    }
}

/// Removes the directories below `root` whose hosts are gone. What cannot be removed stays, and is logged.
pub(super) fn sweep(root: &Path) {
    match try_sweep(root) {
        Ok(0) => {}
        Ok(count) => debug!(count, "directories of hosts that are gone were removed"),
        // Nothing was ever spilled there.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => warn!(root = %root.display(), %error, "what hosts that are gone left behind stays"),
    }
}

fn try_sweep(path: &Path) -> io::Result<usize> {
    let root = open_root(path, false)?;
    let _sweeping = lock_root(&root)?;
    let mut removed = 0;
    for entry in Dir::read_from(&root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy();
        if !is_random_name(&name) {
            continue;
        }
        let Ok(own) = openat(&root, &*name, OPEN_DIRECTORY, Mode::empty()) else { continue };
        let lives = match openat(&own, LOCK, OPEN_LOCK, Mode::empty()) {
            Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err(),
            // It was killed while it made the directory: making excludes sweeping.
            Err(Errno::NOENT) => false,
            Err(_) => true,
        };
        if !lives {
            remove(&root, &name, &own);
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes a directory and the plain files in it. Never follows a link, never goes deeper.
fn remove(root: &OwnedFd, name: &str, own: &OwnedFd) {
    let names = Dir::read_from(own).into_iter().flatten().filter_map(Result::ok);
    for entry in names.filter(|entry| entry.file_type() != FileType::Directory) {
        let _ = unlinkat(own, entry.file_name(), AtFlags::empty());
    }
    if let Err(error) = unlinkat(root, name, AtFlags::REMOVEDIR) {
        warn!(%error, "a directory for spilled output stays");
    }
}

/// Opens a directory that only this user may enter.
fn open_root(path: &Path, make: bool) -> io::Result<OwnedFd> {
    if make {
        if let Some(parent) = path.parent() {
            // Of this user's alone as well: what else is kept there, as compiled plugins, is trusted only then.
            DirBuilder::new().recursive(true).mode(Mode::RWXU.bits()).create(parent)?;
        }
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let root = openat(CWD, path, OPEN_DIRECTORY, Mode::empty())?;
    let stat = fstat(&root)?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            format!("expected a directory of this user's, saw one of user {}", stat.st_uid),
        ));
    }
    if stat.st_mode & 0o077 != 0 {
        fchmod(&root, Mode::RWXU)?;
    }
    Ok(root)
}

/// Keeps making and sweeping apart, until the descriptor is dropped.
fn lock_root(root: &OwnedFd) -> io::Result<OwnedFd> {
    let lock = openat(root, LOCK, OPEN_LOCK | OFlags::CREATE, Mode::RUSR | Mode::WUSR)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// 128 random bits.
fn random_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_random_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn entries(root: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    }

    #[test]
    fn a_directory_is_private_and_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("a/spill");
        let directory = Directory::make(&root).unwrap();
        // What is above it as well, where that was made.
        for path in [parent.path().join("a"), root.clone(), entries(&root)[0].clone()] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        directory.open_file().unwrap();
        drop(directory);
        assert!(entries(&root).is_empty());
    }

    #[test]
    fn only_directories_without_a_living_host_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("spill");
        let living = Directory::make(&root).unwrap();
        let dead = root.join(random_name().unwrap());
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join(LOCK), b"").unwrap();
        std::fs::write(dead.join("left"), b"output").unwrap();
        let half_made = root.join(random_name().unwrap());
        std::fs::create_dir(&half_made).unwrap();
        let foreign = root.join("notes");
        std::fs::create_dir(&foreign).unwrap();
        sweep(&root);
        assert!(!dead.exists() && !half_made.exists());
        assert!(foreign.exists() && root.join(&living.name).exists());
        drop(living);
        sweep(&parent.path().join("none"));
    }

    #[test]
    fn a_root_that_others_may_enter_is_closed_to_them() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("spill");
        std::fs::create_dir(&root).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        let _directory = Directory::make(&root).unwrap();
        assert_eq!(root.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::os::unix::fs::symlink(&root, parent.path().join("link")).unwrap();
        assert!(Directory::make(&parent.path().join("link")).is_err(), "links are not followed");
    }
}
