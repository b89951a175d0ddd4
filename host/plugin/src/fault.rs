//! Who is to blame, for what, and in which call.

/// A plugin broke down, broke a rule or said that it cannot answer. The instance it happened in is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The plugin's configured name.
    pub plugin: String,
    /// The component's sha256 in hex.
    pub digest: String,
    /// What it was asked to do.
    pub hook: Hook,
    /// What went wrong.
    pub kind: FaultKind,
    /// What went wrong, in words: the thing at fault, what was expected, what was seen.
    pub message: String,
    /// The last lines that the guest wrote in this call, at most 20; each at most 4 KiB.
    pub log: Vec<String>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plugin `{}` failed in `{}` ({}): {}", self.plugin, self.hook, self.kind, self.message)
    }
}

impl std::error::Error for Fault {}

/// What a plugin was asked to do when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// To come into being and to take its configuration.
    Init,
    /// To judge a command.
    Check,
    /// To begin with a stream.
    Open,
    /// To take bytes.
    Push,
    /// To give what it need not hold back.
    Idle,
    /// To give the rest.
    Finish,
    /// To report.
    Summarize,
}

impl Hook {
    /// The name in `wit/`, which is also the word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Check => "check",
            Self::Open => "open",
            Self::Push => "push",
            Self::Idle => "idle",
            Self::Finish => "finish",
            Self::Summarize => "summarize",
        }
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// How a plugin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The guest said that it cannot answer.
    Failure,
    /// The guest trapped: a panic, an exhausted stack, a call of `exit`.
    Trap,
    /// It did not answer in time, or its call was dropped before it did.
    Deadline,
    /// It wanted more memory than it may have, and broke down without; or there was no room for another instance.
    Memory,
    /// It handed out more than it may.
    Output,
    /// It broke a rule of the interface: a patch in the final pass, an empty argv, a value that is not valid.
    Protocol,
    /// It failed three times within a minute and is not called any more.
    SwitchedOff,
}

impl FaultKind {
    /// The word on the wire, in camelCase.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Protocol => "protocol",
            Self::SwitchedOff => "switchedOff",
        }
    }
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
