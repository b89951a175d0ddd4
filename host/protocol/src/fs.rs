//! The `fs/*` methods: files of the machine that commands run on. The names and the shapes are Codex's.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;
use crate::params::{self, Fault, Params, from_json};
use crate::process::not_zero;
use crate::{ErrorObject, Opaque};

/// The most that one `fs/readBlock` gives, in bytes.
pub const MAX_BLOCK_BYTES: u64 = 1 << 20;
/// The longest id of an open file, in bytes.
const MAX_HANDLE_ID: usize = 1024;

/// A request about files, one variant a method. Paths are as the client wrote them: absolute, or `file:` URIs.
#[derive(Debug, Clone, PartialEq)]
pub enum FsCall {
    /// `fs/readFile`.
    ReadFile(PathParams),
    /// `fs/writeFile`.
    WriteFile(WriteFileParams),
    /// `fs/createDirectory`.
    CreateDirectory(CreateDirectoryParams),
    /// `fs/getMetadata`.
    GetMetadata(PathParams),
    /// `fs/canonicalize`.
    Canonicalize(PathParams),
    /// `fs/readDirectory`.
    ReadDirectory(PathParams),
    /// `fs/walk`.
    Walk(WalkParams),
    /// `fs/remove`.
    Remove(RemoveParams),
    /// `fs/copy`.
    Copy(CopyParams),
    /// `fs/open`.
    Open(OpenParams),
    /// `fs/readBlock`.
    ReadBlock(ReadBlockParams),
    /// `fs/close`.
    Close(CloseParams),
    /// `fs/watchMissing`.
    WatchMissing(WatchMissingParams),
}

/// The result of a request about files.
#[derive(Debug, Clone, PartialEq)]
pub enum FsReply {
    /// Of everything that only succeeds: an empty object.
    Done,
    /// Of `fs/readFile`: the whole file.
    ReadFile(Bytes),
    /// Of `fs/getMetadata`.
    GetMetadata(FileMetadata),
    /// Of `fs/canonicalize`: a `file:` URI.
    Canonicalize(String),
    /// Of `fs/readDirectory`.
    ReadDirectory(Vec<DirectoryEntry>),
    /// Of `fs/walk`.
    Walk(WalkResult),
    /// Of `fs/open`: the id of the open file.
    Open(String),
    /// Of `fs/readBlock`.
    ReadBlock {
        /// What was read.
        chunk: Bytes,
        /// Whether the file ends within or right behind it.
        eof: bool,
    },
    /// Of `fs/watchMissing`: whether `fs/missingChanged` will come.
    WatchMissing(bool),
}

/// Params of the methods that need a path and nothing else.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PathParams {
    /// Where it is.
    pub path: String,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/writeFile`: the file is made, or its content replaced.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteFileParams {
    /// Where it is.
    pub path: String,
    /// The whole content. There is one in every one that was parsed.
    #[serde(rename = "dataBase64", default, deserialize_with = "params::base64")]
    data: Option<Bytes>,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/createDirectory`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CreateDirectoryParams {
    /// Where it will be.
    pub path: String,
    /// Whether its parents are made as well, and one that is there already is fine. The default.
    pub recursive: Option<bool>,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/walk`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WalkParams {
    /// The directory to begin with.
    pub path: String,
    /// How far to go.
    #[serde(deserialize_with = "params::named")]
    pub options: WalkOptions,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// How far a walk goes. The counts are never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkOptions {
    /// Directories so deep below the first are looked into; 0 is the first one alone.
    pub max_depth: u64,
    /// How many directories are looked into.
    pub max_directories: u64,
    /// How many entries are looked at.
    pub max_entries: u64,
    /// Whether links to directories are followed, each directory once.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub follow_directory_symlinks: bool,
}

/// Params of `fs/remove`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RemoveParams {
    /// What to remove; a link is removed itself.
    pub path: String,
    /// Whether a directory is removed with all that is in it. The default.
    pub recursive: Option<bool>,
    /// Whether it is fine if there is nothing. The default.
    pub force: Option<bool>,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/copy`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyParams {
    /// What to copy; a link is copied as a link.
    pub source_path: String,
    /// What it will be called.
    pub destination_path: String,
    /// Whether a directory is copied with all that is in it.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub recursive: bool,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/open`: for reading.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenParams {
    /// The id that the client gives the open file. At most 1,024 bytes.
    pub handle_id: String,
    /// Where it is.
    pub path: String,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
}

/// Params of `fs/readBlock`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBlockParams {
    /// The open file.
    pub handle_id: String,
    /// Where the block begins.
    pub offset: u64,
    /// How long it is at the most: from 1 to [`MAX_BLOCK_BYTES`].
    pub len: u64,
}

