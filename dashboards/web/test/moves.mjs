// A receipt sent by HTTP changes the page that is open. node moves.mjs URL, receipts as JSON lines on standard input.
import { chromium } from 'playwright-core';

const url = process.argv[2];
let input = '';
for await (const chunk of process.stdin) input += chunk;
const receipts = input.trim().split('\n');

const browser = await chromium.launch({
  executablePath: process.env.CAGNOTTE_CHROMIUM || '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (e) => problems.push(e.message));
  await page.goto(url, { waitUntil: 'load' });
  const total = page.locator('[data-testid="receipts-total"]');
  const granted = page.locator('[data-testid="granted-total"]');
  const value = async (l) => Number(await l.getAttribute('data-value', { timeout: 30000 }));
  for (const receipt of receipts) {
    const before = { receipts: await value(total), granted: await value(granted) };
    const sent = Date.now();
    const resp = await fetch(url + '/v1/receipts', { method: 'POST', headers: { 'content-type': 'application/json' }, body: receipt });
    if (resp.status !== 202) throw new Error(`the receipt got ${resp.status}: ${await resp.text()}`);
    for (;;) {
      const now = { receipts: await value(total), granted: await value(granted) };
      if (now.receipts === before.receipts + 1 && now.granted > before.granted) {
        console.log(`receipts ${before.receipts} -> ${now.receipts}, granted ${before.granted} -> ${now.granted} minor, ${Date.now() - sent} ms after the receipt was sent`);
        break;
      }
      if (Date.now() - sent > 30000) throw new Error(`the page did not move: ${JSON.stringify(before)} -> ${JSON.stringify(now)}`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
  if (problems.length > 0) throw new Error('errors on the page: ' + problems.join('; '));
} finally {
  await browser.close();
}
