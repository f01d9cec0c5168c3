// Walks the page in Chromium against a running city, as an engineer would: both languages, both themes, keyboard only
// where it matters. It waits for states, never for durations.
//
//   SVETOFOR_URL    where the city answers, http://127.0.0.1:8080
//   SVETOFOR_PEOPLE login:password,… of those with accounts (the demo prints them): duty, chief and engineer
//   SVETOFOR_SHOTS  a folder for screenshots; none are written without it
//   CHROMIUM        the browser, /usr/bin/chromium
//
// Exit code 0: all held. Each step prints a line; the first that fails ends the walk with what was there instead.

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";

const base = (process.env.SVETOFOR_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
const shots = process.env.SVETOFOR_SHOTS;
const people = new Map((process.env.SVETOFOR_PEOPLE ?? "").split(",").filter(Boolean).map((one) => one.split(/:(.*)/).slice(0, 2)));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Long enough for two slow cores and a software GPU. */
const PATIENCE = 60_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
  ],
});

const troubles = [];
let step = "start";
const say = (text) => {
  step = text;
  console.log(`ok  ${text}`);
};
function must(condition, text) {
  if (!condition) throw new Error(text);
}

async function open(hash, { lang, theme, width = 1440, height = 900, storage, origin = base } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: lang === "ru" ? "ru-RU" : "en-GB", storageState: storage });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("console", (message) => {
    // The browser's own note on a request that was refused is asked for where we make one.
    if (message.type() === "error" && !page.expectsRefusal) troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`page: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== new URL(origin).origin) troubles.push(`foreign request: ${request.url()}`);
  });
  await page.goto(`${origin}/?lang=${lang}&theme=${theme}${hash}`);
  await page.waitForSelector("[data-contact=live], .junction-mode", { state: "attached" });
  return page;
}

async function shot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

/** The map is drawn: junctions are on it and it has come to rest once. */
const mapReady = (page) => page.waitForSelector(".map-canvas[data-drawn][data-junctions][data-changes]", { state: "attached" });

/** How many different colours a grid of points on the map shows. */
const colours = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector(".maplibregl-canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const c = copy.getContext("2d", { willReadFrequently: true });
    c.drawImage(canvas, 0, 0);
    const { data } = c.getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Map();
    for (let i = 0; i < data.length; i += 4 * 7) {
      const key = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    return seen.size;
  });

async function accessible(page, where) {
  await page.evaluate(axe);
  // A colour on its way to another is neither.
  await page.evaluate(() => Promise.all(document.getAnimations()
    .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => undefined))));
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  must(serious.length === 0, `${where}: ${serious.map(({ id, nodes }) => `${id} at ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}: ${nodes[0]?.failureSummary}`).join("; ")}`);
  say(`axe finds nothing serious: ${where}${violations.length ? ` (minor: ${violations.map(({ id }) => id).join(", ")})` : ""}`);
}

/** Focus by Tab alone, as a keyboard user gets there. */
async function tabTo(page, selector) {
  for (let i = 0; i < 250; i += 1) {
    if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reaches ${selector}`);
}

/** Signs somebody in by a link, as the demo prints it; gives what their browser keeps. */
async function signedIn(login) {
  const page = await open("#/city", { lang: "en", theme: "dark" });
  await page.evaluate(([name, password]) => (location.hash = `#/sign-in?login=${name}&password=${encodeURIComponent(password)}`), [login, people.get(login)]);
  await page.waitForFunction(() => location.hash.startsWith("#/city"));
  await page.locator(".top-person", { hasText: /\S+ · / }).waitFor({ state: "attached" });
  must(!(await page.evaluate(() => location.href)).includes(people.get(login)), "the password stays in the address");
  const cookies = await page.context().cookies();
  const cookie = cookies.find(({ name }) => name === "svetofor_session");
  must(cookie?.httpOnly && cookie.sameSite === "Strict" && cookie.expires > 0, `the cookie is not guarded: ${JSON.stringify(cookie)}`);
  must((await page.evaluate(() => document.cookie)) === "", "scripts can read the cookie");
  const storage = await page.context().storageState();
  await page.context().close();
  say(`${login} is signed in`);
  return storage;
}

/** Who is not signed in is offered nothing, and refused if they ask all the same. */
async function stranger(id) {
  const page = await open(`#/junction/${encodeURIComponent(id)}`, { lang: "ru", theme: "dark" });
  await page.waitForSelector(".actions .locked a");
  await page.keyboard.press("e");
  await page.keyboard.press("m");
  must((await page.locator(".order, .action-grid, .lock.open").count()) === 0, "a stranger is offered a command");
  page.expectsRefusal = true;
  const status = await page.evaluate(async (junctionId) => {
    const order = { kind: "fixed", reason: "no right", expires_in_s: 60 };
    const answer = await fetch(`/api/v1/junctions/${encodeURIComponent(junctionId)}/control`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) });
    return [answer.status, (await answer.json()).type].join();
  }, id);
  must(status === "401,/problems/sign-in", `a stranger's order was answered ${status}`);
  await page.locator(".actions .locked a").click();
  await page.waitForSelector("#login");
  await accessible(page, "sign-in");
  await shot(page, "sign-in-dark-ru");
  await page.fill("#login", "duty");
  await page.fill("#password", "a guess");
  await page.keyboard.press("Enter");
  await page.locator(".sign-in [role=alert]").waitFor();
  say("a stranger may look, is offered nothing, and is refused");
  await page.context().close();
}

