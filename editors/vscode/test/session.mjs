// A session of VS Code's own client library with `coord lsp`: every answer passes through its types
// and converters of the wire, in the order in which an editor asks.
//
//   COORD=target/debug/coord node test/session.mjs

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import assert from 'node:assert/strict';

const lsp = createRequire(import.meta.url)('vscode-languageserver-protocol/node');

const MAIN = `edition 2026

use "team.coord"

## Everything that clients call.
task api "The API 😀" {
  by backend
  takes 4wd
}

task pages {
  by backend
  needs api
  takes 2wd
}
`;
const TEAM = `edition 2026

## Writes the services.
agent backend "Backend" {
  does "Write the API"
  via human
}
`;

const folder = mkdtempSync(join(tmpdir(), 'coord-session-'));
const uri = name => pathToFileURL(join(folder, name)).href;
writeFileSync(join(folder, 'main.coord'), MAIN);
writeFileSync(join(folder, 'team.coord'), TEAM);

const server = spawn(process.env.COORD ?? 'coord', ['lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
const connection = lsp.createProtocolConnection(
  new lsp.StreamMessageReader(server.stdout),
  new lsp.StreamMessageWriter(server.stdin),
);
connection.onUnhandledNotification(message => assert.fail(`not asked for: ${message.method}`));
connection.onError(([error]) => assert.fail(error));

/** The diagnostics of one version of a file, whenever they come. */
const told = new Map();
const awaited = new Map();
connection.onNotification(lsp.PublishDiagnosticsNotification.type, ({ uri, version, diagnostics }) => {
  const key = `${uri} ${version}`;
  told.set(key, diagnostics);
  awaited.get(key)?.(diagnostics);
});
const diagnostics = (name, version) =>
  new Promise(resolve => {
    const key = `${uri(name)} ${version}`;
    if (told.has(key)) resolve(told.get(key));
    awaited.set(key, resolve);
  });

const watched = new Promise(resolve => {
  connection.onRequest(lsp.RegistrationRequest.type, ({ registrations }) => resolve(registrations));
});

let text = MAIN;
let version = 1;
const textDocument = { uri: uri('main.coord') };

/** The place of `|` in the first `mark` of the text. */
function at(mark) {
  const found = text.indexOf(mark.replace('|', ''));
  assert.notEqual(found, -1, `no ${mark}`);
  const lines = text.slice(0, found + mark.indexOf('|')).split('\n');
  // JavaScript's own columns are UTF-16 units as well
  return { textDocument, position: { line: lines.length - 1, character: lines.at(-1).length } };
}

/** Types `to` instead of the first `from`. */
function type(from, to) {
  const start = at(`|${from}`).position;
  const end = { line: start.line, character: start.character + from.length };
  text = text.replace(from, to);
  version += 1;
  return connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
    textDocument: { uri: textDocument.uri, version },
    contentChanges: [{ range: { start, end }, text: to }],
  });
}

const ask = (request, params) => connection.sendRequest(request.type, params);
const errors = found => found.filter(d => d.severity === lsp.DiagnosticSeverity.Error).map(d => d.code);
const all = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };

async function session() {
  const { capabilities } = await ask(lsp.InitializeRequest, {
    processId: process.pid,
    rootUri: uri(''),
    workspaceFolders: [{ uri: uri(''), name: 'space' }],
    capabilities: {
      workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
      textDocument: { completion: { completionItem: { snippetSupport: true } } },
    },
  });
  assert.equal(capabilities.positionEncoding, lsp.PositionEncodingKind.UTF16);
  await connection.sendNotification(lsp.InitializedNotification.type, {});
  assert.deepEqual((await watched).map(r => r.method), ['workspace/didChangeWatchedFiles']);
  const opened = { ...textDocument, languageId: 'coord', version, text };
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument: opened });
  assert.deepEqual(errors(await diagnostics('main.coord', 1)), []);

  await type('by backend', 'by bakend');
  assert.deepEqual(errors(await diagnostics('main.coord', 2)), ['E0201']);
  const context = { diagnostics: [] };
  const [fix] = await ask(lsp.CodeActionRequest, { textDocument, range: all, context });
  assert.equal(fix.kind, lsp.CodeActionKind.QuickFix);
  assert.equal(fix.edit.changes[textDocument.uri][0].newText, 'backend');
  const only = [lsp.CodeActionKind.SourceFixAll];
  const [sure] = await ask(lsp.CodeActionRequest, { textDocument, range: all, context: { ...context, only } });
  assert.equal(sure.kind, `${lsp.CodeActionKind.SourceFixAll}.coord`);
  assert.equal(sure.edit.changes[textDocument.uri].length, 1);
  await type('by bakend', 'by backend');
  assert.deepEqual(errors(await diagnostics('main.coord', 3)), []);

  const { items } = await ask(lsp.CompletionRequest, at('by |backend'));
  assert.ok(items.some(item => item.label === 'backend' && item.textEdit));
  const hover = await ask(lsp.HoverRequest, at('task ap|i'));
  assert.match(hover.contents.value, /Everything that clients call\.[^]*- owner: backend[^]*- slack:/);
  const agent = await ask(lsp.DefinitionRequest, at('by back|end'));
  assert.equal(agent.uri, uri('team.coord'));
  const uses = await ask(lsp.ReferencesRequest, { ...at('task a|pi'), context: { includeDeclaration: true } });
  assert.equal(uses.length, 2);
  assert.equal((await ask(lsp.DocumentHighlightRequest, at('needs a|pi'))).length, 2);

  assert.equal((await ask(lsp.PrepareRenameRequest, at('by back|end'))).placeholder, 'backend');
  const { changes } = await ask(lsp.RenameRequest, { ...at('by back|end'), newName: 'server' });
  const edits = Object.entries(changes).map(([where, list]) => [where, list.length]);
  assert.deepEqual(edits.sort(), [[textDocument.uri, 2], [uri('team.coord'), 1]].sort());
  await assert.rejects(ask(lsp.RenameRequest, { ...at('task a|pi'), newName: 'pages' }), /already/);

  const symbols = await ask(lsp.DocumentSymbolRequest, { textDocument });
  assert.deepEqual(symbols.map(s => s.name), ['api', 'pages']);
  const found = await ask(lsp.WorkspaceSymbolRequest, { query: 'back' });
  assert.deepEqual(found.map(s => s.name), ['backend']);
  assert.equal((await ask(lsp.FoldingRangeRequest, { textDocument })).length, 2);
  const tokens = await ask(lsp.SemanticTokensRequest, { textDocument });
  assert.ok(tokens.data.length > 0 && tokens.data.length % 5 === 0);
  const part = await ask(lsp.SemanticTokensRangeRequest, { textDocument, range: all });
  assert.deepEqual(part.data, tokens.data);
  const hints = await ask(lsp.InlayHintRequest, { textDocument, range: all });
  assert.deepEqual(hints.map(h => h.position.line), [5, 10]);

  await type('takes 2wd', 'takes   2wd');
  const options = { tabSize: 2, insertSpaces: true };
  const [edit] = await ask(lsp.DocumentFormattingRequest, { textDocument, options });
  assert.equal(edit.newText, '');
  const lines = { start: at('|takes   2wd').position, end: at('takes   2wd|').position };
  const [partly] = await ask(lsp.DocumentRangeFormattingRequest, { textDocument, range: lines, options });
  assert.deepEqual(partly, edit);

  await ask(lsp.ShutdownRequest);
  await connection.sendNotification(lsp.ExitNotification.type);
  const status = await new Promise(resolve => server.on('exit', resolve));
  assert.equal(status, 0);
}

connection.listen();
try {
  await session();
  console.log('session: all answered');
} catch (error) {
  console.error(`session: ${error.stack}`);
  process.exitCode = 1;
} finally {
  connection.dispose();
  server.kill();
  rmSync(folder, { recursive: true });
}
