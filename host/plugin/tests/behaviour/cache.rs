//! Compiled code: used again, trusted only where it can be, and never changed under anybody.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use weir_plugin::Allocation;

use super::support::Host;

/// Whether a load in this cache compiles.
async fn is_cached(cache: &Path) -> bool {
    let host = Host::with_cache(Some(cache.to_owned()));
    // Compiled code is another where address space is reserved in another way.
    assert_eq!(host.engine.allocation(), Allocation::Pool);
    host.fixture("identity", "{}").await.load_times().cached
}

fn only_file(cache: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// Names and sizes, for a failure.
fn listing(cache: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::symlink_metadata(path).unwrap().len())).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn the_second_load_does_not_compile() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("deep/cache");
    assert!(!is_cached(&cache).await);
    assert_eq!((mode(&cache), mode(&only_file(&cache))), (0o700, 0o600));
    assert!(is_cached(&cache).await);
    let host = Host::with_cache(Some(cache.clone()));
    let (first, second) = (host.fixture("identity", "{}").await, host.fixture("identity", "{}").await);
    assert!(first.load_times().cached && second.load_times().cached);
}

type Damage = dyn Fn(&mut Vec<u8>);

#[tokio::test]
async fn a_file_that_differs_in_one_byte_is_compiled_again_and_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    is_cached(&cache).await;
    let file = only_file(&cache);
    let whole = fs::read(&file).unwrap();
    let cuts: [&Damage; 5] = [
        &|bytes| bytes.truncate(bytes.len() / 2),
        &|bytes| bytes.clear(),
        &|bytes| bytes.truncate(10),
        &|bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        &|bytes| *bytes.last_mut().unwrap() ^= 1,
    ];
    for (number, cut) in cuts.into_iter().enumerate() {
        let mut bytes = whole.clone();
        cut(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let old = fs::File::open(&file).unwrap();
        assert!(!is_cached(&cache).await, "case {number}");
        assert_eq!(old.metadata().unwrap().nlink(), 0, "case {number}: the name is another file now");
        assert_eq!(
            old.metadata().unwrap().len(),
            bytes.len() as u64,
            "case {number}: the old one is as it was"
        );
        assert!(is_cached(&cache).await, "case {number}: {:?}", listing(&cache));
    }
}

#[tokio::test]
async fn what_others_can_write_to_is_not_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    is_cached(&cache).await;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for open in [0o770, 0o707, 0o755, 0o711] {
        set(&cache, open);
        assert!(!is_cached(&cache).await, "a directory of mode {open:o}");
    }
    set(&cache, 0o700);
    assert!(is_cached(&cache).await);
    let file = only_file(&cache);
    set(&file, 0o666);
    assert!(!is_cached(&cache).await, "a file of mode 666");
}

#[tokio::test]
async fn links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    is_cached(&cache).await;
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&cache, &link).unwrap();
    assert!(!is_cached(&link).await, "a directory behind a link");
    let file = only_file(&cache);
    let moved = directory.path().join("moved");
    fs::rename(&file, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &file).unwrap();
    assert!(!is_cached(&cache).await, "a file behind a link");
}

#[tokio::test]
async fn a_cache_that_cannot_be_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(!is_cached(&file).await);
    assert!(!is_cached(&file.join("below")).await);
    assert!(!is_cached(&file).await);
}
