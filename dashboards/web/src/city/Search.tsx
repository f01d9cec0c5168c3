// One search for junctions, cameras and streets, in both languages at once. A combobox: type, arrows, Enter.

import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import type { LonLat, Name } from "../api/view";
import { nameOf, t } from "../i18n";
import { junctions } from "../live/live";
import { loadStreets, streetList } from "../map/data";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { cameras } from "./cameras";

export type Found =
  | { kind: "junction"; id: string; name: Name; at: LonLat }
  | { kind: "camera"; id: string; name: Name; at: LonLat }
  | { kind: "street"; name: Name; bounds: [LonLat, LonLat]; at: LonLat };

/** As people type: no case, no ё, no marks. */
export const plain = (text: string): string =>
  text.toLowerCase().replaceAll("ё", "е").normalize("NFD").replace(/[\u0300-\u0305\u0307-\u036f]/g, "").normalize("NFC");

const MOST = 6;

const streetsFound = (): Found[] => streetList.value.map((street) => ({ kind: "street", ...street }));

export function find(query: string, looksThrough = false): Found[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const fits = (text: string) => words.every((word) => text.includes(word));
  const rank = (found: Found) => (found.kind !== "street" && found.id === query.trim() ? 0 : plain(nameOf(found.name)).startsWith(words[0] ?? "") ? 1 : 2);
  const both = (found: Found[]) => found.sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
  const some: Found[] = [];
  for (const { id, name, at } of junctions.value.values()) {
    if (fits(plain(`${id} ${name.local} ${name.en}`))) some.push({ kind: "junction", id, name, at });
  }
  const eyes = (looksThrough ? cameras.value : []).filter(({ id, name }) => fits(plain(`${id} ${name.local} ${name.en}`)));
  return [...both(some), ...both(eyes.map(({ id, name, at }) => ({ kind: "camera", id, name, at }))), ...both(streetsFound().filter((street) => fits(plain(`${street.name.local} ${street.name.en}`))))];
}

interface Props {
  id: string;
  onPick: (found: Found) => void;
  input?: RefObject<HTMLInputElement | null>;
  placeholder?: string;
  value?: string;
  onText?: (text: string) => void;
  hint?: boolean;
  /** Cameras are found too. */
  looksThrough?: boolean;
  /** The list opens over what is below instead of pushing it. */
  label: string;
}

export function Search({ id, onPick, input, placeholder, value, onText, hint, looksThrough, label }: Props) {
  const text = useSignal(value ?? "");
  const open = useSignal(false);
  const at = useSignal(0);
  const found = useComputed(() => {
    void language.value;
    return find(text.value, looksThrough);
  });
  const pick = (one: Found | undefined) => {
    if (!one) return;
    open.value = false;
    text.value = nameOf(one.name);
    onPick(one);
  };
  const list = found.value;
  const showing = open.value && text.value.trim() !== "";
  const heading = (kind: Found["kind"]) => t(`search.${kind}s`);
  return (
    <div class="search">
      <div class="search-box">
        <Icon name="search" size={16} />
        <input
          id={id}
          ref={input}
          class="input"
          role="combobox"
          aria-label={label}
          aria-expanded={showing}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={showing && list.length > 0 ? `${id}-${at.value}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder={placeholder ?? t("search.placeholder")}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            onText?.(text.value);
            at.value = 0;
            open.value = true;
          }}
          onFocus={(event) => {
            loadStreets();
            event.currentTarget.select();
            open.value = true;
          }}
          onBlur={() => (open.value = false)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
              event.preventDefault();
              open.value = true;
              const step = event.key === "ArrowDown" ? 1 : -1;
              at.value = list.length === 0 ? 0 : (at.value + step + list.length) % list.length;
            } else if (event.key === "Enter" && showing && list.length > 0) {
              event.preventDefault();
              pick(list[at.value]);
            } else if (event.key === "Escape" && showing) {
              event.preventDefault();
              open.value = false;
            }
          }}
        />
        {hint && <kbd aria-hidden="true">/</kbd>}
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label={t("search.results")} class="search-list" hidden={!showing}>
        {list.map((one, i) => (
          <>
            {(i === 0 || list[i - 1]?.kind !== one.kind) && <li role="presentation" class="label">{heading(one.kind)}</li>}
            <li
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at.value}
              onPointerDown={(event) => {
                event.preventDefault();
                pick(one);
              }}
            >
              <Icon name={one.kind === "junction" ? "lights" : one.kind === "camera" ? "camera" : "route"} size={16} />
              <span>{nameOf(one.name)}</span>
              {one.kind !== "street" && <span class="quiet">{one.id}</span>}
            </li>
          </>
        ))}
        {list.length === 0 && showing && <li role="presentation" class="none">{t("search.none", { q: text.value })}</li>}
      </ul>
    </div>
  );
}
