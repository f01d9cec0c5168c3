// Who has which role, what each role may do, and how somebody new gets in. Accounts stand in a file of the centre: the page
// reads them, and writes the command that adds one.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { audit, people, Refused } from "../api/client";
import type { Person } from "../api/view";
import { clockOf, dateOf, t, tk, tn } from "../i18n";
import { junctions } from "../live/live";
import { may, open, person } from "../session";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { command, has, lastSignIns, RIGHTS, ROLES, type Role } from "./rights";

const roleOf = (role: string): string => tk(`role.${role}`) ?? role;

export function People() {
  const all = useSignal<Person[] | null>(null);
  const signedIn = useSignal<Map<string, number>>(new Map());
  const failed = useSignal<string | null>(null);
  const allowed = may("configure", "nowhere") && !open.value;

  const load = () => {
    failed.value = null;
    people().then((found) => (all.value = found.people), (error: unknown) => (failed.value = error instanceof Refused ? error.message : String(error)));
    // The list is whole without it.
    audit(null, "signed in").then((page) => (signedIn.value = lastSignIns(page.lines)), () => undefined);
  };
  useEffect(() => {
    if (allowed) load();
  }, [allowed, person.value?.login]);

  return (
    <>
      <TopBar title={t("people.title")} sub={all.value === null ? undefined : tn("people.n", all.value.length)} />
      <main id="main" class="screen page people" tabIndex={-1}>
        {!allowed ? (
          <div class="state"><h2>{t(open.value ? "people.open" : "people.noRole")}</h2><p>{t(open.value ? "people.openWhy" : "people.noRoleWhy")}</p></div>
        ) : (
          <>
            <section aria-labelledby="people-all">
              <h2 id="people-all">{t("people.all")}</h2>
              {failed.value !== null ? (
                <div class="state"><h3><Icon name="error" size={16} />{t("people.failed")}</h3><p>{failed.value}</p><button type="button" class="button" onClick={load}>{t("j.retry")}</button></div>
              ) : all.value === null ? (
                <div class="grey-lines" role="status" aria-label={t("people.loading")}><i /><i /><i /></div>
              ) : (
                <table class="rows plain-rows people-table">
                  <thead><tr><th scope="col">{t("people.name")}</th><th scope="col">{t("people.login")}</th><th scope="col">{t("people.role")}</th><th scope="col">{t("people.where")}</th><th scope="col">{t("people.last")}</th></tr></thead>
                  <tbody>
                    {all.value.map((one) => {
                      const at = signedIn.value.get(one.login);
                      return (
                        <tr key={one.login}>
                          <th scope="row">{one.name}{one.login === person.value?.login && <span class="quiet"> · {t("people.you")}</span>}</th>
                          <td class="code">{one.login}</td>
                          <td title={tk(`role.${one.role}.may`) ?? undefined}>{roleOf(one.role)}</td>
                          <td>{one.districts === null ? t("sys.everywhere") : one.districts.join(", ")}</td>
                          <td>{at === undefined ? <span class="quiet">{t("people.notLately")}</span> : `${dateOf(at)}, ${clockOf(at).slice(0, 5)}`}</td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              )}
            </section>
            <section aria-labelledby="people-rights">
              <h2 id="people-rights">{t("people.rights")}</h2>
              <table class="rows plain-rows people-rights">
                <thead><tr><th scope="col">{t("people.may")}</th>{ROLES.map((role) => <th scope="col" class="people-role">{roleOf(role)}</th>)}</tr></thead>
                <tbody>
                  {RIGHTS.map(([right, least]) => (
                    <tr>
                      <th scope="row">{t(`right.${right}`)}</th>
                      {ROLES.map((role) => (
                        <td class="people-role">{has(role, least) ? <><Icon name="check" size={16} /><span class="visually-hidden">{t("people.yes")}</span></> : <><span class="quiet" aria-hidden="true">–</span><span class="visually-hidden">{t("people.no")}</span></>}</td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
              <p class="label">{t("people.rightsWhy")}</p>
            </section>
            <NewAccount />
          </>
        )}
      </main>
    </>
  );
}

/** The centre takes accounts from its file alone: whoever can write that file makes them. */
function NewAccount() {
  const login = useSignal("");
  const name = useSignal("");
  const role = useSignal<Role>("operate");
  const district = useSignal("");
  const copied = useSignal(false);
  const districts = [...new Set([...junctions.value.values()].map((junction) => junction.district))].sort();
  const line = command({ login: login.value, name: name.value, role: role.value, districts: district.value ? [district.value] : [] });
  const changed = (act: () => void) => {
    act();
    copied.value = false;
  };
  return (
    <section aria-labelledby="people-new">
      <h2 id="people-new">{t("people.new")}</h2>
      <p class="soft people-why">{t("people.newWhy")}</p>
      <form class="people-form" onSubmit={(event) => event.preventDefault()}>
        <label class="field"><span class="label">{t("people.login")}</span><input class="input" autocomplete="off" value={login.value} onInput={(event) => changed(() => (login.value = event.currentTarget.value))} /></label>
        <label class="field"><span class="label">{t("people.name")}</span><input class="input" autocomplete="off" value={name.value} onInput={(event) => changed(() => (name.value = event.currentTarget.value))} /></label>
        <label class="field"><span class="label">{t("people.role")}</span><select class="input" value={role.value} onChange={(event) => changed(() => (role.value = event.currentTarget.value as Role))}>{ROLES.map((one) => <option value={one}>{roleOf(one)}</option>)}</select></label>
        <label class="field"><span class="label">{t("people.where")}</span><select class="input" value={district.value} onChange={(event) => changed(() => (district.value = event.currentTarget.value))}><option value="">{t("sys.everywhere")}</option>{districts.map((one) => <option value={one}>{one}</option>)}</select></label>
      </form>
      {line === null ? <p class="label">{t("people.newMissing")}</p> : (
        <div class="people-command">
          <code class="code" tabIndex={0}>{line}</code>
          <button type="button" class="button" onClick={() => void navigator.clipboard.writeText(line).then(() => (copied.value = true), () => undefined)}>{t("people.copy")}</button>
          <span role="status" class="label">{copied.value && t("people.copied")}</span>
        </div>
      )}
    </section>
  );
}
