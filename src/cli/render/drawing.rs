//! How every drawing (SVG) of a plan begins: its size, its title, and the style that all share.

use super::picture::escaped;

const STYLE: &str = "\
svg{background:#fff;color-scheme:light dark}text{font:12px system-ui,Helvetica,Arial,sans-serif;fill:#1d2329}
.title{font-size:16px;font-weight:bold}.dim{fill:#5c6670}
@media(prefers-color-scheme:dark){svg{background:#14181c}text{fill:#e4e8ec}.dim{fill:#9aa5b0}}
";

/// The start of a drawing with a style of its own, up to its title, which stands at `edge`.
pub(crate) fn begin(size: (i64, i64), edge: i64, title: &str, style: &str) -> String {
    let ((width, height), title) = (size, escaped(title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <style>\n{STYLE}{style}</style>\n\
         <text class=\"title\" x=\"{edge}\" y=\"24\">{title}</text>\n"
    )
}
