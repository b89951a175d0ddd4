//! The tools whose output is recognised.

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// `cargo test` and any other run of Rust's own test harness.
    Cargo,
    /// `cargo nextest`.
    Nextest,
    /// pytest.
    Pytest,
    /// `go test`, `go build`, `go vet`.
    Go,
    /// Jest.
    Jest,
    /// Vitest.
    Vitest,
    /// rustc, also through cargo.
    Rustc,
    /// gcc, clang, and all that print in their way.
    Gcc,
    /// TypeScript's compiler.
    Tsc,
    /// ESLint.
    Eslint,
    /// Python's own tracebacks.
    Python,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 11] = [
        Tool::Cargo,
        Tool::Nextest,
        Tool::Pytest,
        Tool::Go,
        Tool::Jest,
        Tool::Vitest,
        Tool::Rustc,
        Tool::Gcc,
        Tool::Tsc,
        Tool::Eslint,
        Tool::Python,
    ];

    /// As the option `tools` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Cargo => "cargo",
            Tool::Nextest => "nextest",
            Tool::Pytest => "pytest",
            Tool::Go => "go",
            Tool::Jest => "jest",
            Tool::Vitest => "vitest",
            Tool::Rustc => "rustc",
            Tool::Gcc => "gcc",
            Tool::Tsc => "tsc",
            Tool::Eslint => "eslint",
            Tool::Python => "python",
        }
    }

    /// As the text calls it.
    pub fn title(self) -> &'static str {
        match self {
            Tool::Cargo => "cargo test",
            Tool::Nextest => "cargo nextest",
            Tool::Go => "go test",
            other => other.name(),
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Some of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tools(u16);

impl Tools {
    /// Every tool.
    pub fn all() -> Self {
        Tool::ALL.into_iter().fold(Tools(0), Tools::with)
    }

    /// None.
    pub fn none() -> Self {
        Tools(0)
    }

    /// These and `tool`.
    #[must_use]
    pub fn with(self, tool: Tool) -> Self {
        Tools(self.0 | tool.bit())
    }

    /// Whether `tool` is among them.
    pub fn has(self, tool: Tool) -> bool {
        self.0 & tool.bit() != 0
    }
}

/// Programs whose failure is worth words even if nothing of their output is recognised.
const PROGRAMS: [&str; 26] = [
    "cargo",
    "cargo-nextest",
    "rustc",
    "pytest",
    "py.test",
    "go",
    "jest",
    "vitest",
    "tsc",
    "eslint",
    "gcc",
    "g++",
    "cc",
    "c++",
    "clang",
    "clang++",
    "make",
    "ninja",
    "cmake",
    "tox",
    "nox",
    "npm",
    "pnpm",
    "yarn",
    "bazel",
    "meson",
];

/// Whether the command runs one of the tools, as far as words tell.
pub fn runs_a_tool(argv: &[String]) -> bool {
    let base = |word: &str| word.rsplit(['/', '\\']).next().is_some_and(|name| PROGRAMS.contains(&name));
    argv.iter().any(|argument| argument.split([' ', '\n', ';', '&', '|', '(', ')']).any(base))
}
