// The page: which screen, and what stands around it.

import { useSignal } from "@preact/signals";
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Alarms } from "./pages/Alarms";
import { Audit } from "./pages/Audit";
import { City } from "./city/City";
import { Corridor } from "./corridor/Corridor";
import { t } from "./i18n";
import { Junction } from "./junction/Junction";
import { Junctions } from "./pages/Junctions";
import { Orders } from "./pages/Orders";
import { Journey } from "./pages/Journey";
import { SignIn } from "./pages/SignIn";
import { Area } from "./replay/Area";
import { Replay } from "./replay/Replay";
import { place, type Screen as ScreenName } from "./route";
import { mayLook } from "./session";
import { System } from "./pages/System";
import { KeysSheet, NavRail, TopBar } from "./ui/Shell";
import { Patterns } from "./ui/signs";

function Screen() {
  const { screen, id } = place.value;
  if (!mayLook.value) return <SignIn />;
  switch (screen) {
    case "junction":
      return <Junction key={id} id={id ?? ""} />;
    case "replay":
      return id === null ? <Area /> : <Replay key={id} id={id} />;
    case "junctions":
      return <Junctions />;
    case "corridors":
      return <Corridor />;
    case "measures":
      return <Later key="measures" title={t("m.title")} load={() => import("./measures/Measures").then(({ Measures }) => Measures)} />;
    case "tickets":
      return <Later key="tickets" title={t("tk.title")} load={() => import("./tickets/Tickets").then(({ Tickets }) => Tickets)} />;
    case "incidents":
      return <Later key="incidents" title={t("in.title")} load={() => import("./incidents/Incidents").then(({ Incidents }) => Incidents)} />;
    case "plans":
      return <Later key="plans" title={t("pl.title")} load={() => import("./plans/Plans").then(({ Plans }) => Plans)} />;
    case "people":
      return <Later key="people" title={t("people.title")} load={() => import("./people/People").then(({ People }) => People)} />;
    case "alarms":
      return <Alarms />;
    case "alarm":
      return <Later key={`alarm ${id}`} title={t("alarm.title")} load={() => import("./alarms/Alarm").then(({ Alarm }) => () => <Alarm id={id ?? ""} />)} />;
    case "commands":
      return <Orders />;
    case "audit":
      return <Audit />;
    case "sign-in":
      return <SignIn />;
    case "journey":
      return <Journey />;
    case "system":
      return <System />;
    default:
      return <City />;
  }
}

/** A screen that comes when it is first looked at. */
function Later({ title, load }: { title: string; load: () => Promise<ComponentType> }) {
  const come = useSignal<{ screen: ComponentType } | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    load().then((screen) => (come.value = { screen }), () => (failed.value = true));
  }, []);
  if (come.value) return <come.value.screen />;
  return (
    <>
      <TopBar title={title} />
      <main id="main" class="screen" tabIndex={-1}>
        {failed.value
          ? <div class="state page"><h2>{t("fail.title")}</h2><p>{t("fail.why")}</p><button type="button" class="button primary" onClick={() => location.reload()}>{t("fail.reload")}</button></div>
          : <div class="grey-lines" role="status" aria-label={t("m.loading")}><i /><i /><i /></div>}
      </main>
    </>
  );
}

/** A fault in drawing must not leave a blank page that looks calm. */
class Guard extends Component<{ children: ComponentChildren }, { failed: string | null }> {
  override state = { failed: null as string | null };
  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ failed: error instanceof Error ? error.message : String(error) });
  }
  override render() {
    if (this.state.failed === null) return this.props.children;
    return (
      <main class="state">
        <h1>{t("fail.title")}</h1>
        <p>{t("fail.why")}</p>
        <p class="code">{this.state.failed}</p>
        <button type="button" class="button primary" onClick={() => location.reload()}>{t("fail.reload")}</button>
      </main>
    );
  }
}

export function App() {
  const { screen } = place.value;
  useEffect(() => {
    const words = {
      city: "nav.city", junctions: "nav.junctions", junction: "nav.junctions", replay: "rep.title", corridors: "nav.corridors", measures: "nav.measures", alarms: "nav.alarms", alarm: "alarm.title", tickets: "tk.title", incidents: "in.title", plans: "pl.title", commands: "nav.commands",
      journey: "nav.journey", audit: "nav.audit", people: "people.title", system: "nav.system", "sign-in": "sign.title",
    } as const satisfies Record<ScreenName, string>;
    document.title = `${t(words[screen])} · ${t("app.name")}`;
  });
  return (
    <Guard>
      <Patterns />
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{t("skip")}</a>
      <div class="shell">
        <NavRail />
        <Screen />
      </div>
      <KeysSheet />
    </Guard>
  );
}
