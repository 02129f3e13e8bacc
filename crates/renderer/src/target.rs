//! One kustomization's part of a build: gather resources, generate, transform.

use crate::config::{self, Config};
use crate::decode::loosen;
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::fs::file_name;
use crate::generate;
use crate::ids::Ids;
use crate::kustomization::{Entry, Kustomization};
use crate::load::{Folder, is_url};
use crate::names::Names;
use crate::origin::{By, add_step, annotate};
use crate::plugin;
use crate::provenance::Step;
use crate::replacement::Replacement;
use crate::repository::Repository;
use crate::resource::Resource;
use crate::step::Steps;
use crate::transform::{Images, STRATEGIC, Subjects, Transformer, apply_in_turn, load_inline_or_file, patch_entries, prepare};
use crate::vars::Var;
use crate::yaml::{Pos, Value, parse_all, parse_kustomization, parse_kustomization_and_more};

/// What a build has gathered so far.
#[derive(Default)]
pub(crate) struct Accumulator {
    pub(crate) resources: Vec<Resource>,
    pub(crate) config: Config,
    pub(crate) vars: Vec<Var>,
    /// Whether something failed that resources or their ids come from. What is looked for among them then may only be missing because of that, so that
    /// nothing is looked for any more.
    lacks: bool,
}

impl Accumulator {
    /// Adds resources, whose ids must be new. `ids` are those of the resources that are there; `here` says where the nth new one comes from.
    fn append(&mut self, ids: &mut Ids, new: Vec<Resource>, here: impl Fn(usize, Error) -> Error) -> Result<()> {
        let there = self.resources.len();
        if there == 0 {
            // Nothing need be moved.
            self.resources = new;
        } else {
            self.resources.extend(new);
        }
        let mut errors = Gathered::default();
        for at in ids.add(&self.resources, there) {
            let resource = &self.resources[at];
            let error = Error::new(ErrorKind::Resource, format!("may not add {} a second time", resource.id()));
            errors.keep(Err::<(), _>(here(at - there, error.at(resource.value.pos))))?;
        }
        errors.finish()
    }
}

/// Reads and decodes a folder's kustomization.
pub(crate) fn load(folder: &Folder<'_>) -> Result<(String, Kustomization)> {
    let (file, bytes) = folder.kustomization()?;
    let mut parsed = parse_kustomization_and_more(&bytes, &file)?;
    let value = parsed.take_first();
    if let Some(pos) = parsed.unread {
        folder.session.warn(crate::read::unread(&file, pos));
    }
    for (key, pos) in parsed.twice {
        let here = format!("{file}:{}:{}", pos.line, pos.column);
        folder.session.warn(format!("{here}: the key {key} is here for the second time; what it was given before is lost"));
    }
    let kustomization = Kustomization::decode(value).map_err(|error| error.in_file(&file))?;
    for warning in &kustomization.warnings {
        folder.session.warn(warning.clone());
    }
    Ok((file, kustomization))
}

