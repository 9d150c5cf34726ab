//! Diagnostics as SARIF 2.1.0, which code scanners and editors read.

use super::diagnostics::Found;
use coord_lang::diagnostic::{Diagnostic, Fix};
use coord_lang::explain::{self, Entry};
use coord_lang::source::{Sources, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// One log with one run: every finding of every file, and the rules that they are of.
pub(crate) fn sarif(found: &[Found]) -> Value {
    let rules = rules(found);
    let results: Vec<Value> = found
        .iter()
        .flat_map(
            |Found {
                 sources,
                 diagnostics,
             }| {
                let rules = &rules;
                diagnostics.iter().map(move |d| result(sources, d, rules))
            },
        )
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "coord",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|(_, rule)| rule).collect::<Vec<_>>(),
            }},
            "columnKind": "utf16CodeUnits",
            "results": results,
        }]
    })
}

/// The rules of these findings by code, each with its place in the list.
fn rules(found: &[Found]) -> BTreeMap<&'static str, (usize, Value)> {
    let codes = found.iter().flat_map(|f| &f.diagnostics).map(|d| d.code);
    let mut rules: BTreeMap<_, _> = codes.map(|code| (code, (0, rule(code)))).collect();
    for (place, (index, _)) in rules.values_mut().enumerate() {
        *index = place;
    }
    rules
}

fn rule(code: &'static str) -> Value {
    let level = if code.starts_with('W') {
        "warning"
    } else {
        "error"
    };
    let mut rule = json!({ "id": code, "defaultConfiguration": { "level": level } });
    if let Some(entry) = explain::find(code) {
        rule["shortDescription"] = json!({ "text": entry.title });
        rule["fullDescription"] = json!({ "text": entry.text });
        rule["help"] = json!({ "text": entry.text, "markdown": help(&entry) });
    }
    rule
}

fn help(entry: &Entry) -> String {
    format!(
        "{}\n\nWrong:\n\n````coord\n{}````\n\nRight:\n\n````coord\n{}````\n",
        entry.text, entry.wrong.text, entry.right.text
    )
}

fn result(
    sources: &Sources,
    d: &Diagnostic,
    rules: &BTreeMap<&'static str, (usize, Value)>,
) -> Value {
    let text = match &d.help {
        Some(help) => format!("{}\nhelp: {help}", d.message),
        None => d.message.clone(),
    };
    let mut result = json!({
        "ruleId": d.code,
        "level": if d.is_error() { "error" } else { "warning" },
        "message": { "text": text },
        "locations": [location(sources, d.primary.span, &d.primary.text)],
    });
    if let Some((index, _)) = rules.get(d.code) {
        result["ruleIndex"] = json!(index);
    }
    if !d.related.is_empty() {
        let related = d.related.iter().map(|l| location(sources, l.span, &l.text));
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = &d.fix {
        result["fixes"] = json!([fixed(sources, fix)]);
    }
    result
}

fn location(sources: &Sources, span: Span, label: &str) -> Value {
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(sources.file(span.file).name()) },
        "region": region(sources, span),
    }});
    if !label.is_empty() {
        location["message"] = json!({ "text": label });
    }
    location
}

fn fixed(sources: &Sources, fix: &Fix) -> Value {
    json!({
        "description": { "text": fix.title },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(sources.file(fix.span.file).name()) },
            "replacements": [{
                "deletedRegion": region(sources, fix.span),
                "insertedContent": { "text": fix.replacement },
            }],
        }],
    })
}

fn region(sources: &Sources, span: Span) -> Value {
    let file = sources.file(span.file);
    let (line, column) = file.utf16_position(span.start);
    let (end_line, end_column) = file.utf16_position(span.end);
    json!({
        "startLine": line + 1, "startColumn": column + 1,
        "endLine": end_line + 1, "endColumn": end_column + 1,
    })
}

/// A path as a URI reference: relative paths stay relative, to the folder that coord was called in.
fn uri(name: &str) -> String {
    let mut uri = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.trim_start_matches("./").bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(byte as char),
            b if b.is_ascii_alphanumeric() => uri.push(b as char),
            b => uri.push_str(&format!("%{b:02X}")),
        }
    }
    uri
}
