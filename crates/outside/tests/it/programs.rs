//! helm, functions and plugins, as scripts that write down what they are told.

use fiel_outside::{Helm, Plugins, World};

use super::{build, script, write};

#[test]
fn helm_gets_its_values_and_a_home_of_its_own() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    write(folder, "charts/web/values.yaml", "a: 1\nb: 2\n");
    // It answers with what it was told.
    let answer = "#!/bin/sh\n[ \"$1\" = version ] && echo v4.0.0 && exit\ncat <<X\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {args: '$*', values: '$(cat \"$5\" | tr '\\n' ' ')', home: '$HELM_CONFIG_HOME', cache: '$HELM_CACHE_HOME'}}\nX\n";
    script(folder, "helm", answer);
    let helm = Helm { command: folder.join("helm").display().to_string(), settings: fiel_renderer::HelmSettings::default() };
    let world = World { helm: Some(helm), ..World::default() };
    let built = build(&world, folder, "helmCharts: [{name: web, releaseName: rel, valuesInline: {b: 3}}]\n").unwrap();
    let data = &built.resources()[0].to_json()["data"];
    let folder = folder.canonicalize().unwrap();
    assert!(data["args"].as_str().unwrap().starts_with(&format!("template rel {}/charts/web -f ", folder.display())), "{data}");
    assert_eq!(data["values"], "a: 1 b: 3 ");
    let home = data["home"].as_str().unwrap();
    assert_eq!(data["cache"], format!("{home}/.cache"));
    assert!(!std::path::Path::new(home).parent().unwrap().exists(), "what was made for the call is gone");
}

#[test]
fn helm_that_fails_tells_why() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), "charts/web/values.yaml", "a: 1\n");
    script(temp.path(), "helm", "#!/bin/sh\n[ \"$1\" = version ] && echo v3.0.0 && exit\necho no such thing >&2\nexit 1\n");
    let command = temp.path().join("helm").display().to_string();
    let world = World { helm: Some(Helm { command, settings: fiel_renderer::HelmSettings::default() }), ..World::default() };
    let error = build(&world, temp.path(), "helmCharts: [{name: web}]\n").unwrap_err().to_string();
    assert!(error.starts_with("kustomization.yaml:1:14: ") && error.ends_with("no such thing"), "{error}");
}

fn function(spec: &str) -> String {
    format!("'{{apiVersion: a/v1, kind: F, metadata: {{name: f, annotations: {{config.kubernetes.io/function: \"{spec}\"}}}}}}'")
}

#[test]
fn a_program_is_a_function_only_where_that_is_allowed() {
    let temp = tempfile::tempdir().unwrap();
    script(temp.path(), "f.sh", "#!/bin/sh\nsed \"s/name: a$/name: $1$TEST/\"\n");
    write(temp.path(), "a.yaml", super::CONFIG);
    let text = format!("resources: [a.yaml]\ntransformers: [{}]\n", function("exec: {path: ./f.sh, args: [b], envs: [TEST=c]}"));
    let world = |exec| World { plugins: Some(Plugins { exec, ..Plugins::default() }), ..World::default() };
    assert_eq!(build(&world(true), temp.path(), &text).unwrap().resources()[0].name(), "bc");
    // As kustomize does it, but not silently.
    let skipped = build(&world(false), temp.path(), &text).unwrap();
    assert_eq!(skipped.resources()[0].name(), "a");
    assert_eq!(skipped.warnings(), ["F.a/f was skipped: --enable-exec allows functions that are programs"]);
    let error = build(&World::default(), temp.path(), &text).unwrap_err();
    assert!(error.to_string().contains("--enable-alpha-plugins"), "{error}");
}

#[test]
fn a_container_that_wants_a_network_needs_leave() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), "a.yaml", super::CONFIG);
    let world = World { plugins: Some(Plugins::default()), ..World::default() };
    for (spec, why) in [
        ("container: {image: i, network: true}", "--network allows it"),
        ("container: {image: --privileged}", "is not the name of an image"),
    ] {
        let text = format!("resources: [a.yaml]\ntransformers: [{}]\n", function(spec));
        let error = build(&world, temp.path(), &text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn plugins_of_the_older_kind_get_their_configuration() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().join("home");
    script(
        &home,
        "some.team/v1/maker/Maker",
        "#!/bin/bash\nshift\ncat <<X\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {args: '$*', root: '$KUSTOMIZE_PLUGIN_CONFIG_ROOT', pwd: '$PWD', config: '$(echo \"$KUSTOMIZE_PLUGIN_CONFIG_STRING\" | grep name:)'}}\nX\n",
    );
    script(&home, "some.team/v1/sed/Sed", "#!/bin/bash\nshift\nsed \"$@\"\n");
    let work = temp.path().join("work");
    write(&work, "sed.txt", "  s/name: m$/name: n/\n\n");
    let text = "generators: ['{apiVersion: some.team/v1, kind: Maker, metadata: {name: x}, argsOneLiner: a \"b c\"}']\n\
                transformers: ['{apiVersion: some.team/v1, kind: Sed, metadata: {name: x}, argsFromFile: sed.txt}']\n";
    let world = World { plugins: Some(Plugins { home: Some(home), ..Plugins::default() }), ..World::default() };
    let built = build(&world, &work, text).unwrap();
    let (work, data) = (work.canonicalize().unwrap().display().to_string(), &built.resources()[0].to_json()["data"]);
    assert_eq!(built.resources()[0].name(), "n");
    assert_eq!((data["args"].as_str(), data["root"].as_str(), data["pwd"].as_str()), (Some("a b c"), Some(&*work), Some(&*work)));
    assert!(data["config"].as_str().unwrap().ends_with("name: x"), "{data}");
    let error =
        build(&world, temp.path(), "generators: ['{apiVersion: a/v1, kind: Gone, metadata: {name: x}}']\n").unwrap_err().to_string();
    assert!(error.contains("there is no plugin"), "{error}");
}
