//! The life of one container: started, probed, restarted, stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::env::{self, Source, Sources};
use super::logs::RunId;
use super::probe::{Probe, Record};
use super::process::{Process, code};
use super::status::{Container, End, State};
use super::tell::Image;
use super::{Context, Images, Mode};
use crate::controllers::Object;

/// The first delay before a restart; it doubles with each, up to the second, and begins anew after a run of the third.
const BACKOFF: (Duration, Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300), Duration::from_secs(600));
/// The first and the longest delay before a failed start is tried again.
const PULL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));
const CONFIG: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// What a container's task reports.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) index: usize,
    pub(super) container: Container,
    /// The ports of the container and what stands for them on loopback.
    pub(super) ports: BTreeMap<u16, u16>,
    /// Why the whole Pod must leave the node, if it must.
    pub(super) evicted: Option<String>,
}

/// One container of a Pod.
pub(super) struct Life {
    pub(super) context: Arc<Context>,
    pub(super) pod: Arc<Object>,
    pub(super) index: usize,
    pub(super) spec: Value,
    pub(super) pod_ip: String,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    /// Set once: to stop, with this time of grace.
    pub(super) stop: watch::Receiver<Option<Duration>>,
    pub(super) now: Container,
    pub(super) ports: BTreeMap<u16, u16>,
}

/// How one run ended.
pub(super) enum Ran {
    /// It was told to.
    Stopped,
    /// By itself, or because it was not well any more.
    Ended,
}

impl Life {
    /// Runs it again and again, as its Pod's restart policy says, until it is told to stop.
    pub(super) async fn run(mut self) {
        let mode = self.context.options.mode.clone();
        let mut crashes = 0_u32;
        loop {
            let began = Instant::now();
            let ran = match &mode {
                Mode::Simulated(rules) => self.play(rules).await,
                Mode::Processes(images) => self.once(images).await,
            };
            let (Ran::Ended, State::Ended(end)) = (ran, self.now.state.clone()) else { return };
            let policy = self.restart_policy();
            if policy == "Never" || policy == "OnFailure" && end.code == 0 {
                return;
            }
            if began.elapsed() >= BACKOFF.2 {
                crashes = 0;
            }
            self.now.last = Some(end);
            // The first restart is immediate, as a kubelet's.
            if crashes > 0 {
                let delay = BACKOFF.0.saturating_mul(1 << (crashes - 1).min(16)).min(BACKOFF.1);
                let message =
                    format!("back-off {} restarting failed container={} pod={}", go(delay), self.text("name"), full_name(&self.pod));
                self.warn("BackOff", format!("Back-off restarting failed container {} in pod {}", self.text("name"), full_name(&self.pod)));
                self.wait_for("CrashLoopBackOff", Some(message));
                if self.pause(delay).await {
                    return;
                }
            }
            crashes += 1;
            self.now.restarts += 1;
        }
    }

    pub(super) fn restart_policy(&self) -> &str {
        self.pod.at("/spec/restartPolicy").and_then(Value::as_str).unwrap_or("Always")
    }

    pub(super) fn time(&self) -> Timestamp {
        (self.context.clock)()
    }

    pub(super) fn text(&self, field: &str) -> &str {
        self.spec[field].as_str().unwrap_or_default()
    }

    pub(super) fn report(&self) {
        let report = Report { index: self.index, container: self.now.clone(), ports: self.ports.clone(), evicted: None };
        // Nobody listens any more once the Pod is gone.
        drop(self.reports.send(report));
    }

    pub(super) fn wait_for(&mut self, reason: &'static str, message: Option<String>) {
        self.now.state = State::Waiting { reason, message };
        self.now.ready = false;
        self.report();
    }

    pub(super) fn ended(&mut self, end: End) {
        self.now.state = State::Ended(end);
        self.now.ready = false;
        self.report();
    }

    /// Waits until told to stop.
    pub(super) async fn stopped(&mut self) -> Duration {
        told(&mut self.stop).await
    }

