use std::collections::HashSet;

use fiel_schema::{Node, Registry, Schema};

use super::serve::{Ask, Documents};
use super::*;
use crate::resource::Resources;

fn definition(schema: &Value) -> Value {
    json!({"spec": {
        "group": "tools.example.com", "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
    }})
}

fn all(schema: &Value) -> Vec<Arc<Resource>> {
    Resources::new([definition(schema)].iter()).all().to_vec()
}

fn widgets() -> Vec<Arc<Resource>> {
    let embedded = json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true});
    all(
        &json!({"type": "object", "description": "A widget.", "properties": {"spec": {"type": "object", "properties": {"template": embedded}}}}),
    )
}

fn schemas(path: &str) -> Value {
    document(&widgets(), path).unwrap()["components"]["schemas"].take()
}

#[test]
fn the_index_names_each_document_with_its_hash() {
    let index = index(&widgets());
    let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    assert!(url.starts_with("/openapi/v3/apis/apps/v1?hash=") && url.len() > 100, "{url}");
    let other = super::index(&all(&json!({"type": "object"})));
    assert_eq!(index["paths"]["apis/apps/v1"], other["paths"]["apis/apps/v1"]);
    assert_ne!(index["paths"]["apis/tools.example.com/v1"], other["paths"]["apis/tools.example.com/v1"]);
}

#[test]
fn a_component_is_kubernetes_own_with_its_texts() {
    let apps = schemas("apis/apps/v1");
    let deployment = &apps["io.k8s.api.apps.v1.Deployment"];
    assert_eq!(deployment["description"], "Deployment enables declarative updates for Pods and ReplicaSets.");
    assert_eq!(deployment["x-kubernetes-group-version-kind"], json!([{"group": "apps", "kind": "Deployment", "version": "v1"}]));
    let reference = json!([{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}]);
    assert_eq!(
        deployment["properties"]["spec"],
        json!({"description": "Specification of the desired behavior of the Deployment.", "default": {}, "allOf": reference})
    );
    assert_eq!(apps["io.k8s.api.apps.v1.DeploymentSpec"]["required"], json!(["selector", "template"]));
    let containers = &apps["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(containers["items"]["allOf"][0]["$ref"], "#/components/schemas/io.k8s.api.core.v1.Container");
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
    assert_eq!(containers["x-kubernetes-list-map-keys"], json!(["name"]));
    let port = &apps["io.k8s.api.core.v1.ContainerPort"]["properties"]["hostPort"];
    assert_eq!((&port["type"], &port["format"]), (&json!("integer"), &json!("int32")));
    // A field that is called as the texts are.
    let definitions = schemas("apis/apiextensions.k8s.io/v1");
    let props = &definitions["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"]["properties"];
    assert_eq!(props["description"], json!({"type": "string"}));
}

#[test]
fn a_document_holds_what_it_refers_to_and_what_goes_with_its_kinds() {
    for path in index(&widgets())["paths"].as_object().unwrap().keys() {
        let schemas = schemas(path);
        let mut targets = Vec::new();
        custom::references(&schemas, &mut targets);
        for target in targets {
            assert!(schemas[target.as_str()].is_object(), "{path} refers to {target}");
        }
    }
    let core = schemas("api/v1");
    for name in ["io.k8s.api.core.v1.PodList", "io.k8s.api.policy.v1.Eviction", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"] {
        assert!(core[name].is_object(), "{name}");
    }
    assert!(core["io.k8s.api.apps.v1.Deployment"].is_null());
    let kinds = |schemas: &Value| schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]["x-kubernetes-group-version-kind"].clone();
    assert_eq!(kinds(&core), json!([{"group": "", "kind": "DeleteOptions", "version": "v1"}]));
    assert_eq!(kinds(&schemas("apis/batch/v1"))[1]["group"], "batch");
}