/// Builds a folder's kustomization on top of what was gathered (nothing, except for components).
///
/// # Errors
/// All that is wrong and does not come of something else that is. What was gathered may be built upon further to find more of that.
pub(crate) fn accumulate(folder: &Folder<'_>, file: &str, kustomization: &Kustomization, acc: &mut Accumulator) -> Result<()> {
    let folder = &folder.in_namespace(&kustomization.namespace);
    if let Some(openapi) = &kustomization.openapi {
        crate::openapi::choose(folder, openapi).map_err(|error| error.in_file(file))?;
    }
    let mut errors = Gathered::default();
    errors.keep(gather(folder, file, &kustomization.resources, acc))?;
    errors.keep(configure(folder, file, kustomization, &mut acc.config))?;
    let made = errors.keep(config_maps_and_secrets(folder, file, kustomization))?;
    if errors.is_empty() && !acc.lacks {
        errors.keep(generate(folder, file, kustomization, made.unwrap_or_default(), acc))?;
    }
    acc.lacks |= !errors.is_empty();
    for entry in &kustomization.components {
        errors.keep(component(folder, file, entry, acc))?;
    }
    // What cannot be read of a patch hangs on nothing before it, as little as what cannot be of a plugin's configuration.
    let steps = errors.keep(builtin(folder, file, kustomization, &acc.config))?;
    let transformers = errors.keep(plugins(folder, file, &kustomization.transformers))?;
    let validators = errors.keep(plugins(folder, file, &kustomization.validators))?;
    if acc.lacks {
        return errors.finish();
    }
    errors.keep(steps.map_or(Ok(()), |steps| change(folder, file, &steps, acc)))?;
    let failed = !errors.is_empty();
    errors.keep(transformers.map_or(Ok(()), |transformers| transform(folder, file, &transformers, acc, failed)))?;
    // Validators look at what comes of all that.
    errors.finish()?;
    for validator in validators.iter().flatten() {
        plugin::validate(folder, &validator.action, &mut acc.resources).map_err(|error| validator.here(error, file))?;
    }
    let mut errors = Gathered::default();
    for var in &kustomization.vars {
        errors.keep(crate::vars::register(acc, var.clone()).map_err(|error| error.in_file(file)))?;
    }
    errors.finish()
}

