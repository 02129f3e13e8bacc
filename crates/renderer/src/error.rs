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

/// A failed build or edit. It displays as `file:line:column: message`, then the kustomizations that led there; then, in the same way, what else is
/// wrong ([`Error::others`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    /// Whether the key is at fault at whose value `pos` is.
    at_key: bool,
    message: Box<str>,
    file: Option<Box<str>>,
    pos: Pos,
    trail: Vec<String>,
    excerpt: Option<Box<str>>,
    others: Vec<Error>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alone().fmt(f)?;
        self.others.iter().try_for_each(|other| write!(f, "\n{other}"))
    }
}

/// An error without the others.
struct Alone<'a>(&'a Error);

impl fmt::Display for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { file, pos, message, trail, .. } = self.0;
        if let Some(file) = file {
            write!(f, "{file}:")?;
            if pos.line > 0 {
                write!(f, "{}:{}:", pos.line, pos.column)?;
            }
            f.write_str(" ")?;
        } else if pos.line > 0 {
            write!(f, "{}:{}: ", pos.line, pos.column)?;
        }
        f.write_str(message)?;
        trail.iter().try_for_each(|step| write!(f, "\n  {step}"))
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            at_key: false,
            message: message.into().into_boxed_str(),
            file: None,
            pos: Pos::default(),
            trail: Vec::new(),
            excerpt: None,
            others: Vec::new(),
        }
    }

    /// Changes this error and the others with it.
    fn each(mut self, change: &impl Fn(&mut Self)) -> Self {
        change(&mut self);
        self.others.iter_mut().for_each(change);
        self
    }

    /// Adds errors that do not hang on this one; what is wrong in a base that is used twice is told once.
    fn add(&mut self, mut other: Self) {
        let more = std::mem::take(&mut other.others);
        for other in std::iter::once(other).chain(more) {
            if self.others.len() + 1 >= Gathered::MOST {
                return;
            }
            let same = |known: &Self| (&known.message, &known.file, known.pos) == (&other.message, &other.file, other.pos);
            if !same(self) && !self.others.iter().any(same) {
                self.others.push(other);
            }
        }
    }

    /// Adds the place unless one is known already: the innermost is the best.
    pub(crate) fn at(self, pos: Pos) -> Self {
        self.each(&|error| {
            if error.pos.line == 0 && error.file.is_none() {
                error.pos = pos;
            }
        })
    }

    /// The place is a value's: what is at fault is its key. No positions are kept of keys, so that it is looked for once the text is at hand.
    pub(crate) fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }

    /// Names the file at fault unless one is named already.
    #[must_use]
    pub fn in_file(self, file: &str) -> Self {
        self.each(&|error| {
            error.file.get_or_insert_with(|| file.into());
        })
    }

    /// Says where it is: at its position in the text that it speaks of if that is a file of its own, otherwise in the `file` that holds the text.
    pub(crate) fn in_text(self, own: Option<&str>, file: &str, pos: Pos) -> Self {
        self.each(&|error| match own {
            _ if error.file.is_some() => {}
            Some(own) if error.pos.line > 0 => {
                error.file = Some(own.into());
                error.trail.push(format!("from {file}:{}:{}", pos.line, pos.column));
            }
            _ => (error.file, error.pos) = (Some(file.into()), pos),
        })
    }

    pub(crate) fn because(self, step: impl Into<String>) -> Self {
        let step = step.into();
        self.each(&|error| error.trail.push(step.clone()))
    }

    /// Keeps the lines at fault, each with a mark below the column. `read` gives the text of a file.
    pub(crate) fn with_source(self, read: impl Fn(&str) -> Option<String>) -> Self {
        self.each(&|error| {
            if let Some(text) = error.file().and_then(&read) {
                if error.at_key {
                    error.pos = key_before(&text, error.pos).unwrap_or(error.pos);
                    error.at_key = false;
                }
                error.excerpt = error.excerpt_of(&text).map(Into::into);
            }
        })
    }

    fn excerpt_of(&self, text: &str) -> Option<String> {
        const WIDTH: usize = 160;
        let (line, column) = (self.line()?, self.column()?);
        let nth = |n: u32| usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
        let source = nth(line).and_then(|at| text.lines().nth(at)).filter(|source| source.len() <= WIDTH)?;
        // Columns count bytes, the mark has to count characters; tabs stay tabs, so that both lines are equally wide.
        let before = nth(column).and_then(|at| source.get(..at)).unwrap_or("");
        let blank: String = before.chars().map(|c| if c == '\t' { c } else { ' ' }).collect();
        let margin = " ".repeat(line.to_string().len());
        Some(format!("{line} | {source}\n{margin} | {blank}^"))
    }

    /// The line at fault with a mark below the column, for a terminal. It shows what the file says, secrets too: it belongs into no log and no status.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Displays this error without the others.
    pub fn alone(&self) -> impl fmt::Display + '_ {
        Alone(self)
    }

    /// What else is wrong that does not hang on this, each by itself.
    #[must_use]
    pub fn others(&self) -> &[Error] {
        &self.others
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

/// Where the key begins whose value does at `pos`.
fn key_before(text: &str, pos: Pos) -> Option<Pos> {
    let (line, column) = (usize::try_from(pos.line).ok()?.checked_sub(1)?, usize::try_from(pos.column).ok()?.checked_sub(1)?);
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    // On the line of the value, or on the last one before it that is no comment.
    let before = |at: usize| if at == line { lines[at].get(..column) } else { Some(lines[at].split(" #").next().unwrap_or_default()) };
    let bare = |at: usize| before(at).map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#'));
    let at = (0..=line.min(lines.len().checked_sub(1)?)).rev().find(|at| bare(*at).is_some_and(|text| text != "-"))?;
    let key = before(at)?.trim_end().strip_suffix(':')?.trim_end();
    let start = match key.chars().last()? {
        quote @ ('"' | '\'') => key[..key.len() - 1].rfind(quote)?,
        _ => key.rfind([' ', '\t', '{', ',', '[']).map_or(0, |at| at + 1),
    };
    Some(Pos { line: u32::try_from(at + 1).ok()?, column: u32::try_from(start + 1).ok()? })
}

/// The errors of steps that do not hang on each other: all of them are tried, and what is wrong is told at once.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Boxed: it is moved with what gathers, and hardly ever there.
    first: Option<Box<Error>>,
}

impl Gathered {
    /// How many errors are told at once: nobody reads more.
    pub(crate) const MOST: usize = 20;

    /// Keeps an error.
    #[cold]
    pub(crate) fn note(&mut self, error: Error) {
        match &mut self.first {
            Some(first) => first.add(error),
            None => self.first = Some(Box::new(error)),
        }
    }

    /// What a step gave; if it failed, its error is kept.
    ///
    /// # Errors
    /// All of them, when no further step should be tried: a limit was reached, something outside failed (the next one might be as slow), or there
    /// are enough.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        let is_last = matches!(error.kind, ErrorKind::Limit | ErrorKind::Outside);
        self.note(error);
        match self.first.take() {
            Some(all) if is_last || all.others.len() + 1 >= Self::MOST => Err(*all),
            all => {
                self.first = all;
                Ok(None)
            }
        }
    }

    /// Brings what comes behind the first error, all of one file, into the order of the file.
    pub(crate) fn sort(&mut self) {
        if let Some(first) = &mut self.first {
            first.others.sort_by_key(|error| (error.pos.line, error.pos.column));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Fails if a step has.
    pub(crate) fn finish(self) -> Result<()> {
        self.first.map_or(Ok(()), |all| Err(*all))
    }
}

/// Shorthand of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
