//! helmCharts: what helm is told, and what becomes of its answer. helm itself runs outside.

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::load::Folder;
use crate::mergekeys::{ListMerge, Shape};
use crate::outside::{Argument, HelmCall};
use crate::resource::Resource;
use crate::yaml::{Pos, Value, parse_all};

/// `helmGlobals`
#[derive(Debug, Clone, Default)]
pub(crate) struct Globals {
    chart_home: String,
    config_home: String,
}

/// One of `helmCharts`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chart {
    pub(crate) pos: Pos,
    name: String,
    version: String,
    repo: String,
    release_name: String,
    namespace: String,
    more_values_files: Vec<String>,
    values_file: String,
    values_inline: Option<Value>,
    values_merge: String,
    include_crds: bool,
    skip_hooks: bool,
    skip_tests: bool,
    api_versions: Vec<String>,
    kube_version: String,
    name_template: String,
    debug: bool,
    devel: bool,
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}

impl Globals {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "helmGlobals")?.read(&["chartHome", "configHome"], |f| Ok(Self::take(f)))
    }

    fn take(f: &mut Fields) -> Self {
        Self { chart_home: f.text("chartHome"), config_home: f.text("configHome") }
    }

    /// What others say counts where they say anything.
    pub(crate) fn change(&mut self, others: Self) {
        for (mine, other) in [(&mut self.chart_home, others.chart_home), (&mut self.config_home, others.config_home)] {
            if !other.is_empty() {
                *mine = other;
            }
        }
    }
}

const FIELDS: [&str; 17] = [
    "name",
    "version",
    "repo",
    "releaseName",
    "namespace",
    "additionalValuesFiles",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "skipTests",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "debug",
    "devel",
];

