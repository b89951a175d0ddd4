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

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// Length of the digest that ends each file.
const SEAL: usize = 32;

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
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(file = %path.display(), error = %format!("{error:#}"), "compiling a plugin again");
                // Not overwritten: whoever has it mapped keeps what it is.
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps what was compiled. Fails silently: the next run compiles again.
    pub(crate) fn put(&self, component: &Component, digest: &str) {
        if !self.is_private() {
            return;
        }
        if let Err(error) = self.write(component, digest) {
            tracing::warn!(directory = %self.directory.display(), %error, "a compiled plugin is not kept");
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.directory.join(format!("{digest}-{}.cwasm", self.settings))
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
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.directory)?;
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
