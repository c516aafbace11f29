import * as vscode from 'vscode';
import type { LanguageClient, Position } from 'vscode-languageclient/node';

const SCHEME = 'meshc-yaml';
const ADDRESS = vscode.Uri.parse(`${SCHEME}:/emitted.yaml`);
/** So long after the last movement the preview follows. */
const PAUSE = 120;

/** What the server answers: the YAML of the declaration at a place, or of the whole file where there is none. */
interface Emitted {
  yaml: string;
  /** Why there is none. */
  problem?: string;
}

/** The emitted YAML beside the text; it follows the cursor. */
export class Preview implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly disposables: vscode.Disposable[];
  private text = '';
  private timer: NodeJS.Timeout | undefined;
  private asked = 0;

  constructor(private readonly client: () => LanguageClient | undefined) {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.follow(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.follow(editor)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        const editor = vscode.window.activeTextEditor;
        if (editor?.document === document) this.follow(editor);
      }),
    ];
  }

  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== 'mesh') {
      await vscode.window.showInformationMessage('Open a .mesh file to see the YAML that comes of it.');
      return;
    }
    await this.ask(editor);
    const document = await vscode.workspace.openTextDocument(ADDRESS);
    await vscode.languages.setTextDocumentLanguage(document, 'yaml');
    await vscode.window.showTextDocument(document, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: true,
    });
  }

  /** Shows what comes of a place, given as the server does: the address of a text, and a position in it. */
  async showPlace([address, position]: unknown[]): Promise<void> {
    const client = this.client();
    const editor = vscode.window.visibleTextEditors.find(
      ({ document }) => client?.code2ProtocolConverter.asUri(document.uri) === address,
    );
    if (!client || !editor) return;
    const place = client.protocol2CodeConverter.asPosition(position as Position);
    await vscode.window.showTextDocument(editor.document, {
      viewColumn: editor.viewColumn,
      selection: new vscode.Range(place, place),
    });
    await this.show();
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const disposable of this.disposables) disposable.dispose();
  }

  private follow(editor: vscode.TextEditor): void {
    const open = vscode.workspace.textDocuments.some((document) => document.uri.toString() === ADDRESS.toString());
    if (!open || editor.document.languageId !== 'mesh') return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(editor), PAUSE);
  }

  private async ask(editor: vscode.TextEditor): Promise<void> {
    const turn = ++this.asked;
    const client = this.client();
    let answer: Emitted = { yaml: '', problem: 'the language server is not running' };
    try {
      answer =
        (await client?.sendRequest<Emitted>('workspace/executeCommand', {
          command: 'meshc.emittedYaml',
          arguments: [
            client.code2ProtocolConverter.asTextDocumentIdentifier(editor.document).uri,
            client.code2ProtocolConverter.asPosition(editor.selection.active),
          ],
        })) ?? answer;
    } catch (error) {
      answer = { yaml: '', problem: error instanceof Error ? error.message : String(error) };
    }
    // An older answer may come after a newer one.
    if (turn !== this.asked) return;
    const said = answer.problem?.split('\n').map((line) => `# ${line}\n`) ?? [];
    this.text = said.join('') + answer.yaml;
    this.changed.fire(ADDRESS);
  }
}
