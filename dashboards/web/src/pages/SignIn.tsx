// Sign-in with login and password, or by the word of the city's provider of identities. A link may carry both behind the `#`, which no server sees: the demo prints such links.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Refused } from "../api/client";
import { t, tk } from "../i18n";
import { parse, place, write } from "../route";
import { mayLook, open, person, session, signIn } from "../session";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";

export function SignIn() {
  const login = useSignal("");
  const password = useSignal("");
  const waiting = useSignal(false);
  const refused = useSignal<string | null>(null);
  const first = useRef<HTMLInputElement>(null);

  async function send(): Promise<void> {
    if (waiting.value) return;
    waiting.value = true;
    refused.value = null;
    try {
      await signIn(login.value.trim(), password.value);
      password.value = "";
      const { screen, query } = place.peek();
      if (screen === "sign-in") location.hash = write(parse(`#/${query["then"] ?? "city"}`));
    } catch (error) {
      const problem = error instanceof Refused ? error.problem : null;
      refused.value = problem?.status === 401 ? t("sign.wrong") : problem?.status === 429 ? t("sign.wait") : t("sign.failed");
    } finally {
      waiting.value = false;
    }
  }

  const { query } = place.value;
  const provider = session.value?.provider ?? null;
  const turnedAway = provider !== null && query["refused"] !== undefined ? tk(`sign.refused.${query["refused"]}`, { name: provider }) : null;
  useEffect(() => {
    const given = query["password"];
    if (given === undefined) {
      first.current?.focus();
      return;
    }
    login.value = query["login"] ?? "";
    password.value = given;
    // Neither the address bar nor the history keeps it.
    const then = query["then"];
    const clean = write({ screen: "sign-in", id: null, query: then === undefined ? {} : { then } });
    history.replaceState(history.state, "", clean);
    place.value = parse(clean);
    void send();
  }, [query["password"]]);

  return (
    <>
      <TopBar title={t("sign.title")} />
      <main id="main" class="screen page" tabIndex={-1}>
        {open.value ? (
          <div class="state"><h2>{t("sign.open")}</h2><p>{t("sign.openWhy")}</p></div>
        ) : (
          <form
            class="sign-in"
            onSubmit={(event) => {
              event.preventDefault();
              void send();
            }}
          >
            <p class="soft">{person.value !== null ? t("sign.already", { name: person.value.name }) : mayLook.value && session.value !== null ? t("sign.why") : t("sign.whyLook")}</p>
            {provider !== null && (
              <>
                {turnedAway !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{turnedAway}</span></p>}
                <a class="button primary" href={`/api/v1/session/provider?${new URLSearchParams({ then: query["then"] ?? "city" })}`}>{t("sign.with", { name: provider })}</a>
                <h2 class="label">{t("sign.orAccount")}</h2>
              </>
            )}
            <div class="field">
              <label for="login">{t("sign.login")}</label>
              <input id="login" class="input" ref={first} autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={80} value={login.value} onInput={(event) => (login.value = event.currentTarget.value)} />
            </div>
            <div class="field">
              <label for="password">{t("sign.password")}</label>
              <input id="password" class="input" type="password" autocomplete="current-password" maxLength={200} value={password.value} onInput={(event) => (password.value = event.currentTarget.value)} />
            </div>
            {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
            <button type="submit" class={`button${provider === null ? " primary" : ""}${waiting.value ? " waiting" : ""}`} aria-disabled={login.value.trim() === "" || password.value === ""}>{t("sign.in")}</button>
            <p class="label">{t("sign.ends")}</p>
          </form>
        )}
      </main>
    </>
  );
}
