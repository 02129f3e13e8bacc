//! The server and what is written about it elsewhere say the same: manifests, images, the course.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use fiel_server::{Settings, Site, respond};

/// A file of the repository.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The values of all `key: value` lines, whatever their depth.
fn values<'a>(yaml: &'a str, key: &str) -> Vec<&'a str> {
    let lines = yaml.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

#[test]
fn the_manifests_ask_what_the_server_answers() {
    let settings = Settings::from_variables(|_| None).unwrap();
    let site = Site::new(&settings);
    let deployment = read("k8s/deployment.yaml");
    let probes = values(&deployment, "path");
    assert_eq!(probes, ["/readyz", "/healthz"]);
    for path in probes {
        assert_eq!(respond(&site, true, &hyper::Method::GET, path).status(), 200, "{path}");
    }
    let port = settings.port.to_string();
    assert_eq!(values(&deployment, "containerPort"), [port.as_str()]);
    for file in ["Dockerfile", "docker/local.Dockerfile"] {
        let text = read(file);
        assert!(text.contains(&format!("\nEXPOSE {port}\n")), "{file} exposes {port}");
        assert!(text.contains(&format!("\nUSER {0}:{0}\n", values(&deployment, "runAsUser")[0])), "{file} has the manifests' user");
    }
}

#[test]
fn the_pod_outlives_its_drain() {
    for (file, manifest) in
        [("k8s/kustomization.yaml", "k8s/deployment.yaml"), ("overlays/prod/kustomization.yaml", "overlays/prod/deployment.yaml")]
    {
        let drain = read(file).lines().find_map(|line| line.trim().strip_prefix("- DRAIN_MS=").map(str::to_owned));
        let settings = Settings::from_variables(|name| if name == "DRAIN_MS" { drain.clone() } else { None }).unwrap();
        let grace: u64 = values(&read(manifest), "terminationGracePeriodSeconds")[0].parse().unwrap();
        let needed = settings.drain + settings.request_timeout;
        assert!(needed.as_secs_f64() < grace as f64, "{manifest}: {grace} s, but the server may take {needed:?} to end");
    }
}

#[test]
fn the_pipeline_does_not_start_itself() {
    let edited = "k8s/kustomization.yaml";
    let pipeline = read(".github/workflows/cd.yml");
    assert!(pipeline.contains(&format!("git add {edited}\n")) && pipeline.contains(&format!("paths-ignore: [{edited}]\n")));
    assert_eq!(values(&read(edited), "name")[1..], ["goserver"], "the image that the pipeline sets");
}

/// Every command of the course says where it is tested, and one that is not says why.
#[test]
fn the_course_hides_no_command() {
    let course = read("docs/pt-BR/curso.md");
    let mut blocks = 0;
    let mut lines = course.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        blocks += 1;
        let first = lines.next().map(|(_, line)| line).unwrap_or_default();
        let said = match info {
            "sh teste=sandbox" | "sh teste=docker" | "sh teste=kind" => !first.starts_with("```"),
            "sh teste=nao" => first.starts_with("# Não "),
            _ => false,
        };
        assert!(said, "docs/pt-BR/curso.md:{}: `{line}` does not say where it is tested, or why not", index + 1);
        assert!(
            first.starts_with("```") || lines.by_ref().any(|(_, line)| line == "```"),
            "docs/pt-BR/curso.md:{}: never closed",
            index + 1
        );
    }
    assert!(blocks > 20, "only {blocks} blocks were found");
}
