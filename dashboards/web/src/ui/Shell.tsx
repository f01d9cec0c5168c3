// What stands around every screen: top bar with the sentence, nav rail, the sheet of keys.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { clockOf, dateOf, t, zoneOf } from "../i18n";
import { keysShown } from "../keys";
import { alarms, contact, heardAt, health, now } from "../live/live";
import { minutesLeft, relock, unlock, unlocked } from "../lock";
import { place, write, type Screen } from "../route";
import { needAction, sentence } from "../sentence";
import { language, singleKeys, theme, who } from "../settings";
import { Icon, type IconName } from "./Icon";
import { AgeRing } from "./signs";

export function Mark() {
  return (
    <svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" aria-hidden="true">
      <circle cx="12" cy="12" r="10.4" />
      <path d="M7.6 15.9a5.7 5.7 0 1 1 8.8 0" />
      <circle cx="12" cy="12.6" r="2.6" fill="currentColor" stroke="none" />
    </svg>
  );
}

function Sentence() {
  const said = sentence(language.value, {
    contact: contact.value,
    health: health.value,
    alarms: alarms.value,
    heardAt: heardAt.value,
    now: now.value,
  });
  return (
    <p class="sentence" role="status" aria-live={said.old ? "off" : "polite"} data-contact={contact.value}>
      {said.old && <AgeRing seconds={null} />}
      <b>{said.first}</b> {said.rest}
    </p>
  );
}

function Lock() {
  const open = unlocked.value;
  return (
    <button
      type="button"
      class={`button lock${open ? " open" : ""}`}
      aria-pressed={open}
      aria-keyshortcuts="E"
      title={t("top.lockHint")}
      onClick={() => (open ? relock() : unlock())}
    >
      <Icon name={open ? "open" : "lock"} size={16} />
      <span>{open ? t("top.controlOn", { n: minutesLeft.value }) : t("top.viewOnly")}</span>
    </button>
  );
}

function Person() {
  const shown = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (shown.value) input.current?.focus();
  }, [shown.value]);
  return (
    <>
      <button type="button" class="top-tool top-person" aria-expanded={shown.value} onClick={() => (shown.value = !shown.value)}>
        <Icon name="person" size={16} />
        <span>{who.value || t("top.personUnknown")}</span>
      </button>
      {shown.value && (
        <form
          class="top-pop"
          onSubmit={(event) => {
            event.preventDefault();
            who.value = input.current?.value.trim() ?? "";
            shown.value = false;
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") shown.value = false;
          }}
        >
          <div class="field">
            <label for="person">{t("top.person")}</label>
            <input id="person" class="input" ref={input} defaultValue={who.value} autocomplete="name" maxLength={80} />
          </div>
          <p class="label">{t("top.personWhy")}</p>
          <button class="button primary" type="submit">{t("top.save")}</button>
        </form>
      )}
    </>
  );
}

export function TopBar({ title, sub, middle }: { title: string; sub?: ComponentChildren; middle?: ComponentChildren }) {
  const dark = theme.value === "dark";
  const city = health.value;
  return (
    <header class="top">
      <a class="mark" href="#/city" aria-label={t("app.name")}><Mark /></a>
      <div class="top-main">
        <div class="top-title">
          <h1>{title}</h1>
          {sub && <span>{sub}</span>}
        </div>
        {middle}
        {(!middle || contact.value !== "live") && <Sentence />}
      </div>
      <div class="top-tools">
        <Lock />
        <button
          type="button"
          class="top-tool"
          lang={language.value === "ru" ? "en" : "ru"}
          aria-label={language.value === "ru" ? "RU, switch to English" : "EN, переключить на русский"}
          onClick={() => (language.value = language.value === "ru" ? "en" : "ru")}
        >
          {language.value.toUpperCase()}
        </button>
        <button
          type="button"
          class="top-tool"
          aria-keyshortcuts="T"
          aria-label={`${t("top.theme")}: ${t(dark ? "top.themeDark" : "top.themeLight")}`}
          title={`${t("top.theme")}: ${t(dark ? "top.themeDark" : "top.themeLight")}`}
          onClick={() => (theme.value = dark ? "light" : "dark")}
        >
          <Icon name={dark ? "moon" : "sun"} size={20} />
        </button>
        <Person />
        <div class="top-clock">
          {city && now.value > 0 ? (
            <>
              <b>{clockOf(now.value)}</b>
              <span>
                {dateOf(now.value)} · {zoneOf(now.value)}
                {city.clock_speed !== 1 && ` · ×${city.clock_speed}`}
              </span>
            </>
          ) : (
            <b class="quiet">--:--:--</b>
          )}
        </div>
      </div>
    </header>
  );
}