/** An order for the whole city: one proposes, another agrees, and the audit names both. */
async function two(duty, chief) {
  const page = await open("#/commands", { lang: "en", theme: "light", storage: duty });
  await page.waitForSelector(".orders");
  await page.keyboard.press("e");
  await page.locator(".orders-part > .button", { hasText: "whole city" }).click();
  await page.locator(".order [data-value=adaptive]").click();
  await page.locator(".order .chip[aria-pressed]").last().click();
  await page.locator(".order [type=submit]").click();
  await page.waitForSelector("[data-proposal]");
  must((await page.locator("[data-proposal] .primary").count()) === 0, "who proposed may agree as well");
  await accessible(page, "commands light en");
  await shot(page, "commands-many-light-en");
  const second = await open("#/commands", { lang: "ru", theme: "dark", storage: chief });
  await second.waitForSelector("[data-proposal]");
  await second.keyboard.press("e");
  await second.waitForSelector(".lock.open");
  await shot(second, "commands-many-dark-ru");
  await second.locator("[data-proposal] .primary").click();
  await second.waitForSelector("[data-proposal]", { state: "detached" });
  await page.waitForSelector("[data-proposal]", { state: "detached" });
  await page.context().close();
  say("an order for the city took two people");
  await second.keyboard.press("g");
  await second.keyboard.press("l");
  await second.locator("input[type=search]").fill("agreed to by");
  await second.locator("td", { hasText: /\(duty\), agreed to by .*\(chief\)/ }).first().waitFor();
  await second.locator("input[type=search]").fill("");
  await second.locator(".list-page > header .button").first().click();
  await second.waitForFunction(() => /[0-9a-f]{12}/.test(document.querySelector(".audit-verdict")?.textContent ?? ""));
  await accessible(second, "audit dark ru");
  await shot(second, "audit-dark-ru");
  await second.context().close();
  say("the audit names both, and its chain is whole");
}

/** A corridor: its lamps, a draft by keys alone, the widest bands. */
async function corridors(lang, theme, storage) {
  const page = await open("#/corridors", { lang, theme, storage });
  await page.waitForSelector('.tsd rect[fill="var(--lamp-green)"]', { state: "attached" });
  await shot(page, `corridor-running-${theme}-${lang}`);
  await accessible(page, `corridor ${lang} ${theme}`);
  await page.locator(".cor-tools .segments button").nth(1).click();
  await page.locator(".tsd-handle").nth(1).focus();
  const before = Number(await page.locator(".tsd-handle").nth(1).getAttribute("aria-valuenow"));
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => location.hash.includes("offsets="));
  const after = Number(await page.locator(".tsd-handle").nth(1).getAttribute("aria-valuenow"));
  const cycle = Number(await page.locator(".tsd-handle").nth(1).getAttribute("aria-valuemax"));
  must((after - before + cycle) % cycle === 6, `6 s moved the offset from ${before} to ${after}`);
  // The address follows a moment after the picture.
  await page.waitForFunction((value) => {
    const carried = new URLSearchParams(location.hash.split("?")[1]).get("offsets");
    return Number(carried?.split(",")[1]) === value;
  }, after);
  const link = await page.evaluate(() => location.hash);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !location.hash.includes("offsets="));
  await page.locator(".cmp-buttons .button").first().click();
  await page.waitForFunction(() => location.hash.includes("offsets="));
  await page.waitForSelector(".tsd .band-out", { state: "attached" });
  await page.locator(".tsd-handle").nth(2).focus();
  await shot(page, `corridor-${theme}-${lang}`);
  await accessible(page, `corridor draft ${lang} ${theme}`);
  await page.context().close();
  const other = await open(link, { lang, theme, storage });
  await other.waitForFunction((value) => Number(document.querySelectorAll(".tsd-handle")[1]?.getAttribute("aria-valuenow")) === value, after);
  await other.context().close();
  say(`corridor ${lang} ${theme}: an offset by keys, a link that holds the draft, the widest bands`);
}

/** Measures: a diagram with its points, looked into by keys, taken away as CSV and PNG, and two junctions compared. */
async function measures(lang, theme, id, other) {
  const page = await open(`#/measures?j=${encodeURIComponent(id)}`, { lang, theme });
  await page.waitForFunction(() => Number(document.querySelector(".plot")?.dataset.points) > 0);
  await page.waitForFunction(() => [...document.querySelectorAll(".m-table td b")].some((cell) => /\d/.test(cell.textContent)));
  await shot(page, `measures-${theme}-${lang}`);
  // A change of long ago: days to be compared are asked for, weekday by weekday.
  await page.locator(".m-before summary").click();
  await page.locator(".m-before input[type=date]").fill("2026-03-02");
  await page.waitForFunction(() => !document.querySelector(".m-before button[type=submit]").disabled);
  await accessible(page, `measures ${lang} ${theme}`);
  await page.locator(".m-before summary").click();
  await page.locator(".plot").first().focus();
  const whole = await page.locator(".plot").first().getAttribute("aria-label");
  await page.keyboard.press("+");
  await page.waitForFunction((label) => document.querySelector(".plot")?.getAttribute("aria-label") !== label, whole);
  for (const [nth, end, least] of [[0, ".csv", 200], [1, ".png", 5_000]]) {
    const coming = page.waitForEvent("download");
    await page.locator(".m-buttons .button").nth(nth).click();
    const file = await coming;
    const size = statSync(await file.path()).size;
    must(file.suggestedFilename().endsWith(end) && size > least, `${file.suggestedFilename()} has ${size} bytes`);
  }
  await page.locator(".m-tools select").last().selectOption(other);
  await page.waitForFunction(() => document.querySelectorAll(".m-chart").length === 2);
  await page.waitForSelector(".m-pair");
  await shot(page, `measures-two-${theme}-${lang}`);
  await accessible(page, `measures of two ${lang} ${theme}`);
  // On paper: light whatever the screen is, the charts and the table, nothing to press.
  const paper = await page.pdf({ preferCSSPageSize: true });
  must(paper.subarray(0, 5).toString() === "%PDF-" && paper.length > 20_000, `the PDF has ${paper.length} bytes`);
  await page.emulateMedia({ media: "print" });
  must(await page.evaluate(() => document.querySelector(".nav").offsetParent === null && document.querySelector(".m-buttons").offsetParent === null && document.querySelector(".m-chart") !== null), "paper shows what one presses");
  await page.emulateMedia({ media: "screen" });
  must((await page.evaluate(() => document.documentElement.dataset.theme)) === theme, "printing changed the theme");
  await page.context().close();
  say(`measures ${lang} ${theme}: a diagram, zoomed by keys, as CSV, PNG and PDF, two junctions compared`);
}

