//! Prints the CustomResourceDefinitions as a JSON list.
fn main() {
    let crds = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": fiel_reconciler::application::crds()});
    println!("{crds:#}");
}