    /// Sleeps; true if told to stop meanwhile.
    pub(super) async fn pause(&mut self, time: Duration) -> bool {
        tokio::select! {
            _ = self.stopped() => true,
            () = tokio::time::sleep(time) => false,
        }
    }

    /// Tries in vain to pull the image, so many times (none: for ever), in growing intervals; true if told to stop meanwhile.
    pub(super) async fn cannot_pull(&mut self, why: &str, times: Option<u32>) -> bool {
        let image = self.text("image").to_owned();
        let mut delay = PULL.0;
        let mut left = times;
        while left != Some(0) {
            left = left.map(|left| left - 1);
            self.tell("Pulling", format!("Pulling image \"{image}\""));
            self.warn("Failed", format!("Failed to pull image \"{image}\": {why}"));
            self.warn("Failed", "Error: ErrImagePull");
            self.wait_for("ErrImagePull", Some(why.to_owned()));
            if self.pause(delay).await {
                return true;
            }
            self.tell("BackOff", format!("Back-off pulling image \"{image}\""));
            self.warn("Failed", "Error: ImagePullBackOff");
            self.wait_for("ImagePullBackOff", Some(format!("Back-off pulling image \"{image}\": ErrImagePull: {why}")));
            if self.pause(delay).await {
                return true;
            }
            delay = (delay * 2).min(PULL.1);
        }
        false
    }

    /// Prepares a run until everything is there, and runs the program once.
    async fn once(&mut self, images: &Images) -> Ran {
        let image = self.text("image").to_owned();
        let Some((program, tag)) = images.find(&image) else {
            self.cannot_pull(&format!("this node knows no program for the image \"{image}\""), None).await;
            return Ran::Stopped;
        };
        let size = std::fs::metadata(program).map_or(0, |program| program.len());
        let mut delay = CONFIG.0;
        let (mut env, probes) = loop {
            self.tell_image(Image::Present, size);
            match self.configure().await {
                Ok(found) => break found,
                Err(message) => {
                    self.warn("Failed", format!("Error: {message}"));
                    self.wait_for("CreateContainerConfigError", Some(message));
                }
            }
            if self.pause(delay).await {
                return Ran::Stopped;
            }
            delay = (delay * 2).min(CONFIG.1);
        };
        self.ports = match free_ports(&self.spec) {
            Ok(ports) => ports,
            Err(error) => return self.could_not_start(&format!("no free port on loopback: {error}")),
        };
        if let Some(port) = first_port(&self.spec).and_then(|port| self.ports.get(&port)) {
            env.retain(|(name, _)| name != "PORT");
            env.push(("PORT".to_owned(), port.to_string()));
        }
        if !env.iter().any(|(name, _)| name == "COMMIT") {
            env.push(("COMMIT".to_owned(), tag));
        }
        let variables: BTreeMap<String, String> = env.iter().cloned().collect();
        let args: Vec<String> =
            self.spec["args"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|arg| env::expand(arg, &variables)).collect();
        let run = self.next_run();
        let context = self.context.clone();
        self.tell("Created", "Container created");
        match Process::start(program, &args, &env, &run, &context.options.logs, &context.clock) {
            Ok(process) => self.attend(process, probes).await,
            Err(error) => self.could_not_start(&format!("cannot run {}: {error}", program.display())),
        }
    }

    /// What the run that begins now is called.
    pub(super) fn next_run(&self) -> RunId {
        RunId { pod: self.pod.metadata.uid.clone().unwrap_or_default(), container: self.text("name").to_owned(), run: self.now.run + 1 }
    }

    fn could_not_start(&mut self, message: &str) -> Ran {
        self.warn("Failed", format!("Error: {message}"));
        let now = self.time();
        self.now.run += 1;
        self.ended(End { code: 128, signal: None, reason: "StartError", message: Some(message.to_owned()), started: now, finished: now });
        Ran::Ended
    }