/// Adds what generators make: the ConfigMaps and Secrets that are `made`, charts and plugins.
fn generate(
    folder: &Folder<'_>,
    file: &str,
    kustomization: &Kustomization,
    made: Vec<(Resource, &'static str, Pos)>,
    acc: &mut Accumulator,
) -> Result<()> {
    if made.is_empty() && kustomization.helm_charts.is_empty() && kustomization.generators.is_empty() {
        return Ok(());
    }
    let (mut names, mut errors) = (Names::of(&acc.resources), Gathered::default());
    for (new, field, pos) in made {
        errors.keep(generate::absorb(&mut acc.resources, &mut names, new).map_err(|error| error.at(pos).in_file(file)))?;
        folder.session.observe(|| Step::new(field, file, pos), &mut acc.resources);
    }
    for chart in &kustomization.helm_charts {
        let here = |error: Error| error.at(chart.pos).in_file(file);
        let chart = chart.in_namespace(&folder.namespace);
        let Some(mut made) = errors.keep(crate::helm::generate(folder, &chart, &kustomization.helm_globals).map_err(here))? else {
            continue;
        };
        generated(&mut made, folder, file, &By::builtin("HelmChartInflationGenerator"));
        for new in made {
            errors.keep(generate::absorb(&mut acc.resources, &mut names, new).map_err(here))?;
        }
        folder.session.observe(|| Step::new("helmCharts", file, chart.pos), &mut acc.resources);
    }
    for (entry, own, config) in plugin_configs(folder, file, &kustomization.generators, &mut errors)? {
        let by = folder.origin.is_some().then(|| config.clone());
        let here = |error: Error| error.in_text(own.as_deref(), file, entry);
        let Some(mut made) = errors.keep(plugin::generate(folder, config).map_err(here))? else { continue };
        if let Some(by) = &by {
            generated_by(&mut made, by);
        }
        for new in made {
            errors.keep(generate::absorb(&mut acc.resources, &mut names, new).map_err(here))?;
        }
        folder.session.observe(|| Step::new("generators", file, entry), &mut acc.resources);
    }
    errors.finish()
}

/// Builds a component on top of what was gathered.
fn component(folder: &Folder<'_>, file: &str, (path, pos): &Entry, acc: &mut Accumulator) -> Result<()> {
    let here = |error: Error| error.at(*pos).in_file(file);
    let find = || {
        let inner = folder.enter(path).map_err(here)?;
        let (inner_file, component) = load(&inner)?;
        if component.kind != "Component" {
            let kind = if component.kind.is_empty() { "Kustomization" } else { &component.kind };
            return Err(here(Error::new(ErrorKind::Kustomization, format!("{path} is not a component: its kind is {kind}"))));
        }
        Ok((inner, inner_file, component))
    };
    let (inner, inner_file, component) = find().inspect_err(|_| acc.lacks = true)?;
    accumulate(&inner, &inner_file, &component, acc).map_err(|error| error.because(from(file, *pos)))?;
    // kustomize merges what both know of fields with itself, in which it finds contradictions that were none in another order.
    if !acc.config.is_builtin {
        let same = acc.config.clone();
        acc.config.merge(same).map_err(here)?;
    }
    // What it has renamed may be called as another one is.
    match crate::ids::twice(&acc.resources) {
        Some(twice) => Err(here(Error::new(ErrorKind::Resource, format!("{path} gives two resources the id {}", twice.id())))),
        None => Ok(()),
    }
}

/// Applies the transformers one after the other. One that fails leaves the resources as they are but for what it may have changed, which is in doubt then.
fn change(folder: &Folder<'_>, file: &str, steps: &[Transformer], acc: &mut Accumulator) -> Result<()> {
    let (mut written, mut errors) = (Steps::of(folder, file), Gathered::default());
    // Whoever wants to know what each step did looks between them.
    let at_once = if written.is_some() || folder.origin.is_some() { 1 } else { steps.len() };
    let (mut rest, mut names) = (steps, None);
    while !rest.is_empty() {
        let (done, outcome) = apply_in_turn(&rest[..at_once.min(rest.len())], &mut acc.resources, &mut names);
        errors.keep(outcome.map_err(|error| error.in_file(file)))?;
        if !errors.is_empty() && acc.resources.iter().any(Resource::has_doubtful_id) {
            acc.lacks = true;
            break;
        }
        let (applied, after) = rest.split_at(done);
        rest = after;
        applied.iter().filter_map(|transformer| transformer.unused(file)).for_each(|warning| folder.session.warn(warning));
        let Some(name) = applied.last().map(Transformer::name) else { break };
        if let Some(written) = &mut written {
            folder.session.observe(|| written.next(name), &mut acc.resources);
        }
        // All entries of patchesStrategicMerge are one step.
        let goes_on = name == STRATEGIC && rest.first().is_some_and(|next| next.name() == STRATEGIC);
        if let (Some(origin), false) = (&folder.origin, goes_on) {
            add_step(&mut acc.resources, &origin.append(file_name(file)), &By::builtin(name));
        }
    }
    if errors.is_empty()
        && Transformer::find_ids_twice(steps)
        && let Some(twice) = crate::ids::twice(&acc.resources)
    {
        errors.note(Error::new(ErrorKind::Resource, format!("patches give two resources the id {}", twice.id())).in_file(file));
    }
    errors.finish()
}

/// A transformer or validator with a configuration of its own.
struct Plugin {
    /// Where its entry stands.
    entry: Pos,
    /// The file of the configuration, if it has one of its own.
    own: Option<String>,
    action: plugin::Action,
    /// Its configuration, if anyone wants to know who changed what.
    by: Option<Resource>,
}

impl Plugin {
    fn here(&self, error: Error, file: &str) -> Error {
        error.in_text(self.own.as_deref(), file, self.entry)
    }
}

/// Reads the configurations of transformers or validators.
fn plugins(folder: &Folder<'_>, file: &str, entries: &[Entry]) -> Result<Vec<Plugin>> {
    let (mut errors, mut out) = (Gathered::default(), Vec::new());
    for (entry, own, config) in plugin_configs(folder, file, entries, &mut errors)? {
        let by = folder.origin.is_some().then(|| config.clone());
        let action = plugin::read(folder, file, config).map_err(|error| error.in_text(own.as_deref(), file, entry));
        out.extend(errors.keep(action)?.map(|action| Plugin { entry, own, action, by }));
    }
    errors.finish().map(|()| out)
}

/// Runs transformers with configurations of their own. Where something has failed those go on that are built in: they know what is in doubt.
fn transform(folder: &Folder<'_>, file: &str, transformers: &[Plugin], acc: &mut Accumulator, mut failed: bool) -> Result<()> {
    let mut errors = Gathered::default();
    for one in transformers {
        if acc.lacks || failed && !matches!(one.action, plugin::Action::Steps(_)) {
            break;
        }
        let outcome = plugin::transform(folder, &one.action, &mut acc.resources).map_err(|error| one.here(error, file));
        if errors.keep(outcome)?.is_none() {
            failed = true;
            acc.lacks |= !matches!(one.action, plugin::Action::Steps(_)) || acc.resources.iter().any(Resource::has_doubtful_id);
            continue;
        }
        folder.session.observe(|| Step::new("transformers", file, one.entry), &mut acc.resources);
        if let Some((by, origin)) = one.by.as_ref().and_then(|by| Some((by, by.state.origin.as_ref()?))) {
            add_step(&mut acc.resources, origin, &By::configured(by));
        }
    }
    errors.finish()
}

/// Adds what the files in `configurations` and `crds` say of fields.
fn configure(folder: &Folder<'_>, file: &str, kustomization: &Kustomization, to: &mut Config) -> Result<()> {
    let mut errors = Gathered::default();
    let mut config = Config::default();
    for (path, pos) in &kustomization.configurations {
        let name = folder.name(path);
        let mut read = || {
            let bytes = folder.read(path).map_err(|error| error.at(*pos).in_file(file))?;
            let mut parsed = parse_kustomization_and_more(&bytes, &name)?;
            if let Some((key, pos)) = parsed.twice.first() {
                let message = format!("the key \"{key}\" is here for the second time");
                return Err(Error::new(ErrorKind::Kustomization, message).at(*pos).in_file(&name));
            }
            let mut value = parsed.take_first();
            loosen(&mut value);
            let more = Config::decode(value).map_err(|error| error.in_file(&name))?;
            config.merge(more).map_err(|error| error.in_file(&name))
        };
        errors.keep(read())?;
    }
    // kustomize's own field specs come first: those that they serve already are left out.
    let mut all = Config::builtin();
    if !kustomization.configurations.is_empty() {
        all.merge(config).map_err(|error| error.in_file(file))?;
    }
    to.merge(all).map_err(|error| error.in_file(file))?;
    for (path, pos) in &kustomization.crds {
        let mut read = || {
            let bytes = folder.read(path)?;
            to.merge(crate::crds::config(&bytes, &folder.name(path))?)
        };
        errors.keep(read().map_err(|error| error.at(*pos).in_file(file)))?;
    }
    errors.finish()
}

/// What configMapGenerator and secretGenerator make, each with its field and place.
fn config_maps_and_secrets(folder: &Folder<'_>, file: &str, kustomization: &Kustomization) -> Result<Vec<(Resource, &'static str, Pos)>> {
    let config_maps = kustomization.config_maps.iter().map(|args| (args, "configMapGenerator", "ConfigMapGenerator"));
    let secrets = kustomization.secrets.iter().map(|args| (args, "secretGenerator", "SecretGenerator"));
    let (mut errors, mut out) = (Gathered::default(), Vec::new());
    for (args, field, generator) in config_maps.chain(secrets) {
        let is_secret = field == "secretGenerator";
        let made = generate::generate(folder, args, kustomization.generator_options.as_ref(), is_secret);
        if let Some(mut new) = errors.keep(made.map_err(|error| error.in_file(file)))? {
            generated([&mut new], folder, file, &By::builtin(generator));
            out.push((new, field, args.pos));
        }
    }
    errors.finish().map(|()| out)
}

/// Annotates what a field of a kustomization generated, if anyone wants to know.
fn generated<'a>(made: impl IntoIterator<Item = &'a mut Resource>, folder: &Folder<'_>, file: &str, by: &By<'_>) {
    if let Some(origin) = &folder.origin {
        annotate(made, &origin.append(file_name(file)).of_generated(by));
    }
}

