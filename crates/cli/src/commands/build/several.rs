//! `fiel build A B C`: several kustomizations at once, told in the order in which they were named.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fiel_renderer::Build;

/// Makes something of each item, as many at once as there are processors; the answers stand in the order of the items.
pub(super) fn each<T: Sync, R: Send>(items: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let made = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((at, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?))) {
            let answer = make(item);
            made.lock().expect("no worker panics while it holds the lock").push((at, answer));
        }
    };
    // Asking how many processors there are reads files.
    let workers = if items.len() > 1 { std::thread::available_parallelism().map_or(1, usize::from).min(items.len()) } else { 1 };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut made = made.into_inner().expect("no worker panics while it holds the lock");
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, answer)| answer).collect()
}

/// Writes one stream of YAML documents; what is empty adds nothing.
pub(super) fn write(builds: &[Build], mut out: impl Write) -> io::Result<()> {
    let full = builds.iter().filter(|build| !build.resources().is_empty());
    for (at, build) in full.enumerate() {
        if at > 0 {
            out.write_all(b"---\n")?;
        }
        build.write_yaml(&mut out)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use fiel_renderer::{Memory, Options};

    use super::*;

    #[test]
    fn answers_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(each(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(each(&[] as &[u8], |item| *item).is_empty());
    }

    /// The first item ends only after another one, so a first-come order would be wrong.
    #[test]
    fn a_slow_item_keeps_its_place() {
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            return;
        }
        let (done, wait) = mpsc::channel();
        let (done, wait) = (Mutex::new(done), Mutex::new(wait));
        let make = |item: &usize| {
            match item {
                0 => wait.lock().unwrap().recv().unwrap(),
                _ => done.lock().unwrap().send(()).unwrap(),
            }
            *item
        };
        assert_eq!(each(&[0, 1], make), [0, 1]);
    }

    #[test]
    fn a_stream_has_separators_between_documents_only() {
        let build = |resources: &str| {
            let files: Memory = [("kustomization.yaml", "resources: [all.yaml]"), ("all.yaml", resources)].into_iter().collect();
            fiel_renderer::build(&files, "", &Options::default()).expect("builds")
        };
        let one = |name: &str| format!("kind: A\nmetadata:\n  name: {name}\n");
        let builds = [build(&one("a")), Build::default(), build(&format!("{}---\n{}", one("b"), one("c")))];
        let mut out = Vec::new();
        write(&builds, &mut out).expect("memory takes everything");
        assert_eq!(String::from_utf8(out).expect("is text"), [one("a"), one("b"), one("c")].join("---\n"));
    }
}
