//! The API without HTTP: each request a function of what is stored and what is asked.
//!
//! One lock is around what is stored. A write holds it where it reads the old object and where it puts the new one; in between, while the new one is
//! made, others have it ([`held`]). If the old one has changed by then, the write begins anew and keeps the lock. Where only one thread works, nobody
//! ever comes in between.

mod addresses;
mod body;
mod commit;
mod components;
mod definitions;
mod delete;
mod expiry;
mod guard;
mod held;
mod managed;
pub(crate) mod meta;
mod operations;
mod options;
mod read;
mod seed;
mod subresource;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use crate::Shared;
use crate::auth::User;
use crate::journal::Journal;
use crate::request::{Query, Target, Verb};
use crate::resource::{Resource, Resources};
use crate::status::ApiError;
use crate::store::Store;
use crate::stored::Shown;
use crate::time;

pub(crate) use body::{Body, places};
pub(crate) use expiry::{expire, expires};
pub(crate) use held::Held;
pub(crate) use read::{Page, in_version, list};

/// The whole state of a cluster.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) resources: Resources,
    pub(crate) clock: crate::Clock,
    random: Random,
    /// Requests that could have changed something, by user agent.
    pub(crate) writes: BTreeMap<String, u64>,
    /// Whether roles decide who may do what.
    pub(crate) rbac: bool,
    /// Who bears which token, and until when.
    tokens: BTreeMap<String, Token>,
    /// Which events go when.
    expiry: expiry::Expiry,
}

/// Whom a token stands for, where, and how long.
struct Token {
    user: User,
    /// Who may take it for good; none: everybody.
    audiences: Option<Vec<String>>,
    until: Option<jiff::Timestamp>,
}

/// For whom tokens are made that name no one else: the API itself.
pub(crate) const AUDIENCE: &str = "https://kubernetes.default.svc";

/// What one request asks, taken apart.
pub(crate) struct Ask<'a> {
    pub(crate) verb: Verb,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) resource: Arc<Resource>,
    pub(crate) body: &'a [u8],
    pub(crate) content_type: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) user: &'a User,
}

/// What a request is answered with.
pub(crate) type Answer = Result<(StatusCode, Shown), ApiError>;

/// A request that was carried out.
pub(crate) struct Done {
    pub(crate) answer: Answer,
    pub(crate) warnings: Vec<String>,
}

/// Carries out everything but watches.
pub(crate) fn carry_out(shared: &Shared, ask: &Ask<'_>) -> Done {
    let done = finished(Held::shared(shared), ask);
    let again = done.answer.as_ref().is_err_and(|error| error.again);
    if again { finished(Held::steady(&mut shared.core()), ask) } else { done }
}

fn finished(mut held: Held<'_>, ask: &Ask<'_>) -> Done {
    let answer = held.carry_out(ask);
    Done { answer, warnings: held.warnings }
}

impl Core {
    /// A cluster that holds only what every cluster has.
    pub(crate) fn new(clock: crate::Clock, seed: u64, rbac: bool) -> Self {
        let mut core = Self {
            store: Store::new(),
            resources: Resources::new(std::iter::empty()),
            clock,
            random: Random(seed),
            writes: BTreeMap::new(),
            rbac,
            tokens: BTreeMap::new(),
            expiry: expiry::Expiry::default(),
        };
        seed::plant(&mut core);
        core
    }

    /// A cluster that is kept in a folder.
    pub(crate) fn open(clock: crate::Clock, seed: u64, rbac: bool, folder: &std::path::Path) -> std::io::Result<Self> {
        let mut store = Store::new();
        let journal = Journal::open(folder, &mut store)?;
        store.keep_in(journal);
        // Chance must not repeat what it gave out before.
        let random = Random(seed ^ store.revision());
        let mut core = Self {
            store,
            resources: Resources::new(std::iter::empty()),
            clock,
            random,
            writes: BTreeMap::new(),
            rbac,
            tokens: BTreeMap::new(),
            expiry: expiry::Expiry::default(),
        };
        seed::plant(&mut core);
        definitions::reload(&mut core);
        expiry::restart(&mut core);
        Ok(core)
    }

    /// Remembers who bears a token, for whom (none: for everybody), and until when (none: for ever).
    pub(crate) fn know(&mut self, token: String, user: User, audiences: Option<Vec<String>>, until: Option<jiff::Timestamp>) {
        self.tokens.insert(token, Token { user, audiences, until });
    }

    /// Who bears that token, for the API.
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        self.bearer(token, &[AUDIENCE.to_owned()]).map(|(user, _)| user)
    }

    /// Who bears that token, and for whom of those who ask it is made; nobody if for none of them.
    pub(crate) fn bearer(&self, token: &str, asking: &[String]) -> Option<(User, Vec<String>)> {
        let token = self.tokens.get(token)?;
        let mut audiences = asking.to_vec();
        audiences.retain(|one| token.audiences.as_ref().is_none_or(|made_for| made_for.contains(one)));
        let lives = token.until.is_none_or(|until| until > (self.clock)());
        (lives && !audiences.is_empty()).then(|| (token.user.clone(), audiences))
    }

    /// The time as objects hold it.
    fn now(&self) -> String {
        time::seconds((self.clock)())
    }

    /// Fails when writes can no longer be kept on disk.
    fn kept(&self) -> Result<(), ApiError> {
        self.store.broken().map_or(Ok(()), |broken| {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", format!("nothing can be kept any more: {broken}")))
        })
    }
}

impl Held<'_> {
    fn carry_out(&mut self, ask: &Ask<'_>) -> Answer {
        if !ask.verb.writes() {
            return self.answer(ask);
        }
        self.kept()?;
        let answer = self.answer(ask);
        // What could not be kept was not done, for whoever asked.
        self.kept().and(answer)
    }

    fn answer(&mut self, ask: &Ask<'_>) -> Answer {
        if !ask.target.subresource.is_empty() {
            return subresource::carry_out(self, ask);
        }
        options::check(ask)?;
        let ok = |shown: Shown| (StatusCode::OK, shown);
        let made = |value: Value| (StatusCode::OK, Shown::from(value));
        if ask.resource.kind == "ComponentStatus" {
            return components::answer(ask).map(made);
        }
        match ask.verb {
            Verb::Get => read::get(self, ask).map(ok),
            Verb::List | Verb::Watch => read::answer(self, ask).map(made),
            Verb::Create => write::create(self, ask),
            Verb::Update => write::update(self, ask),
            Verb::Patch => write::patch(self, ask),
            Verb::Delete => delete::one(self, ask).map(ok),
            Verb::DeleteCollection => delete::collection(self, ask).map(made),
        }
    }
}

/// A seeded source of chance (SplitMix64): uids and generated names repeat from run to run.
pub(crate) struct Random(u64);

impl Random {
    /// Chance that begins at a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A uid of version 4's form.
    fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (high, low) = (high & !0xf000 | 0x4000, low & !(3 << 62) | 2 << 62);
        let digits = format!("{high:016x}{low:016x}");
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }

    /// What is put behind a generateName.
    fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(LETTERS[(self.next() % LETTERS.len() as u64) as usize])).collect()
    }
}