    /// The environment and the probes; an error says what is missing or not supported.
    async fn configure(&self) -> Result<(Vec<(String, String)>, Probes), String> {
        refuse(&self.pod, &self.spec)?;
        let probes = Probes {
            startup: Probe::of(&self.spec, "startupProbe")?,
            readiness: Probe::of(&self.spec, "readinessProbe")?,
            liveness: Probe::of(&self.spec, "livenessProbe")?,
        };
        let sources = self.fetch(env::sources(&self.spec)).await.map_err(|error| error.to_string())?;
        let facts = BTreeMap::from([("status.podIP", self.pod_ip.clone()), ("status.hostIP", "127.0.0.1".to_owned())]);
        Ok((env::resolve(&self.spec, &self.pod, &facts, &sources)?, probes))
    }

    async fn fetch(&self, wanted: BTreeSet<Source>) -> Result<Sources, kube::Error> {
        let namespace = self.pod.metadata.namespace.as_deref().unwrap_or_default();
        let mut found = Sources::new();
        for source in wanted {
            let (kind, plural, name) = match &source {
                Source::ConfigMap(name) => ("ConfigMap", "configmaps", name),
                Source::Secret(name) => ("Secret", "secrets", name),
            };
            let resource = kube::api::ApiResource::from_gvk_with_plural(&kube::core::GroupVersionKind::gvk("", "v1", kind), plural);
            let api: kube::Api<Object> = kube::Api::namespaced_with(self.context.client.clone(), namespace, &resource);
            if let Some(object) = api.get_opt(name).await? {
                let data = env::data(&source, &object);
                found.insert(source, data);
            }
        }
        Ok(found)
    }

    /// Watches over a run until it ends.
    async fn attend(&mut self, mut process: Process, probes: Probes) -> Ran {
        self.tell("Started", "Container started");
        let started = self.time();
        self.now.run += 1;
        self.now.state = State::Running { since: started };
        self.now.ready = probes.startup.is_none() && probes.readiness.is_none();
        self.report();
        let (answers, mut answered) = mpsc::unbounded_channel();
        let mut asking = tokio::task::JoinSet::new();
        asking.spawn(probes.ask(self.ports.clone(), answers));
        let mut stop = self.stop.clone();
        let (status, stopped, unwell) = loop {
            tokio::select! {
                status = process.wait() => break (status, false, false),
                grace = told(&mut stop) => {
                    self.tell_stopping();
                    break (process.stop(grace).await, true, false);
                }
                Some(answer) = answered.recv() => match answer {
                    Answer::Ready(ready) if ready != self.now.ready => {
                        self.now.ready = ready;
                        self.report();
                    }
                    Answer::Ready(_) => {}
                    Answer::Failed(which, why) => self.warn("Unhealthy", format!("{which} probe failed: {why}")),
                    Answer::Unwell(which) => {
                        let and = if self.restart_policy() == "Never" { "" } else { ", will be restarted" };
                        self.tell("Killing", format!("Container {} failed {which} probe{and}", self.text("name")));
                        let grace = self.pod.at("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30);
                        break (process.stop(Duration::from_secs(grace)).await, false, true);
                    }
                },
            }
        };
        asking.shutdown().await;
        let (exit, signal) = status.map_or((255, None), code);
        let exit = if unwell && exit == 0 { 137 } else { exit };
        let reason = if exit == 0 { "Completed" } else { "Error" };
        let message = unwell.then(|| "the liveness probe failed".to_owned());
        let finished = self.time();
        self.ended(End { code: exit, signal, reason, message, started, finished });
        if stopped { Ran::Stopped } else { Ran::Ended }
    }
}

/// A Pod as a kubelet names it in messages.
fn full_name(pod: &Object) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let metadata = &pod.metadata;
    format!("{}_{}({})", text(&metadata.name), text(&metadata.namespace), text(&metadata.uid))
}

