import * as vscode from 'vscode';

import { howToGetIt, type Server } from './server';

/** The state of the language server, beside the language of the file. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.languages.createLanguageStatusItem('meshc.server', [
    { language: 'mesh' },
    { language: 'yaml' },
  ]);

  constructor() {
    this.item.name = 'meshc';
    this.item.command = { command: 'meshc.output', title: 'Log' };
  }

  starting(): void {
    this.item.busy = true;
    this.say('meshc', 'starting', vscode.LanguageStatusSeverity.Information);
  }

  running(version: string | undefined, server: Server): void {
    this.item.busy = false;
    const name = version ? `meshc ${version}` : 'meshc';
    this.say(name, `${server.command}, ${server.source}`, vscode.LanguageStatusSeverity.Information);
  }

  stopped(): void {
    this.item.busy = false;
    this.say('meshc', 'the language server is not running', vscode.LanguageStatusSeverity.Error);
  }

  missing(): void {
    this.item.busy = false;
    this.say('meshc', howToGetIt(), vscode.LanguageStatusSeverity.Error);
  }

  dispose(): void {
    this.item.dispose();
  }

  private say(text: string, detail: string, severity: vscode.LanguageStatusSeverity): void {
    this.item.text = text;
    this.item.detail = detail;
    this.item.severity = severity;
  }
}
