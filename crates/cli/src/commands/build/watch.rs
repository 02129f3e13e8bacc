//! `fiel build --watch`: builds, and builds anew when something changes that may change the build.
//!
//! What is watched follows from what the last build read or looked for; whether a change matters is decided by [`concerns`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use fiel_renderer::{Attempt, Repository};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecursiveMode, Watcher};

use super::{Args, several};
use crate::error::CommandError;

/// So long nothing must happen before a build begins: editors and Git change many files at once.
const QUIET: Duration = Duration::from_millis(50);
/// So long a build waits for quiet at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often files are looked at where the system does not tell.
const POLL: Duration = Duration::from_secs(1);
/// Times of files are only so exact.
const GRAIN: Duration = Duration::from_millis(20);

/// What may happen while nothing is built.
#[derive(Debug)]
enum Happening {
    /// Something may have changed at these paths.
    Changed(Vec<PathBuf>),
    /// Events were lost: anything may have changed.
    Lost,
    /// The user has seen enough.
    Stop,
}

/// Builds until Ctrl-C.
pub(super) fn run(args: &Args) -> Result<(), CommandError> {
    only_folders(&args.paths)?;
    let (send, happenings) = channel();
    stop_on_signal(send.clone())?;
    let output = args.output.as_deref().and_then(|output| std::path::absolute(output).ok());
    let mut first = true;
    let build = || {
        let attempts = several::each(&args.paths, |path| attempt(args, path));
        let mut read = BTreeSet::new();
        let results: Result<Vec<_>, _> = args
            .paths
            .iter()
            .zip(attempts)
            .map(|(path, attempt)| {
                let attempt = attempt.inspect_err(|_| read.extend(std::path::absolute(path)))?;
                read.extend(attempt.read_set.iter().map(|path| Path::new("/").join(path)));
                attempt.result.map_err(|error| super::told(&error))
            })
            .collect();
        // Otherwise each build would be the reason for the next one.
        read.retain(|path| output.as_ref().is_none_or(|output| !path.starts_with(output)));
        let delivered = results.and_then(|builds| {
            if !first && args.output.is_none() {
                std::io::stdout().write_all(b"---\n")?;
            }
            first = false;
            super::deliver(args, &builds)
        });
        if let Err(error) = &delivered {
            // The code is that of a program which ends; this one does not.
            let _ = error.report();
        }
        (read, delivered.is_err_and(|error| error.is_broken_pipe()))
    };
    follow(build, &mut Folders::new(send), &happenings);
    Ok(())
}

/// What lies elsewhere does not tell when it changes. (Remote bases of a folder that is watched are fetched anew by each build.)
fn only_folders(paths: &[String]) -> Result<(), CommandError> {
    let elsewhere = |path: &&String| super::is_address(Path::new(path)) && !Path::new(path).exists();
    let Some(url) = paths.iter().find(elsewhere) else { return Ok(()) };
    let hint = match Repository::parse(url) {
        Ok(repository) => format!("`git clone {}`, then watch the folder {}in the clone", repository.url, folder(&repository.path)),
        Err(_) => "name it in the resources of a kustomization, and watch that one's folder".to_owned(),
    };
    Err(CommandError::usage(format!("{url} is elsewhere; only folders of this machine can be watched")).hint(hint))
}

fn folder(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path} ") }
}

fn attempt(args: &Args, path: &str) -> Result<Attempt, CommandError> {
    let (files, path) = super::locate(Path::new(path))?;
    Ok(fiel_renderer::attempt(&files, &path, &args.flags.options(), &args.flags.world()))
}

/// Tells of Ctrl-C and SIGTERM. A build that runs is ended by the second one only.
fn stop_on_signal(send: Sender<Happening>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(super::super::shutdown_signal());
        // Nobody listens any more when the program ends by itself.
        drop(send.send(Happening::Stop));
        runtime.block_on(super::super::shutdown_signal());
        std::process::exit(130);
    });
    Ok(())
}

/// Builds again and again: `build` gives what it read, and whether nobody wants more.
fn follow(mut build: impl FnMut() -> (BTreeSet<PathBuf>, bool), folders: &mut Folders, happenings: &Receiver<Happening>) {
    loop {
        let began = SystemTime::now();
        let (read, unwanted) = build();
        // What changed between being read and being watched is told by its time.
        let missed = folders.watch(&read) && changed_since(&read, began);
        if unwanted || (!missed && !wait(&read, folders, happenings)) {
            return;
        }
    }
}

