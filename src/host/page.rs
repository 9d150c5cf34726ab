//! Templates: texts of a project with `${field}` in them.

use std::collections::BTreeMap;

/// What a template may fill in, by its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(crate) fn set(&mut self, path: &str, value: impl Into<String>) {
        self.0.insert(path.to_string(), value.into());
    }

    pub(crate) fn extend(&mut self, other: Fields) {
        self.0.extend(other.0);
    }
}

/// The text with its fields filled in. A field without a value is empty, `\$` is a dollar sign,
/// and what is no field stays as it is. In a page that is JSON, values are escaped so that they
/// fit between quotes.
pub(crate) fn fill(page: &str, fields: &Fields) -> String {
    let json = page.trim_start().starts_with(['{', '[']);
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\$") {
            out.push('$');
            rest = after;
        } else if let Some((path, after)) = field(rest) {
            let value = fields.0.get(path).map_or("", String::as_str);
            if json {
                out.push_str(&escaped(value));
            } else {
                out.push_str(value);
            }
            rest = after;
        } else {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out.push_str(rest);
    out
}

/// True when the page fills in something of this kind: `digest`, `notice`.
pub(crate) fn speaks_of(page: &str, root: &str) -> bool {
    page.contains(&format!("${{{root}."))
}

fn field(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("${")?;
    let end = inner.find('}')?;
    let path = &inner[..end];
    let fits = !path.is_empty()
        && path
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    fits.then_some((path, &inner[end + 1..]))
}

fn escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in() {
        let mut fields = Fields::default();
        fields.set("notice.text", "it \"broke\"\nagain");
        assert_eq!(
            fill("a ${notice.text} b", &fields),
            "a it \"broke\"\nagain b"
        );
        assert_eq!(
            fill("{\"text\": \"${notice.text}\"}", &fields),
            "{\"text\": \"it \\\"broke\\\"\\nagain\"}"
        );
        assert_eq!(fill("\\$5 ${none} $x \\n ${", &fields), "$5  $x \\n ${");
    }
}
