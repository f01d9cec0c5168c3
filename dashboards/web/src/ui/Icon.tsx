// Tabler's outline icons (MIT), inlined: only those we name are bundled. Always beside a word; hidden from readers.

import alert from "@tabler/icons/outline/alert-triangle.svg?raw";
import arrowUp from "@tabler/icons/outline/arrow-narrow-up.svg?raw";
import audit from "@tabler/icons/outline/history.svg?raw";
import back from "@tabler/icons/outline/chevron-left.svg?raw";
import bus from "@tabler/icons/outline/bus.svg?raw";
import bike from "@tabler/icons/outline/bike.svg?raw";
import calendar from "@tabler/icons/outline/calendar-time.svg?raw";
import car from "@tabler/icons/outline/car.svg?raw";
import check from "@tabler/icons/outline/check.svg?raw";
import city from "@tabler/icons/outline/map-2.svg?raw";
import close from "@tabler/icons/outline/x.svg?raw";
import commands from "@tabler/icons/outline/terminal-2.svg?raw";
import corridor from "@tabler/icons/outline/route-2.svg?raw";
import download from "@tabler/icons/outline/download.svg?raw";
import end from "@tabler/icons/outline/arrow-back-up.svg?raw";
import error from "@tabler/icons/outline/circle-x.svg?raw";
import forward from "@tabler/icons/outline/chevron-right.svg?raw";
import hand from "@tabler/icons/outline/hand-stop.svg?raw";
import keyboard from "@tabler/icons/outline/keyboard.svg?raw";
import kind from "@tabler/icons/outline/adjustments-horizontal.svg?raw";
import layers from "@tabler/icons/outline/stack-2.svg?raw";
import lights from "@tabler/icons/outline/traffic-lights.svg?raw";
import link from "@tabler/icons/outline/link.svg?raw";
import locate from "@tabler/icons/outline/current-location.svg?raw";
import lock from "@tabler/icons/outline/lock.svg?raw";
import metro from "@tabler/icons/outline/building-tunnel.svg?raw";
import measures from "@tabler/icons/outline/chart-dots-2.svg?raw";
import menu from "@tabler/icons/outline/menu-2.svg?raw";
import minus from "@tabler/icons/outline/minus.svg?raw";
import moon from "@tabler/icons/outline/moon.svg?raw";
import open from "@tabler/icons/outline/lock-open.svg?raw";
import pause from "@tabler/icons/outline/player-pause.svg?raw";
import camera from "@tabler/icons/outline/video.svg?raw";
import person from "@tabler/icons/outline/user.svg?raw";
import pin from "@tabler/icons/outline/map-pin.svg?raw";
import play from "@tabler/icons/outline/player-play.svg?raw";
import plus from "@tabler/icons/outline/plus.svg?raw";
import route from "@tabler/icons/outline/route.svg?raw";
import search from "@tabler/icons/outline/search.svg?raw";
import shield from "@tabler/icons/outline/shield-check.svg?raw";
import sun from "@tabler/icons/outline/sun.svg?raw";
import swap from "@tabler/icons/outline/arrows-sort.svg?raw";
import system from "@tabler/icons/outline/server-2.svg?raw";
import toEnd from "@tabler/icons/outline/player-skip-forward.svg?raw";
import toStart from "@tabler/icons/outline/player-skip-back.svg?raw";
import tram from "@tabler/icons/outline/train.svg?raw";
import walk from "@tabler/icons/outline/walk.svg?raw";
import wave from "@tabler/icons/outline/wave-sine.svg?raw";

const RAW = {
  alert, arrowUp, audit, back, bike, bus, calendar, car, check, city, close, commands, corridor, download, end, error, forward, hand,
  camera, keyboard, kind, layers, lights, link, locate, lock, measures, menu, metro, minus, moon, open, pause, person, pin, play, plus, route,
  search, shield, sun, swap, system, toEnd, toStart, tram, walk, wave,
} as const;

export type IconName = keyof typeof RAW;

/** The shapes inside Tabler's `<svg>`, without its comments. */
const inner = (raw: string): string => raw.slice(raw.indexOf(">", raw.indexOf("<svg")) + 1, raw.lastIndexOf("</svg>"));

export function Icon({ name, size = 20 }: { name: IconName; size?: 16 | 20 | 24 }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={(1.6 * 24) / (size === 16 ? 20 : 22)}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      dangerouslySetInnerHTML={{ __html: inner(RAW[name]) }}
    />
  );
}