/// Waits for a change that matters and for the quiet after it; false when it is time to end.
fn wait(read: &BTreeSet<PathBuf>, folders: &mut Folders, happenings: &Receiver<Happening>) -> bool {
    let mut since: Option<Instant> = None;
    loop {
        let happening = match since {
            None => happenings.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) if since.elapsed() > PATIENCE => return true,
            Some(_) => happenings.recv_timeout(QUIET),
        };
        match happening {
            Ok(Happening::Changed(paths)) => {
                folders.forget(&paths);
                if paths.iter().any(|path| concerns(read, path)) {
                    since.get_or_insert_with(Instant::now);
                }
            }
            Ok(Happening::Lost) => {
                since.get_or_insert_with(Instant::now);
            }
            Ok(Happening::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
        }
    }
}

/// Whether a change at a path may change a build that read those: it is one of them, lies in one of them, or holds one of them.
fn concerns(read: &BTreeSet<PathBuf>, path: &Path) -> bool {
    let within = path.ancestors().any(|above| read.contains(above));
    within || read.range(path.to_owned()..).next().is_some_and(|next| next.starts_with(path))
}

/// Whether one of the paths, or the folder in which one is missing, has changed since then.
fn changed_since(read: &BTreeSet<PathBuf>, then: SystemTime) -> bool {
    let then = then.checked_sub(GRAIN).unwrap_or(then);
    read.iter().any(|path| {
        let found = std::fs::metadata(path).or_else(|_| std::fs::metadata(path.parent().unwrap_or(path)));
        found.and_then(|found| found.modified()).is_ok_and(|modified| modified >= then)
    })
}

/// The folders that must be watched to learn of changes at those paths, and whether with all that is in them.
fn to_watch(read: &BTreeSet<PathBuf>, is_folder: impl Fn(&Path) -> bool) -> BTreeMap<PathBuf, bool> {
    let mut out = BTreeMap::new();
    for path in read {
        if is_folder(path) {
            out.insert(path.clone(), true);
        }
        // A file that is replaced is another one: only its folder knows.
        if let Some(folder) = path.ancestors().skip(1).find(|folder| is_folder(folder)) {
            out.entry(folder.to_owned()).or_insert(false);
        }
    }
    out
}

/// What is watched.
struct Folders {
    watcher: Option<Box<dyn Watcher + Send>>,
    watched: BTreeMap<PathBuf, bool>,
}

impl Folders {
    /// Nothing yet. The system tells what changes where it can, otherwise files are looked at every second.
    fn new(send: Sender<Happening>) -> Self {
        let system = notify::recommended_watcher(handler(send.clone())).map(|watcher| Box::new(watcher) as Box<dyn Watcher + Send>);
        let config = notify::Config::default().with_poll_interval(POLL);
        let watcher = system.or_else(|_| notify::PollWatcher::new(handler(send), config).map(|watcher| Box::new(watcher) as _));
        Self { watcher: watcher.ok(), watched: BTreeMap::new() }
    }

    /// Watches what that build read; tells whether some of it was not watched before.
    fn watch(&mut self, read: &BTreeSet<PathBuf>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let wanted = to_watch(read, Path::is_dir);
        self.watched.retain(|path, all| {
            let keep = wanted.get(path) == Some(all);
            if !keep {
                // It may have gone already.
                drop(watcher.unwatch(path));
            }
            keep
        });
        let before = self.watched.len();
        for (path, all) in wanted {
            let mode = if all { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            if !self.watched.contains_key(&path) && watcher.watch(&path, mode).is_ok() {
                self.watched.insert(path, all);
            }
        }
        self.watched.len() > before
    }

    /// A folder that was removed or made anew is not watched any more.
    fn forget(&mut self, paths: &[PathBuf]) {
        self.watched.retain(|path, _| !paths.contains(path));
    }
}

/// Hands events on; those of mere reading are none.
fn handler(send: Sender<Happening>) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    move |event| {
        let happening = match event {
            Ok(event) if event.need_rescan() => Happening::Lost,
            Ok(event) => match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => Happening::Changed(event.paths),
                EventKind::Access(_) => return,
                _ => Happening::Changed(event.paths),
            },
            Err(_) => Happening::Lost,
        };
        // Nobody listens any more when the program ends.
        drop(send.send(happening));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_change_concerns_a_build_that_read_it_something_in_it_or_around_it() {
        let read = paths(&["/w/app/kustomization.yaml", "/w/app/missing.yaml", "/w/base", "/w/charts/web"]);
        for yes in
            ["/w/app/kustomization.yaml", "/w/app/missing.yaml", "/w/app", "/w", "/", "/w/base", "/w/base/x.yaml", "/w/charts/web/a/b"]
        {
            assert!(concerns(&read, Path::new(yes)), "{yes}");
        }
        for no in ["/w/app/other.yaml", "/w/app/kustomization.yaml~", "/w/basement", "/w/charts/other/a", "/x", "/w/app/kustomization"] {
            assert!(!concerns(&read, Path::new(no)), "{no}");
        }
        assert!(!concerns(&BTreeSet::new(), Path::new("/")));
    }

