//! Compiled code, kept between runs. The only file in this crate with `unsafe` of its own.
//!
//! What is kept here is native code that will be run: it is trusted only if it lies in a directory, and in a file, that
//! belong to this user alone, and if it is complete to the last byte. Anything else is compiled anew; nothing here is an
//! error to anybody.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// Length of the digest that ends each file.
const SEAL: usize = 32;
/// What ends the names of complete files, and begins those of ones that are being written.
const SUFFIX: &str = ".cwasm";
const NEW_PREFIX: &str = ".new-";
/// What is kept at the most, in bytes: a dozen interpreters, hundreds of other components.
const KEPT_MAX: u64 = 512 << 20;
/// How exactly it is known when a file was last used.
const USED_STEP: Duration = Duration::from_secs(3600);
/// How old a file has to be that nobody has finished writing.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A directory of compiled components. Files are named after the component's digest and the engine's settings, are
/// written beside and renamed, and are never changed afterwards: other hosts may have them mapped.
#[derive(Debug)]
pub(crate) struct CompiledCache {
    directory: PathBuf,
    /// What else than the component decides about compiled code: wasmtime's version, settings, the processor.
    settings: String,
}

impl CompiledCache {
    /// Takes the directory, or makes it; `None` if it cannot be trusted or made.
    pub(crate) fn open(directory: PathBuf, engine: &wasmtime::Engine) -> Option<Self> {
        if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
            tracing::warn!(directory = %directory.display(), %error, "compiled plugins are not kept");
            return None;
        }
        let mut settings = ShaHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        let settings = crate::component::hex(&settings.0.finalize()[..8]);
        let cache = Self { directory, settings };
        cache.is_private().then_some(cache)
    }

    /// The compiled component, if it is there and can be trusted.
    pub(crate) fn get(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest);
        if !self.is_private() || !is_own_file(&path) {
            return None;
        }
        match Self::load(engine, &path) {
            Ok(component) => {
                note_use(&path);
                Some(component)
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), error = %format!("{error:#}"), "compiling a plugin again");
                // Not overwritten: whoever has it mapped keeps what it is.
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps what was compiled, and no longer what is over the bound. Fails silently: the next run compiles again.
    pub(crate) fn put(&self, component: &Component, digest: &str) {
        if !self.is_private() {
            return;
        }
        if let Err(error) = self.write(component, digest) {
            tracing::warn!(directory = %self.directory.display(), %error, "a compiled plugin is not kept");
        }
        if let Err(error) = prune(&self.directory, KEPT_MAX) {
            tracing::warn!(directory = %self.directory.display(), %error, "old compiled plugins are not removed");
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.directory.join(format!("{digest}-{}{SUFFIX}", self.settings))
    }

    #[allow(unsafe_code)]
    fn load(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Component> {
        check_seal(path)?;
        // SAFETY: the file was written by `put`, which serializes what wasmtime compiled: its name holds the digest of
        // the component and of the engine's settings, it is a regular file of this user with mode 0600 in a directory
        // of this user with mode 0700 (looked at just now), and its last bytes are the digest of those before them. So
        // it is what `put` wrote, unless this user wrote something else there on purpose; and nobody changes it while
        // it is mapped: files are made under another name and renamed, and never written to again.
        unsafe { Component::deserialize_file(engine, path) }
    }

    fn write(&self, component: &Component, digest: &str) -> std::io::Result<()> {
        let code = component.serialize().map_err(|error| std::io::Error::other(format!("{error:#}")))?;
        let mut file = tempfile::Builder::new().prefix(NEW_PREFIX).tempfile_in(&self.directory)?;
        file.write_all(&code)?;
        file.write_all(&Sha256::digest(&code))?;
        // Before the name is there: a crash of the machine must not leave a name with half of it.
        file.as_file().sync_all()?;
        match file.persist_noclobber(self.path(digest)) {
            Ok(_) => Ok(()),
            // Another host was faster, with the same.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    }

    /// Whether the directory is one, belongs to this user, and is closed to all others.
    fn is_private(&self) -> bool {
        let problem = match fs::symlink_metadata(&self.directory) {
            Err(error) => error.to_string(),
            Ok(found) if !found.is_dir() => String::from("expected a directory, links are not followed"),
            Ok(found) if found.uid() != rustix::process::geteuid().as_raw() => {
                format!(
                    "it belongs to user {}, expected {}",
                    found.uid(),
                    rustix::process::geteuid().as_raw()
                )
            }
            Ok(found) if found.mode() & 0o077 != 0 => {
                format!("its mode is {:o}, expected 700", found.mode() & 0o777)
            }
            Ok(_) => return true,
        };
        tracing::warn!(directory = %self.directory.display(), problem, "compiled plugins are not kept");
        false
    }
}

fn is_own_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_file() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0
    })
}

