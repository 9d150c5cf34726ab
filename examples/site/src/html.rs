//! As much of HTML as it takes to read a page: its title, its first heading, the files it
//! refers to and the text a visitor sees. Never fails: what it cannot read is text.

/// The content of `<title>`.
pub(crate) fn title(html: &str) -> Option<String> {
    content_of(html, "title")
}

/// The content of the first `<h1>`.
pub(crate) fn heading(html: &str) -> Option<String> {
    content_of(html, "h1")
}

/// The value of an attribute of the first such element.
pub(crate) fn attribute(html: &str, element: &str, attribute: &str) -> Option<String> {
    Tokens::new(html).find_map(|token| match token {
        Token::Open(tag) if tag.name == element => tag.attribute(attribute),
        _ => None,
    })
}

/// Every `href` and `src`, in order and once each, as written.
pub(crate) fn references(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for token in Tokens::new(html) {
        let Token::Open(tag) = token else { continue };
        for name in ["href", "src"] {
            match tag.attribute(name) {
                Some(value) if !found.contains(&value) => found.push(value),
                _ => {}
            }
        }
    }
    found
}

/// The text a visitor sees: one line for each block, nothing of the head, scripts or drawings.
pub(crate) fn visible_text(html: &str) -> String {
    let mut lines = Lines::default();
    let mut hidden: Option<(String, usize)> = None;
    for token in Tokens::new(html) {
        match (&mut hidden, token) {
            (Some((name, depth)), Token::Open(tag)) if tag.name == *name => *depth += 1,
            (Some((name, depth)), Token::Close(closed)) if closed == *name => {
                *depth -= 1;
                if *depth == 0 {
                    hidden = None;
                }
            }
            (Some(_), _) => {}
            (None, Token::Open(tag)) => {
                lines.boundary(&tag.name);
                if HIDDEN.contains(&tag.name.as_str()) && !tag.closes_itself {
                    hidden = Some((tag.name, 1));
                }
            }
            (None, Token::Close(name)) => lines.boundary(&name),
            (None, Token::Text(text)) => lines.add(&decode(text)),
        }
    }
    lines.finish()
}

const HIDDEN: [&str; 6] = ["head", "script", "style", "template", "svg", "title"];
const INLINE: [&str; 18] = [
    "a", "abbr", "b", "cite", "code", "em", "i", "img", "kbd", "label", "mark", "q", "s", "small",
    "span", "strong", "sub", "sup",
];
const CELLS: [&str; 2] = ["td", "th"];
/// Elements whose content is text up to their own end tag, whatever it looks like.
const RAW: [&str; 4] = ["script", "style", "title", "textarea"];

fn content_of(html: &str, element: &str) -> Option<String> {
    let mut inside = false;
    let mut content = String::new();
    for token in Tokens::new(html) {
        match token {
            Token::Open(tag) if tag.name == element => inside = true,
            Token::Close(name) if name == element && inside => {
                return Some(one_line(&content)).filter(|line| !line.is_empty());
            }
            Token::Text(text) if inside => content.push_str(&decode(text)),
            Token::Open(_) | Token::Close(_) | Token::Text(_) => {}
        }
    }
    None
}

/// Runs of white space, hard spaces too, as one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Lines {
    done: Vec<String>,
    open: String,
}

impl Lines {
    fn add(&mut self, text: &str) {
        self.open.push_str(text);
    }

    fn boundary(&mut self, element: &str) {
        if CELLS.contains(&element) {
            self.open.push(' ');
        } else if !INLINE.contains(&element) {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let line = one_line(&std::mem::take(&mut self.open));
        if !line.is_empty() {
            self.done.push(line);
        }
    }

    fn finish(mut self) -> String {
        self.end_line();
        let mut text = self.done.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

struct Tag<'a> {
    name: String,
    attributes: &'a str,
    closes_itself: bool,
}

enum Token<'a> {
    Open(Tag<'a>),
    Close(String),
    Text(&'a str),
}

struct Tokens<'a> {
    rest: &'a str,
    raw: Option<String>,
}

impl<'a> Tokens<'a> {
    fn new(html: &'a str) -> Self {
        Self {
            rest: html,
            raw: None,
        }
    }

    fn cut(&mut self, at: usize) -> &'a str {
        let (cut, rest) = self.rest.split_at(at);
        self.rest = rest;
        cut
    }

    fn raw_text(&mut self, name: &str) -> &'a str {
        let end = find_end_tag(self.rest, name).unwrap_or(self.rest.len());
        self.cut(end)
    }

