// Opens both pages of a fixture server in both languages and themes and checks what a reader relies on: no error on the console, no request
// to another host, every canvas inside a figure with caption and table, the same keys working everywhere, nothing wider than the screen.
// Usage: node test/pages.mjs URL SCREENSHOT_DIR. Prints one JSON line per page and ends with 1 when something is wrong.
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, shots] = process.argv.slice(2);
const problems = [];
const fail = (where, what) => problems.push(`${where}: ${what}`);
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CAGNOTTE_CHROMIUM || "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a page at an address and waits until it shows figures. */
async function open(where, path, options, ready) {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options });
  const page = await context.newPage();
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && fail(where, `console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => fail(where, `page error: ${e.message}`));
  page.on("requestfailed", (r) => !r.url().includes("/api/stream") && fail(where, `request failed: ${r.url()}`));
  page.on("request", (r) => { if (!r.url().startsWith(url) && !r.url().startsWith("data:")) fail(where, `request to another host: ${r.url()}`); });
  const began = Date.now();
  await page.goto(url + path);
  await page.locator(ready).first().waitFor({ timeout: 10_000 });
  await page.evaluate(() => document.fonts.ready);
  return { context, page, took: Date.now() - began };
}

/** Waits until what was changed has been painted. */
const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))));

/** What must hold of every page. */
async function inspect(where, page) {
  const found = await page.evaluate(() => {
    const canvases = [...document.querySelectorAll("canvas")];
    const bare = canvases.filter((c) => {
      const figure = c.closest("figure");
      return !figure?.querySelector("figcaption")?.textContent?.trim() || !figure.querySelector("details summary") || !figure.querySelector("[role=slider][tabindex='0']");
    });
    const untranslated = [...document.body.querySelectorAll("*")].filter((e) => e.children.length === 0 && /^[a-z]+(\.[a-zA-Z_]+)+$|\{\w+\}|NaN|undefined|Infinity/.test(e.textContent.trim())).map((e) => e.textContent.trim());
    const nameless = [...document.querySelectorAll("button, a, select, input")].filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).map((e) => e.outerHTML.slice(0, 80));
    return { canvases: canvases.length, bare: bare.length, untranslated, nameless, overflow: document.documentElement.scrollWidth - innerWidth, h1: document.querySelectorAll("h1").length };
  });
  if (found.canvases === 0) fail(where, "no chart");
  if (found.bare) fail(where, `${found.bare} of ${found.canvases} canvases are not in a figure with caption, table and cursor`);
  if (found.untranslated.length) fail(where, `raw texts: ${found.untranslated.join(" | ")}`);
  if (found.nameless.length) fail(where, `controls without a name: ${found.nameless.join(" ")}`);
  if (found.overflow > 0) fail(where, `wider than the screen by ${found.overflow} px`);
  if (found.h1 !== 1) fail(where, `${found.h1} h1`);
  return found;
}

/** Contrast of all text against what it stands on, by WCAG 2.2 AA. */
async function contrast(where, page) {
  const weak = await page.evaluate(() => {
    const parse = (c) => { const m = /color\(srgb ([^)]+)\)/.exec(c); const n = (m ? m[1] : c).match(/[\d.]+/g).map(Number); return m ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1]; };
    const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
    const ground = (e) => { const stack = []; for (let n = e; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c[3] > 0) stack.push(c); if (c[3] === 1) break; } return stack.reverse().reduce((g, c) => over(c, g), [255, 255, 255, 1]); };
    const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const out = [];
    for (const e of document.body.querySelectorAll("*")) {
      if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.closest(".hidden, .skip, noscript") || !e.checkVisibility()) continue;
      const s = getComputedStyle(e), g = ground(e), t = over(parse(s.color), g);
      const [hi, lo] = [lum(t), lum(g)].sort((a, b) => b - a), ratio = (hi + 0.05) / (lo + 0.05);
      const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 700);
      if (ratio < (large ? 3 : 4.5)) out.push(`${ratio.toFixed(2)} ${e.className || e.tagName} “${e.textContent.trim().slice(0, 24)}”`);
    }
    return [...new Set(out)];
  });
  if (weak.length) fail(where, `too little contrast: ${weak.slice(0, 6).join("; ")}`);
}

const pages = { now: ["/", "[data-testid=receipts-total]"], campaign: ["#/campaign/coffee-week", "[data-testid=participation-rate]"] };
const wide = { width: 1360, height: 900 };

for (const [name, [hash, ready]] of Object.entries(pages)) {
  const { context, page, took } = await open(name, hash === "/" ? "/?lang=en&theme=light" : `/?lang=en&theme=light${hash}`, { viewport: wide, reducedMotion: "reduce" }, ready);
  // The theme goes auto, light, dark, auto: one click from light, two from dark.
  for (const [lang, theme, clicks] of [["en", "light", 0], ["en", "dark", 1], ["fr", "light", 2], ["fr", "dark", 1]]) {
    const where = `${name}-${lang}-${theme}`;
    await page.click(`button[lang=${lang}]`);
    for (let i = 0; i < clicks; i++) await page.click("button.tool");
    if ((await page.getAttribute("html", "data-theme")) !== theme) fail(where, "the theme button does not lead here");
    if ((await page.getAttribute("html", "lang")) !== lang) fail(where, "html lang is not the language of the page");
    await page.mouse.move(0, 0);
    await settle(page);
    const found = await inspect(where, page);
    await contrast(where, page);
    await page.screenshot({ path: `${shots}/${where}.png`, fullPage: true });
    console.log(JSON.stringify({ page: where, first_figures_ms: took, canvases: found.canvases }));
  }
  for (const width of [768, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await settle(page);
    await inspect(`${name}-${width}`, page);
    await page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: true });
  }
  await context.close();
}

await keyboard();
await states();
await browser.close();
for (const p of problems) console.error(`PROBLEM ${p}`);
process.exit(problems.length ? 1 : 0);

/** Everything by keyboard: pause with Space, read the chart with arrows, switch the language, walk to a campaign and back. */
async function keyboard() {
  const where = "keyboard";
  const { context, page } = await open(where, "/?lang=en&theme=light", { viewport: wide, reducedMotion: "reduce" }, "[data-testid=receipts-total]");
  const state = () => page.getAttribute("[data-testid=live-pill]", "data-state");
  await page.waitForFunction(() => document.querySelector("[data-testid=live-pill]")?.dataset.state === "live");
  await page.keyboard.press("Space");
  if ((await state()) !== "paused") fail(where, `Space did not pause: ${await state()}`);
  await page.keyboard.press("Space");
  if ((await state()) !== "live") fail(where, `Space did not go on: ${await state()}`);
  await page.keyboard.press("Tab");
  if (!(await page.evaluate(() => document.activeElement?.classList.contains("skip")))) fail(where, "the first stop is not the skip link");
  await page.locator(".plot").first().focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  const reading = await page.getAttribute(".plot", "aria-valuetext");
  if (!/\d\d:\d\d:\d\d: .*\d/.test(reading ?? "")) fail(where, `the cursor reads “${reading}”`);
  await page.screenshot({ path: `${shots}/keyboard-cursor.png` });
  await page.locator("details.table summary").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("details.table tbody tr").first().waitFor({ timeout: 3000 });
  await page.locator("button[lang=fr]").focus();
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "En ce moment" }).waitFor({ timeout: 3000 });
  await page.locator("[data-testid=campaign-coffee-week] a").focus();
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=participation-rate]").waitFor({ timeout: 5000 });
  await page.goBack();
  await page.locator("[data-testid=receipts-total]").waitFor({ timeout: 5000 });
  await context.close();
}

/** Each state of a campaign's effect is put into its own words. */
async function states() {
  const expected = { "coffee-week": "up", "festive-table": "unclear", "nappy-pack": "down", "organic-three": "none", "drive-welcome": "none", "paws-month": "none" };
  const where = "states";
  const { context, page } = await open(where, "/?lang=en&theme=light#/campaign/coffee-week", { viewport: wide, reducedMotion: "reduce" }, "[data-testid=verdict-spend]");
  for (const [id, want] of Object.entries(expected)) {
    await page.selectOption("[data-testid=campaign-select]", id);
    await page.locator(`[data-testid=campaign-page][data-campaign=${id}]`).waitFor({ timeout: 5000 });
    await settle(page);
    const got = await page.getAttribute("[data-testid=verdict-spend]", "data-verdict");
    if (got !== want) fail(`${where} ${id}`, `verdict ${got}, want ${want}`);
    await contrast(`${where} ${id}`, page);
    await page.screenshot({ path: `${shots}/state-${id}.png`, fullPage: true });
  }
  if ((await page.getAttribute("[data-testid=srm]", "data-state")) === null) fail(where, "the split has no state");
  await page.goto(`${url}/?lang=en#/campaign/no-such-campaign`);
  await page.locator("h1", { hasText: "no such campaign" }).waitFor({ timeout: 5000 });
  await context.close();
}
