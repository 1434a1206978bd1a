import { render } from "preact";
import { effect } from "@preact/signals";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { App } from "./app";
import { lang } from "./i18n";

effect(() => {
  document.documentElement.lang = lang.value;
});

render(<App />, document.getElementById("app")!);