/** From a decision to its replay, second by second, and a link to the same moment. */
async function replay(lang, theme, id, storage) {
  const page = await open(`#/junction/${encodeURIComponent(id)}`, { lang, theme, storage });
  await page.locator(".why-buttons a[href*=replay]").click();
  await page.waitForSelector(".replaying .scene");
  await page.waitForSelector(".top-clock.replayed");
  must((await page.locator(".action-grid, .order").count()) === 0, "the past takes commands");
  const moment = () => page.evaluate(() => Number(new URLSearchParams(location.hash.split("?")[1]).get("at")));
  const was = await moment();
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((at) => Number(new URLSearchParams(location.hash.split("?")[1]).get("at")) === at, was - 9000);
  await page.waitForFunction(() => [...document.querySelectorAll(".head")].some((head) => head.dataset.lamp !== "unknown"));
  await page.waitForSelector(".replay-log button");
  const lamps = (of) => of.$$eval(".head", (heads) => heads.map((head) => `${head.dataset.group}${head.dataset.lamp}`).join());
  const shown = await lamps(page);
  await shot(page, `replay-${theme}-${lang}`);
  await accessible(page, `replay ${lang} ${theme}`);
  const link = await page.evaluate(() => location.hash);
  await page.keyboard.press("Space");
  await page.waitForFunction((at) => Number(new URLSearchParams(location.hash.split("?")[1]).get("at")) > at, was - 7000);
  await page.context().close();
  const other = await open(link, { lang, theme });
  await other.waitForFunction((expected) => [...document.querySelectorAll(".head")].map((head) => `${head.dataset.group}${head.dataset.lamp}`).join() === expected, shown);
  await other.context().close();
  say(`replay ${lang} ${theme}: the decision's lamps, step by step, and the same by its link`);
}

/** From the city's strip to the area on the map, a minute ago: a stage on each junction, played, and one of them opened. */
async function area(lang, theme) {
  const page = await open("#/city", { lang, theme });
  await page.waitForSelector(".map-canvas[data-drawn]");
  await page.locator(".strip-play").click();
  await page.waitForSelector(".replaying .area-chip");
  await page.waitForFunction(() => document.querySelectorAll(".area-chip:not(.silent)").length > 2);
  const time = () => page.evaluate(() => Number(new URLSearchParams(location.hash.split("?")[1]).get("time")));
  const was = await time();
  await page.keyboard.press("Space");
  await page.waitForFunction((at) => Number(new URLSearchParams(location.hash.split("?")[1]).get("time")) > at, was + 1000);
  await page.keyboard.press("Space");
  await shot(page, `area-${theme}-${lang}`);
  await accessible(page, `area ${lang} ${theme}`);
  const chip = page.locator(".area-chip:not(.silent)").first();
  await chip.click();
  await page.waitForSelector(".replaying .scene");
  await page.context().close();
  say(`area ${lang} ${theme}: a minute of all junctions on the map`);
}

/** A fault that somebody saw: a ticket, accepted by a key, given on, noted, closed; found again from the junction. */
async function tickets(duty, id) {
  const page = await open("#/alarms", { lang: "en", theme: "light", storage: duty });
  await page.locator(".tabs a[href='#/tickets']").click();
  await page.waitForSelector(".tickets");
  await page.keyboard.press("e");
  await page.locator(".tk-tools .button[aria-expanded]").click();
  await page.fill("#tk-where", id);
  await page.fill("#tk-text", "A signal head hangs loose");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /^#\/tickets\/\d+/.test(location.hash));
  await page.locator(".tk-head h2", { hasText: "A signal head hangs loose" }).waitFor();
  await accessible(page, "a ticket light en");
  const number = await page.evaluate(() => location.hash.match(/tickets\/(\d+)/)[1]);
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("a");
  await page.locator(".tk-lines li", { hasText: "Accepted" }).waitFor();
  await page.selectOption("#tk-to", "chief");
  await page.locator("[data-do=assign]").click();
  await page.fill("#tk-note", "Crew 7 is on its way");
  await page.keyboard.press("Enter");
  await page.locator(".tk-lines li", { hasText: "Crew 7" }).waitFor();
  await shot(page, "tickets-light-en");
  const other = await open(`#/junction/${encodeURIComponent(id)}`, { lang: "ru", theme: "dark" });
  await other.locator(`.junction-scroll a[href^='#/tickets/${number}']`).click();
  await other.waitForSelector(".tk-lines li");
  await accessible(other, "a ticket dark ru");
  await shot(other, "tickets-dark-ru");
  await other.context().close();
  await page.locator("[data-do=closing]").click();
  await page.fill("#tk-done", "Screwed on again");
  await page.keyboard.press("Enter");
  await page.locator(".tk-lines li", { hasText: "Screwed on again" }).waitFor();
  const state = await page.evaluate(async (n) => (await (await fetch(`/api/v1/tickets/${n}`)).json()).state, number);
  must(state === "closed", `the ticket is ${state}`);
  await page.context().close();
  say(`ticket ${number}: accepted by a key, given on, noted, closed with what was done`);
}

