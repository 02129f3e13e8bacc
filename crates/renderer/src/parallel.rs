//! Work on many things at the same time, each thread on a part of them. Few things are not worth a thread: they are one part.

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

/// Does the work for all parts; the results in the order of the parts. Each thread, this one too, takes the next part when it is done with one.
pub(crate) fn run<P: Send, R: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let parts: Vec<P> = parts.into_iter().collect();
    let count = parts.len();
    if count < 2 {
        return parts.into_iter().map(work).collect();
    }
    let queue = Mutex::new(parts.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        let mut done = Vec::new();
        while let Some((at, part)) = next() {
            done.push((at, work(part)));
        }
        done
    };
    let (take, scopes) = (&take, scope::own());
    let mut results = std::thread::scope(|threads| {
        let others: Vec<_> = (1..count.min(cores()))
            .map(|_| {
                let scopes = scopes.clone();
                threads.spawn(move || {
                    scope::adopt(scopes);
                    take()
                })
            })
            .collect();
        let mut results = take();
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
    fn parts_are_large_and_hold_everything() {
        assert_eq!(part(0), 1);
        assert_eq!(part(2 * WORTH - 1), 2 * WORTH - 1);
        assert!(part(100_000) >= 100_000 / (MOST * PARTS));
    }
}
