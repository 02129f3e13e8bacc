//! What a simulated node plays, and by which rules.

use std::sync::Arc;
use std::time::Duration;

use super::container::{Life, Ran, Report};
use super::image::repository;
use super::logs::{Logs, RunId};
use super::status::{End, State};
use super::tell::Image;

/// What is played for a container. Built from [`Play::new`]: it runs for ever, and is ready at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Play {
    /// The pulls that fail: so many (none: all of them).
    failing_pulls: Option<Option<u32>>,
    ready_after: Duration,
    /// How long it runs, and with which exit code it ends.
    ends: Option<(Duration, i32)>,
    evicted_after: Option<Duration>,
}

impl Play {
    /// It runs until it is stopped, and is ready at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It is ready only so long after its start, as behind a readiness probe.
    #[must_use]
    pub fn ready_after(self, delay: Duration) -> Self {
        Self { ready_after: delay, ..self }
    }

    /// It ends by itself after so long, with that exit code; whether it is started again, its Pod's restart policy says.
    #[must_use]
    pub fn ends_after(self, time: Duration, exit_code: i32) -> Self {
        Self { ends: Some((time, exit_code)), ..self }
    }

    /// Its image can never be pulled.
    #[must_use]
    pub fn unpullable(self) -> Self {
        Self { failing_pulls: Some(None), ..self }
    }

    /// Its image can be pulled only after so many pulls have failed.
    #[must_use]
    pub fn pulled_after(self, failures: u32) -> Self {
        Self { failing_pulls: Some(Some(failures)), ..self }
    }

    /// Its Pod is evicted so long after the container's start, for want of memory.
    #[must_use]
    pub fn evicted_after(self, time: Duration) -> Self {
        Self { evicted_after: Some(time), ..self }
    }
}

/// Why a text says nothing that can be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is none of runs:TIME, exits:CODE, ready:TIME, unpullable, evicted:TIME (a TIME is 30s or 5m)")]
pub struct NotAPlay(String);

impl std::str::FromStr for Play {
    type Err = NotAPlay;

    /// Reads `runs:30s,exits:1,ready:5s,unpullable,evicted:10m`, or some of it. What only runs for a time ends with code 0.
    fn from_str(text: &str) -> Result<Self, NotAPlay> {
        let mut play = Self::new();
        for part in text.split(',') {
            let wrong = || NotAPlay(part.to_owned());
            let (what, value) = part.split_once(':').unwrap_or((part, ""));
            let time = || value.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok()).ok_or_else(wrong);
            let (runs, code) = play.ends.unwrap_or_default();
            play = match what {
                "runs" => play.ends_after(time()?, code),
                "exits" => play.ends_after(runs, value.parse().map_err(|_| wrong())?),
                "ready" => play.ready_after(time()?),
                "unpullable" if value.is_empty() => play.unpullable(),
                "evicted" => play.evicted_after(time()?),
                _ => return Err(wrong()),
            };
        }
        Ok(play)
    }
}

/// A container that a rule is asked about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ContainerRef<'a> {
    /// The Pod's namespace.
    pub namespace: &'a str,
    /// The Pod's name.
    pub pod: &'a str,
    /// The container's name.
    pub name: &'a str,
    /// Its image, as the Pod says it.
    pub image: &'a str,
}

type Rule = Arc<dyn Fn(&ContainerRef<'_>) -> Option<Play> + Send + Sync>;

/// Which container plays what: the first rule that says something counts.
#[derive(Clone, Default)]
pub struct Rules(Vec<Rule>);

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("count", &self.0.len()).finish()
    }
}