impl Chart {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a Helm chart")?.read(&FIELDS, |f| Ok(Self::take(f)))
    }

    fn take(f: &mut Fields) -> Self {
        let strings = |list: Vec<(String, Pos)>| list.into_iter().map(|(text, _)| text).collect();
        Self {
            pos: f.pos(),
            name: f.text("name"),
            version: f.text("version"),
            repo: f.text("repo"),
            release_name: f.text("releaseName"),
            namespace: f.text("namespace"),
            more_values_files: strings(f.strings("additionalValuesFiles")),
            values_file: f.text("valuesFile"),
            values_inline: f.take("valuesInline"),
            values_merge: f.text("valuesMerge"),
            include_crds: f.boolean("includeCRDs"),
            skip_hooks: f.boolean("skipHooks"),
            skip_tests: f.boolean("skipTests"),
            api_versions: strings(f.strings("apiVersions")),
            kube_version: f.text("kubeVersion"),
            name_template: f.text("nameTemplate"),
            debug: f.boolean("debug"),
            devel: f.boolean("devel"),
        }
    }

    /// The older `helmChartInflationGenerator`; it may set the globals as well.
    pub(crate) fn decode_old(value: Value) -> Result<(Self, Globals)> {
        let known =
            ["chartName", "chartVersion", "chartRepoUrl", "chartHome", "releaseName", "values", "valuesLocal", "valuesMerge", "helmHome"];
        Fields::new(value, "a Helm chart")?.read(&known, |f| {
            let chart = Self {
                pos: f.pos(),
                name: f.text("chartName"),
                version: f.text("chartVersion"),
                repo: f.text("chartRepoUrl"),
                release_name: f.text("releaseName"),
                values_file: f.text("values"),
                values_inline: f.take("valuesLocal"),
                values_merge: f.text("valuesMerge"),
                ..Self::default()
            };
            let globals = Globals { chart_home: f.text("chartHome"), config_home: f.text("helmHome") };
            // kustomize takes these and does nothing with them.
            for ignored in ["chartRepoName", "helmBin", "releaseNamespace"] {
                f.text(ignored);
            }
            f.strings("extraArgs");
            Ok((chart, globals))
        })
    }

    /// The configuration of a HelmChartInflationGenerator: globals and chart in one; unknown fields are ignored.
    pub(crate) fn from_config(value: Value) -> Result<(Self, Globals)> {
        Fields::new(value, "a Helm chart")?.read_known(|f| Ok((Self::take(f), Globals::take(f))))
    }

    /// A chart without a namespace goes where its kustomization goes.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Self {
        let namespace = if self.namespace.is_empty() { namespace } else { &self.namespace };
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// What the command line says counts where the kustomization says nothing.
    fn with_settings(&self, folder: &Folder<'_>) -> Self {
        let settings = folder.session.outside.helm_settings();
        let mut chart = self.clone();
        if chart.kube_version.is_empty() {
            chart.kube_version = settings.kube_version.unwrap_or_default();
        }
        if chart.api_versions.is_empty() {
            chart.api_versions = settings.api_versions;
        }
        chart.debug |= settings.debug;
        chart
    }

    /// The folder that holds the chart's folder.
    fn home(&self, globals: &Globals) -> String {
        let home = if globals.chart_home.is_empty() { "charts" } else { &globals.chart_home };
        let home = home.trim_end_matches('/');
        if self.version.is_empty() || self.repo.is_empty() { home.to_owned() } else { format!("{home}/{}-{}", self.name, self.version) }
    }

    /// `helm pull …`
    fn pull(&self, home: String) -> Vec<Argument> {
        let mut words: Vec<String> = ["pull", "--untar", "--untardir"].map(str::to_owned).into();
        words.push(home);
        if self.repo.starts_with("oci://") {
            words.push(format!("{}/{}", self.repo.strip_suffix('/').unwrap_or(&self.repo), self.name));
        } else {
            words.extend(["--repo".to_owned(), self.repo.clone(), self.name.clone()]);
        }
        if !self.version.is_empty() {
            words.extend(["--version".to_owned(), self.version.clone()]);
        }
        if self.devel {
            words.push("--devel".to_owned());
        }
        words.into_iter().map(Argument::Text).collect()
    }

    /// `helm template …`
    fn template(&self, chart: &str, values: Vec<u8>, more_values: &[String]) -> Vec<Argument> {
        let mut out = vec![Argument::Text("template".to_owned())];
        let mut say = |words: &[&str]| out.extend(words.iter().map(|word| Argument::Text((*word).to_owned())));
        say(&[if self.release_name.is_empty() { "--generate-name" } else { &self.release_name }, chart]);
        for (flag, text) in [("--namespace", &self.namespace), ("--name-template", &self.name_template)] {
            if !text.is_empty() {
                say(&[flag, text]);
            }
        }
        say(&["-f"]);
        out.push(Argument::File(format!("{}-kustomize-values.yaml", self.name.replace('/', "_")), values));
        let mut say = |words: &[&str]| out.extend(words.iter().map(|word| Argument::Text((*word).to_owned())));
        for file in more_values {
            say(&["-f", file]);
        }
        for version in &self.api_versions {
            say(&["--api-versions", version]);
        }
        if !self.kube_version.is_empty() {
            say(&["--kube-version", &self.kube_version]);
        }
        for (flag, on) in [
            ("--include-crds", self.include_crds),
            ("--skip-tests", self.skip_tests),
            ("--no-hooks", self.skip_hooks),
            ("--debug", self.debug),
            ("--devel", self.devel),
        ] {
            if on {
                say(&[flag]);
            }
        }
        out
    }

    /// The values that helm is given: a file's, changed by those of the kustomization.
    fn values(&self, folder: &Folder<'_>, file: &str) -> Result<Vec<u8>> {
        let inline = self.values_inline.as_ref().filter(|inline| inline.as_map().is_some_and(|map| !map.is_empty()));
        let Some(inline) = inline else { return folder.read(file) };
        if self.values_merge == "replace" {
            return Ok(crate::yaml::to_string(inline).into_bytes());
        }
        // A file is read as resources are (`y` is a text), the kustomization as kustomizations are (`y` is true).
        let base = parse_all(&folder.read(file)?, &folder.name(file))?.into_iter().next().unwrap_or_default();
        let (dest, patch) = if self.values_merge == "merge" { (inline.clone(), base) } else { (base, inline.clone()) };
        let merged = crate::merge::merge(Some(dest), Some(patch), Shape::Unknown, ListMerge::Replace)?;
        Ok(crate::yaml::to_string(&merged.unwrap_or_default()).into_bytes())
    }
}