    /// What stands between `<` and `>`; nothing for comments and declarations.
    fn markup(&mut self) -> Option<Token<'a>> {
        if self.rest.starts_with("<!--") {
            let end = self.rest[4..]
                .find("-->")
                .map_or(self.rest.len(), |at| at + 7);
            self.cut(end);
            return None;
        }
        let end = tag_end(self.rest).unwrap_or(self.rest.len());
        let inner = self.cut(end).trim_start_matches('<').trim_end_matches('>');
        if inner.starts_with(['!', '?']) {
            return None;
        }
        if let Some(name) = inner.strip_prefix('/') {
            return Some(Token::Close(name.trim().to_ascii_lowercase()));
        }
        let split = inner
            .find(|c: char| c.is_whitespace() || c == '/')
            .unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(split);
        let closes_itself = attributes.ends_with('/');
        let tag = Tag {
            name: name.to_ascii_lowercase(),
            attributes,
            closes_itself,
        };
        if RAW.contains(&tag.name.as_str()) && !closes_itself {
            self.raw = Some(tag.name.clone());
        }
        Some(Token::Open(tag))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if let Some(name) = self.raw.take() {
                return Some(Token::Text(self.raw_text(&name)));
            }
            if self.rest.is_empty() {
                return None;
            }
            if !starts_markup(self.rest) {
                let next = self.rest.char_indices().skip(1).map(|(at, _)| at);
                let end = next.into_iter().find(|at| starts_markup(&self.rest[*at..]));
                return Some(Token::Text(self.cut(end.unwrap_or(self.rest.len()))));
            }
            if let Some(token) = self.markup() {
                return Some(token);
            }
        }
    }
}

/// `<` alone, as in `a < b`, is text.
fn starts_markup(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('<')
        && characters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || "!/?".contains(c))
}

/// Behind the `>` that ends the tag; one inside quotes does not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    text.match_indices("</").map(|(at, _)| at).find(|at| {
        let after = &text.as_bytes()[at + 2..];
        after
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
            && after
                .get(name.len())
                .is_none_or(|end| !end.is_ascii_alphanumeric())
    })
}

impl Tag<'_> {
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            let end = rest[1..].find(|c: char| c.is_whitespace() || "=/".contains(c));
            let (name, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
            let (value, after) = attribute_value(after);
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decode(value));
            }
            rest = after;
        }
    }
}

/// The value behind a name, and what follows; an attribute without `=` has an empty one.
fn attribute_value(text: &str) -> (&str, &str) {
    let Some(text) = text.trim_start().strip_prefix('=') else {
        return ("", text);
    };
    let text = text.trim_start();
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split_once(quote).unwrap_or((&text[1..], "")),
        _ => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

/// Character references to characters; what is none stays as it is.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest
            .char_indices()
            .take(12)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at);
        match end.and_then(|end| Some((character(&rest[..end])?, end))) {
            Some((c, end)) => {
                decoded.push(c);
                rest = &rest[end + 1..];
            }
            None => decoded.push('&'),
        }
    }
    decoded + rest
}

fn character(reference: &str) -> Option<char> {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some(
            char::from_u32(code)
                .filter(|c| *c != '\0')
                .unwrap_or('\u{fffd}'),
        );
    }
    NAMED
        .iter()
        .find(|(name, _)| *name == reference)
        .map(|(_, c)| *c)
}

const NAMED: [(&str, char); 31] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("middot", '·'),
    ("bull", '•'),
    ("times", '×'),
    ("divide", '÷'),
    ("deg", '°'),
    ("euro", '€'),
    ("larr", '←'),
    ("rarr", '→'),
    ("uarr", '↑'),
    ("darr", '↓'),
    ("sect", '§'),
    ("shy", '\u{ad}'),
    ("thinsp", '\u{2009}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_a_visitor_sees() {
        let html = "<!DOCTYPE html><html><head><title>no</title><style>b{}</style></head><body>\
            <!-- <p>no</p> --><h1>All <em>open</em></h1>\n<p>a  &lt; b &amp;&amp; c&nbsp;d</p>\
            <script>if (a < b) document.write('<p>no</p>')</script><ul><li>one<li>two</ul>x<br>y\
            <svg><svg><text>no</text></svg><title>no</title></svg><table><tr><td>1<td>2</table>\
            <p title='a > b'>5 < 6 &#8364;&#x21;&bogus; AT&T</p>";
        let expected = "All open\na < b && c d\none\ntwo\nx\ny\n1 2\n5 < 6 €!&bogus; AT&T\n";
        assert_eq!(visible_text(html), expected);
    }

    #[test]
    fn title_heading_and_attributes() {
        let html = "<html data-page-height=\"1834\" lang=en><TITLE>A &middot;\n B</TITLE>\
            <h1 class=x>One <b>two</b></h1><h1>three</h1>";
        assert_eq!(title(html).as_deref(), Some("A · B"));
        assert_eq!(heading(html).as_deref(), Some("One two"));
        assert_eq!(
            attribute(html, "html", "data-page-height").as_deref(),
            Some("1834")
        );
        assert_eq!(attribute(html, "html", "lang").as_deref(), Some("en"));
        assert_eq!(attribute(html, "html", "dir"), None);
        assert_eq!(title("<p>none"), None);
    }

    #[test]
    fn references_once_and_in_order() {
        let html = "<link href=a.css><script src='b.js' defer></script><img alt=\"src=no\" \
            src=\"c.svg?x=1&amp;y=2\"/><a href = \"a.css\">again</a><!-- <img src=no> -->\
            <script>'<img src=no>'</script>";
        assert_eq!(references(html), ["a.css", "b.js", "c.svg?x=1&y=2"]);
    }

    /// Cut anywhere, a page is still read to its end without a panic.
    #[test]
    fn broken_pages() {
        let html = "<p a='é' b=\"x\"><!-- é --><script>é</script>&eacute;&#xD800;<é></p\n>< <";
        for at in (0..=html.len()).filter(|at| html.is_char_boundary(*at)) {
            for part in [&html[..at], &html[at..]] {
                let _ = (visible_text(part), references(part), title(part));
            }
        }
    }
}