    #[test]
    fn the_nearest_folders_are_watched_and_charts_with_all_that_is_in_them() {
        let is_folder = |path: &Path| ["/", "/w", "/w/app", "/w/charts", "/w/charts/web"].iter().any(|folder| path == Path::new(folder));
        let read = paths(&["/w/app/a.yaml", "/w/app/b.yaml", "/w/gone/deep/c.yaml", "/w/charts/web", "/w/charts/web/values.yaml"]);
        let found = to_watch(&read, is_folder);
        let expected = [("/w", false), ("/w/app", false), ("/w/charts", false), ("/w/charts/web", true)];
        assert_eq!(found, expected.map(|(path, all)| (PathBuf::from(path), all)).into());
    }

    #[test]
    fn a_burst_of_changes_is_one_and_others_do_not_count() {
        let (send, happenings) = channel();
        let mut folders = Folders { watcher: None, watched: BTreeMap::new() };
        let read = paths(&["/a"]);
        for path in ["/b", "/a", "/a", "/b"] {
            send.send(Happening::Changed(vec![path.into()])).unwrap();
        }
        assert!(wait(&read, &mut folders, &happenings));
        assert!(happenings.try_recv().is_err());
        send.send(Happening::Lost).unwrap();
        assert!(wait(&read, &mut folders, &happenings));
        send.send(Happening::Changed(vec!["/b".into()])).unwrap();
        send.send(Happening::Stop).unwrap();
        assert!(!wait(&read, &mut folders, &happenings));
    }

    #[test]
    fn what_lies_elsewhere_is_refused_with_a_way_out() {
        let told = |path: &str| only_folders(&[".".to_owned(), path.to_owned()]).map_err(|error| format!("{error:?}"));
        assert!(told("overlays/prod").is_ok());
        let error = told("https://host.example/org/repo//prod?ref=v1").expect_err("a repository");
        assert!(error.contains("only folders of this machine can be watched"), "{error}");
        assert!(error.contains("`git clone https://host.example/org/repo`, then watch the folder prod in the clone"), "{error}");
        assert!(told("git@host.example:org/repo").expect_err("a repository").contains("then watch the folder in the clone"));
        let error = told("https://host.example/x.yaml").expect_err("a file");
        assert!(error.contains("https://host.example/x.yaml is elsewhere") && error.contains("resources of a kustomization"), "{error}");
    }

    /// With the real file system: a broken file is mended, and what was missing appears.
    #[test]
    fn builds_follow_the_files() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        write("kustomization.yaml", "resources: [a.yaml]\n");
        let (send, happenings) = channel();
        let (built, builds) = channel();
        let mut folders = Folders::new(send.clone());
        let watched = root.clone();
        let thread = std::thread::spawn(move || {
            let build = || {
                let (files, path) = super::super::locate(&watched).unwrap();
                let tried = fiel_renderer::attempt(&files, &path, &fiel_renderer::Options::default(), &fiel_renderer::Closed);
                built.send(tried.result.map(|build| build.to_yaml()).map_err(|error| error.message().to_owned())).unwrap();
                (tried.read_set.iter().map(|path| Path::new("/").join(path)).collect(), false)
            };
            follow(build, &mut folders, &happenings);
        });
        // A change may be built twice, half of it and then all of it.
        let until = |wanted: &dyn Fn(&Result<String, String>) -> bool| {
            let end = Instant::now() + Duration::from_secs(20);
            while !builds.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok_and(|result| wanted(&result)) {
                assert!(Instant::now() < end, "no such build");
            }
        };
        until(&|result| result.as_ref().is_err_and(|error| error.contains("a.yaml does not exist")));
        write("a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n");
        until(&|result| result.as_ref().is_ok_and(|text| text.contains("name: one")));
        write("kustomization.yaml", "resources: [a.yaml, base]\n");
        until(&|result| result.as_ref().is_err_and(|error| error.contains("base does not exist")));
        std::fs::create_dir(root.join("base")).unwrap();
        write("base/kustomization.yaml", "namePrefix: p-\nresources: [b.yaml]\n");
        write("base/b.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: two}}\n");
        until(&|result| result.as_ref().is_ok_and(|text| text.contains("name: p-two")));
        send.send(Happening::Stop).unwrap();
        thread.join().unwrap();
    }
}
