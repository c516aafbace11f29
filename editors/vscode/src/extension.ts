import * as vscode from 'vscode';

import { Connection } from './connection';
import { Preview } from './preview';
import { Status } from './status';

let connection: Connection | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('meshc', { log: true });
  const status = new Status();
  const preview = new Preview(() => connection?.client);
  const opened = new Connection(context.extensionUri.fsPath, log, status, preview);
  connection = opened;
  context.subscriptions.push(
    log,
    status,
    preview,
    vscode.commands.registerCommand('meshc.showYaml', () => preview.show()),
    vscode.commands.registerCommand('meshc.output', () => log.show()),
    vscode.commands.registerCommand('meshc.restart', () => opened.restart()),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('meshc.server.path')) await opened.restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => opened.restart()),
  );
  await opened.restart();
}

export async function deactivate(): Promise<void> {
  await connection?.client?.stop();
}
