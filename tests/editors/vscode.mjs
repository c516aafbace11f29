// Uses the extension in VS Code's real window as its user would.
// Arguments: the address of the window, the folder of a project, where pictures are left, the folder of the editor's own
// data, and the server.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { chromium } = await import(pathToFileURL(process.env.PLAYWRIGHT));
const [address, project, pictures, data, server] = process.argv.slice(2);
const set = (settings) => writeFileSync(path.join(data, 'user', 'Machine', 'settings.json'), JSON.stringify(settings));
/** So long the first look may take on a busy machine, and each later one. */
const FIRST = { timeout: 180_000 };
const LATER = { timeout: 60_000 };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
const page = await browser.newPage({ viewport: { width: 1360, height: 820 }, reducedMotion: 'reduce' });
const picture = (name) => page.screenshot({ path: path.join(pictures, `vscode-${name}.png`), animations: 'disabled' });
const squiggles = (kind) => page.locator(`.squiggly-${kind}`);
/** Does something again until its effect is seen, as people do: on a busy machine a key is pressed before it is heard. */
const until = async (seen, act, state = 'visible') => {
  const end = Date.now() + LATER.timeout;
  for (;;) {
    await act();
    try {
      return await seen.waitFor({ state, timeout: 8_000 });
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
};
const press = (key) => () => page.keyboard.press(key);
const input = page.locator('.quick-input-widget input').first();
const choose = async (row) => {
  await page.locator('.quick-input-list .monaco-list-row', { hasText: row }).first().click(LATER);
  await input.waitFor({ state: 'hidden', ...LATER });
};
const command = async (name) => {
  await until(input, press('F1'));
  await input.fill(`>${name}`);
  await choose(name);
};
const open = async (name) => {
  await until(input, press('Control+p'));
  await input.fill(name);
  await choose(name);
  await page.locator('.tab.active', { hasText: name }).waitFor(LATER);
};
const problem = page.locator('.marker-widget');
const next = (finding) => until(problem.filter({ hasText: finding }), () => command('Go to Next Problem in Files'));
/** The pointer comes from elsewhere, else nothing moves. */
const point = (place) => async () => {
  await page.mouse.move(0, 0);
  await place.hover();
};
/** Waits until the status item says how the server was found. */
const status = async (how) => {
  const shown = page.locator('.monaco-hover:not(.hidden)', { hasText: how }).first();
  await until(shown, point(page.locator('[id="status.languageStatus"]')));
  assert.match(await shown.innerText(), /meshc \d+\.\d+\.\d+/);
};

try {
  await page.goto(`${address}/?folder=${encodeURIComponent(project)}`);
  await page.getByRole('treeitem', { name: /shop\.mesh/ }).dblclick(FIRST);

  // Without a server it says what to do. Once that is done, all is well.
  const notice = page.locator('.notification-toast', { hasText: 'meshc.server.path' }).first();
  await notice.waitFor(FIRST);
  assert.match(await notice.innerText(), /no such program\. Correct it/);
  await notice.getByRole('button', { name: 'Open Settings' }).waitFor(LATER);
  await picture('no-server');
  set({ 'meshc.server.path': server });

  // A squiggle, and its message.
  await squiggles('error').first().waitFor({ state: 'attached', ...FIRST });
  await command('Notifications: Clear All Notifications');
  await status('set by you');
  await picture('status');
  await next(/wbe[\s\S]*unknown-name/);
  await picture('finding');
  await until(problem, press('Escape'), 'hidden');

  // Its fix.
  const fix = page.locator('.action-widget .monaco-list-row', { hasText: '`web`' }).first();
  await until(fix, press('Control+.'));
  await picture('fix');
  await fix.click();
  await page.locator('.view-line', { hasText: /via\swbe/ }).waitFor({ state: 'detached', ...LATER });
  await page.locator('.view-line', { hasText: /allow\sstaff\svia\sweb\sto\sGET/ }).waitFor(LATER);
  await page.waitForFunction(() => document.querySelectorAll('.squiggly-error').length === 0, null, LATER);

  // What is in force, beside the text, and what is emitted, above it.
  await page.locator('.view-line', { hasText: /workload\sweb.*mtls\spermissive.*otherwise\sdenied/ }).waitFor(LATER);
  const lens = page.locator('.codelens-decoration a', { hasText: 'emits 1 object' }).first();
  await lens.waitFor(LATER);

  // What comes of a declaration.
  const declaration = page.locator('.view-line', { hasText: /default\sdeny/ }).locator('span span', { hasText: 'default' }).last();
  const hover = page.locator('.monaco-hover:not(.hidden)', { hasText: 'AuthorizationPolicy' }).first();
  await until(hover.locator('.monaco-tokenized-source').first(), point(declaration));
  assert.match(await hover.innerText(), /apiVersion: \S+\n\s*kind: AuthorizationPolicy\n/);
  await picture('hover');
  await page.keyboard.press('Escape');

  // The preview beside the text follows the cursor.
  const preview = page.locator('.editor-instance .view-lines', { hasText: 'security.istio.io' });
  await command('meshc: Show the Emitted YAML');
  await preview.filter({ hasText: 'web-allow' }).waitFor(LATER);
  await preview.locator('span:not([class]) > span:not(.mtk1)', { hasText: 'apiVersion' }).waitFor(LATER);
  await picture('preview');
  await until(preview.filter({ hasText: 'default-deny' }), () => declaration.click(LATER));
  await until(preview.filter({ hasText: 'web-allow' }), () => lens.click(LATER));

  // A manifest of the same project.
  await open('policy.yaml');
  await squiggles('warning').first().waitFor({ state: 'attached', ...LATER });
  await next(/get[\s\S]*odd-method/);
  await picture('manifest');

  // The server on PATH, and before it the one that comes with the extension.
  symlinkSync(server, path.join(data, 'bin', 'meshc-lsp'));
  set({});
  await status('meshc-lsp, on PATH');
  const extensions = path.join(data, 'extensions');
  const own = path.join(extensions, readdirSync(extensions).find((name) => name.startsWith('meshc.')), 'server');
  mkdirSync(own);
  symlinkSync(server, path.join(own, 'meshc-lsp'));
  await command('meshc: Restart the Language Server');
  await status('part of the extension');
  console.log('ok');
} catch (error) {
  await picture('failure');
  throw error;
} finally {
  await browser.close();
}