#[test]
fn a_builtin_kind_takes_strategic_patches_and_looks_for_unknown_fields() {
    let document = document(&widgets(), "apis/apps/v1").unwrap();
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
    assert!(patch["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "fieldValidation"));
    let reviews = super::document(&widgets(), "apis/authorization.k8s.io/v1").unwrap();
    let paths = &reviews["paths"];
    // What can only be created: kubectl takes the kind from there.
    let review = &paths["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"]["post"];
    assert_eq!(review["x-kubernetes-group-version-kind"]["kind"], "SelfSubjectAccessReview");
    assert!(paths.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/{name}").is_none());
}

#[test]
fn a_custom_kind_has_what_every_kind_has_and_takes_no_strategic_patch() {
    let document = document(&widgets(), "apis/tools.example.com/v1").unwrap();
    let patch = &document["paths"]["/apis/tools.example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
    assert!(patch["requestBody"]["content"].get("application/strategic-merge-patch+json").is_none());
    let schemas = &document["components"]["schemas"];
    let widget = &schemas["com.example.tools.v1.Widget"];
    assert_eq!(widget["x-kubernetes-group-version-kind"][0]["kind"], "Widget");
    assert!(widget["properties"]["kind"]["description"].as_str().unwrap().starts_with("Kind is a string value"));
    assert_eq!(
        widget["properties"]["metadata"]["allOf"][0]["$ref"],
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    );
    let template = &widget["properties"]["spec"]["properties"]["template"];
    assert_eq!(template["required"], json!(["kind", "apiVersion"]));
    let list = &schemas["com.example.tools.v1.WidgetList"];
    assert_eq!(list["properties"]["items"]["items"]["$ref"], "#/components/schemas/com.example.tools.v1.Widget");
    assert!(super::document(&widgets(), "apis/none/v1").is_none());
}

fn ask<'a>(path: &'a str, hash: &'a str, known: &'a str) -> Ask<'a> {
    Ask { path, hash, known, now: "2026-11-29T11:32:49Z".parse().unwrap() }
}

#[test]
fn a_document_of_known_hash_may_be_kept_and_another_hash_is_sent_on() {
    let (documents, resources) = (Documents::default(), widgets());
    let path = "apis/batch/v1";
    let answer = |ask: &Ask<'_>| documents.answer(&resources, ask).unwrap();
    let header = |response: &http::Response<_>, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let plain = answer(&ask(path, "", ""));
    assert_eq!((plain.status().as_u16(), header(&plain, "cache-control").as_str()), (200, "no-cache, private"));
    let tag = header(&plain, "etag");
    let hash = tag.trim_matches('"');
    let kept = answer(&ask(path, hash, ""));
    assert_eq!(header(&kept, "cache-control"), "public, immutable");
    assert_eq!(header(&kept, "expires"), "Mon, 29 Nov 2027 11:32:49 GMT");
    let same = answer(&ask(path, hash, &tag));
    assert_eq!((same.status().as_u16(), http_body::Body::size_hint(same.body()).exact()), (304, Some(0)));
    let moved = answer(&ask(path, "OLD", &tag));
    assert_eq!((moved.status().as_u16(), header(&moved, "location")), (301, format!("/openapi/v3/apis/batch/v1?hash={hash}")));
    assert!(documents.answer(&resources, &ask("apis/none/v1", "", "")).is_none());
}

#[test]
fn a_changed_definition_makes_a_new_document() {
    let documents = Documents::default();
    let path = ask("apis/tools.example.com/v1", "", "");
    let before = documents.answer(&widgets(), &path).unwrap();
    let after = documents.answer(&all(&json!({"type": "object"})), &path).unwrap();
    assert_ne!(before.headers()["etag"], after.headers()["etag"]);
    let length = |response: &http::Response<_>| http_body::Body::size_hint(response.body()).exact();
    assert!(length(&after) < length(&before));
}

/// A reader of protobuf that knows no types: the fields of a message, by number.
fn fields(mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    fn number(bytes: &mut &[u8]) -> usize {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().expect("a whole number");
            *bytes = rest;
            value |= usize::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes);
        let length = match key & 7 {
            0 => {
                number(&mut bytes);
                0
            }
            1 => 8,
            _ => number(&mut bytes),
        };
        let (inner, rest) = bytes.split_at(length);
        found.push((key >> 3, inner));
        bytes = rest;
    }
    found
}

fn at<'a>(message: &'a [u8], path: &[usize]) -> &'a [u8] {
    path.iter()
        .fold(message, |message, number| fields(message).into_iter().find(|(one, _)| one == number).map_or(&[][..], |(_, inner)| inner))
}

#[test]
fn the_second_version_is_made_of_the_same_components() {
    let document = v2::document(&widgets());
    let definitions = &document["definitions"];
    let spec = &definitions["io.k8s.api.apps.v1.Deployment"]["properties"]["spec"];
    let reference = "#/definitions/io.k8s.api.apps.v1.DeploymentSpec";
    assert_eq!(*spec, json!({"description": "Specification of the desired behavior of the Deployment.", "$ref": reference}));
    let port = &definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"];
    assert_eq!((&port["type"], &port["oneOf"]), (&json!("string"), &Value::Null));
    // Where a definition lets anything stand, nothing is said.
    let template = &definitions["com.example.tools.v1.Widget"]["properties"]["spec"]["properties"]["template"];
    assert_eq!(template.get("properties"), None, "{template}");
    // Beside the components it is fields called `default` and `oneOf` that stay.
    let props = &definitions["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"]["properties"];
    assert!(props["default"].is_object() && props["oneOf"].is_object());
}

