//! Files: paths as clients write them, and what becomes of requests about them.

use std::ffi::OsString;
use std::io::ErrorKind as IoErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use weir_protocol::fs::{
    DirectoryEntry, FileMetadata, WalkEntry, WalkEntryKind, WalkFault, WalkOptions, WalkResult,
};
use weir_protocol::{ErrorKind, ErrorObject, FsCall};

use crate::files::{
    FileError, FileKind, Found, Listed, MAX_OPEN_FILES, MAX_WRITE_BYTES, Metadata, NoHandle, WalkLimits,
    Walked,
};

/// What is escaped in the path of a URI.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A path as a `file:` URI.
pub(crate) fn file_uri(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), PATH))
}

/// An absolute path, given natively or as a `file:` URI (RFC 8089, without a host or with `localhost`). What a URI
/// escapes may be any bytes.
pub(crate) fn file_path(
    method: &'static str,
    member: &'static str,
    given: &str,
) -> Result<PathBuf, ErrorObject> {
    let native = match given.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        None => given.as_bytes().to_vec(),
        Some(_) => {
            let rest = &given[5..];
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
                None => rest,
            };
            percent_decode_str(path).collect()
        }
    };
    let expected = |seen: &str| {
        invalid(method, member, &format!("expected an absolute path or a `file:` URI, saw {seen}"))
    };
    if native.contains(&0) {
        return Err(expected("a NUL byte in it"));
    }
    if !native.starts_with(b"/") {
        return Err(expected(&format!("`{}`", super::error::clip(given))));
    }
    Ok(OsString::from_vec(native).into())
}

/// What the host was told not to serve.
pub(crate) fn files_not_served(method: &'static str) -> ErrorObject {
    let message = format!("`{method}` is not served: the host was started with `--no-fs`");
    ErrorObject::new(ErrorKind::MethodNotFound, message).with("method", method)
}

/// Access without the sandbox that was asked for would be worse than an error.
pub(crate) fn no_sandbox(call: &FsCall) -> Result<(), ErrorObject> {
    match call.sandbox() {
        None => Ok(()),
        Some(_) => Err(invalid(call.method(), "sandbox", "expected none, since the host has none, saw one")),
    }
}

fn invalid(method: &'static str, member: &'static str, what: &str) -> ErrorObject {
    ErrorObject::new(ErrorKind::InvalidParams, format!("`{method}`: `{member}`: {what}"))
        .with("method", method)
        .with("member", member)
}

pub(crate) fn file_error(error: &FileError) -> ErrorObject {
    let text = error.to_string();
    let about = |kind, path: &Path| ErrorObject::new(kind, text.clone()).with("path", path.to_string_lossy());
    match error {
        FileError::System { path, error, .. } => {
            let kind = match error.kind() {
                IoErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::FileFailed,
            };
            about(kind, path).with("errno", error.raw_os_error().unwrap_or_default())
        }
        FileError::Kind { path, expected, seen, .. } => {
            about(ErrorKind::FileRefused, path).with("expected", *expected).with("seen", *seen)
        }
        FileError::IntoItself { path, destination } => {
            about(ErrorKind::FileRefused, path).with("destination", destination.to_string_lossy())
        }
        FileError::TooLarge { path, limit, .. } => {
            about(ErrorKind::LimitExceeded, path).with("limit", "maxFileBytes").with("value", *limit)
        }
        FileError::TooMany { path, limit } => {
            about(ErrorKind::LimitExceeded, path).with("limit", "maxDirectoryEntries").with("value", *limit)
        }
        FileError::Stopped => ErrorObject::new(ErrorKind::Internal, text),
    }
}

pub(crate) fn too_much_to_write(bytes: usize) -> ErrorObject {
    let message = format!(
        "`fs/writeFile`: expected at most {MAX_WRITE_BYTES} bytes to wait to be written, saw {bytes} more on top of others"
    );
    ErrorObject::new(ErrorKind::LimitExceeded, message)
        .with("limit", "maxFileWriteBytes")
        .with("value", MAX_WRITE_BYTES)
}

pub(crate) fn no_handle(id: &str, why: &NoHandle) -> ErrorObject {
    match why {
        NoHandle::InUse => {
            let message = format!("expected an id that is not in use, saw that of the open file `{id}`");
            ErrorObject::new(ErrorKind::FileRefused, message).with("handleId", id)
        }
        NoHandle::TooMany => {
            let message = format!("expected at most {MAX_OPEN_FILES} files to be open at once, saw one more");
            ErrorObject::new(ErrorKind::LimitExceeded, message)
                .with("limit", "maxOpenFiles")
                .with("value", MAX_OPEN_FILES)
        }
    }
}

pub(crate) fn unknown_handle(id: &str) -> ErrorObject {
    ErrorObject::new(ErrorKind::NotFound, format!("no file is open as `{id}`")).with("handleId", id)
}

pub(crate) fn walk_limits(options: WalkOptions) -> WalkLimits {
    WalkLimits {
        depth: options.max_depth,
        directories: options.max_directories,
        entries: options.max_entries,
        follow: options.follow_directory_symlinks,
    }
}

pub(crate) fn file_metadata(metadata: &Metadata) -> FileMetadata {
    FileMetadata {
        is_directory: metadata.kind == FileKind::Directory,
        is_file: metadata.kind == FileKind::File,
        is_symlink: metadata.is_link,
        size: metadata.size,
        created_at_ms: Metadata::ms(metadata.created),
        modified_at_ms: Metadata::ms(metadata.modified),
    }
}

pub(crate) fn directory_entry(listed: &Listed) -> DirectoryEntry {
    DirectoryEntry {
        file_name: listed.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        is_directory: listed.kind == FileKind::Directory,
        is_file: listed.kind == FileKind::File,
    }
}

pub(crate) fn walk_result(walked: &Walked) -> WalkResult {
    let entry = |found: &Found| WalkEntry {
        path: file_uri(&found.path),
        kind: if found.is_directory { WalkEntryKind::Directory } else { WalkEntryKind::File },
    };
    WalkResult {
        entries: walked.found.iter().map(entry).collect(),
        errors: walked
            .faults
            .iter()
            .map(|(path, fault)| WalkFault { path: file_uri(path), message: fault.to_string() })
            .collect(),
        truncated: walked.truncated,
    }
}
