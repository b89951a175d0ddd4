//! Where output comes from: what the summary needs of the host, and nothing of the bindings.

/// A stream of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both through one pipe.
    Merged,
    /// A terminal.
    Pty,
}

impl Channel {
    /// The name as it is written in the text.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
            Channel::Merged => "merged",
            Channel::Pty => "pty",
        }
    }
}

/// Bytes that were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The offset among the retained bytes at which they are missing.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

/// The retained output of a closed process. Offsets count retained bytes, from 0.
pub trait Source {
    /// The channels that there are.
    fn channels(&self) -> Vec<Channel>;
    /// Bytes that are retained of a channel.
    fn size(&self, channel: Channel) -> u64;
    /// At most `max` bytes from `offset`; may be fewer, and is empty only at the end.
    fn read(&self, channel: Channel, offset: u64, max: u32) -> Vec<u8>;
    /// Where bytes were dropped, ascending.
    fn gaps(&self, channel: Channel) -> Vec<Gap>;
    /// None if the end of the process was not seen.
    fn exit_code(&self) -> Option<i32>;
    /// The command.
    fn argv(&self) -> Vec<String>;
}
