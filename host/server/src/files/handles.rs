//! The files that a client has open.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::contents::OpenFile;

/// Files that one client may have open at once.
pub(crate) const MAX_OPEN_FILES: usize = 128;

/// The table of open files, by the ids that the client gave them. Owned by a session.
#[derive(Debug, Default)]
pub(crate) struct Handles(HashMap<String, Opening>);

/// A file that is open or being opened: the sender goes away without a file if that fails.
type Opening = watch::Receiver<Option<Arc<OpenFile>>>;

/// Why there is no place for a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoHandle {
    InUse,
    TooMany,
}

impl Handles {
    /// A place for a file that is to be opened. Dropping it without a file frees the id.
    pub(crate) fn reserve(&mut self, id: &str) -> Result<watch::Sender<Option<Arc<OpenFile>>>, NoHandle> {
        self.0.retain(|_, opening| !has_failed(opening));
        if self.0.contains_key(id) {
            return Err(NoHandle::InUse);
        }
        if self.0.len() >= MAX_OPEN_FILES {
            return Err(NoHandle::TooMany);
        }
        let (sender, opening) = watch::channel(None);
        self.0.insert(id.to_owned(), opening);
        Ok(sender)
    }

    /// An open file, once it is open. None if there is none, or opening it fails.
    pub(crate) fn get(&self, id: &str) -> impl Future<Output = Option<Arc<OpenFile>>> + use<> {
        let opening = self.0.get(id).cloned();
        async move {
            let mut opening = opening?;
            let opened = opening.wait_for(Option::is_some).await.ok()?;
            opened.clone()
        }
    }

    /// Closes a file, when its last block was read.
    pub(crate) fn close(&mut self, id: &str) {
        self.0.remove(id);
    }
}

fn has_failed(opening: &Opening) -> bool {
    opening.has_changed().is_err() && opening.borrow().is_none()
}