/** A draft of a plan: a split that does not fit shows at once; tried, approved by another, run for a while, rolled out, rolled back. */
async function plans(duty, chief, id) {
  const page = await open(`#/plans/${encodeURIComponent(id)}`, { lang: "en", theme: "light", storage: duty });
  await page.waitForSelector(".plan-card");
  must((await page.locator("[data-begin]").count()) === 0, "a draft was offered with the lock shut");
  await page.keyboard.press("e");
  await page.locator("[data-begin]").first().click();
  await page.waitForSelector('.flow[data-state=draft]');
  await page.waitForSelector(".editor[data-fits=true]");
  const split = page.locator(".editor-steps .split").first();
  const was = Number(await split.inputValue());
  await split.fill("2");
  await split.blur();
  await page.waitForSelector(".editor[data-fits=false] .bad");
  must((await page.locator("[data-do=save]").getAttribute("aria-disabled")) === "true", "a plan that does not fit can be saved");
  await accessible(page, "a plan that does not fit");
  await shot(page, "plans-unfit-light-en");
  await split.fill(String(was));
  await page.locator(".editor-row .switch").click();
  await split.focus();
  await page.keyboard.press("Shift+ArrowUp");
  await page.waitForFunction((s) => Number(document.querySelector(".editor-steps .split")?.value) === s, was + 5);
  await page.waitForSelector(".editor[data-fits=true]");
  await page.fill("#ed-reason", "Longer for the main street");
  await page.locator("[data-do=save]").click();
  await page.locator(".flow .tk-lines li", { hasText: "Longer for the main street" }).waitFor();
  const number = await page.evaluate(() => new URLSearchParams(location.hash.split("?")[1]).get("draft"));
  // A city that has just begun has no flows to tell of yet; then it is asked again in its next minute.
  page.expectsRefusal = true;
  for (let refused = true; refused;) {
    await page.locator("[data-do=try]").click();
    await page.waitForSelector('[data-tried]:not([data-tried=""]), .flow .order-refused', { timeout: 180_000 });
    refused = (await page.locator(".flow .order-refused").count()) > 0;
    const minute = await page.locator(".top-clock b").innerText();
    if (refused) await page.waitForFunction((was) => document.querySelector(".top-clock b")?.textContent.slice(0, 5) !== was, minute.slice(0, 5), { timeout: 120_000 });
  }
  page.expectsRefusal = false;
  await shot(page, "plans-light-en");
  await page.locator("[data-do=propose]").click();
  await page.waitForSelector(".flow[data-state=proposed]");
  must((await page.locator("[data-do=approve]").count()) === 0, "who wrote it may approve it");
  const second = await open("#/plans", { lang: "ru", theme: "dark", storage: chief });
  await second.locator(`a[href*='draft=${number}']`).click();
  await second.waitForSelector(".flow[data-state=proposed]");
  await second.keyboard.press("e");
  await second.locator("[data-do=approve]").click();
  await second.waitForSelector(".flow[data-state=approved]");
  await accessible(second, "a draft dark ru");
  await page.waitForSelector(".flow[data-state=approved]");
  await page.locator("[data-do=canary]").click();
  await page.waitForSelector(".flow[data-state=canary]");
  const runs = (wanted) => page.waitForFunction(
    async ([junctionId, draft]) => (await (await fetch(`/api/v1/junctions/${encodeURIComponent(junctionId)}`)).json()).state.draft === draft,
    [id, wanted],
    { polling: 500 },
  );
  await runs(Number(number));
  await second.waitForSelector(".flow[data-state=canary]");
  await shot(second, "plans-dark-ru");
  await second.context().close();
  await page.locator("[data-do=roll-out]").click();
  await page.waitForSelector(".flow[data-state=rolled_out]");
  await page.fill("#flow-why", "Queues on the side street");
  await page.locator("[data-do=roll-back]").click();
  await page.waitForSelector(".flow[data-state=draft]");
  await runs(null);
  await page.context().close();
  say(`draft ${number}: tried, approved by another person, run by the centre, rolled out, rolled back`);
}

/** Google's polyline as [lon, lat]. */
function polyline(text, precision) {
  const line = [];
  let [i, at] = [0, [0, 0]];
  const next = () => {
    let [n, shift, piece] = [0, 0, 32];
    for (; piece >= 32; shift += 5) {
      piece = text.charCodeAt(i++) - 63;
      n |= (piece & 31) << shift;
    }
    return n & 1 ? ~(n >> 1) : n >> 1;
  };
  while (i < text.length) {
    at = [at[0] + next(), at[1] + next()];
    line.push([at[1] / 10 ** precision, at[0] / 10 ** precision]);
  }
  return line;
}

