//! Work on many things at the same time, each thread on a part of them. Few things are not worth a thread: they are one part.

use std::sync::OnceLock;

use crate::error::Result;
use crate::scope;

/// Fewer things than that for each thread are not worth it.
const WORTH: usize = 100;
/// More threads than that do not help: memory is the limit by then.
const MOST: usize = 8;

/// How many of `count` things make a part; never 0.
pub(crate) fn part(count: usize) -> usize {
    // Asking how many cores there are reads files, so that small builds do not.
    static CORES: OnceLock<usize> = OnceLock::new();
    if count < 2 * WORTH {
        return count.max(1);
    }
    let cores = *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST));
    count.div_ceil(cores).max(WORTH)
}

/// Does the work for all parts, the last one on this thread; the results in the order of the parts.
pub(crate) fn run<P: Send, R: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let mut parts: Vec<P> = parts.into_iter().collect();
    let Some(last) = parts.pop() else { return Vec::new() };
    let work = &work;
    let scopes = scope::own();
    std::thread::scope(|threads| {
        let spawn = |part| {
            let scopes = scopes.clone();
            threads.spawn(move || {
                scope::adopt(scopes);
                work(part)
            })
        };
        let others: Vec<_> = parts.into_iter().map(spawn).collect();
        let last = work(last);
        let joined = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.chain([last]).collect()
    })
}

/// Changes all things. Of several errors it is the first that comes out, as if they had been changed one after the other.
pub(crate) fn change<T: Send>(things: &mut [T], work: impl Fn(&mut [T]) -> Result<()> + Sync) -> Result<()> {
    let part = part(things.len());
    run(things.chunks_mut(part), work).into_iter().collect()
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
        let refuse = |part: &mut [usize]| {
            part.iter_mut().try_for_each(|number| {
                *number += 1;
                if *number > 100 { Err(Error::new(ErrorKind::Resource, number.to_string())) } else { Ok(()) }
            })
        };
        assert_eq!(change(&mut numbers, refuse).expect_err("too large").message(), "101");
        assert!(change(&mut numbers[..0], refuse).is_ok());
    }

    #[test]
    fn parts_are_large_and_hold_everything() {
        assert_eq!(part(0), 1);
        assert_eq!(part(2 * WORTH - 1), 2 * WORTH - 1);
        assert!(part(100_000) >= 100_000 / MOST);
    }
}
