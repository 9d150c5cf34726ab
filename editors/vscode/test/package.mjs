// Packages the extension, and looks whether all is in the package that its manifest names, and
// nothing else.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const yauzl = createRequire(import.meta.url)('yauzl');
const here = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'coord-package-'));
const failed = [];

function open(path) {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

/** The files of a package by name. */
async function contents(path) {
  const zip = await open(path);
  const files = new Map();
  await new Promise((resolve, reject) => {
    zip.on('entry', entry => files.set(entry.fileName, entry)).on('end', resolve).on('error', reject);
  });
  for (const [name, entry] of files) files.set(name, await text(zip, entry));
  zip.close();
  return files;
}

function text(zip, entry) {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) return reject(error);
      const pieces = [];
      stream.on('data', piece => pieces.push(piece)).on('error', reject);
      stream.on('end', () => resolve(Buffer.concat(pieces).toString()));
    });
  });
}

/** Every file of the package that the manifest speaks of. */
function named({ main, icon, contributes }) {
  const { languages, grammars, snippets } = contributes;
  const icons = languages.flatMap(language => Object.values(language.icon ?? {}));
  const paths = [...grammars, ...snippets].map(entry => entry.path);
  const configurations = languages.map(language => language.configuration);
  return [main, icon, ...icons, ...paths, ...configurations].map(path =>
    join('extension', path).replaceAll('\\', '/'),
  );
}

try {
  const run = (program, ...args) =>
    execFileSync(process.execPath, [join(here, program), ...args], { cwd: here, stdio: 'pipe' });
  const path = join(folder, 'coord.vsix');
  const options = ['--no-dependencies', '--allow-missing-repository', '--out', path];
  run('build.mjs');
  run('node_modules/@vscode/vsce/vsce', 'package', ...options);

  const files = await contents(path);
  const manifest = JSON.parse(files.get('extension/package.json') ?? '{}');
  const wanted = new Set([
    '[Content_Types].xml',
    'extension.vsixmanifest',
    'extension/package.json',
    'extension/LICENSE.txt',
    ...named(manifest),
  ]);
  for (const name of wanted) if (!files.has(name)) failed.push(`${name} is missing`);
  for (const name of files.keys()) if (!wanted.has(name)) failed.push(`${name} does not belong there`);
  for (const name of [...files.keys()].filter(name => name.endsWith('.json'))) JSON.parse(files.get(name));

  // the program alone: all that it needs but the editor is in it
  const program = join(folder, 'extension.cjs');
  writeFileSync(program, files.get('extension/dist/extension.js'));
  const needed = files.get('extension/dist/extension.js').matchAll(/\brequire\("([^"]+)"\)/g);
  const outside = new Set([...needed].map(([, name]) => name).filter(name => name !== 'vscode'));
  for (const name of outside) {
    const isNode = builtinModules.includes(name.replace(/^node:/, ''));
    if (!isNode) failed.push(`the program needs ${name}, which is not in the package`);
  }
  execFileSync(process.execPath, ['--check', program], { stdio: 'pipe' });
  console.log(`package: ${files.size} files, ${failed.length} failed`);
} catch (error) {
  failed.push(String(error.stderr ?? '') + String(error.stdout ?? '') + error.stack);
} finally {
  rmSync(folder, { recursive: true });
}
for (const line of failed) console.error(`package: ${line}`);
process.exitCode = failed.length > 0 ? 1 : 0;