/// Annotates what a generator with a configuration of its own generated.
fn generated_by(made: &mut [Resource], config: &Resource) {
    if let Some(origin) = &config.state.origin {
        annotate(made, &origin.of_generated(&By::configured(config)));
    }
}

fn gather(folder: &Folder<'_>, file: &str, entries: &[Entry], acc: &mut Accumulator) -> Result<()> {
    let mut errors = Gathered::default();
    // Files are collected first, so that the check for duplicates is made once for all of them.
    let mut pending = Pending::default();
    let mut ids = Ids::of(&acc.resources);
    let read_ahead = crate::ahead::read(folder, entries);
    for (entry, ahead) in entries.iter().zip(read_ahead) {
        let (path, pos) = entry;
        let here = |error: Error| error.at(*pos).in_file(file);
        let read = match ahead {
            Some(ahead) => folder.note_read(ahead).map(Some),
            None => file_resources(folder, path),
        };
        let Some(read) = errors.keep(read.map_err(here))? else { continue };
        if let Some(mut resources) = read {
            folder.session.observe(|| Step::new("resource", file, *pos).values_in(Some(folder.name(path))), &mut resources);
            if let Some(origin) = folder.origin.as_ref().map(|origin| origin.append(path)) {
                annotate(&mut resources, &origin.of_file());
                resources.iter_mut().for_each(|resource| resource.state.origin = Some(origin.clone()));
            }
            folder.session.schemas.borrow_mut().meet(&resources);
            pending.add(entry, resources);
        } else {
            errors.keep(pending.append_to(acc, &mut ids, folder, file))?;
            let mut add = || {
                let child = base(folder, file, entry)?;
                acc.append(&mut ids, child.resources, |_, error| error).map_err(here)?;
                acc.config.merge(child.config).map_err(here)?;
                crate::vars::merge(&mut acc.vars, child.vars).map_err(here)
            };
            errors.keep(add())?;
        }
    }
    errors.keep(pending.append_to(acc, &mut ids, folder, file))?;
    errors.keep(folder.session.check_resources(acc.resources.len()).map_err(|error| error.in_file(file)))?;
    errors.finish()
}

