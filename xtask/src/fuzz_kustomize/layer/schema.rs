//! Schemas of a kustomization's own: what lists are merged by.

use super::super::tree::Maker;
use super::super::yaml::{Node, map, raw};

/// Kubernetes' schemas of a version, or a file that takes their place.
pub(super) fn openapi(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    if maker.random.chance(25) {
        return vec![("openapi", map([("version", raw("v1.21.2"))]))];
    }
    let key = maker.random.pick(&["name", "a"]);
    let strategy = maker.random.pick(&["merge", "merge", "replace", "retainKeys"]);
    let text = SCHEMA.replace("KEY", key).replace("STRATEGY", strategy);
    maker.files.insert(format!("{folder}/schema.json"), text);
    vec![("openapi", map([("path", raw("schema.json"))]))]
}

/// A Widget whose `spec.parts` have a key, and a Deployment whose containers have none.
const SCHEMA: &str = r##"{"definitions": {
  "com.example.v1.Widget": {
    "type": "object",
    "properties": {
      "spec": {"type": "object", "properties": {
        "parts": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "KEY", "x-kubernetes-patch-strategy": "STRATEGY"}}}},
    "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]},
  "own.Deployment": {
    "type": "object",
    "properties": {
      "spec": {"type": "object", "properties": {
        "template": {"type": "object", "properties": {
          "spec": {"type": "object", "properties": {"containers": {"type": "array", "items": {"type": "object"}}}}}}}}},
    "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}]}
}}
"##;
