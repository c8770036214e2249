// Pictures of a running console: node e2e/pictures.mjs ADDRESS FOLDER PERSON OUT. FOLDER holds the
// person's certificate and key; one picture a view goes to OUT-VIEW.png, the first also for a phone.

import path from 'node:path';
import { chromium } from 'playwright-core';

const [address, folder, person, out] = process.argv.slice(2);
const url = address.replace(/\/$/, '');
const VIEWS = ['overview', 'latency', 'feeds', 'books', 'orders', 'rejects', 'limits', 'kill', 'audit'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const certificate = { origin: url, certPath: path.join(folder, `${person}.crt`), keyPath: path.join(folder, `${person}.key`) };

async function page(viewport) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, clientCertificates: [certificate] });
  const page = await context.newPage();
  await page.goto(`${url}/#/alpha/overview`);
  await page.locator('.chip[data-name="pulse"]').filter({ hasText: 'live' }).waitFor();
  return page;
}

try {
  const wide = await page({ width: 1280, height: 900 });
  for (const view of VIEWS) {
    await wide.evaluate((hash) => (location.hash = hash), `#/alpha/${view}`);
    await wide.waitForTimeout(1_500);
    await wide.screenshot({ path: `${out}-${view}.png` });
  }
  const phone = await page({ width: 390, height: 844 });
  await phone.waitForTimeout(1_000);
  await phone.screenshot({ path: `${out}-phone.png` });
  console.log(`${VIEWS.length + 1} pictures: ${out}-*.png`);
} finally {
  await browser.close();
}
