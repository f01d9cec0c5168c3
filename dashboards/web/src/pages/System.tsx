// How the system itself is: the stream, the broker, the store, and what was refused at the door.

import type { ComponentChildren } from "preact";
import { ago, clockOf, dateOf, modeOf, nameOf, num, t, zoneOf } from "../i18n";
import { contact, health, heardAt, links, now, vehicles } from "../live/live";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AgeRing, ModeGlyph } from "../ui/signs";

function Fact({ term, children }: { term: string; children: ComponentChildren }) {
  return <><dt>{term}</dt><dd>{children}</dd></>;
}

/** Working is a plain word; only what does not work gets a sign. */
function UpDown({ up, words }: { up: boolean; words: string }) {
  return up ? <>{words}</> : <span class="down-mark bad"><Icon name="error" size={16} />{words}</span>;
}

export function System() {
  const city = health.value;
  const stream = { live: "sys.streamLive", cut: "sys.streamCut", waiting: "sys.streamWaiting" } as const;
  const known = [...links.value.values()].filter((link) => link.speed_kmh !== null).length;
  return (
    <>
      <TopBar title={t("sys.title")} sub={city && nameOf(city.city.name)} />
      <main id="main" class="screen page" tabIndex={-1}>
        {!city ? (
          <div class="state"><h3>{t("say.waiting")}</h3><p>{t("say.waitingRest")}</p></div>
        ) : (
          <div class="cards">
            <section class="card">
              <h2>{t("sys.parts")}</h2>
              <dl>
                <Fact term={t("sys.status")}><UpDown up={city.status === "ok"} words={t(city.status === "ok" ? "sys.ok" : "sys.degraded")} /></Fact>
                <Fact term={t("sys.stream")}><UpDown up={contact.value !== "cut"} words={t(stream[contact.value])} /></Fact>
                <Fact term={t("city.age")}>
                  <span class="with-glyph">
                    <AgeRing seconds={city.data_age_s.median === null ? null : city.data_age_s.median + Math.max(0, (now.value - heardAt.value) / 1000)} />
                    {city.data_age_s.median === null ? t("age.never") : ago(city.data_age_s.median)}
                    {city.data_age_s.p95 !== null && <span class="quiet">{t("city.p95", { x: ago(city.data_age_s.p95) })}</span>}
                  </span>
                </Fact>
                <Fact term={t("sys.version")}><span class="code">{city.version}</span></Fact>
                <Fact term={t("sys.api")}><a class="text-button" href="/api/openapi.json">openapi.json</a></Fact>
              </dl>
            </section>
            <section class="card">
              <h2>{t("sys.city")}</h2>
              <dl>
                <Fact term={t("sys.city")}>{nameOf(city.city.name)}</Fact>
                <Fact term={t("sys.clock")}>{clockOf(now.value)}, {dateOf(now.value)}</Fact>
                <Fact term={t("sys.zone")}>{city.time_zone} · {zoneOf(now.value)}</Fact>
                <Fact term={t("sys.clockSpeed")}>{city.clock_speed === 1 ? t("sys.realtime") : `×${num(city.clock_speed, Number.isInteger(city.clock_speed) ? 0 : 1)}`}</Fact>
                <Fact term={t("sys.links")}>{num(known)} {t("city.of", { n: num(links.value.size) })}</Fact>
                <Fact term={t("sys.vehicles")}>{num(vehicles.value?.vehicles.length ?? 0)}</Fact>
              </dl>
            </section>
            <section class="card">
              <h2>{t("sys.broker")}</h2>
              <dl>
                <Fact term={t("sys.status")}><UpDown up={city.broker.state === "up"} words={t(city.broker.state === "up" ? "sys.up" : "sys.down")} /> <span class="quiet">{t("sys.since", { time: clockOf(city.broker.since) })}</span></Fact>
              </dl>
              {city.broker.detail && <p class="soft">{city.broker.detail}</p>}
            </section>
            <section class="card">
              <h2>{t("sys.store")}</h2>
              <dl>
                <Fact term={t("sys.kind")}>{city.store.kind}</Fact>
                <Fact term={t("sys.status")}><UpDown up={city.store.state === "up"} words={t(city.store.state === "up" ? "sys.up" : "sys.down")} /></Fact>
                <Fact term={t("sys.written")}>{num(city.store.written)}</Fact>
                <Fact term={t("sys.waitingRows")}>{num(city.store.waiting)}</Fact>
                <Fact term={t("sys.dropped")}>{num(city.store.dropped)}</Fact>
              </dl>
            </section>
            <section class="card">
              <h2>{t("sys.junctions")}</h2>
              <dl>
                <Fact term={t("city.online")}>{num(city.junctions.online)} {t("city.of", { n: num(city.junctions.total) })}</Fact>
                <Fact term={t("city.match")}>{t("city.matching", { n: num(city.junctions.matching) })}</Fact>
                {Object.entries(city.junctions.by_mode).filter(([, n]) => n > 0).map(([mode, n]) => (
                  <Fact key={mode} term={modeOf(mode)}><span class="with-glyph">{num(n)}<ModeGlyph actual={mode} wanted={mode} /></span></Fact>
                ))}
              </dl>
            </section>
            <section class="card">
              <h2>{t("sys.rejected")}</h2>
              {Object.keys(city.rejected).length === 0 ? <p class="soft">{t("sys.rejectedNone")}</p> : (
                <>
                  <dl>{Object.entries(city.rejected).map(([name, n]) => <><dt class="code">{name}</dt><dd>{num(n)}</dd></>)}</dl>
                  <p class="label">{t("sys.rejectedWhy")}</p>
                </>
              )}
            </section>
          </div>
        )}
      </main>
    </>
  );
}
