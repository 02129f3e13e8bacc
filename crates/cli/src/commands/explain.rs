//! `fiel explain`: where each value of a built resource comes from.

use std::io::Write as _;
use std::path::PathBuf;

use fiel_renderer::explain_with;
use fiel_renderer::provenance::{Field, Provenance};

use super::build::{Flags, locate};
use crate::error::CommandError;

/// Tells where the values of a built resource come from: file and line, and every patch, transformer and generator that changed them, in order.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds the kustomization
    path: PathBuf,
    /// The resource, as it was built or as it was read, and maybe one of its fields
    #[arg(value_name = "KIND/NAME[:FIELD.PATH]")]
    what: String,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    flags: Flags,
}

/// How provenance is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading
    Text,
    /// For programs
    Json,
}

/// Builds with notes and prints those of what was asked for.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    args.flags.say_deprecated()?;
    let (files, path) = locate(&args.path)?;
    let (_, told) = explain_with(&files, &path, &args.flags.options(), &args.flags.world()).map_err(CommandError::failed)?;
    let found = choose(told, &args.what)?;
    let text = match args.output {
        Format::Text => found.iter().map(as_text).collect::<Vec<_>>().join("\n"),
        Format::Json => format!("{:#}\n", serde_json::Value::from(found.iter().map(Provenance::to_json).collect::<Vec<_>>())),
    };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// The resources and fields that are meant by `KIND/NAME[:FIELD.PATH]`.
fn choose(told: Vec<Provenance>, what: &str) -> Result<Vec<Provenance>, CommandError> {
    let (resource, path) = what.split_once(':').unwrap_or((what, ""));
    let Some((kind, name)) = resource.split_once('/') else {
        return Err(CommandError::usage(format!("{what}: a resource is named KIND/NAME, for example Deployment/web")));
    };
    let known = told.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(", ");
    let mut found: Vec<Provenance> = told
        .into_iter()
        .filter(|one| one.id.kind.eq_ignore_ascii_case(kind) && (one.id.name == name || one.original_name == name))
        .collect();
    if found.is_empty() {
        return Err(CommandError::failed(format!("the build has no {resource}")).hint(format!("it has {known}")));
    }
    for one in &mut found {
        one.fields.retain(|field| is_below(&field.path, path));
    }
    found.retain(|one| !one.fields.is_empty());
    if found.is_empty() {
        return Err(CommandError::failed(format!("{resource} has no field {path}"))
            .hint("elements of lists are named by their key, as in spec.template.spec.containers.[name=web].image"));
    }
    Ok(found)
}

/// Whether a path is that of a field or of something in it.
fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| field.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

fn as_text(one: &Provenance) -> String {
    let events = || one.fields.iter().flat_map(|field| &field.events);
    let place_width = events().map(|event| event.place.to_string().chars().count()).max().unwrap_or(0);
    let by_width = events().map(|event| event.by.chars().count()).max().unwrap_or(0);
    let mut out = format!("{}\n", one.id);
    for Field { path, events } in &one.fields {
        out += &format!("{path}\n");
        for event in events {
            let value = event.value.as_ref().map_or_else(|| "(removed)".to_owned(), ToString::to_string);
            out += &format!("  {:place_width$}  {:by_width$}  {value}\n", event.place.to_string(), event.by);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use fiel_renderer::{Closed, Memory, Options};

    use super::*;

    fn told() -> Vec<Provenance> {
        let files: Memory = [
            ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\nreplicas: [{name: web, count: 3}]\n"),
            ("base/kustomization.yaml", "resources: [app.yaml]\nsecretGenerator: [{name: s, literals: [a=hidden]}]\n"),
            ("base/app.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n"),
        ]
        .into_iter()
        .collect();
        explain_with(&files, "prod", &Options::default(), &Closed).expect("builds").1
    }

    fn shown(what: &str) -> String {
        choose(told(), what).map_or_else(|error| format!("{error:?}"), |found| found.iter().map(as_text).collect())
    }

    #[test]
    fn a_field_is_followed_and_secrets_are_not_shown() {
        insta::assert_snapshot!(shown("deployment/web:spec.replicas"), @r##"
        Deployment/prod-web
        spec.replicas
          base/app.yaml:6:13            resource  1
          prod/kustomization.yaml:3:12  replicas  3
        "##);
        insta::assert_snapshot!(shown("Secret/s:data"), @r##"
        Secret/prod-s-m6d9277hbm
        data.a
          base/kustomization.yaml:2:19  secretGenerator  (secret)
        "##);
        assert!(!format!("{:?}", told()).contains("aGlkZGVu"));
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        assert!(shown("Deployment/other").contains("it has Secret/prod-s-"), "{}", shown("Deployment/other"));
        assert!(shown("Deployment/web:spec.replica").contains("no field spec.replica"));
        assert!(shown("web").contains("KIND/NAME"));
    }
}
