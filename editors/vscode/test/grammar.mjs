// The TextMate grammar, with the engine that VS Code has for it.
//
//   node test/grammar.mjs            every sample is coloured as the file beside it says, and no
//                                    file of this project that is right has anything wrong in it
//   UPDATE=1 node test/grammar.mjs   writes the files beside the samples

import { createRequire } from 'node:module';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LANGUAGES } from '../syntaxes/grammar.mjs';

const require = createRequire(import.meta.url);
const oniguruma = require('vscode-oniguruma');
const { INITIAL, parseRawGrammar, Registry } = require('vscode-textmate');

const here = fileURLToPath(new URL('..', import.meta.url));
const project = join(here, '..', '..');
const failed = [];

const wasm = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
const path = join(here, 'syntaxes', 'coord.tmLanguage.json');
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: patterns => new oniguruma.OnigScanner(patterns),
    createOnigString: text => new oniguruma.OnigString(text),
  }),
  // the languages of scripts are VS Code's own: here they have quotes, and nothing ever ends those
  loadGrammar: async scope =>
    scope === 'source.coord'
      ? parseRawGrammar(readFileSync(path, 'utf8'), path)
      : { scopeName: scope, patterns: [{ name: `string.${scope}`, begin: '"', end: '(?!)' }], repository: {} },
});
const grammar = await registry.loadGrammar('source.coord');

/** Every piece of a text with its scopes, a line each, and how deep the last line ends. */
function tokens(text) {
  let stack = INITIAL;
  const found = [];
  for (const line of text.split(/\r?\n/)) {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    for (const token of result.tokens) {
      const piece = line.slice(token.startIndex, token.endIndex);
      if (piece.trim() !== '') found.push({ piece, scopes: token.scopes.slice(1) });
    }
  }
  return { found, depth: stack.depth };
}

const shown = ({ found }) => found.map(t => `${JSON.stringify(t.piece)} ${t.scopes.join(' ')}\n`).join('');

function samples() {
  const folder = join(here, 'test', 'grammar');
  const names = readdirSync(folder).filter(name => name.endsWith('.coord'));
  for (const name of names) {
    const beside = join(folder, name.replace(/\.coord$/, '.scopes'));
    const now = shown(tokens(readFileSync(join(folder, name), 'utf8')));
    if (process.env.UPDATE) writeFileSync(beside, now);
    const wanted = readFileSync(beside, 'utf8');
    if (now === wanted) continue;
    const lines = now.split('\n');
    const at = wanted.split('\n').findIndex((line, n) => line !== lines[n]);
    failed.push(`${name}, token ${at + 1}:\n  ${lines[at]}\n  is wanted to be\n  ${wanted.split('\n')[at]}`);
  }
  return names.length;
}

/** Files that are right: every statement has its colour, and nothing stays open at the end. */
function files() {
  const right = ['workflows', 'examples', 'tests/cases/format', 'tests/cases/manual'].flatMap(folder =>
    readdirSync(join(project, folder), { recursive: true })
      .filter(name => name.endsWith('.coord') && !name.startsWith('broken.'))
      .map(name => join(folder, name)),
  );
  for (const name of right) {
    const result = tokens(readFileSync(join(project, name), 'utf8'));
    const wrong = result.found.find(t => t.scopes.some(s => s.startsWith('invalid')));
    if (wrong) failed.push(`${name}: ${JSON.stringify(wrong.piece)} is ${wrong.scopes.at(-1)}`);
    if (result.depth > 1) failed.push(`${name}: something is still open at its end`);
  }
  return right.length;
}

/** Every language that scripts are written in is one to VS Code as well. */
function languages() {
  const { contributes } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const known = contributes.grammars[0].embeddedLanguages;
  for (const [tags, , language] of LANGUAGES) {
    if (known[`meta.embedded.block.${language}`] !== language) {
      failed.push(`${tags}: package.json does not say which language meta.embedded.block.${language} is`);
    }
  }
}

languages();
const counts = [samples(), files()];
for (const line of failed) console.error(`grammar: ${line}`);
console.log(`grammar: ${counts[0]} samples, ${counts[1]} files, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;