/// Inflates a chart.
pub(crate) fn generate(folder: &Folder<'_>, chart: &Chart, globals: &Globals) -> Result<Vec<Resource>> {
    let chart = &chart.with_settings(folder);
    if chart.name.is_empty() {
        return Err(failed("the chart has no name"));
    }
    if chart.name.starts_with('-') || chart.release_name.starts_with('-') || chart.repo.starts_with('-') || chart.version.starts_with('-') {
        return Err(failed("a chart's name, release name, repo and version may not begin with a dash: helm would take it for a flag"));
    }
    if !["", "merge", "override", "replace"].contains(&&*chart.values_merge) {
        return Err(failed(format!("valuesMerge should be merge, override or replace, not {}", chart.values_merge)));
    }
    let more_values = chart.more_values_files.iter().map(|file| {
        // kustomize looks for it below the folder, whatever it begins with.
        if file.starts_with('/') {
            return Err(failed(format!("{file} is absolute; additionalValuesFiles are named relative to the kustomization")));
        }
        folder.read(file)?;
        on_disk(folder, file)
    });
    let more_values = more_values.collect::<Result<Vec<_>>>()?;
    let run = |arguments: Vec<Argument>| -> Result<Vec<u8>> {
        let config_home = Some(globals.config_home.clone()).filter(|home| !home.is_empty());
        Ok(folder.session.outside.helm(&HelmCall { arguments, config_home })?)
    };
    check_version(&run(vec![Argument::Text("version".to_owned()), Argument::Text("--short".to_owned())])?)?;
    let home = chart.home(globals);
    let inside = format!("{home}/{}", chart.name);
    folder.note_folder(&inside);
    if !folder.is_folder(&inside) {
        if chart.repo.is_empty() {
            return Err(failed(format!("there is no chart at {}, and no repo to pull it from", folder.name(&inside))));
        }
        run(chart.pull(on_disk(folder, &home)?))?;
    }
    let values_file = if chart.values_file.is_empty() { format!("{inside}/values.yaml") } else { chart.values_file.clone() };
    let values = chart.values(folder, &values_file)?;
    let output = run(chart.template(&on_disk(folder, &inside)?, values, &more_values))?;
    let mut resources = crate::read::resources(&output, &format!("the output of helm for {}", chart.name))?;
    for resource in &mut resources {
        resource.state.from_helm = true;
    }
    Ok(resources)
}

fn on_disk(folder: &Folder<'_>, path: &str) -> Result<String> {
    let full = folder.on_disk(path).and_then(|full| full.to_str().map(str::to_owned));
    full.ok_or_else(|| Error::new(ErrorKind::Outside, format!("helm needs {path} on a disk, and these files are not on one")))
}

/// Only helm 3 and 4 print what is expected.
fn check_version(output: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(output);
    let numbers = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| &text[at..]);
    let version = numbers.map(|rest| rest.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or(rest));
    let version = version.map(|word| word.trim_end_matches('.')).find(|word| word.contains('.'));
    match version.map(|version| (version, version.split('.').next())) {
        Some((_, Some("3" | "4"))) => Ok(()),
        Some((version, _)) => Err(Error::new(ErrorKind::Outside, format!("helm 3 or 4 is needed, not {version}"))),
        None => Err(Error::new(ErrorKind::Outside, format!("helm does not say its version: {}", text.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_3_and_4_are_taken() {
        for good in ["v3.14.0+g3fc9f4b", "version.BuildInfo{Version:\"v4.2.3\", GitCommit:\"43\"}", "4.1"] {
            assert_eq!(check_version(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in ["v2.16.1", "v13.0.0", "abc", "", "Client 7"] {
            assert!(check_version(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
