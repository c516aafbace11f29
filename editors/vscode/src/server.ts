import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';

/** The program, and how it was found. */
export interface Server {
  command: string;
  source: 'set by you' | 'part of the extension' | 'on PATH';
}

const PROGRAM = process.platform === 'win32' ? 'meshc-lsp.exe' : 'meshc-lsp';

/**
 * The server that a setting names, else the one in the folder of the extension, else the one on PATH.
 * What a setting names is never replaced by another: its absence is to be seen.
 */
export function findServer(extension: string): Server | undefined {
  const set = vscode.workspace.getConfiguration('meshc').get<string>('server.path', '').trim();
  if (set) {
    const command = named(set);
    return command ? { command, source: 'set by you' } : undefined;
  }
  const bundled = path.join(extension, 'server', PROGRAM);
  if (isProgram(bundled)) return { command: bundled, source: 'part of the extension' };
  const found = onPath(PROGRAM);
  return found ? { command: found, source: 'on PATH' } : undefined;
}

/** What to do if there is none. */
export function howToGetIt(): string {
  const set = vscode.workspace.getConfiguration('meshc').get<string>('server.path', '').trim();
  return set
    ? `The setting meshc.server.path names ${set}, and there is no such program. Correct it, or leave it empty for the one on PATH.`
    : `The language server ${PROGRAM} is not on PATH. Install it with "cargo install --path lsp" in a clone of meshc, or name it in the setting meshc.server.path.`;
}

function named(set: string): string | undefined {
  const home = set.startsWith('~/') ? path.join(os.homedir(), set.slice(2)) : set;
  if (path.isAbsolute(home)) return isProgram(home) ? home : undefined;
  if (!/[\\/]/.test(home)) return onPath(home);
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.map((folder) => path.join(folder.uri.fsPath, home)).find(isProgram);
}

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  return folders.map((folder) => path.join(folder, name)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
