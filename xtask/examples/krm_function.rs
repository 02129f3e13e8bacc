//! Four functions of kustomize's own tests, for `cargo xtask conformance kustomize --with docker`: where their images cannot be pulled, this program
//! stands for them in images `FROM scratch`. The first argument says which one it is.
//!
//! It knows of YAML what those tests need: block style, indented by two spaces, as a `ResourceList` is written.

use std::io::Read as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let config = section(&text, "functionConfig:");
    let value = |key: &str| section(&config, key).trim().to_owned();
    let items = match std::env::args().nth(1).as_deref() {
        Some("e2econtainerconfig") => annotated(&section(&text, "items:")),
        Some("e2econtainerenvgenerator") => {
            let variable = std::env::var("TESTTEMPLATE")?;
            item(&section(&config, "template:").replace("%q", &format!("{variable:?}")))
        }
        Some("e2econtainermountbind") => item(&std::fs::read_to_string(value("path:"))?),
        Some("e2econtainersimplegenerator") => {
            let port = section(&section(&config, "spec:"), "port:").trim().to_owned();
            item(&service(section(&section(&config, "metadata:"), "name:").trim(), &port))
        }
        other => return Err(format!("there is no function {other:?}").into()),
    };
    print!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}");
    Ok(())
}

/// What stands below a key of the outermost level, or beside it, without its indentation.
fn section(text: &str, key: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(key));
    let beside = lines.next().and_then(|line| line.strip_prefix(key)).unwrap_or_default().trim();
    if !["", "|", "|-", "|+"].contains(&beside) {
        return beside.trim_matches(['"', '\'']).to_owned();
    }
    let below = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '-']));
    below.map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n").collect()
}

/// A document as an item of a list.
fn item(document: &str) -> String {
    let lines = document.trim_matches('\n').lines().enumerate();
    lines.map(|(index, line)| format!("{}{line}\n", if index == 0 { "- " } else { "  " })).collect()
}

/// Items of a list with three annotations more each. The dashes have lost no indentation, what follows them has lost two columns.
fn annotated(items: &str) -> String {
    let added = "  annotations:\n    a-bool-value: \"false\"\n    a-int-value: \"0\"\n    a-string-value: \"\"\n";
    let mut out = String::new();
    for line in items.lines() {
        match line {
            "metadata:" => out.push_str(&format!("  {line}\n{}", indented(added))),
            // Those that were there join the new ones.
            "  annotations:" => {}
            _ if line.starts_with("- ") => out.push_str(&format!("{line}\n")),
            _ => out.push_str(&format!("  {line}\n")),
        }
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn service(name: &str, port: &str) -> String {
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: {name}-svc
  labels:
    app: {name}
spec:
  selector:
    app: {name}
  ports:
  - name: http
    port: {port}
    protocol: TCP
    targetPort: {port}
"
    )
}
