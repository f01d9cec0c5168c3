// What the neighbours did at the same moment: a junction alone seldom explains itself.

import { t } from "../i18n";
import { junctions } from "../live/live";
import { write } from "../route";
import { Icon } from "../ui/Icon";
import { useLogs } from "./logs";
import { nearest } from "./near";
import { Rows } from "./Rows";

/** So many of them. */
const MOST = 5;
/** From so near the area around a junction is looked at. */
const ZOOM = "15";

export function Around({ id, at, from, to }: { id: string; at: number; from: number; to: number }) {
  const here = junctions.value.get(id);
  const list = here ? nearest(here, [...junctions.value.values()], MOST) : [];
  const known = useLogs(list.map((one) => one.id), from, to);
  if (!here || list.length === 0) return null;
  const area = { at: here.at.map((x) => x.toFixed(5)).join(","), zoom: ZOOM, time: String(Math.round(at)) };
  return (
    <section class="replay-around" aria-labelledby="around-title">
      <h2 id="around-title">{t("rep.around")}</h2>
      <Rows list={list} known={known.value} at={at} />
      <p><a class="button small" href={write({ screen: "replay", id: null, query: area })}><Icon name="city" size={16} />{t("rep.toArea")}</a></p>
    </section>
  );
}