/// Builds the folder or repository that an entry of `resources` names.
fn base(folder: &Folder<'_>, file: &str, (path, pos): &Entry) -> Result<Accumulator> {
    let here = |error: Error| error.at(*pos).in_file(file);
    let inner = folder.enter(path).map_err(here)?;
    let (inner_file, kustomization) = load(&inner).map_err(here)?;
    if kustomization.kind == "Component" {
        return Err(here(Error::new(ErrorKind::Kustomization, format!("{path} is a component; name it in components"))));
    }
    let mut acc = Accumulator::default();
    accumulate(&inner, &inner_file, &kustomization, &mut acc).map_err(|error| error.because(from(file, *pos)))?;
    Ok(acc)
}

fn from(file: &str, pos: Pos) -> String {
    format!("from {file}:{}:{}", pos.line, pos.column)
}

/// Resources of files that have not been added yet.
#[derive(Default)]
struct Pending<'e> {
    resources: Vec<Resource>,
    /// Where the resources of which entry begin.
    entries: Vec<(usize, &'e Entry)>,
}

impl<'e> Pending<'e> {
    fn add(&mut self, entry: &'e Entry, resources: Vec<Resource>) {
        self.entries.push((self.resources.len(), entry));
        self.resources.extend(resources);
    }

    fn append_to(&mut self, acc: &mut Accumulator, ids: &mut Ids, folder: &Folder<'_>, file: &str) -> Result<()> {
        let Self { resources, entries } = std::mem::take(self);
        acc.append(ids, resources, |nth, error| {
            let entry = entries.partition_point(|(start, _)| *start <= nth).checked_sub(1).and_then(|at| entries.get(at));
            match entry {
                Some((_, (path, pos))) => error.in_file(&folder.name(path)).because(from(file, *pos)),
                None => error.in_file(file),
            }
        })
    }
}

