// The open tickets of a junction, where the junction is shown.

import { t } from "../i18n";
import { write } from "../route";
import { AlarmBadge } from "../ui/signs";
import { useOpenTickets } from "./open";
import { ticketPart, ticketTitle } from "./words";

export function OfJunction({ id }: { id: string }) {
  const open = useOpenTickets()?.tickets.filter((one) => one.junction === id) ?? [];
  if (open.length === 0) return null;
  return (
    <section class="commands" aria-labelledby="of-junction">
      <h2 id="of-junction">{t("tk.ofJunction")} <span class="quiet">{open.length}</span></h2>
      <ul>
        {open.slice(0, 4).map((one) => (
          <li key={one.number}>
            <a class="alarm-row" href={write({ screen: "tickets", id: String(one.number), query: { j: id } })}>
              <AlarmBadge priority={one.priority} />
              <span class="alarm-name">{ticketTitle(one)}</span>
              <span class="alarm-when code">{one.number}</span>
              <span class="alarm-text">{[ticketPart(one), t(`tk.state.${one.state}`)].filter(Boolean).join(" · ")}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A way from the map to them. */
export function TicketsHere({ id }: { id: string }) {
  const n = useOpenTickets()?.tickets.filter((one) => one.junction === id).length ?? 0;
  if (n === 0) return null;
  return <a class="button small" href={write({ screen: "tickets", id: null, query: { j: id } })}>{t("tk.title")} {n}</a>;
}
