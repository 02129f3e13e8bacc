//! What can go wrong in a build, said with the place in the user's files.

use std::fmt;

use crate::yaml::Pos;

/// The step of a build that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file cannot be read, is missing or lies where it may not.
    File,
    /// A file is not YAML (or JSON) that kustomize accepts.
    Syntax,
    /// A kustomization says something that cannot be.
    Kustomization,
    /// A resource, or the sum of all resources, is not valid.
    Resource,
    /// A patch cannot be parsed or applied.
    Patch,
    /// A limit that protects the process was reached.
    Limit,
    /// Something outside of the files is not allowed, or failed: a fetch, helm, a function.
    Outside,
    /// kustomize can do this, this renderer cannot yet.
    Unsupported,
}

/// A failed build or edit. It displays as `file:line:column: message`, then the kustomizations that led there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    file: Option<String>,
    pos: Pos,
    trail: Vec<String>,
    excerpt: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if self.pos.line > 0 {
                write!(f, "{}:{}:", self.pos.line, self.pos.column)?;
            }
            f.write_str(" ")?;
        } else if self.pos.line > 0 {
            write!(f, "{}:{}: ", self.pos.line, self.pos.column)?;
        }
        f.write_str(&self.message)?;
        for step in &self.trail {
            write!(f, "\n  {step}")?;
        }
        Ok(())
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), file: None, pos: Pos::default(), trail: Vec::new(), excerpt: None }
    }

    /// Adds the place unless one is known already: the innermost is the best.
    pub(crate) fn at(mut self, pos: Pos) -> Self {
        if self.pos.line == 0 && self.file.is_none() {
            self.pos = pos;
        }
        self
    }

    /// Names the file at fault unless one is named already.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }

    pub(crate) fn because(mut self, step: impl Into<String>) -> Self {
        self.trail.push(step.into());
        self
    }

    /// Keeps the line at fault, with a mark below the column.
    pub(crate) fn with_source(mut self, text: &str) -> Self {
        const WIDTH: usize = 160;
        let (Some(line), Some(column)) = (self.line(), self.column()) else { return self };
        let nth = |n: u32| usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
        let Some(source) = nth(line).and_then(|at| text.lines().nth(at)).filter(|source| source.len() <= WIDTH) else { return self };
        // Columns count bytes, the mark has to count characters; tabs stay tabs, so that both lines are equally wide.
        let before = nth(column).and_then(|at| source.get(..at)).unwrap_or("");
        let blank: String = before.chars().map(|c| if c == '\t' { c } else { ' ' }).collect();
        let margin = " ".repeat(line.to_string().len());
        self.excerpt = Some(format!("{line} | {source}\n{margin} | {blank}^"));
        self
    }

    /// The line at fault with a mark below the column, for a terminal. It shows what the file says, secrets too: it belongs into no log and no status.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Which step failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without its place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file at fault, relative to the root of the file system.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The 1-based line at fault.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        (self.pos.line > 0).then_some(self.pos.line)
    }

    /// The 1-based column (in bytes) at fault.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        (self.pos.line > 0).then_some(self.pos.column)
    }
}

/// Shorthand of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
