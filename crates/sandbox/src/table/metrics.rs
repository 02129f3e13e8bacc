//! What a HorizontalPodAutoscaler aims at, and where it is, in a cell.

use serde_json::Value;

use super::path;

/// So many are shown.
const MOST: usize = 2;

/// `cpu: 12%/80%, 3/10 + 1 more...`
pub(super) fn shown(autoscaler: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (metrics, states) = (list(&autoscaler["spec"]["metrics"]), list(&autoscaler["status"]["currentMetrics"]));
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let all: Vec<String> =
        metrics.iter().enumerate().map(|(index, metric)| one(metric, states.get(index).unwrap_or(&Value::Null))).collect();
    let first = all.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if all.len() > MOST { format!("{first} + {} more...", all.len() - MOST) } else { first }
}

fn one(metric: &Value, state: &Value) -> String {
    let kind = metric["type"].as_str().unwrap_or_default();
    let field = kind.chars().take(1).map(|first| first.to_ascii_lowercase()).chain(kind.chars().skip(1)).collect::<String>();
    let (target, current) = (&metric[&field]["target"], &state[&field]["current"]);
    let now = |name: &str, unit: &str| match &current[name] {
        Value::Null => "<unknown>".to_owned(),
        value => format!("{}{unit}", path::text(value)),
    };
    let average = !target["averageValue"].is_null();
    let goal = |name: &str| path::text(&target[name]);
    match kind {
        "Pods" => format!("{}/{}", now("averageValue", ""), goal("averageValue")),
        "External" | "Object" if average => format!("{}/{} (avg)", now("averageValue", ""), goal("averageValue")),
        "External" | "Object" => format!("{}/{}", now("value", ""), goal("value")),
        "Resource" | "ContainerResource" => {
            let name = path::text(&metric[&field]["name"]);
            if average {
                return format!("{name}: {}/{}", now("averageValue", ""), goal("averageValue"));
            }
            let goal =
                if target["averageUtilization"].is_null() { "<auto>".to_owned() } else { format!("{}%", goal("averageUtilization")) };
            format!("{name}: {}/{goal}", now("averageUtilization", "%"))
        }
        _ => "<unknown type>".to_owned(),
    }
}
