// What stands around every screen: top bar with the sentence, nav rail, the sheet of keys.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { clockOf, dateOf, t, tk, zoneOf } from "../i18n";
import { keysShown } from "../keys";
import { alarms, contact, heardAt, health, now, replayed } from "../live/live";
import { mayUnlock, minutesLeft, relock, unlock, unlocked } from "../lock";
import { go, place, write, type Screen } from "../route";
import { needAction, sentence } from "../sentence";
import { may, open, person, signOut } from "../session";
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
  const opened = unlocked.value;
  const allowed = mayUnlock.value;
  return (
    <button
      type="button"
      class={`button lock${opened ? " open" : ""}`}
      aria-pressed={opened}
      aria-keyshortcuts="E"
      aria-disabled={!allowed}
      title={allowed ? t("top.lockHint") : replayed.value !== null ? t("top.lockReplay") : t(person.value === null ? "top.lockSignIn" : "top.lockRole")}
      onClick={() => (!allowed ? replayed.value === null && person.value === null && go("sign-in") : opened ? relock() : unlock())}
    >
      <Icon name={opened ? "open" : "lock"} size={16} />
      <span>{opened ? t("top.controlOn", { n: minutesLeft.value }) : t("top.viewOnly")}</span>
    </button>
  );
}

function Person() {
  if (!open.value && person.value === null) {
    return (
      <a class="top-tool top-person" href={write({ screen: "sign-in", id: null, query: {} })}>
        <Icon name="person" size={16} />
        <span>{t("sign.in")}</span>
      </a>
    );
  }
  return open.value ? <Named /> : <Account />;
}

/** Who is signed in, as what, and the way out. */
function Account() {
  const shown = useSignal(false);
  const who = person.value;
  if (who === null) return null;
  const role = tk(`role.${who.role}`) ?? who.role;
  return (
    <>
      <button type="button" class="top-tool top-person" aria-expanded={shown.value} onClick={() => (shown.value = !shown.value)}>
        <Icon name="person" size={16} />
        <span>{who.name} · {role}</span>
      </button>
      {shown.value && (
        <div class="top-pop" onKeyDown={(event) => event.key === "Escape" && (shown.value = false)}>
          <p><b>{who.name}</b><br /><span class="soft">{who.login} · {role}</span></p>
          <p class="soft">{tk(`role.${who.role}.may`)}</p>
          <p class="soft">{who.districts === null ? t("sign.everywhere") : t("sign.districts", { list: who.districts.join(", ") })}</p>
          <button type="button" class="button" onClick={() => { shown.value = false; void signOut(); }}>{t("sign.out")}</button>
        </div>
      )}
    </>
  );
}

/** Where nobody signs in, a name stands for it. */
function Named() {
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
          <h1 class={title.length > 16 ? "long" : ""}>{title}</h1>
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
        <div class={`top-clock${replayed.value === null ? "" : " replayed"}`}>
          {city && now.value > 0 ? (
            <>
              <b>{clockOf(replayed.value ?? now.value)}</b>
              <span>
                {dateOf(replayed.value ?? now.value)} · {zoneOf(now.value)}
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

interface Item {
  screen: Screen;
  icon: IconName;
  word: "nav.city" | "nav.junctions" | "nav.corridors" | "nav.measures" | "nav.alarms" | "nav.plans" | "nav.commands" | "nav.journey" | "nav.audit" | "nav.people" | "nav.system";
}

const ITEMS: Item[] = [
  { screen: "city", icon: "city", word: "nav.city" },
  { screen: "junctions", icon: "lights", word: "nav.junctions" },
  { screen: "corridors", icon: "corridor", word: "nav.corridors" },
  { screen: "measures", icon: "measures", word: "nav.measures" },
  { screen: "alarms", icon: "alert", word: "nav.alarms" },
  { screen: "plans", icon: "calendar", word: "nav.plans" },
  { screen: "commands", icon: "commands", word: "nav.commands" },
  { screen: "journey", icon: "route", word: "nav.journey" },
];

/** On a phone the other screens stand behind "More". */
const FIRST: readonly Screen[] = ["city", "junctions", "alarms", "commands"];

function NavItem({ screen, icon, word }: Item) {
  const here = place.value.screen === screen || (place.value.screen === "replay" && screen === (place.value.id === null ? "city" : "junctions")) || (screen === "junctions" && place.value.screen === "junction") || (screen === "alarms" && (place.value.screen === "alarm" || place.value.screen === "tickets" || place.value.screen === "incidents"));
  const raised = screen === "alarms" ? needAction(alarms.value) : [];
  const worst = raised.reduce((least, alarm) => Math.min(least, alarm.priority), 3);
  return (
    <a class={FIRST.includes(screen) ? undefined : "extra"} href={write({ screen, id: null, query: {} })} aria-current={here ? "page" : undefined}>
      <Icon name={icon} size={20} />
      {t(word)}
      {raised.length > 0 && <span class={`count p${worst}`}>{raised.length}</span>}
    </a>
  );
}

export function NavRail() {
  const more = useSignal(false);
  const { screen } = place.value;
  useEffect(() => void (more.value = false), [screen]);
  return (
    <nav class={`nav${more.value ? " more" : ""}`} aria-label={t("nav.label")}>
      {ITEMS.map((item) => <NavItem key={item.screen} {...item} />)}
      <button type="button" class="nav-more" aria-expanded={more.value} onClick={() => (more.value = !more.value)}>
        <Icon name="menu" size={20} />
        {t("nav.more")}
      </button>
      <div class="rest">
        <button type="button" class="keys-link" aria-keyshortcuts="?" onClick={() => (keysShown.value = true)}>
          <Icon name="keyboard" size={20} />
          {t("top.keys")}
        </button>
        {may("operate", "nowhere") && !open.value && <NavItem screen="audit" icon="audit" word="nav.audit" />}
        {may("configure", "nowhere") && !open.value && <NavItem screen="people" icon="person" word="nav.people" />}
        <NavItem screen="system" icon="system" word="nav.system" />
      </div>
    </nav>
  );
}

const KEYS: [string[], Parameters<typeof t>[0]][] = [
  [["/"], "keys.search"],
  [["G", "C J K M A W I P O R L U S"], "keys.go"],
  [["[", "]"], "keys.panels"],
  [["↑", "↓", "Enter"], "keys.list"],
  [["N"], "keys.next"],
  [["A"], "keys.ticket"],
  [["←", "→"], "keys.strip"],
  [["Space"], "keys.play"],
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