/** A closed road: said by one person, on the map of everybody, and journeys go another way. */
async function incidents(duty, list) {
  const page = await open("#/incidents", { lang: "ru", theme: "dark", storage: duty });
  const [from, to] = [list.junctions[0].at, list.junctions.at(-1).at];
  const drive = async () => {
    const [a, b] = [from, to].map(([lon, lat]) => `${lat},${lon}`);
    const { legGeometry } = (await (await fetch(`${base}/api/v1/plan?fromPlace=${a}&toPlace=${b}&directModes=CAR&transitModes=`)).json()).direct[0].legs[0];
    return polyline(legGeometry.points, legGeometry.precision ?? 6);
  };
  /** Where on the way each point of a line is; -1 unless the way goes over it, and in its direction. */
  const over = (way, line) => {
    const at = line.map(([lon, lat]) => way.findIndex(([x, y]) => Math.abs(x - lon) < 2e-5 && Math.abs(y - lat) < 2e-5));
    return at.every((one, i) => one >= 0 && (i === 0 || one > at[i - 1])) ? at[0] : -1;
  };
  const way = await drive();
  const { links } = await page.evaluate(async () => (await fetch("/api/v1/map")).json());
  // The link on the way that is nearest to its middle.
  const [link] = links.features
    .map(({ properties, geometry }) => ({ id: properties.id, line: geometry.coordinates, at: over(way, geometry.coordinates) }))
    .filter(({ at }) => at > 0)
    .sort((a, b) => Math.abs(a.at - way.length / 2) - Math.abs(b.at - way.length / 2));
  must(link, "no link of the map lies on the way");
  await page.keyboard.press("e");
  await page.fill("#in-link", link.id);
  await page.fill("#in-what", "Прорыв трубы");
  await accessible(page, "an incident dark ru");
  await page.locator(".in-report [type=submit]").click();
  await page.waitForSelector("[data-incident]");
  const until = performance.now() + PATIENCE;
  while (over(await drive(), link.line) >= 0) must(performance.now() < until, "journeys still go over the closed road");
  await shot(page, "incidents-dark-ru");
  const map = await open("#/city", { lang: "ru", theme: "dark" });
  await map.waitForSelector(".map-canvas[data-incidents='1']", { state: "attached" });
  await map.context().close();
  await page.locator("[data-incident] form input").last().fill("устранено");
  await page.locator("[data-incident] [data-do=end]").click();
  await page.waitForSelector("[data-incident]", { state: "detached" });
  await page.context().close();
  say("a closed road: on everybody's map, and avoided by journeys");
}

const WORDS = {
  ru: { city: "Город", speed: "Индекс скорости", stages: "Фазы и группы", lock: "Только просмотр", alarms: "Тревоги", system: "Система" },
  en: { city: "City", speed: "Speed index", stages: "Stages and groups", lock: "View only", alarms: "Alarms", system: "System" },
};

async function city(lang, theme) {
  const page = await open("#/city", { lang, theme });
  await mapReady(page);
  await page.getByRole("heading", { name: WORDS[lang].city, level: 1, exact: true }).waitFor();
  await page.getByText(WORDS[lang].speed, { exact: true }).first().waitFor();
  must((await page.locator("html").getAttribute("lang")) === lang, "the page does not say its language");
  must((await page.locator("html").getAttribute("data-theme")) === theme, "the theme was not taken");
  const n = await colours(page);
  must(n > 20, `the map is blank: ${n} colours`);
  const before = Number(await page.locator(".map-canvas").getAttribute("data-changes"));
  await page.waitForFunction((was) => Number(document.querySelector(".map-canvas")?.dataset.changes) > was, before);
  say(`city ${lang} ${theme}: ${n} colours on the map, and they move`);
  await shot(page, `city-${theme}-${lang}`);
  await accessible(page, `city ${lang} ${theme}`);
  // Filters: the legend takes a class off the map, and the address knows.
  await page.locator(".legend-los button").first().click();
  await page.waitForFunction(() => location.hash.includes("without=A"));
  await page.locator(".legend-los button").first().click();
  await page.waitForFunction(() => !location.hash.includes("without="));
  say(`city ${lang}: the legend filters`);
  await page.context().close();
}

async function junction(lang, theme, id) {
  const page = await open(`#/junction/${encodeURIComponent(id)}`, { lang, theme });
  await page.getByRole("heading", { name: WORDS[lang].stages }).waitFor();
  await page.waitForSelector(".scene .road-surface", { state: "attached" });
  // Lamps are live: what the heads show changes.
  const lamps = () => page.$$eval(".head", (heads) => heads.map((head) => `${head.dataset.group}${head.dataset.lamp}`).join());
  const was = await lamps();
  must(was !== "", "no heads are drawn");
  await page.waitForFunction((old) => [...document.querySelectorAll(".head")].map((head) => `${head.dataset.group}${head.dataset.lamp}`).join() !== old, was, { timeout: 120_000 });
  say(`junction ${id} ${lang} ${theme}: lamps change`);
  await shot(page, `junction-${theme}-${lang}`);
  await accessible(page, `junction ${lang} ${theme}`);
  await page.context().close();
}

