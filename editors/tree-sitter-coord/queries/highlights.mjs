// queries/highlights.scm: what any `.coord` file is coloured by, then the words of each statement.
// Later patterns win. Every pattern captures one node: of two that share one, highlighters drop what
// else the first has captured.

const FIXED = `; Written by editors/generate.mjs from editors/words.json and highlights.mjs.

(comment) @comment
(doc_comment) @comment.documentation

(word) @variable
(path (word) @variable)
(path (word) . (word) @property)
(wildcard) @character.special
(call name: (word) @function.call)
(argument name: (word) @variable.parameter)

(string) @string
(raw_string) @string
(escape_sequence) @string.escape
(bad_escape) @error
(string (interpolation (word) @variable))

(fence_start) @punctuation.delimiter
(fence_end) @punctuation.delimiter
(language) @label
(fence_content) @string

[
  (number)
  (percent)
  (duration)
  (working_time)
  (factor)
  (bytes)
  (money)
  (rate)
  (quantity)
] @number

[
  (instant)
  (date)
  (time)
] @string.special

(operator) @operator
(range ".." @operator)
["[" "]" "(" ")" "{" "}"] @punctuation.bracket
"," @punctuation.delimiter
(argument ":" @punctuation.delimiter)
(interpolation ["\${" "}"] @punctuation.special)
`;

const KINDS = {
  directive: '@keyword.directive',
  import: '@keyword.import',
  conditional: '@keyword.conditional',
  block: '@keyword.repeat',
  event: '@keyword',
  undefined: '@keyword',
};

const DECLARES = {
  project: '@module',
  who: '@type',
  work: '@function',
  param: '@variable.parameter',
  thing: '@constant',
};

export function highlights(statements) {
  return [FIXED, ...keywords(statements), ...names(statements), ...rest(statements)].join('\n');
}

const quoted = words => words.map(word => `"${word}"`).join(' ');
const anyOf = (capture, words) => `(#any-of? ${capture} ${quoted(words)})`;

/** The statements' own words, by the colour they get. */
function keywords(statements) {
  const colours = grouped(statements, s => (s.declares ? '@keyword.type' : KINDS[s.kind]));
  const patterns = [...colours].map(([colour, group]) => {
    return `(keyword [${quoted(group.map(s => s.word))}] ${colour})\n`;
  });
  return ['; Statements, wherever a statement may begin.\n', ...patterns];
}

/** What declarations name. */
function names(statements) {
  const kinds = grouped(statements.filter(s => s.declares), s => s.declares);
  const patterns = [...kinds].map(([kind, group]) => {
    const keyword = `(keyword [${quoted(group.map(s => s.word))}])`;
    const colour = DECLARES[kind];
    return (
      `(statement keyword: ${keyword}\n  . (word) ${colour})\n` +
      `(statement keyword: ${keyword}\n  . (call name: (word) ${colour}))\n`
    );
  });
  return ['; Names, where they are declared.\n', ...patterns];
}

/** The words and values that each statement knows. */
function rest(statements) {
  const pattern = (statement, colour, words) =>
    words.length === 0
      ? []
      : [
          `((statement keyword: (keyword "${statement}")\n` +
            `  [(word) ${colour} (list (word) ${colour}) (group (word) ${colour}) (range (word) ${colour})])\n` +
            `  ${anyOf(colour, words)})\n`,
        ];
  const patterns = statements.flatMap(s => [
    ...pattern(s.word, '@constant.builtin', s.values),
    ...pattern(s.word, '@keyword.modifier', s.words),
  ]);
  return ['; Words and values that mean something behind one statement only.\n', ...patterns];
}

/** In the order in which the groups first appear. */
function grouped(items, key) {
  const groups = new Map();
  for (const item of items) {
    groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  }
  return groups;
}