impl Rules {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also what a function says; nothing where it has none to say.
    #[must_use]
    pub fn by(mut self, rule: impl Fn(&ContainerRef<'_>) -> Option<Play> + Send + Sync + 'static) -> Self {
        self.0.push(Arc::new(rule));
        self
    }

    /// Also this for every container whose image has the repository, or is exactly this image.
    #[must_use]
    pub fn image(self, image: impl Into<String>, play: Play) -> Self {
        let image = image.into();
        self.by(move |container| (container.image == image || repository(container.image) == image).then(|| play.clone()))
    }

    /// Also this for every container of the Pod with that name, in whichever namespace.
    #[must_use]
    pub fn pod(self, name: impl Into<String>, play: Play) -> Self {
        let name = name.into();
        self.by(move |container| (container.pod == name).then(|| play.clone()))
    }

    /// Also this for every other container.
    #[must_use]
    pub fn any(self, play: Play) -> Self {
        self.by(move |_| Some(play.clone()))
    }

    fn find(&self, container: &ContainerRef<'_>) -> Option<Play> {
        self.0.iter().find_map(|rule| rule(container))
    }
}

/// The empty log of a run; its end is the run's.
struct Open(Logs, RunId);

impl Open {
    fn begin(logs: &Logs, run: RunId) -> Self {
        logs.begin(&run);
        Self(logs.clone(), run)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end(&self.1);
    }
}

impl Life {
    /// Plays one run.
    pub(super) async fn play(&mut self, rules: &Rules) -> Ran {
        let play = self.role(rules);
        // What was pulled once is there.
        let mut image = Image::Present;
        if let Some(times) = play.failing_pulls.filter(|_| self.now.run == 0) {
            image = Image::Fetched;
            let why = format!("failed to pull and unpack image \"{}\": not found", self.text("image"));
            if self.cannot_pull(&why, times).await {
                return Ran::Stopped;
            }
        }
        self.tell_image(image, 0);
        let started = self.time();
        self.tell_begun();
        // It writes nothing, but who follows its log waits for its end.
        let _log = Open::begin(&self.context.options.logs, self.next_run());
        self.now.run += 1;
        let end = |code, finished| {
            let reason = if code == 0 { "Completed" } else { "Error" };
            End { code, signal: None, reason, message: None, started, finished }
        };
        if let Some((time, code)) = play.ends.filter(|(time, _)| time.is_zero()) {
            let finished = started + jiff::SignedDuration::try_from(time).unwrap_or_default();
            self.ended(end(code, finished));
            return Ran::Ended;
        }
        self.now.state = State::Running { since: started };
        self.now.ready = play.ready_after.is_zero();
        self.report();
        let after = |delay: Option<Duration>| async move {
            match delay {
                Some(delay) => tokio::time::sleep(delay).await,
                None => std::future::pending().await,
            }
        };
        let mut stop = self.stop.clone();
        let ready = after((!self.now.ready).then_some(play.ready_after));
        let (ends, evicted) = (after(play.ends.map(|(time, _)| time)), after(play.evicted_after));
        tokio::pin!(ready, ends, evicted);
        loop {
            tokio::select! {
                grace = super::container::told(&mut stop) => {
                    self.tell_stopping();
                    // Who is given no time is killed.
                    let code = if grace.is_zero() { 137 } else { 0 };
                    self.ended(end(code, self.time()));
                    return Ran::Stopped;
                }
                () = &mut ready, if !self.now.ready => {
                    self.now.ready = true;
                    self.report();
                }
                () = &mut ends => {
                    let code = play.ends.map_or(0, |(_, code)| code);
                    self.ended(end(code, self.time()));
                    return Ran::Ended;
                }
                () = &mut evicted => {
                    self.tell_stopping();
                    self.ended(end(137, self.time()));
                    let why = "The node was low on resource: memory. ".to_owned();
                    let report = Report { index: self.index, container: self.now.clone(), ports: self.ports.clone(), evicted: Some(why) };
                    // Nobody listens any more once the Pod is gone.
                    drop(self.reports.send(report));
                    return Ran::Stopped;
                }
            }
        }
    }

    /// What this container plays.
    fn role(&self, rules: &Rules) -> Play {
        let metadata = &self.pod.metadata;
        let container = ContainerRef {
            namespace: metadata.namespace.as_deref().unwrap_or_default(),
            pod: metadata.name.as_deref().unwrap_or_default(),
            name: self.text("name"),
            image: self.text("image"),
        };
        let by_itself = || if self.restart_policy() == "Always" { Play::new() } else { Play::new().ends_after(Duration::ZERO, 0) };
        rules.find(&container).unwrap_or_else(by_itself)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plays_are_read_from_text() {
        let seconds = Duration::from_secs;
        let read = |text: &str| text.parse::<Play>();
        assert_eq!(read("runs:30s"), Ok(Play::new().ends_after(seconds(30), 0)));
        assert_eq!(read("exits:3,runs:1m,ready:5s"), Ok(Play::new().ends_after(seconds(60), 3).ready_after(seconds(5))));
        assert_eq!(read("unpullable"), Ok(Play::new().unpullable()));
        assert_eq!(read("evicted:10s"), Ok(Play::new().evicted_after(seconds(10))));
        for wrong in ["", "runs", "runs:-1s", "exits:x", "sleeps:1s", "unpullable:2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_rule_that_says_something_counts() {
        let crashes = Play::new().ends_after(Duration::ZERO, 1);
        let rules = Rules::new()
            .pod("web-0", Play::new().unpullable())
            .image("registry:5000/web", crashes.clone())
            .by(|container| (container.namespace == "slow").then(|| Play::new().ready_after(Duration::from_secs(1))));
        let find = |namespace, pod, image| rules.find(&ContainerRef { namespace, pod, name: "c", image });
        assert_eq!(find("a", "web-0", "registry:5000/web:1"), Some(Play::new().unpullable()));
        assert_eq!(find("a", "web-1", "registry:5000/web:1"), Some(crashes.clone()));
        assert_eq!(find("slow", "web-1", "registry:5000/web"), Some(crashes));
        assert_eq!(find("slow", "other", "other"), Some(Play::new().ready_after(Duration::from_secs(1))));
        assert_eq!(find("a", "other", "registry:5000/webs"), None);
    }
}
