// coord.tmLanguage.json: one rule per statement, so that a word is coloured only where it means
// something, over the pieces that every statement is made of.

const IDENT = '[\\p{L}_][\\p{L}\\p{N}_]*(?:-[\\p{L}\\p{N}_]+)*';
const NUM = '\\d+(?:_\\d+)*(?:\\.\\d+)?';
// where a statement may begin
const START = '(?:^|(?<=[{}]))\\s*';
const END_OF_WORD = '(?![\\p{L}\\p{N}_]|-[\\p{L}\\p{N}_])';
// `word … {` at the start of a line: then a bracket before it was never closed
const NEXT_STATEMENT = `(?=^\\s*(?:${IDENT}\\b[^\\]{]*\\{\\s*$|\\}))`;

const NAMES = {
  project: 'entity.name.namespace',
  who: 'entity.name.type',
  work: 'entity.name.function',
  param: 'variable.parameter',
  thing: 'entity.name.section',
};

// tag of a fence → scope of the language, and what VS Code calls it
export const LANGUAGES = [
  ['sh|bash|shell|zsh|dash|ksh', 'source.shell', 'shellscript'],
  ['python3?|py', 'source.python', 'python'],
  ['js|javascript|node|mjs|cjs', 'source.js', 'javascript'],
  ['ts|typescript', 'source.ts', 'typescript'],
  ['md|markdown', 'text.html.markdown', 'markdown'],
  ['ruby|rb', 'source.ruby', 'ruby'],
  ['perl|pl', 'source.perl', 'perl'],
  ['php', 'source.php', 'php'],
  ['json', 'source.json', 'json'],
  ['ya?ml', 'source.yaml', 'yaml'],
  ['toml', 'source.toml', 'toml'],
  ['sql', 'source.sql', 'sql'],
  ['html', 'text.html.basic', 'html'],
  ['powershell|pwsh|ps1', 'source.powershell', 'powershell'],
  ['rust|rs', 'source.rust', 'rust'],
  ['go', 'source.go', 'go'],
  ['lua', 'source.lua', 'lua'],
  ['diff|patch', 'source.diff', 'diff'],
];

export function grammar(statements) {
  return {
    $schema:
      'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    comment: 'Written by editors/generate.mjs from editors/words.json and grammar.mjs.',
    name: 'coord',
    scopeName: 'source.coord',
    fileTypes: ['coord'],
    patterns: [
      { include: '#comment' },
      ...statements.map(s => ({ include: `#statement-${s.word}` })),
      { include: '#statement' },
      { include: '#block' },
      { include: '#argument' },
    ],
    repository: {
      ...Object.fromEntries(statements.map(s => [`statement-${s.word}`, statement(s)])),
      ...pieces(),
    },
  };
}

function statement({ word, kind, declares, words, values }) {
  const scope = declares ? 'storage.type' : keywordScope(kind);
  const name = declares ? `(?:[ \\t]+(${IDENT}))?` : '';
  return {
    name: `meta.statement.${word}.coord`,
    begin: `${START}(${word})${END_OF_WORD}${name}`,
    beginCaptures: {
      1: { name: `${scope}.${word}.coord` },
      ...(declares && { 2: { name: `${NAMES[declares]}.${word}.coord` } }),
    },
    end: '(?=[{}])|$',
    patterns: [
      ...anyOf(words, 'keyword.other.modifier.coord'),
      ...anyOf(values, 'constant.language.coord'),
      { include: '#argument' },
    ],
  };
}

function keywordScope(kind) {
  return {
    import: 'keyword.control.import',
    directive: 'keyword.control.directive',
    conditional: 'keyword.control.conditional',
  }[kind] ?? 'keyword.control';
}

function anyOf(words, name) {
  if (words.length === 0) return [];
  return [{ name, match: `(?<![\\p{L}\\p{N}_.-])(?:${words.join('|')})(?!\\.\\p{L})${END_OF_WORD}` }];
}