/// Marks a file as used. Its time of modification tells: a time of access is not kept everywhere.
fn note_use(path: &Path) {
    let used = fs::symlink_metadata(path).and_then(|found| found.modified());
    if used.is_ok_and(|used| used.elapsed().is_ok_and(|ago| ago > USED_STEP)) {
        // At worst it is compiled again one day.
        let _ = fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    }
}

/// Removes what was not used for longest, until at most `kept` bytes are left, but never the newest file; and what
/// others began to write and left. Whoever has a removed file mapped keeps it.
fn prune(directory: &Path, kept: u64) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, Ok(found)) = (entry.file_name(), entry.metadata()) else { continue };
        let (Some(name), Ok(used), true) = (name.to_str(), found.modified(), found.is_file()) else {
            continue;
        };
        if name.ends_with(SUFFIX) {
            files.push((used, found.len(), entry.path()));
        } else if name.starts_with(NEW_PREFIX) && used.elapsed().is_ok_and(|ago| ago > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    let mut total = 0;
    for (number, (_, bytes, path)) in files.into_iter().enumerate() {
        total += bytes;
        if total > kept && number > 0 {
            // Another host may have been faster.
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

/// Whether the file is all that was written: wasmtime looks at its head only.
fn check_seal(path: &Path) -> wasmtime::Result<()> {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    let length = file.metadata()?.len().checked_sub(SEAL as u64);
    let length = length.ok_or_else(|| wasmtime::format_err!("the file is too short"))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read(&mut buffer[..most])?;
        wasmtime::ensure!(read > 0, "the file ends early");
        hasher.update(&buffer[..read]);
        left -= read as u64;
    }
    let mut seal = [0; SEAL];
    file.read_exact(&mut seal)?;
    wasmtime::ensure!(hasher.finalize()[..] == seal, "the file is not what was written: its digest differs");
    Ok(())
}

/// Feeds a digest with what is hashed: the names of files must not depend on a hash function that may change.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Only a part of it; the digest itself is taken instead.
    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &Path, name: &str, bytes: usize, age: Duration) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, vec![0; bytes]).unwrap();
        let used = SystemTime::now() - age;
        fs::File::open(&path).unwrap().set_modified(used).unwrap();
        path
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let day = Duration::from_secs(24 * 3600);
        for (name, age) in [("new.cwasm", 0), ("older.cwasm", 2), ("old.cwasm", 1), ("oldest.cwasm", 3)] {
            file(directory.path(), name, 100, age * day);
        }
        file(directory.path(), "somebody-elses", 1000, 9 * day);
        file(directory.path(), ".new-now", 1000, Duration::ZERO);
        file(directory.path(), ".new-left", 1000, 2 * day);
        prune(directory.path(), 300).unwrap();
        assert_eq!(
            names(directory.path()),
            [".new-now", "new.cwasm", "old.cwasm", "older.cwasm", "somebody-elses"]
        );
        prune(directory.path(), 10).unwrap();
        assert_eq!(names(directory.path()), [".new-now", "new.cwasm", "somebody-elses"], "the newest stays");
    }

    #[test]
    fn what_is_used_is_young_again() {
        let directory = tempfile::tempdir().unwrap();
        let used = file(directory.path(), "used.cwasm", 100, 9 * USED_STEP);
        file(directory.path(), "not.cwasm", 100, 5 * USED_STEP);
        note_use(&used);
        prune(directory.path(), 100).unwrap();
        assert_eq!(names(directory.path()), ["used.cwasm"]);
    }
}
