import * as vscode from 'vscode';
import { LanguageClient, State, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';

import { Preview } from './preview';
import { findServer, howToGetIt, type Server } from './server';
import { Status } from './status';

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('meshc', { log: true });
  const status = new Status();
  const preview = new Preview(() => client);
  context.subscriptions.push(
    log,
    status,
    preview,
    vscode.commands.registerCommand('meshc.showYaml', () => preview.show()),
    vscode.commands.registerCommand('meshc.output', () => log.show()),
    vscode.commands.registerCommand('meshc.restart', () => restart(context, log, status)),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('meshc.server.path')) await restart(context, log, status);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => restart(context, log, status)),
  );
  await start(context, log, status);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function restart(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, status: Status): Promise<void> {
  const old = client;
  client = undefined;
  // A server that died cannot be stopped, and a new one is wanted all the same.
  await old?.dispose().catch((error: unknown) => log.warn(String(error)));
  await start(context, log, status);
}

async function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, status: Status): Promise<void> {
  status.starting();
  const server = findServer(context.extensionUri.fsPath);
  if (!server) {
    status.missing();
    await sayItIsMissing();
    return;
  }
  log.info(`starting ${server.command}, which is ${server.source}`);
  const started = new LanguageClient('meshc', 'meshc', serverOptions(server), clientOptions(log));
  started.onDidChangeState(({ newState }) => {
    if (client !== started) return;
    if (newState === State.Running) status.running(started.initializeResult?.serverInfo?.version, server);
    if (newState === State.Stopped) status.stopped();
  });
  client = started;
  try {
    await started.start();
  } catch (error) {
    if (client !== started) return;
    log.error(String(error));
    status.stopped();
    await sayItFailed(server);
  }
}

function serverOptions(server: Server): ServerOptions {
  return { command: server.command, args: [], options: { env: process.env } };
}

function clientOptions(log: vscode.LogOutputChannel): LanguageClientOptions {
  return {
    documentSelector: [
      { scheme: 'file', language: 'mesh' },
      { scheme: 'untitled', language: 'mesh' },
      { scheme: 'file', language: 'yaml' },
    ],
    outputChannel: log,
    synchronize: { configurationSection: 'meshc' },
    markdown: { isTrusted: { enabledCommands: ['meshc.showYaml'] } },
  };
}

async function sayItIsMissing(): Promise<void> {
  const settings = 'Open Settings';
  const chosen = await vscode.window.showErrorMessage(howToGetIt(), settings);
  if (chosen === settings) await vscode.commands.executeCommand('workbench.action.openSettings', 'meshc.server.path');
}

async function sayItFailed(server: Server): Promise<void> {
  const output = 'Show Log';
  const chosen = await vscode.window.showErrorMessage(
    `The language server ${server.command} does not start. Its log says why.`,
    output,
  );
  if (chosen === output) await vscode.commands.executeCommand('meshc.output');
}