function pieces() {
  const include = names => names.map(name => ({ include: `#${name}` }));
  return {
    // a word that no statement has: its arguments are coloured, it is not
    statement: {
      name: 'meta.statement.coord',
      begin: `${START}(${IDENT})`,
      end: '(?=[{}])|$',
      patterns: include(['argument']),
    },
    block: {
      patterns: [
        { name: 'punctuation.section.block.begin.coord', match: '\\{' },
        { name: 'punctuation.section.block.end.coord', match: '\\}' },
      ],
    },
    argument: {
      patterns: include(['comment', 'fence-end', 'fence', 'value', 'list', 'group', 'operator']),
    },
    value: { patterns: include(['string', 'raw-string', 'moment', 'number', 'call', 'path', 'word']) },
    comment: {
      patterns: [
        {
          name: 'comment.line.documentation.coord',
          match: '(##).*$',
          captures: { 1: { name: 'punctuation.definition.comment.coord' } },
        },
        {
          name: 'comment.line.number-sign.coord',
          match: '(#).*$',
          captures: { 1: { name: 'punctuation.definition.comment.coord' } },
        },
      ],
    },
    list: bracket('list', '\\[', '\\]'),
    group: bracket('group', '\\(', '\\)'),
    call: {
      match: `(${IDENT})(?=\\()`,
      captures: { 1: { name: 'entity.name.function.call.coord' } },
    },
    path: {
      match: `(${IDENT})((?:\\.(?:${IDENT}|\\*))+)`,
      captures: {
        1: { name: 'variable.other.object.coord' },
        2: { name: 'variable.other.property.coord' },
      },
    },
    // so that no piece of a word is taken for something else
    word: { name: 'variable.other.coord', match: IDENT },
    string: {
      name: 'string.quoted.double.coord',
      begin: '"',
      beginCaptures: { 0: { name: 'punctuation.definition.string.begin.coord' } },
      end: '(")|(?=[ \\t]*\\{[ \\t\\r]*$)|$',
      endCaptures: { 1: { name: 'punctuation.definition.string.end.coord' } },
      patterns: [
        {
          name: 'constant.character.escape.coord',
          match: '\\\\(?:["\\\\nt$]|u\\{[0-9A-Fa-f]{1,6}\\})|\\$\\$',
        },
        { name: 'invalid.illegal.escape.coord', match: '\\\\.' },
        { include: '#interpolation' },
      ],
    },
    'raw-string': {
      name: 'string.quoted.single.coord',
      begin: "'",
      beginCaptures: { 0: { name: 'punctuation.definition.string.begin.coord' } },
      end: "(')|(?=[ \\t]*\\{[ \\t\\r]*$)|$",
      endCaptures: { 1: { name: 'punctuation.definition.string.end.coord' } },
    },
    interpolation: {
      name: 'meta.template.expression.coord',
      match: `(\\$\\{)\\s*(${IDENT}(?:\\.(?:${IDENT}|\\*))*)\\s*(\\})`,
      captures: {
        1: { name: 'punctuation.definition.template-expression.begin.coord' },
        2: { name: 'variable.other.coord' },
        3: { name: 'punctuation.definition.template-expression.end.coord' },
      },
    },
    moment: {
      patterns: [
        {
          name: 'constant.other.instant.coord',
          match:
            '\\d{4}-\\d{2}-\\d{2}T\\d{1,2}:\\d{2}(?::\\d{2})?(?:Z|[+-]\\d{1,2}:\\d{2}(?::\\d{2})?)?',
        },
        { name: 'constant.other.date.coord', match: '\\d{4}-\\d{2}-\\d{2}' },
        { name: 'constant.other.time.coord', match: '\\d{1,2}:\\d{2}(?::\\d{2})?' },
      ],
    },
    number: {
      patterns: [
        ['percent', `${NUM}%`],
        ['rate', `${NUM}[A-Z]{3}/(?:ms|s|m|h|d|w|wd|wh|hour|day|week|month|year)`],
        ['money', `${NUM}[A-Z]{3}`],
        ['bytes', `${NUM}(?:[kKMGTP]i?)?B`],
        ['factor', `${NUM}x`],
        ['working-time', `(?:${NUM}(?:wd|wh))+`],
        ['duration', `(?:${NUM}(?:ms|s|m|h|d|w))+`],
        ['quantity', `${NUM}\\p{L}(?:[\\p{L}\\p{N}_]|/\\p{L})*`],
        ['integer', NUM],
      ].map(([kind, match]) => ({
        name: `constant.numeric.${kind}.coord`,
        match: `${match}(?![\\p{L}\\p{N}_/])`,
      })),
    },
    operator: {
      name: 'keyword.operator.coord',
      match: '->|>=|<=|==|!=|\\.\\.|[><|=+\\-*/:?~]',
    },
    // begin and while, so that nothing of the embedded language can run over the fence's end
    fence: {
      patterns: [
        ...LANGUAGES.map(([tags, scope, language]) =>
          fence(`(?i:${tags})`, [{ include: scope }], `meta.embedded.block.${language}.coord`),
        ),
        fence('[^\\s`]*', [{ include: '#interpolation' }], 'string.unquoted.fence.coord'),
      ],
    },
    'fence-end': {
      match: '^\\s*(`{3,})',
      captures: { 1: { name: 'punctuation.definition.fence.end.coord' } },
    },
  };
}

function bracket(kind, open, close) {
  return {
    name: `meta.${kind}.coord`,
    begin: open,
    beginCaptures: { 0: { name: `punctuation.section.${kind}.begin.coord` } },
    end: `(${close})|${NEXT_STATEMENT}`,
    endCaptures: { 1: { name: `punctuation.section.${kind}.end.coord` } },
    patterns: [
      { include: '#comment' },
      { name: 'keyword.operator.word.coord', match: '\\b(?:and|or|not)\\b(?!-)' },
      { include: '#value' },
      { include: '#list' },
      { include: '#group' },
      { name: 'punctuation.separator.coord', match: ',' },
      { include: '#operator' },
    ],
  };
}

function fence(tags, patterns, contentName) {
  return {
    begin: '(`{3,})[ \\t]*(' + tags + ')[ \\t]*$',
    beginCaptures: {
      1: { name: 'punctuation.definition.fence.begin.coord' },
      2: { name: 'entity.name.tag.language.coord' },
    },
    while: '^(?![ \\t]*\\1(?!`))',
    contentName,
    patterns,
  };
}
