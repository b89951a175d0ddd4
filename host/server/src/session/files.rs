//! What each request about files does, and the files that the client has open.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::AbortHandle;
use weir_protocol::fs::{
    CloseParams, CopyParams, OpenParams, ReadBlockParams, WalkParams, WatchMissingParams,
};
use weir_protocol::{ErrorObject, Event, FsCall, FsReply, Reply, RequestId};

use super::requests::Concern;
use super::{Answer, Done, Session, Watched};
use crate::convert;
use crate::files::{self, Copy, FileError, Handles, OpenFile, Stride, Walk, Wanted, Watch};
use crate::outbox::{Notice, Outcome};

/// What a session keeps of files.
#[derive(Debug, Default)]
pub(super) struct SessionFiles {
    handles: Handles,
    /// The watch that holds: each replaces the one before.
    watch: Option<AbortHandle>,
    /// The highest id of a watch so far.
    last_watch: Option<u64>,
}

/// A watch that was made, and the request's id for it.
pub(super) struct Watching {
    id: u64,
    watch: Option<Watch>,
}

impl Session {
    pub(super) fn file_call(&mut self, call: FsCall) -> Result<Answer, ErrorObject> {
        let method = call.method();
        if !self.shared.config.files {
            return Err(convert::files_not_served(method));
        }
        convert::no_sandbox(&call)?;
        let path = |given: &str| convert::file_path(method, "path", given);
        Ok(match call {
            FsCall::ReadFile(params) => {
                let (path, shared) = (path(&params.path)?, Arc::clone(&self.shared));
                later(async move { shared.files.read_file(path).await.map(FsReply::ReadFile) })
            }
            FsCall::WriteFile(params) => {
                let (path, content) = (path(&params.path)?, params.data());
                let share = self.shared.files.write_share(content.len());
                let share = share.ok_or_else(|| convert::too_much_to_write(content.len()))?;
                self.turn(move || {
                    let _share = share;
                    files::write_file(&path, &content).map(|()| FsReply::Done)
                })
            }
            FsCall::CreateDirectory(params) => {
                let (path, recursive) = (path(&params.path)?, params.recursive.unwrap_or(true));
                self.turn(move || files::create_directory(&path, recursive).map(|()| FsReply::Done))
            }
            FsCall::GetMetadata(params) => {
                let path = path(&params.path)?;
                self.turn(move || {
                    let metadata = files::metadata(&path)?;
                    Ok(FsReply::GetMetadata(convert::file_metadata(&metadata)))
                })
            }
            FsCall::Canonicalize(params) => {
                let path = path(&params.path)?;
                self.turn(move || Ok(FsReply::Canonicalize(convert::file_uri(&files::canonicalize(&path)?))))
            }
            FsCall::ReadDirectory(params) => {
                let (path, outbox) = (path(&params.path)?, Arc::clone(&self.outbox));
                self.turn(move || {
                    // Who reads no answers gets no more long ones.
                    outbox.wait_for_room();
                    let listed = files::read_directory(&path)?;
                    Ok(FsReply::ReadDirectory(listed.iter().map(convert::directory_entry).collect()))
                })
            }
            FsCall::Remove(params) => {
                let path = path(&params.path)?;
                let (recursive, force) = (params.recursive.unwrap_or(true), params.force.unwrap_or(true));
                self.turn(move || files::remove(&path, recursive, force).map(|()| FsReply::Done))
            }
            FsCall::Walk(params) => {
                let path = path(&params.path)?;
                self.walk(path, &params)
            }
            FsCall::Copy(params) => self.copy(&params)?,
            FsCall::Open(params) => {
                let path = path(&params.path)?;
                self.open_file(path, params)?
            }
            FsCall::ReadBlock(params) => self.read_block(params),
            FsCall::Close(CloseParams { handle_id }) => {
                self.files.handles.close(&handle_id);
                Answer::now(Reply::Fs(FsReply::Done))
            }
            FsCall::WatchMissing(params) => self.watch_missing(&params)?,
        })
    }

    /// An answer that comes of one piece of work.
    fn turn(&self, work: impl FnOnce() -> Result<FsReply, FileError> + Send + 'static) -> Answer {
        let shared = Arc::clone(&self.shared);
        later(async move { shared.files.turn(work).await })
    }