/// Params of `fs/close`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseParams {
    /// The open file; one that is not open is fine.
    pub handle_id: String,
}

/// Params of `fs/watchMissing`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchMissingParams {
    /// Comes back with the notification. Higher than every one before.
    pub watch_id: u64,
    /// What is not there.
    pub missing: Vec<String>,
    /// What is there, and matters as well.
    pub present: Option<String>,
}

/// What is known of a file. Links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileMetadata {
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Whether the path itself is a link.
    pub is_symlink: bool,
    /// Its size in bytes.
    pub size: u64,
    /// When it was made, in milliseconds since 1970; 0 where the file system does not know.
    pub created_at_ms: i64,
    /// When its content was last changed, in milliseconds since 1970.
    pub modified_at_ms: i64,
}

/// What is in a directory. Links are followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryEntry {
    /// Its name in the directory.
    pub file_name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a regular file.
    pub is_file: bool,
}

/// Result of `fs/walk`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WalkResult {
    /// Files and directories, level by level, each directory's in the order of their names.
    pub entries: Vec<WalkEntry>,
    /// Directories that could not be looked into.
    pub errors: Vec<WalkFault>,
    /// Whether there is more than the options or the host allow.
    pub truncated: bool,
}

/// Something that a walk has come by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalkEntry {
    /// A `file:` URI.
    pub path: String,
    /// What it is.
    pub kind: WalkEntryKind,
}

/// What a walk tells of. It passes over whatever else there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WalkEntryKind {
    /// A regular file.
    File,
    /// A directory, or a followed link to one.
    Directory,
}

/// A directory that could not be looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalkFault {
    /// A `file:` URI.
    pub path: String,
    /// Why.
    pub message: String,
}

impl FsCall {
    /// What all methods of this family begin with.
    pub const PREFIX: &str = "fs/";

    /// The name of the method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::ReadFile(_) => "fs/readFile",
            Self::WriteFile(_) => "fs/writeFile",
            Self::CreateDirectory(_) => "fs/createDirectory",
            Self::GetMetadata(_) => "fs/getMetadata",
            Self::Canonicalize(_) => "fs/canonicalize",
            Self::ReadDirectory(_) => "fs/readDirectory",
            Self::Walk(_) => "fs/walk",
            Self::Remove(_) => "fs/remove",
            Self::Copy(_) => "fs/copy",
            Self::Open(_) => "fs/open",
            Self::ReadBlock(_) => "fs/readBlock",
            Self::Close(_) => "fs/close",
            Self::WatchMissing(_) => "fs/watchMissing",
        }
    }

    /// The sandbox that a Codex client asks for, for this access.
    pub fn sandbox(&self) -> Option<&Opaque> {
        match self {
            Self::ReadFile(params)
            | Self::GetMetadata(params)
            | Self::Canonicalize(params)
            | Self::ReadDirectory(params) => params.sandbox.as_ref(),
            Self::WriteFile(params) => params.sandbox.as_ref(),
            Self::CreateDirectory(params) => params.sandbox.as_ref(),
            Self::Walk(params) => params.sandbox.as_ref(),
            Self::Remove(params) => params.sandbox.as_ref(),
            Self::Copy(params) => params.sandbox.as_ref(),
            Self::Open(params) => params.sandbox.as_ref(),
            Self::ReadBlock(_) | Self::Close(_) | Self::WatchMissing(_) => None,
        }
    }

    /// None if there is no such method.
    pub(crate) fn decode(method: &str, params: Option<&RawValue>) -> Option<Result<Self, ErrorObject>> {
        fn of<P: Params>(
            make: fn(P) -> FsCall,
            method: &str,
            params: Option<&RawValue>,
        ) -> Result<FsCall, ErrorObject> {
            params::decode(method, params).map(make)
        }
        Some(match method {
            "fs/readFile" => of(Self::ReadFile, method, params),
            "fs/writeFile" => of(Self::WriteFile, method, params),
            "fs/createDirectory" => of(Self::CreateDirectory, method, params),
            "fs/getMetadata" => of(Self::GetMetadata, method, params),
            "fs/canonicalize" => of(Self::Canonicalize, method, params),
            "fs/readDirectory" => of(Self::ReadDirectory, method, params),
            "fs/walk" => of(Self::Walk, method, params),
            "fs/remove" => of(Self::Remove, method, params),
            "fs/copy" => of(Self::Copy, method, params),
            "fs/open" => of(Self::Open, method, params),
            "fs/readBlock" => of(Self::ReadBlock, method, params),
            "fs/close" => of(Self::Close, method, params),
            "fs/watchMissing" => of(Self::WatchMissing, method, params),
            _ => return None,
        })
    }
}

