// One camera: whether it answers, what it shows now, and where its stream is.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Camera } from "../api/view";
import { coarse, nameOf, t, tk } from "../i18n";
import { now } from "../live/live";
import { junctionHref } from "../route";
import { open, person } from "../session";
import { Icon } from "../ui/Icon";

/** A picture is asked for anew so long after the one before it has come. */
const NEXT_MS = 2000;

function Picture({ camera }: { camera: Camera }) {
  const shown = useSignal<string | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    let dead = false;
    let next: ReturnType<typeof setTimeout> | undefined;
    const show = async (): Promise<void> => {
      try {
        const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera.id)}/picture`);
        if (!answer.ok) throw new Error(answer.statusText);
        const address = URL.createObjectURL(await answer.blob());
        if (dead) return URL.revokeObjectURL(address);
        if (shown.peek() !== null) URL.revokeObjectURL(shown.peek() as string);
        shown.value = address;
        failed.value = false;
      } catch {
        failed.value = true;
      }
      if (!dead) next = setTimeout(() => void show(), NEXT_MS);
    };
    void show();
    return () => {
      dead = true;
      clearTimeout(next);
      if (shown.peek() !== null) URL.revokeObjectURL(shown.peek() as string);
    };
  }, [camera.id]);
  return (
    <div class={`camera-picture${failed.value ? " hatched" : ""}`} data-picture={failed.value ? "failed" : shown.value === null ? "coming" : "shown"}>
      {shown.value !== null && <img src={shown.value} alt={t("camera.picture", { name: nameOf(camera.name) })} />}
      {failed.value && <p class="stale-note">{t(shown.value === null ? "camera.none" : "camera.lost")}</p>}
    </div>
  );
}

export function CameraPop({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const maySee = open.value || person.value !== null;
  return (
    <>
      <h2>{nameOf(camera.name)}</h2>
      <p class="label">
        {t("camera.id", { id: camera.id })} · {tk(`camera.state.${camera.state}`) ?? camera.state}
        {camera.state === "silent" && camera.seen_at !== null && <> · {t("camera.last", { age: coarse((now.value - camera.seen_at) / 1000) })}</>}
      </p>
      {camera.picture && maySee && <Picture camera={camera} />}
      {!maySee && <p class="soft">{t("camera.signIn")}</p>}
      {camera.stream !== null && <p class="camera-stream"><span class="label">{t("camera.stream")}</span> <code>{camera.stream}</code></p>}
      <div class="pop-actions">
        {camera.junction !== null && <a class="button small" href={junctionHref(camera.junction)}>{t("pop.open")}</a>}
        {!maySee && <a class="button small" href="#/sign-in?then=city"><Icon name="person" size={16} />{t("sign.in")}</a>}
        <button type="button" class="button small quiet-button" onClick={onClose}>{t("pop.close")}</button>
      </div>
    </>
  );
}
