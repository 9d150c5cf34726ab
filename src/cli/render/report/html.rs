//! A page as one HTML file that needs nothing else: no script, no font, no network.

use super::page::{Bar, Block, Page};
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2329;--dim:#5c6670;--line:#d9dee3;--ground:#fff;--soft:#f5f7f9;--good:#1a7f4b;--bad:#b3261e;--plain:#6b7784}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--dim:#9aa5b0;--line:#343c44;--ground:#14181c;--soft:#1c2228;--good:#4cc38a;--bad:#ff8a80;--plain:#8b96a1}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem 4rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.2rem;margin:2.5rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .25rem}
p{margin:.25rem 0 .75rem;max-width:46rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.25rem;margin:0}
dt{color:var(--dim)}dd{margin:0}
nav{margin:1.25rem 0 0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:inherit}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
th{color:var(--dim);font-weight:600;white-space:nowrap}
ul{list-style:none;margin:0;padding:0;font:.85rem/1.6 ui-monospace,monospace;overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}
.bars{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.2rem .75rem;margin-top:1.25rem;font-size:.85rem}
.bars span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bars div{position:relative;background:var(--soft);border-radius:3px;min-height:1.1rem}
.bars i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:3px;background:var(--plain)}
.bars i.good{background:var(--good)}.bars i.bad{background:var(--bad)}
@media print{body{max-width:none;padding:0}nav{display:none}}
";

pub(crate) fn text(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<dl>\n"
    );
    for (name, value) in &page.facts {
        let _ = writeln!(
            out,
            "<dt>{name}</dt><dd{}>{}</dd>",
            tone(value),
            escaped(value)
        );
    }
    out.push_str("<dt>Times</dt><dd>UTC</dd>\n</dl>\n<nav>\n");
    for section in &page.sections {
        let _ = writeln!(
            out,
            "<a href=\"#{}\">{}</a>",
            id(section.title),
            section.title
        );
    }
    out.push_str("</nav>\n");
    for section in &page.sections {
        let _ = writeln!(
            out,
            "<section>\n<h2 id=\"{}\">{}</h2>",
            id(section.title),
            section.title
        );
        section.blocks.iter().for_each(|of| block(&mut out, of));
        out.push_str("</section>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(title) => {
            let _ = writeln!(out, "<h3>{}</h3>", escaped(title));
        }
        Block::Text(text) => {
            let _ = writeln!(
                out,
                "<p>{}</p>",
                escaped(text.trim()).replace('\n', "<br>\n")
            );
        }
        Block::List(lines) => {
            out.push_str("<ul>\n");
            for line in lines {
                let _ = writeln!(out, "<li>{}</li>", escaped(line));
            }
            out.push_str("</ul>\n");
        }
        Block::Table { head, rows } => table(out, head, rows),
        Block::Bars { whole, bars } => {
            out.push_str("<div class=\"bars\" aria-hidden=\"true\">\n");
            bars.iter().for_each(|of| bar(out, *whole, of));
            out.push_str("</div>\n");
        }
    }
}

fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    out.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for name in head {
        let _ = write!(out, "<th scope=\"col\">{name}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td{}>{}</td>", tone(cell), escaped(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn bar(out: &mut String, whole: i64, bar: &Bar) {
    let percent = |ms: i64| ms as f64 * 100.0 / whole.max(1) as f64;
    let _ = writeln!(
        out,
        "<span>{}</span><div><i class=\"{}\" style=\"left:{:.2}%;width:{:.2}%\"></i></div>",
        escaped(&bar.name),
        bar.tone,
        percent(bar.from),
        percent(bar.to - bar.from)
    );
}

/// A word that is good or bad news is coloured so.
fn tone(text: &str) -> &'static str {
    match text {
        "completed" | "yes" => " class=\"good\"",
        "failed" | "no" | "in-doubt" => " class=\"bad\"",
        _ => "",
    }
}

fn id(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
