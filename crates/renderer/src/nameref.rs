//! Names have changed (prefixes, suffixes, hashes, namespaces): every field that refers to a resource by its old name gets the new one.
//!
//! Resources are indexed by their earlier names, so that the work grows with the number of references, not with its square. Where many resources had the
//! same name it grows with both, and with the fields that a kustomization adds as well: it is counted, and ends at a limit.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::HashMapExt as _;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::{FieldSpec, Leaf};
use crate::id::{Gvk, Id};
use crate::parallel;
use crate::paths::Paths;
use crate::references;
use crate::resource::{Resource, State, id_of};
use crate::scope::is_cluster_scoped;
use crate::yaml::{Node, Text, Value, size};

mod generated;
use generated::Generated;

/// A resource of which the content may change, while what is remembered of it stays.
type Part<'a> = (&'a mut Value, &'a State);

/// What must be known about a resource that refers to others, or that had another name before, by which others may refer to it. What its content says is a
/// copy: that changes meanwhile.
struct Known<'a> {
    group: Text,
    version: Text,
    kind: Text,
    name: Text,
    namespace: Text,
    cluster: bool,
    state: &'a State,
}

struct Index<'a> {
    budget: Budget,
    generated: Generated,
    candidates: Vec<Known<'a>>,
    by_name: foldhash::HashMap<&'a str, Places>,
    /// (effective, written) namespaces of what is not cluster-scoped, by the effective namespace that it had first.
    first_namespaces: HashMap<Text, HashSet<(Text, Text)>>,
}

/// Where the resources of a name stand among the candidates, in ascending order; most names have one.
struct Places {
    first: usize,
    more: Vec<usize>,
}

impl Places {
    fn iter(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    fn len(&self) -> usize {
        1 + self.more.len()
    }

    fn add(&mut self, at: usize) {
        if self.iter().last() != Some(at) {
            self.more.push(at);
        }
    }
}

/// How many steps were made, and may be. Threads share it.
struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    fn spend(&self, steps: usize) -> Result<()> {
        // Most names lead to one resource.
        if steps > 0 && self.used.fetch_add(steps, Ordering::Relaxed).saturating_add(steps) > self.limit {
            let message = format!("the search for the resources that names refer to takes more than {} steps", self.limit);
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }
}

/// Who refers.
struct Referrer<'a> {
    own: Known<'a>,
    /// Namespaces of the ServiceAccounts that a RoleBinding names.
    subjects: Vec<String>,
    role: Option<(String, String)>,
}

/// Repairs all references, in so many steps at most; the names that seem to be misspelt come out as warnings.
pub(crate) fn fix(resources: &mut [Resource], config: &Config, limit: usize) -> Result<BTreeSet<String>> {
    let mut parts: Vec<Part<'_>> = resources.iter_mut().map(|resource| (&mut resource.value, &*resource.state)).collect();
    let index = Index::new(&parts, limit)?;
    parallel::change(&mut parts, |part| fix_part(part, &index, config))?;
    Ok(index.generated.into_warnings())
}

/// Refuses a RoleBinding with a ServiceAccount whose namespace is no text.
fn check_subjects(id: &Id<'_>, value: &Value) -> Result<()> {
    let blank = service_accounts(id, value).find(|subject| subject.get("namespace").is_some_and(|ns| ns.as_str().is_none()));
    match blank {
        Some(blank) => Err(Error::new(ErrorKind::Resource, format!("the namespace of a subject of {id} is blank")).at(blank.pos)),
        None => Ok(()),
    }
}

/// Refuses who refers to others and has an apiVersion that is not what it would be written as again.
fn check_api_version(value: &Value) -> Result<()> {
    let Some(version) = value.get("apiVersion") else { return Ok(()) };
    let written = version.as_scalar().map(|scalar| &*scalar.text).unwrap_or_default();
    if version.pos.line > 0 && (written.starts_with('/') || (version.is_null() && !written.is_empty())) {
        return Err(Error::new(ErrorKind::Resource, format!("{written} is no apiVersion")).at(version.pos));
    }
    Ok(())
}

