// Starts `coord lsp` for `.coord` files and keeps it in step with the settings.

import { commands, type ExtensionContext, window, workspace } from 'vscode';
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';

let client: LanguageClient | undefined;
// starts and stops one after another, however fast the settings change
let last: Promise<void> = Promise.resolve();

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('coord.restartServer', () => inOrder(restart)),
    commands.registerCommand('coord.showOutput', () => client?.outputChannel.show()),
    workspace.onDidChangeConfiguration(change => {
      if (change.affectsConfiguration('coord.path')) void inOrder(restart);
    }),
    workspace.onDidGrantWorkspaceTrust(() => void inOrder(restart)),
  );
  await inOrder(start);
}

export function deactivate(): Promise<void> {
  return inOrder(stop);
}

function inOrder(step: () => Promise<void>): Promise<void> {
  last = last.then(step, step);
  return last;
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

async function start(): Promise<void> {
  const command = workspace.getConfiguration('coord').get<string>('path')?.trim() || 'coord';
  const server: ServerOptions = { command, args: ['lsp'] };
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: 'file', language: 'coord' },
      { scheme: 'untitled', language: 'coord' },
    ],
    synchronize: { fileEvents: workspace.createFileSystemWatcher('**/*.coord') },
  };
  client = new LanguageClient('coord', 'coord', server, options);
  try {
    await client.start();
  } catch (error) {
    void explain(command, error);
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  // one that never came up has nothing to stop
  if (running?.isRunning()) await running.stop();
}

async function explain(command: string, error: unknown): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const choice = await window.showErrorMessage(
    `\`${command} lsp\` did not start: ${reason}. Install coord, or say where it is in the setting \`coord.path\`.`,
    'Open settings',
    'Try again',
  );
  if (choice === 'Open settings') {
    await commands.executeCommand('workbench.action.openSettings', 'coord.path');
  } else if (choice === 'Try again') {
    await inOrder(restart);
  }
}