/** From the city to a changed kind of control, with an expiry, without a pointer. */
async function byKeyboard(id, name, storage) {
  const page = await open("#/city", { lang: "en", theme: "dark", storage });
  await page.waitForSelector(".side-left #search");
  await page.keyboard.press("/");
  await page.waitForFunction(() => document.activeElement?.id === "search");
  await page.keyboard.type(id);
  await page.waitForSelector("#search-list [role=option]");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".pop");
  await page.waitForFunction(() => document.activeElement?.closest(".pop") !== null);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".bars");
  must(decodeURIComponent(await page.evaluate(() => location.hash)) === `#/junction/${id}`, "the search opened another place");
  await page.locator("h1", { hasText: name }).waitFor();
  await page.keyboard.press("m");
  must((await page.locator(".order").count()) === 0, "a command was offered with the lock shut");
  await page.keyboard.press("e");
  await page.waitForSelector(".lock.open");
  await page.keyboard.press("m");
  await page.waitForSelector(".order");
  // The radio group has the focus; arrows choose.
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "radio");
  const wanted = (await page.evaluate(() => document.activeElement.dataset.value)) === "actuated" ? "max-pressure" : "actuated";
  for (let i = 0; i < 5 && (await page.evaluate(() => document.activeElement.dataset.value)) !== wanted; i += 1) await page.keyboard.press("ArrowRight");
  must((await page.evaluate(() => document.activeElement.dataset.value)) === wanted, `no kind ${wanted} to choose`);
  must((await page.locator(".order [type=submit]").getAttribute("aria-disabled")) === "true", "an order without a reason can be sent");
  await tabTo(page, ".order .chip[aria-pressed]");
  for (let i = 0; i < 3; i += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await tabTo(page, ".order .segments [role=radio]");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowRight");
  if ((await page.locator("#order-who").count()) > 0) {
    await tabTo(page, "#order-who");
    await page.keyboard.type("E2E walk");
  }
  await tabTo(page, ".order [type=submit]");
  const says = await page.locator(".order [type=submit]").innerText();
  must(/\d\d:\d\d:\d\d/.test(says), `the button does not say until when: ${says}`);
  await shot(page, "order-dark-en");
  await accessible(page, "junction with an order");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".order", { state: "detached" });
  await page.waitForSelector('[data-command="kind"]');
  await page.waitForFunction(
    async ([junctionId, kind]) => {
      const answer = await fetch(`/api/v1/junctions/${encodeURIComponent(junctionId)}`);
      const detail = await answer.json();
      return detail.state.kind === kind && detail.commands.some((command) => command.what === "kind" && command.until > detail.now);
    },
    [id, wanted],
    { polling: 500 },
  );
  say(`keyboard only: ${id} is under ${wanted}, "${says}"`);
  await shot(page, "commands-dark-en");
  // And back: ending the order is a command like any other.
  await page.locator(".actions .wide").click();
  await page.locator(".order .chip[aria-pressed]").last().click();
  await page.locator(".order [type=submit]").click();
  await page.waitForFunction(
    async (junctionId) => (await (await fetch(`/api/v1/junctions/${encodeURIComponent(junctionId)}`)).json()).commands.every((command) => command.what !== "kind" || command.value === "default"),
    id,
    { polling: 500 },
  );
  say(`the order at ${id} was ended`);
  // A refusal stays until it is closed.
  page.expectsRefusal = true;
  await page.route("**/control", (route) => route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ type: "/problems/unsafe", title: "unsafe", status: 409, detail: "asked for by the test" }) }));
  await page.keyboard.press("h");
  await page.locator(".order .chip[aria-pressed]").last().click();
  await page.locator(".order [type=submit]").click();
  await page.locator(".order-refused", { hasText: "asked for by the test" }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForSelector(".order", { state: "detached" });
  say("a refusal is shown and stays");
  await page.context().close();
}

/** A stage is held for a minute, the junction stands in it, and the hold ends by itself. */
async function hold(id, storage) {
  const page = await open(`#/junction/${encodeURIComponent(id)}`, { lang: "ru", theme: "dark", storage });
  await page.waitForSelector(".bars");
  await page.keyboard.press("e");
  await page.waitForSelector(".lock.open");
  await page.keyboard.press("h");
  await page.locator(".order [role=radio][data-value='1']").first().click();
  await page.locator(".order .chip[aria-pressed]").first().click();
  await page.locator(".order .segments [data-value='1']").last().click();
  await accessible(page, "a hold dark ru");
  await page.locator(".order [type=submit]").click();
  await page.waitForSelector('[data-command="hold"]');
  const state = (held) => page.waitForFunction(
    async ([junctionId, wanted]) => {
      const { state, commands, now } = await (await fetch(`/api/v1/junctions/${encodeURIComponent(junctionId)}`)).json();
      const inForce = commands.some((command) => command.what === "hold" && command.until > now);
      return wanted ? state.hold && inForce && state.stage === 1 && !state.interstage : !state.hold && !inForce;
    },
    [id, held],
    { polling: 500, timeout: 180_000 },
  );
  await state(true);
  await shot(page, "hold-dark-ru");
  await state(false);
  await page.waitForSelector('[data-command="hold"]', { state: "detached" });
  await page.context().close();
  say(`stage 1 of ${id} was held, and the hold ended by itself`);
}