/// The ServiceAccounts that a RoleBinding names.
fn service_accounts<'v>(id: &Id<'_>, value: &'v Value) -> impl Iterator<Item = &'v Value> {
    let subjects = value.get("subjects").filter(|_| id.gvk.kind == "RoleBinding").and_then(Value::as_list).unwrap_or_default();
    subjects.iter().filter(|subject| subject.get("kind").and_then(Value::text) == Some("ServiceAccount"))
}

fn fix_part(parts: &mut [Part<'_>], index: &Index<'_>, config: &Config) -> Result<()> {
    let mut known: foldhash::HashMap<(Text, Text, Text), Fields<'_>> = foldhash::HashMap::new();
    for (value, state) in parts {
        let original = state.original_id(id_of(value)).gvk;
        let key = (original.group.into(), original.version.into(), original.kind.into());
        let fields = match known.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                index.budget.spend(config.name_reference.iter().map(|reference| reference.fields.len()).sum())?;
                new.insert(Fields::of(&original, config))
            }
        };
        if fields.specs.is_empty() {
            continue;
        }
        check_api_version(value)?;
        if fields.added > 0 {
            index.budget.spend(fields.added.saturating_mul(size(value)))?;
        }
        let mut there = fields.paths.there(value);
        // Where nothing was renamed there is nothing to repair, but what is of the wrong shape is refused all the same, as kustomize does.
        let nothing_to_look_at = !there.paths.contains(&true) || index.candidates.is_empty() && !fields.hold_maps;
        if !there.is_blocked && nothing_to_look_at {
            continue;
        }
        let referrer = Referrer::new(value, state);
        let made = Cell::new(false);
        for (at, (target, spec)) in fields.specs.iter().enumerate() {
            if !there.paths[at] {
                continue;
            }
            let with_role = spec.path.ends_with("roleRef/name");
            spec.apply(value, Leaf::Nothing, &mut |value| update(value, index, &referrer, target, with_role, &made))
                .map_err(|error| error.because(format!("while updating the name in {} of {}", spec.path, referrer.own.id())))?;
            if made.take() {
                there = fields.paths.there(value);
            }
        }
    }
    Ok(())
}

/// The fields of a kind by which it may refer to others.
struct Fields<'a> {
    specs: Vec<(Gvk<'a>, Cow<'a, FieldSpec>)>,
    /// How many of them are not built in.
    added: usize,
    /// Whether one of them holds a name and a namespace, which is refused without a name.
    hold_maps: bool,
    /// kustomize follows a path only when it finds each field on the way in some element.
    paths: Paths,
}

impl<'a> Fields<'a> {
    fn of(kind: &Gvk<'_>, config: &'a Config) -> Self {
        let builtin = references::of(kind.kind).into_iter().map(|reference| (reference.target, Cow::Owned(reference.spec)));
        let added = config
            .name_reference
            .iter()
            .flat_map(|reference| reference.fields.iter().map(|spec| (reference.target(), Cow::Borrowed(spec))));
        let specs: Vec<_> = builtin.chain(added).filter(|(_, spec)| spec.matches(kind)).collect();
        let added = specs.iter().filter(|(_, spec)| matches!(spec, Cow::Borrowed(_))).count();
        let hold_maps = specs.iter().any(|(_, spec)| matches!(spec.path.rsplit('/').next(), Some("subjects" | "service")));
        Self { paths: Paths::of(specs.iter().map(|(_, spec)| &*spec.path)), added, hold_maps, specs }
    }
}

impl<'a> Referrer<'a> {
    fn new(value: &Value, state: &'a State) -> Self {
        let id = id_of(value);
        let subjects = service_accounts(&id, value).filter_map(|subject| subject.get("namespace").and_then(Value::text).map(str::to_owned));
        let role =
            value.get("roleRef").and_then(|role| Some((role.get("apiGroup")?.text()?.to_owned(), role.get("kind")?.text()?.to_owned())));
        Self { own: Known::of(&id, state), subjects: subjects.collect(), role }
    }
}

