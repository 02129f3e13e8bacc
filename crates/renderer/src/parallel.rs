//! Work on many things at the same time, each thread on a part of them. Few things are not worth a thread: they are one part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::{Gathered, Result};
use crate::scope;

/// Fewer things than that for each thread are not worth it.
const WORTH: usize = 100;
/// The same for things with which little is to be done.
const WORTH_OF_LITTLE: usize = 1000;
/// More threads than that do not help: memory is the limit by then.
const MOST: usize = 8;
/// Parts for each thread. They are not equally much work, so that a thread takes another one when it is done before the others.
const PARTS: usize = 4;

/// How many threads may work at a time.
fn cores() -> usize {
    // Asking how many cores there are reads files, so that small builds do not.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST))
}

/// How many of `count` things make a part; never 0.
pub(crate) fn part(count: usize) -> usize {
    part_worth(WORTH, count)
}

/// The same for things with which so little is to be done that a thread costs more than it brings, unless there are many of them.
pub(crate) fn part_of_little(count: usize) -> usize {
    part_worth(WORTH_OF_LITTLE, count)
}

fn part_worth(worth: usize, count: usize) -> usize {
    if count < 2 * worth { count.max(1) } else { count.div_ceil(cores() * PARTS).max(worth) }
}

/// What threads say when they have met something. Whoever finds it said says nothing: what is written to goes from core to core.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn set(&self) {
        if !self.is_set() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The parts of some work that no thread has taken yet.
struct Queue<P>(Mutex<Vec<Option<P>>>);

impl<P> Queue<P> {
    /// The first part from there on, and where it stands. Behind the last one comes the first one.
    fn take(&self, from: usize) -> Option<(usize, P)> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = from.min(parts.len());
        let (before, after) = parts.split_at_mut(from);
        (from..).zip(after).chain((0..).zip(before)).find_map(|(at, part)| Some((at, part.take()?)))
    }
}

/// Does the work for all parts; the results in the order of the parts. Each thread, this one too, takes the next part when it is done with one. Each begins
/// with a share of its own, so that a thread, or at least the core it is on, meets in one piece of work the things that it met in the one before.
pub(crate) fn run<P: Send, R: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let parts: Vec<P> = parts.into_iter().collect();
    let count = parts.len();
    if count < 2 {
        return parts.into_iter().map(work).collect();
    }
    let queue = Queue(Mutex::new(parts.into_iter().map(Some).collect()));
    let threads = count.min(cores());
    let take = |thread: usize| {
        let (mut done, mut from) = (Vec::new(), thread * count / threads);
        while let Some((at, part)) = queue.take(from) {
            done.push((at, work(part)));
            from = at + 1;
        }
        done
    };
    let (take, scopes) = (&take, scope::own());
    let mut results = std::thread::scope(|helpers| {
        let others: Vec<_> = (1..threads)
            .map(|thread| {
                let scopes = scopes.clone();
                helpers.spawn(move || {
                    scope::adopt(scopes);
                    take(thread)
                })
            })
            .collect();
        let mut results = take(0);
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Changes all things, a part at a time. The errors come in the order of the parts.
pub(crate) fn change<T: Send>(things: &mut [T], work: impl Fn(&mut [T]) -> Result<()> + Sync) -> Result<()> {
    let size = part(things.len());
    let mut errors = Gathered::default();
    for outcome in run(things.chunks_mut(size), work) {
        if let Err(error) = outcome {
            errors.note(error);
        }
    }
    errors.finish()
}

/// Changes each of the things. The errors come in the order of the things.
pub(crate) fn each<T: Send>(things: &mut [T], work: impl Fn(&mut T) -> Result<()> + Sync) -> Result<()> {
    change(things, |part| {
        let mut errors = Gathered::default();
        for thing in part {
            if let Err(error) = work(thing) {
                errors.note(error);
            }
        }
        errors.finish()
    })
}

/// Keeps the things that are wanted. Finding out takes little, and nearly always all are.
pub(crate) fn retain<T: Sync>(things: &mut Vec<T>, want: impl Fn(&T) -> bool + Sync) {
    let wanted = run(things.chunks(part_of_little(things.len())), |part| part.iter().map(&want).collect::<Vec<_>>()).concat();
    if wanted.contains(&false) {
        let mut wanted = wanted.into_iter();
        things.retain(|_| wanted.next() == Some(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn results_come_in_order_and_the_first_error_wins() {
        let mut numbers: Vec<usize> = (0..10_000).collect();
        let sums = run(numbers.chunks(1000), |part| part.iter().sum::<usize>());
        assert_eq!(sums.len(), 10);
        assert!(sums.is_sorted());
        let refuse = |number: &mut usize| {
            *number += 1;
            if *number > 100 { Err(Error::new(ErrorKind::Resource, number.to_string())) } else { Ok(()) }
        };
        let error = each(&mut numbers, refuse).expect_err("too large");
        assert_eq!((error.message(), error.others()[0].message()), ("101", "102"));
        assert!(each(&mut numbers[..0], refuse).is_ok());
    }

    #[test]
    fn what_is_wanted_stays_in_order() {
        let mut numbers: Vec<usize> = (0..10_000).collect();
        retain(&mut numbers, |_| true);
        assert_eq!(numbers.len(), 10_000);
        retain(&mut numbers, |number| number % 3 == 0);
        assert!(numbers.iter().copied().eq((0..10_000).step_by(3)));
    }

    #[test]
    fn each_thread_begins_with_its_own_share_and_helps_the_others() {
        let queue = Queue(Mutex::new((0..4).map(Some).collect()));
        assert_eq!([0, 2, 1, 3].map(|from| queue.take(from)), [0, 2, 1, 3].map(|at| Some((at, at))));
        assert_eq!(queue.take(0), None);
        let queue = Queue(Mutex::new((0..4).map(Some).collect()));
        let mut from = 2;
        let order = std::iter::from_fn(|| queue.take(from).inspect(|(at, _)| from = at + 1));
        assert_eq!(order.map(|(_, part)| part).collect::<Vec<_>>(), [2, 3, 0, 1]);
    }

    #[test]
    fn parts_are_large_and_hold_everything() {
        assert_eq!(part(0), 1);
        assert_eq!(part(2 * WORTH - 1), 2 * WORTH - 1);
        assert!(part(100_000) >= 100_000 / (MOST * PARTS));
    }
}
