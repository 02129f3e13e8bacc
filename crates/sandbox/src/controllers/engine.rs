//! One loop that runs all workload controllers on shared watch caches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Clock;
use super::action::{Action, Outcome, is_status};
use super::event::Report;
use super::kind::Kind;
use super::object::Object;
use super::teller::Teller;
use super::world::{Change, Name, World, watch};

/// A controller: which objects it looks after, and what must happen for one of them.
pub(crate) trait Controller: Send + Sync {
    /// The kinds whose changes concern it.
    fn kinds(&self) -> &'static [Kind];

    /// The names of the objects it must look at again when `object` of `kind` changed; asked with the object as it was and as it is.
    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name>;

    /// What must happen now for the object of this name. Nothing but the arguments may be looked at.
    fn decide(&self, world: &World, name: &Name, now: Timestamp) -> Decision;

    /// What there is to tell about an action for the object of this name, with what the API answered or in which words it refused. The world is as it
    /// was before the action.
    fn report(&self, world: &World, name: &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let _ = (world, name, action, answer);
        Vec::new()
    }
}

/// What a controller decided.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decision {
    /// Carried out in this order; the first failure ends it.
    pub(crate) actions: Vec<Action>,
    /// What there is to tell, before the actions.
    pub(crate) reports: Vec<Report>,
    /// To look again after this time even if nothing changes.
    pub(crate) again: Option<Duration>,
}

impl Decision {
    /// Whether there is something to do, and all of it is to count.
    fn only_counts(&self) -> bool {
        self.reports.is_empty() && !self.actions.is_empty() && self.actions.iter().all(Action::counts)
    }
}

impl From<Vec<Action>> for Decision {
    fn from(actions: Vec<Action>) -> Self {
        Self { actions, ..Self::default() }
    }
}

/// The shortest and the longest delay before something that failed is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(30));

/// How long Pods are not counted after a change: one change brings others, and what is counted after all of them is written once.
const REST: Duration = Duration::from_millis(1);

/// Which controller, which object.
type Item = (usize, Name);

/// What is to be looked at, and when.
#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<Item>,
    queued: BTreeSet<Item>,
    /// Nothing is to be done for them but to count, then; in the order of time.
    resting: VecDeque<(Instant, Item)>,
    rests: BTreeSet<Item>,
    due: BTreeMap<Item, Instant>,
    failures: BTreeMap<Item, u32>,
}

