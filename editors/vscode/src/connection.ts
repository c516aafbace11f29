import * as vscode from 'vscode';
import { LanguageClient, State, type LanguageClientOptions, type ServerOptions } from 'vscode-languageclient/node';

import type { Preview } from './preview';
import { findServer, howToGetIt, type Server } from './server';
import type { Status } from './status';

/** What the server offers above a block: its YAML as a file. */
const SHOW_EMITTED = 'meshc.showEmitted';

/** The conversation with the language server: at most one at a time. */
export class Connection {
  client: LanguageClient | undefined;
  /** Restarts come one after the other, else two servers could be left. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly extension: string,
    private readonly log: vscode.LogOutputChannel,
    private readonly status: Status,
    private readonly preview: Preview,
  ) {}

  restart(): Promise<void> {
    this.turn = this.turn.then(async () => {
      const old = this.client;
      this.client = undefined;
      // A server that died cannot be stopped, and a new one is wanted all the same.
      await old?.dispose().catch((error: unknown) => this.log.warn(String(error)));
      await this.start();
    });
    return this.turn;
  }

  private async start(): Promise<void> {
    this.status.starting();
    const server = findServer(this.extension);
    if (!server) {
      this.status.missing();
      // A message stays until it is answered, and nothing waits for that.
      void sayItIsMissing();
      return;
    }
    this.log.info(`starting ${server.command}, which is ${server.source}`);
    const started = new LanguageClient('meshc', 'meshc', options(server), this.clientOptions());
    started.onDidChangeState(({ newState }) => {
      if (this.client !== started) return;
      if (newState === State.Running) this.status.running(started.initializeResult?.serverInfo?.version, server);
      if (newState === State.Stopped) this.status.stopped();
    });
    this.client = started;
    try {
      await started.start();
    } catch (error) {
      this.log.error(String(error));
      this.status.stopped();
      void sayItFailed(server);
    }
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [
        { scheme: 'file', language: 'mesh' },
        { scheme: 'untitled', language: 'mesh' },
        { scheme: 'file', language: 'yaml' },
      ],
      outputChannel: this.log,
      synchronize: { configurationSection: 'meshc' },
      markdown: { isTrusted: { enabledCommands: ['meshc.showYaml'] } },
      middleware: {
        // The preview is better than a file: it follows.
        executeCommand: (command, args: unknown[], next) =>
          command === SHOW_EMITTED ? this.preview.showPlace(args) : next(command, args),
      },
    };
  }
}

function options(server: Server): ServerOptions {
  return { command: server.command, args: [], options: { env: process.env } };
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
