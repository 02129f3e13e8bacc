//! Random sessions of requests, asked of a real kube-apiserver (of `KUBECONFIG`) and of a sandbox, which must answer the same: `fuzz A..B [--show]
//! [--keep DIR] [--tries N]`. `cargo xtask fuzz-kubernetes` starts the server and this.
//!
//! The seeds of a range always give the same sessions. A session that is answered differently is made small, printed and kept: as requests that the
//! recorder of `tests/recorded` can put down with the real answers.

mod compare;
mod custom;
mod kinds;
mod mutate;
mod patch;
mod play;
// The generator of cargo xtask fuzz-kustomize, which is no library that an example could depend on.
#[path = "../../../../xtask/src/fuzz_kustomize/random.rs"]
mod random;
mod schema;
mod session;
mod shrink;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fiel_sandbox::{Config, Sandbox};

use compare::Difference;
use play::{Answer, Place};
use schema::Schemas;
use session::Session;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How often a session is played while it is made smaller, unless it is said otherwise.
const TRIES: usize = 80;

struct Args {
    seeds: Range<u64>,
    show: bool,
    keep: Option<PathBuf>,
    tries: usize,
}

fn args() -> Result<Args, Error> {
    let mut given = std::env::args().skip(1);
    let range = given.next().unwrap_or_default();
    let (from, to) = range.split_once("..").ok_or("which seeds? A..B")?;
    let mut args = Args { seeds: from.parse()?..to.parse()?, show: false, keep: None, tries: TRIES };
    while let Some(word) = given.next() {
        match word.as_str() {
            "--show" => args.show = true,
            "--tries" => args.tries = given.next().ok_or("how many tries?")?.parse()?,
            "--keep" => args.keep = given.next().map(PathBuf::from),
            _ => return Err(format!("what is {word}?").into()),
        }
    }
    Ok(args)
}

/// The two servers, and how many namespaces were used on the real one.
struct Bench {
    real: kube::Client,
    used: u64,
    /// How often a session is played while it is made smaller.
    tries: usize,
    /// The kinds of differences that were told, and how often they were met.
    told: BTreeMap<String, usize>,
}

impl Bench {
    /// Plays a session on both, in a namespace of its own, and gives the answers that differ, up to the first after which the two hold other objects.
    async fn differences(&mut self, session: &Session) -> Result<Vec<(usize, Difference)>, Error> {
        let (real, ours) = self.answers(session).await?;
        Ok(found(session, &real, &ours))
    }

    async fn answers(&mut self, session: &Session) -> Result<(Vec<Answer>, Vec<Answer>), Error> {
        self.used += 1;
        let place = Place::new(self.used);
        let ours = play::play(&Sandbox::new(Config::default()).client(), session, &place).await?;
        let real = play::play(&self.real, session, &place).await;
        play::clean(&self.real, session, &place).await?;
        Ok((real?, ours))
    }
}

fn found(session: &Session, real: &[Answer], ours: &[Answer]) -> Vec<(usize, Difference)> {
    let mut all = Vec::new();
    for (at, (real, ours)) in real.iter().zip(ours).enumerate() {
        let Some(difference) = compare::difference(real, ours) else { continue };
        all.push((at, difference));
        if session.requests[at].method != "GET" && (real.status < 300 || ours.status < 300) {
            break;
        }
    }
    all
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let args = args()?;
    let schemas = Schemas::read(&Sandbox::new(Config::default()).client()).await?;
    if args.show {
        for seed in args.seeds {
            println!("== seed {seed}\n{}", session::session(seed, &schemas).listing());
        }
        return Ok(());
    }
    drop(rustls::crypto::ring::default_provider().install_default());
    let real = kube::Client::try_default().await?;
    let used = play::used(&real).await?;
    let mut bench = Bench { real, used, tries: args.tries, told: BTreeMap::new() };
    let (mut passed, mut failed, mut requests) = (0, 0, BTreeMap::<u16, usize>::new());
    for seed in args.seeds {
        let session = session::session(seed, &schemas);
        let (real, ours) = bench.answers(&session).await?;
        real.iter().for_each(|answer| *requests.entry(answer.status / 100 * 100).or_default() += 1);
        let mut differs = false;
        for (at, difference) in found(&session, &real, &ours) {
            differs |= differing(&mut bench, seed, &session.until(at), difference, args.keep.as_deref()).await?;
        }
        if differs {
            failed += 1;
        } else {
            passed += 1;
        }
    }
    let counts: Vec<String> = requests.iter().map(|(status, count)| format!("{count} of {status}")).collect();
    println!("answers: {}", counts.join(", "));
    bench.told.iter().for_each(|(class, count)| println!("{count} [{class}]"));
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(format!("{failed} sessions differ").into()) }
}

/// Makes a session small whose last answer differs, prints and keeps it; of each class the first. False where the real server does not answer twice the
/// same: it is no judge then.
async fn differing(bench: &mut Bench, seed: u64, session: &Session, found: Difference, keep: Option<&Path>) -> Result<bool, Error> {
    let count = bench.told.entry(found.class.clone()).or_default();
    *count += 1;
    if *count > 1 {
        return Ok(true);
    }
    let (mut small, mut told) = (session.clone(), None);
    let (mut budget, mut from) = (bench.tries, 0);
    // At first as it is: what does not differ again was chance.
    let mut candidate = Some(small.clone());
    while let Some(session) = candidate.filter(|_| budget > 0) {
        budget -= 1;
        match bench.differences(&session).await?.into_iter().find(|(_, difference)| difference.class == found.class) {
            Some((last, difference)) => (small, told) = (session.until(last), Some(difference)),
            None => from += 1,
        }
        if told.is_none() {
            break;
        }
        candidate = shrink::candidates(&small).into_iter().nth(from);
    }
    let Some(difference) = told else {
        bench.told.remove(&found.class);
        return Ok(false);
    };
    println!("== seed {seed} differs [{}]\n{}{}\n", difference.class, small.listing(), difference.lines.join("\n"));
    if let Some(keep) = keep {
        std::fs::create_dir_all(keep)?;
        let place = Place::new(bench.used + 1);
        let (real, _) = bench.answers(&small).await?;
        std::fs::write(keep.join(format!("{seed}-{}.yaml", bench.told.len())), small.recordable(place.namespace(), &real)?)?;
    }
    Ok(true)
}