impl<'a> Index<'a> {
    fn new(parts: &[Part<'a>], limit: usize) -> Result<Self> {
        let size = parallel::part_of_little(parts.len());
        let looked_at = parallel::run(parts.chunks(size), |part| {
            let (mut candidates, mut unmoved) = (Vec::with_capacity(part.len()), HashSet::<Text>::new());
            for (value, state) in part {
                let id = id_of(value);
                check_subjects(&id, value)?;
                if !state.previous.is_empty() {
                    candidates.push(Known::of(&id, state));
                } else if !is_cluster_scoped(&id.gvk) && !unmoved.contains(id.namespace) {
                    unmoved.insert(id.namespace.into());
                }
            }
            Ok::<_, Error>((candidates, unmoved, Generated::hashed(part.iter().map(|(value, state)| (&**value, *state)))))
        });
        let (mut candidates, mut hashed) = (Vec::with_capacity(parts.len()), Vec::new());
        let mut first_namespaces: HashMap<Text, HashSet<(Text, Text)>> = HashMap::new();
        for part in looked_at {
            let (more, unmoved, of_them) = part?;
            candidates.extend(more);
            hashed.extend(of_them);
            for written in unmoved {
                let effective = if written.is_empty() { "default".into() } else { written.clone() };
                first_namespaces.entry(effective.clone()).or_default().insert((effective, written));
            }
        }
        let mut by_name = foldhash::HashMap::<&str, Places>::with_capacity(candidates.len());
        let mut before = None;
        for (at, candidate) in candidates.iter().enumerate() {
            for (_, name, _) in &candidate.state.previous {
                by_name.entry(name).and_modify(|places| places.add(at)).or_insert(Places { first: at, more: Vec::new() });
            }
            // Most resources share their namespaces with the one before.
            let namespaces = (candidate.original_effective(), candidate.effective(), &*candidate.namespace);
            if !candidate.cluster && before.replace(namespaces) != Some(namespaces) {
                let (first, effective, written) = namespaces;
                first_namespaces.entry(first.into()).or_default().insert((effective.into(), written.into()));
            }
        }
        let generated = Generated::of(hashed, parts.iter().map(|(value, _)| &**value));
        let budget = Budget { used: AtomicUsize::new(0), limit };
        Ok(Self { budget, generated, candidates, by_name, first_namespaces })
    }

    /// The resource that `old` means, if it is one of ours.
    fn select(
        &self,
        old: &str,
        referrer: &Referrer<'_>,
        target: &Gvk<'_>,
        with_role: bool,
        namespace: Option<&str>,
        same_namespace_counts: bool,
    ) -> Result<Option<&Known<'a>>> {
        let Some(list) = self.by_name.get(old) else { return Ok(None) };
        let namespaces = namespace.and_then(|namespace| self.first_namespaces.get(namespace)).map_or(0, HashSet::len);
        self.budget.spend((list.len() + namespaces).saturating_mul(1 + referrer.subjects.len()) - 1)?;
        let mut found: Vec<&Known<'a>> = list.iter().map(|at| &self.candidates[at]).collect();
        found.retain(|c| referrer.may_reach(c));
        if let Some(namespace) = namespace {
            let mut there = self.first_namespaces.get(namespace).into_iter().flatten();
            let by_original = there.any(|(effective, written)| referrer.may_reach_namespace(effective, written));
            found.retain(|c| !c.cluster && (if by_original { c.original_effective() } else { c.effective() }) == namespace);
        }
        found.retain(|c| c.was(target));
        if with_role && let Some((group, kind)) = &referrer.role {
            found.retain(|c| c.was(&Gvk { group, version: "", kind }));
        }
        found.retain(|c| referrer.own.cluster || c.cluster || c.kind == "ServiceAccount" || c.effective() == referrer.own.effective());
        if found.len() > 1 {
            found.retain(|c| referrer.same_affixes(c, true));
        }
        if found.len() > 1 {
            found.retain(|c| referrer.same_affixes(c, false));
        }
        let Some(first) = found.first().copied() else { return Ok(None) };
        if found.iter().all(|c| c.name == first.name && (!same_namespace_counts || c.namespace == first.namespace)) {
            return Ok(Some(first));
        }
        let names: Vec<String> = found.iter().map(|c| format!("{}/{} in namespace {}", c.kind, c.name, c.effective())).collect();
        Err(Error::new(ErrorKind::Resource, format!("found multiple possible referrals for the name {old}: {}", names.join(", "))))
    }
}

