//! The hello page: one document, nothing loaded from elsewhere.

/// Text that may stand in HTML, in an element or between double quotes, whatever it holds.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A JSON string with its quotes.
pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The page that greets with `message` and says which `version` and `commit` runs.
pub(crate) fn html(message: &str, version: &str, commit: &str) -> String {
    let (message, version, commit) = (escape(message), escape(version), escape(commit));
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{message}</title>
<style>
:root {{ color-scheme: light dark; --ink: #14213d; --paper: #f7f5f0; --line: #d8d2c4; --mark: #b5541c; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ece6d9; --paper: #15171c; --line: #343841; --mark: #f0a35e; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 2rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }}
main {{ max-width: 40rem; border-top: 4px solid var(--mark); padding-top: 1.5rem; }}
h1 {{ margin: 0 0 1.5rem; font-size: clamp(2rem, 8vw, 3.5rem); line-height: 1.1; overflow-wrap: anywhere; }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .25rem 1.5rem; margin: 0; padding-top: 1rem; border-top: 1px solid var(--line); }}
dt {{ opacity: .7; }}
dd {{ margin: 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{message}</h1>
<dl>
<dt>version</dt><dd>{version}</dd>
<dt>commit</dt><dd>{commit}</dd>
</dl>
</main>
</body>
</html>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_become_markup() {
        let page = html("<script>alert('1')</script> & \"x\"", "1.0", "</dd><img src=x>");
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;"), "{page}");
    }

    #[test]
    fn json_strings_are_json() {
        assert_eq!(json_string("a\"b\\c\nd\u{7f}é"), "\"a\\\"b\\\\c\\u000ad\\u007fé\"");
    }
}
