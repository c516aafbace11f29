// Opens the page of a graph and uses it as a reader would. Arguments: the page, and where a picture of it is left.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const { chromium } = await import(pathToFileURL(process.env.PLAYWRIGHT));
const [page, picture] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
try {
  const view = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const asked = [];
  const faults = [];
  view.on('request', (request) => asked.push(request.url()));
  view.on('pageerror', (error) => faults.push(String(error)));
  view.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
  const address = pathToFileURL(page).href;
  await view.goto(address);
  const box = () => view.locator('#view > svg').getAttribute('viewBox').then((text) => text.split(' ').map(Number));
  const panel = view.locator('#panel');

  // Search: what is found stays, the rest fades, and Enter goes to it.
  await view.keyboard.press('/');
  await view.keyboard.type('orders-allow rule');
  const found = await view.locator('#view .node.found').count();
  const every = await view.locator('#view .node').count();
  assert(found > 0 && found < every, `${found} of ${every} found`);
  await view.keyboard.press('Enter');
  await panel.waitFor({ state: 'visible' });
  assert.match(await panel.locator('h1').textContent(), /orders-allow/);
  assert.equal(await view.locator('#view .chosen').count(), 1);
  await view.screenshot({ path: picture });
  await view.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  assert.equal(await view.locator('#view .found').count(), 0);

  // Moving about.
  await view.click('#fit');
  const before = await box();
  await view.mouse.move(900, 700);
  await view.mouse.down();
  await view.mouse.move(700, 650, { steps: 4 });
  await view.mouse.up();
  const moved = await box();
  assert(moved[0] > before[0] && moved[1] > before[1], `${before} became ${moved}`);
  assert.equal(moved[2], before[2]);
  await view.mouse.wheel(0, -300);
  await view.waitForFunction((width) => Number(document.querySelector('#view > svg').getAttribute('viewBox').split(' ')[2]) < width, moved[2]);
  await view.click('#fit');
  assert.deepEqual(await box(), before);

  // A click says what a policy is, and its links lead on.
  await view.locator('#view .card .head').first().click();
  await panel.waitFor({ state: 'visible' });
  const first = await panel.locator('h1').textContent();
  assert.match(await panel.locator('dl').textContent(), /scope.*stage.*standing.*\d+:\d+/);
  const link = panel.locator('a').first();
  if (await link.count()) {
    await link.click();
    await view.waitForFunction((name) => document.querySelector('#panel h1').textContent !== name, first);
  }

  // An address leads to a policy, and a broken one to the whole.
  const hash = new URL(view.url()).hash;
  assert(hash.length > 1);
  await view.goto('about:blank');
  await view.goto(address + hash);
  await panel.waitFor({ state: 'visible' });
  await view.goto('about:blank');
  await view.goto(`${address}#%E0%A4%A`);
  await panel.waitFor({ state: 'hidden' });

  assert.deepEqual(faults, []);
  assert(asked.every((url) => url.startsWith(address) || url === 'about:blank'), asked.join('\n'));
  console.log(`${every} nodes, ${found} found`);
} finally {
  await browser.close();
}