/** Cameras: on the map when asked for, one that answers and one that does not; pictures for those who are signed in. */
async function cameras(duty) {
  const { cameras: all } = await (await fetch(`${base}/api/v1/cameras`)).json();
  must(all.length > 1, "the city has no cameras");
  const page = await open("#/city", { lang: "en", theme: "light", storage: duty });
  await mapReady(page);
  await page.locator(".layer-list .switch", { hasText: "Cameras" }).click();
  await page.waitForSelector(`.map-canvas[data-cameras="${all.length}"]`, { state: "attached" });
  // The search finds it, by keys alone.
  await page.keyboard.press("/");
  await page.keyboard.type("k-1");
  await page.locator("#search-list [role=option]", { hasText: /k-1$/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-camera="k-1"] [data-picture=shown] img');
  must(await page.evaluate(() => document.querySelector(".camera-picture img").naturalWidth > 0), "the picture is empty");
  await shot(page, "camera-light-en");
  await accessible(page, "a camera light en");
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("Escape");
  await page.waitForSelector("[data-camera]", { state: "detached" });
  await page.context().close();
  // The last one is out of order, and the map says so within the minute in which all are asked.
  const last = all.at(-1).id;
  const dark = await open("#/city", { lang: "ru", theme: "dark", storage: duty });
  await mapReady(dark);
  dark.expectsRefusal = true;
  await dark.evaluate((id) => (location.hash = `#/city?camera=${id}`), all.find(({ picture, state }) => picture && state === "silent")?.id ?? last);
  await dark.waitForSelector("[data-camera] [data-picture=failed]");
  await shot(dark, "camera-silent-dark-ru");
  await dark.context().close();
  const stranger_ = await open("#/city?camera=k-1", { lang: "en", theme: "dark" });
  await stranger_.waitForSelector('[data-camera="k-1"] a[href*="sign-in"]');
  must((await stranger_.locator(".camera-picture").count()) === 0, "a stranger is shown a picture");
  must((await (await fetch(`${base}/api/v1/cameras/k-1/picture`)).status) === 401, "a stranger may fetch a picture");
  await stranger_.context().close();
  say("cameras: found by name, a picture of now, one out of order, nothing for strangers");
}

/** Detectors and green waves on the map when asked for; a failing detector leads to its junction; how far one gets. */
async function layers(lang, theme) {
  const page = await open("#/city?zoom=15", { lang, theme });
  await mapReady(page);
  for (const layer of [{ en: "Detectors", ru: "Детекторы" }, { en: "Green waves", ru: "Зелёные волны" }]) {
    await page.locator(".layer-list .switch", { hasText: layer[lang] }).click();
    const said = await page.locator(".layer-list .switch", { hasText: layer[lang] }).locator(".num").textContent();
    must(Number(said.replace(/\D/g, "")) > 0, `the city has no ${layer.en}`);
  }
  await page.waitForFunction(() => location.hash.includes("hide=") && !/detectors|corridors/.test(location.hash));
  await shot(page, `city-layers-${theme}-${lang}`);
  await accessible(page, `city with all layers ${lang} ${theme}`);
  const { alarms } = await (await fetch(`${base}/api/v1/alarms`)).json();
  const failing = alarms.find(({ junction, component }) => junction !== null && /^dl\/\d+$/.test(component));
  if (failing) {
    await page.waitForFunction(() => Number(document.querySelector(".map-canvas")?.dataset.failing) > 0);
    await page.evaluate((id) => (location.hash = `#/city?junction=${encodeURIComponent(id)}`), failing.junction);
    await page.locator(".pop a[href*=alarm], .pop a[href*=junction]").first().waitFor();
  }
  // The strip leads back in time, by keys.
  await page.locator(".strip-play").focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".replaying .bars, .replaying .state");
  await page.context().close();
  const way = await open("#/journey", { lang, theme });
  await way.locator("[data-aim=reach]").click();
  const { city } = await (await fetch(`${base}/api/v1/health`)).json();
  await way.fill("#end-from", `${city.centre[1]}, ${city.centre[0]}`);
  // By car a small city is reached whole in ten minutes.
  await way.locator(".journey .segments button", { hasText: { en: "On foot", ru: "Пешком" }[lang] }).click();
  await way.locator(".journey .segments button", { hasText: { en: "15 min", ru: "15 мин" }[lang] }).click();
  await way.locator(".journey form button[type=submit]").click();
  await way.waitForSelector("[data-reach]");
  await way.waitForSelector(".map-canvas[data-reach='3']", { state: "attached" });
  const ground = (await way.locator("[data-reach] tbody td.num").allTextContents()).map((text) => Number(text.replace(",", ".").replace(/[^\d.]/g, "")));
  must(ground.length === 3 && ground[0] > 0 && ground[0] < ground[1] && ground[1] < ground[2], `the ground reached is ${ground.join(", ")} km²`);
  await shot(way, `reach-${theme}-${lang}`);
  await accessible(way, `how far one gets ${lang} ${theme}`);
  await way.context().close();
  say(`detectors and green waves on the map, the strip leads to a replay, and how far one gets: ${ground.join(", ")} km² (${lang})`);
}

