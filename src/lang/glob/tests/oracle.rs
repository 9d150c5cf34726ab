//! A second opinion on matching, for tests: slow, recursive, straight from the written meaning.
//!
//! Shares no code with the module: it rewrites braces as text and then compares segment by
//! segment. Only to be asked about patterns that parse.

pub(super) fn matches(pattern: &str, path: &str) -> bool {
    Oracle::new(pattern).matches(path)
}

/// The brace expansions of a pattern, each as segments.
pub(super) struct Oracle {
    expansions: Vec<Vec<Vec<char>>>,
}

impl Oracle {
    pub(super) fn new(pattern: &str) -> Self {
        let expansions = expand(&mark_double_stars(pattern));
        Self {
            expansions: expansions.iter().map(|text| segments_of(text)).collect(),
        }
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        is_path(path) && {
            let path: Vec<Vec<char>> = path.split('/').map(|s| s.chars().collect()).collect();
            self.expansions
                .iter()
                .any(|pattern| segments_match(pattern, &path))
        }
    }
}

pub(super) fn is_path(path: &str) -> bool {
    !path.contains('\0')
        && path
            .split('/')
            .all(|segment| !["", ".", ".."].contains(&segment))
}

/// Stands for `**`, because braces may bring two `*` together, which stay two `*`.
const DOUBLE_STAR: char = '\u{1}';

fn mark_double_stars(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut marked = String::new();
    let mut i = 0;
    while i < chars.len() {
        let len = match &chars[i..] {
            ['*', '*', ..] => 2,
            ['\\', ..] => 2,
            ['[', ..] => class_end(&chars[i..]) + 1,
            _ => 1,
        };
        let piece: String = chars[i..i + len].iter().collect();
        marked += if piece == "**" { "\u{1}" } else { &piece };
        i += len;
    }
    marked
}

fn segments_of(expansion: &str) -> Vec<Vec<char>> {
    let expansion = if expansion.ends_with('/') {
        format!("{expansion}{DOUBLE_STAR}")
    } else {
        expansion.to_owned()
    };
    expansion
        .split('/')
        .map(|segment| segment.chars().collect())
        .collect()
}

fn segments_match(pattern: &[Vec<char>], path: &[Vec<char>]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [last] if last == &[DOUBLE_STAR] => !path.is_empty(),
        [first, rest @ ..] if first == &[DOUBLE_STAR] => {
            (0..=path.len()).any(|crossed| segments_match(rest, &path[crossed..]))
        }
        [first, rest @ ..] => {
            !path.is_empty() && chars_match(first, &path[0]) && segments_match(rest, &path[1..])
        }
    }
}

fn chars_match(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|run| chars_match(rest, &text[run..])),
        ['?', rest @ ..] => !text.is_empty() && chars_match(rest, &text[1..]),
        ['\\', c, rest @ ..] => text.first() == Some(c) && chars_match(rest, &text[1..]),
        ['[', ..] => {
            let end = class_end(pattern);
            let (class, rest) = (&pattern[1..end], &pattern[end + 1..]);
            text.first().is_some_and(|&c| in_class(class, c)) && chars_match(rest, &text[1..])
        }
        [c, rest @ ..] => text.first() == Some(c) && chars_match(rest, &text[1..]),
    }
}

/// Index of the `]` of the class that starts at 0.
fn class_end(pattern: &[char]) -> usize {
    let mut i = if matches!(pattern[1], '!' | '^') {
        2
    } else {
        1
    };
    let first = i;
    while pattern[i] != ']' || i == first {
        i += if pattern[i] == '\\' { 2 } else { 1 };
    }
    i
}

fn in_class(class: &[char], c: char) -> bool {
    if let ['!' | '^', rest @ ..] = class {
        return !listed(rest, c);
    }
    listed(class, c)
}

fn listed(class: &[char], c: char) -> bool {
    match class {
        [] => false,
        ['\\', low, '-', '\\', high, rest @ ..] => (low..=high).contains(&&c) || listed(rest, c),
        ['\\', low, '-', high, rest @ ..] => (low..=high).contains(&&c) || listed(rest, c),
        ['\\', one, rest @ ..] => *one == c || listed(rest, c),
        [low, '-', '\\', high, rest @ ..] => (low..=high).contains(&&c) || listed(rest, c),
        [low, '-', high, rest @ ..] => (low..=high).contains(&&c) || listed(rest, c),
        [one, rest @ ..] => *one == c || listed(rest, c),
    }
}

/// All texts the braces stand for.
fn expand(pattern: &str) -> Vec<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let Some(open) = find_bare(&chars, 0, |c, _| c == '{') else {
        return vec![pattern.to_owned()];
    };
    let mut ends = Vec::new();
    let mut from = open;
    loop {
        let next = find_bare(&chars, from + 1, |c, depth| {
            depth == 0 && matches!(c, ',' | '}')
        });
        from = next.expect("braces are closed in a pattern that parses");
        ends.push(from);
        if chars[from] == '}' {
            break;
        }
    }
    let mut start = open + 1;
    let mut expansions = Vec::new();
    for end in ends {
        let parts = [&chars[..open], &chars[start..end], &chars[from + 1..]];
        expansions.extend(expand(&parts.concat().iter().collect::<String>()));
        start = end + 1;
    }
    expansions
}

/// The first character from `from` on, outside classes and not escaped, that `is` accepts when
/// told how deep in braces (from `from`) it stands.
fn find_bare(chars: &[char], from: usize, is: impl Fn(char, usize) -> bool) -> Option<usize> {
    let mut depth = 0;
    let mut i = from;
    while i < chars.len() {
        if is(chars[i], depth) {
            return Some(i);
        }
        match chars[i] {
            '\\' => i += 1,
            '[' => i += class_end(&chars[i..]),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    None
}
