//! What Kubernetes takes for the keys and values of labels.

/// Whether a label may have this value: none, or a name.
pub(crate) fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

/// Whether a label or an annotation may have this key: a name, perhaps behind a domain.
pub(crate) fn is_key(key: &str) -> bool {
    key.split_once('/').map_or_else(|| is_name(key), |(domain, name)| is_domain(domain) && is_name(name))
}

fn is_name(text: &str) -> bool {
    text.len() <= 63 && is_between(text, "-_.")
}

fn is_domain(domain: &str) -> bool {
    domain.len() <= 253 && domain.split('.').all(|label| is_between(label, "-") && !label.contains(|c: char| c.is_ascii_uppercase()))
}

/// Whether a text is of letters, digits and some other characters, which do not stand at its ends.
fn is_between(text: &str, inside: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(text.chars().next()) && ends(text.chars().last()) && text.chars().all(|c| c.is_ascii_alphanumeric() || inside.contains(c))
}
