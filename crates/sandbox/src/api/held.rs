//! The cluster's state in the hands of one request, which lets go of it where it can.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::Core;
use crate::Shared;

/// The state, and what the request is warned of. Nobody else looks at it or writes meanwhile, but for what is done [`Held::aside`].
pub(crate) struct Held<'a> {
    core: Hold<'a>,
    pub(crate) warnings: Vec<String>,
}

enum Hold<'a> {
    /// Never let go.
    Steady(&'a mut Core),
    /// None only while something is done aside.
    Shared(&'a Shared, Option<MutexGuard<'a, Core>>),
}

impl<'a> Held<'a> {
    /// The state for as long as the request lasts.
    pub(crate) fn steady(core: &'a mut Core) -> Self {
        Self { core: Hold::Steady(core), warnings: Vec::new() }
    }

    /// The state, which others have while this request does something aside.
    pub(crate) fn shared(shared: &'a Shared) -> Self {
        Self { core: Hold::Shared(shared, Some(shared.core())), warnings: Vec::new() }
    }

    /// Does what needs nothing of the cluster, and may warn. What was read before may be another afterwards: whoever writes looks again.
    pub(crate) fn aside<T>(&mut self, work: impl FnOnce(&mut Vec<String>) -> T) -> T {
        if let Hold::Shared(_, guard) = &mut self.core {
            drop(guard.take());
        }
        let done = work(&mut self.warnings);
        if let Hold::Shared(shared, guard) = &mut self.core {
            *guard = Some(shared.core());
        }
        done
    }

    /// Does what needs the cluster and may warn.
    pub(crate) fn with<T>(&mut self, work: impl FnOnce(&Core, &mut Vec<String>) -> T) -> T {
        work(self.core.get(), &mut self.warnings)
    }
}

const GONE: &str = "only `aside` lets go, and it takes back";

impl Hold<'_> {
    fn get(&self) -> &Core {
        match self {
            Self::Steady(core) => core,
            Self::Shared(_, guard) => guard.as_deref().expect(GONE),
        }
    }
}

impl Deref for Held<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        self.core.get()
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        match &mut self.core {
            Hold::Steady(core) => core,
            Hold::Shared(_, guard) => guard.as_deref_mut().expect(GONE),
        }
    }
}