impl Queue {
    fn push(&mut self, item: Item) {
        if self.queued.insert(item.clone()) {
            self.ready.push_back(item);
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.ready.pop_front()?;
        self.queued.remove(&item);
        Some(item)
    }

    /// Looks at the item again when it has rested. What failed rests between its tries already.
    fn rest(&mut self, item: &Item, now: Instant) -> bool {
        let rests = !self.failures.contains_key(item);
        if rests && self.rests.insert(item.clone()) {
            self.resting.push_back((now + REST, item.clone()));
        }
        rests
    }

    /// An item that has rested.
    fn rested(&mut self, now: Instant) -> Option<Item> {
        self.resting.front().filter(|(until, _)| *until <= now)?;
        let (_, item) = self.resting.pop_front()?;
        self.rests.remove(&item);
        Some(item)
    }

    /// When the next delay is over.
    fn next(&self) -> Option<Instant> {
        self.due.values().chain(self.resting.front().map(|(until, _)| until)).min().copied()
    }

    fn wake(&mut self, now: Instant) {
        let woken: Vec<Item> = self.due.iter().filter(|(_, at)| **at <= now).map(|(item, _)| item.clone()).collect();
        for item in woken {
            self.due.remove(&item);
            self.push(item);
        }
    }

    /// Remembers how looking at the item went.
    fn done(&mut self, item: Item, failed: bool, again: Option<Duration>, now: Instant) {
        let delay = if failed {
            let count = self.failures.entry(item.clone()).or_default();
            *count += 1;
            Some(RETRY.0.saturating_mul(1 << (*count - 1).min(16)).min(RETRY.1))
        } else {
            self.failures.remove(&item);
            again
        };
        match delay {
            Some(delay) => self.due.insert(item, now + delay),
            None => self.due.remove(&item),
        };
    }
}

/// Runs the controllers; ends only by being dropped.
pub(crate) async fn run(client: kube::Client, controllers: Vec<Box<dyn Controller>>, clock: Clock, teller: Teller) {
    let kinds: BTreeSet<Kind> = controllers.iter().flat_map(|controller| controller.kinds()).copied().collect();
    let kinds: Vec<Kind> = kinds.into_iter().collect();
    let mut events = watch(&client, &kinds);
    let mut world = World::default();
    let mut queue = Queue::default();
    loop {
        // All news first: decisions on the newest state are the fewest.
        while let Some(Some((kind, event))) = futures::FutureExt::now_or_never(events.next()) {
            let changes = world.take(kind, event);
            enqueue(&world, &controllers, &changes, &mut queue);
        }
        let now = Instant::now();
        queue.wake(now);
        let next =
            world.is_synced(&kinds).then(|| queue.rested(now).map(|item| (item, true)).or_else(|| queue.pop().map(|item| (item, false))));
        let Some((item, rested)) = next.flatten() else {
            let next = queue.next();
            tokio::select! {
                event = events.next() => if let Some((kind, event)) = event {
                    let changes = world.take(kind, event);
                    enqueue(&world, &controllers, &changes, &mut queue);
                },
                () = async { if let Some(at) = next { tokio::time::sleep_until(at).await } else { std::future::pending().await } } => {}
            }
            continue;
        };
        let decision = controllers[item.0].decide(&world, &item.1, clock());
        if !rested && decision.only_counts() && queue.rest(&item, now) {
            tokio::task::yield_now().await;
            continue;
        }
        decision.reports.into_iter().for_each(|report| teller.tell(report));
        let tell = |world: &World, action: &Action, answer: Result<&Outcome, &str>| {
            controllers[item.0].report(world, &item.1, action, answer).into_iter().for_each(|report| teller.tell(report));
        };
        let mut failed = false;
        for action in decision.actions {
            match action.carry_out(&client).await {
                Ok(outcome) => {
                    tell(&world, &action, Ok(&outcome));
                    let change = match outcome {
                        Outcome::Now(kind, object) => world.put(kind, *object),
                        Outcome::Gone(kind, name, uid) | Outcome::Absent(kind, name, uid) => world.remove(kind, &name, &uid),
                    };
                    enqueue(&world, &controllers, change.as_slice(), &mut queue);
                }
                Err(error) => {
                    failed = true;
                    if !is_nobodys_fault(&error) {
                        tell(&world, &action, Err(&error_text(&error)));
                    }
                    // Others changed it or deleted it meanwhile: the watch will tell.
                    if is_status(&error, 409) || is_status(&error, 404) {
                        tracing::debug!(?action, %error, "the world has moved on, looking again");
                    } else {
                        tracing::warn!(?action, %error, "refused, trying again later");
                    }
                    break;
                }
            }
        }
        queue.done(item, failed, decision.again, Instant::now());
        // Lets the API and the watches run also on a runtime with one thread.
        tokio::task::yield_now().await;
    }
}

/// Whether something could not be made because it is there already, or its namespace is going, or others were quicker: nobody needs to be told.
fn is_nobodys_fault(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    matches!(status.reason.as_str(), "AlreadyExists" | "Conflict") || causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// A refusal in the API's own words.
fn error_text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Queues whatever the changes touch.
fn enqueue(world: &World, controllers: &[Box<dyn Controller>], changes: &[Change], queue: &mut Queue) {
    for change in changes {
        for (index, controller) in controllers.iter().enumerate() {
            if controller.kinds().contains(&change.kind) {
                for object in [&change.before, &change.after].into_iter().flatten() {
                    for name in controller.touched(world, change.kind, object) {
                        queue.push((index, name));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_each_time_up_to_a_limit() {
        let mut queue = Queue::default();
        let item: Item = (0, ("a".to_owned(), "b".to_owned()));
        let now = Instant::now();
        let mut delays = Vec::new();
        for _ in 0..20 {
            queue.done(item.clone(), true, None, now);
            delays.push(queue.next().expect("it waits").duration_since(now));
        }
        assert_eq!(&delays[..3], &[Duration::from_millis(5), Duration::from_millis(10), Duration::from_millis(20)]);
        assert_eq!(delays[19], RETRY.1);
        queue.done(item.clone(), false, None, now);
        assert_eq!(queue.next(), None, "success ends the waiting");
        queue.push(item.clone());
        queue.push(item.clone());
        assert_eq!((queue.pop(), queue.pop()), (Some(item), None), "nothing is queued twice");
    }

    #[test]
    fn what_rests_rests_once_unless_it_failed() {
        let mut queue = Queue::default();
        let item = |name: &str| -> Item { (0, ("a".to_owned(), name.to_owned())) };
        let now = Instant::now();
        assert!(queue.rest(&item("b"), now) && queue.rest(&item("b"), now + REST / 2));
        assert_eq!((queue.next(), queue.rested(now)), (Some(now + REST), None));
        assert_eq!((queue.rested(now + REST), queue.rested(now + REST * 2)), (Some(item("b")), None), "more news do not put it off");
        queue.done(item("c"), true, None, now);
        assert!(!queue.rest(&item("c"), now), "its delays would not grow");
    }
}