/// A delay as Go writes it: `40s`, `1m20s`.
fn go(delay: Duration) -> String {
    match (delay.as_secs() / 60, delay.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// Waits until a container is told to stop, and how long it may take. No one left to tell it is an order too.
pub(super) async fn told(stop: &mut watch::Receiver<Option<Duration>>) -> Duration {
    stop.wait_for(Option::is_some).await.ok().and_then(|grace| *grace).unwrap_or_default()
}

/// The probes of a container.
struct Probes {
    startup: Option<Probe>,
    readiness: Option<Probe>,
    liveness: Option<Probe>,
}

/// What the probes say.
enum Answer {
    Ready(bool),
    /// This probe failed once, and why.
    Failed(&'static str, String),
    /// This one failed too often.
    Unwell(&'static str),
}

impl Probes {
    /// Asks until the container ends: first whether it has started, then both others at their own pace.
    async fn ask(self, ports: BTreeMap<u16, u16>, answers: mpsc::UnboundedSender<Answer>) {
        if let Some(probe) = &self.startup {
            tokio::time::sleep(probe.initial_delay).await;
            let mut failures = Record::new(true);
            let mut asked = 0;
            while let Err(why) = probe.ask(&ports).await {
                // The quick questions at the beginning are a gift, not failures.
                let pause = failures.pause(probe, asked);
                if pause == probe.period {
                    drop(answers.send(Answer::Failed("Startup", why)));
                    if !failures.take(probe, false) {
                        drop(answers.send(Answer::Unwell("startup")));
                        return;
                    }
                }
                asked += 1;
                tokio::time::sleep(pause).await;
            }
            if self.readiness.is_none() {
                drop(answers.send(Answer::Ready(true)));
            }
        }
        let ready = async {
            let Some(probe) = &self.readiness else { return };
            tokio::time::sleep(probe.initial_delay).await;
            let mut record = Record::new(false);
            for asked in 0.. {
                let answer = probe.ask(&ports).await;
                let well = answer.is_ok();
                drop(answers.send(Answer::Ready(record.take(probe, well))));
                let pause = record.pause(probe, asked);
                if let Err(why) = answer
                    && pause == probe.period
                {
                    drop(answers.send(Answer::Failed("Readiness", why)));
                }
                tokio::time::sleep(pause).await;
            }
        };
        let alive = async {
            let Some(probe) = &self.liveness else { return };
            let mut record = Record::new(true);
            tokio::time::sleep(probe.initial_delay.max(probe.period)).await;
            loop {
                let answer = probe.ask(&ports).await;
                let well = answer.is_ok();
                if let Err(why) = answer {
                    drop(answers.send(Answer::Failed("Liveness", why)));
                }
                if !record.take(probe, well) {
                    drop(answers.send(Answer::Unwell("liveness")));
                    return;
                }
                tokio::time::sleep(probe.period).await;
            }
        };
        tokio::join!(ready, alive);
    }
}

/// What a process of this node cannot have.
fn refuse(pod: &Object, spec: &Value) -> Result<(), String> {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    if list("/spec/initContainers").next().is_some() {
        return Err("init containers are not supported by this node".to_owned());
    }
    for mount in spec["volumeMounts"].as_array().into_iter().flatten() {
        let volume = list("/spec/volumes").find(|volume| volume["name"] == mount["name"]);
        let harmless = volume.is_some_and(|volume| volume.get("emptyDir").is_some() || volume.get("projected").is_some());
        if !harmless {
            let name = mount["name"].as_str().unwrap_or_default();
            return Err(format!("volume {name}: files cannot be mounted into a process of this node, only variables can be handed over"));
        }
    }
    Ok(())
}

fn first_port(spec: &Value) -> Option<u16> {
    let ports = spec["ports"].as_array()?;
    ports.first()?["containerPort"].as_u64().and_then(|port| u16::try_from(port).ok())
}

/// A free loopback port for each port of the container. Another process may take one before the container does: then it fails, and is restarted
/// with others.
fn free_ports(spec: &Value) -> std::io::Result<BTreeMap<u16, u16>> {
    let ports = spec["ports"].as_array().into_iter().flatten();
    let ports = ports.filter_map(|port| port["containerPort"].as_u64().and_then(|port| u16::try_from(port).ok()));
    // All are held until all are known, so that no two are the same.
    let held: Vec<(u16, TcpListener)> =
        ports.map(|port| Ok((port, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?))).collect::<std::io::Result<_>>()?;
    held.into_iter().map(|(port, listener)| Ok((port, listener.local_addr()?.port()))).collect()
}