/** A wire to the city that can be cut: with an answer to each end, or by swallowing what passes. */
async function wire() {
  const { hostname, port } = new URL(base);
  const ends = new Set();
  let mode = "whole";
  const server = createServer((near) => {
    if (mode === "torn") return near.destroy();
    const far = connect(Number(port || 80), hostname);
    const pass = (from, to) => from.on("data", (bytes) => mode !== "silent" && to.write(bytes));
    pass(near, far);
    pass(far, near);
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on("close", () => {
        ends.delete(end);
        other.destroy();
      });
      end.on("error", () => {});
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const set = (next) => {
    mode = next;
    if (next === "torn") for (const end of ends) end.destroy();
  };
  const close = () => {
    set("torn");
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, set, close };
}

/** A cut stream: the page says how old it is, and recovers by itself. */
async function cut(how) {
  const line = await wire();
  const page = await open("#/city", { lang: "en", theme: "light", origin: line.origin });
  await mapReady(page);
  page.expectsRefusal = true;
  line.set(how);
  const began = Date.now();
  await page.waitForSelector("[data-contact=cut]");
  const after = Date.now() - began;
  await page.waitForSelector(".map-note");
  // On an idle machine within 3 s; a busy one that paints the map in software may stall the page for longer than that.
  must(after < 15_000, `the page noticed the cut after ${after} ms`);
  await shot(page, `${how}-light-en`);
  line.set("whole");
  await page.waitForSelector("[data-contact=live]");
  await page.waitForSelector(".map-note", { state: "detached" });
  say(`a ${how} stream: noticed after ${after} ms, and it came back by itself`);
  await page.context().close();
  line.close();
}

/** One alarm: what is wrong, what was done, what next. The demo's detectors fail soon enough; without an alarm nothing is shown. */
async function alarm(lang, theme) {
  const { alarms } = await (await fetch(`${base}/api/v1/alarms`)).json();
  const one = alarms.find(({ junction }) => junction !== null);
  if (!one) return say(`no alarm to look at, ${lang}`);
  // From the city map, by what it says is being watched, or needs action.
  const page = await open("#/city", { lang, theme });
  await page.locator('.watched, .nav a[href="#/alarms"]').first().click();
  await page.locator(`.alarms-table a[href="#/alarm/${encodeURIComponent(one.id)}"]`).click();
  await page.waitForSelector(".al-title");
  await page.waitForSelector(".al-story li");
  await page.waitForSelector(".al-act h3");
  await mapReady(page);
  await shot(page, `alarm-${theme}-${lang}`);
  await accessible(page, `an alarm ${lang} ${theme}`);
  await page.keyboard.press("Escape");
  await page.waitForSelector(".alarms-table");
  await page.context().close();
  say(`an alarm ${lang} ${theme}: what is wrong, what was done, what next`);
}

/** Who has which role: seen by those who configure, and by nobody else. */
async function accounts(engineer, duty) {
  for (const [lang, theme] of [["ru", "dark"], ["en", "light"]]) {
    const page = await open("#/people", { lang, theme, storage: engineer });
    await page.waitForFunction(() => document.querySelectorAll(".people-table tbody tr").length >= 3);
    await page.locator(".people-form input").first().fill("ivanova");
    await page.locator(".people-form input").nth(1).fill("О. Иванова");
    await page.locator(".people-command code", { hasText: "controller account --login ivanova" }).waitFor();
    await shot(page, `people-${theme}-${lang}`);
    await accessible(page, `people ${lang} ${theme}`);
    await page.context().close();
  }
  const page = await open("#/people", { lang: "en", theme: "light", storage: duty });
  await page.waitForSelector(".people .state");
  must((await page.locator(".people-table").count()) === 0 && (await page.locator('.nav a[href="#/people"]').count()) === 0, "duty sees the accounts");
  await page.context().close();
  say("people and roles: shown to those who configure, not to others; a command for a new account");
}

async function others() {
  const page = await open("#/alarms", { lang: "ru", theme: "dark" });
  for (const [key, screen] of [["o", "commands"], ["k", "corridors"], ["m", "measures"], ["w", "tickets"], ["i", "incidents"], ["p", "plans"], ["c", "city"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForFunction((name) => location.hash.startsWith(`#/${name}`), screen);
  }
  for (const key of ["j", "s", "r", "a"]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForSelector({ j: ".rows tbody tr", s: ".cards", r: ".journey form", a: ".list-page" }[key]);
    if (key === "r") await page.waitForSelector(".map-canvas[data-drawn]", { state: "attached" });
    await shot(page, `${{ j: "junctions", s: "system", r: "journey", a: "alarms" }[key]}-dark-ru`);
    await accessible(page, `${{ j: "junctions", s: "system", r: "journey", a: "alarms" }[key]} ru dark`);
  }
  await page.keyboard.press("?");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  say("keys lead to every screen, and are listed");
  // Choices last.
  await page.keyboard.press("t");
  await page.waitForSelector("html[data-theme=light]", { state: "attached" });
  const storage = await page.context().storageState();
  await page.context().close();
  const again = await browser.newContext({ storageState: storage });
  const next = await again.newPage();
  await next.goto(`${base}/#/system`);
  await next.waitForSelector("html[data-theme=light][lang=ru]", { state: "attached" });
  await again.close();
  say("language and theme are kept");
}

async function phone(some) {
  const page = await open("#/city", { lang: "ru", theme: "dark", width: 390, height: 844 });
  await mapReady(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  must(wide <= 390, `the phone page is ${wide} px wide`);
  await shot(page, "phone-city-dark-ru");
  await accessible(page, "city on a phone");
  for (const name of ["corridors", "measures"]) {
    await page.locator(".nav-more").click();
    await page.locator(`.nav a[href="#/${name}"]`).click();
    await page.waitForSelector({ corridors: ".tsd-row", measures: ".m-table" }[name], { state: "attached" });
    must((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${name} is wider than a phone`);
    await shot(page, `phone-${name}-dark-ru`);
    await accessible(page, `${name} on a phone`);
  }
  await page.evaluate((id) => (location.hash = `#/junction/${encodeURIComponent(id)}`), some.id);
  await page.waitForSelector(".bars");
  await page.waitForSelector(".scene .road-surface", { state: "attached" });
  must((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, "the junction is wider than a phone");
  await shot(page, "phone-junction-dark-ru");
  await accessible(page, "junction on a phone");
  await page.context().close();
}

try {
  const list = await (await fetch(`${base}/api/v1/junctions`)).json();
  const some = list.junctions.find(({ state }) => state.actual === "adaptive" && state.stage !== null) ?? list.junctions[0];
  must(some, "the city has no junctions");
  await city("ru", "dark");
  await city("en", "light");
  await junction("ru", "dark", some.id);
  await junction("en", "light", some.id);
  await stranger(some.id);
  const duty = await signedIn("duty");
  const chief = await signedIn("chief");
  await byKeyboard(some.id, some.name.en, duty);
  await hold(some.id, duty);
  await cameras(duty);
  await layers("ru", "dark");
  await layers("en", "light");
  await two(duty, chief);
  await tickets(duty, some.id);
  await plans(duty, chief, some.id);
  await incidents(duty, list);
  await corridors("ru", "dark", duty);
  await corridors("en", "light", duty);
  const another = list.junctions.find(({ id }) => id !== some.id);
  await measures("ru", "dark", some.id, another.id);
  await measures("en", "light", some.id, another.id);
  await replay("ru", "dark", some.id, duty);
  await replay("en", "light", some.id, duty);
  await area("ru", "light");
  await area("en", "dark");
  await cut("torn");
  await cut("silent");
  await accounts(await signedIn("engineer"), duty);
  await alarm("ru", "dark");
  await alarm("en", "light");
  await others();
  await phone(some);
  must(troubles.length === 0, troubles.join("\n"));
  say("no console errors, no request to another host");
} catch (error) {
  console.error(`not ok, after "${step}": ${error.message}`);
  if (troubles.length > 0) console.error(troubles.join("\n"));
  for (const [i, page] of browser.contexts().flatMap((context) => context.pages()).entries()) await shot(page, `failed-${i}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  // A wire that a failure left open would keep us here for ever.
  process.exit();
}
