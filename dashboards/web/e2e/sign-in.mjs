// People sign in at a provider of identities, in Chromium: at its page, with its password, and come back with the role that their
// groups give them. The built page is handed out here, as a web server before the centre would.
//
//   API_PORT   where the centre listens
//   PAGE_PORT  where the page is to be: the provider knows this address
//   SVETOFOR_SHOTS, CHROMIUM  as for walk.mjs

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { bundle, serve } from "../bench/page.mjs";

const base = `http://127.0.0.1:${process.env.PAGE_PORT}`;
const { server } = await serve(bundle(), Number(process.env.API_PORT), Number(process.env.PAGE_PORT));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });

function must(condition, text) {
  if (!condition) throw new Error(text);
}

/** A browser of somebody's own. */
async function someone() {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en-GB" })).newPage();
  page.setDefaultTimeout(60_000);
  return page;
}

async function shot(page, name) {
  if (!process.env.SVETOFOR_SHOTS) return;
  mkdirSync(process.env.SVETOFOR_SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SVETOFOR_SHOTS, `${name}.png`) });
}

/** From the page to the provider's own, where they say who they are and that we may know. */
async function leaves(page, login) {
  await page.goto(`${base}/?lang=en&theme=light#/sign-in?then=system`);
  await page.locator("a.primary", { hasText: "City ID" }).click();
  await page.waitForURL((url) => url.origin !== base);
  const asked = new URL(page.url());
  await page.locator("input[name=login]").fill(login);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]", { hasText: "Continue" }).click();
  return asked;
}

/** They are back on the page, there. */
const isAt = (page, hash) => page.waitForURL((url) => url.origin === base && url.hash === hash);

/** What the centre says of whoever sits before the page. */
const session = (page) => page.evaluate(async () => (await fetch("/api/v1/session")).json());

try {
  const duty = await someone();
  await leaves(duty, "petrova");
  await isAt(duty, "#/system");
  await duty.locator(".top-person", { hasText: "А. Петрова" }).waitFor();
  const { person, csrf } = await session(duty);
  must(person.login === "oidc:petrova" && person.role === "operate" && person.districts.join() === "cao", `petrova is ${JSON.stringify(person)}`);
  must(typeof csrf === "string", "her session has no token");
  const cookie = (await duty.context().cookies()).find(({ name }) => name === "svetofor_session");
  must(cookie?.httpOnly && cookie.sameSite === "Strict", `the cookie is not guarded: ${JSON.stringify(cookie)}`);
  must((await session(duty)).person !== null, "a second look ends the session");
  console.log("ok  by her group she operates in her district");

  // Nobody becomes petrova by a link to the end of her way, and it leads nowhere twice.
  const victim = await someone();
  await victim.goto(`${base}/api/v1/session/provider/back?state=forged&code=forged`);
  await isAt(victim, "#/sign-in?refused=stale");
  await victim.locator(".sign-in [role=alert]").waitFor();
  await shot(victim, "sign-in-provider-light-en");
  must((await session(victim)).person === null, "a forged return signs somebody in");
  console.log("ok  whoever did not leave from this browser does not come back to it");

  const guest = await someone();
  await leaves(guest, "guest");
  await isAt(guest, "#/sign-in?refused=no-role");
  await guest.locator(".sign-in [role=alert]", { hasText: "City ID knows you" }).waitFor();
  must((await session(guest)).person === null, "somebody without a role is signed in");
  console.log("ok  who has none of the groups is not let in, and told so");

  const chief = await someone();
  await leaves(chief, "orlov");
  await isAt(chief, "#/system");
  // An order for the whole city by two people whom only the provider knows: duty of one district may not even propose it.
  const order = (page) => page.evaluate(async () => {
    const { csrf: token } = await (await fetch("/api/v1/session")).json();
    const body = JSON.stringify({ kind: "fixed", reason: "a test", expires_in_s: 60 });
    return (await fetch("/api/v1/control", { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": token }, body })).status;
  });
  must((await order(duty)) === 403, "a district's duty orders the whole city");
  must((await order(chief)) === 202, "a chief may not propose");
  await chief.evaluate(async () => {
    const { csrf: token } = await (await fetch("/api/v1/session")).json();
    await fetch("/api/v1/session", { method: "DELETE", headers: { "x-csrf-token": token } });
  });
  must((await session(chief)).person === null, "signing out does not");
  console.log("ok  roles by group, as far as they go; and out again");
} catch (error) {
  console.error(`not ok: ${error.message}`);
  for (const [i, page] of browser.contexts().flatMap((context) => context.pages()).entries()) {
    console.error(`page ${i} is at ${page.url()}: ${(await page.locator("body").innerText().catch(() => "")).slice(0, 300)}`);
    await shot(page, `failed-${i}`);
  }
  process.exitCode = 1;
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