const ITEMS: { screen: Screen; icon: IconName; word: "nav.city" | "nav.junctions" | "nav.alarms" | "nav.journey" | "nav.system" }[] = [
  { screen: "city", icon: "city", word: "nav.city" },
  { screen: "junctions", icon: "lights", word: "nav.junctions" },
  { screen: "alarms", icon: "alert", word: "nav.alarms" },
  { screen: "journey", icon: "route", word: "nav.journey" },
];

function NavItem({ screen, icon, word }: (typeof ITEMS)[number] | { screen: Screen; icon: IconName; word: "nav.system" }) {
  const here = place.value.screen === screen || (screen === "junctions" && place.value.screen === "junction");
  const open = screen === "alarms" ? needAction(alarms.value) : [];
  const worst = open.reduce((least, alarm) => Math.min(least, alarm.priority), 3);
  return (
    <a href={write({ screen, id: null, query: {} })} aria-current={here ? "page" : undefined}>
      <Icon name={icon} size={20} />
      {t(word)}
      {open.length > 0 && <span class={`count p${worst}`}>{open.length}</span>}
    </a>
  );
}

export function NavRail() {
  return (
    <nav class="nav" aria-label={t("nav.label")}>
      {ITEMS.map((item) => <NavItem key={item.screen} {...item} />)}
      <div class="rest">
        <button type="button" class="keys-link" aria-keyshortcuts="?" onClick={() => (keysShown.value = true)}>
          <Icon name="keyboard" size={20} />
          {t("top.keys")}
        </button>
        <NavItem screen="system" icon="system" word="nav.system" />
      </div>
    </nav>
  );
}

const KEYS: [string[], Parameters<typeof t>[0]][] = [
  [["/"], "keys.search"],
  [["G", "C J A R S"], "keys.go"],
  [["[", "]"], "keys.panels"],
  [["↑", "↓", "Enter"], "keys.list"],
  [["N"], "keys.next"],
  [["←", "→"], "keys.strip"],
  [["E"], "keys.lock"],
  [["H"], "keys.hold"],
  [["M"], "keys.kind"],
  [["P"], "keys.plan"],
  [["F"], "keys.flash"],
  [["T"], "keys.theme"],
  [["Esc"], "keys.back"],
  [["?"], "keys.help"],
];

export function KeysSheet() {
  const sheet = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (keysShown.value) sheet.current?.showModal();
    else sheet.current?.close();
  }, [keysShown.value]);
  const on = singleKeys.value === "on";
  return (
    <dialog class="sheet" ref={sheet} aria-labelledby="keys-title" onClose={() => (keysShown.value = false)}>
      <header>
        <h2 id="keys-title">{t("keys.title")}</h2>
        <button type="button" class="icon-button" aria-label={t("layers.close")} onClick={() => (keysShown.value = false)}>
          <Icon name="close" />
        </button>
      </header>
      <dl class="keys-list">
        {KEYS.map(([keys, word]) => (
          <>
            <dt>{keys.map((key, i) => <>{i > 0 && " "}<kbd>{key}</kbd></>)}</dt>
            <dd>{t(word)}</dd>
          </>
        ))}
      </dl>
      <button type="button" class="switch" role="switch" aria-checked={on} onClick={() => (singleKeys.value = on ? "off" : "on")}>
        <i />{t("keys.off")}
      </button>
      <p class="label">{t("keys.offWhy")}</p>
    </dialog>
  );
}