impl FsReply {
    /// About how many bytes of memory it holds.
    pub fn size(&self) -> usize {
        match self {
            Self::ReadFile(bytes) | Self::ReadBlock { chunk: bytes, .. } => bytes.len(),
            Self::ReadDirectory(entries) => entries.iter().map(|entry| 64 + entry.file_name.len()).sum(),
            Self::Walk(walk) => {
                let entries: usize = walk.entries.iter().map(|entry| 64 + entry.path.len()).sum();
                let errors = walk.errors.iter().map(|fault| 64 + fault.path.len() + fault.message.len());
                entries + errors.sum::<usize>()
            }
            Self::Done
            | Self::GetMetadata(_)
            | Self::Canonicalize(_)
            | Self::Open(_)
            | Self::WatchMissing(_) => 0,
        }
    }

    /// Appends the result as JSON. Contents go straight from their bytes into the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Done => out.extend_from_slice(b"{}"),
            Self::ReadFile(bytes) => {
                out.extend_from_slice(b"{\"dataBase64\":");
                json::write_base64_string(out, bytes);
                out.push(b'}');
            }
            Self::GetMetadata(metadata) => json::write_value(out, metadata),
            Self::Canonicalize(path) => json::write_value(out, &PathResult { path }),
            Self::ReadDirectory(entries) => json::write_value(out, &Entries { entries }),
            Self::Walk(walk) => json::write_value(out, walk),
            Self::Open(handle_id) => json::write_value(out, &Handle { handle_id }),
            Self::ReadBlock { chunk, eof } => {
                out.extend_from_slice(b"{\"chunk\":");
                json::write_base64_string(out, chunk);
                out.extend_from_slice(if *eof { b",\"eof\":true}" } else { b",\"eof\":false}" });
            }
            Self::WatchMissing(watching) => json::write_value(out, &Watching { watching: *watching }),
        }
    }
}

#[derive(Serialize)]
struct PathResult<'a> {
    path: &'a str,
}

#[derive(Serialize)]
struct Entries<'a> {
    entries: &'a [DirectoryEntry],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Handle<'a> {
    handle_id: &'a str,
}

#[derive(Serialize)]
struct Watching {
    watching: bool,
}

impl WriteFileParams {
    /// The whole content.
    pub fn data(&self) -> Bytes {
        self.data.clone().unwrap_or_default()
    }
}

macro_rules! plain {
    ($($params:ty),* $(,)?) => {
        $(impl Params for $params {
            fn decode(text: &str) -> Result<Self, Fault> {
                from_json(text)
            }
        })*
    };
}

plain!(PathParams, CreateDirectoryParams, RemoveParams, CopyParams, CloseParams, WatchMissingParams);

impl Params for WriteFileParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        match params.data {
            Some(_) => Ok(params),
            // An empty file is asked for by an empty string.
            None => Err(Fault::new("dataBase64", "expected a value, saw no such member")),
        }
    }
}

impl Params for WalkParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        not_zero("options.maxDirectories", Some(params.options.max_directories))?;
        not_zero("options.maxEntries", Some(params.options.max_entries))?;
        Ok(params)
    }
}

impl Params for OpenParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        let length = params.handle_id.len();
        if length > MAX_HANDLE_ID {
            let what = format!("expected at most {MAX_HANDLE_ID} bytes, saw {length}");
            return Err(Fault::new("handleId", what));
        }
        Ok(params)
    }
}

impl Params for ReadBlockParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        if params.len == 0 || params.len > MAX_BLOCK_BYTES {
            let what = format!("expected from 1 to {MAX_BLOCK_BYTES} bytes, saw {}", params.len);
            return Err(Fault::new("len", what));
        }
        Ok(params)
    }
}
