import "./fonts.css";
import "./tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/city.css";
import "./styles/junction.css";
import "./styles/pages.css";
import "./styles/corridor.css";
import "./styles/replay.css";
import "./styles/measures.css";
import { render } from "preact";
import { App } from "./App";
import { start } from "./live/live";
import { start as startSession } from "./session";

startSession();
start();
const root = document.getElementById("app");
if (root) render(<App />, root);