/// The resources of an entry that is a file; `None` for a folder or a repository. What a URL stands for shows only when it is fetched: one that
/// gives no resources but can be the URL of a repository is one.
fn file_resources(folder: &Folder<'_>, path: &str) -> Result<Option<Vec<Resource>>> {
    let is_repository = Repository::parse(path).is_ok();
    if !is_url(path) {
        let bytes = if is_repository { None } else { folder.read_unless_folder(path)? };
        let Some(bytes) = bytes else { return Ok(None) };
        let name = folder.name(path);
        let (resources, rest) = crate::read::resources_and_rest(&bytes, &name)?;
        if let Some(pos) = rest {
            folder.session.warn(crate::read::unread(&name, pos));
        }
        return Ok(Some(resources));
    }
    match folder.read(path).and_then(|bytes| crate::read::resources(&bytes, path)) {
        Ok(resources) => Ok(Some(resources)),
        Err(_) if is_repository => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a text is YAML without a document in it.
fn is_nothing(text: &str) -> bool {
    parse_all(text.as_bytes(), "").is_ok_and(|documents| documents.is_empty())
}

/// The configurations of plugins that can be read; what is wrong with the others goes to `errors`. They are inline documents, files, or folders that build to
/// them. Each comes with the place of its entry, and with the file in which it stands if it does in one of its own.
fn plugin_configs(
    folder: &Folder<'_>,
    file: &str,
    entries: &[Entry],
    errors: &mut Gathered,
) -> Result<Vec<(Pos, Option<String>, Resource)>> {
    // Their ids must be distinct.
    let (mut all, mut ids, mut places) = (Accumulator::default(), Ids::default(), Vec::new());
    let is_inline = |text: &str| text.contains('\n') || text.trim_start().starts_with('{');
    // kustomize takes those that stand in the kustomization itself first, of which one may hold nothing.
    let (inline, paths): (Vec<_>, Vec<_>) = entries.iter().filter(|(text, _)| !is_nothing(text)).partition(|(text, _)| is_inline(text));
    for (text, pos) in inline.into_iter().chain(paths) {
        let here = |error: Error| error.at(*pos).in_file(file);
        let inline = is_inline(text);
        let mut add = || {
            let found = if inline {
                let mut found = crate::read::resources(text.as_bytes(), "inline")
                    .map_err(|error| here(Error::new(ErrorKind::Kustomization, error.message())))?;
                let origin = folder.origin.as_ref().map(|origin| origin.append(file_name(file)));
                found.iter_mut().for_each(|one| one.state.origin.clone_from(&origin));
                found
            } else {
                let mut acc = Accumulator::default();
                gather(folder, file, &[(text.clone(), *pos)], &mut acc)?;
                crate::nameref::fix(&mut acc.resources, &acc.config, folder.session.limits.references)?;
                acc.resources
            };
            all.append(&mut ids, found, |_, error| error).map_err(here)
        };
        errors.keep(add())?;
        let own = (!inline && !folder.is_folder(text)).then(|| folder.name(text));
        places.resize(all.resources.len(), (*pos, own));
    }
    Ok(places.into_iter().zip(all.resources).map(|((pos, own), config)| (pos, own, config)).collect())
}

/// The transformers that a kustomization's fields stand for, in kustomize's order.
fn builtin(folder: &Folder<'_>, file: &str, k: &Kustomization, config: &Config) -> Result<Vec<Transformer>> {
    let (mut out, mut errors) = (Vec::new(), Gathered::default());
    for entry in patch_entries(&k.patches_strategic_merge) {
        out.extend(errors.keep(load_inline_or_file(folder, entry, file))?.map(|patch| Transformer::Patch(STRATEGIC, Box::new(patch))));
    }
    for patch in &k.patches {
        let read = errors.keep(prepare(folder, patch, file, false))?;
        out.extend(read.map(|patch| Transformer::Patch("PatchTransformer", Box::new(patch))));
    }
    if !k.namespace.is_empty() {
        out.push(Transformer::Namespace {
            namespace: k.namespace.clone(),
            specs: config.namespace.clone(),
            unset_only: false,
            subjects: Subjects::DefaultOnly,
        });
    }
    if !k.name_prefix.is_empty() {
        out.push(Transformer::Prefix { text: k.name_prefix.clone(), specs: config.name_prefix.clone() });
    }
    if !k.name_suffix.is_empty() {
        out.push(Transformer::Suffix { text: k.name_suffix.clone(), specs: config.name_suffix.clone() });
    }
    for label in &k.labels {
        let mut specs = label.fields.clone();
        let defaults = match (label.include_selectors, label.include_templates) {
            (true, _) => &config.common_labels[..],
            (false, true) => &config.template_labels,
            (false, false) => &config::METADATA_LABELS,
        };
        for more in [&config.labels, defaults] {
            config::merge_specs(&mut specs, more.iter().cloned()).map_err(|error| error.in_file(file))?;
        }
        out.push(Transformer::Labels { pairs: label.pairs.clone(), specs });
    }
    // Behind `labels` they are a transformer of their own even when there are none, which shows in the annotation that tells of transformers.
    if !k.labels.is_empty() || !k.common_labels.is_empty() {
        out.push(Transformer::Labels { pairs: k.common_labels.clone(), specs: config.common_labels.clone() });
    }
    if !k.common_annotations.is_empty() {
        out.push(Transformer::Annotations { pairs: k.common_annotations.clone(), specs: config.common_annotations.clone() });
    }
    for patch in &k.patches_json6902 {
        let read = errors.keep(prepare(folder, patch, file, true))?;
        out.extend(read.map(|patch| Transformer::Patch("PatchJson6902Transformer", Box::new(patch))));
    }
    for replica in &k.replicas {
        out.push(Transformer::Replicas { replica: replica.clone(), specs: config.replicas.clone() });
    }
    for image in &k.images {
        let images = Images::new(image.clone(), config.images.clone()).map_err(|error| error.in_file(file));
        out.extend(errors.keep(images)?.map(|images| Transformer::Images(Box::new(images))));
    }
    if !k.replacements.is_empty() {
        out.extend(errors.keep(replacements(folder, file, &k.replacements, true))?.map(Transformer::Replacements));
    }
    errors.finish().map(|()| out)
}

/// Replacements are inline or in files of their own. Strict: one that is inline has no unknown fields.
pub(crate) fn replacements(folder: &Folder<'_>, file: &str, entries: &[Value], strict: bool) -> Result<Vec<Replacement>> {
    let (mut out, mut errors) = (Vec::new(), Gathered::default());
    for entry in entries {
        errors.keep(replacement(folder, file, entry, strict, &mut out))?;
    }
    errors.finish().map(|()| out)
}

fn replacement(folder: &Folder<'_>, file: &str, entry: &Value, strict: bool, out: &mut Vec<Replacement>) -> Result<()> {
    let known = |value: Value, name: &str| {
        let (replacement, gone) = Replacement::decode_known(value).map_err(|error| error.in_file(name))?;
        for (key, Pos { line, column }) in gone {
            folder.session.warn(format!("{name}:{line}:{column}: a replacement has no field {key}, and nothing is done with it"));
        }
        Ok(replacement)
    };
    let Some(path) = entry.get("path").and_then(Value::as_str) else {
        let inline =
            if strict { Replacement::decode(entry.clone()).map_err(|error| error.in_file(file)) } else { known(entry.clone(), file) };
        out.push(inline?);
        return Ok(());
    };
    if strict && let Some(error) = Replacement::unknown(entry) {
        return Err(error.in_file(file));
    }
    if entry.get("source").is_some() || entry.get("targets").is_some() {
        return Err(Error::new(ErrorKind::Kustomization, "a replacement cannot have both a path and source or targets")
            .at(entry.pos)
            .in_file(file));
    }
    let bytes = folder.read(path).map_err(|error| error.at(entry.pos).in_file(file))?;
    let name = folder.name(path);
    let mut value = parse_kustomization(&bytes, &name)?;
    loosen(&mut value);
    let items = match value.node {
        crate::yaml::Node::List(items) => items,
        _ => vec![value],
    };
    let mut errors = Gathered::default();
    for item in items {
        if let Some(mut replacement) = errors.keep(known(item, &name))? {
            replacement.file = Some(name.clone());
            out.push(replacement);
        }
    }
    errors.finish()
}