#[test]
fn the_second_version_in_protobuf_says_the_same() {
    let schema = json!({
        "type": "object", "required": ["a"], "description": "d", "x-kubernetes-map-type": "atomic",
        "properties": {"a": {"$ref": "#/definitions/b", "minimum": 1.0, "maxLength": 300, "uniqueItems": true}},
        "additionalProperties": {"items": {"type": "string"}},
    });
    let bytes = v2::protobuf(&json!({"swagger": "2.0", "info": {"title": "t", "version": "v"}, "definitions": {"x": schema}}));
    assert_eq!((at(&bytes, &[1]), at(&bytes, &[2, 2])), (&b"2.0"[..], &b"v"[..]));
    assert_eq!(at(&bytes, &[9, 1, 1]), b"x");
    let message = at(&bytes, &[9, 1, 2]);
    assert_eq!((at(message, &[22, 1]), at(message, &[19]), at(message, &[4])), (&b"object"[..], &b"a"[..], &b"d"[..]));
    assert_eq!((at(message, &[31, 1]), at(message, &[31, 2, 2])), (&b"x-kubernetes-map-type"[..], &b"\"atomic\""[..]));
    assert_eq!(at(message, &[21, 1, 23, 1, 22, 1]), b"string");
    let field = at(message, &[25, 1, 2]);
    assert_eq!(
        (at(message, &[25, 1, 1]), at(field, &[1]), at(field, &[9])),
        (&b"a"[..], &b"#/definitions/b"[..], &1.0_f64.to_le_bytes()[..])
    );
    assert_eq!(fields(field).iter().map(|(number, _)| *number).collect::<BTreeSet<_>>(), BTreeSet::from([1, 9, 11, 16]));
}

#[test]
fn the_second_version_goes_out_in_the_form_that_is_asked_for() {
    let (documents, resources) = (Documents::default(), widgets());
    let json = documents.answer_v2(&resources, "application/json", "");
    let protobuf = documents.answer_v2(&resources, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "");
    assert_eq!(json.headers()["content-type"], "application/json");
    assert_eq!(protobuf.headers()["content-type"], "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    let tag = json.headers()["etag"].to_str().unwrap();
    assert_eq!(documents.answer_v2(&resources, "", tag).status().as_u16(), 304);
}

/// The table that everything else works with, and the components that clients see, say the same.
#[test]
fn the_table_and_the_components_agree() {
    let mut components = Components::read();
    let mut names = Vec::new();
    for kind in Registry::builtin().kinds() {
        names.extend(components.name(kind.group(), kind.version(), kind.kind()).map(|name| (kind, name)));
    }
    assert!(names.len() > 60, "{}", names.len());
    let mut definitions = Map::new();
    let mut wanted: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
    while let Some(name) = wanted.pop() {
        if let Some(schema) = components.take(&name) {
            custom::references(&schema, &mut wanted);
            definitions.insert(name, schema);
        }
    }
    let mut seen = HashSet::new();
    for (kind, name) in names {
        let schema = Schema::from_definitions(&definitions, &json!({"$ref": format!("#/components/schemas/{name}")})).unwrap();
        same(kind.schema(), schema.root(), &name, &mut seen);
    }
    assert!(seen.len() > 400, "{}", seen.len());
}

fn same(table: Node<'_>, shown: Node<'_>, at: &str, seen: &mut HashSet<u32>) {
    assert_eq!(facts(table), facts(shown), "{at}");
    if table.has_fields() && !seen.insert(table.definition()) {
        return;
    }
    let inner = [(table.items(), shown.items()), (table.additional(), shown.additional())];
    for (table, shown) in inner.into_iter().filter_map(|(table, shown)| table.zip(shown)) {
        same(table, shown, &format!("{at}[]"), seen);
    }
    for ((name, table), (_, shown)) in table.fields().zip(shown.fields()) {
        same(table, shown, &format!("{at}.{name}"), seen);
    }
}

fn facts(node: Node<'_>) -> String {
    let merge = (node.list_type(), node.list_map_key_text(), node.map_type());
    let patch = (node.patch_merges(), node.patch_replaces(), node.patch_retains_keys(), node.patch_merge_key());
    let names: Vec<&str> = node.fields().map(|(name, _)| name).collect();
    let required: Vec<&str> = node.required().collect();
    // Documents tell of Go's zero values too, which the table leaves out.
    let default = node.default().filter(|value| ![json!(""), json!(0), json!(false)].contains(value));
    let inner = (node.items().is_some(), node.additional().is_some(), names, required, default);
    format!("{:?}", (node.scalar(), node.is_list(), node.is_object(), merge, patch, inner))
}
