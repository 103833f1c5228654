/** Puts the store, the engine and the page together. */
import "@fontsource-variable/figtree/index.css";
import "./styles/base.css";
import "./styles/welcome.css";
import "./styles/other.css";
import "./styles/layout.css";
import "./styles/conversation.css";
import "./styles/device.css";
import { catalogue, createEngine, diagnose, inspect } from "hearth";
import { render } from "preact";
import { App } from "./components/App.js";
import { fromCatalogue } from "./models.js";
import { Studio } from "./store.js";

const models = fromCatalogue(catalogue.models);
const studio = new Studio({ createEngine, diagnose, inspect, models });
const root = document.getElementById("app");
if (root) render(<App studio={studio} />, root);
