// Starts a city for a benchmark: a broker, cabinets that speak each second, and the centre; all of them the programs that
// run in earnest. The vehicles and the detectors' counts come from `street.mjs`.

import { spawn, spawnSync } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Where the release builds of the programs are. */
const PROGRAMS = process.env.SVETOFOR_PROGRAMS ?? join(ROOT, "target/release");
export const FOLDER = join(ROOT, "target/bench-page");
/** Cabinets that share one connection to the broker. */
const PER_GATEWAY = 250;
/** A large city is read, and its cabinets make themselves known, for so long at most. */
const PATIENCE_MS = 120_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

async function answers(port, child, who) {
  for (const began = Date.now(); Date.now() - began < PATIENCE_MS && child.exitCode === null; await sleep(100)) {
    const heard = await new Promise((done) => {
      const socket = connect(port, "127.0.0.1", () => { socket.destroy(); done(true); });
      socket.on("error", () => done(false));
    });
    if (heard) return;
  }
  throw new Error(`${who} does not answer on port ${port}; see ${FOLDER}/${who}.log`);
}

function program(name) {
  const path = join(PROGRAMS, name);
  if (!existsSync(path)) throw new Error(`${path} is not there: cargo build --release --package ${name}, or SVETOFOR_PROGRAMS`);
  return path;
}

/** Seconds of processor that a process has taken, as the kernel counts them. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may hold blanks; what follows its closing bracket does not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout);
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** Everything runs when this is done; `stop` ends what it started. */
export async function startCity({ junctions, vehicles }) {
  mkdirSync(FOLDER, { recursive: true });
  const running = [];
  const stop = () => running.splice(0).reverse().forEach((child) => child.kill("SIGTERM"));
  const start = (name, path, args) => {
    const child = spawn(path, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const out = createWriteStream(join(FOLDER, `${name}.log`));
    child.stdout.pipe(out);
    child.stderr.pipe(out);
    child.on("error", (error) => console.error(`${name}: ${error.message}`));
    child.on("exit", (code) => running.includes(child) && console.error(`${name} ended with ${code}; see ${FOLDER}/${name}.log`));
    running.push(child);
    return child;
  };
  try {
    const city = join(FOLDER, `city-${junctions}.json`);
    if (!existsSync(city)) {
      const made = spawnSync(program("simulator"), ["generate", "--junctions", String(junctions), "--seed", "1", "--out", city], { stdio: "inherit" });
      if (made.status !== 0) throw new Error("the city could not be made");
    }
    const [broker, api] = [await freePort(), await freePort()];
    writeFileSync(join(FOLDER, "mosquitto.conf"), `listener ${broker} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 100000\nlog_type error\n`);
    const mosquitto = start("mosquitto", "mosquitto", ["-c", join(FOLDER, "mosquitto.conf")]);
    await answers(broker, mosquitto, "mosquitto");
    const store = join(FOLDER, "controller.sqlite");
    for (const tail of ["", "-wal", "-shm"]) rmSync(store + tail, { force: true });
    const config = readFileSync(join(ROOT, "configs/controller.toml"), "utf8")
      .replace("port = 1883", `port = ${broker}`)
      .replace("127.0.0.1:8081", `127.0.0.1:${api}`)
      .replace("data/city.json", city)
      .replace("data/controller.sqlite", store)
      // Signals that go by their plans: what they show changes as in a real city, whatever the made-up counts say.
      .replace('kind = "max-pressure"', 'kind = "fixed"');
    writeFileSync(join(FOLDER, "controller.toml"), config);
    const centre = start("controller", program("controller"), ["--config", join(FOLDER, "controller.toml")]);
    await answers(api, centre, "controller");
    const gateways = Math.ceil(junctions / PER_GATEWAY);
    start("simulator", program("simulator"), ["fleet", "--city", city, "--broker", `127.0.0.1:${broker}`, "--gateways", String(gateways)]);
    const street = fileURLToPath(new URL("street.mjs", import.meta.url));
    start("street", process.execPath, [street, String(broker), String(api), city, String(vehicles)]);
    const health = async () => (await fetch(`http://127.0.0.1:${api}/api/v1/health`)).json();
    const began = Date.now();
    let said = null;
    do {
      if (Date.now() - began > PATIENCE_MS) throw new Error(`${said?.junctions.online} of ${junctions} junctions are online after ${PATIENCE_MS / 1000} s`);
      await sleep(1000);
      said = await health();
    } while (said.junctions.online < 0.98 * junctions);
    return { api, broker, centre: centre.pid, health, stop };
  } catch (error) {
    stop();
    throw error;
  }
}
