// Views that somebody comes back to: where the map stands, its layers and filters. Kept on this machine; each is an address, so a
// link to it is the same view for a colleague.

import { useSignal } from "@preact/signals";
import { t } from "../i18n";
import { parse, place, write } from "../route";
import { views } from "../settings";
import { Icon } from "../ui/Icon";
import { readViews, withView, withoutView } from "./viewList";

export function Views() {
  const name = useSignal("");
  const all = readViews(views.value);
  // The pop-over is no part of a view.
  const here = write({ screen: "city", id: null, query: Object.fromEntries(Object.entries(place.value.query).filter(([key]) => key !== "junction" && key !== "camera")) });
  return (
    <div class="views">
      <h2>{t("views")}</h2>
      {all.length > 0 && (
        <ul>
          {all.map((one) => (
            <li key={one.name}>
              <a href={one.at} aria-current={write(parse(one.at)) === here ? "true" : undefined}>{one.name}</a>
              <button type="button" class="icon-button small" aria-label={t("views.drop", { x: one.name })} title={t("views.drop", { x: one.name })} onClick={() => (views.value = withoutView(views.value, one.name))}><Icon name="close" size={16} /></button>
            </li>
          ))}
        </ul>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.value.trim() === "") return;
          views.value = withView(views.value, name.value.trim(), here);
          name.value = "";
        }}
      >
        <input class="input" aria-label={t("views.name")} placeholder={t("views.name")} maxLength={40} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        <button type="submit" class="button small" aria-disabled={name.value.trim() === ""}>{t("views.keep")}</button>
      </form>
    </div>
  );
}