    fn walk(&self, path: PathBuf, params: &WalkParams) -> Answer {
        let (shared, limits) = (Arc::clone(&self.shared), convert::walk_limits(params.options));
        let outbox = Arc::clone(&self.outbox);
        later(async move {
            let _journey = shared.files.journey().await?;
            let begin = move || {
                // Who reads no answers gets no more long ones.
                outbox.wait_for_room();
                Walk::begin(path, limits)
            };
            let mut walk = shared.files.turn(begin).await?;
            loop {
                match shared.files.turn(move || Ok(walk.turn())).await? {
                    Stride::OnItsWay(further) => walk = further,
                    Stride::Done(walked) => return Ok(FsReply::Walk(convert::walk_result(&walked))),
                }
            }
        })
    }

    fn copy(&self, params: &CopyParams) -> Result<Answer, ErrorObject> {
        let path = |member, given| convert::file_path("fs/copy", member, given);
        let source = path("sourcePath", &params.source_path)?;
        let destination = path("destinationPath", &params.destination_path)?;
        let (shared, recursive) = (Arc::clone(&self.shared), params.recursive);
        Ok(later(async move {
            let _journey = shared.files.journey().await?;
            let begin = move || Copy::begin(&source, &destination, recursive);
            let mut copy = Some(shared.files.turn(begin).await?);
            while let Some(on_its_way) = copy {
                copy = shared.files.turn(move || on_its_way.turn()).await?;
            }
            Ok(FsReply::Done)
        }))
    }

    fn open_file(&mut self, path: PathBuf, params: OpenParams) -> Result<Answer, ErrorObject> {
        let id = params.handle_id;
        let place = self.files.handles.reserve(&id).map_err(|why| convert::no_handle(&id, &why))?;
        let shared = Arc::clone(&self.shared);
        Ok(later(async move {
            let file = shared.files.turn(move || OpenFile::open(path)).await?;
            // If it was closed meanwhile, nobody wants it.
            let _ = place.send(Some(Arc::new(file)));
            Ok(FsReply::Open(id))
        }))
    }

    fn read_block(&self, params: ReadBlockParams) -> Answer {
        let ReadBlockParams { handle_id, offset, len } = params;
        let (shared, file) = (Arc::clone(&self.shared), self.files.handles.get(&handle_id));
        Answer::later(async move {
            let Some(file) = file.await else { return Err(convert::unknown_handle(&handle_id)) };
            let read = shared.files.read_block(file, offset, len).await;
            outcome(read.map(|(chunk, eof)| FsReply::ReadBlock { chunk, eof }))
        })
    }

    fn watch_missing(&mut self, params: &WatchMissingParams) -> Result<Answer, ErrorObject> {
        let path = |member, given: &String| convert::file_path("fs/watchMissing", member, given);
        let missing: Result<_, _> = params.missing.iter().map(|given| path("missing", given)).collect();
        let present = params.present.as_ref().map(|given| path("present", given)).transpose()?;
        let (wanted, id) = (Wanted { missing: missing?, present }, params.watch_id);
        if self.files.last_watch.is_some_and(|last| id <= last) {
            return Ok(Answer::now(Reply::Fs(FsReply::WatchMissing(false))));
        }
        self.files.last_watch = Some(id);
        if let Some(watch) = self.files.watch.take() {
            watch.abort();
        }
        let shared = Arc::clone(&self.shared);
        let prepare = async move {
            let prepared = shared.files.turn(move || Ok(wanted.prepare())).await.ok().flatten();
            Done::Watching(Watching { id, watch: prepared.and_then(|prepared| prepared.arm().ok()) })
        };
        Ok(Answer::Later(Box::pin(prepare), Concern::Nothing))
    }

    /// A watch was made: its request is answered first, then it may speak.
    pub(super) fn watching(&mut self, request: RequestId, watching: Watching) {
        let Watching { id, watch } = watching;
        // A later one has replaced it already.
        let watch = watch.filter(|_| self.files.last_watch == Some(id));
        self.answer(request, Ok(Reply::Fs(FsReply::WatchMissing(watch.is_some()))), None);
        let Some(watch) = watch else { return };
        let outbox = Arc::clone(&self.outbox);
        self.files.watch = Some(self.watches.spawn(async move {
            watch.changed().await;
            outbox.notify(Notice::Event(Box::new(Event::MissingChanged { watch_id: id })));
            Watched::Nothing
        }));
    }
}

fn later(result: impl Future<Output = Result<FsReply, FileError>> + Send + 'static) -> Answer {
    Answer::later(async { outcome(result.await) })
}

fn outcome(result: Result<FsReply, FileError>) -> Outcome {
    result.map(Reply::Fs).map_err(|error| convert::file_error(&error))
}
