// Writes the parts of the highlighters that are lists of words, from words.json:
//
//   node editors/generate.mjs           writes them
//   node editors/generate.mjs --check   fails when they are not as they would be written
//
// `editors/test --update` does this, and generates the parser, which knows the statements' words too.
//
// words.json has one entry per statement: what it declares (`declares`) or how else it is
// coloured (`kind`), the words that may follow it (`words`), and the values (`values`).
// tests/it/editors.rs holds it to the compiler's table of statements.

import { readFileSync, writeFileSync } from 'node:fs';
import { grammar } from './vscode/syntaxes/grammar.mjs';
import { highlights } from './tree-sitter-coord/queries/highlights.mjs';

const here = new URL('.', import.meta.url);
const read = path => readFileSync(new URL(path, here), 'utf8');

const list = text => (text ? text.split(' ') : []);
const statements = Object.entries(JSON.parse(read('words.json'))).map(([word, entry]) => ({
  word,
  kind: entry.kind,
  declares: entry.declares,
  words: list(entry.words),
  values: list(entry.values),
}));

const outputs = {
  'tree-sitter-coord/queries/highlights.scm': highlights(statements),
  'vscode/syntaxes/coord.tmLanguage.json': JSON.stringify(grammar(statements), null, 2) + '\n',
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(outputs)) {
  if (!check) {
    writeFileSync(new URL(path, here), text);
  } else if (read(path) !== text) {
    console.error(`editors/${path} is not what words.json makes of it: run node editors/generate.mjs`);
    process.exitCode = 1;
  }
}
