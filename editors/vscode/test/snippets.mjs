// Every snippet, with its defaults filled in and the project around it that it speaks of, passes
// `coord check`.
//
//   COORD=target/debug/coord node test/snippets.mjs

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILES, SURROUNDINGS } from './surroundings.mjs';

const coord = process.env.COORD ?? 'coord';
const here = new URL('..', import.meta.url);
const snippets = JSON.parse(readFileSync(new URL('snippets/coord.json', here), 'utf8'));

/** The body with every placeholder's default, the first of every choice, and no tab stop. */
export function filled(body) {
  let text = body.join('\n');
  text = text.replace(/(?<!\\)\$\{\d+\|((?:[^|\\]|\\.)*?)\|\}/g, (_, choices) => choices.split(',')[0]);
  text = text.replace(/(?<!\\)\$\{\d+:((?:[^}\\]|\\.)*)\}/g, '$1');
  text = text.replace(/(?<!\\)\$\d+/g, '');
  return text.replace(/\\([$}\\])/g, '$1');
}

function diagnostics(text) {
  const folder = mkdtempSync(join(tmpdir(), 'coord-snippet-'));
  try {
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, 'main.coord'), text);
    const args = ['check', '--format', 'json', 'main.coord'];
    const run = spawnSync(coord, args, { cwd: folder, encoding: 'utf8' });
    if (run.error) throw run.error;
    const files = JSON.parse(run.stdout);
    return files.flatMap(file => file.diagnostics);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const failed = [];
for (const [name, { body }] of Object.entries(snippets)) {
  const around = SURROUNDINGS[name];
  if (around === undefined) {
    failed.push(`${name}: no surroundings in test/surroundings.mjs`);
    continue;
  }
  const text = around.replace('@@', () => filled(body));
  const errors = diagnostics(text).filter(diagnostic => diagnostic.severity === 1);
  if (errors.length > 0) {
    failed.push(`${name}: ${errors.map(e => `${e.code} ${e.message}`).join('; ')}\n${text}`);
  }
}

for (const name of Object.keys(SURROUNDINGS)) {
  if (!(name in snippets)) failed.push(`${name}: surroundings of a snippet that is not there`);
}
for (const line of failed) console.error(`snippet ${line}`);
console.log(`snippets: ${Object.keys(snippets).length} checked, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;