impl<'a> Known<'a> {
    fn of(id: &Id<'_>, state: &'a State) -> Self {
        Self {
            group: id.gvk.group.into(),
            version: id.gvk.version.into(),
            kind: id.gvk.kind.into(),
            name: id.name.into(),
            namespace: id.namespace.into(),
            cluster: is_cluster_scoped(&id.gvk),
            state,
        }
    }

    fn id(&self) -> Id<'_> {
        Id { gvk: Gvk { group: &self.group, version: &self.version, kind: &self.kind }, name: &self.name, namespace: &self.namespace }
    }

    fn effective(&self) -> &str {
        self.id().effective_namespace()
    }

    fn original_effective(&self) -> &str {
        self.state.original_id(self.id()).effective_namespace()
    }

    fn was(&self, selector: &Gvk<'_>) -> bool {
        self.state.previous.iter().any(|(kind, _, _)| Gvk { group: &self.group, version: &self.version, kind }.is_selected(selector))
    }
}

impl Referrer<'_> {
    fn may_reach(&self, candidate: &Known<'_>) -> bool {
        candidate.cluster || self.may_reach_namespace(candidate.effective(), &candidate.namespace)
    }

    fn may_reach_namespace(&self, effective: &str, written: &str) -> bool {
        self.own.cluster || effective == self.own.effective() || self.subjects.iter().any(|subject| subject == written)
    }

    /// Whether both were changed by the same kustomizations, as far as prefixes and suffixes show it.
    fn same_affixes(&self, candidate: &Known<'_>, allow_empty: bool) -> bool {
        let same = |a: &[Text], b: &[Text]| (allow_empty && (a.is_empty() || b.is_empty())) || same_ending(a, b);
        same(&candidate.state.prefixes, &self.own.state.prefixes) && same(&candidate.state.suffixes, &self.own.state.suffixes)
    }
}

fn same_ending(a: &[Text], b: &[Text]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}

/// Gives a reference its new name; `made` tells of a field that was not there.
fn update(
    value: &mut Value,
    index: &Index<'_>,
    referrer: &Referrer<'_>,
    target: &Gvk<'_>,
    with_role: bool,
    made: &Cell<bool>,
) -> Result<()> {
    if value.is_null() {
        return Ok(());
    }
    let pos = value.pos;
    match &mut value.node {
        Node::Scalar(scalar) => {
            match index.select(&scalar.text, referrer, target, with_role, None, false)? {
                Some(found) if found.name != *scalar.text => *value = Value { pos, ..Value::string(found.name.as_str()) },
                Some(_) => {}
                None => index.generated.miss(&index.budget, &scalar.text, target.kind, &referrer.own.id())?,
            }
            Ok(())
        }
        Node::List(items) => items.iter_mut().try_for_each(|item| update(item, index, referrer, target, with_role, made)),
        Node::Map(map) => {
            let Some(name) = map.get("name") else {
                return Err(Error::new(ErrorKind::Resource, "a reference needs a name").at(pos));
            };
            // A list or a map names nothing.
            let Some(name) = name.text().map(str::to_owned) else { return Ok(()) };
            let namespace = map.get("namespace").and_then(Value::text).map(str::to_owned);
            let Some(found) = index.select(&name, referrer, target, with_role, namespace.as_deref(), true)? else { return Ok(()) };
            if found.name == name && found.namespace.is_empty() {
                return Ok(());
            }
            map.insert("name", Value::string(found.name.as_str()));
            if !found.namespace.is_empty() {
                made.set(true);
                map.insert("namespace", Value::string(found.namespace.as_str()));
            }
            Ok(())
        }
    }
}
